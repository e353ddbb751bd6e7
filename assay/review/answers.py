"""The written answers of a class: of each author the attempt that counts, question by question."""

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

from assay.classroom.gradebook.models import (
    Assignment,
    Attempt,
    Author,
    GradingResult,
    Membership,
)
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
    """What one author wrote for one question. `id` tells nothing of the author."""

    id: str
    author: int
    pseudonym: str
    digest: str
    """As the gradebook's result has it: a mark is for this text and no other."""
    pieces: tuple[Piece, ...]
    report: Path
    is_stale: bool
    """Whether the report is of another text than the gradebook's result."""

    @property
    def text(self) -> str:
        return "\n\n".join(piece.text for piece in self.pieces)

    @property
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
    seen, counted = room.book.read(lambda session: _counted(session, room))
    if not counted:
        raise UsageError(
            f"nothing of `{room.settings.title}` is graded yet",
            hint="`assay class take` and `assay class grade` come first",
        )
    specs = questions.read(room.assignment.parent / questions.FILE)
    written = {author.id: _written(room, author) for author, _ in counted}
    rows: dict[str, dict[str, Any]] = {}
    for author, result in counted:
        for row in result.criteria:
            if row["waits"] or row["name"] in written[author.id].pieces:
                rows.setdefault(row["name"], row)
    if not rows:
        raise UsageError(
            f"no criterion of `{room.settings.title}` waits for a person",
            hint="a rubric test marked `pytest.mark.review` hands written answers on",
        )
    if unknown := sorted(set(specs) - set(rows)):
        raise UsageError(
            f"`{questions.FILE}` names a criterion that nobody's result has for review",
            found=f"`{unknown[0]}`; there are: {', '.join(f'`{name}`' for name in rows)}",
            hint="write `part/criterion` as assignment.toml names them",
        )
    return Stack(
        tuple(
            _question(room, number, row, specs, counted, written, salt)
            for number, row in enumerate(rows.values(), 1)
        ),
        seen,
    )


def _counted(session: Session, room: Room) -> tuple[int, list[tuple[Author, GradingResult]]]:
    """Return the author and the newest result of each attempt that somebody's mark rests on."""
    item = session.scalars(select(Assignment).filter_by(term=room.book.term, name=room.item)).one()
    attempts = list(
        session.scalars(
            select(Attempt)
            .filter_by(assignment_id=item.id)
            .order_by(Attempt.submitted_at, Attempt.id)
        )
    )
    results: dict[int, GradingResult] = {}
    chosen = select(GradingResult).where(
        GradingResult.attempt_id.in_([attempt.id for attempt in attempts])
    )
    for result in session.scalars(chosen.order_by(GradingResult.version)):
        results[result.attempt_id] = result
    groups = {
        place.person_id: place.group_id
        for place in session.scalars(select(Membership).filter_by(assignment_id=item.id))
    }
    counts: dict[int, Attempt] = {}
    for person in session.scalars(select(Author).filter_by(term=room.book.term, kind="person")):
        mine = {person.id, groups.get(person.id, person.id)}
        graded = [one for one in attempts if one.author_id in mine and one.id in results]
        if graded:
            counts[graded[-1].id] = graded[-1]
    authors = {one.id: one for one in session.scalars(select(Author))}
    return newest(session), [(authors[one.author_id], results[one.id]) for one in counts.values()]


def _written(room: Room, author: Author) -> _Report:
    """Return what a report holds for people to mark; nothing if it cannot be read."""
    path = room.reports / folder_of(author.pseudonym) / "results.json"
    found: dict[str, list[Piece]] = {}
    try:
        report = json.loads(path.read_bytes())
        for one in report["written"]:
            name = f"{one['part']}/{one['criterion']}"
            found.setdefault(name, []).append(Piece(str(one["heading"]), str(one["text"])))
    except (OSError, ValueError, KeyError, TypeError):
        return _Report("", {})  # each answer is stale then, and says so
    return _Report(
        str(report.get("digest", "")), {name: tuple(pieces) for name, pieces in found.items()}
    )


def _question(
    room: Room,
    number: int,
    row: Mapping[str, Any],
    specs: Mapping[str, QuestionSpec],
    counted: Sequence[tuple[Author, GradingResult]],
    written: Mapping[int, _Report],
    salt: bytes,
) -> Question:
    name = row["name"]
    found = []
    for author, result in counted:
        lines = {one["name"]: one for one in result.criteria}
        if name not in lines:
            continue
        pieces = written[author.id].pieces.get(name, ())
        text = "\0".join(piece.text for piece in pieces) if pieces else written[author.id].digest
        digest = lines[name]["answer"]
        who = f"{name}/{author.id}".encode()
        seen = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        found.append(
            Answer(
                hashlib.blake2b(who, key=salt, digest_size=8).hexdigest(),
                author.id,
                author.pseudonym,
                digest,
                pieces,
                room.reports / folder_of(author.pseudonym),
                seen != digest,
            )
        )
    spec = specs.get(name, QuestionSpec(criterion=name))
    points = exact(row["points"])
    return Question(
        number, name, str(row.get("title", name)), points, spec, tuple(sorted(found, key=_id))
    )


def _id(answer: Answer) -> str:
    return answer.id
