"""Where training starts: at random weights."""

import numpy as np
import pytest

from assay.rubric import KnownMistake, Wrong
from rubric_tests.part1.judgement import (
    after_marks_for,
    check_fit_starts_anew,
    check_random_start,
    check_repeatable_start,
    where_there,
)

pytestmark = pytest.mark.criterion("start")


@pytest.mark.hint("what does backpropagation send to hidden units that are all alike?")
def test_no_two_hidden_units_start_alike(evidence, given):
    """The weights are not zero at the start, and no two hidden units begin alike."""
    check_random_start(evidence, given)


@pytest.mark.hint("follow `random_state` from `__init__` to the drawing of the weights")
def test_another_random_state_starts_elsewhere(evidence):
    """Another `random_state` gives other weights."""
    answer = evidence["start/weights"]
    if not answer.W1.any():
        return  # marked above

    if np.array_equal(answer.W1, answer.W1_other):
        raise KnownMistake("two networks with different `random_state` start with the same weights")


@pytest.mark.hint("is anything drawn from a generator that `random_state` does not control?")
def test_the_same_random_state_starts_alike(evidence, given):
    """The same `random_state` gives the same weights again."""
    check_repeatable_start(evidence, given)


@pytest.mark.hint("does `fit` draw new weights each time, or only where there are none yet?")
def test_fit_starts_anew(evidence, given):
    """`fit` begins with fresh weights, whatever was fitted before."""
    with (
        where_there(evidence, "loss_curve_"),
        after_marks_for(evidence, given, "hidden-layer", "gradients"),
    ):
        check_fit_starts_anew(evidence, given)


@pytest.mark.hint("which weights does `fit` begin with: those that `random_state` draws?")
def test_fit_begins_with_weights_drawn(evidence, given):
    """On rows like the data set's, two random states begin with different weights."""
    with after_marks_for(evidence, given, "hidden-layer", "gradients", "update"):
        answer = evidence["training/short"]
        if answer.W1_fresh.shape != answer.W1_other.shape:
            raise Wrong("asked for one width, two networks begin with weights of different shapes")
        if np.allclose(answer.W1_fresh, answer.W1_other, rtol=0, atol=1e-6):
            raise KnownMistake("`fit` begins with the same weights whatever `random_state` is")
