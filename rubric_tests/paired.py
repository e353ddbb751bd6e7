"""Paired differences over resampled splits, with the variance that overlapping splits need."""

from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy import stats


class Interval(NamedTuple):
    """A mean and the ends of its two-sided interval."""

    mean: float
    low: float
    high: float


def corrected_interval(
    differences: np.ndarray, *, test_share: float = 0.2, confidence: float = 0.9
) -> Interval:
    """The mean difference and its interval, by the corrected resampled t-test.

    Splits of one data set share rows, so their differences are not independent: the variance of
    the mean is (1/k + n_test/n_train) s^2 (Nadeau and Bengio 2003, equation 9), not s^2/k. Each
    end of a 90 % interval is a one-sided bound at 95 %. One difference alone has no interval: its
    ends are infinite.
    """
    differences = np.asarray(differences, dtype=np.float64)
    k, mean = len(differences), float(np.mean(differences))
    if k < 2:
        return Interval(mean, -np.inf, np.inf)
    spread = sqrt((1 / k + test_share / (1 - test_share)) * float(np.var(differences, ddof=1)))
    reach = float(stats.t.ppf(0.5 + confidence / 2, df=k - 1)) * spread
    return Interval(mean, mean - reach, mean + reach)
