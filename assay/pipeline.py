"""The whole road in one place: run, judge, report; each step leaves files for the next."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from uuid import uuid4

import assay
from assay import books, leftover, parts, plan, recipe, reference, schedule
from assay.assignment import Part
from assay.audit import audit
from assay.errors import CannotGrade
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
from assay.road import Road
from assay.run import prove, warm
from assay.run.assemble import Job
from assay.submission import Submission

Make = Callable[[list[Job]], list[RunRecord]]


def get_ready(road: Road, jobs: Iterable[Job]) -> None:
    """Prove the isolation, and have what will run and judge these jobs import, while we go on."""
    firsts = {job.run.part: job for job in jobs}
    for job in firsts.values():
        warm.ahead(partial(warm.parent_for, job.code))
    course = road.assignment
    judges = [partial(bench.parent, course.root, p.rubric) for p in course.part if p.name in firsts]
    if firsts:
        warm.ahead(prove.warmest, *judges)


def run(
    road: Road,
    jobs: list[Job],
    *,
    force: bool,
    progress: schedule.Progress,
    isolation: int = 0,
    before: schedule.Before = lambda: None,
) -> list[RunRecord]:
    """Execute what the store does not have, or has from a run that was isolated less."""
    return schedule.run_all(
        jobs,
        road.store,
        cores=road.cores,
        cluster=road.cluster,
        force=force,
        progress=progress,
        isolation=isolation,
        before=before,
    )


def kept(road: Road, handed_in: Submission, jobs: list[Job]) -> list[RunRecord]:
    """The records of these jobs, where earlier runs of exactly this submission made them all.

    Raises
    ------
    CannotGrade
        Where a run has not been made yet.
    """
    keys = [road.store.key(job) for job in jobs]
    missing = [job.run for job, key in zip(jobs, keys, strict=True) if not road.store.has(key)]
    if missing:
        raise CannotGrade(
            f"`{handed_in.name}` has not been run as it is now",
            found=f"{len(missing)} of {len(jobs)} runs are missing, the first is {missing[0].id}",
            hint="`assay run` makes them, `assay grade` does all steps",
        )
    return [road.store.record(key) for key in keys]


def judge(road: Road, handed_in: Submission) -> Result:
    """Judge and score the evidence that is kept, and write results.json.

    Raises
    ------
    CannotGrade
        Where a run of the plan has not been made yet.
    """
    first = road.jobs(handed_in)
    keys = {road.store.key(job) for job in first}

    def make(jobs: list[Job]) -> list[RunRecord]:
        """Further seeds are judged where an earlier `grade` ran them."""
        had = all(road.store.has(road.store.key(job)) for job in jobs)
        return kept(road, handed_in, jobs) if had or road.store.key(jobs[0]) in keys else []

    return grade(road, handed_in, make)


def grade(road: Road, handed_in: Submission, make: Make, ask: Make | None = None) -> Result:
    """Run and judge, and where a verdict is undecided, run more seeds up to the part's budget.

    `make` returns the records of jobs: it executes them, or finds them in the store. `ask` executes
    those of the course's own answer that are needed to tell whose fault an exception is; without
    it those decide that have been made.
    """
    runs = plan.make(road.assignment, handed_in)
    records: list[RunRecord] = []
    found: dict[str, Judgement] = {}
    while runs:
        fresh = make(road.jobs_of(handed_in, runs))
        records += fresh
        names = {record.run.part for record in fresh}
        found |= _judgements(road, handed_in, names, records, ask)
        result = _result(road, handed_in, records, found)
        runs = _further(road, records, result) if fresh else []
    return sealed(road, handed_in, result)


def _further(road: Road, records: list[RunRecord], result: Result) -> list[Run]:
    """The runs that may decide what is undecided."""
    runs = [record.run for record in records]
    more = []
    for part in road.assignment.part:
        properties = [p for c in result.criteria if c.part == part.name for p in c.properties]
        undecided = {place for prop in properties for place in prop.undecided}
        more += plan.further(part, runs, undecided)
    return more


def _judgements(
    road: Road,
    handed_in: Submission,
    names: set[str],
    records: list[RunRecord],
    ask: Make | None = None,
) -> dict[str, Judgement]:
    """Of each of these parts, side by side."""
    parts = [part for part in road.assignment.part if part.name in names]
    hands = max(1, min(bench.HANDS, road.cores.workers // max(1, len(parts))))
    with ThreadPoolExecutor() as executor:
        found = executor.map(
            lambda part: _judgement(road, handed_in, part, records, hands, ask), parts
        )
        return {part.name: judgement for part, judgement in zip(parts, found, strict=True)}


def _judgement(
    road: Road,
    handed_in: Submission,
    part: Part,
    records: list[RunRecord],
    hands: int,
    ask: Make | None,
) -> Judgement:
    """Of one part, by so many processes where as many cores are idle."""
    of_part = [record for record in records if record.run.part == part.name]
    with road.cores.taken(), road.cores.idle(hands - 1) as more:
        found = bench.judge(road.assignment, part, handed_in, of_part, road.store, 1 + more)
    if not any(check.stumbled for check in found.checks):
        return found
    doubtful = score.in_doubt(found.checks)
    runs = [record.run for record in of_part if record.run.id in doubtful]
    of_reference = _of_reference(road, part, runs, ask)
    return found.model_copy(update={"checks": score.settled(found.checks, of_reference)})


def _of_reference(road: Road, part: Part, runs: list[Run], ask: Make | None) -> list[Check]:
    """What the judge says of the course's own answer, in these runs too: nothing if it has none."""
    jobs = reference.jobs_at(road.assignment, part, runs)
    new = [job for job in jobs if not road.store.knows(job)]
    records = {r.key: r for r in reference.records(road.assignment, part, road.store)}
    known = [road.store.record(road.store.key(job)) for job in jobs if job not in new]
    for record in [*known, *(ask(new) if ask and new else [])]:
        records[record.key] = record
    answer = reference.submission(road.assignment) if records else None
    if answer is None:
        return []
    with road.cores.taken():
        judged = bench.judge(road.assignment, part, answer, list(records.values()), road.store)
    return judged.checks


def _result(
    road: Road, handed_in: Submission, records: list[RunRecord], found: dict[str, Judgement]
) -> Result:
    """The score of every part, and all that was found on the way."""
    parts, known = road.assignment.part, rates.of(road.assignment)
    judgements = {part.name: found.get(part.name) for part in parts}
    checks = {name: of.checks if of else None for name, of in judgements.items()}
    return Result(
        assay=assay.__version__,
        assignment=road.assignment.title,
        submission=handed_in.name,
        digest=handed_in.digest,
        isolation=_isolation(records),
        parts=[
            PartSummary(
                name=p.name,
                title=p.title,
                notebook=p.notebook,
                figures=p.figure,
                rubric=recipe.of_rubric(road.assignment, p),
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
        people=list(handed_in.people),
        notes=[
            *handed_in.notes,
            *books.notes(road.assignment, handed_in),
            *_left_on(road, handed_in, records),
        ],
    )


def _left_on(road: Road, handed_in: Submission, records: list[RunRecord]) -> list[str]:
    """Of the first run of each part that left a switch on."""
    found: list[str] = []
    for part in road.assignment.part:
        sheet = parts.sheet(road.assignment, part, handed_in)
        folders = [road.store.folder(r.key) for r in records if r.run.part == part.name]
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


def audited(road: Road, handed_in: Submission, result: Result, per_place: int) -> Result:
    """The result with an audit: some runs of every place made twice more, and compared."""
    chosen: dict[str, list[Job]] = {}
    for job in road.jobs(handed_in):
        chosen.setdefault(job.run.place, []).append(job)
    sample = [job for of_place in chosen.values() for job in of_place[:per_place]]
    kept = {job.key: road.store.files(job.key) for job in sample if road.store.has(job.key)}

    def one(job: Job) -> Audit:
        if road.cluster:
            return audit([job], kept, partial(road.cluster.execute, cold=True))
        with road.cores.taken(job.memory):
            return audit([job], kept)

    with ThreadPoolExecutor(len(sample) if road.cluster else road.cores.workers) as executor:
        found = list(executor.map(one, sample))
    whole = Audit(
        runs=sum(one.runs for one in found),
        arrays=sum(one.arrays for one in found),
        differing=[difference for one in found for difference in one.differing],
        unmade=[run for one in found for run in one.unmade],
    )
    return sealed(road, handed_in, result.model_copy(update={"audit": whole}))


def sealed(road: Road, handed_in: Submission, result: Result) -> Result:
    """The result with its receipt, written to results.json."""
    rests_on = recipe.receipt(road.assignment, handed_in, road.secret)
    result = receipt.sealed(result, rests_on, road.key)
    write(road.folder(handed_in) / "results.json", result.model_dump_json(indent=1).encode())
    return result


def judged_again(road: Road, handed_in: Submission, records: list[RunRecord]) -> Result:
    """What these runs come to when their evidence is judged once more; nothing is written."""
    names = {record.run.part for record in records}
    return _result(road, handed_in, records, _judgements(road, handed_in, names, records))


def write(path: Path, content: bytes) -> None:
    """The whole file or none, whenever we are killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".draft-{uuid4().hex}")
    draft.write_bytes(content)
    draft.replace(path)
