"""The forward pass: from features to a probability."""

import numpy as np
import pytest

from assay.rubric import KnownMistake, Wrong, assert_close
from rubric_tests.part1.judgement import after_marks_for, check_labels, check_probabilities

pytestmark = pytest.mark.criterion("forward")


@pytest.mark.public
@pytest.mark.hint("what does the last step of the forward pass do to any number?")
def test_probabilities_lie_between_zero_and_one(evidence):
    """`predict_proba` gives numbers between 0 and 1, one or two for each row."""
    answer = evidence["forward/own"]

    if answer.columns not in (1, 2):
        raise Wrong(f"`predict_proba` gives {answer.columns} columns, expected 1 or 2")
    if min(answer.first.min(), answer.last.min()) < 0 or answer.last.max() > 1:
        raise Wrong("`predict_proba` goes below 0 or above 1")


@pytest.mark.public
@pytest.mark.hint("what must the probabilities of all labels add up to?")
def test_the_two_probabilities_sum_to_one(evidence):
    """Where both labels have a column, the columns sum to one."""
    answer = evidence["forward/own"]

    if answer.columns == 2:
        total, columns = answer.first + answer.last, (answer.first.sum(), answer.last.sum())
        if not np.allclose(total, 1, atol=1e-5) and np.allclose(columns, 1, atol=1e-5):
            raise KnownMistake(
                "each label's probabilities sum to 1 over the rows, not over the labels"
            )
        if not np.allclose(total, 1, atol=1e-5) and np.isclose(total.sum(), 1, atol=1e-5):
            raise KnownMistake(
                "the probabilities sum to 1 over all rows and labels, not in each row"
            )
        assert_close(total, np.ones(9), atol=1e-5, what="the sum of a row")


@pytest.mark.hint("compute one row by hand, alone: two weighted sums, each followed by a sigmoid")
def test_probabilities_follow_from_the_weights(evidence, given):
    """The probability is sigmoid(sigmoid(X W1 + b1) W2 + b2), on rows never seen."""
    with after_marks_for(evidence, given, "hidden-layer", "inputs"):
        check_probabilities(evidence, given)


@pytest.mark.hint("where does a probability become a label?")
def test_labels_follow_from_the_probabilities(evidence, given):
    """`predict` says 1 exactly where `predict_proba` is above one half."""
    with after_marks_for(evidence, given, "hidden-layer", "inputs"):
        check_labels(evidence, given)
