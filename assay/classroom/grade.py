"""Grade what is new or changed: of each author the newest attempt that can be graded."""

import hashlib
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from assay.classroom.gradebook.models import Attempt, Author
from assay.classroom.room import Room
from assay.course import files
from assay.errors import (
    AssayError,
    CannotGrade,
    CourseFault,
    NoMachine,
    NotIsolated,
    OurFault,
    UsageError,
)
from assay.grading import publish
from assay.grading.session import Session
from assay.records import Criterion, Result, Verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Graded:
    """What became of an author: graded, same (the result stands), or not graded."""

    state: str
    pseudonym: str
    points: float = 0.0
    possible: float = 0.0
    note: str = ""
    exit_code: int = 0


@dataclass(frozen=True)
class _Work:
    author: Author
    attempts: list[Attempt]
    known: set[int]
    """The attempts whose result is by the course as it is."""


@dataclass(frozen=True)
class _Done:
    author: Author
    attempt: Attempt | None
    result: Result | None
    failed: list[AssayError]


def grade(room: Room, session: Session, *, force: bool = False) -> Iterator[Graded]:
    """Grade each author who handed in, and write the results into the gradebook.

    Raises
    ------
    AssayError
        If the course or this machine cannot grade: that is no submission's fault.
    """
    course = _course(session)
    work = [_work(room, author, course, force=force) for author in room.authors.values()]
    work = [one for one in work if one.attempts]
    with ThreadPoolExecutor(session.at_once) as pool:
        futures = [pool.submit(_grade, room, session, one) for one in work]
        try:
            for future in futures:
                yield _kept(room, future.result(), course)
        except KeyboardInterrupt:
            session.stop()  # or the threads would wait for their runs
            raise
        finally:
            for future in futures:
                future.cancel()


def _course(session: Session) -> str:
    facts = json.dumps(files.digests(session.assignment), sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def _work(room: Room, author: Author, course: str, *, force: bool) -> _Work:
    there = room.book.attempts(room.item, author.key, author.kind)
    own = [one for one in there if one.author_id == author.id]
    known: set[int] = set()
    for one in own if not force else ():
        results = room.book.results(one.id)
        if results and results[-1].receipt.get("course") == course:
            known.add(one.id)
    return _Work(author, own, known)


def _grade(room: Room, session: Session, work: _Work) -> _Done:
    """Try the newest attempt first; one that cannot be graded leaves the older one its turn."""
    failed: list[AssayError] = []
    for attempt in reversed(work.attempts):
        if attempt.id in work.known:
            return _Done(work.author, attempt, None, failed)
        try:
            read = room.submission(attempt)
            result = session.grade(read)
            publish.report(session, read, result)
        except CannotGrade as error:
            failed.append(error)
            continue
        except (CourseFault, UsageError, NoMachine, NotIsolated):
            raise
        except Exception as error:
            name = work.author.pseudonym
            log.info("%s", name, exc_info=error)
            what = f"`{name}` met a bug of assay's: {type(error).__name__}: {error}"
            ours = error if isinstance(error, AssayError) else OurFault(what)
            return _Done(work.author, None, None, [ours])  # an older attempt may not stand for it
        return _Done(work.author, attempt, result, failed)
    publish.not_graded(session, work.author.pseudonym, failed)
    return _Done(work.author, None, None, failed)


def _kept(room: Room, done: _Done, course: str) -> Graded:
    name = done.author.pseudonym
    note = "; ".join(error.what for error in done.failed)
    code = max((error.exit_code for error in done.failed), default=0)
    if done.attempt is None:
        return Graded("not graded", name, note=note, exit_code=code)
    older = f"an older attempt counts: {note}" if note else ""
    if done.result is None:
        criteria = room.book.results(done.attempt.id)[-1].criteria
        state = "same"
    else:
        criteria = criteria_of(done.result)
        # what identifies this result: `forget` drops these runs, `grade` compares the course
        receipt = {"course": course, "runs": [one.key for one in done.result.runs]}
        whole = done.result.model_dump_json().encode()
        regrade = room.book.add_result(
            done.attempt.id,
            digest=hashlib.sha256(whole).hexdigest(),
            receipt=receipt,
            criteria=criteria,
        )
        state = "graded"
        if regrade.flagged:
            names = ", ".join(mark.criterion for mark in regrade.flagged)
            older = "; ".join(filter(None, [older, f"marked on an older answer: {names}"]))
        if any(c.unjudged for c in done.result.criteria):
            code = max(code, 4)
            older = "; ".join(filter(None, [older, "something was not judged: our own fault"]))
    earned = sum(float(one["earned"]) for one in criteria)
    possible = sum(float(one["points"]) for one in criteria)
    return Graded(state, name, round(earned, 2), possible, older, code)


def criteria_of(result: Result) -> list[dict[str, Any]]:
    """Return the lines of the mark sheet as the gradebook keeps them.

    What was set aside or not asked counts as the judged points do on average, as in every export.
    """
    judged = result.judged_points
    share = result.earned / judged if judged else 0.0
    return [_criterion(result, one, share) for one in result.criteria]


def _criterion(result: Result, one: Criterion, share: float) -> dict[str, Any]:
    texts = [w.text for w in result.written if (w.part, w.criterion) == (one.part, one.name)]
    answer = "\0".join(texts) if texts else result.digest
    return {
        "name": f"{one.part}/{one.name}",
        "title": one.title,
        "points": one.points,
        "earned": round((one.earned or 0.0) + share * (one.set_aside + one.not_asked), 4),
        "waits": one.verdict is Verdict.FOR_REVIEW or one.unjudged > 0,
        "answer": hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest(),
    }
