"""From scratch: the network is the student's own, in NumPy."""

import pytest

from rubric_tests.checks import ForReview, Wrong
from rubric_tests.part1.judgement import after_marks_for, check_live_objects
from rubric_tests.part1.sources import Sources, ready_made
from rubric_tests.reading import check_readable

pytestmark = [
    pytest.mark.criterion("from-scratch"),
    pytest.mark.hint("forward pass, gradients and update are to be written in NumPy"),
]

FUNCTIONS = ("initialise", "fit", "predict_proba", "loss_and_gradients")


def test_nothing_ready_made_is_at_work(evidence, given):
    """No ready-made network and no autograd runs while the network is fitted or asked."""
    try:
        check_live_objects(evidence, given)
    except AssertionError:
        raise
    except Exception:  # not answered: a fit that breaks off on its own gradients
        with after_marks_for(evidence, given, "gradients"):
            raise
    check_watched(evidence)


def check_watched(evidence):
    """The network was watched at work, from the first call of the exam's own to the last."""
    for question in ("source/work", "source/gradients"):
        text = evidence[question].text
        if text.string("watched") != "to the end" or "exam.scratch" not in text.strings("at_work"):
            raise ForReview("what runs inside `ScratchNetwork` could not be watched")


def test_nothing_ready_made_is_reached(submission, runs):
    """The source of `ScratchNetwork` leads to no ready-made network and to no autograd."""
    sources = Sources(submission)
    is_class = any("ScratchNetwork" in names for names in sources.defines.values())
    for start in ("ScratchNetwork",) if is_class else FUNCTIONS:
        found = sorted({name for name in sources.reached(start) if ready_made(name)})
        if found:
            raise Wrong(f"`{start}` reaches `{found[0]}`")
    check_readable(submission, runs)
