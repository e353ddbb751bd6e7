"""How well two rounds agree: weighted kappa, and Krippendorff's alpha with an interval."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import cohen_kappa_score
from starlette.requests import Request
from starlette.responses import Response

from assay.review import progress
from assay.review.board import board_of, page

SAMPLES, BLOCK = 2_000, 100
FEWEST = 10
"""Pairs below which an interval says nothing."""


@dataclass(frozen=True)
class Agreement:
    """Two rounds over the answers that both have marked; None where it is not defined."""

    n: int
    same: int
    kappa: float | None
    """Cohen's, with quadratic weights over the ranks of the points."""
    alpha: float | None
    """Krippendorff's, for intervals: by the points themselves."""
    low: float | None
    high: float | None
    """Of alpha, the middle 95 % of its values over answers drawn anew."""


def of(pairs: Sequence[tuple[float, float]], seed: int = 0) -> Agreement:
    """Return the agreement of pairs of points."""
    if not pairs:
        return Agreement(0, 0, None, None, None, None)
    points = np.array(pairs, dtype=float)
    low, high = _interval(points, seed) if len(points) >= FEWEST else (None, None)
    same = int((points[:, 0] == points[:, 1]).sum())
    return Agreement(len(points), same, _kappa(points), alpha(points), low, high)


def alpha(points: np.ndarray) -> float | None:
    """Return Krippendorff's alpha of two complete columns, for the interval scale.

        alpha = 1 - D_o / D_e,  D_o = mean of (a - b)²,  D_e = 2 · variance of all values

    D_e is the mean squared difference of all pairs of values, whosever they are.
    """
    expected = 2 * float(np.var(points, ddof=1)) if points.size > 1 else 0.0
    if not expected:
        return None
    observed = float(np.mean((points[:, 0] - points[:, 1]) ** 2))
    return 1 - observed / expected


def _kappa(points: np.ndarray) -> float | None:
    values, ranks = np.unique(points, return_inverse=True)
    if len(values) < 2:
        return None
    first, second = ranks.reshape(points.shape).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 0/0 where a rater gave everybody the same
        found = float(
            cohen_kappa_score(first, second, labels=range(len(values)), weights="quadratic")
        )
    return None if math.isnan(found) else found


def _interval(points: np.ndarray, seed: int) -> tuple[float | None, float | None]:
    rng = np.random.default_rng(seed)
    values = [found for _ in range(SAMPLES // BLOCK) for found in _drawn(points, rng)]
    if len(values) < SAMPLES // 2:
        return None, None
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def _drawn(points: np.ndarray, rng: np.random.Generator) -> list[float]:
    """Return alpha of a block of samples; of those in which it is defined."""
    picked = points[rng.integers(len(points), size=(BLOCK, len(points)))]
    expected = 2 * picked.reshape(BLOCK, -1).var(axis=1, ddof=1)
    observed = ((picked[:, :, 0] - picked[:, :, 1]) ** 2).mean(axis=1)
    defined = expected > 0
    return list(1 - observed[defined] / expected[defined])


def show(request: Request) -> Response:
    """Show how well the rounds of a question agree, and where they differ."""
    board = board_of(request)
    question = board.question(request.path_params["number"])
    items, rounds = board.store.items(question), board.store.rounds(question)
    return page(
        request,
        "agreement.html.j2",
        question=question,
        found=of(progress.pairs(question, items, rounds)),
        fewest=FEWEST,
        differences=progress.differences(question, items, rounds),
    )
