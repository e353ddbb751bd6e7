"""The update: a step down the gradient, as long as the learning rate says.

Steps are compared with the network's own gradient, so that a wrong gradient is not marked again.
Momentum and mini-batches are right too: they step down, in proportion to the learning rate.
"""

import numpy as np
import pytest

from assay.rubric import Wrong
from rubric_tests.part1.judgement import (
    after_marks_for,
    check_downhill,
    check_every_layer_moves,
    check_layers_move_together,
    check_learning_rate,
    first_cause,
    steps,
    where_there,
)

pytestmark = pytest.mark.criterion("update")

EARLIER = ("hidden-layer", "from-scratch", "start", "gradients")


def skip_without_a_step(evidence, given) -> None:
    """Leave out what looks at the first step, where it is the same for every learning rate.

    A step is what a learning rate adds to one that is next to nothing. Where an earlier criterion
    has lost for it, all of it is set aside as what follows from that.
    """
    first = [steps(evidence, moment).flat().any() for moment in ("small", "double", "step")]
    is_seen = any(first) or not steps(evidence, "later").flat().any()
    if not is_seen and not first_cause(evidence, given, *EARLIER):
        pytest.skip("not asked: no first step is seen, which is marked with the learning rate")


@pytest.mark.hint("where does the loop over the iterations end?")
def test_max_iter_is_the_most(evidence, given):
    """Training does no more iterations than `max_iter`."""
    with after_marks_for(evidence, given, *EARLIER):
        rounds = int(evidence["update/rounds"].n_iter)

        assert rounds <= 3, f"with max_iter=3 there were {rounds} iterations"


@pytest.mark.hint("follow `learning_rate` from `__init__` to the line that changes the weights")
def test_the_step_is_proportional_to_the_learning_rate(evidence, given):
    """Twice the learning rate makes a first step twice as long."""
    with after_marks_for(evidence, given, *EARLIER):
        check_learning_rate(evidence, given)


@pytest.mark.hint(
    "a step is minus the learning rate times the gradient: compare length and direction with yours"
)
def test_the_step_goes_down(evidence, given):
    """The first step goes down the network's own gradient."""
    with (
        where_there(evidence, "loss_and_gradients"),
        after_marks_for(evidence, given, *EARLIER),
    ):
        skip_without_a_step(evidence, given)
        check_downhill(evidence, given)


@pytest.mark.hint("which arrays does the update touch?")
def test_every_layer_is_trained(evidence, given):
    """After a few iterations the weights and biases of both layers have changed."""
    with after_marks_for(evidence, given, *EARLIER):
        check_every_layer_moves(evidence, given)


@pytest.mark.hint("does the code ask how many rows or features there are?")
def test_every_layer_is_trained_on_real_rows(evidence, given):
    """On rows like the data set's, eight iterations change the weights of both layers."""
    with after_marks_for(evidence, given, *EARLIER):
        answer = evidence["training/short"]
        for part in ("W1", "W2"):
            begun, then = getattr(answer, f"{part}_fresh"), getattr(answer, f"{part}_short")
            if begun.shape == then.shape and np.allclose(begun, then, rtol=1e-9, atol=1e-12):
                raise Wrong(
                    f"after eight iterations on {len(given['parity/0'].X_train)} rows "
                    f"`{part}` has not changed at all"
                )


@pytest.mark.hint("compute all gradients first; in which order are the weights changed?")
def test_both_layers_step_from_the_same_point(evidence, given):
    """Both layers use the gradients of the weights before the step."""
    with (
        where_there(evidence, "loss_and_gradients"),
        after_marks_for(evidence, given, *EARLIER),
    ):
        skip_without_a_step(evidence, given)
        check_layers_move_together(evidence, given)
