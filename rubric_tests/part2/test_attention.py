"""Scaled dot-product attention; with the identity as values, its output is its weights."""

import pytest

from assay.rubric import ForReview, fault_of
from rubric_tests.part2 import attention_checks
from rubric_tests.part2.judgement import is_inside_the_heads

pytestmark = pytest.mark.criterion("attention")


@pytest.mark.hint("dropout belongs to training alone: `nn.Dropout`, or `training=self.training`")
def test_the_same_again(evidence, given, submission):
    """Asked again, attention gives the same output."""
    judge(attention_checks.check_repeats, evidence, given, submission)


@pytest.mark.hint("over which axis does the softmax run?")
def test_rows_sum_to_one(evidence, given, submission):
    """The weights of each query sum to one over the keys."""
    judge(attention_checks.check_rows_sum_to_one, evidence, given, submission)


@pytest.mark.hint("write the formula beside the code: scale, softmax, and their order")
def test_weights_are_scaled_dot_products(evidence, given, submission):
    """The weights are softmax(q k' / sqrt(d_k))."""
    judge(attention_checks.check_weights, evidence, given, submission)


@pytest.mark.hint("which of the three arguments do the weights multiply?")
def test_output_is_the_mixed_values(evidence, given, submission):
    """The output is the weights times the values."""
    judge(attention_checks.check_output, evidence, given, submission)


@pytest.mark.hint("is anything summed or normalised over axis 0?")
def test_batch_items_do_not_touch(evidence, given, submission):
    """A sequence has the same output whatever else is in the batch."""
    judge(attention_checks.check_batch_of_attention, evidence, given, submission)


@pytest.mark.hint("is `squeeze` given the axis that it may take away?")
def test_one_row_is_enough(evidence, given, submission):
    """One query of one sequence gets one row."""
    judge(attention_checks.check_one_row, evidence, given, submission)


@pytest.mark.hint("an operation that ends in `_`, or `*=`, changes what the caller still needs")
def test_arguments_are_left_alone(evidence, given, submission):
    """One tensor may be query, key and value at once."""
    judge(attention_checks.check_itself, evidence, given, submission)


@pytest.mark.hint("return the output, and the weights after mask and softmax")
def test_weights_come_back(evidence, given, submission):
    """The weights that come back are those that mixed the values."""
    judge(attention_checks.check_returned_weights, evidence, given, submission)


@pytest.mark.hint("subtract the largest score of a row before taking exponentials")
def test_large_scores_stay_finite(evidence, given, submission):
    """Scores in the thousands give weights that are finite and sum to something."""
    judge(attention_checks.check_large_scores, evidence, given, submission)


def judge(check, evidence, given, submission) -> None:
    """Where attention is a part of the heads and nothing by itself, the heads are asked."""
    try:
        check(evidence, given)
    except AssertionError:
        # where chance decides, that is said, and the criterion loses all that it takes
        if fault_of(attention_checks.check_repeats, evidence, given):
            attention_checks.check_repeats(evidence, given)
        raise
    except attention_checks.NotRecognised as reason:
        pytest.skip(f"not asked: {reason}")
    except Exception as error:
        if not is_inside_the_heads(submission, evidence, error):
            raise
        if check in (attention_checks.check_weights, attention_checks.check_output):
            try:
                return attention_checks.check_attention_of_heads(evidence, given)
            except attention_checks.NotRecognised as reason:
                raise ForReview(
                    f"there is no `attention` by itself, and {reason}: the formula has to be read"
                ) from None
        pytest.skip("not asked: there is no `attention` by itself, the heads are asked")
