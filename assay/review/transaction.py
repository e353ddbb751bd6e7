"""One transaction of the review: what it looks up of saves, marks, items and comments, and writes.

`store` begins it and commits it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from assay.classroom.gradebook.models import (
    Mark,
    ReviewComment,
    ReviewItem,
    ReviewSave,
)
from assay.errors import UsageError, quoted
from assay.review.answers import Answer, Question
from assay.review.choices import (
    Change,
    Choice,
    Content,
    Item,
    Kept,
    Receipt,
    Seen,
    Shown,
    points_of,
)


@dataclass(frozen=True)
class Chosen:
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


def kept(session: Session, chosen: Select[Any]) -> list[Kept]:
    """Return saves without what the session keeps of rows; they were checked as they came."""
    rows = session.execute(chosen.with_only_columns(*KEPT))
    return [
        Kept(a, b, c, d, Content.model_construct(**content), *rest)
        for a, b, c, d, content, *rest in rows
    ]


class Transaction:
    """A database session on one assignment."""

    def __init__(self, session: Session, assignment: int) -> None:
        self.session = session
        self.assignment = assignment

    def items(self, question: str, all_: bool = False) -> list[ReviewItem]:
        rows = self.session.scalars(
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

    def by_key(self, question: str) -> dict[str, Item]:
        return {
            row.key: Item(row.key, row.version, row.text, row.points, row.is_level, row.retired)
            for row in self.items(question)
        }

    def set_item(
        self,
        question: Question,
        key: str,
        text: str,
        points: Decimal,
        *,
        is_level: bool,
        by: str,
        retired: bool = False,
    ) -> None:
        there = [one for one in self.items(question.criterion) if one.key == key]
        value = (text, points, is_level, retired)
        if there and (there[0].text, there[0].points, there[0].is_level, there[0].retired) == value:
            return
        self.session.add(
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
        self.session.flush()

    def is_marked(self, question: Question) -> bool:
        chosen = select(ReviewSave.id).filter_by(
            assignment_id=self.assignment, question=question.criterion
        )
        return self.session.scalar(chosen.limit(1)) is not None

    def effect(self, question: Question, key: str, points: Decimal) -> list[Change]:
        items = self.by_key(question.criterion)
        if key not in items:
            return []
        old = items[key]
        changed = items | {
            key: Item(key, old.version, old.text, points, old.is_level, old.is_retired)
        }
        found = []
        for one in self.chosen(question):
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

    def chosen(self, question: Question) -> list[Chosen]:
        """Return what is chosen for each answer that is marked here, and whether it is the mark."""
        first, settled = (self.newest(question, name) for name in ("1", "settled"))
        marks = self.marks(question)
        items = self.by_key(question.criterion)
        bank = self.comments(question.criterion)
        found = []
        for answer in question.answers:
            rows = (settled.get(answer.id), first.get(answer.id))
            row = next((row for row in rows if row and row.content.is_marked), None)
            if row is not None:
                mark = marks.get(answer.id)
                is_mark = mark is not None and says(mark, value(question, row, items, bank))
                found.append(Chosen(answer, row, mark, is_mark))
        return found

    def newest(self, question: Question, round_: str) -> dict[str, Kept]:
        """Return the newest save of each answer, by its id: of other texts there is none."""
        newest = (
            select(func.max(ReviewSave.id))
            .filter_by(assignment_id=self.assignment, question=question.criterion, round=round_)
            .group_by(ReviewSave.author_id, ReviewSave.answer)
        )
        chosen = select(ReviewSave).where(ReviewSave.id.in_(newest))
        return _by_answer(question, kept(self.session, chosen))

    def marks(self, question: Question) -> dict[str, Mark]:
        """Return the newest mark of each answer, by its id."""
        rows = self.session.scalars(select(Mark).where(Mark.id.in_(self._of_each_text(question))))
        return _by_answer(question, rows)

    def marked(self, question: Question) -> set[str]:
        """Return the ids of the answers that have a mark."""
        standing = select(Mark.author_id, Mark.answer).where(
            Mark.id.in_(self._of_each_text(question)), Mark.points.is_not(None)
        )
        texts = [(author, text) for author, text in self.session.execute(standing)]
        return {question.by_text[text].id for text in texts if text in question.by_text}

    def _of_each_text(self, question: Question) -> Select[Any]:
        """Choose the id of the newest mark of each text."""
        marks = select(func.max(Mark.id)).filter_by(
            assignment_id=self.assignment, criterion=question.criterion
        )
        return marks.group_by(Mark.author_id, Mark.answer)

    def saves(self, question: Question, answer: Answer, round_: str) -> list[Kept]:
        """Return every save of this text, oldest first."""
        chosen = select(ReviewSave).filter_by(
            assignment_id=self.assignment,
            author_id=answer.author,
            answer=answer.digest,
            question=question.criterion,
            round=round_,
        )
        return kept(self.session, chosen.order_by(ReviewSave.version))

    def newest_open(self, question: Question, saves: Select[Any]) -> Kept | None:
        """Return the newest of these saves that takes none back and is not taken back itself.

        Of texts that are there no more there is none. One after the other is read: it is near.
        """
        undone = select(ReviewSave.undoes).where(ReviewSave.undoes.is_not(None))
        open_ = saves.where(ReviewSave.undoes.is_(None), ReviewSave.id.not_in(undone))
        newest_first = open_.order_by(ReviewSave.id.desc()).with_only_columns(
            ReviewSave.id, ReviewSave.author_id, ReviewSave.answer
        )
        for ident, author, text in self.session.execute(newest_first):
            if (author, text) in question.by_text:
                return kept(self.session, saves.where(ReviewSave.id == ident))[0]
        return None

    def next(self, question: Question, author: int, round_: str) -> int:
        """Return the version that an author's next save has, whichever text it is for."""
        newest = select(func.max(ReviewSave.version)).filter_by(
            assignment_id=self.assignment,
            author_id=author,
            question=question.criterion,
            round=round_,
        )
        return (self.session.scalar(newest) or 0) + 1

    def newest_mark(self, question: Question, author: int, text: str = "") -> Mark | None:
        """Return an author's newest mark; with the digest of a text, the newest of that text."""
        subject: dict[str, Any] = {"author_id": author} | ({"answer": text} if text else {})
        chosen = select(Mark).filter_by(
            assignment_id=self.assignment, criterion=question.criterion, **subject
        )
        return self.session.scalar(chosen.order_by(Mark.version.desc()).limit(1))

    def choice(self, question: Question, answer: Answer, round_: str) -> Choice:
        """Return what stands for this text: what was chosen for another is not offered for it."""
        rows = self.saves(question, answer, round_)
        mark = None
        if round_ != "2":
            mark = self.newest_mark(question, answer.author, answer.digest)
        seen = Seen(choice=rows[-1].version if rows else 0, mark=mark.version if mark else 0)
        source = self.source(question, answer) if mark else None
        apart = mark
        if mark is not None and source is not None:
            items = self.by_key(question.criterion)
            bank = self.comments(question.criterion)
            apart = None if says(mark, value(question, source, items, bank)) else mark
        if not rows:
            return Choice(Content(), seen, by=mark.by if mark else "", apart=apart)
        newest = rows[-1]
        return Choice(newest.content, seen, newest.by, newest.at, newest.answer, apart)

    def seen(self, question: Question, shown: Shown) -> Seen:
        return self.choice(question, shown.answer, shown.round).seen

    def source(self, question: Question, answer: Answer) -> Kept | None:
        """Return the save that an answer's mark is made of: what is settled, else the first."""
        first, settled = (self.saves(question, answer, round_) for round_ in ("1", "settled"))
        if settled and settled[-1].content.is_marked:
            return settled[-1]
        return first[-1] if first else None

    def mark(
        self,
        question: Question,
        row: Kept,
        items: Mapping[str, Item],
        by: str,
    ) -> None:
        """Write the mark that a save makes, unless the newest of the text says the same."""
        said = value(question, row, items, self.comments(question.criterion))
        there = self.newest_mark(question, row.author_id, row.answer)
        if there is None and said["points"] is None:
            return
        if there is not None and there.by == by and says(there, said):
            return
        newest = self.newest_mark(question, row.author_id)
        self.session.add(
            Mark(
                assignment_id=self.assignment,
                author_id=row.author_id,
                criterion=question.criterion,
                version=newest.version + 1 if newest else 1,
                by=by,
                at=datetime.now(UTC),
                **said,
            )
        )
        self.session.flush()

    def receipt(self, question: Question, row: ReviewSave, items: Mapping[str, Item]) -> Receipt:
        """Return what this save left: if another stands above it, the next save learns of it."""
        mark = None
        if row.round != "2":
            mark = self.newest_mark(question, row.author_id, row.answer)
        content = Content(**row.content)
        seen = Seen(choice=row.version, mark=mark.version if mark else 0)
        choice = Choice(content, seen, row.by, row.at, row.answer)
        return Receipt(choice, points_of(content, items, question.points), row.save, row.author_id)

    def comments(self, question: str) -> dict[str, ReviewComment]:
        rows = self.session.scalars(
            select(ReviewComment)
            .filter_by(assignment_id=self.assignment, question=question)
            .order_by(ReviewComment.version, ReviewComment.id)
        )
        return {row.key: row for row in rows}

    def check(self, question: Question, content: Content, items: Mapping[str, Item]) -> None:
        """Refuse items and comments that the question does not have, and two levels at once."""
        for key in content.items:
            if key not in items:
                raise UsageError("no such item", found=quoted(key), hint="load the page again")
        if sum(items[key].is_level for key in content.items) > 1:
            raise UsageError("two levels are chosen at once", hint="choose one of them")
        if len(set(content.items)) != len(content.items):
            raise UsageError("an item is chosen twice", hint="load the page again")
        bank = self.comments(question.criterion)
        if unknown := [key for key in content.comments if key not in bank]:
            raise UsageError(
                "no such comment", found=quoted(unknown[0]), hint="load the page again"
            )


def value(
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


def says(mark: Mark, value: Mapping[str, Any]) -> bool:
    return all(getattr(mark, name) == wanted for name, wanted in value.items())
