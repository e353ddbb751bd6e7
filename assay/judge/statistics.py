"""Statistics over seeds."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean and two-sided Student t interval of independent values; one value has no width to show.

    Returns `(mean, low, high)`, with low = high = mean where there are fewer than two values or
    all are equal.
    """
    sample = np.asarray(values, dtype=float)
    mean = float(sample.mean())
    if len(sample) < 2 or np.ptp(sample) == 0:
        return mean, mean, mean
    half = float(stats.t.ppf((1 + confidence) / 2, len(sample) - 1) * stats.sem(sample))
    return mean, mean - half, mean + half
