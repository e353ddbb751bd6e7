"""Scaled dot-product attention; with the identity as values, its output is its weights."""

import numpy as np
import pytest

from rubric_tests.checks import Wrong
from rubric_tests.part2 import attention_checks

pytestmark = pytest.mark.criterion("attention")


@pytest.mark.hint("over which axis does the softmax run?")
def test_rows_sum_to_one(evidence, given):
    """The weights of each query sum to one over the keys."""
    attention_checks.check_rows_sum_to_one(evidence, given)


@pytest.mark.hint("write the formula beside the code: scale, softmax, and their order")
def test_weights_are_scaled_dot_products(evidence, given):
    """The weights are softmax(q k' / sqrt(d_k))."""
    attention_checks.check_weights(evidence, given)


@pytest.mark.hint("which of the three arguments do the weights multiply?")
def test_output_is_the_mixed_values(evidence, given):
    """The output is the weights times the values."""
    attention_checks.check_output(evidence, given)


@pytest.mark.hint("is anything summed or normalised over axis 0?")
def test_batch_items_do_not_touch(evidence, given):
    """A sequence has the same output whatever else is in the batch."""
    attention_checks.check_batch_of_attention(evidence, given)


@pytest.mark.hint("subtract the largest score of a row before taking exponentials")
def test_large_scores_stay_finite(evidence):
    """Scores in the thousands give weights that are finite and sum to something."""
    weights = evidence["attention/large"].weights

    if not np.abs(weights).sum() > 0:
        raise Wrong("all weights are 0")
