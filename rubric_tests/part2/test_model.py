"""The model the notebook leaves, as a function from tokens to logits."""

import numpy as np
import pytest

from assay.rubric import ForReview, KnownMistake, Wrong, fault_of, follows_from
from rubric_tests.part2 import answers, layer_checks
from rubric_tests.part2.judgement import (
    after_marks_for,
    after_marks_for_training,
    is_finite,
    said,
    told_as_wrong,
    where_asked,
    where_numbers_are_left,
)

pytestmark = pytest.mark.criterion("model")

EARLIER = ("attention", "multi-head", "embedding", "feed-forward", "layers")


@pytest.mark.hint("the last layer is as wide as the vocabulary")
def test_logits_over_the_vocabulary(evidence, given, runs):
    """For every token there is one logit for each entry of the vocabulary."""
    can_be_called(evidence)
    with after_marks_for(evidence, given, *EARLIER), after_marks_for_training(runs):
        layer_checks.check_attention_is_in_the_model(evidence, given)
        logits = evidence["model/logits"].logits

        if logits.shape[2] < 9:
            raise Wrong(f"there are {logits.shape[2]} logits for a token: nine digits need more")
        if np.allclose(logits, logits[:1], atol=1e-6):
            raise KnownMistake("every sequence has the same logits")


@pytest.mark.hint("hand logits to the cross-entropy, or logarithms to `nll_loss`")
def test_one_softmax(evidence, given, runs):
    """Training takes one softmax of the logits, not two."""
    where_asked(evidence, "training/steps")
    if takes_more_than_tokens(evidence):  # training is watched all the same
        with after_marks_for(evidence, given, *EARLIER):
            layer_checks.check_softmax_in_training(evidence)
    can_be_called(evidence)
    with (
        after_marks_for(evidence, given, *EARLIER),
        where_numbers_are_left(evidence, "model/logits", runs),
    ):
        layer_checks.check_attention_is_in_the_model(evidence, given)
        layer_checks.check_one_softmax(evidence, given)


@pytest.mark.hint("is anything normalised or summed over axis 0?")
def test_batch_items_do_not_touch(evidence, given, runs):
    """A sequence has the same logits whatever else is in the batch."""
    can_be_called(evidence)
    chance_is_marked_elsewhere(evidence, given)
    with (
        after_marks_for(evidence, given, *EARLIER),
        where_numbers_are_left(evidence, "model/batch", runs),
        told_as_wrong(),
    ):
        layer_checks.check_attention_is_in_the_model(evidence, given)
        layer_checks.check_batch_of_model(evidence, given)


@pytest.mark.hint("which places of the source reach the encoder's output, and the cross-attention?")
def test_the_whole_source_is_read(evidence, given, runs):
    """Another token at any place of the source changes the logits."""
    can_be_called(evidence)
    chance_is_marked_elsewhere(evidence, given)
    with (
        after_marks_for(evidence, given, *EARLIER, "masks"),
        where_numbers_are_left(evidence, "model/source", runs),
        told_as_wrong(),
    ):
        layer_checks.check_attention_is_in_the_model(evidence, given)
        layer_checks.check_source_is_read(evidence, given)


@pytest.mark.hint(
    "which line hands the encoder's output on to the decoder, and each layer's to the next?"
)
def test_its_layers_are_used(evidence, given, runs):
    """Each kind of layer that the model holds, and each layer of it, makes a difference."""
    can_be_called(evidence)
    chance_is_marked_elsewhere(evidence, given)
    with (
        after_marks_for(evidence, given, *EARLIER, "masks"),
        where_numbers_are_left(evidence, "model/logits", runs),
        told_as_wrong(),
    ):
        layer_checks.check_layers_are_in_the_model(evidence, given)


@pytest.mark.hint("is the model cut by `detach`, `no_grad` or `argmax` on the way to the loss?")
def test_one_batch_can_be_learned_by_heart(evidence, given, runs, measure):
    """Trained on one batch of random answers, a copy of the model learns them."""
    can_be_called(evidence)
    with (
        after_marks_for(evidence, given, *EARLIER, "positions", "masks"),
        after_marks_for_training(runs),
    ):
        losses = evidence["training/batch"].losses
        measure("one batch by heart", losses, x=np.arange(1, len(losses) + 1))
        layer_checks.check_attention_is_in_the_model(evidence, given)
        layer_checks.check_by_heart(evidence, given)


def chance_is_marked_elsewhere(evidence, given) -> None:
    """Set the test aside where the same question has other logits each time."""
    if not is_finite(evidence, "model/logits"):
        return
    if chance := fault_of(layer_checks.check_repeats, evidence, given):
        follows_from("positions", chance)
    if chance := fault_of(answers.check_logits_repeat, evidence, given):
        follows_from("generation", chance)


def can_be_called(evidence) -> None:
    """Where the model takes more than tokens, masks, say, that only the student makes: a person."""
    if takes_more_than_tokens(evidence):
        raise ForReview("the model takes more than a source and a target: it could not be called")


def takes_more_than_tokens(evidence) -> bool:
    return said(evidence, "model/form", "form") == "something else"
