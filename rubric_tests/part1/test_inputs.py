"""A network reads its inputs and leaves them alone."""

import pytest

from rubric_tests.part1.judgement import after_marks_for, check_input, where_there

pytestmark = [
    pytest.mark.criterion("inputs"),
    pytest.mark.hint("which lines write into an array: `X -= ...`, `y[...] = ...`, `out=`?"),
]


def test_fit_leaves_its_inputs_alone(evidence, given):
    """`fit` does not change X or y."""
    # a fit that breaks off on its own gradients leaves nothing to look at
    with after_marks_for(evidence, given, "gradients"):
        check_input(evidence, given, "fit")


def test_predict_leaves_its_inputs_alone(evidence, given):
    """`predict` and `predict_proba` do not change X."""
    check_input(evidence, given, "predict")


def test_loss_and_gradients_leaves_its_inputs_alone(evidence, given):
    """`loss_and_gradients` does not change X or y."""
    with where_there(evidence, "loss_and_gradients"):
        check_input(evidence, given, "loss")
