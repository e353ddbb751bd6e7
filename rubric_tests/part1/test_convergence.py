"""Convergence: training ends because there is little left to gain."""

import numpy as np
import pytest

from rubric_tests import reference
from rubric_tests.checks import KnownMistake, Wrong
from rubric_tests.part1.judgement import after_marks_for, recognised_loss, weights

pytestmark = pytest.mark.criterion("convergence")

EARLIER = ("hidden-layer", "from-scratch", "start", "gradients", "update")


@pytest.mark.hint("append the loss of each iteration to `loss_curve_`")
def test_training_is_recorded(evidence, given, measure):
    """`loss_curve_` holds the loss of each iteration."""
    with after_marks_for(evidence, given, *EARLIER):
        curve = evidence["training/curve"].loss_curve
        every = max(1, -(-len(curve) // 400))
        shown = np.union1d(np.arange(0, len(curve), every), [len(curve) - 1])
        measure("loss curve", curve[shown], x=1 + shown)

        assert len(curve) >= 2, f"`loss_curve_` holds {len(curve)} numbers"


@pytest.mark.claim("last loss over the first", at_most=0.95)
@pytest.mark.hint("plot the loss curve: learning rate, number of iterations, sign of the step?")
def test_the_loss_falls(evidence, given, measure, claim):
    """Training lowers the loss."""
    with after_marks_for(evidence, given, *EARLIER):
        curve = evidence["training/curve"].loss_curve
        measure(claim.measure, curve[-1] / curve[0])

        if curve[-1] > claim.at_most * curve[0]:
            raise Wrong(f"the loss goes from {curve[0]:.3g} to {curve[-1]:.3g}")


@pytest.mark.claim("share of the fall in the last tenth", at_most=0.05)
@pytest.mark.hint("plot the loss curve: does it still fall where training ends?")
def test_the_loss_has_flattened(evidence, given, measure, claim):
    """At the end of training the loss hardly changes any more."""
    with after_marks_for(evidence, given, *EARLIER):
        curve = evidence["training/curve"].loss_curve
        tail = curve[-max(2, len(curve) // 10) :]
        fallen, late = curve[0] - curve.min(), tail.max() - tail.min()

        if fallen <= 0:
            raise KnownMistake("the loss is never below where it started")
        measure(claim.measure, late / fallen)
        if late > claim.at_most * fallen:
            raise Wrong(f"{late / fallen:.0%} of the fall is in the last tenth of the iterations")


# full-batch descent ends near 0.01; mini-batches at a constant rate stay around 0.2
@pytest.mark.claim("gradient at the end over the start", at_most=0.4)
@pytest.mark.hint("when should training stop: after so many iterations, or when nothing changes?")
def test_the_gradient_has_shrunk(evidence, given, measure, claim):
    """At the end of training the gradient is small beside that of fresh weights."""
    with after_marks_for(evidence, given, *EARLIER):
        start, end = (gradient_norm(evidence, given, p) for p in ("{}_start", "{}"))
        measure(claim.measure, end / start)

        if end > claim.at_most * start:
            raise Wrong(f"the gradient's length goes from {start:.3g} to {end:.3g} only")


def gradient_norm(evidence, given, pattern: str) -> float:
    """The length of the judge's gradient at the recorded weights, on the recorded training data."""
    now, split = weights(evidence["training/weights"], pattern), given["parity/0"]
    loss = recognised_loss_or_cross_entropy(evidence, given)
    return float(
        np.linalg.norm(reference.gradients(split.X_train, split.y_train, now, loss).flat())
    )


def recognised_loss_or_cross_entropy(evidence, given) -> str:
    """The loss as the gradients were asked for; a network that gave none is taken at its best."""
    try:
        return recognised_loss(evidence, given)
    except Exception:  # not answered there: marked there
        return "cross-entropy"


@pytest.mark.hint("is the curve the loss on the training rows, and the weights those of its end?")
def test_the_curve_ends_at_the_loss_of_the_weights(evidence, given):
    """The last loss recorded is the loss of the weights that training left."""
    with after_marks_for(evidence, given, *EARLIER):
        split, curve = given["parity/0"], evidence["training/curve"].loss_curve
        final = reference.losses(
            split.X_train, split.y_train, weights(evidence["training/weights"])
        )
        right = final[recognised_loss_or_cross_entropy(evidence, given)]

        if abs(curve[-1] - right) > 0.05 * curve[0]:
            raise Wrong(
                f"the curve ends at {curve[-1]:.4g}, the weights have a loss of {right:.4g}"
            )


@pytest.mark.claim("last loss above the median of the seeds", at_most=0.25)
@pytest.mark.hint("try several seeds: does training sometimes get stuck?")
def test_every_seed_converges_alike(run, runs, measure, claim):
    """No seed ends far above the others on the same data set."""
    own = last_loss(run)
    if own is None:
        pytest.skip("judged above: training has not lowered the loss")
    ends = [last_loss(other) for other in runs if other.place == run.place]
    above = own - float(np.median([end for end in ends if end is not None]))
    measure(claim.measure, above)

    if above > claim.at_most:
        raise Wrong(f"this seed ends at {own:.3g}, {above:.3g} above the median of the seeds")


def last_loss(run) -> float | None:
    """The last loss of a run; None where there is none, or where training could not work."""
    try:
        with after_marks_for(run.evidence, run.given, *EARLIER):
            curve = run.evidence["training/curve"].loss_curve
            assert curve[-1] <= curve[0]
        return float(curve[-1])
    except (Exception, pytest.skip.Exception):  # judged run by run in the tests above
        return None
