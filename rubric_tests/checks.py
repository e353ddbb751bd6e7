"""How a rubric test says what is wrong: a reason, and apart from it a hint."""

from collections.abc import Mapping

import numpy as np


class Wrong(AssertionError):
    """An answer is wrong. The reason says what was found, the hint where to look.

    `mistake` is the known mistake that it looks like, in the words of the report.
    """

    def __init__(self, reason: str, hint: str | None = None, mistake: str = "") -> None:
        super().__init__(reason)
        self.hint, self.mistake = hint, mistake


class KnownMistake(Wrong):
    """An answer is wrong in a way that has a name; `found` is what was seen of it in this run."""

    def __init__(self, mistake: str, found: str = "", hint: str | None = None) -> None:
        super().__init__(f"{mistake}: {found}" if found else mistake, hint, mistake)


class ForReview(Exception):
    """This cannot be judged by a program: a person looks at it, and is told why."""

    for_review = True


def assert_close(
    actual: np.ndarray,
    expected: np.ndarray,
    *,
    atol: float = 1e-9,
    rtol: float = 0.0,
    what: str = "the answer",
    known_mistakes: Mapping[str, np.ndarray] | None = None,
    hint: str | None = None,
) -> None:
    """Compare two arrays; where a known mistake gives the same numbers, name the mistake.

    Raises Wrong with the recognised mistake, else with the largest difference and its place.
    """
    __tracebackhide__ = True
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        raise Wrong(f"{what} has shape {actual.shape}, expected {expected.shape}", hint)
    if np.allclose(actual, expected, atol=atol, rtol=rtol):
        return
    for mistake, its_answer in (known_mistakes or {}).items():
        if same_numbers(actual, its_answer, atol=atol, rtol=rtol):
            raise Wrong(f"{what}: {mistake}", hint, mistake)
    raise Wrong(largest_difference(actual, expected, what), hint)


def same_numbers(actual: np.ndarray, other: np.ndarray, *, atol: float, rtol: float = 0.0) -> bool:
    """Equal shape and equal numbers, without broadcasting one against the other."""
    other = np.asarray(other)
    return actual.shape == other.shape and np.allclose(actual, other, atol=atol, rtol=rtol)


def largest_difference(actual: np.ndarray, expected: np.ndarray, what: str) -> str:
    """One sentence on the entry that is furthest off."""
    gap = np.nan_to_num(
        np.abs(actual - expected), nan=np.inf
    )  # what cannot be compared is furthest
    place = np.unravel_index(gap.argmax(), gap.shape) if gap.ndim else ()
    where = f" at [{', '.join(str(i) for i in place)}]" if place else ""
    return f"{what} is {actual[place]:.6g}{where}, expected {expected[place]:.6g}"
