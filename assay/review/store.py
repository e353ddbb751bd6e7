"""What markers chose, in the gradebook: each save is one transaction with the mark that it makes.

A save has an id that the client made: sent again, it is answered and not written again. Nothing is
changed in place; `undo` and a changed item write newer versions above the older ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import Field
from sqlalchemy import func, select
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
        answers = {answer.author: answer for answer in question.answers}

        def read(session: Session) -> dict[str, list[Answer]]:
            found: dict[str, list[Answer]] = {
                key: [] for key in self._by_key(session, question.criterion)
            }
            for author, row in self._standing(session, question).items():
                for key in row.content["items"] if author in answers else ():
                    found[key].append(answers[author])
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
            changes = self._effect(session, question, key, points) if key in there else []
            self._set_item(
                session, question, key, text.strip(), points,
                is_level=is_level, retired=retired, by=by,
            )  # fmt: skip
            items = self._by_key(session, question.criterion)
            changed = key in there and (there[key].points, there[key].text) != (points, text)
            for row in self._standing(session, question).values() if changed else ():
                if key in row.content["items"]:
                    self._mark(session, question, row, items, by)
            return changes

        return self.book.write(write)

    def history(self, question: Question, key: str) -> list[ReviewItem]:
        """Return every version of an item, oldest first."""
        rows = self.book.read(lambda s: self._items(s, question.criterion, all_=True))
        return [row for row in rows if row.key == key]

    # Choices.

    def choice(self, question: Question, answer: Answer, round_: str) -> Choice:
        """Return what stands for an answer."""
        return self.book.read(lambda s: self._choice(s, question, answer.author, round_))

    def choices(self, question: Question, round_: str) -> dict[int, ReviewSave]:
        """Return the newest save of each author who has one."""
        rows = self.book.read(lambda s: self._newest(s, question, round_))
        return {row.author_id: row for row in rows}

    def times(self, question: Question) -> list[tuple[str, int, float]]:
        """Return round, author and seconds of each save that is no undo, oldest first."""
        chosen = (
            select(ReviewSave.round, ReviewSave.author_id, ReviewSave.seconds)
            .filter_by(assignment_id=self.assignment, question=question.criterion, undoes=None)
            .order_by(ReviewSave.id)
        )
        return self.book.read(lambda s: [(a, b, c) for a, b, c in s.execute(chosen)])

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
            now = self._choice(session, question, answer.author, round_)
            if now.seen != seen:
                raise Conflict(
                    "the answer has been marked since it was read; nothing was written",
                    found=f"by {quoted(now.by or 'assay class mark')}",
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
                version=seen.choice + 1,
                by=by,
                at=datetime.now(UTC),
            )
            session.add(row)
            session.flush()
            if self._counts(session, question, answer.author, round_):
                self._mark(session, question, row, items, by)
            return self._receipt(session, question, row, items)

        return self.book.write(write)

    def undo(self, question: Question, round_: Round, *, by: str, save: str) -> Receipt | None:
        """Take a marker's newest save back, by a save that says what stood before; None if none.

        Called again, it takes back the one before that.

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
        open_ = [row for row in rows if row.undoes is None and row.id not in undone]
        answers = {answer.author: answer for answer in question.answers}
        if not open_ or open_[-1].author_id not in answers:
            return None
        last = open_[-1]
        answer = answers[last.author_id]
        older = self.book.read(lambda s: self._saves(s, question, answer.author, round_))
        now = self.choice(question, answer, round_)
        if older[-1].by != by:
            raise Conflict(
                "the answer has been marked by somebody else since; nothing was taken back",
                found=f"by {quoted(older[-1].by)}",
                hint="look at the newer mark",
            )
        before = [row for row in older if row.version < last.version]
        content = Content(**before[-1].content) if before else Content()
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
    ) -> None:
        """Put a comment into the bank, or change it everywhere.

        Raises
        ------
        Conflict
            If somebody has changed it since.
        UsageError
            If it says nothing.
        """
        if not text.strip():
            raise UsageError("the comment has no text", hint="write it, then keep it in the bank")

        def write(session: Session) -> None:
            there = self._comments(session, question.criterion).get(key)
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
            for row in self._standing(session, question).values() if there else ():
                if key in row.content["comments"]:
                    self._mark(session, question, row, items, by)

        self.book.write(write)

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
        answers = {answer.author: answer for answer in question.answers}
        found = []
        for author, row in self._standing(session, question).items():
            if key in row.content["items"] and author in answers:
                content = Content(**row.content)
                before = points_of(content, items, question.points) or Decimal()
                after = points_of(content, changed, question.points) or Decimal()
                found.append(Change(answers[author], before, after))
        return found

    def _standing(self, session: Session, question: Question) -> dict[int, ReviewSave]:
        """Return the save that each author's mark is made of: settled, else of the first round."""
        rows = [*self._newest(session, question, "1"), *self._newest(session, question, "settled")]
        marked = [row for row in rows if Content(**row.content).is_marked]
        return {row.author_id: row for row in marked}

    def _newest(self, session: Session, question: Question, round_: str) -> list[ReviewSave]:
        """Return the newest save of each author: the one of the highest number."""
        newest = (
            select(func.max(ReviewSave.id))
            .filter_by(assignment_id=self.assignment, question=question.criterion, round=round_)
            .group_by(ReviewSave.author_id)
        )
        return list(session.scalars(select(ReviewSave).where(ReviewSave.id.in_(newest))))

    def _saves(
        self, session: Session, question: Question, author: int, round_: str
    ) -> list[ReviewSave]:
        chosen = select(ReviewSave).filter_by(
            assignment_id=self.assignment,
            author_id=author,
            question=question.criterion,
            round=round_,
        )
        return list(session.scalars(chosen.order_by(ReviewSave.version)))

    def _newest_mark(self, session: Session, question: Question, author: int) -> Mark | None:
        chosen = select(Mark).filter_by(
            assignment_id=self.assignment, author_id=author, criterion=question.criterion
        )
        return session.scalar(chosen.order_by(Mark.version.desc()).limit(1))

    def _choice(self, session: Session, question: Question, author: int, round_: str) -> Choice:
        rows = self._saves(session, question, author, round_)
        mark = self._newest_mark(session, question, author) if round_ != "2" else None
        seen = Seen(choice=rows[-1].version if rows else 0, mark=mark.version if mark else 0)
        if not rows:
            return Choice(Content(), seen, by=mark.by if mark else "")
        newest = rows[-1]
        return Choice(Content(**newest.content), seen, newest.by, newest.at, newest.answer)

    def _counts(self, session: Session, question: Question, author: int, round_: str) -> bool:
        """Return whether a round's choice is the mark: what was settled stands above the first."""
        if round_ != "1":
            return round_ == "settled"
        settled = self._saves(session, question, author, "settled")
        return not (settled and Content(**settled[-1].content).is_marked)

    def _mark(
        self,
        session: Session,
        question: Question,
        row: ReviewSave,
        items: Mapping[str, Item],
        by: str,
    ) -> None:
        """Write the mark that a save makes, unless the newest says the same."""
        content = Content(**row.content)
        bank = self._comments(session, question.criterion)
        said = [bank[key].text for key in content.comments if key in bank]
        reason = "; ".join(
            f"{items[key].text} ({items[key].points:+f})" for key in content.items if key in items
        )
        value: dict[str, Any] = {
            "answer": row.answer,
            "points": points_of(content, items, question.points),
            "reason": reason or ("no item holds" if content.none else ""),
            "comment": "\n".join([*said, *filter(None, [content.comment.strip()])]),
        }
        newest = self._newest_mark(session, question, row.author_id)
        if newest is None and value["points"] is None:
            return
        same = newest is not None and newest.by == by
        if same and all(getattr(newest, name) == wanted for name, wanted in value.items()):
            return
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
        now = self._choice(session, question, row.author_id, row.round)
        content = Content(**row.content)
        seen = Seen(choice=row.version, mark=now.seen.mark)
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


def _by_people(rows: Sequence[ReviewItem]) -> bool:
    return any(row.by != "course" for row in rows)


def new_key() -> str:
    """Return a key for an item or a comment that somebody adds."""
    return uuid4().hex
