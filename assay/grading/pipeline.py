"""How a submission is graded: plan, execute, judge, score, seal."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import assay
from assay import books, leftover, parts, plan, recipe, reference
from assay.assignment import Assignment, Part
from assay.audit import audit
from assay.export import receipt
from assay.judge import bench, rates, score
from assay.records import (
    Audit,
    Check,
    Isolation,
    Judgement,
    PartSummary,
    Result,
    Run,
    RunRecord,
)
from assay.run import prove, warm
from assay.run.assemble import Job
from assay.submission import Submission

if TYPE_CHECKING:
    from assay.grading.session import Session

OF_COURSE = "the course's check"
"""Whose runs those of the course's own answer are called."""


def get_ready(course: Assignment, jobs: Iterable[Job]) -> None:
    """Prove the isolation, and import what will run and judge these jobs, beside the caller."""
    firsts = {job.run.part: job for job in jobs}
    for job in firsts.values():
        warm.ahead(partial(warm.parent_for, job.code))
    judges = [partial(bench.parent, course.root, p.rubric) for p in course.part if p.name in firsts]
    if firsts:
        warm.ahead(prove.warmest, *judges)


def grade(session: "Session", submission: Submission) -> Result:
    """Run and judge, and where a verdict is undecided, run more seeds up to the part's budget."""
    pending = plan.make(session.assignment, submission)
    session.require_course()
    records: list[RunRecord] = []
    judgements: dict[str, Judgement] = {}
    while pending:
        fresh = session.execute(submission.name, session.jobs(submission, pending))
        records += fresh
        judgements |= _judgements(session, submission, {r.run.part for r in fresh}, records)
        result = _result(session, submission, records, judgements)
        pending = _further(session, records, result) if fresh else []
    return sealed(session, submission, result)


def judge(session: "Session", submission: Submission) -> Result:
    """Judge and score the runs that the store has, and write results.json.

    Raises
    ------
    CannotGrade
        If a run of the plan has not been made yet.
    """
    return grade(session.over_stored_runs(submission), submission)


def _further(session: "Session", records: list[RunRecord], result: Result) -> list[Run]:
    """The runs that may decide what is undecided."""
    runs = [record.run for record in records]
    more = []
    for part in session.assignment.part:
        properties = [p for c in result.criteria if c.part == part.name for p in c.properties]
        undecided = {place for prop in properties for place in prop.undecided}
        more += plan.further(part, runs, undecided)
    return more


def _judgements(
    session: "Session",
    submission: Submission,
    names: set[str],
    records: list[RunRecord],
) -> dict[str, Judgement]:
    """Of each of these parts, side by side."""
    parts = [part for part in session.assignment.part if part.name in names]
    hands = max(1, min(bench.HANDS, session.cores.workers // max(1, len(parts))))
    with ThreadPoolExecutor() as executor:
        found = executor.map(
            lambda part: _judgement(session, submission, part, records, hands), parts
        )
        return {part.name: judgement for part, judgement in zip(parts, found, strict=True)}


def _judgement(
    session: "Session",
    submission: Submission,
    part: Part,
    records: list[RunRecord],
    hands: int,
) -> Judgement:
    """Of one part, by so many processes where as many cores are idle."""
    of_part = [record for record in records if record.run.part == part.name]
    with session.cores.taken(), session.cores.idle(hands - 1) as more:
        found = bench.judge(session.assignment, part, submission, of_part, session.store, 1 + more)
    if not any(check.stumbled for check in found.checks):
        return found
    doubtful = score.in_doubt(found.checks)
    runs = [record.run for record in of_part if record.run.id in doubtful]
    of_reference = _of_reference(session, part, runs)
    return found.model_copy(update={"checks": score.settled(found.checks, of_reference)})


def _of_reference(session: "Session", part: Part, runs: list[Run]) -> list[Check]:
    """What the judge says of the course's own answer, in these runs too: nothing if it has none."""
    jobs = reference.jobs_at(session.assignment, part, runs)
    new = [job for job in jobs if not session.store.knows(job)]
    records = {r.key: r for r in reference.records(session.assignment, part, session.store)}
    known = [session.store.record(session.store.key(job)) for job in jobs if job not in new]
    for record in [*known, *(session.execute(OF_COURSE, new) if new else [])]:
        records[record.key] = record
    answer = reference.submission(session.assignment) if records else None
    if answer is None:
        return []
    with session.cores.taken():
        judged = bench.judge(
            session.assignment, part, answer, list(records.values()), session.store
        )
    return judged.checks


def _result(
    session: "Session",
    submission: Submission,
    records: list[RunRecord],
    found: dict[str, Judgement],
) -> Result:
    """The score of every part, and all that was found on the way."""
    parts, known = session.assignment.part, rates.of(session.assignment)
    judgements = {part.name: found.get(part.name) for part in parts}
    checks = {name: of.checks if of else None for name, of in judgements.items()}
    return Result(
        assay=assay.__version__,
        assignment=session.assignment.title,
        submission=submission.name,
        digest=submission.digest,
        isolation=_isolation(records),
        parts=[
            PartSummary(
                name=p.name,
                title=p.title,
                notebook=p.notebook,
                figures=p.figure,
                rubric=recipe.of_rubric(session.assignment, p),
            )
            for p in parts
        ],
        runs=records,
        criteria=[
            criterion.model_copy(
                update={"false_fail": known and known.false_fail(part.name, criterion.name)}
            )
            for part in parts
            for criterion in score.score(part, checks[part.name])
        ],
        measurements=[m for of in judgements.values() if of for m in of.measurements],
        written=[w for of in judgements.values() if of for w in of.written],
        tallies=[tally for of in judgements.values() if of for tally in score.tallies(of.checks)],
        drawings=[d for of in judgements.values() if of for d in of.drawings],
        people=list(submission.people),
        notes=[
            *submission.notes,
            *books.notes(session.assignment, submission),
            *_left_on(session, submission, records),
        ],
    )


def _left_on(session: "Session", submission: Submission, records: list[RunRecord]) -> list[str]:
    """Of the first run of each part that left a switch on."""
    found: list[str] = []
    for part in session.assignment.part:
        sheet = parts.sheet(session.assignment, part, submission)
        folders = [session.store.folder(r.key) for r in records if r.run.part == part.name]
        claims = [folder / "evidence" / "switches.json" for folder in folders]
        cells = sheet.cells if sheet else ()
        told = (
            leftover.notes(part.name, path.read_bytes(), cells) for path in claims if path.is_file()
        )
        found += next((notes for each in told if (notes := list(each))), [])
    return found


def _isolation(records: list[RunRecord]) -> str:
    """What kept the runs from this machine; where they differ, the least of it."""
    kept_by = [record.isolation for record in records]
    return str(min(kept_by, key=lambda isolation: isolation.level, default=Isolation()))


def audited(session: "Session", submission: Submission, result: Result, per_place: int) -> Result:
    """The result with an audit: some runs of every place made twice more, and compared."""
    chosen: dict[str, list[Job]] = {}
    for job in session.jobs(submission):
        chosen.setdefault(job.run.place, []).append(job)
    sample = [job for of_place in chosen.values() for job in of_place[:per_place]]
    kept = {job.key: session.store.files(job.key) for job in sample if session.store.has(job.key)}

    def one(job: Job) -> Audit:
        if session.cluster:
            return audit([job], kept, partial(session.cluster.execute, cold=True))
        with session.cores.taken(job.memory):
            return audit([job], kept)

    with ThreadPoolExecutor(len(sample) if session.cluster else session.cores.workers) as executor:
        found = list(executor.map(one, sample))
    whole = Audit(
        runs=sum(one.runs for one in found),
        arrays=sum(one.arrays for one in found),
        differing=[difference for one in found for difference in one.differing],
        unmade=[run for one in found for run in one.unmade],
    )
    return sealed(session, submission, result.model_copy(update={"audit": whole}))


def sealed(session: "Session", submission: Submission, result: Result) -> Result:
    """The result with its receipt, written to results.json."""
    rests_on = recipe.receipt(session.assignment, submission, session.secret)
    result = receipt.sealed(result, rests_on, session.key)
    write(session.folder(submission) / "results.json", result.model_dump_json(indent=1).encode())
    return result


def judged_again(session: "Session", submission: Submission, records: list[RunRecord]) -> Result:
    """What these runs come to when their evidence is judged once more; nothing is written."""
    names = {record.run.part for record in records}
    return _result(session, submission, records, _judgements(session, submission, names, records))


def write(path: Path, content: bytes) -> None:
    """The whole file or none, whenever we are killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".draft-{uuid4().hex}")
    draft.write_bytes(content)
    draft.replace(path)
