"""The written answers of a class: the attempt that counts of each author, question by question.

By `best` a mark may make another attempt the one that counts: then every attempt is offered.
"""

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from assay.classroom import counting
from assay.classroom.gradebook.models import Attempt, Author, CriterionRow, GradingResult
from assay.classroom.room import Room
from assay.errors import UsageError
from assay.review import questions
from assay.review.questions import QuestionSpec
from assay.submission.folders import folder as folder_of


@dataclass(frozen=True)
class Piece:
    """What stands below one heading; an answer may be spread over several."""

    heading: str
    text: str


@dataclass(frozen=True)
class Answer:
    """What one author wrote for one question. `id` says nothing of the author."""

    id: str
    author: int
    pseudonym: str
    digest: str
    """As the gradebook's result has it: a mark is for this text and no other."""
    pieces: tuple[Piece, ...]
    result: Path
    """The newest result of the attempt, whole."""
    report: Path
    """The folder of the author's report, which may be of another attempt."""
    is_stale: bool
    """Whether the result is of another text than the gradebook's."""

    @property
    def text(self) -> str:
        return "\n\n".join(piece.text for piece in self.pieces)

    @cached_property
    def words(self) -> int:
        return len(self.text.split())


@dataclass(frozen=True)
class Question:
    """One criterion that people mark, across the class."""

    number: int
    criterion: str
    title: str
    points: Decimal
    spec: QuestionSpec
    answers: tuple[Answer, ...]
    """In an order that says nothing: by id."""

    @cached_property
    def by_id(self) -> Mapping[str, Answer]:
        return {one.id: one for one in self.answers}

    @cached_property
    def by_text(self) -> Mapping[tuple[int, str], Answer]:
        """By author and digest: an author may have several, where several attempts may count."""
        return {(one.author, one.digest): one for one in self.answers}

    def order(self, seed: str) -> list[Answer]:
        """Return the answers as this seed shuffles them: the same each time."""
        shuffled = list(self.answers)
        random.Random(f"{seed}/{self.criterion}").shuffle(shuffled)
        return shuffled


@dataclass(frozen=True)
class Stack:
    """All that there is to mark in a class, as of one state of its results."""

    questions: tuple[Question, ...]
    newest: int
    """The newest result that was looked at: a newer one means that this is old."""


@dataclass(frozen=True)
class _Report:
    digest: str
    pieces: Mapping[str, tuple[Piece, ...]]
    """By criterion."""
    path: Path


@dataclass(frozen=True)
class _Counted:
    """An attempt that somebody's mark rests on, or may rest on."""

    author: Author
    attempt: Attempt
    result: GradingResult
    report: _Report


def exact(points: Decimal | float | str) -> Decimal:
    """Return points as the digits that they are written with, 5.0 as 5."""
    found = Decimal(str(points))
    return found.quantize(Decimal(1)) if found == found.to_integral_value() else found.normalize()


def newest(session: Session) -> int:
    """Return the number of the newest result of the gradebook."""
    return session.scalar(select(func.max(GradingResult.id))) or 0


def collect(room: Room, salt: bytes) -> Stack:
    """Collect the written answers of everybody whose work is graded.

    Raises
    ------
    UsageError
        If nothing is graded, or no criterion waits for a person.
    """
    seen = room.book.read(newest)
    counted = _counted(room)
    if not counted:
        raise UsageError(
            f"nothing of `{room.settings.title}` is graded yet",
            hint="`assay class take` and `assay class grade` come first",
        )
    specs = questions.read(room.assignment.parent / questions.FILE)
    rows: dict[str, CriterionRow] = {}
    for one in counted:
        for row in one.result.criteria:
            if row["waits"] or row["name"] in one.report.pieces:
                rows.setdefault(row["name"], row)
    if not rows:
        raise UsageError(
            f"no criterion of `{room.settings.title}` waits for a person",
            hint="a rubric test marked `pytest.mark.review` hands written answers on",
        )
    if unknown := sorted(set(specs) - set(rows)):
        raise UsageError(
            f"`{questions.FILE}` names a criterion that no result has for review",
            found=f"`{unknown[0]}`; there are: {', '.join(f'`{name}`' for name in rows)}",
            hint="write `part/criterion` as assignment.toml names them",
        )
    return Stack(
        tuple(
            _question(room, number, row, specs, counted, salt)
            for number, row in enumerate(rows.values(), 1)
        ),
        seen,
    )


def _counted(room: Room) -> list[_Counted]:
    """Return every attempt that somebody's mark rests on or, by `best`, may rest on; oldest first.

    Which one counts is said in one place, `assay.classroom.counting`.
    """
    found: dict[int, Attempt] = {}
    for member in room.roster.members:
        there = counting.attempts(room, member.key)
        if room.settings.counts != "best":
            counts, _ = counting.counting(room, member, there)
            there = [counts] if counts else []
        found |= {one.id: one for one in there}
    results = room.book.read(lambda session: _results(session, list(found)))
    return [
        _Counted(room.authors[one.author_id], one, results[one.id], _written(room, one))
        for one in sorted(found.values(), key=lambda one: (one.submitted_at, one.id))
        if one.id in results
    ]


def _results(session: Session, attempts: Sequence[int]) -> dict[int, GradingResult]:
    """Return the newest result of each attempt that has one."""
    chosen = select(GradingResult).where(GradingResult.attempt_id.in_(attempts))
    rows = session.scalars(chosen.order_by(GradingResult.version))
    return {row.attempt_id: row for row in rows}


def _written(room: Room, attempt: Attempt) -> _Report:
    """Return what a result holds for people to mark; nothing if it cannot be read."""
    path = room.result(attempt)
    if not path.exists():  # graded before results were kept whole: the report has it
        pseudonym = room.authors[attempt.author_id].pseudonym
        path = room.reports / folder_of(pseudonym) / "results.json"
    found: dict[str, list[Piece]] = {}
    try:
        report = json.loads(path.read_bytes())
        for one in report["written"]:
            name = f"{one['part']}/{one['criterion']}"
            found.setdefault(name, []).append(Piece(str(one["heading"]), str(one["text"])))
    except (OSError, ValueError, KeyError, TypeError):
        return _Report("", {}, path)  # each answer is stale then, and says so
    return _Report(
        str(report.get("digest", "")), {name: tuple(pieces) for name, pieces in found.items()}, path
    )


def _question(
    room: Room,
    number: int,
    row: Mapping[str, Any],
    specs: Mapping[str, QuestionSpec],
    counted: Sequence[_Counted],
    salt: bytes,
) -> Question:
    name = row["name"]
    found: dict[tuple[int, str], Answer] = {}
    authors: set[int] = set()
    for one in counted:
        digests = [line["answer"] for line in one.result.criteria if line["name"] == name]
        if not digests or (one.author.id, digests[0]) in found:
            continue
        pieces = one.report.pieces.get(name, ())
        text = "\0".join(piece.text for piece in pieces) if pieces else one.report.digest
        who = f"{name}/{one.author.id}"
        if one.author.id in authors:
            who += f"/{one.attempt.id}"
        authors.add(one.author.id)
        seen = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        found[one.author.id, digests[0]] = Answer(
            hashlib.blake2b(who.encode(), key=salt, digest_size=8).hexdigest(),
            one.author.id,
            one.author.pseudonym,
            digests[0],
            pieces,
            one.report.path,
            room.reports / folder_of(one.author.pseudonym),
            seen != digests[0],
        )
    spec = specs.get(name, QuestionSpec(criterion=name))
    points = exact(row["points"])
    title = str(row.get("title", name))
    return Question(number, name, title, points, spec, tuple(sorted(found.values(), key=_id)))


def _id(answer: Answer) -> str:
    return answer.id
