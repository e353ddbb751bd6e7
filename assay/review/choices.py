"""What is chosen for an answer, as plain data: items, comments, versions, and the points of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple
from uuid import uuid4

from pydantic import Field

from assay.classroom.gradebook.models import Mark
from assay.records import Record
from assay.review.answers import Answer

Round = Literal["1", "2", "settled"]
"""The first marking, the second one, and what both agreed on."""
Text = Annotated[str, Field(max_length=10_000)]
Key = Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]


class Content(Record):
    """What is chosen for one answer."""

    items: Annotated[list[Key], Field(max_length=200)] = []
    none: bool = False
    """Whether it is marked although no item holds: nothing is earned."""
    comments: Annotated[list[Key], Field(max_length=200)] = []
    """Keys of the bank."""
    comment: Text = ""
    flag: bool = False
    """Whether somebody should look once more."""

    @property
    def is_marked(self) -> bool:
        return bool(self.items) or self.none


class Kept(NamedTuple):
    """A save as it is read back: a page reads hundreds of them."""

    id: int
    author_id: int
    answer: str
    """The digest of the text."""
    round: str
    content: Content
    stack: str
    version: int
    by: str
    at: datetime


class Seen(Record):
    """The versions that a marker saw: of the choice, and of the mark in the gradebook."""

    choice: int = 0
    mark: int = 0


@dataclass(frozen=True)
class Item:
    """A rubric item as it is now."""

    key: str
    version: int
    text: str
    points: Decimal
    is_level: bool
    is_retired: bool


@dataclass(frozen=True)
class Choice:
    """What stands for an answer in one round."""

    content: Content
    seen: Seen
    by: str = ""
    at: datetime | None = None
    answer: str = ""
    """The digest of the answer that it was chosen for."""
    apart: Mark | None = None
    """The mark in the gradebook, where it is not what was chosen here: `assay class mark`'s."""


@dataclass(frozen=True)
class Receipt:
    """The proof of a save: what stands in the gradebook now."""

    choice: Choice
    points: Decimal | None
    save: str
    author: int


@dataclass(frozen=True)
class Change:
    """What a changed item does to one answer's points."""

    answer: Answer
    before: Decimal
    after: Decimal
    kept_by: str = ""
    """Who has written a mark of another kind since, which stays as it is."""


@dataclass(frozen=True)
class Shown:
    """An answer that a marker looks at, and what of it they have seen."""

    answer: Answer
    round: Round
    seen: Seen


@dataclass(frozen=True)
class Banked:
    """What a changed comment left."""

    kept: list[Answer]
    """Those that have it and keep their mark, which somebody has written since."""
    seen: Seen | None
    """The stored state of the answer shown, if only this change wrote since."""


def points_of(content: Content, items: Mapping[str, Item], most: Decimal) -> Decimal | None:
    """Return the sum of the chosen items, no less than 0 and no more than the question has."""
    if not content.is_marked:
        return None
    total = sum((items[key].points for key in content.items if key in items), Decimal())
    return min(max(total, Decimal()), most)


def is_news(before: Content, now: Content) -> bool:
    """Return whether a choice says another mark than the one before: a flag alone does not."""
    if not before.is_marked and not now.is_marked:
        return False
    return before.model_copy(update={"flag": now.flag}) != now


def new_key() -> str:
    """Return a key for an item or a comment that somebody adds."""
    return uuid4().hex
