"""The gradebook: everything that is written into it, and read back."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from assay.classroom.gradebook.database import connect
from assay.classroom.gradebook.errors import Conflict, Unknown
from assay.classroom.gradebook.final import FinalMark, decimal, final_mark
from assay.classroom.gradebook.forget import (
    Forgotten,
    Found,
    delete_people,
    delete_term,
    identifiers,
    last_seen,
    purge,
    search,
)
from assay.classroom.gradebook.models import (
    Assignment,
    Attempt,
    Author,
    Decision,
    GradingResult,
    History,
    Mark,
    Membership,
    Purge,
    RegradeAnswer,
    RegradeRequest,
    Release,
    check,
)
from assay.errors import OurFault, UsageError, quoted

H = TypeVar("H", bound=History)
T = TypeVar("T")
TRIES = 8
"""How often a transaction that lost a race on PostgreSQL is begun again."""


@dataclass(frozen=True)
class Regrade:
    """What a new result means for the marks by hand: whose answer is the same, and whose is not."""

    result: GradingResult
    kept: list[Mark]
    flagged: list[Mark]


class Gradebook:
    """One term's people, attempts and marks. Close it, or use it in a `with` statement.

    Every method that writes is one transaction: after a crash it has happened, or it has not.
    Calling it again with the same values writes nothing twice.
    """

    def __init__(self, where: Path | str, term: str) -> None:
        check("the term", term)
        self.term = term
        self.engine = connect(where)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        if self._read(lambda session: session.scalar(select(Purge.id).limit(1))):
            purge(self.engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    # People, groups, assignments, attempts.

    def add_person(self, key: str, name: str, facts: Mapping[str, Any] | None = None) -> Author:
        """Add a person of the roster, or bring name and facts up to date."""
        return self._write(lambda s: self._add_author(s, "person", key, name, facts or {}))

    def add_assignment(self, name: str) -> Assignment:
        """Add a grade item, or return the one of this name."""

        def add(session: Session) -> Assignment:
            found = session.scalar(select(Assignment).filter_by(term=self.term, name=name))
            return found or _add(session, Assignment(term=self.term, name=name, created_at=_now()))

        check("the assignment's name", name)
        return self._write(add)

    def set_group(self, assignment: str, key: str, name: str, members: Iterable[str]) -> Author:
        """Put exactly these people, by their keys, into a group for one assignment."""
        wanted = list(dict.fromkeys(members))

        def put(session: Session) -> Author:
            item = self._assignment(session, assignment)
            group = self._add_author(session, "group", key, name, {})
            people = {self._author(session, member).id for member in wanted}
            for place in session.scalars(select(Membership).filter_by(assignment_id=item.id)):
                if place.person_id in people:
                    place.group_id = group.id
                    people.remove(place.person_id)
                elif place.group_id == group.id:
                    session.delete(place)
            for person in people:
                session.add(Membership(assignment_id=item.id, group_id=group.id, person_id=person))
            return group

        return self._write(put)

    def add_attempt(
        self,
        assignment: str,
        author: str,
        *,
        digest: str,
        submitted_at: datetime,
        origin: Mapping[str, Any] | None = None,
        kind: str = "person",
    ) -> Attempt:
        """Record a submission of a person or a group; the same bytes of the same time are one."""
        check("the time of the attempt", submitted_at)

        def add(session: Session) -> Attempt:
            subject = self._subject(session, assignment, author, kind)
            one = {**subject, "digest": digest, "submitted_at": submitted_at}
            found = session.scalar(select(Attempt).filter_by(**one))
            return found or _add(
                session, Attempt(**one, origin=dict(origin or {}), taken_at=_now())
            )

        return self._write(add)

    def people(self) -> list[Author]:
        """Return the people of the term, by key."""
        return self._authors("person")

    def groups(self) -> list[Author]:
        """Return the groups of the term, by key."""
        return self._authors("group")

    def members(self, assignment: str, group: str) -> list[Author]:
        """Return who is in a group, by key."""

        def read(session: Session) -> list[Author]:
            item = self._assignment(session, assignment)
            group_id = self._author(session, group, "group").id
            mine = select(Membership.person_id).filter_by(assignment_id=item.id, group_id=group_id)
            return list(
                session.scalars(select(Author).where(Author.id.in_(mine)).order_by(Author.key))
            )

        return self._read(read)

    def attempts(self, assignment: str, author: str, kind: str = "person") -> list[Attempt]:
        """Return all attempts, oldest first; a person's own and those of their group."""
        return self._read(lambda s: self._attempts(s, self._subject(s, assignment, author, kind)))

    # Results.

    def add_result(
        self,
        attempt: int,
        *,
        digest: str,
        receipt: Mapping[str, Any],
        criteria: Sequence[Mapping[str, Any]],
        by: str = "assay",
    ) -> Regrade:
        """Record what grading made of an attempt, and compare the marks by hand with its answers.

        `criteria` are dictionaries of `name` (`part/criterion`), `points`, `earned`, `waits`
        (whether a person has to mark it) and `answer` (a digest of what is marked).
        """
        rows = [_criterion(criterion) for criterion in criteria]
        if len({row["name"] for row in rows}) != len(rows):
            hint = "name each criterion once, as `part/criterion`"
            raise UsageError("two criteria of the result have one name", hint=hint)
        content = {"digest": digest, "receipt": dict(receipt), "criteria": rows}

        def add(session: Session) -> Regrade:
            place = session.get(Attempt, attempt)
            if place is None or session.get_one(Assignment, place.assignment_id).term != self.term:
                raise Unknown("no such attempt", found=str(attempt), hint="take it in first")
            result = _append(session, GradingResult, {"attempt_id": attempt}, content, by, None)
            subject = {"assignment_id": place.assignment_id, "author_id": place.author_id}
            answers = {row["name"]: row["answer"] for row in rows}
            standing = [m for m in _marks(session, subject).values() if m.points is not None]
            kept = [m for m in standing if answers.get(m.criterion) == m.answer]
            return Regrade(result, kept, [m for m in standing if m not in kept])

        return self._write(add)

    def results(self, attempt: int) -> list[GradingResult]:
        """Return all results of an attempt, oldest first."""
        return self._read(lambda s: _history(s, GradingResult, {"attempt_id": attempt}))

    # What people decide.

    def mark(
        self,
        assignment: str,
        author: str,
        criterion: str,
        points: Decimal | float | str | None,
        *,
        answer: str,
        by: str,
        expected: int,
        reason: str = "",
        comment: str = "",
        kind: str = "person",
    ) -> Mark:
        """Write a mark by hand above the older ones. `points` of None withdraws it.

        `expected` is the version that the marker saw, 0 if there was none.

        Raises
        ------
        Conflict
            Somebody else has written a version that the marker has not seen.
        """
        content = {
            "answer": answer,
            "points": None if points is None else _points(points),
            "reason": reason,
            "comment": comment,
        }
        return self._write(
            lambda s: _append(
                s,
                Mark,
                {**self._subject(s, assignment, author, kind), "criterion": criterion},
                content,
                by,
                expected,
            )
        )

    def marks(self, assignment: str, author: str, kind: str = "person") -> dict[str, Mark]:
        """Return the newest mark of each criterion."""
        return self._read(lambda s: _marks(s, self._subject(s, assignment, author, kind)))

    def mark_history(
        self, assignment: str, author: str, criterion: str, kind: str = "person"
    ) -> list[Mark]:
        """Return every mark of a criterion, oldest first."""
        return self._read(
            lambda s: _history(
                s,
                Mark,
                {**self._subject(s, assignment, author, kind), "criterion": criterion},
            )
        )

    def set_late(self, assignment: str, person: str, **how: Any) -> Decision:
        """Record the late rule as applied: `value` has the `points` taken off, and `arithmetic`.

        `classroom.late` works them out; nothing is worked out a second time here.
        """
        return self._decide("late", assignment, person, **how)

    def extend(self, assignment: str, person: str, **how: Any) -> Decision:
        """Record an extension: `value` is what the late rule reads, such as `{"until": "…"}`."""
        return self._decide("extension", assignment, person, **how)

    def excuse(self, assignment: str, person: str, **how: Any) -> Decision:
        """Excuse a person from an assignment; `value` may be `{}`."""
        return self._decide("excuse", assignment, person, **how)

    def override(self, assignment: str, person: str, **how: Any) -> Decision:
        """Replace the final mark by `value["points"]`, for a reason."""
        return self._decide("override", assignment, person, **how)

    def decisions(self, assignment: str, author: str, kind: str = "person") -> dict[str, Decision]:
        """Return the newest `late`, `extension`, `excuse` and `override` that there are."""
        return self._read(lambda s: _decisions(s, self._subject(s, assignment, author, kind)))

    def decision_history(self, assignment: str, author: str, what: str) -> list[Decision]:
        """Return every decision of one kind, oldest first."""
        return self._read(
            lambda s: _history(s, Decision, {**self._subject(s, assignment, author), "kind": what})
        )

    # The final mark, and what is shown of it.

    def final(self, assignment: str, person: str, attempt: int | None = None) -> FinalMark:
        """Work out a person's mark: of this attempt, or of the newest that has a result."""

        def read(session: Session) -> FinalMark:
            subject = self._subject(session, assignment, person)
            attempts = self._attempts(session, subject)
            if attempt is not None:
                attempts = [one for one in attempts if one.id == attempt]
                if not attempts:
                    raise Unknown("no such attempt of this person", found=str(attempt))
            for one in reversed(attempts):
                results = _history(session, GradingResult, {"attempt_id": one.id})
                if results:
                    group = {**subject, "author_id": one.author_id}
                    marks = _marks(session, group)
                    decided = _decisions(session, group) | _decisions(session, subject)
                    return final_mark(results[-1], marks, decided)
            return final_mark(None, {}, _decisions(session, subject))

        return self._read(read)

    def release(
        self, assignment: str, person: str, final: FinalMark, *, page: bytes, by: str, expected: int
    ) -> Release:
        """Keep a mark, its steps and its page as the person is shown them."""
        content = {
            "points": final.points,
            "steps": [step.plain() for step in final.steps],
            "page": page,
        }
        return self._write(
            lambda s: _append(
                s, Release, self._subject(s, assignment, person), content, by, expected
            )
        )

    def releases(self, assignment: str, person: str) -> list[Release]:
        """Return what a person was shown, oldest first."""
        return self._read(lambda s: _history(s, Release, self._subject(s, assignment, person)))

    def request_regrade(
        self,
        assignment: str,
        person: str,
        criterion: str,
        question: str,
        *,
        mark: Mapping[str, Any],
        expected: int,
    ) -> RegradeRequest:
        """Record a person's question; `mark` is the line it is about, as it was."""
        content = {"question": question, "mark": dict(mark)}
        return self._write(
            lambda s: _append(
                s,
                RegradeRequest,
                {**self._subject(s, assignment, person), "criterion": criterion},
                content,
                person,
                expected,
            )
        )

    def answer_request(self, request: int, answer: str, *, by: str, expected: int) -> RegradeAnswer:
        """Answer a request. A changed mark is written by `mark`, beside it."""

        def write(session: Session) -> RegradeAnswer:
            self._request(session, request)
            subject = {"request_id": request}
            return _append(session, RegradeAnswer, subject, {"answer": answer}, by, expected)

        return self._write(write)

    def requests(self, assignment: str) -> list[tuple[RegradeRequest, list[RegradeAnswer]]]:
        """Return every request of an assignment with its answers, oldest first."""

        def read(session: Session) -> list[tuple[RegradeRequest, list[RegradeAnswer]]]:
            item = self._assignment(session, assignment)
            asked = select(RegradeRequest).filter_by(assignment_id=item.id)
            return [
                (one, _history(session, RegradeAnswer, {"request_id": one.id}))
                for one in session.scalars(asked.order_by(RegradeRequest.id))
            ]

        return self._read(read)

    # Forgetting.

    def forget(self, person: str, folders: Sequence[Path] = ()) -> Forgotten:
        """Delete all there is of a person, and search every table and file for what is left."""
        return self._forget(lambda s: [self._author(s, person)], folders)

    def forget_older_than(self, when: datetime, folders: Sequence[Path] = ()) -> Forgotten:
        """Forget the people of the term for whom nothing was written or submitted since `when`."""
        check("the date", when)
        return self._forget(
            lambda s: [one for one in self._all(s, "person") if last_seen(s, one) < when], folders
        )

    def forget_term(self, folders: Sequence[Path] = ()) -> Forgotten:
        """Forget everybody of the term, its groups and its assignments."""
        return self._forget(lambda s: self._all(s, "person"), folders, term=True)

    def identifiers(self, people: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the words that name these people alone, and those that name others as well."""
        return self._read(lambda s: identifiers(s, [self._author(s, key) for key in people]))

    def older_than(self, when: datetime) -> list[Author]:
        """Return the people of the term for whom nothing was written or submitted since `when`."""
        check("the date", when)
        return self._read(
            lambda s: [one for one in self._all(s, "person") if last_seen(s, one) < when]
        )

    def search(self, words: Iterable[str], folders: Sequence[Path] = ()) -> list[Found]:
        """Say where these words stand: in every table, the database's own files, and folders."""
        return search(self.engine, list(words), folders)

    def _forget(
        self,
        chosen: Callable[[Session], list[Author]],
        folders: Sequence[Path],
        term: bool = False,
    ) -> Forgotten:
        def delete(session: Session) -> tuple[list[Author], list[str], list[str]]:
            people = chosen(session)
            groups = self._all(session, "group") if term else []
            words, shared = identifiers(session, [*people, *groups])
            delete_people(session, people, words)
            if term:
                delete_term(session, self.term)
            session.add(Purge(at=_now()))
            return people, words, shared

        people, words, shared = self._write(delete)
        purge(self.engine)
        left = search(self.engine, words, folders)
        return Forgotten(
            [(one.key, one.pseudonym) for one in people], sorted(words), sorted(shared), left
        )

    # One transaction, and what it looks up.

    def _read(self, work: Callable[[Session], T]) -> T:
        return self._transact(work)

    def _write(self, work: Callable[[Session], T]) -> T:
        return self._transact(work)

    def _transact(self, work: Callable[[Session], T]) -> T:
        for count in range(TRIES):
            try:
                with self._sessions.begin() as session:
                    done = work(session)
                    session.flush()
                    session.expunge_all()
                    return done
            except DBAPIError as error:
                if not _lost_a_race(error) or count == TRIES - 1:
                    raise OurFault(
                        "the gradebook could not be read or written; nothing was changed",
                        found=str(error.orig),
                        hint="is there room, and is another program at work in it?",
                    ) from None
                time.sleep(0.01 * 2**count)
        raise AssertionError

    def _authors(self, kind: str) -> list[Author]:
        return self._read(lambda session: self._all(session, kind))

    def _all(self, session: Session, kind: str) -> list[Author]:
        chosen = select(Author).filter_by(term=self.term, kind=kind).order_by(Author.key)
        return list(session.scalars(chosen))

    def _add_author(
        self, session: Session, kind: str, key: str, name: str, facts: Mapping[str, Any]
    ) -> Author:
        new = Author(
            term=self.term,
            kind=kind,
            key=key,
            pseudonym=f"p-{token_hex(8)}",
            name=name,
            facts=dict(facts),
            created_at=_now(),
        )
        if not key:
            raise UsageError(f"a {kind} has no identifier", found=quoted(name), hint="give a key")
        found = session.scalar(select(Author).filter_by(term=self.term, kind=kind, key=key))
        if found is None:
            return _add(session, new)
        found.name, found.facts = name, dict(facts)
        return found

    def _assignment(self, session: Session, name: str) -> Assignment:
        check("the assignment's name", name)
        found = session.scalar(select(Assignment).filter_by(term=self.term, name=name))
        if found is None:
            raise Unknown("no such assignment", found=quoted(name), hint="add it first")
        return found

    def _author(self, session: Session, key: str, kind: str = "person") -> Author:
        check(f"the {kind}'s key", key)
        found = session.scalar(select(Author).filter_by(term=self.term, kind=kind, key=key))
        if found is None:
            raise Unknown(f"no such {kind}", found=quoted(key), hint="add it from the roster first")
        return found

    def _subject(
        self, session: Session, assignment: str, author: str, kind: str = "person"
    ) -> dict[str, Any]:
        return {
            "assignment_id": self._assignment(session, assignment).id,
            "author_id": self._author(session, author, kind).id,
        }

    def _attempts(self, session: Session, subject: Mapping[str, Any]) -> list[Attempt]:
        item, author = subject["assignment_id"], subject["author_id"]
        group = select(Membership.group_id).filter_by(assignment_id=item, person_id=author)
        mine = (Attempt.author_id == author) | Attempt.author_id.in_(group)
        chosen = select(Attempt).where(Attempt.assignment_id == item, mine)
        return list(session.scalars(chosen.order_by(Attempt.submitted_at, Attempt.id)))

    def _request(self, session: Session, request: int) -> None:
        found = session.get(RegradeRequest, request)
        if found is None or session.get_one(Author, found.author_id).term != self.term:
            raise Unknown("no such request", found=str(request), hint="`requests` lists them")

    def _decide(
        self,
        what: str,
        assignment: str,
        author: str,
        *,
        value: Mapping[str, Any] | None,
        by: str,
        expected: int,
        reason: str = "",
        kind: str = "person",
    ) -> Decision:
        """Write a decision above the older ones; `value` of None withdraws it."""
        if value is not None:
            value = {name: str(v) if isinstance(v, Decimal) else v for name, v in value.items()}
            if what in ("late", "override"):
                if "points" not in value:
                    raise UsageError(f"the {what} has no points", hint='give `{"points": …}`')
                if _points(value["points"]) < 0:
                    found = str(value["points"])
                    raise UsageError("`points` is below zero", found=found, hint="correct it")
            if what in ("override", "excuse") and not reason.strip():
                raise UsageError(f"the {what} has no reason", hint="say why, in a sentence")
        content = {"value": value, "reason": reason}
        return self._write(
            lambda s: _append(
                s,
                Decision,
                {**self._subject(s, assignment, author, kind), "kind": what},
                content,
                by,
                expected,
            )
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _points(value: Decimal | float | str) -> Decimal:
    try:
        points = decimal(value)
    except InvalidOperation:
        hint = "give a number, as `2.5`"
        raise UsageError("the points are no number", found=quoted(value), hint=hint) from None
    check("`points`", points)
    return points


def _criterion(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a criterion of a result as it is stored, its points as decimal digits."""
    fields = {"name", "points", "earned", "waits", "answer"}
    if missing := sorted(fields - set(row)):
        raise UsageError("a criterion is not whole", found=f"missing: {', '.join(missing)}")
    return dict(row) | {name: str(_points(row[name])) for name in ("points", "earned")}


def _add(session: Session, row: T) -> T:
    session.add(row)
    session.flush()
    return row


def _history(session: Session, table: type[H], subject: Mapping[str, Any]) -> list[H]:
    chosen = select(table).filter_by(**subject).order_by(table.version)
    return list(session.scalars(chosen))


def _append(
    session: Session,
    table: type[H],
    subject: Mapping[str, Any],
    content: Mapping[str, Any],
    by: str,
    expected: int | None,
) -> H:
    """Write the next version, unless the newest says the same already.

    The database holds a subject and a version to be unique: of two writers that saw the same
    version, one fails, tries again, and is told here of the other.
    """
    if not by.strip():
        raise UsageError("nobody is named as the writer", hint="say who writes, with `by`")
    new = table(**subject, **content, by=by, version=1, at=_now())  # checks every value
    older = _history(session, table, subject)
    newest, seen = (older[-1], older[-1].version) if older else (None, 0)
    same = newest is not None and newest.by == by
    same = same and all(getattr(newest, name) == value for name, value in content.items())
    if newest is not None and same and expected in (None, seen - 1, seen):
        return newest
    if expected is not None and expected != seen:
        what = (
            f"version {seen} is by {quoted(newest.by)}, {newest.at:%Y-%m-%d %H:%M} UTC"
            if (newest)
            else "there is no version"
        )
        raise Conflict(
            "the gradebook has changed since it was read; nothing was written",
            found=f"{what}; version {expected} was expected",
            hint="look at the newest version, and write again above it",
        )
    new.version = seen + 1
    return _add(session, new)


def _marks(session: Session, subject: Mapping[str, Any]) -> dict[str, Mark]:
    ids = {name: subject[name] for name in ("assignment_id", "author_id")}
    return {mark.criterion: mark for mark in _history(session, Mark, ids)}


def _decisions(session: Session, subject: Mapping[str, Any]) -> dict[str, Decision]:
    ids = {name: subject[name] for name in ("assignment_id", "author_id")}
    return {decision.kind: decision for decision in _history(session, Decision, ids)}


def _lost_a_race(error: DBAPIError) -> bool:
    """Return whether the same transaction, begun again, can go through."""
    state = getattr(error.orig, "sqlstate", None)  # PostgreSQL: serialization, deadlock, integrity
    return isinstance(state, str) and (state in ("40001", "40P01") or state.startswith("23"))
