"""Multi-head attention: by its own weights where they are recognised, and by relations."""

import pytest

from assay.rubric import ForReview, assert_same, same
from rubric_tests.part2 import attention_checks
from rubric_tests.part2.judgement import (
    HEADS_AS_DRAWN,
    after_marks_for,
    said,
    where_weights_are_drawn,
)

pytestmark = pytest.mark.criterion("multi-head")


@pytest.mark.parametrize("heads", attention_checks.HEADS)
@pytest.mark.hint("follow the shape through split, attention and merge, for a length of 5")
def test_self_attention(evidence, given, heads):
    """With its own weights, the output is that of the formula, for 1, 2, 3 and 4 heads."""
    judge_formula(evidence, given, f"multi-head/self-{heads}")


@pytest.mark.parametrize("heads", attention_checks.HEADS)
@pytest.mark.hint("queries come from the first argument, keys and values from the second")
def test_cross_attention(evidence, given, heads):
    """The same where keys and values come from a memory of another length."""
    needs_a_memory(evidence)
    judge_formula(evidence, given, f"multi-head/cross-{heads}")


@pytest.mark.hint("is an axis moved by `view` that should be moved by `transpose`?")
def test_order_of_tokens(evidence, given):
    """Without positions, tokens in another order give the same outputs in that order."""
    with after_marks_for(evidence, given, "attention"):
        attention_checks.check_order_of_heads(evidence, given)


@pytest.mark.hint("is an axis moved by `view` that should be moved by `transpose`?")
def test_order_of_memory(evidence, given):
    """The order of the memory makes no difference."""
    needs_a_memory(evidence)
    if attention_checks.at_places(evidence, given):
        pytest.skip("not asked: the heads tell places apart by themselves")
    with after_marks_for(evidence, given, "attention"):
        answer = evidence["multi-head/memory"]
        if not same(answer.out, answer.out_other):
            attention_checks.leave_places_to_a_person(evidence, given)
        with where_weights_are_drawn(evidence, HEADS_AS_DRAWN):
            reason = "the output changes with the memory's order"
            assert_same(answer.out, answer.out_other, reason)


@pytest.mark.hint("which shape does the tensor have when the heads are cut?")
def test_the_number_of_heads_is_used(evidence, given):
    """The same weights give other outputs in another number of heads."""
    with after_marks_for(evidence, given, "attention"):
        attention_checks.check_heads_are_used(evidence, given)


@pytest.mark.hint("is `squeeze` given the axis that it may take away?")
def test_one_row_is_enough(evidence, given):
    """One token of one sequence has the output that it has in a batch."""
    with after_marks_for(evidence, given, "attention"):
        attention_checks.check_one_row_of_heads(evidence, given)


@pytest.mark.hint("follow keys and values from the second argument to the output")
def test_every_place_is_reached(evidence, given):
    """Whichever place changes, the outputs change."""
    with after_marks_for(evidence, given, "attention"):
        attention_checks.check_heads_reach_everywhere(evidence, given)


@pytest.mark.hint("does the batch stay on axis 0 all the way?")
def test_batch_items_do_not_touch(evidence, given):
    """A sequence has the same output whatever else is in the batch."""
    with after_marks_for(evidence, given, "attention"):
        attention_checks.check_batch_of_heads(evidence, given)


def judge_formula(evidence, given, question: str) -> None:
    with after_marks_for(evidence, given, "attention"):
        try:
            attention_checks.check_formula_of_heads(evidence, given, question)
        except attention_checks.NotRecognised as reason:
            raise ForReview(f"{reason}: the formula has to be read") from None


def needs_a_memory(evidence) -> None:
    if said(evidence, "multi-head/form", "form") == "one input":
        pytest.skip("not asked: `MultiHeadAttention` takes one input")
