"""The gradebook: everything that is written into it, and read back."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from assay.classroom.gradebook.database import again_if_busy, connect, not_done, reading
from assay.classroom.gradebook.errors import Unknown
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
    CriterionRow,
    Decision,
    Forgetting,
    GradingResult,
    Mark,
    Membership,
    Purge,
    RegradeAnswer,
    RegradeRequest,
    Release,
    check,
)
from assay.classroom.gradebook.transaction import Transaction, now
from assay.errors import OurFault, UsageError, quoted

T = TypeVar("T")
logger = logging.getLogger(__name__)


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
        self._writers = sessionmaker(self.engine, expire_on_commit=False)
        self._readers = sessionmaker(reading(self.engine), expire_on_commit=False)
        self._of_thread = threading.local()
        if self._read(lambda here: here.session.scalar(select(Purge.id).limit(1))):
            self._purge_if_idle()

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
        return self._write(lambda here: here.put_author("person", key, name, facts or {}))

    def add_assignment(self, name: str) -> Assignment:
        """Add a grade item, or return the one of this name."""

        def add(here: Transaction) -> Assignment:
            found = here.session.scalar(select(Assignment).filter_by(term=self.term, name=name))
            return found or here.add(Assignment(term=self.term, name=name, created_at=now()))

        check("the assignment's name", name)
        return self._write(add)

    def set_group(self, assignment: str, key: str, name: str, members: Iterable[str]) -> Author:
        """Put exactly these people, by their keys, into a group for one assignment."""
        wanted = list(dict.fromkeys(members))

        def put(here: Transaction) -> Author:
            item = here.assignment(assignment)
            group = here.put_author("group", key, name, {})
            people = {here.author(member).id for member in wanted}
            for place in here.session.scalars(select(Membership).filter_by(assignment_id=item.id)):
                if place.person_id in people:
                    place.group_id = group.id
                    people.remove(place.person_id)
                elif place.group_id == group.id:
                    here.session.delete(place)
            for person in people:
                here.session.add(
                    Membership(assignment_id=item.id, group_id=group.id, person_id=person)
                )
            return group

        return self._write(put)

    def rename_group(self, key: str, new: str) -> Author:
        """Call a group by another name; its work and its marks stay its own."""

        def rename(here: Transaction) -> Author:
            check("the group's name", new)
            group = here.author(key, "group")
            group.key = group.name = new
            return group

        return self._write(rename)

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

        def add(here: Transaction) -> Attempt:
            subject = here.subject(assignment, author, kind)
            one = {**subject, "digest": digest, "submitted_at": submitted_at}
            found = here.session.scalar(select(Attempt).filter_by(**one))
            return found or here.add(Attempt(**one, origin=dict(origin or {}), taken_at=now()))

        return self._write(add)

    def people(self) -> list[Author]:
        """Return the people of the term, by key."""
        return self._read(lambda here: here.authors("person"))

    def groups(self) -> list[Author]:
        """Return the groups of the term, by key."""
        return self._read(lambda here: here.authors("group"))

    def members(self, assignment: str, group: str) -> list[Author]:
        """Return who is in a group, by key."""

        def read(here: Transaction) -> list[Author]:
            item = here.assignment(assignment)
            group_id = here.author(group, "group").id
            mine = select(Membership.person_id).filter_by(assignment_id=item.id, group_id=group_id)
            return list(
                here.session.scalars(select(Author).where(Author.id.in_(mine)).order_by(Author.key))
            )

        return self._read(read)

    def attempts(self, assignment: str, author: str, kind: str = "person") -> list[Attempt]:
        """Return all attempts, oldest first; a person's own and those of their group."""
        return self._read(lambda here: here.attempts(here.subject(assignment, author, kind)))

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

        def add(here: Transaction) -> Regrade:
            place = here.attempt(attempt)
            result = here.append(GradingResult, {"attempt_id": attempt}, content, by, None)
            subject = {"assignment_id": place.assignment_id, "author_id": place.author_id}
            answers = {row["name"]: row["answer"] for row in rows}
            standing = [m for m in here.marks(subject, answers).values() if m.points is not None]
            kept = [m for m in standing if answers.get(m.criterion) == m.answer]
            return Regrade(result, kept, [m for m in standing if m not in kept])

        return self._write(add)

    def results(self, attempt: int) -> list[GradingResult]:
        """Return all results of an attempt, oldest first."""
        return self._read(lambda here: here.history(GradingResult, {"attempt_id": attempt}))

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
            lambda here: here.append(
                Mark,
                {**here.subject(assignment, author, kind), "criterion": criterion},
                content,
                by,
                expected,
            )
        )

    def marks(
        self,
        assignment: str,
        author: str,
        kind: str = "person",
        answers: Mapping[str, str] | None = None,
    ) -> dict[str, Mark]:
        """Return the newest mark of each criterion; first those of these `answers`, by digest."""
        return self._read(lambda here: here.marks(here.subject(assignment, author, kind), answers))

    def mark_history(
        self, assignment: str, author: str, criterion: str, kind: str = "person"
    ) -> list[Mark]:
        """Return every mark of a criterion, oldest first."""
        return self._read(
            lambda here: here.history(
                Mark, {**here.subject(assignment, author, kind), "criterion": criterion}
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
        return self._read(lambda here: here.decisions(here.subject(assignment, author, kind)))

    def decision_history(self, assignment: str, author: str, what: str) -> list[Decision]:
        """Return every decision of one kind, oldest first."""
        return self._read(
            lambda here: here.history(Decision, {**here.subject(assignment, author), "kind": what})
        )

    # The final mark, and what is shown of it.

    def final(self, assignment: str, person: str, attempt: int | None = None) -> FinalMark:
        """Work out a person's mark: of this attempt, or of the newest that has a result."""

        def read(here: Transaction) -> FinalMark:
            subject = here.subject(assignment, person)
            attempts = here.attempts(subject)
            if attempt is not None:
                attempts = [one for one in attempts if one.id == attempt]
                if not attempts:
                    raise Unknown("no such attempt of this person", found=str(attempt))
            for one in reversed(attempts):
                results = here.history(GradingResult, {"attempt_id": one.id})
                if results:
                    group = {**subject, "author_id": one.author_id}
                    answers = {one["name"]: one["answer"] for one in results[-1].criteria}
                    marks = here.marks(group, answers)
                    decided = here.decisions(group) | here.decisions(subject)
                    return final_mark(results[-1], marks, decided)
            return final_mark(None, {}, here.decisions(subject))

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
            lambda here: here.append(
                Release, here.subject(assignment, person), content, by, expected
            )
        )

    def releases(self, assignment: str, person: str) -> list[Release]:
        """Return what a person was shown, oldest first."""
        return self._read(lambda here: here.history(Release, here.subject(assignment, person)))

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
            lambda here: here.append(
                RegradeRequest,
                {**here.subject(assignment, person), "criterion": criterion},
                content,
                person,
                expected,
            )
        )

    def answer_request(self, request: int, answer: str, *, by: str, expected: int) -> RegradeAnswer:
        """Answer a request. A changed mark is written by `mark`, beside it."""

        def write(here: Transaction) -> RegradeAnswer:
            here.request(request)
            subject = {"request_id": request}
            return here.append(RegradeAnswer, subject, {"answer": answer}, by, expected)

        return self._write(write)

    def requests(self, assignment: str) -> list[tuple[RegradeRequest, list[RegradeAnswer]]]:
        """Return every request of an assignment with its answers, oldest first."""

        def read(here: Transaction) -> list[tuple[RegradeRequest, list[RegradeAnswer]]]:
            item = here.assignment(assignment)
            asked = select(RegradeRequest).filter_by(assignment_id=item.id)
            return [
                (one, here.history(RegradeAnswer, {"request_id": one.id}))
                for one in here.session.scalars(asked.order_by(RegradeRequest.id))
            ]

        return self._read(read)

    # Forgetting.

    def forget(
        self, person: str, folders: Sequence[Path] = (), *, ordinary: Collection[str] = ()
    ) -> Forgotten:
        """Delete all there is of a person, and search every table and file for what is left.

        A name that is one of the `ordinary` words is no name where it stands in a text.
        """
        return self._forget(lambda here: [here.author(person)], folders, ordinary=ordinary)

    def forget_older_than(self, when: datetime, folders: Sequence[Path] = ()) -> Forgotten:
        """Forget the people of the term for whom nothing was written or submitted since `when`."""
        check("the date", when)
        return self._forget(
            lambda here: [
                one for one in here.authors("person") if last_seen(here.session, one) < when
            ],
            folders,
        )

    def forget_term(self, folders: Sequence[Path] = ()) -> Forgotten:
        """Forget everybody of the term, its groups and its assignments."""
        return self._forget(lambda here: here.authors("person"), folders, term=True)

    def identifiers(self, people: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the words that name these people alone, and those that name others as well."""
        return self._read(
            lambda here: identifiers(here.session, [here.author(key) for key in people])
        )

    def older_than(self, when: datetime) -> list[Author]:
        """Return the people of the term for whom nothing was written or submitted since `when`."""
        check("the date", when)
        return self._read(
            lambda here: [
                one for one in here.authors("person") if last_seen(here.session, one) < when
            ]
        )

    def search(
        self, words: Iterable[str], folders: Sequence[Path] = (), whole: Sequence[str] = ()
    ) -> list[Found]:
        """Say where these words stand: in every table, the database's own files, and folders.

        Those of `whole` are looked for only as whole fields about people.
        """
        return search(self.engine, list(words), folders, whole)

    def _forget(
        self,
        chosen: Callable[[Transaction], list[Author]],
        folders: Sequence[Path],
        term: bool = False,
        ordinary: Collection[str] = (),
    ) -> Forgotten:
        def deleted(here: Transaction) -> tuple[list[Author], list[str], list[str]]:
            people = chosen(here)
            groups = here.authors("group") if term else []
            words, shared = identifiers(here.session, [*people, *groups])
            words = [word for word in words if word not in ordinary]
            here.add(Forgetting())
            delete_people(here.session, people, words)
            if term:
                delete_term(here.session, self.term)
            here.session.add(Purge(at=now()))
            here.session.execute(delete(Forgetting))
            return people, words, shared

        people, words, shared = self._write(deleted)
        purge(self.engine)
        left = search(self.engine, words, folders, list(ordinary))
        return Forgotten(
            [(one.key, one.pseudonym) for one in people], sorted(words), sorted(shared), left
        )

    def _purge_if_idle(self) -> None:
        """Do what an earlier `forget` could not; who only wants to mark is not kept from it."""
        try:
            purge(self.engine)
        except OurFault as error:
            logger.info("%s", error)

    # One transaction.

    def read(self, work: Callable[[Session], T]) -> T:
        """Read in one transaction: for tables of the gradebook that a room above this one keeps."""
        return self._read(lambda here: work(here.session))

    def write(self, work: Callable[[Session], T]) -> T:
        """Write in one transaction, begun again if it lost a race: for the same tables."""
        return self._write(lambda here: work(here.session))

    def _read(self, work: Callable[[Transaction], T]) -> T:
        return self._transact(self._readers, work)

    def _write(self, work: Callable[[Transaction], T]) -> T:
        return self._transact(self._writers, work)

    def at_once(self, work: Callable[[], T]) -> T:
        """Do work that calls this gradebook often: all that it writes is one transaction.

        After a crash or an error all of it has happened, or nothing. It may be begun again, and
        no other program can write meanwhile: keep it short.
        """

        def inside(here: Transaction) -> T:
            self._of_thread.open = here
            try:
                return work()
            finally:
                self._of_thread.open = None

        return self._write(inside)

    def _transact(self, sessions: sessionmaker[Session], work: Callable[[Transaction], T]) -> T:
        here: Transaction | None = getattr(self._of_thread, "open", None)
        if here is not None:
            done = work(here)
            here.session.flush()
            here.session.expunge_all()
            return done

        def once() -> T:
            with sessions.begin() as session:
                done = work(Transaction(session, self.term))
                session.flush()
                session.expunge_all()
                return done

        try:
            return again_if_busy(once)
        except DBAPIError as error:
            raise not_done(error) from None

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
            lambda here: here.append(
                Decision,
                {**here.subject(assignment, author, kind), "kind": what},
                content,
                by,
                expected,
            )
        )


def _points(value: Decimal | float | str) -> Decimal:
    try:
        points = decimal(value)
    except InvalidOperation:
        hint = "give a number, as `2.5`"
        raise UsageError("the points are no number", found=quoted(value), hint=hint) from None
    check("`points`", points)
    return points


def _criterion(row: Mapping[str, Any]) -> CriterionRow:
    """Return a criterion of a result as it is stored, its points as decimal digits."""
    fields = {"name", "points", "earned", "waits", "answer"}
    if missing := sorted(fields - set(row)):
        raise UsageError("a criterion is not whole", found=f"missing: {', '.join(missing)}")
    points, earned = str(_points(row["points"])), str(_points(row["earned"]))
    stored = CriterionRow(
        name=row["name"], points=points, earned=earned, waits=row["waits"], answer=row["answer"]
    )
    return stored | {"title": row["title"]} if "title" in row else stored
