"""One transaction on a gradebook: what it looks up by name, and how a version is appended."""

from collections.abc import Mapping
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from assay.classroom.gradebook.errors import Conflict, Unknown
from assay.classroom.gradebook.models import (
    Assignment,
    Attempt,
    Author,
    Base,
    Decision,
    History,
    Mark,
    Membership,
    RegradeRequest,
    check,
)
from assay.errors import UsageError, quoted

B = TypeVar("B", bound=Base)
H = TypeVar("H", bound=History)


class Transaction:
    """A database session on one term; whoever began it commits it."""

    def __init__(self, session: Session, term: str) -> None:
        self.session = session
        self.term = term

    def assignment(self, name: str) -> Assignment:
        """Return the grade item of this name."""
        check("the assignment's name", name)
        found = self.session.scalar(select(Assignment).filter_by(term=self.term, name=name))
        if found is None:
            raise Unknown("no such assignment", found=quoted(name), hint="add it first")
        return found

    def author(self, key: str, kind: str = "person") -> Author:
        """Return the person or the group with this key."""
        check(f"the {kind}'s key", key)
        chosen = select(Author).filter_by(term=self.term, kind=kind, key=key)
        found = self.session.scalar(chosen)
        if found is None:
            raise Unknown(f"no such {kind}", found=quoted(key), hint="add it from the roster first")
        return found

    def authors(self, kind: str) -> list[Author]:
        """Return the people or the groups of the term, by key."""
        chosen = select(Author).filter_by(term=self.term, kind=kind).order_by(Author.key)
        return list(self.session.scalars(chosen))

    def put_author(self, kind: str, key: str, name: str, facts: Mapping[str, Any]) -> Author:
        """Add a person or a group, or bring name and facts up to date."""
        new = Author(
            term=self.term,
            kind=kind,
            key=key,
            pseudonym=f"p-{token_hex(8)}",
            name=name,
            facts=dict(facts),
            created_at=now(),
        )
        if not key:
            raise UsageError(f"a {kind} has no identifier", found=quoted(name), hint="give a key")
        found = self.session.scalar(select(Author).filter_by(term=self.term, kind=kind, key=key))
        if found is None:
            return self.add(new)
        found.name, found.facts = name, dict(facts)
        return found

    def subject(self, assignment: str, author: str, kind: str = "person") -> dict[str, int]:
        """Return what identifies an author's work on an assignment, as columns."""
        return {
            "assignment_id": self.assignment(assignment).id,
            "author_id": self.author(author, kind).id,
        }

    def attempts(self, subject: Mapping[str, Any]) -> list[Attempt]:
        """Return all attempts of an author and of their group, oldest first."""
        item, author = subject["assignment_id"], subject["author_id"]
        group = select(Membership.group_id).filter_by(assignment_id=item, person_id=author)
        mine = (Attempt.author_id == author) | Attempt.author_id.in_(group)
        chosen = select(Attempt).where(Attempt.assignment_id == item, mine)
        return list(self.session.scalars(chosen.order_by(Attempt.submitted_at, Attempt.id)))

    def attempt(self, number: int) -> Attempt:
        """Return an attempt of this term."""
        found = self.session.get(Attempt, number)
        if found is None or self.session.get_one(Assignment, found.assignment_id).term != self.term:
            raise Unknown("no such attempt", found=str(number), hint="take it in first")
        return found

    def request(self, number: int) -> RegradeRequest:
        """Return a request of this term."""
        found = self.session.get(RegradeRequest, number)
        if found is None or self.session.get_one(Author, found.author_id).term != self.term:
            raise Unknown("no such request", found=str(number), hint="`requests` lists them")
        return found

    def history(self, table: type[H], subject: Mapping[str, Any]) -> list[H]:
        """Return every version, oldest first."""
        chosen = select(table).filter_by(**subject).order_by(table.version)
        return list(self.session.scalars(chosen))

    def marks(
        self, subject: Mapping[str, Any], answers: Mapping[str, str] | None = None
    ) -> dict[str, Mark]:
        """Return the newest mark of each criterion.

        With the digests of `answers`, a mark of that answer stands above a newer one of another:
        where several attempts may count, each is marked on its own text.
        """
        every = self.history(Mark, _ids(subject))
        own = [one for one in every if one.answer == (answers or {}).get(one.criterion)]
        return {mark.criterion: mark for mark in [*every, *own]}

    def decisions(self, subject: Mapping[str, Any]) -> dict[str, Decision]:
        """Return the newest decision of each kind."""
        return {one.kind: one for one in self.history(Decision, _ids(subject))}

    def add(self, row: B) -> B:
        """Write a new row."""
        self.session.add(row)
        self.session.flush()
        return row

    def append(
        self,
        table: type[H],
        subject: Mapping[str, Any],
        content: Mapping[str, Any],
        by: str,
        expected: int | None,
    ) -> H:
        """Write the next version, unless the newest says the same already.

        The database holds a subject and a version to be unique: of two writers that saw the same
        version, one fails, tries again, and sees the other one here.
        """
        if not by.strip():
            raise UsageError("no writer is named", hint="say who writes, with `by`")
        new = table(**subject, **content, by=by, version=1, at=now())  # checks every value
        older = self.history(table, subject)
        newest, seen = (older[-1], older[-1].version) if older else (None, 0)
        same = newest is not None and newest.by == by
        same = same and all(getattr(newest, name) == value for name, value in content.items())
        if newest is not None and same and expected in (None, seen - 1, seen):
            return newest
        if expected is not None and expected != seen:
            what = (
                f"version {seen} is by {quoted(newest.by)}, {newest.at:%Y-%m-%d %H:%M} UTC"
                if newest
                else "there is no version"
            )
            raise Conflict(
                "the gradebook has changed since it was read; nothing was written",
                found=f"{what}; version {expected} was expected",
                hint="look at the newest version, and write again above it",
            )
        new.version = seen + 1
        return self.add(new)


def _ids(subject: Mapping[str, Any]) -> dict[str, int]:
    return {name: subject[name] for name in ("assignment_id", "author_id")}


def now() -> datetime:
    """Return the time, as the gradebook notes it."""
    return datetime.now(UTC)
