"""Statistics over seeds."""

from collections.abc import Sequence

import numpy as np
from scipy import stats


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean and two-sided Student t interval of independent values; one value has no width to show.

    Returns `(mean, low, high)`, with low = high = mean where there are fewer than two values or
    all are equal. Values that all lie between 0 and 1 are taken for shares: so does their interval.
    """
    sample = np.asarray(values, dtype=float)
    mean = float(sample.mean())
    if len(sample) < 2 or np.ptp(sample) == 0:
        return mean, mean, mean
    half = float(stats.t.ppf((1 + confidence) / 2, len(sample) - 1) * stats.sem(sample))
    least, most = (0.0, 1.0) if sample.min() >= 0 and sample.max() <= 1 else (-np.inf, np.inf)
    return mean, max(least, mean - half), min(most, mean + half)
