"""The tables. Every row of `History` is written once: a newer version stands above an older one."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NotRequired, TypedDict

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    ForeignKey,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from assay.errors import UsageError, quoted

LONGEST = 100_000
"""Characters of one text: far above any comment, and far below what fills a disk."""


class Moment(TypeDecorator[datetime]):
    """A time with its zone, stored as UTC: SQLite itself keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo:
            return value and value.astimezone(UTC)
        return value.replace(tzinfo=UTC)


class Points(TypeDecorator[Decimal]):
    """Points as decimal digits: a sum of them is exact on every database."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


def check(what: str, value: Any) -> None:
    """Refuse what not every database stores as it is: NUL, half characters, times without a zone.

    Raises
    ------
    UsageError
        The value cannot be stored; nothing has been written.
    """
    match value:
        case str():
            if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
                hint = "remove NUL and unpaired surrogates from the roster or the download"
                raise UsageError(f"{what} holds no valid text", found=quoted(value), hint=hint)
            if len(value) > LONGEST:
                found = f"{len(value)} characters, {LONGEST} are allowed"
                raise UsageError(f"{what} is too long", found=found, hint="shorten it")
        case datetime() if value.tzinfo is None:
            hint = "give it with its zone, as `2026-11-29T23:59:00+01:00`"
            raise UsageError(f"{what} has no time zone", found=str(value), hint=hint)
        case Decimal() if not (
            value.is_finite() and value.adjusted() < 9 and len(str(value)) <= 64
        ):
            hint = "give a finite number below 10^9, of up to 60 digits"
            raise UsageError(f"{what} is no number of points", found=str(value)[:80], hint=hint)
        case float() if value != value or value in (float("inf"), float("-inf")):
            raise UsageError(f"{what} is no finite number", found=str(value), hint="correct it")
        case dict():
            for key, entry in value.items():
                check(f"a name in {what}", key)
                check(f"{what}, {quoted(key)}", entry)
        case list() | tuple():
            for entry in value:
                check(what, entry)


class Base(DeclarativeBase):
    """A row; what it is made of is checked before it is written."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {
        str: Text,
        datetime: Moment,
        Decimal: Points,
        bytes: LargeBinary,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }

    id: Mapped[int] = mapped_column(primary_key=True)

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            check(f"`{name}`", value)
            setattr(self, name, value)


class Author(Base):
    """Whoever submits: a person, or a group of them. `key` is the roster's own identifier."""

    __tablename__ = "author"
    __table_args__ = (
        UniqueConstraint("term", "kind", "key"),
        CheckConstraint("kind in ('person', 'group')", name="kind"),
    )

    term: Mapped[str]
    kind: Mapped[str]
    key: Mapped[str]
    pseudonym: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    facts: Mapped[dict[str, Any]]
    """What else the roster says: user name, student number, address; the platform's own columns."""
    created_at: Mapped[datetime]


class Assignment(Base):
    """One grade item of a term."""

    __tablename__ = "assignment"
    __table_args__ = (UniqueConstraint("term", "name"),)

    term: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]


class Membership(Base):
    """A person's place in a group, for one assignment."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("assignment_id", "person_id"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    group_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)


class Attempt(Base):
    """One submission as it came: the platform's time, and the digest of its bytes."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("assignment_id", "author_id", "digest", "submitted_at"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)
    digest: Mapped[str]
    submitted_at: Mapped[datetime]
    origin: Mapped[dict[str, Any]]
    """What the platform called it, kept to be given back: folder, file, number of the attempt."""
    taken_at: Mapped[datetime]


class History(Base):
    """A row that is never changed. `version` counts from 1 within its subject."""

    __abstract__ = True

    version: Mapped[int]
    by: Mapped[str]
    at: Mapped[datetime]


class CriterionRow(TypedDict):
    """A criterion of a result as it is stored, its points as decimal digits."""

    name: str
    """`part/criterion`."""
    title: NotRequired[str]
    points: str
    earned: str
    waits: bool
    """It waits for a person."""
    answer: str
    """The digest of what was answered."""


class RestsOn(TypedDict, total=False):
    """What a result rests on: the digest of the course, and the keys of the stored runs."""

    course: str
    runs: list[str]


class GradingResult(History):
    """What grading made of an attempt: digest, receipt, and the points of each criterion."""

    __tablename__ = "result"
    __table_args__ = (UniqueConstraint("attempt_id", "version"),)

    attempt_id: Mapped[int] = mapped_column(ForeignKey("attempt.id"))
    digest: Mapped[str]
    receipt: Mapped[RestsOn] = mapped_column(JSON)
    criteria: Mapped[list[CriterionRow]] = mapped_column(JSON)


class Mark(History):
    """Points given by a person for one criterion, on one answer."""

    __tablename__ = "mark"
    __table_args__ = (UniqueConstraint("assignment_id", "author_id", "criterion", "version"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)
    criterion: Mapped[str]
    answer: Mapped[str]
    """The digest of the answer that was marked."""
    points: Mapped[Decimal | None]
    """None withdraws the mark below."""
    reason: Mapped[str]
    comment: Mapped[str] = mapped_column(server_default="")
    """What the student reads beside the points."""


class Decision(History):
    """A person's decision on one author's assignment: one line of history for each `kind`."""

    __tablename__ = "decision"
    __table_args__ = (
        UniqueConstraint("assignment_id", "author_id", "kind", "version"),
        CheckConstraint("kind in ('late', 'extension', 'excuse', 'override')", name="kind"),
    )

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)
    kind: Mapped[str]
    value: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """None withdraws the decision below."""
    reason: Mapped[str]


class Release(History):
    """A mark as it was shown to a person, with its steps and its page."""

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("assignment_id", "author_id", "version"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)
    points: Mapped[Decimal | None]
    steps: Mapped[list[Any]]
    page: Mapped[bytes]


class Purge(Base):
    """Rows were deleted, and the pages that held them are still to be overwritten."""

    __tablename__ = "purge"

    at: Mapped[datetime]


class Forgetting(Base):
    """A row is here only within the transaction of `forget`: while it is, rows may be deleted."""

    __tablename__ = "forgetting"


class RegradeRequest(History):
    """A person's question on one line of the mark sheet; `mark` is that line as it was."""

    __tablename__ = "regrade_request"
    __table_args__ = (UniqueConstraint("assignment_id", "author_id", "criterion", "version"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)
    criterion: Mapped[str]
    question: Mapped[str]
    mark: Mapped[dict[str, Any]]


class RegradeAnswer(History):
    """A marker's answer to a request."""

    __tablename__ = "regrade_answer"
    __table_args__ = (UniqueConstraint("request_id", "version"),)

    request_id: Mapped[int] = mapped_column(ForeignKey("regrade_request.id"))
    answer: Mapped[str]


class ReviewItem(History):
    """One item of a question's rubric, such as `names the bias`, 2 points; versions change it."""

    __tablename__ = "review_item"
    __table_args__ = (UniqueConstraint("assignment_id", "question", "key", "version"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    question: Mapped[str]
    key: Mapped[str]
    text: Mapped[str]
    points: Mapped[Decimal]
    is_level: Mapped[bool]
    """Of the levels of a question, an answer has one at most."""
    retired: Mapped[bool]
    """Whether it is offered no more."""


class ReviewComment(History):
    """One comment of a question's bank; a new version changes it wherever it is used."""

    __tablename__ = "review_comment"
    __table_args__ = (UniqueConstraint("assignment_id", "question", "key", "version"),)

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    question: Mapped[str]
    key: Mapped[str]
    text: Mapped[str]


class ReviewSave(History):
    """What a marker chose for one answer, in one round. `save` is the client's own id of it."""

    __tablename__ = "review_save"
    __table_args__ = (
        UniqueConstraint("assignment_id", "author_id", "question", "round", "version"),
        UniqueConstraint("save"),
    )

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)
    question: Mapped[str]
    round: Mapped[str]
    save: Mapped[str]
    answer: Mapped[str]
    """The digest of the answer that was marked."""
    content: Mapped[dict[str, Any]]
    """Items, comments and flag, as `assay.review.choices.Content` has them."""
    stack: Mapped[str]
    """The seed of the marker's order, and the answer's place in it."""
    seconds: Mapped[float]
    """How long the answer had been open."""
    undoes: Mapped[int | None]
    """The save that this one takes back."""


class ReviewReveal(Base):
    """A marker looked up who wrote an answer."""

    __tablename__ = "review_reveal"

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignment.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"), index=True)
    question: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]
