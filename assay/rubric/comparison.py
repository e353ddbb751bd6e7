"""Compare arrays, and say in one sentence how they differ."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from assay.rubric.mistakes import Wrong

Array = np.ndarray[Any, np.dtype[Any]]
SPREAD = 6
"""The largest of many normal numbers, in medians."""


def assert_close(
    actual: ArrayLike,
    expected: ArrayLike,
    *,
    atol: float = 1e-9,
    rtol: float = 0.0,
    what: str = "the answer",
    known_mistakes: Mapping[str, ArrayLike] | None = None,
    hint: str | None = None,
) -> None:
    """Compare two arrays of one shape; where a known mistake gives the same numbers, name it.

    Parameters
    ----------
    actual, expected
        Arrays of the same shape, whatever that is: nothing is broadcast.
    atol, rtol
        How far apart right numbers may be: `atol + rtol * |expected|`, entry by entry.
    what
        What is compared, as the subject of the sentence.
    known_mistakes
        What wrong answers that you expect would give, by the sentence that names the mistake.

    Raises
    ------
    TypeError
        If `known_mistakes` are not numbers by sentences: for a right answer too, or no one would
        notice until a student made the mistake.
    Wrong
        With the recognised mistake, else with the entry that is furthest off and its place.

    Examples
    --------
    >>> x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    >>> assert_close(x + y, x + y)
    >>> assert_close(x - y, x + y, what="the sum", known_mistakes={"it subtracts": x - y})
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: the sum: it subtracts
    >>> assert_close(x * y, x + y, what="the sum")
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: the sum is 10 at [1], expected 7
    """
    __tracebackhide__ = True
    actual, expected = np.asarray(actual), np.asarray(expected)
    _require_numbers(known_mistakes or {})
    if actual.shape != expected.shape:
        raise Wrong(f"{what} has shape {actual.shape}, expected {expected.shape}", hint)
    if np.allclose(actual, expected, atol=atol, rtol=rtol):
        return
    for mistake, its_answer in (known_mistakes or {}).items():
        if same_numbers(actual, its_answer, atol=atol, rtol=rtol):
            raise Wrong(f"{what}: {mistake}", hint, mistake)
    raise Wrong(_largest_difference(actual, expected, what), hint)


def _require_numbers(mistakes: Mapping[str, ArrayLike]) -> None:
    if not isinstance(mistakes, Mapping):
        raise TypeError(f"`known_mistakes` is {type(mistakes).__name__}; expected a dict")
    for mistake, its_answer in mistakes.items():
        if np.asarray(its_answer).dtype.kind not in "biufc":
            raise TypeError(f"the known mistake {mistake!r:.80} has no numbers as its answer")


def same_numbers(actual: ArrayLike, other: ArrayLike, *, atol: float, rtol: float = 0.0) -> bool:
    """Return whether two arrays have one shape and, up to the tolerance, the same numbers.

    Neither is broadcast against the other.

    Examples
    --------
    >>> same_numbers(np.ones((2, 2)), np.ones(2), atol=1e-9)
    False
    """
    actual, other = np.asarray(actual), np.asarray(other)
    return actual.shape == other.shape and bool(np.allclose(actual, other, atol=atol, rtol=rtol))


def _largest_difference(actual: Array, expected: Array, what: str) -> str:
    """Return one sentence on the entry that is furthest off."""
    place = furthest(actual, expected)
    one, other = _signed(actual)[place], _signed(expected)[place]
    return f"{what} is {one:.6g}{at(place)}, expected {other:.6g}"


def furthest(actual: Array, expected: Array) -> tuple[int, ...]:
    """Return the place at which two arrays of one shape differ most; NaN is furthest from all."""
    one, other = _signed(actual), _signed(expected)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.where(one == other, 0.0, np.nan_to_num(np.abs(one - other), nan=np.inf))
    return tuple(int(i) for i in np.unravel_index(gap.argmax(), gap.shape)) if gap.ndim else ()


def _signed(array: Array) -> Array:
    """Return numbers whose difference is one: booleans have none, and unsigned ones wrap."""
    return array.astype(np.float64) if array.dtype.kind in "bu" else array


def at(place: tuple[int, ...]) -> str:
    """Return ` at [2, 0]`; '' for a single number, which has no place."""
    return f" at [{', '.join(str(i) for i in place)}]" if place else ""


def precision(*arrays: ArrayLike) -> float:
    """Return how exact a number is, of its own size: 1e-4 if any array is float32, else 1e-7.

    Examples
    --------
    >>> precision(np.ones(3)), precision(np.ones(3), np.ones(3, np.float32))
    (1e-07, 0.0001)
    """
    return 1e-4 if any(np.asarray(array).dtype == np.float32 for array in arrays) else 1e-7


def tolerance(*arrays: ArrayLike) -> float:
    """Return how far apart right answers of any shape may be; never infinite.

    Right answers err by their size, which is that of most entries: a huge one excuses no other.

    Examples
    --------
    >>> tolerance(np.zeros(3)), round(tolerance(np.full(3, 1000.0)), 6)
    (1e-07, 0.0006)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = [float(np.median(np.abs(a))) for a in map(np.asarray, arrays) if a.size]
    size = SPREAD * max(sizes, default=0.0)
    return precision(*arrays) * (max(1.0, size) if np.isfinite(size) else 1.0)


def same(one: ArrayLike, other: ArrayLike) -> bool:
    """Return whether two answers of the student's agree, as exactly as their precision allows.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> same(x, x + 1e-9), same(x, x + 1e-3)
    (True, False)
    """
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or _are_far_apart(one, other):
        return False
    return same_numbers(one, other, atol=tolerance(one, other), rtol=precision(one, other))


def _are_far_apart(one: Array, other: Array) -> bool:
    """Return whether arrays of one shape differ by more than any tolerance, which is quick.

    A judge that looks for a known mistake compares an answer with a thousand others.
    """
    if not one.size or {one.dtype.kind, other.dtype.kind} != {"f"}:
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        largest = max(np.abs(one).max(), np.abs(other).max())  # no median is larger
        allowed = 1.01 * precision(one, other) * (max(1.0, SPREAD * largest) + largest)
        return bool(np.abs(one - other).max() > allowed)  # NaN says nothing here


def assert_same(one: ArrayLike, other: ArrayLike, reason: str) -> None:
    """Check that two answers of the student's agree; `reason` says what it means if they do not.

    Raises
    ------
    Wrong
        If they differ, with the reason and by how much; and if their shapes differ, if they are
        empty, or if all numbers of one are the same, since constants agree always.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> assert_same(x, x, "asked again, the answer is another")
    >>> assert_same(x, x + 0.5, "asked again, the answer is another")
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: asked again, the answer is another (by up to 0.5)
    """
    __tracebackhide__ = True
    one, other = np.asarray(one), np.asarray(other)
    assert_comparable(one, other)
    if not same(one, other):
        with np.errstate(over="ignore", invalid="ignore"):
            most = np.abs(_signed(one) - _signed(other)).max()
        raise Wrong(f"{reason} (by up to {most:.2g})")


def assert_differs(one: ArrayLike, other: ArrayLike, reason: str) -> None:
    """Check that two answers of the student's differ; `reason` says what it means if they do not.

    Raises
    ------
    Wrong
        If they agree, and where `assert_same` says that nothing can be compared.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> assert_differs(x, x, "the output does not depend on the input")
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: the output does not depend on the input
    """
    __tracebackhide__ = True
    assert_comparable(one, other)
    if same(one, other):
        raise Wrong(reason)


def assert_comparable(*answers: ArrayLike) -> None:
    """Check that answers have one shape and something in them: constants agree always.

    Raises
    ------
    Wrong
        If one is empty, if all its numbers are the same, or if the shapes differ.

    Examples
    --------
    >>> assert_comparable(np.arange(3.0), np.zeros(3))
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: every number of the answer is the same
    """
    __tracebackhide__ = True
    arrays = [np.asarray(answer) for answer in answers]
    if not all(array.size for array in arrays):
        raise Wrong("the answer is empty")
    if any(array.size > 1 and (array == array.flat[0]).all() for array in arrays):
        raise Wrong("every number of the answer is the same")
    assert_one_shape(*arrays)


def assert_one_shape(*arrays: ArrayLike) -> None:
    """Check that arrays that are set against each other have one shape.

    Raises
    ------
    Wrong
        If they have not, with the shapes.

    Examples
    --------
    >>> assert_one_shape(np.ones((2, 3)), np.ones((3, 2)))
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: answers of different shapes: (2, 3), (3, 2)
    """
    __tracebackhide__ = True
    shapes = [np.shape(array) for array in arrays]
    if len(set(shapes)) > 1:
        raise Wrong(f"answers of different shapes: {', '.join(map(str, shapes))}")
