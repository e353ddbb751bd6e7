"""Intervals agree with scipy and with the tables."""

import numpy as np
import pytest
from scipy import stats

from assay.judge import statistics
from assay.judge.statistics import mean_interval
from assay.records import Claim

SAMPLE = [1.90, 0.95, -0.93, 0.88, 2.97]


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_the_interval_is_students(confidence: float):
    """The same as scipy's own one-sample t interval."""
    mean, low, high = mean_interval(SAMPLE, confidence)
    expected = stats.ttest_1samp(SAMPLE, 0).confidence_interval(confidence)

    assert (low, high) == pytest.approx(tuple(expected))
    assert mean == pytest.approx(np.mean(SAMPLE))


def test_the_interval_agrees_with_the_printed_table():
    """t(0.975, 4) = 2.776; the interval of 1..5 is 3 -+ 2.776 * sqrt(2.5 / 5)."""
    _, low, high = mean_interval([1, 2, 3, 4, 5])

    assert high - low == pytest.approx(2 * 2.776 * np.sqrt(0.5), abs=1e-3)


def test_the_interval_of_shares_stays_between_0_and_1():
    """An accuracy above 100 % would be a strange thing to report."""
    near_one, near_zero = mean_interval([0.9, 1.0, 1.0]), mean_interval([0.0, 0.0, 0.1])

    assert near_one[2] == 1.0
    assert near_zero[1] == 0.0
    assert near_one[1] > 0.5 > near_zero[2]


@pytest.mark.parametrize("values", [[0.75], [0.75, 0.75, 0.75]])
def test_one_value_has_no_width(values: list[float]):
    """Neither has a sample that does not vary."""
    assert mean_interval(values) == (0.75, 0.75, 0.75)


def test_ninety_five_of_a_hundred_intervals_hold_the_mean():
    """Over 1,000 normal samples the interval covers the truth as often as it says."""
    rng = np.random.default_rng(0)
    samples = rng.normal(3.0, 2.0, size=(1000, 5))
    bounds = np.array([mean_interval(sample) for sample in samples])

    covered = np.mean((bounds[:, 1] <= 3.0) & (bounds[:, 2] >= 3.0))
    assert covered == pytest.approx(0.95, abs=0.02)


CLAIM = Claim(measure="accuracy", at_least=0.9)
LOOKS = (5, 10, 15, 20)


@pytest.mark.parametrize(
    ("held", "judged", "verdict"),
    [
        (5, 5, "passed"),
        (4, 5, "undecided"),
        (2, 5, "failed"),
        (9, 10, "passed"),
        (1, 1, "undecided"),
    ],
)
def test_clear_cases_are_decided_early(held: int, judged: int, verdict: str):
    """Five of five pass, two of five fail; one slip asks for more seeds, and is then forgiven."""
    (found,) = statistics.decide({"a": (held, judged)}, CLAIM)

    assert found.verdict == verdict


def test_a_share_has_the_exact_interval():
    """The table of Clopper and Pearson: nine of ten."""
    assert statistics.share_interval(9, 10) == pytest.approx((0.5550, 0.9975), abs=1e-4)


def test_no_failure_in_fifty_runs_bounds_the_rate_at_six_percent():
    """The rule of three: 3/50; exactly 1 - 0.05 ** (1/50)."""
    assert statistics.upper_bound(0, 50) == pytest.approx(1 - 0.05 ** (1 / 50))


def test_more_places_need_more_to_fail():
    """What fails one place alone is not enough beside four others (Holm)."""
    alone = statistics.decide({"a": (9, 13)}, CLAIM)
    beside = statistics.decide({"a": (9, 13)} | dict.fromkeys("bcde", (13, 13)), CLAIM)

    assert [alone[0].verdict, beside[0].verdict] == ["failed", "undecided"]


def test_a_right_submission_rarely_fails_anywhere():
    """95 % of its seeds succeed: over five places and four looks it fails in under 5 % of cases."""
    one = statistics.rates(CLAIM, 0.95, LOOKS, places=5)

    assert 1 - (1 - one.failed) ** 5 < 0.05
    assert one.passed > 0.95


def test_a_wrong_submission_rarely_passes():
    """One that succeeds in half of its seeds passes in at most 5 % of cases."""
    assert statistics.rates(CLAIM, 0.5, LOOKS).passed < 0.05


def test_the_rates_are_those_of_many_drawn_submissions():
    """The exact distribution agrees with drawing it."""
    rng, ends = np.random.default_rng(0), []
    for _ in range(400):
        held = np.cumsum(rng.random(20) < 0.8)
        verdicts = [
            statistics.decide({"a": (int(held[n - 1]), n)}, CLAIM)[0].verdict for n in LOOKS
        ]
        ends.append(next((v for v in verdicts if v != "undecided"), "undecided"))
    exact = statistics.rates(CLAIM, 0.8, LOOKS)

    assert np.mean([end == "passed" for end in ends]) == pytest.approx(exact.passed, abs=0.07)
    assert np.mean([end == "failed" for end in ends]) == pytest.approx(exact.failed, abs=0.07)


def test_resampled_splits_count_for_less_than_independent_ones():
    """The variance of the mean is (1/k + 1/4) s^2 at 80/20, and not s^2/k."""
    found = np.random.default_rng(0).normal(size=15)

    assert statistics.standard_error(found) ** 2 == pytest.approx(
        (1 / 15 + 0.2 / 0.8) * np.var(found, ddof=1)
    )


@pytest.mark.parametrize(
    ("mean", "verdict"), [(0.0, "passed"), (-0.04, "undecided"), (-0.15, "failed")]
)
def test_a_mean_is_shown_to_be_above_or_below_or_neither(mean: float, verdict: str):
    """Against a margin of 0.05 below."""
    found = mean + 0.02 * stats.zscore(np.arange(15.0))
    (estimate,) = statistics.compare({"a": found.tolist()}, -0.05)

    assert estimate.verdict == verdict


def test_differences_are_judged_as_by_the_corrected_t_test():
    """One place, one look: failed exactly where the one-sided p value is at most 0.05."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        found = rng.normal(-0.6, 1, size=12)
        t = found.mean() / np.sqrt((1 / 12 + 0.25) * np.var(found, ddof=1))
        failed = statistics.compare({"a": found.tolist()}, 0.0)[0].verdict == "failed"

        assert failed == (stats.t.cdf(t, 11) <= 0.05)


def test_one_difference_decides_nothing():
    """It has no spread; it is kept with its value all the same."""
    (estimate,) = statistics.compare({"a": [-0.5]}, 0.0)

    assert (estimate.verdict, estimate.value, estimate.low) == ("undecided", -0.5, None)
