"""From scratch: attention and layers are the student's own, from Linear and the like."""

import pytest

from assay.rubric import ForReview, KnownMistake, Wrong, answered
from rubric_tests.part2.sources import foreign_names, ready_made, ready_made_in_texts
from rubric_tests.reading import check_readable

pytestmark = [
    pytest.mark.criterion("from-scratch"),
    pytest.mark.hint("nn.Linear, nn.Embedding and nn.LayerNorm are allowed; the rest is your own"),
]

WATCHED = "watched to the end"  # as the exam puts it
COMPONENTS = ("attention/weights", "multi-head/self-one", "encoder-layer/tokens", "model/logits")
WORKS = ("attention", "MultiHeadAttention", "EncoderLayer", "DecoderLayer", "model", "generate")


def any_component(evidence) -> bool:
    """Whether something of the student's own was there to be watched, model or not."""
    return any(answered(evidence, question) for question in COMPONENTS)


def test_the_model_holds_nothing_ready_made(evidence):
    """No part of the trained model is a transformer or an attention that somebody else wrote."""
    try:
        classes = evidence["scratch/live"].text.strings("classes")
    except Exception as error:
        if getattr(error, "absent", "") == "model" and any_component(evidence):
            pytest.skip("not asked: there is no `model`, which is marked where it is asked for")
        raise
    found = sorted(name for name in classes if ready_made(name))

    assert classes, "the model is not made of torch modules"

    if found:
        raise KnownMistake("a library does the work", f"`{found[0]}` is part of the model")


def test_nothing_ready_made_is_at_work(evidence):
    """No ready-made attention runs while the components, the model and `generate` work."""
    if not any_component(evidence):
        assert evidence["scratch/live"], "there is nothing to watch"
    text = evidence["scratch/work"].text
    for work in WORKS:
        called = text.strings(work)
        found = sorted(name for name in called if ready_made(name))
        if found:
            raise KnownMistake(
                "a library does the work", f"`{found[0]}` is at work inside `{work}`"
            )
    operators = text.strings("operators")
    if found := sorted(name for name in operators if ready_made(name)):
        raise KnownMistake("a library does the work", f"`{found[0]}` is at work, says torch itself")
    for work in (*WORKS, "operators"):
        if WATCHED not in text.strings(work):
            said = text.strings(work)[-1:]
            raise ForReview(f"what runs inside `{work}` could not be watched: {', '.join(said)}")


def test_nothing_ready_made_is_reached(submission, runs):
    """No source that is used leads to one."""
    if not any_component(runs[0].evidence):
        assert runs[0].evidence["scratch/live"], "there is no model, and no part of one"
    found = sorted(name for name in foreign_names(submission) if ready_made(name))

    if found:
        raise Wrong(f"the source reaches `{found[0]}`")
    if texts := ready_made_in_texts(submission):
        raise ForReview(f"the text `{texts[0]}` names a part that is ready made: what is it for?")
    check_readable(submission, runs)
