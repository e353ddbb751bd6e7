"""What markers chose, in the gradebook: each save is one transaction with the mark that it makes.

A save has an id that the client made: sent again, it is answered and not written again. Nothing is
changed in place; `undo` and a changed item write newer versions above the older ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, get_args
from uuid import uuid4

from pydantic import Field
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from assay.classroom.gradebook import Conflict, Gradebook
from assay.classroom.gradebook.models import (
    Mark,
    ReviewComment,
    ReviewItem,
    ReviewReveal,
    ReviewSave,
)
from assay.errors import UsageError, quoted
from assay.records import Record
from assay.review import questions
from assay.review.answers import Answer, Question, exact

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
class _Chosen:
    """What is chosen for an answer, with its mark in the gradebook."""

    answer: Answer
    row: Kept
    mark: Mark | None
    is_mark: bool
    """Whether the mark is made of it: `assay class mark` may have written above it."""


KEPT = (
    ReviewSave.id,
    ReviewSave.author_id,
    ReviewSave.answer,
    ReviewSave.round,
    ReviewSave.content,
    ReviewSave.stack,
    ReviewSave.version,
    ReviewSave.by,
    ReviewSave.at,
)


def _kept(session: Session, chosen: Select[Any]) -> list[Kept]:
    """Return saves without what the session keeps of rows; they were checked as they came."""
    rows = session.execute(chosen.with_only_columns(*KEPT))
    return [Kept(*row)._replace(content=Content.model_construct(**row.content)) for row in rows]


def points_of(content: Content, items: Mapping[str, Item], most: Decimal) -> Decimal | None:
    """Return the sum of the chosen items, no less than 0 and no more than the question has."""
    if not content.is_marked:
        return None
    total = sum((items[key].points for key in content.items if key in items), Decimal())
    return min(max(total, Decimal()), most)


class Store:
    """The review of one assignment, in the gradebook of its class."""

    def __init__(self, book: Gradebook, item: str) -> None:
        self.book = book
        self.assignment = book.add_assignment(item).id

    # Items.

    def begin(self, question: Question) -> None:
        """Write the course's items, unless somebody has marked by others already."""
        wanted = question.spec.item or questions.levels(float(question.points))

        def write(session: Session) -> None:
            there = self._items(session, question.criterion)
            if there and (self._is_marked(session, question) or _by_people(there)):
                return
            for number, spec in enumerate(wanted, 1):
                self._set_item(
                    session, question, f"item-{number}", spec.text, exact(spec.points),
                    is_level=spec.level, by="course",
                )  # fmt: skip
            for row in there[len(wanted) :]:
                if not row.retired:
                    self._set_item(
                        session, question, row.key, row.text, row.points,
                        is_level=row.is_level, retired=True, by="course",
                    )  # fmt: skip

        self.book.write(write)

    def items(self, question: Question) -> dict[str, Item]:
        """Return every item by key, those that are retired too."""
        return self.book.read(lambda session: self._by_key(session, question.criterion))

    def having(self, question: Question) -> dict[str, list[Answer]]:
        """Return the answers that have each item, by its key, as their marks stand."""

        def read(session: Session) -> dict[str, list[Answer]]:
            found: dict[str, list[Answer]] = {
                key: [] for key in self._by_key(session, question.criterion)
            }
            for one in self._chosen(session, question):
                for key in one.row.content.items if one.is_mark else ():
                    found[key].append(one.answer)
            return found

        return self.book.read(read)

    def effect(self, question: Question, key: str, points: Decimal) -> list[Change]:
        """Return whose points change if the item is worth `points`, as things stand."""
        return self.book.read(lambda session: self._effect(session, question, key, points))

    def set_item(
        self,
        question: Question,
        key: str,
        text: str,
        points: Decimal,
        *,
        is_level: bool,
        retired: bool,
        by: str,
        expected: int,
    ) -> list[Change]:
        """Write a new version of an item, and a new mark for each answer that has it.

        Raises
        ------
        Conflict
            If somebody has changed the item since version `expected`.
        UsageError
            If the item says nothing.
        """
        if not text.strip():
            raise UsageError("the item has no text", hint="say what earns the points")

        def write(session: Session) -> list[Change]:
            there = self._by_key(session, question.criterion)
            seen = there[key].version if key in there else 0
            if seen != expected:
                raise Conflict(
                    "the item has been changed since it was read; nothing was written",
                    found=f"version {seen} is there, version {expected} was expected",
                    hint="look at it once more",
                )
            changes = self._effect(session, question, key, points)
            standing = self._chosen(session, question)
            self._set_item(
                session, question, key, text.strip(), points,
                is_level=is_level, retired=retired, by=by,
            )  # fmt: skip
            items = self._by_key(session, question.criterion)
            old = there.get(key)
            changed = old and (old.points, old.text) != (points, text.strip())
            for one in standing if changed else ():
                if one.is_mark and key in one.row.content.items:
                    self._mark(session, question, one.row, items, by)
            return changes

        return self.book.write(write)

    def history(self, question: Question, key: str) -> list[ReviewItem]:
        """Return every version of an item, oldest first."""
        rows = self.book.read(lambda s: self._items(s, question.criterion, all_=True))
        return [row for row in rows if row.key == key]

    # Choices.

    def choice(self, question: Question, answer: Answer, round_: str) -> Choice:
        """Return what stands for an answer."""
        return self.book.read(lambda s: self._choice(s, question, answer, round_))

    def choices(self, question: Question, round_: str) -> dict[str, Kept]:
        """Return the newest save of each answer that has one, by the answer's id."""
        return self.book.read(lambda s: self._newest(s, question, round_))

    def rounds(self, question: Question) -> dict[str, dict[str, Kept]]:
        """Return the same of every round, by its name."""
        return self.book.read(
            lambda s: {name: self._newest(s, question, name) for name in get_args(Round)}
        )

    def marks(self, question: Question) -> dict[str, Mark]:
        """Return the mark of each answer that has one, by its id, whoever wrote it and how."""
        rows = self.book.read(lambda s: self._marks(s, question))
        return {ident: row for ident, row in rows.items() if row.points is not None}

    def marked_before(self, question: Question) -> dict[int, Mark]:
        """Return, by author, the newest mark of a text that the author's answers have no more."""

        def read(session: Session) -> dict[int, Mark]:
            newest = (
                select(func.max(Mark.id))
                .filter_by(assignment_id=self.assignment, criterion=question.criterion)
                .group_by(Mark.author_id)
            )
            return {
                row.author_id: row
                for row in session.scalars(select(Mark).where(Mark.id.in_(newest)))
                if row.points is not None and (row.author_id, row.answer) not in question.by_text
            }

        return self.book.read(read)

    def chosen_before(self, question: Question, answer: Answer, round_: str) -> Kept | None:
        """Return what was chosen in a round for a text that is there no more; None if nothing."""
        chosen = select(ReviewSave).filter_by(
            assignment_id=self.assignment,
            author_id=answer.author,
            question=question.criterion,
            round=round_,
        )
        rows = self.book.read(lambda s: _kept(s, chosen.order_by(ReviewSave.version)))
        old = [row for row in rows if (row.author_id, row.answer) not in question.by_text]
        return old[-1] if old and old[-1].content.is_marked else None

    def state(self, question: Question) -> tuple[int, ...]:
        """Return what is another one after each save, mark and changed item of a question."""
        chosen = (
            select(func.max(table.id)).where(
                table.assignment_id == self.assignment, of == question.criterion
            )
            for table, of in (
                (ReviewSave, ReviewSave.question),
                (Mark, Mark.criterion),
                (ReviewItem, ReviewItem.question),
            )
        )
        return self.book.read(lambda s: tuple(s.scalar(one) or 0 for one in chosen))

    def times(self, question: Question) -> list[tuple[str, int, str, float]]:
        """Return round, author, text and seconds of each save that is no undo, oldest first."""
        chosen = (
            select(ReviewSave.round, ReviewSave.author_id, ReviewSave.answer, ReviewSave.seconds)
            .filter_by(assignment_id=self.assignment, question=question.criterion, undoes=None)
            .order_by(ReviewSave.id)
        )
        return self.book.read(lambda s: [(a, b, c, d) for a, b, c, d in s.execute(chosen)])

    def saves(self, question: Question) -> list[ReviewSave]:
        """Return every save of a question, oldest first."""
        chosen = select(ReviewSave).filter_by(
            assignment_id=self.assignment, question=question.criterion
        )
        return self.book.read(lambda s: list(s.scalars(chosen.order_by(ReviewSave.id))))

    def save(
        self,
        question: Question,
        answer: Answer,
        round_: Round,
        content: Content,
        *,
        save: str,
        seen: Seen,
        by: str,
        stack: str,
        seconds: float,
        undoes: int | None = None,
    ) -> Receipt:
        """Keep what a marker chose, and write the mark that it makes.

        Raises
        ------
        Conflict
            If somebody has marked the answer since, here or by `assay class mark`.
        UsageError
            If it names an item or a comment that the question does not have.
        """

        def write(session: Session) -> Receipt:
            known = session.scalar(select(ReviewSave).filter_by(save=save))
            items = self._by_key(session, question.criterion)
            if known is not None:
                return self._receipt(session, question, known, items)
            self._check(session, question, content, items)
            now = self._choice(session, question, answer, round_)
            if now.seen != seen:
                raise Conflict(
                    "the answer has been marked since it was read; nothing was written",
                    found=_said(now),
                    hint="look at the newer mark, then keep it or write above it",
                )
            row = ReviewSave(
                assignment_id=self.assignment,
                author_id=answer.author,
                question=question.criterion,
                round=round_,
                save=save,
                answer=answer.digest,
                content=content.model_dump(),
                stack=stack,
                seconds=seconds,
                undoes=undoes,
                version=self._next(session, question, answer.author, round_),
                by=by,
                at=datetime.now(UTC),
            )
            session.add(row)
            session.flush()
            if round_ != "2" and _is_news(now.content, content):
                mine = self._saves(session, question, answer, round_)
                source = self._source(session, question, answer) or mine[-1]
                if source.round == "1" or round_ == "settled":  # what is settled stands above
                    self._mark(session, question, source, items, by)
            return self._receipt(session, question, row, items)

        return self.book.write(write)

    def undo(self, question: Question, round_: Round, *, by: str, save: str) -> Receipt | None:
        """Take a marker's newest save back, by a save that says what stood before; None if none.

        Called again, it takes back the one before that. What was chosen for a text that is there
        no more is left as it is.

        Raises
        ------
        Conflict
            If somebody else has marked that answer since.
        """
        mine = (
            select(ReviewSave)
            .filter_by(
                assignment_id=self.assignment, question=question.criterion, round=round_, by=by
            )
            .order_by(ReviewSave.id)
        )
        rows = self.book.read(lambda s: list(s.scalars(mine)))
        if known := next((row for row in rows if row.save == save), None):
            return self.book.read(
                lambda s: self._receipt(s, question, known, self._by_key(s, question.criterion))
            )
        undone = {row.undoes for row in rows}
        open_ = [
            row
            for row in rows
            if row.undoes is None
            and row.id not in undone
            and (row.author_id, row.answer) in question.by_text
        ]
        if not open_:
            return None
        last = open_[-1]
        answer = question.by_text[last.author_id, last.answer]
        older = self.book.read(lambda s: self._saves(s, question, answer, round_))
        now = self.choice(question, answer, round_)
        before = [row for row in older if row.version < last.version]
        content = before[-1].content if before else Content()
        if older[-1].by != by or (now.apart and _is_news(now.content, content)):
            raise Conflict(
                "the answer has been marked by somebody else since; nothing was taken back",
                found=_said(now),
                hint="look at the newer mark",
            )
        return self.save(
            question, answer, round_, content,
            save=save, seen=now.seen, by=by, stack=last.stack, seconds=0.0, undoes=last.id,
        )  # fmt: skip

    # The bank of comments, and who looked up whom.

    def comments(self, question: Question) -> dict[str, ReviewComment]:
        """Return the newest version of each comment of the bank, by key."""
        return self.book.read(lambda session: self._comments(session, question.criterion))

    def set_comment(
        self, question: Question, key: str, text: str, *, by: str, expected: int
    ) -> list[Answer]:
        """Put a comment into the bank, or change it everywhere.

        Return the answers that have it and keep their mark, which somebody has written since.

        Raises
        ------
        Conflict
            If somebody has changed it since.
        UsageError
            If it says nothing.
        """
        if not text.strip():
            raise UsageError("the comment has no text", hint="write it, then keep it in the bank")

        def write(session: Session) -> list[Answer]:
            there = self._comments(session, question.criterion).get(key)
            having = [
                one for one in self._chosen(session, question) if key in one.row.content.comments
            ]
            seen = there.version if there else 0
            if seen != expected:
                raise Conflict(
                    "the comment has been changed since it was read; nothing was written",
                    found=f"version {seen} is there, version {expected} was expected",
                    hint="look at it once more",
                )
            session.add(
                ReviewComment(
                    assignment_id=self.assignment,
                    question=question.criterion,
                    key=key,
                    text=text.strip(),
                    version=seen + 1,
                    by=by,
                    at=datetime.now(UTC),
                )
            )
            session.flush()
            items = self._by_key(session, question.criterion)
            for one in having:
                if one.is_mark:
                    self._mark(session, question, one.row, items, by)
            return [one.answer for one in having if not one.is_mark]

        return self.book.write(write)

    def reveal(self, question: Question, answer: Answer, by: str) -> None:
        """Note that a marker looked up who wrote an answer."""
        self.book.write(
            lambda session: session.add(
                ReviewReveal(
                    assignment_id=self.assignment,
                    author_id=answer.author,
                    question=question.criterion,
                    by=by,
                    at=datetime.now(UTC),
                )
            )
        )

    def reveals(self, question: Question) -> list[ReviewReveal]:
        """Return who looked up whom, oldest first."""
        chosen = select(ReviewReveal).filter_by(
            assignment_id=self.assignment, question=question.criterion
        )
        return self.book.read(lambda s: list(s.scalars(chosen.order_by(ReviewReveal.id))))

    # Inside one transaction.

    def _items(self, session: Session, question: str, all_: bool = False) -> list[ReviewItem]:
        rows = session.scalars(
            select(ReviewItem)
            .filter_by(assignment_id=self.assignment, question=question)
            .order_by(ReviewItem.version, ReviewItem.id)
        )
        if all_:
            return list(rows)
        first: dict[str, int] = {}
        newest: dict[str, ReviewItem] = {}
        for row in rows:
            first.setdefault(row.key, row.id)
            newest[row.key] = row
        return sorted(newest.values(), key=lambda row: first[row.key])

    def _by_key(self, session: Session, question: str) -> dict[str, Item]:
        return {
            row.key: Item(row.key, row.version, row.text, row.points, row.is_level, row.retired)
            for row in self._items(session, question)
        }

    def _set_item(
        self,
        session: Session,
        question: Question,
        key: str,
        text: str,
        points: Decimal,
        *,
        is_level: bool,
        by: str,
        retired: bool = False,
    ) -> None:
        there = [one for one in self._items(session, question.criterion) if one.key == key]
        value = (text, points, is_level, retired)
        if there and (there[0].text, there[0].points, there[0].is_level, there[0].retired) == value:
            return
        session.add(
            ReviewItem(
                assignment_id=self.assignment,
                question=question.criterion,
                key=key,
                text=text,
                points=points,
                is_level=is_level,
                retired=retired,
                version=there[0].version + 1 if there else 1,
                by=by,
                at=datetime.now(UTC),
            )
        )
        session.flush()

    def _is_marked(self, session: Session, question: Question) -> bool:
        chosen = select(ReviewSave.id).filter_by(
            assignment_id=self.assignment, question=question.criterion
        )
        return session.scalar(chosen.limit(1)) is not None

    def _effect(
        self, session: Session, question: Question, key: str, points: Decimal
    ) -> list[Change]:
        items = self._by_key(session, question.criterion)
        if key not in items:
            return []
        old = items[key]
        changed = items | {
            key: Item(key, old.version, old.text, points, old.is_level, old.is_retired)
        }
        found = []
        for one in self._chosen(session, question):
            if key not in one.row.content.items:
                continue
            content = one.row.content
            before = points_of(content, items, question.points) or Decimal()
            after = points_of(content, changed, question.points) or Decimal()
            if one.is_mark:
                found.append(Change(one.answer, before, after))
            elif one.mark is not None:
                there = one.mark.points or Decimal()
                found.append(Change(one.answer, there, there, kept_by=one.mark.by))
        return found

    def _chosen(self, session: Session, question: Question) -> list[_Chosen]:
        """Return what is chosen for each answer that is marked here, and whether it is the mark."""
        first, settled = (self._newest(session, question, name) for name in ("1", "settled"))
        marks = self._marks(session, question)
        items = self._by_key(session, question.criterion)
        bank = self._comments(session, question.criterion)
        found = []
        for answer in question.answers:
            rows = (settled.get(answer.id), first.get(answer.id))
            row = next((row for row in rows if row and row.content.is_marked), None)
            if row is not None:
                mark = marks.get(answer.id)
                is_mark = mark is not None and _says(mark, _value(question, row, items, bank))
                found.append(_Chosen(answer, row, mark, is_mark))
        return found

    def _newest(self, session: Session, question: Question, round_: str) -> dict[str, Kept]:
        """Return the newest save of each answer, by its id: of other texts there is none."""
        newest = (
            select(func.max(ReviewSave.id))
            .filter_by(assignment_id=self.assignment, question=question.criterion, round=round_)
            .group_by(ReviewSave.author_id, ReviewSave.answer)
        )
        chosen = select(ReviewSave).where(ReviewSave.id.in_(newest))
        return _by_answer(question, _kept(session, chosen))

    def _marks(self, session: Session, question: Question) -> dict[str, Mark]:
        """Return the newest mark of each answer, by its id."""
        newest = (
            select(func.max(Mark.id))
            .filter_by(assignment_id=self.assignment, criterion=question.criterion)
            .group_by(Mark.author_id, Mark.answer)
        )
        rows = session.scalars(select(Mark).where(Mark.id.in_(newest)))
        return _by_answer(question, rows)

    def _saves(
        self, session: Session, question: Question, answer: Answer, round_: str
    ) -> list[Kept]:
        """Return every save of this text, oldest first."""
        chosen = select(ReviewSave).filter_by(
            assignment_id=self.assignment,
            author_id=answer.author,
            answer=answer.digest,
            question=question.criterion,
            round=round_,
        )
        return _kept(session, chosen.order_by(ReviewSave.version))

    def _next(self, session: Session, question: Question, author: int, round_: str) -> int:
        """Return the version that an author's next save has, whichever text it is for."""
        newest = select(func.max(ReviewSave.version)).filter_by(
            assignment_id=self.assignment,
            author_id=author,
            question=question.criterion,
            round=round_,
        )
        return (session.scalar(newest) or 0) + 1

    def _newest_mark(
        self, session: Session, question: Question, author: int, text: str = ""
    ) -> Mark | None:
        """Return an author's newest mark; with the digest of a text, the newest of that text."""
        subject: dict[str, Any] = {"author_id": author} | ({"answer": text} if text else {})
        chosen = select(Mark).filter_by(
            assignment_id=self.assignment, criterion=question.criterion, **subject
        )
        return session.scalar(chosen.order_by(Mark.version.desc()).limit(1))

    def _choice(self, session: Session, question: Question, answer: Answer, round_: str) -> Choice:
        """Return what stands for this text: what was chosen for another is not offered for it."""
        rows = self._saves(session, question, answer, round_)
        mark = None
        if round_ != "2":
            mark = self._newest_mark(session, question, answer.author, answer.digest)
        seen = Seen(choice=rows[-1].version if rows else 0, mark=mark.version if mark else 0)
        source = self._source(session, question, answer) if mark else None
        apart = mark
        if mark is not None and source is not None:
            items = self._by_key(session, question.criterion)
            bank = self._comments(session, question.criterion)
            apart = None if _says(mark, _value(question, source, items, bank)) else mark
        if not rows:
            return Choice(Content(), seen, by=mark.by if mark else "", apart=apart)
        newest = rows[-1]
        return Choice(newest.content, seen, newest.by, newest.at, newest.answer, apart)

    def _source(self, session: Session, question: Question, answer: Answer) -> Kept | None:
        """Return the save that an answer's mark is made of: what is settled, else the first."""
        first, settled = (
            self._saves(session, question, answer, round_) for round_ in ("1", "settled")
        )
        if settled and settled[-1].content.is_marked:
            return settled[-1]
        return first[-1] if first else None

    def _mark(
        self,
        session: Session,
        question: Question,
        row: Kept,
        items: Mapping[str, Item],
        by: str,
    ) -> None:
        """Write the mark that a save makes, unless the newest of the text says the same."""
        value = _value(question, row, items, self._comments(session, question.criterion))
        there = self._newest_mark(session, question, row.author_id, row.answer)
        if there is None and value["points"] is None:
            return
        if there is not None and there.by == by and _says(there, value):
            return
        newest = self._newest_mark(session, question, row.author_id)
        session.add(
            Mark(
                assignment_id=self.assignment,
                author_id=row.author_id,
                criterion=question.criterion,
                version=newest.version + 1 if newest else 1,
                by=by,
                at=datetime.now(UTC),
                **value,
            )
        )
        session.flush()

    def _receipt(
        self, session: Session, question: Question, row: ReviewSave, items: Mapping[str, Item]
    ) -> Receipt:
        """Return what this save left: if another stands above it, the next save is told so."""
        mark = None
        if row.round != "2":
            mark = self._newest_mark(session, question, row.author_id, row.answer)
        content = Content(**row.content)
        seen = Seen(choice=row.version, mark=mark.version if mark else 0)
        choice = Choice(content, seen, row.by, row.at, row.answer)
        return Receipt(choice, points_of(content, items, question.points), row.save, row.author_id)

    def _comments(self, session: Session, question: str) -> dict[str, ReviewComment]:
        rows = session.scalars(
            select(ReviewComment)
            .filter_by(assignment_id=self.assignment, question=question)
            .order_by(ReviewComment.version, ReviewComment.id)
        )
        return {row.key: row for row in rows}

    def _check(
        self, session: Session, question: Question, content: Content, items: Mapping[str, Item]
    ) -> None:
        """Refuse items and comments that the question does not have, and two levels at once."""
        for key in content.items:
            if key not in items:
                raise UsageError("no such item", found=quoted(key), hint="load the page again")
        if sum(items[key].is_level for key in content.items) > 1:
            raise UsageError("two levels are chosen at once", hint="choose one of them")
        if len(set(content.items)) != len(content.items):
            raise UsageError("an item is chosen twice", hint="load the page again")
        bank = self._comments(session, question.criterion)
        if unknown := [key for key in content.comments if key not in bank]:
            raise UsageError(
                "no such comment", found=quoted(unknown[0]), hint="load the page again"
            )


def _value(
    question: Question,
    row: Kept,
    items: Mapping[str, Item],
    bank: Mapping[str, ReviewComment],
) -> dict[str, Any]:
    """Return what a mark says that is made of a save."""
    content = row.content
    said = [bank[key].text for key in content.comments if key in bank]
    reason = "; ".join(
        f"{items[key].text} ({items[key].points:+f})" for key in content.items if key in items
    )
    return {
        "answer": row.answer,
        "points": points_of(content, items, question.points),
        "reason": reason or ("no item holds" if content.none else ""),
        "comment": "\n".join([*said, *filter(None, [content.comment.strip()])]),
    }


OfText = TypeVar("OfText", Kept, Mark)


def _by_answer(question: Question, rows: Iterable[OfText]) -> dict[str, OfText]:
    """Return the rows by the id of the answer that they were written for."""
    return {
        question.by_text[row.author_id, row.answer].id: row
        for row in rows
        if (row.author_id, row.answer) in question.by_text
    }


def _says(mark: Mark, value: Mapping[str, Any]) -> bool:
    return all(getattr(mark, name) == wanted for name, wanted in value.items())


def _is_news(before: Content, now: Content) -> bool:
    """Return whether a choice says another mark than the one before: a flag alone does not."""
    if not before.is_marked and not now.is_marked:
        return False
    return before.model_copy(update={"flag": now.flag}) != now


def _said(now: Choice) -> str:
    """Return who marked an answer, and how much it was, if that is not shown as chosen items."""
    if now.apart is None:
        return f"by {quoted(now.by or 'assay class mark')}"
    points = "withdrawn" if now.apart.points is None else f"{now.apart.points:f} points"
    reason = f": {now.apart.reason}" if now.apart.reason else ""
    return f"{points} by {quoted(now.apart.by)}{reason}"


def _by_people(rows: Sequence[ReviewItem]) -> bool:
    return any(row.by != "course" for row in rows)


def new_key() -> str:
    """Return a key for an item or a comment that somebody adds."""
    return uuid4().hex
