"""Rows like those of a public data set, none of which can be looked up there.

Whoever knows the data set by heart learns nothing of a label from it that the training rows do not
show: rows are drawn from a generator, and their directions are drawn anew for each question.
"""

from collections.abc import Callable

import numpy as np

Rows = tuple[np.ndarray, np.ndarray]
"""X (n, d) and y (n,), 0 or 1."""

LEAST = 1_000  # rows: fewer make the comparison with logistic regression a matter of luck
MORE = 100  # rows, at most, so that nobody knows how many there will be
NOISE = 0.1  # standard deviations: features that are constant in one class would give it away


def fresh_rows(rng: np.random.Generator, name: str, X: np.ndarray, y: np.ndarray) -> Rows:
    """Rows of the problem behind a data set: of its own generator, or like the classes in it."""
    n = max(LEAST, len(X)) + int(rng.integers(MORE))
    return MADE[name](rng, n) if name in MADE else like(rng, X, y, n)


def like(rng: np.random.Generator, X: np.ndarray, y: np.ndarray, n: int) -> Rows:
    """Normal rows with the mean and the covariance of each class, and as many of each, in share.

    A class's covariance is that of its centred rows, mixed with normal weights. So a row has no
    single row of the data set behind it.
    """
    made, labels = [], []
    for label in np.unique(y):
        rows = X[y == label]
        count = round(n * len(rows) / len(X))
        mixing = rng.normal(size=(count, len(rows))) / np.sqrt(len(rows))
        made.append(rows.mean(axis=0) + mixing @ (rows - rows.mean(axis=0)))
        labels.append(np.full(count, label))
    drawn = scaled(np.vstack(made))
    return drawn + NOISE * rng.normal(size=drawn.shape), np.concatenate(labels)


def quantiles(rng: np.random.Generator, n: int) -> Rows:
    """Half of normal rows are inside an ellipsoid, label 0; the others in the shell around it.

    Of the published ball a row's length alone gives the label, in any directions.
    """
    X, axes = rng.normal(size=(n, 5)), np.exp(np.linspace(-0.75, 0.75, 5))
    distance = np.linalg.norm(X * axes, axis=1)
    return X, (distance > np.median(distance)).astype(np.float64)


def reversed_digits(rng: np.random.Generator, n: int) -> Rows:
    """Five digits, then the same reversed (label 1) or shuffled; the label is read off the row."""
    first = rng.integers(0, 10, size=(n, 5))
    is_made_reversed = np.arange(n)[:, None] % 2 == 0
    second = np.where(is_made_reversed, first[:, ::-1], rng.permuted(first, axis=1))
    is_reversed = (second == first[:, ::-1]).all(axis=1)
    return np.hstack([first, second]).astype(np.float64), is_reversed.astype(np.float64)


MADE: dict[str, Callable[[np.random.Generator, int], Rows]] = {
    "gaussian_quantiles": quantiles,
    "ten_digits": reversed_digits,
}


def turned(rng: np.random.Generator, X: np.ndarray, y: np.ndarray) -> Rows:
    """The scaled rows in a coordinate system drawn at random.

    Random weights have no direction of their own, so a network does not mind; weights that were
    trained before, on the data set as it is published, are of no use.
    """
    directions, upper = np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))
    return scaled(X) @ (directions * np.sign(np.diag(upper))), y


def scaled(X: np.ndarray) -> np.ndarray:
    """Every feature with mean 0 and standard deviation 1; a constant one is 0."""
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(np.ptp(X, axis=0) == 0, 1.0, spread)
