"""From scratch: the network is the student's own, in NumPy."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from assay.rubric import ForReview, Wrong, after_marks_for_any, answered, same_numbers
from rubric_tests import reference
from rubric_tests.part1.judgement import (
    CAUSES,
    after_marks_for,
    check_gradient,
    check_live_objects,
    lacks,
    recognised,
    watched_in,
    where_there,
)
from rubric_tests.part1.sources import LIBRARIES, Sources, ready_made
from rubric_tests.reading import check_readable
from rubric_tests.reference import Weights

pytestmark = [
    pytest.mark.criterion("from-scratch"),
    pytest.mark.hint("forward pass, gradients and update are to be written in NumPy"),
]

WITNESSES = ("sklearn.neural_network", *sorted(LIBRARIES))
FUNCTIONS = ("initialise", "fit", "predict_proba", "loss_and_gradients")
EXAM = {"exam.scratch", "exam.watching"}
"""Modules of the exam's own one of which is seen at work by whoever watches at all."""
WIDTHS = (3, 24)  # features at which the lines and the memory of the gradients are counted
COPIES = 1 / 4  # of all weights for each weight: rows and matrices take a twentieth of it
LEFT_BEHIND = (
    *("none.", "IPython.", "ipykernel.", "tornado.", "zmq.", "tqdm.", "asyncio.", "matplotlib."),
    *("multiprocessing.queues.", "joblib.externals.loky.", "concurrent.futures.process."),
)
"""Modules whose threads bars, pools of processes and the kernel leave behind, and no work is in."""
HANDS_ON = (
    *("queue.", "_queue.", "joblib.", "concurrent.", "dask.", "distributed.", "logging.handlers."),
    *("socket.", "_socket.", "subprocess.", "_posixsubprocess.", "asyncio.", "_asyncio."),
    *("multiprocessing.pool.", "multiprocessing.queues.", "multiprocessing.connection."),
)
"""Modules by which a thread or a process that is not watched is given work."""
TOGETHER = 1 / 2  # the same, times the growth of lines: some slopes at a time take about two


def test_nothing_ready_made_is_at_work(evidence, given):
    """No ready-made network and no autograd runs while the network is fitted or asked."""
    try:
        check_live_objects(evidence, given)
    except AssertionError:
        raise
    except Exception:  # not answered: a fit that breaks off on its own gradients
        with after_marks_for(evidence, given, "gradients"):
            raise
    check_watched(evidence, given)


def check_watched(evidence, given):
    """The network was watched at work, from the first call of the exam's own to the last."""
    asked = ["source/work", "source/gradients"][: 1 if lacks(evidence, "loss_and_gradients") else 2]
    asked += watched_in(evidence)
    for question in asked:
        text = evidence[question].text
        if text.string("watched") != "to the end" or EXAM.isdisjoint(text.strings("at_work")):
            raise ForReview("what runs inside `ScratchNetwork` could not be watched")
    work = evidence["source/work"]
    for thread in work.text.strings("threads"):
        if not is_left_behind(thread):
            raise ForReview(f"a thread of `{thread}` is there while `ScratchNetwork` is watched")
    for question in asked:
        for module in evidence[question].text.strings("at_work"):
            if f"{module}.".startswith(HANDS_ON):
                raise ForReview(f"`ScratchNetwork` hands work on by `{module}`")
    if not np.allclose(work.unwatched, work.once_more, rtol=0, atol=1e-6):
        raise ForReview(
            "two fits of `ScratchNetwork` with one `random_state` differ: whether it works in "
            "another way while it is watched cannot be told"
        )
    if not np.allclose(work.unwatched, work.seen, rtol=0, atol=1e-6):
        raise ForReview("`ScratchNetwork` says something else while it is watched")
    if not lacks(evidence, "loss_and_gradients"):
        check_as_elsewhere(evidence, given, "source/gradients")


@pytest.mark.hint("backpropagation gives every slope at once, from the layer behind")
def test_slopes_are_not_measured_one_by_one(evidence, given):
    """The gradients take as many lines of Python at any width, compared with the outputs."""
    with (
        where_there(evidence, "loss_and_gradients"),
        nullcontext()
        if right_where_marked(evidence, given)
        else after_marks_for(evidence, given, "gradients"),
    ):
        check_live_objects(evidence, given)  # what a library computes is not the student's
        few, many = WIDTHS
        lines = {d: evidence[f"source/lines/{d}"].lines for d in WIDTHS}
        grows = {d: gradients / max(1, outputs) for d, (outputs, gradients) in lines.items()}
        if grows[many] > 2 * many / few * grows[few]:
            raise ForReview(
                f"`loss_and_gradients` executes {lines[many][1]:.0f} lines of Python at {many} "
                f"features and {lines[few][1]:.0f} at {few}: are slopes measured weight by weight?"
            )
        check_memory(evidence, given, many, max(1.0, grows[many] / max(grows[few], 1e-9)))
        check_wide(evidence, given)
        for d in WIDTHS:
            check_as_elsewhere(evidence, given, f"source/lines/{d}")


def right_where_marked(evidence, given):
    """Whether the gradients are right at the shape that every network has, and earn marks for it.

    At other shapes code may raise or be wrong, and is watched all the same.
    """
    try:
        check_gradient(evidence, given, "gradients/square", Weights._fields)
    except Exception:  # marked with the gradients
        return False
    return True


def check_memory(evidence, given, d, growth):
    """The gradients take far less memory than a copy of all weights for each of them.

    Measured some at a time, they take less of it and more lines: together as much.
    """
    said = evidence[f"source/lines/{d}"].text.string("memory")
    taken = int(said) if said.isdecimal() and len(said) < 16 else 0
    sheet = given[f"source/lines/{d}"]
    n_weights = sum(getattr(sheet, part).size for part in Weights._fields)
    copies = taken / (8 * n_weights**2)
    if taken == 0 or copies > COPIES or copies * growth > TOGETHER:
        raise ForReview(
            f"`loss_and_gradients` takes {taken:,} bytes for the {n_weights} weights of {d} "
            "features: are slopes measured all at once, or some at a time?"
        )


def is_left_behind(module):
    """Whether a thread of this module is one of a bar, a pool or the kernel; names end whole."""
    return f"{module}.".startswith(LEFT_BEHIND)


def check_wide(evidence, given):
    """Where small networks have right gradients, one of many weights has them within its time.

    Lines and bytes can be made up for; 600,000 outputs take minutes, and gradients a moment.
    """
    if not right_where_marked(evidence, given):
        return
    sheet, form = given["source/wide"], recognised(evidence, given)
    now = Weights(np.outer(sheet.left, sheet.right), sheet.b1, sheet.W2, sheet.b2)
    right = reference.gradients(sheet.X, sheet.y, now, form)
    try:
        found = evidence["source/wide"]
    except Exception as error:  # not answered, too late among other reasons
        raise ForReview(
            f"`loss_and_gradients` has no answer for {now.flat().size:,} weights and "
            f"{len(sheet.X)} rows: are slopes measured one by one? {error}"
        ) from None
    for name, expected in (
        ("across", right.W1 @ sheet.across),
        *((f"d{part}", getattr(right, part)) for part in ("W2", "b1", "b2")),
    ):
        atol = 1e-6 * float(np.abs(expected).max()) + 1e-12
        if not same_numbers(getattr(found, name), expected, atol=atol):
            raise ForReview("`loss_and_gradients` is another for many weights than for few")


def check_as_elsewhere(evidence, given, question):
    """Where its gradients are right when they are asked for marks, they are when watched."""
    if not right_where_marked(evidence, given):
        return
    watched = {
        "gradients/square": evidence["gradients/square"],
        question: SimpleNamespace(**evidence.partial(question)),
    }
    try:
        check_gradient(watched, given, question, Weights._fields)
    except Exception as wrong:
        raise ForReview(
            f"`loss_and_gradients` says something else while watched: {wrong}"
        ) from None


def test_nothing_ready_made_is_reached(submission, runs):
    """The source of `ScratchNetwork` leads to no ready-made network and to no autograd."""
    sources = Sources(submission)
    is_class = any("ScratchNetwork" in names for names in sources.defines.values())
    for start in ("ScratchNetwork",) if is_class else FUNCTIONS:
        found = sorted({name for name in sources.reached(start) if ready_made(name)})
        if found:
            raise Wrong(f"`{start}` reaches `{found[0]}`")
    check_at_work(runs)
    check_readable(submission, runs)
    check_loaded(sources, runs)


def check_at_work(runs):
    """There is a network that can be fitted and asked: of none at all, nothing bad is found."""
    if not any(answered(run.evidence, "source/work") for run in runs):
        with after_marks_for_any(CAUSES, runs, "gradients"):
            runs[0].evidence["source/work"]  # says why


def check_loaded(sources, runs):
    """A library of ready-made networks is loaded only where an import of it is written down."""
    written = sources.imports()
    for run in runs:
        for module in run.evidence["source/loaded"].text.strings("modules"):
            head = next((known for known in WITNESSES if f"{module}.".startswith(f"{known}.")), "")
            if head and not any(f"{name}.".startswith(f"{head}.") for name in written):
                raise ForReview(f"`{head}` was loaded, and no import of it is written down")
