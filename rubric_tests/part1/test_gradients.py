"""Backpropagation: the gradients are the slopes of the loss."""

import numpy as np
import pytest

from assay.rubric import KnownMistake, Wrong
from rubric_tests import reference
from rubric_tests.part1.judgement import (
    after_marks_for,
    check_confident,
    check_doubled_batch,
    check_every_slope,
    check_gradient,
    check_loss,
    check_rise,
    check_saturated,
    check_weights_left,
    of_any_width,
    recognised,
    weights,
)

pytestmark = pytest.mark.criterion("gradients")

# without a hidden layer there is nothing to propagate back; a ready-made network has its own
EARLIER = ("hidden-layer", "from-scratch", "inputs")


@pytest.mark.hint("write the loss down for one row, then take the mean over the rows")
def test_the_loss_is_a_mean_over_the_rows(evidence, given):
    """The loss is the mean cross-entropy (or mean squared error) of the probabilities."""
    with after_marks_for(evidence, given, *EARLIER):
        check_loss(evidence, given)


@pytest.mark.hint("is the loss that of the network as it stands?")
def test_a_fresh_network_has_a_loss(evidence):
    """A network that has hardly learnt has a positive loss."""
    loss = float(evidence["gradients/own"].loss)

    assert loss > 0, f"the loss is {loss:g}"


@pytest.mark.hint(
    "take the derivative of the loss with respect to the output layer's sum, on paper"
)
def test_output_layer(evidence, given):
    """dW2 and db2 are the slopes of the loss along the output layer's weights."""
    with after_marks_for(evidence, given, *EARLIER):
        check_gradient(evidence, given, "gradients/square", ("W2", "b2"))


@pytest.mark.hint("go back one step at a time: through W2, then through the hidden sigmoid")
def test_hidden_layer(evidence, given):
    """dW1 and db1 are the slopes of the loss along the hidden layer's weights."""
    with after_marks_for(evidence, given, *EARLIER):
        check_gradient(evidence, given, "gradients/square", ("W1", "b1"))


@pytest.mark.hint("write the shape of every matrix beside every product")
def test_more_features_than_hidden_units(evidence, given):
    """The gradients hold where the hidden layer is narrower than the input."""
    with after_marks_for(evidence, given, *EARLIER), of_any_width(evidence, given):
        check_gradient(evidence, given, "gradients/narrower", ("W1", "b1", "W2", "b2"))


@pytest.mark.hint("write the shape of every matrix beside every product")
def test_fewer_features_than_hidden_units(evidence, given):
    """The gradients hold where the hidden layer is wider than the input."""
    with after_marks_for(evidence, given, *EARLIER), of_any_width(evidence, given):
        check_gradient(evidence, given, "gradients/wider", ("W1", "b1", "W2", "b2"))


@pytest.mark.hint("does the code ask how many features there are?")
def test_as_many_features_as_the_data(evidence, given):
    """The gradients hold for as many features as the data set has."""
    with after_marks_for(evidence, given, *EARLIER):
        check_gradient(evidence, given, "gradients/real", ("W1", "b1", "W2", "b2"))


@pytest.mark.hint("move the weights a little: does the loss change as the gradient says?")
def test_gradients_are_measured_slopes(evidence, given):
    """The network's own loss rises along a direction as its own gradient says."""
    with after_marks_for(evidence, given, *EARLIER):
        check_rise(evidence, given)


@pytest.mark.hint("measure every slope: raise one weight a little, then lower it")
def test_every_slope(evidence, given):
    """Each gradient equals the slope that the judge measures, weight by weight."""
    with after_marks_for(evidence, given, *EARLIER):
        check_every_slope(evidence, given)


@pytest.mark.hint("what should happen to the gradient of a mean when every row is there twice?")
def test_batch_size_does_not_scale_the_gradient(evidence, given):
    """The same rows twice give the same gradient."""
    with after_marks_for(evidence, given, *EARLIER):
        check_doubled_batch(evidence, given)


@pytest.mark.hint("what is log(p) when p is exactly 0, and when does that happen?")
def test_a_confident_network_has_a_finite_loss(evidence, given):
    """Outputs of exactly 0 or 1 give a finite loss that still punishes the wrong ones."""
    with after_marks_for(evidence, given, *EARLIER):
        check_confident(evidence, given)
        loss = float(evidence["gradients/confident"].loss)
        least = 1.0 if recognised(evidence, given).loss == "cross-entropy" else 0.1

        assert loss > least, (
            f"half the labels are missed with certainty, yet the loss is {loss:.3g}"
        )


@pytest.mark.hint("simplify the derivative on paper before it divides by p or by 1 - p")
def test_a_confident_network_has_finite_gradients(evidence, given):
    """Outputs of exactly 0 or 1 give the right gradients of the output layer, without NaN."""
    with after_marks_for(evidence, given, *EARLIER):
        check_saturated(evidence, given)


@pytest.mark.hint("which array is the first that is not float64?")
def test_gradients_are_float64(evidence, given):
    """Gradients are computed in float64: they can be checked to many digits."""
    with after_marks_for(evidence, given, *EARLIER):
        kinds = evidence["gradients/square"].text.strings("kinds")
        if kinds != ["float64"]:
            raise Wrong(f"the gradients are {', '.join(kinds)}")
        found = weights(evidence["gradients/square"], "d{}").flat()
        if np.array_equal(found.astype(np.float32), found):
            raise KnownMistake("every gradient is a float32 number: something inside is float32")
        check_many_digits(evidence, given, found)


def check_many_digits(evidence, given, found: np.ndarray) -> None:
    """Right to six digits but not to nine: that is what float32 inside looks like."""
    sheet, form = given["gradients/square"], recognised(evidence, given)
    right = reference.gradients(sheet.X, sheet.y, weights(sheet), form).flat()
    error = float(np.abs(found - right).max() / np.abs(right).max())
    if 1e-9 < error < 1e-5:
        raise Wrong(f"the gradients are only right to {error:.0e}: is something float32 inside?")


@pytest.mark.hint("does `loss_and_gradients` write into an array that is not its own?")
def test_asking_for_gradients_trains_nothing(evidence, given):
    """`loss_and_gradients` leaves the weights as they are."""
    with after_marks_for(evidence, given, *EARLIER):
        check_weights_left(evidence, given)
