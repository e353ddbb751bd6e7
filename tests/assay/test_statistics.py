"""Intervals agree with scipy and with the tables."""

import numpy as np
import pytest
from scipy import stats

from assay.judge.statistics import mean_interval

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
