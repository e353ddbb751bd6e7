"""The one number that a gradebook takes, and the words that go with it.

A gradebook has one total for the whole class. So points that were set aside or not asked count as
the judged ones do, on average, and points that wait for a person are not there yet.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from assay.records import Criterion, Result
from assay.report import summary


class Score(NamedTuple):
    """Points that are sure by now, those that still wait, and of the sure ones, those by share."""

    points: float
    set_aside: float
    waiting: float
    not_asked: float = 0.0


def score(result: Result) -> Score:
    """`points` is what was earned, and the same share of what was set aside or not asked."""
    judged, aside, silent = result.judged_points, result.points_set_aside, result.points_not_asked
    share = result.earned / judged if judged else 0.0
    waiting = result.review_points + result.unjudged_points
    sure = round(result.earned + share * (aside + silent), 2)
    return Score(sure, round(share * aside, 2), waiting, round(share * silent, 2))


def possible(results: Sequence[Result]) -> float:
    """Return all points of the assignment, those for review among them."""
    return max((sum(c.points for c in result.criteria) for result in results), default=0.0)


def remarks(result: Result) -> list[str]:
    """What a reader of the number has to know."""
    found = score(result)
    said = list(result.not_graded)
    if result.points_set_aside:
        said.append(
            f"{summary.points(result.points_set_aside)} points were set aside, because they hang "
            f"on a mistake that is marked elsewhere; they count like the rest, "
            f"{summary.points(found.set_aside)}"
        )
    if result.points_not_asked:
        said.append(
            f"{summary.points(result.points_not_asked)} points were not asked, because what they "
            f"are for is not there, and need not be; they count like the rest, "
            f"{summary.points(found.not_asked)}"
        )
    if result.points_unexcused:
        said.append(
            f"{summary.points(result.points_unexcused)} of the points lost follow from a mistake "
            "that is marked elsewhere, and count: a mistake excuses no more than it cost itself"
        )
    if result.review_points:
        said.append(f"{summary.points(result.review_points)} points wait for a person to mark them")
    if result.unjudged_points:
        said.append(
            f"{summary.points(result.unjudged_points)} points could not be judged: not your fault"
        )
    return said


def lost(result: Result) -> list[Criterion]:
    """Return the criteria that cost points, in the order of the mark sheet."""
    return [criterion for criterion in result.criteria if summary.lost(criterion) > 0]


def shortcomings(criterion: Criterion) -> Iterator[tuple[str, str]]:
    """The reason and the hint of each property that did not hold."""
    for prop in summary.reasons(criterion):
        yield summary.reason(prop), prop.hint
