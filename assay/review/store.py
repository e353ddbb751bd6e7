"""What markers chose, in the gradebook: each save is one transaction with the mark that it makes.

A save has an id that the client made: sent again, it is answered and not written again. Nothing is
changed in place; `undo` and a changed item write newer versions above the older ones.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar, get_args

from sqlalchemy import func, select

from assay.classroom.gradebook import Conflict, Gradebook
from assay.classroom.gradebook.models import (
    Mark,
    ReviewComment,
    ReviewItem,
    ReviewReveal,
    ReviewSave,
)
from assay.errors import UsageError, quoted
from assay.review import questions
from assay.review.answers import Answer, Question, exact
from assay.review.choices import (
    Banked,
    Change,
    Choice,
    Content,
    Item,
    Kept,
    Receipt,
    Round,
    Seen,
    Shown,
    is_news,
)
from assay.review.transaction import Transaction, kept

T = TypeVar("T")


class Store:
    """The review of one assignment, in the gradebook of its class."""

    def __init__(self, book: Gradebook, item: str) -> None:
        self.book = book
        self.assignment = book.add_assignment(item).id

    def _read(self, read: Callable[[Transaction], T]) -> T:
        return self.book.read(lambda session: read(Transaction(session, self.assignment)))

    def _write(self, write: Callable[[Transaction], T]) -> T:
        return self.book.write(lambda session: write(Transaction(session, self.assignment)))

    # Items.

    def begin(self, question: Question) -> None:
        """Write the course's items, unless somebody has marked by others already."""
        wanted = question.spec.item or questions.levels(float(question.points))

        def write(here: Transaction) -> None:
            there = here.items(question.criterion)
            if there and (here.is_marked(question) or _by_people(there)):
                return
            for number, spec in enumerate(wanted, 1):
                here.set_item(question, f"item-{number}", spec.text, exact(spec.points),
                    is_level=spec.level, by="course",
                )  # fmt: skip
            for row in there[len(wanted) :]:
                if not row.retired:
                    here.set_item(question, row.key, row.text, row.points,
                        is_level=row.is_level, retired=True, by="course",
                    )  # fmt: skip

        self._write(write)

    def items(self, question: Question) -> dict[str, Item]:
        """Return every item by key, those that are retired too."""
        return self._read(lambda here: here.by_key(question.criterion))

    def having(self, question: Question) -> dict[str, list[Answer]]:
        """Return the answers that have each item, by its key, as their marks stand."""

        def read(here: Transaction) -> dict[str, list[Answer]]:
            found: dict[str, list[Answer]] = {key: [] for key in here.by_key(question.criterion)}
            for one in here.chosen(question):
                for key in one.row.content.items if one.is_mark else ():
                    found[key].append(one.answer)
            return found

        return self._read(read)

    def effect(self, question: Question, key: str, points: Decimal) -> list[Change]:
        """Return whose points change if the item is worth `points`, as things stand."""
        return self._read(lambda here: here.effect(question, key, points))

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

        def write(here: Transaction) -> list[Change]:
            there = here.by_key(question.criterion)
            seen = there[key].version if key in there else 0
            if seen != expected:
                raise Conflict(
                    "the item has been changed since it was read; nothing was written",
                    found=f"version {seen} is there, version {expected} was expected",
                    hint="look at it once more",
                )
            changes = here.effect(question, key, points)
            standing = here.chosen(question)
            here.set_item(question, key, text.strip(), points,
                is_level=is_level, retired=retired, by=by,
            )  # fmt: skip
            items = here.by_key(question.criterion)
            old = there.get(key)
            changed = old and (old.points, old.text) != (points, text.strip())
            for one in standing if changed else ():
                if one.is_mark and key in one.row.content.items:
                    here.mark(question, one.row, items, by)
            return changes

        return self._write(write)

    def history(self, question: Question, key: str) -> list[ReviewItem]:
        """Return every version of an item, oldest first."""
        rows = self._read(lambda here: here.items(question.criterion, all_=True))
        return [row for row in rows if row.key == key]

    # Choices.

    def choice(self, question: Question, answer: Answer, round_: str) -> Choice:
        """Return what stands for an answer."""
        return self._read(lambda here: here.choice(question, answer, round_))

    def choices(self, question: Question, round_: str) -> dict[str, Kept]:
        """Return the newest save of each answer that has one, by the answer's id."""
        return self._read(lambda here: here.newest(question, round_))

    def rounds(self, question: Question) -> dict[str, dict[str, Kept]]:
        """Return the same of every round, by its name."""
        return self._read(
            lambda here: {name: here.newest(question, name) for name in get_args(Round)}
        )

    def marks(self, question: Question) -> dict[str, Mark]:
        """Return the mark of each answer that has one, by its id, whoever wrote it and how."""
        rows = self._read(lambda here: here.marks(question))
        return {ident: row for ident, row in rows.items() if row.points is not None}

    def marked(self, question: Question) -> set[str]:
        """Return the ids of the answers that have a mark, whoever wrote it and how."""
        return self._read(lambda here: here.marked(question))

    def marked_before(self, question: Question) -> dict[int, Mark]:
        """Return, by author, the newest mark of a text that the author's answers have no more."""

        def read(here: Transaction) -> dict[int, Mark]:
            newest = (
                select(func.max(Mark.id))
                .filter_by(assignment_id=self.assignment, criterion=question.criterion)
                .group_by(Mark.author_id)
            )
            return {
                row.author_id: row
                for row in here.session.scalars(select(Mark).where(Mark.id.in_(newest)))
                if row.points is not None and (row.author_id, row.answer) not in question.by_text
            }

        return self._read(read)

    def chosen_before(self, question: Question, answer: Answer, round_: str) -> Kept | None:
        """Return what was chosen in a round for a text that is there no more; None if nothing."""
        chosen = select(ReviewSave).filter_by(
            assignment_id=self.assignment,
            author_id=answer.author,
            question=question.criterion,
            round=round_,
        )
        rows = self._read(lambda here: kept(here.session, chosen.order_by(ReviewSave.version)))
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
        return self._read(lambda here: tuple(here.session.scalar(one) or 0 for one in chosen))

    def times(self, question: Question) -> list[tuple[str, int, str, float]]:
        """Return round, author, text and seconds of each save that is no undo, oldest first."""
        chosen = (
            select(ReviewSave.round, ReviewSave.author_id, ReviewSave.answer, ReviewSave.seconds)
            .filter_by(assignment_id=self.assignment, question=question.criterion, undoes=None)
            .order_by(ReviewSave.id)
        )
        return self._read(
            lambda here: [(a, b, c, d) for a, b, c, d in here.session.execute(chosen)]
        )

    def saves(self, question: Question) -> list[ReviewSave]:
        """Return every save of a question, oldest first."""
        chosen = select(ReviewSave).filter_by(
            assignment_id=self.assignment, question=question.criterion
        )
        return self._read(lambda here: list(here.session.scalars(chosen.order_by(ReviewSave.id))))

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
            If somebody has marked the answer since, here or by `assay class mark`, or the id is
            that of another save.
        UsageError
            If it names an item or a comment that the question does not have.
        """

        def write(here: Transaction) -> Receipt:
            known = here.session.scalar(select(ReviewSave).filter_by(save=save))
            items = here.by_key(question.criterion)
            if known is not None:
                subject = (self.assignment, answer.author, question.criterion, round_, by)
                said = (answer.digest, content.model_dump())
                if _subject(known) != subject or (known.undoes is None and _said_of(known) != said):
                    raise Conflict(
                        "another save has this name already; nothing was written",
                        hint="load the page again",
                    )
                return here.receipt(question, known, items)
            here.check(question, content, items)
            now = here.choice(question, answer, round_)
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
                version=here.next(question, answer.author, round_),
                by=by,
                at=datetime.now(UTC),
            )
            here.session.add(row)
            here.session.flush()
            if round_ != "2" and is_news(now.content, content):
                mine = here.saves(question, answer, round_)
                source = here.source(question, answer) or mine[-1]
                if source.round == "1" or round_ == "settled":  # what is settled stands above
                    here.mark(question, source, items, by)
            return here.receipt(question, row, items)

        return self._write(write)

    def undo(self, question: Question, round_: Round, *, by: str, save: str) -> Receipt | None:
        """Take a marker's newest save back, by a save that says what stood before; None if none.

        Called again, it takes back the one before that. What was chosen for a text that is there
        no more is left as it is.

        Raises
        ------
        Conflict
            If somebody else has marked that answer since.
        """
        mine = select(ReviewSave).filter_by(
            assignment_id=self.assignment, question=question.criterion, round=round_, by=by
        )
        sent = self._read(lambda here: here.session.scalar(mine.filter_by(save=save)))
        if sent is not None:
            return self._read(
                lambda here: here.receipt(question, sent, here.by_key(question.criterion))
            )
        last = self._read(lambda here: here.newest_open(question, mine))
        if last is None:
            return None
        answer = question.by_text[last.author_id, last.answer]
        older = self._read(lambda here: here.saves(question, answer, round_))
        now = self.choice(question, answer, round_)
        before = [row for row in older if row.version < last.version]
        content = before[-1].content if before else Content()
        if older[-1].by != by or (now.apart and is_news(now.content, content)):
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
        return self._read(lambda here: here.comments(question.criterion))

    def set_comment(
        self,
        question: Question,
        key: str,
        text: str,
        *,
        by: str,
        expected: int,
        shown: Shown | None = None,
    ) -> Banked:
        """Put a comment into the bank, or change it everywhere.

        `shown` is what the marker looks at meanwhile.

        Raises
        ------
        Conflict
            If somebody has changed it since.
        UsageError
            If it says nothing.
        """
        if not text.strip():
            raise UsageError("the comment has no text", hint="write it, then keep it in the bank")

        def write(here: Transaction) -> Banked:
            is_seen = shown and here.seen(question, shown) == shown.seen
            there = here.comments(question.criterion).get(key)
            having = [one for one in here.chosen(question) if key in one.row.content.comments]
            seen = there.version if there else 0
            if seen != expected:
                raise Conflict(
                    "the comment has been changed since it was read; nothing was written",
                    found=f"version {seen} is there, version {expected} was expected",
                    hint="look at it once more",
                )
            here.session.add(
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
            here.session.flush()
            items = here.by_key(question.criterion)
            for one in having:
                if one.is_mark:
                    here.mark(question, one.row, items, by)
            return Banked(
                [one.answer for one in having if not one.is_mark],
                here.seen(question, shown) if shown and is_seen else None,
            )

        return self._write(write)

    def reveal(self, question: Question, answer: Answer, by: str) -> None:
        """Note that a marker looked up who wrote an answer."""
        self._write(
            lambda here: here.session.add(
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
        return self._read(lambda here: list(here.session.scalars(chosen.order_by(ReviewReveal.id))))


def _subject(row: ReviewSave) -> tuple[int, int, str, str, str]:
    """Return what a save is about, and who sent it."""
    return row.assignment_id, row.author_id, row.question, row.round, row.by


def _said_of(row: ReviewSave) -> tuple[str, dict[str, Any]]:
    """Return the text that a save is for, and what it chooses."""
    return row.answer, row.content


def _said(now: Choice) -> str:
    """Return who marked an answer, and how much it was, if that is not shown as chosen items."""
    if now.apart is None:
        return f"by {quoted(now.by or 'assay class mark')}"
    points = "withdrawn" if now.apart.points is None else f"{now.apart.points:f} points"
    reason = f": {now.apart.reason}" if now.apart.reason else ""
    return f"{points} by {quoted(now.apart.by)}{reason}"


def _by_people(rows: Sequence[ReviewItem]) -> bool:
    return any(row.by != "course" for row in rows)
