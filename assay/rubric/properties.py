"""Properties that right answers have, whatever their numbers: what a test can hold them to.

Each property alone holds of some wrong answers too: a constant is the same in any order. So judge
several, and one that only the right formula has (`assert_close`).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from assay.rubric.comparison import (
    Array,
    assert_one_shape,
    assert_same,
    at,
    furthest,
    tolerance,
)
from assay.rubric.mistakes import KnownMistake, Wrong


def slopes(function: Callable[[Array], float], x: ArrayLike, step: float = 1e-5) -> Array:
    """Measure the slope of a function along every single entry of `x`, by central differences.

    The function is called twice for each entry, with an array of the shape of `x` in float64 that
    it may keep or change. What comes back has the shape of `x`, and errs by about
    `step**2 + 1e-16 / step` in numbers near one.

    Examples
    --------
    >>> slopes(lambda x: float((x**2).sum()), [[1.0, 2.0, 3.0]]).round(6)
    array([[2., 4., 6.]])
    """
    x = np.array(x, dtype=np.float64)

    def moved(place: int, by: float) -> float:
        there = x.copy()
        there.flat[place] += by
        return float(function(there))

    found = [(moved(i, step) - moved(i, -step)) / (2 * step) for i in range(x.size)]
    return np.array(found, dtype=np.float64).reshape(x.shape)


def assert_gradient(
    gradient: ArrayLike,
    measured: ArrayLike,
    *,
    rtol: float = 1e-6,
    name: Callable[[int], str] | None = None,
) -> None:
    """Check that a gradient is the slope of the loss, entry by entry.

    Parameters
    ----------
    gradient
        What the student's code says, of any shape.
    measured
        The slopes, of the same shape: `slopes` of the judge's own loss.
    rtol
        How far apart they may be, as a part of the largest slope.
    name
        What to call the entry with this index among all of them, in a sentence; `[2, 0]` if None.

    Raises
    ------
    Wrong
        With the entry that is furthest off, what it is and what was measured.
    ValueError
        If a slope that was measured is no number: that is no mistake of the student's.

    Examples
    --------
    >>> measured = slopes(lambda w: float((w**2).sum()), [1.0, 2.0])
    >>> assert_gradient([2.0, 4.0], measured)
    >>> assert_gradient([2.0, 2.0], measured)
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: the gradient is not the slope of the loss: at [1] it is 2, the loss rises by 4
    """  # noqa: E501
    __tracebackhide__ = True
    found, expected = np.asarray(gradient), np.asarray(measured)
    if found.shape != expected.shape:
        raise Wrong(f"the gradient has shape {found.shape}, expected {expected.shape}")
    if not np.isfinite(expected).all():
        raise ValueError("`measured` holds slopes that are no numbers: nothing can be held to them")
    atol = rtol * float(np.abs(expected).max(initial=1e-9))  # a flat loss: rounding is no slope
    if not np.allclose(found, expected, atol=atol, rtol=0):
        place = furthest(found, expected)
        index = int(np.ravel_multi_index(place, found.shape)) if place else 0
        along = f" along {name(index)}" if name else at(place)
        raise Wrong(
            "the gradient is not the slope of the loss:"
            f"{along} it is {found[place]:.3g}, the loss rises by {expected[place]:.3g}"
        )


def assert_rows_sum_to_one(
    weights: ArrayLike,
    *,
    atol: float | None = None,
    what: str = "the weights",
    over: str = "the last axis",
    other_axes: Mapping[int, str] | None = None,
) -> None:
    """Check that the numbers along the last axis are shares: none below 0, and together 1.

    Parameters
    ----------
    weights
        Of shape `(..., n)`: each of its rows has `n` shares.
    atol
        How far a sum may be from 1; None for ten times what the precision allows.
    what, over
        What they are and what they are shared out over, for the sentence: "the weights", "keys".
    other_axes
        What the other axes are, as in `{-2: "queries", 0: "batch"}`: if the sum is one over one of
        them instead, the mistake is named.

    Raises
    ------
    KnownMistake
        If they sum to one over one of the other axes instead.
    Wrong
        With the row that is furthest off, or the lowest number if that is below 0.

    Examples
    --------
    >>> weights = np.array([[0.5, 0.5], [0.2, 0.6]])
    >>> assert_rows_sum_to_one(weights[:1])
    >>> assert_rows_sum_to_one(weights, over="the keys")
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: the weights sum to 0.8 over the keys at [1], expected 1
    >>> assert_rows_sum_to_one([[0.5, 0.1], [0.5, 0.9]], over="the keys", other_axes={0: "queries"})
    Traceback (most recent call last):
    assay.rubric.mistakes.KnownMistake: the weights sum to one over the queries, not over the keys
    """
    __tracebackhide__ = True
    shares = np.asarray(weights)
    if shares.ndim == 0 or not shares.size:
        raise Wrong(f"{what} have shape {shares.shape}, expected rows of numbers")
    atol = 10 * tolerance(shares) if atol is None else atol
    totals = shares.sum(axis=-1)
    if not np.allclose(totals, 1, atol=atol, rtol=0):
        for axis, name in (other_axes or {}).items():
            if np.allclose(shares.sum(axis=axis), 1, atol=atol, rtol=0):
                raise KnownMistake(f"{what} sum to one over the {name}, not over {over}")
        place = furthest(totals, np.ones_like(totals))
        raise Wrong(f"{what} sum to {totals[place]:.4g} over {over}{at(place)}, expected 1")
    if shares.min() < -atol:
        place = tuple(int(i) for i in np.unravel_index(shares.argmin(), shares.shape))
        raise Wrong(f"{what} hold {shares[place]:.3g}{at(place)}, expected none below 0")


def assert_permuted(
    out: ArrayLike,
    out_permuted: ArrayLike,
    order: ArrayLike,
    *,
    axis: int = 1,
    reason: str = "items in another order do not give the same answers in that order",
) -> None:
    """Check that `f(x[order])` is `f(x)[order]`: a function of a set knows no order.

    Parameters
    ----------
    out, out_permuted
        Answers of one shape: to the inputs as they were, and to those in another order.
    order
        Of shape `(n,)`: the places from which the inputs were taken, `x[:, order]` for axis 1.
    axis
        The axis of the answers that was permuted, with `n` items.

    Raises
    ------
    Wrong
        If they are not the same answers in that order, with the reason and by how much.
    ValueError
        If `order` is no permutation, or leaves everything in its place: nothing could fail then.

    Examples
    --------
    >>> x, order = np.array([[3.0, 1.0, 2.0]]), np.array([1, 2, 0])
    >>> assert_permuted(x**2, x[:, order] ** 2, order)
    >>> assert_permuted(x.cumsum(1), x[:, order].cumsum(1), order)
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: items in another order do not give the same answers in that order (by up to 3)
    """  # noqa: E501
    __tracebackhide__ = True
    out, out_permuted, order = np.asarray(out), np.asarray(out_permuted), np.asarray(order)
    if not np.array_equal(np.sort(order), np.arange(order.size)):
        raise ValueError(f"`order` is no permutation of 0 to {order.size - 1}")
    if np.array_equal(order, np.arange(order.size)):
        raise ValueError("`order` leaves everything in its place")
    if not -out.ndim <= axis < out.ndim or out.shape[axis] != order.size:
        raise Wrong(
            f"the answer has shape {out.shape}, expected {order.size} items along axis {axis}"
        )
    assert_same(np.take(out, order, axis), out_permuted, reason)


def assert_batch_independent(
    out: ArrayLike,
    out_other: ArrayLike,
    *,
    shared: slice = slice(1, -1),
    reason: str = "an item's answer changes with the other items of the batch",
) -> None:
    """Check that an item has the same answer whatever else is in its batch.

    Parameters
    ----------
    out, out_other
        Answers of one shape `(batch, ...)` to two batches.
    shared
        The items that both batches have in the same places: all but the first and the last, if
        nothing else is said.

    Raises
    ------
    Wrong
        If an item that both share has two answers, with the reason and by how much.
    ValueError
        If the batch is too small to share an item: the question's mistake, not the student's.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0], [3.0, 5.0], [7.0, 4.0]])
    >>> other = np.array([[9.0, 8.0], [3.0, 5.0], [6.0, 6.0]])
    >>> assert_batch_independent(2 * x, 2 * other)
    >>> assert_batch_independent(x - x.mean(0), other - other.mean(0))
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: an item's answer changes with the other items of the batch (by up to 2.7)
    """  # noqa: E501
    __tracebackhide__ = True
    one, other = np.asarray(out), np.asarray(out_other)
    if one.ndim == 0 or other.ndim == 0:
        raise Wrong("the answer is a single number, expected one item after the other")
    if len(one) and len(other) and not (len(one[shared]) or len(other[shared])):
        raise ValueError(f"{len(one)} items share none by `shared={shared}`: ask with more")
    assert_same(one[shared], other[shared], reason)


def assert_monotone(
    losses: ArrayLike | Sequence[float], *, slack: float = 0.0, what: str = "the loss"
) -> None:
    """Check that a loss falls and never rises, as in full-batch descent at a small learning rate.

    Parameters
    ----------
    losses
        Of shape `(n,)`, in the order of training; two at least.
    slack
        By how much a loss may be above the one before it.
    what
        What falls, as the subject of the sentence.

    Raises
    ------
    Wrong
        With the largest rise and its place; or if the last loss is not below the first.

    Examples
    --------
    >>> assert_monotone([0.7, 0.5, 0.4])
    >>> assert_monotone([0.7, 0.5, 0.6])
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: the loss rises from 0.5 at [1] to 0.6 at [2], expected it to fall
    """
    __tracebackhide__ = True
    found = np.asarray(losses)
    if found.dtype.kind not in "biuf":
        raise Wrong(f"{what} holds {found.dtype}, expected real numbers")
    found = found.astype(np.float64)
    if found.ndim != 1 or len(found) < 2:
        raise Wrong(f"{what} has shape {found.shape}, expected a series of two or more")
    if not np.isfinite(found).all():
        place = int(np.isfinite(found).argmin())
        raise Wrong(f"{what} is {found[place]} at [{place}], expected a number")
    with np.errstate(over="ignore"):
        rises = np.diff(found)
    i = int(rises.argmax())
    if rises[i] > slack:
        raise Wrong(
            f"{what} rises from {found[i]:.6g} at [{i}] to {found[i + 1]:.6g} at [{i + 1}], "
            "expected it to fall"
        )
    if found[-1] >= found[0]:
        raise Wrong(f"{what} goes from {found[0]:.6g} to {found[-1]:.6g}, expected it to end lower")


def assert_unchanged(before: ArrayLike, after: ArrayLike, name: str) -> None:
    """Check that the student's code has not written into an array that it was given.

    Parameters
    ----------
    before, after
        The array as it was given and as it was left, of one shape. Both may hold NaN.
    name
        The name of the argument.

    Raises
    ------
    KnownMistake
        If an entry has changed, with the share of all that have.
    Wrong
        If the shapes differ.

    Examples
    --------
    >>> X = np.array([1.0, 2.0, 3.0, 4.0])
    >>> assert_unchanged(X, X.copy(), "X")
    >>> assert_unchanged(X, np.array([1.0, 0.0, 3.0, 0.0]), "X")
    Traceback (most recent call last):
    assay.rubric.mistakes.KnownMistake: the input is changed in place: `X`, 50% of its entries
    """
    __tracebackhide__ = True
    one, other = np.asarray(before), np.asarray(after)
    assert_one_shape(one, other)
    changed = (one != other) & ~((one != one) & (other != other))  # NaN is not equal to itself
    if changed.any():
        found = f"`{name}`, {changed.mean():.0%} of its entries"
        raise KnownMistake("the input is changed in place", found)
