"""Statistics over seeds: how sure a verdict is, and when more seeds are needed to be sure."""

from collections.abc import Mapping, Sequence
from math import comb, log, sqrt
from typing import Any, NamedTuple

import numpy as np

from assay.records import Claim, Estimate, Verdict

TEST_SHARE = 0.2
"""Of the rows of a resampled split, those that are tested on."""


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean and two-sided Student t interval of independent values; one value has no width to show.

    Returns `(mean, low, high)`, with low = high = mean where there are fewer than two values or
    all are equal. Values that all lie between 0 and 1 are taken for shares: so does their interval.
    """
    sample = np.asarray(values, dtype=float)
    mean = float(sample.mean())
    if len(sample) < 2 or np.ptp(sample) == 0:
        return mean, mean, mean
    error = float(np.std(sample, ddof=1)) / sqrt(len(sample))
    half = _t_quantile((1 + confidence) / 2, len(sample) - 1) * error
    least, most = (0.0, 1.0) if sample.min() >= 0 and sample.max() <= 1 else (-np.inf, np.inf)
    return mean, max(least, mean - half), min(most, mean + half)


def _t_quantile(probability: float, degrees: int) -> float:
    """Of Student's t; `scipy.stats` has it too, and takes most of a second to import."""
    return float(_special().stdtrit(degrees, probability))


def _special() -> Any:
    """Imported where a number is asked for: `assay check` asks for none, and it takes 0.2 s."""
    from scipy import special

    return special


def share_interval(held: int, judged: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a share (Clopper and Pearson 1934)."""
    half = (1 + confidence) / 2
    return lower_bound(held, judged, half), upper_bound(held, judged, half)


def upper_bound(failures: int, judged: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided upper bound of a rate of failure."""
    if failures == judged:
        return 1.0
    return float(_special().betaincinv(failures + 1, judged - failures, confidence))


def lower_bound(failures: int, judged: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided lower bound of a rate of failure."""
    return 1 - upper_bound(judged - failures, judged, confidence)


def log_ratio(held: int, judged: int, claim: Claim) -> float:
    """Log likelihood ratio of the claim over what it is tested against (Wald 1945)."""
    missed = judged - held
    return held * log(claim.share / claim.against) + missed * log(
        (1 - claim.share) / (1 - claim.against)
    )


def decide(counts: Mapping[str, tuple[int, int]], claim: Claim) -> list[Estimate]:
    """Return what `(held, judged)` runs of each place decide: Wald's sequential test at each place.

    Over all places a right submission fails with a probability of at most 1 - confidence (the
    step-down of Holm 1979, for sequential tests De and Baron 2012), however often one looks; one
    of which only `against` of the seeds succeed passes a place as rarely.
    """
    error = 1 - claim.confidence
    ratios = {place: log_ratio(*counts[place], claim) for place in counts}
    enough = log((1 - error) / error)
    verdicts = {
        place: Verdict.PASSED if ratio >= enough else Verdict.UNDECIDED
        for place, ratio in ratios.items()
    }
    for rank, place in enumerate(sorted(ratios, key=ratios.__getitem__)):
        if ratios[place] > log(error / (len(ratios) - rank) / (1 - error)):
            break
        verdicts[place] = Verdict.FAILED
    return [_share(place, *counts[place], verdicts[place]) for place in counts]


def _share(place: str, held: int, judged: int, verdict: Verdict) -> Estimate:
    low, high = share_interval(held, judged)
    return Estimate(place=place, n=judged, value=held / judged, low=low, high=high, verdict=verdict)


class Rates(NamedTuple):
    """How a sequential test ends, by probability, and the runs that it takes on average."""

    passed: float
    failed: float
    undecided: float
    runs: float


def rates(claim: Claim, success: float, looks: Sequence[int], places: int = 1) -> Rates:
    """Exactly how the test of one place ends where each run succeeds with this probability.

    `looks` are the numbers of runs after which one looks; `places` is how many are tested beside
    each other, by the strictest step of Holm's.
    """
    error = 1 - claim.confidence
    low, high = log(error / places / (1 - error)), log((1 - error) / error)
    open_, passed, failed, runs, before = {0: 1.0}, 0.0, 0.0, 0.0, 0
    for look in looks:
        open_ = _after(open_, look - before, success)
        before = look
        ratio = {held: log_ratio(held, look, claim) for held in open_}
        ends_well = sum(p for held, p in open_.items() if ratio[held] >= high)
        ends_badly = sum(p for held, p in open_.items() if ratio[held] <= low)
        runs += look * (ends_well + ends_badly)
        passed, failed = passed + ends_well, failed + ends_badly
        open_ = {held: p for held, p in open_.items() if low < ratio[held] < high}
    undecided = sum(open_.values())
    return Rates(passed, failed, undecided, runs + before * undecided)


def _after(held: Mapping[int, float], more: int, success: float) -> dict[int, float]:
    """Return the distribution of successes after this many further runs."""
    after: dict[int, float] = {}
    for so_far, probability in held.items():
        for k in range(more + 1):
            chance = comb(more, k) * success**k * (1 - success) ** (more - k)
            after[so_far + k] = after.get(so_far + k, 0.0) + probability * chance
    return after


def standard_error(differences: Sequence[float]) -> float:
    """Of the mean difference over resampled splits of one data set.

    They share rows and are not independent: the variance of the mean is
    (1/k + n_test/n_train) s^2 (Nadeau and Bengio 2003, equation 9), not s^2/k.
    """
    k, spread = len(differences), float(np.var(differences, ddof=1))
    return sqrt((1 / k + TEST_SHARE / (1 - TEST_SHARE)) * spread)


def compare(
    differences: Mapping[str, Sequence[float]],
    threshold: float,
    *,
    looks: int = 1,
    confidence: float = 0.95,
) -> list[Estimate]:
    """Is the mean of paired differences above a threshold, at each place?

    *Passed* where it is shown to be above, *failed* where it is shown to be below, by one-sided
    corrected resampled t-tests. The error of failing is shared out over the `looks` (Bonferroni)
    and over the places (Holm), so a submission that is good enough fails anywhere, at any look,
    with a probability of at most 1 - confidence. Fewer than two differences decide nothing.
    """
    error = (1 - confidence) / looks
    below = {place: _p_below(found, threshold) for place, found in differences.items()}
    estimates, open_ = {}, True
    for rank, place in enumerate(sorted(below, key=below.__getitem__)):
        level = error / (len(below) - rank)
        open_ = open_ and below[place] <= level
        estimates[place] = _compared(place, differences[place], threshold, level, failed=open_)
    return [estimates[place] for place in differences]


def _p_below(differences: Sequence[float], threshold: float) -> float:
    """How likely differences so low are where the true mean is at the threshold."""
    if len(differences) < 2:
        return 1.0
    off, error = float(np.mean(differences)) - threshold, standard_error(differences)
    if error == 0:
        return 0.0 if off < 0 else 1.0
    return float(_special().stdtr(len(differences) - 1, off / error))


def _compared(
    place: str, differences: Sequence[float], threshold: float, level: float, *, failed: bool
) -> Estimate:
    n, mean = len(differences), float(np.mean(differences))
    if n < 2:
        return Estimate(
            place=place,
            n=n,
            value=mean,
            low=None,
            high=None,
            verdict=Verdict.UNDECIDED,
            threshold=threshold,
        )
    reach = _t_quantile(1 - level, n - 1) * standard_error(differences)
    verdict = Verdict.PASSED if mean - reach > threshold else Verdict.UNDECIDED
    return Estimate(
        place=place,
        n=n,
        value=mean,
        low=mean - reach,
        high=mean + reach,
        verdict=Verdict.FAILED if failed else verdict,
        threshold=threshold,
    )
