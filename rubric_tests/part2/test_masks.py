"""Masks: what a query may not see makes no difference to it."""

import pytest

from assay.rubric import ForReview, assert_differs, assert_same, fault_of, follows_from
from rubric_tests.part2 import answers, attention_checks, layer_checks, reference
from rubric_tests.part2.judgement import (
    after_marks_for,
    after_marks_for_training,
    said,
    told_as_wrong,
    where_built,
    where_masks_are_taken,
    where_numbers_are_left,
)

pytestmark = pytest.mark.criterion("masks")

EARLIER = ("attention", "multi-head", "feed-forward", "layers")


def show_weights(answer, visible, measure):
    """For the report: the weights of the first sequence, beside what a mask makes of them."""
    measure("weights under a causal mask", answer.weights[0].round(4))
    measure("as they should be", reference.masked_weights(answer.free, visible)[0].round(4))


@pytest.mark.hint("hide the scores before the softmax: -inf, or the smallest number there is")
def test_causal_mask(evidence, given, measure, submission):
    """Under a causal mask the future weighs nothing, and the rest is shared out as before."""
    with after_marks_for(evidence, given, "attention"), where_masks_are_taken(submission, evidence):
        show_weights(evidence["masks/causal"], given["masks/causal"].visible, measure)
        attention_checks.check_causal_mask(evidence, given)


@pytest.mark.hint("`visible` is True where a query may look")
def test_padding_mask(evidence, given, submission):
    """Padding weighs nothing, in every sequence of the batch as far as it goes."""
    with after_marks_for(evidence, given, "attention"), where_masks_are_taken(submission, evidence):
        attention_checks.check_padding_mask(evidence, given)


@pytest.mark.hint("does every sequence have its own mask, and every query its own row of it?")
def test_every_query_has_its_own_mask(evidence, given, submission):
    """Another mask for every query of every sequence, with more keys than queries."""
    with after_marks_for(evidence, given, "attention"), where_masks_are_taken(submission, evidence):
        attention_checks.check_mask_of_every_query(evidence, given)


@pytest.mark.hint("does the code ask how many queries there are?")
def test_one_query_obeys_its_mask(evidence, given, submission):
    """One query by itself obeys its mask, in every sequence of the batch."""
    with after_marks_for(evidence, given, "attention"), where_masks_are_taken(submission, evidence):
        attention_checks.check_mask_of_one_query(evidence, given)


@pytest.mark.hint("return the weights that the mask has been applied to")
def test_weights_come_back_masked(evidence, given, submission):
    """The weights that come back are those under the mask."""
    with after_marks_for(evidence, given, "attention"), where_masks_are_taken(submission, evidence):
        try:
            attention_checks.check_weights_returned_under_a_mask(evidence, given)
        except attention_checks.NotRecognised as reason:
            pytest.skip(f"not asked: {reason}")


@pytest.mark.hint("a small number added to the scores does not hide a large score")
def test_what_is_hidden_makes_no_difference(evidence, given, submission):
    """Other keys and values at hidden places leave the output as it is."""
    with after_marks_for(evidence, given, "attention"), where_masks_are_taken(submission, evidence):
        answer = evidence["masks/hidden"]
        assert_same(answer.out, answer.out_other, "hidden keys or values change the output")


@pytest.mark.hint("does a query that may look nowhere reach the rows of the others?")
def test_rows_beside_one_that_may_look_nowhere(evidence, given, measure, submission):
    """Beside a query that may look nowhere, all others obey their masks."""
    with after_marks_for(evidence, given, "attention"), where_masks_are_taken(submission, evidence):
        attention_checks.check_rows_beside_nowhere(evidence, given)
        finite = evidence["masks/nowhere"].finite_elsewhere
        measure("where a query may look nowhere: share of weights that are finite", finite)


@pytest.mark.hint("is the mask handed on, and does it fit the axis of the heads?")
def test_multi_head_attention_obeys_its_mask(evidence, given, submission):
    """Multi-head attention hands its mask on: later tokens leave earlier ones alone."""
    with (
        where_masks_are_taken(submission, evidence),
        after_marks_for(evidence, given, *EARLIER[:2]),
    ):
        attention_checks.check_mask_of_heads(evidence, given)


@pytest.mark.hint("print the mask's shape where it is used: batch, heads, queries, keys")
def test_every_sequence_of_the_heads_has_its_own_mask(evidence, given, submission):
    """In every head, each query of each sequence sees what its own mask shows."""
    with (
        where_masks_are_taken(submission, evidence),
        after_marks_for(evidence, given, *EARLIER[:2]),
    ):
        try:
            attention_checks.check_masks_of_heads(evidence, given)
        except attention_checks.NotRecognised as reason:
            raise ForReview(f"{reason}: what hides in each head has to be read") from None


@pytest.mark.hint("is the mask handed on to the attention inside?")
def test_encoder_layer_obeys_its_mask(evidence, given, submission):
    """The encoder layer hands its mask on."""
    with (
        after_marks_for(evidence, given, *EARLIER),
        where_masks_are_taken(submission, evidence),
        where_built(submission, evidence, "EncoderLayer", "masks/decoder-layer"),
    ):
        attention_checks.check_mask_of_encoder_layer(evidence, given)


@pytest.mark.hint("does padding have a mask of its own in every sequence of the batch?")
def test_encoder_layer_obeys_padding(evidence, given, submission):
    """In the encoder layer the padding of each sequence makes no difference to its tokens."""
    with (
        after_marks_for(evidence, given, *EARLIER),
        where_masks_are_taken(submission, evidence),
        where_built(submission, evidence, "EncoderLayer", "masks/decoder-layer"),
    ):
        attention_checks.check_padding_of_encoder_layer(evidence, given)


@pytest.mark.hint("is the mask handed on to the attention inside?")
def test_decoder_layer_obeys_its_mask(evidence, given, submission):
    """In the decoder layer later tokens leave earlier ones alone."""
    with (
        after_marks_for(evidence, given, *EARLIER),
        where_built(submission, evidence, "DecoderLayer", "encoder-layer/tokens"),
    ):
        attention_checks.check_mask_of_decoder_layer(evidence, given)


@pytest.mark.hint("which of the two masks belongs to cross-attention?")
def test_decoder_layer_obeys_the_mask_of_its_memory(evidence, given, submission):
    """In the decoder layer hidden places of the memory make no difference."""
    with (
        after_marks_for(evidence, given, *EARLIER),
        where_built(submission, evidence, "DecoderLayer", "encoder-layer/tokens"),
    ):
        attention_checks.check_mask_of_memory(evidence, given)


@pytest.mark.hint("may position i see position i + 1? look at the mask of a short sequence")
def test_the_model_hides_the_future(evidence, given, runs):
    """In the trained model, later tokens of the target leave earlier logits alone."""
    needs_a_target(evidence)
    if chance := fault_of(layer_checks.check_repeats, evidence, given):
        follows_from("positions", chance)
    if chance := fault_of(answers.check_logits_repeat, evidence, given):
        follows_from("generation", chance)
    with (
        where_numbers_are_left(evidence, "masks/model", runs),
        after_marks_for(evidence, given, *EARLIER, "embedding"),
        told_as_wrong(),
    ):
        attention_checks.check_mask_of_model(evidence, given)


@pytest.mark.hint("does the decoder read the target at all?")
def test_the_model_reads_the_target(evidence, given, runs):
    """In the trained model, other tokens of the target change the logits after them."""
    needs_a_target(evidence)
    with after_marks_for_training(runs), after_marks_for(evidence, given, "embedding"):
        answer = evidence["masks/model"]
        reason = "the logits do not depend on the target"
        assert_differs(answer.logits, answer.logits_other, reason)


def needs_a_target(evidence) -> None:
    """Set the test aside where the model is not given source and target."""
    form = said(evidence, "model/form", "form")
    if form == "source":
        pytest.skip("not asked: the model takes one sequence, and no target beside it")
    if form and form != "source, target":
        pytest.skip("not asked: the model takes more than a source and a target")
