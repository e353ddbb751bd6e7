"""The page that a person of the class gets: the mark, its steps, and what was found."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.records import Result
from assay.report.html import template


@dataclass(frozen=True)
class Step:
    """One line of the arithmetic."""

    kind: str
    label: str
    points: float | None
    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class ByHand:
    """A mark by hand as the person reads it."""

    points: float | None
    by: str
    comment: str


@dataclass(frozen=True)
class PersonMark:
    """The mark of one of those whose page it is; None if excused."""

    name: str
    points: float | None
    maximum: float
    steps: Sequence[Step]


def page(
    *,
    title: str,
    called: str,
    marks: Sequence[PersonMark],
    result: Result | None,
    by_hand: Mapping[str, ByHand],
    notebooks: Sequence[bytes] = (),
) -> str:
    """Return the page of a person or a group: it opens offline and asks for nothing.

    The copies of their notebooks are inside it: what is kept of a release is one file.
    """
    return template("feedback.html.j2").render(
        title=title,
        called=called,
        given=marks,
        criteria=result.criteria if result else [],
        notes=result.notes if result else [],
        by_hand=by_hand,
        notebooks=[base64.b64encode(one).decode() for one in notebooks],
    )
