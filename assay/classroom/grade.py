"""Grade what is new or changed: of each author the attempt that counts, by the class's rule."""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from assay.classroom import counting
from assay.classroom.gradebook.models import Attempt, Author
from assay.classroom.room import Room, write
from assay.course import files
from assay.errors import (
    OF_NO_SUBMISSION,
    AssayError,
    CannotGrade,
    OurFault,
)
from assay.grading import publish
from assay.grading.session import Session
from assay.records import Criterion, Result

logger = logging.getLogger(__name__)


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
    made: list[tuple[Attempt, Result | None]]
    """Each attempt that has a result; None if the one that it has stands."""
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
    with session.each(partial(_grade, room, session), work) as futures:
        for future in futures:
            yield _kept(room, future.result(), course)


def _course(session: Session) -> str:
    facts = json.dumps(files.digests(session.assignment), sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def _work(room: Room, author: Author, course: str, *, force: bool) -> _Work:
    there = counting.attempts(room, author.key, author.kind)
    own = [one for one in there if one.author_id == author.id]
    known: set[int] = set()
    for one in own if not force else ():
        results = room.book.results(one.id)
        if results and results[-1].receipt.get("course") == course:
            known.add(one.id)
    return _Work(author, own, known)


def _grade(room: Room, session: Session, work: _Work) -> _Done:
    """Grade in the order of the rule; one that cannot be graded leaves the next one its turn."""
    failed: list[AssayError] = []
    made: list[tuple[Attempt, Result | None]] = []
    several = room.settings.counts in counting.SEVERAL
    newest_first = room.settings.counts == "newest"
    for attempt in reversed(work.attempts) if newest_first else work.attempts:
        if made and not several:
            break
        if attempt.id in work.known:
            made.append((attempt, None))
            continue
        try:
            read = room.submission(attempt)
            result = session.grade(read)
            publish.report(session, read, result)
        except CannotGrade as error:
            failed.append(error)
            continue
        except OF_NO_SUBMISSION:
            raise
        except Exception as error:
            name = work.author.pseudonym
            logger.info("%s", name, exc_info=error)
            what = f"`{name}` met a bug of assay's: {type(error).__name__}: {error}"
            ours = error if isinstance(error, AssayError) else OurFault(what)
            return _Done(work.author, made, [ours])  # no other attempt may stand for it
        made.append((attempt, result))
    if not made:
        publish.not_graded(session, work.author.pseudonym, failed)
    return _Done(work.author, made, failed)


def _kept(room: Room, done: _Done, course: str) -> Graded:
    name = done.author.pseudonym
    notes = ["; ".join(error.what for error in done.failed)]
    code = max((error.exit_code for error in done.failed), default=0)
    if not done.made:
        return Graded("not graded", name, note=notes[0], exit_code=code)
    if notes[0]:
        older = room.settings.counts == "newest"
        notes[0] = f"{'an older' if older else 'another'} attempt counts: {notes[0]}"
    for attempt, result in done.made:
        if result is None:
            continue
        # what identifies this result: `forget` drops these runs, `grade` compares the course
        receipt = {"course": course, "runs": [one.key for one in result.runs]}
        whole = result.model_dump_json().encode()
        write(room.result(attempt), whole)
        regrade = room.book.add_result(
            attempt.id,
            digest=hashlib.sha256(whole).hexdigest(),
            receipt=receipt,
            criteria=criteria_of(result),
        )
        if regrade.flagged:
            names = ", ".join(mark.criterion for mark in regrade.flagged)
            notes.append(f"marked on an older answer: {names}")
        if any(c.unjudged for c in result.criteria):
            code = max(code, 4)
            notes.append("something was not judged: our own fault")
    state = "graded" if any(result for _, result in done.made) else "same"
    criteria = room.book.results(done.made[-1][0].id)[-1].criteria
    earned = sum(float(one["earned"]) for one in criteria)
    possible = sum(float(one["points"]) for one in criteria)
    note = "; ".join(filter(None, notes))
    return Graded(state, name, round(earned, 2), possible, note, code)


def criteria_of(result: Result) -> list[Mapping[str, str | float | bool]]:
    """Return the lines of the mark sheet as the gradebook keeps them.

    What was set aside or not asked counts as the judged points do on average, as in every export.
    """
    judged = result.judged_points
    share = result.earned / judged if judged else 0.0
    return [_criterion(result, one, share) for one in result.criteria]


def _criterion(result: Result, one: Criterion, share: float) -> Mapping[str, str | float | bool]:
    texts = [w.text for w in result.written if (w.part, w.criterion) == (one.part, one.name)]
    answer = "\0".join(texts) if texts else result.digest
    return {
        "name": f"{one.part}/{one.name}",
        "title": one.title,
        "points": one.points,
        "earned": round((one.earned or 0.0) + share * (one.set_aside + one.not_asked), 4),
        "waits": one.for_review > 0 or one.unjudged > 0,
        "answer": hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest(),
    }
