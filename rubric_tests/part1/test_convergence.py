"""Convergence: training ends because there is little left to gain."""

from functools import cache

import numpy as np
import pytest

from assay.rubric import ForReview, KnownMistake, Wrong, answered, explains, follows_from
from rubric_tests import reference
from rubric_tests.part1.judgement import (
    FURTHER,
    SLACK,
    after_marks_for,
    first_cause,
    fitting,
    fresh_loss,
    lacks,
    last_tenth,
    loss_curve,
    recognised,
    remaining_gradient,
    still_to_gain,
    weights,
)

pytestmark = pytest.mark.criterion("convergence")

EARLIER = ("hidden-layer", "from-scratch", "start", "gradients", "update")
DIES = "the steps shrink to nothing: the learning rate dies before training ends"
FALLS = 0.95  # of the first loss: training that works ends below it
MOST = 300  # iterations: the `max_iter` with which `tol` is asked about
STILL_STEEP = 0.1
"""Of a fresh network's gradient: where it is steeper, a step at a rate that lives shows."""


@pytest.mark.hint("append the loss of each iteration to `loss_curve_`")
def test_training_is_recorded(evidence, given, measure):
    """`loss_curve_` holds the loss of each iteration."""
    with after_marks_for(evidence, given, *EARLIER):
        curve, fresh = evidence["training/curve"].loss_curve, fresh_loss(evidence, given)
        every = max(1, -(-len(curve) // 400))
        shown = np.union1d(np.arange(0, len(curve), every), [len(curve) - 1])
        measure("loss curve", curve[shown], x=1 + shown)

        if len(curve) < 2:
            raise Wrong(f"`loss_curve_` holds {len(curve)} loss, not that of each iteration")
        if curve[0] > 2 * fresh + SLACK:
            raise Wrong(f"`loss_curve_` begins at {curve[0]:.3g}, a fresh network has {fresh:.3g}")


@pytest.mark.hint("train for eight iterations: which numbers does `loss_curve_` hold then?")
def test_the_curve_is_written_as_training_goes(evidence, given):
    """After eight iterations, curve and weights are where the long curve passes."""
    with after_marks_for(evidence, given, *EARLIER):
        sheet, answer = given["training/short"], evidence["training/short"]
        long, short = (
            evidence[f"training/{which}"].loss_curve for which in ("curve", "short-curve")
        )
        form = recognised(evidence, given)
        before, after = (
            reference.loss_of(
                sheet.X_train,
                sheet.y_train,
                fitting(weights(answer, "{}_" + moment), sheet.X_train),
                form,
            )
            for moment in ("before", "short")
        )
        passes = long[min(len(short), len(long)) - 1]
        slack = 0.1 * fresh_loss(evidence, given)

        for found, what in ((short[-1], "its own curve ends"), (passes, "the long curve passes")):
            if not min(before, after) - slack < found < max(before, after) + slack:
                raise ForReview(
                    f"after {len(short)} iterations the weights have a loss of {after:.3g}, and "
                    f"{what} at {found:.3g}"
                )
        if is_put_in_order(long, short):
            raise ForReview(
                f"the first {len(short)} losses stand elsewhere in the long curve, which never "
                "rises: were its losses put in order?"
            )


def is_put_in_order(long: np.ndarray, short: np.ndarray) -> bool:
    """Whether a curve that never rises holds the losses of the first iterations elsewhere.

    Both trainings do the same arithmetic, so that their losses are the same to the last bit. Where
    the length of training decides the steps, those of the short one are not in the long curve.
    """
    n = min(len(short), len(long))
    never_rises = bool(np.all(np.diff(long) <= 0))
    return never_rises and bool(np.isin(short, long).all()) and bool(np.any(short[:n] != long[:n]))


def late_fall(curve: np.ndarray) -> tuple[float, float]:
    """By how much the last tenth lies below the tenth before it, and how sure that is.

    The second number is the standard error of the first, from how single losses jump.
    """
    n = max(1, len(curve) // 10)
    before, last = curve[-2 * n : -n], curve[-n:]
    jumps = np.diff(curve[-2 * n :], n=2) if len(curve) >= 20 else np.zeros(1)
    noise = float(np.sqrt(np.mean(jumps**2) / 6))  # a second difference of noise has 6 variances
    return float(before.mean() - last.mean()), noise * float(np.sqrt(2 / n))


@pytest.mark.claim("last loss over the first", at_most=FALLS)
@pytest.mark.hint("plot the loss curve: learning rate, number of iterations, sign of the step?")
@explains("convergence")
def test_the_loss_falls(evidence, given, measure, claim):
    """Training lowers the loss."""
    with after_marks_for(evidence, given, *EARLIER):
        curve = loss_curve(evidence, given)
        last = last_tenth(curve)
        measure(claim.measure, last / curve[0])

        if last > claim.at_most * curve[0]:
            if answered(evidence, "training/weights"):  # they may be better than what was recorded
                check_end_of_curve(evidence, given)
            how = "rises" if last > curve[0] else "hardly falls"
            raise Wrong(f"the loss {how} in training: from {curve[0]:.3g} to {last:.3g}")


@pytest.mark.claim("share of the fall in the last tenth", at_most=0.05)
@pytest.mark.hint("plot the loss curve: does it still fall where training ends?")
@explains("convergence")
def test_the_loss_has_flattened(evidence, given, measure, claim):
    """At the end of training the loss hardly changes any more."""
    with after_marks_for(evidence, given, *EARLIER):
        curve = loss_curve(evidence, given)
        fallen = curve[0] - last_tenth(curve)
        late, error = late_fall(curve)

        if fallen <= 0:
            raise Wrong("the loss is never below where it started")
        measure(claim.measure, abs(late) / fallen)
        if abs(late) > claim.at_most * fallen + 3 * error:
            if late < 0:
                raise Wrong(f"the loss rises again at the end, by {-late / fallen:.0%} of its fall")
            raise Wrong(
                "training ends while the loss still falls: "
                f"{late / fallen:.0%} of its fall is in the last tenth of the iterations"
            )


# full-batch descent ends near 0.01; mini-batches at a constant rate stay around 0.2
@pytest.mark.claim("gradient at the end over that of a fresh network", at_most=0.4)
@pytest.mark.hint(
    "when should training stop: after a fixed number of iterations, or when nothing changes?"
)
@explains("convergence")
def test_the_gradient_has_shrunk(evidence, given, measure, claim):
    """At the end of training there is little left to gain: the gradient is small."""
    with after_marks_for(evidence, given, *EARLIER):
        curve, (end, start) = (
            loss_curve(evidence, given),
            remaining_gradient(evidence, given),
        )
        measure(claim.measure, end / start)

        if end > STILL_STEEP * start and stands_still(curve):
            raise KnownMistake(
                DIES,
                f"the loss stands still at {curve[-1]:.3g} for the second half of {len(curve)} "
                f"iterations, with a gradient that is {end / start:.0%} of a fresh network's",
            )
        if end > claim.at_most * start:
            gain, fallen = still_to_gain(evidence, given), curve[0] - last_tenth(curve)
            if gain > claim.at_most * fallen:
                if dies(curve):
                    raise KnownMistake(
                        DIES,
                        f"the loss ends at {curve[-1]:.3g} after {len(curve)} iterations, "
                        f"{FURTHER} steps of plain descent lower it by {gain:.3g}",
                    )
                raise Wrong(
                    f"the gradient is still {end / start:.0%} of a fresh network's: "
                    f"{FURTHER} more steps lower the loss by {gain:.3g}"
                )


def stands_still(curve: np.ndarray) -> bool:
    """Whether no iteration of the second half changes the loss.

    At a rate that lives, a gradient of a tenth of the first lowers it by a hundredth of an early
    step each time, and mini-batches move it to and fro.
    """
    late = curve[len(curve) // 2 :]
    return len(curve) >= 20 and bool(np.ptp(late) <= 1e-7 * np.ptp(curve))


def dies(curve: np.ndarray) -> bool:
    """Whether an iteration of the second half lowers the loss by a fiftieth of an early one's fall.

    It is asked where the gradient is at least two fifths of a fresh network's: at a constant
    rate a step down it lowers the loss by a sixth of that.
    """
    half, first = len(curve) // 2, max(1, len(curve) // 100)
    late, early = (curve[half] - curve[-1]) / max(1, half), (curve[0] - curve[first]) / first
    return len(curve) >= 20 and bool(late < early / 50)


@pytest.mark.hint("is the curve the loss on the training rows, and the weights those of its end?")
def test_the_curve_ends_at_the_loss_of_the_weights(evidence, given):
    """The last loss recorded is the loss of the weights that training left."""
    with after_marks_for(evidence, given, *EARLIER):
        check_end_of_curve(evidence, given)


def check_end_of_curve(evidence, given) -> None:
    split, curve = given["parity/0"], evidence["training/curve"].loss_curve
    now = fitting(weights(evidence["training/weights"]), split.X_train)
    form = recognised(evidence, given)
    right = reference.loss_of(split.X_train, split.y_train, now, form)

    # the first loss may be that after an epoch; rows held back for a validation are in `X_train`
    slack = 0.05 * max(right, loss_curve(evidence, given)[0], fresh_loss(evidence, given))
    if min(abs(curve[-1] - right), abs(last_tenth(curve) - right)) > slack:
        raise Wrong(
            "`loss_curve_` does not hold the losses of training: "
            f"it ends at {curve[-1]:.4g}, the weights have a loss of {right:.4g}"
        )


@pytest.mark.claim("last loss above the median of the seeds", at_most=0.25)
@pytest.mark.hint("try several seeds: does training sometimes get stuck?")
def test_every_seed_converges_alike(run, runs, measure, claim):
    """No seed ends far above the others on the same data set."""
    own = last_loss(run)
    if own is None and lacks(run.evidence, "loss_curve_"):
        pytest.skip("not asked: there is no `loss_curve_`")
    if own is None:
        found = first_cause(run.evidence, run.given, *EARLIER)
        follows_from(*(found or ("convergence", "no loss was seen to fall in training")))
    ends = [last_loss(other) for other in runs if other.place == run.place]
    above = own - float(np.median([end for end in ends if end is not None]))
    measure(claim.measure, above)

    if above > claim.at_most:
        raise Wrong(f"this seed ends at {own:.3g}, {above:.3g} above the median of the seeds")


@cache  # each run is compared with all others of its place
def last_loss(run) -> float | None:
    """The last loss of a run; None where there is none, or where training could not work."""
    try:
        with after_marks_for(run.evidence, run.given, *EARLIER):
            curve = loss_curve(run.evidence, run.given)
            assert last_tenth(curve) <= FALLS * curve[0]
        return last_tenth(curve)
    except (Exception, pytest.skip.Exception):  # judged run by run in the tests above
        return None


@pytest.mark.hint("which line compares something with `tol`, and leaves the loop?")
def test_tol_ends_training(evidence, given):
    """A larger `tol` ends training earlier, where the network has one."""
    with after_marks_for(evidence, given, *EARLIER):
        answer = evidence["training/tol"]
        if not answer.taken:
            assert evidence["update/steps"].W1_later.size  # there is something that trains
            return
        loose, strict = int(answer.loose), int(answer.strict)

        if loose >= strict:
            found = f"{loose} iterations with 0.9, {strict} with 1e-9"
            if loose == strict == MOST:  # what `n_iter_` says need not be what was done
                raise KnownMistake(
                    "`tol` is taken and not used, or `n_iter_` does not count the iterations", found
                )
            raise KnownMistake("`tol` is taken and not used", found)
