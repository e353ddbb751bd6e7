"""Put a result together of what was run and judged, and write it."""

from pathlib import Path
from uuid import uuid4

from assay import books, leftover, parts, plan, recipe
from assay.assignment import Assignment
from assay.judge import rates, score
from assay.records import Isolation, Judgement, PartSummary, Result, Run, RunRecord
from assay.store import Store
from assay.submission import Submission
from assay.version import __version__


def result(
    assignment: Assignment,
    submission: Submission,
    records: list[RunRecord],
    found: dict[str, Judgement],
    store: Store,
) -> Result:
    """Return the score of every part, and all that was found on the way."""
    parts, known = assignment.part, rates.of(assignment)
    judgements = {part.name: found.get(part.name) for part in parts}
    checks = {name: of.checks if of else None for name, of in judgements.items()}
    return Result(
        assay=__version__,
        assignment=assignment.title,
        submission=submission.name,
        digest=submission.digest,
        isolation=_isolation(records),
        parts=[
            PartSummary(
                name=p.name,
                title=p.title,
                notebook=p.notebook,
                figures=p.figure,
                rubric=recipe.of_rubric(assignment, p),
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
            *books.notes(assignment, submission),
            *_left_on(assignment, submission, records, store),
        ],
    )


def _left_on(
    assignment: Assignment, submission: Submission, records: list[RunRecord], store: Store
) -> list[str]:
    """Of the first run of each part that left a switch on."""
    found: list[str] = []
    for part in assignment.part:
        sheet = parts.sheet(assignment, part, submission)
        folders = [store.folder(r.key) for r in records if r.run.part == part.name]
        claims = [folder / "evidence" / "switches.json" for folder in folders]
        cells = sheet.cells if sheet else ()
        told = (
            leftover.notes(part.name, path.read_bytes(), cells) for path in claims if path.is_file()
        )
        found += next((notes for each in told if (notes := list(each))), [])
    return found


def further(assignment: Assignment, records: list[RunRecord], result: Result) -> list[Run]:
    """Return the runs that may decide what is undecided."""
    runs = [record.run for record in records]
    more = []
    for part in assignment.part:
        properties = [p for c in result.criteria if c.part == part.name for p in c.properties]
        undecided = {place for prop in properties for place in prop.undecided}
        more += plan.further(part, runs, undecided)
    return more


def _isolation(records: list[RunRecord]) -> str:
    """What kept the runs from this machine; where they differ, the least of it."""
    kept_by = [record.isolation for record in records]
    return str(min(kept_by, key=lambda isolation: isolation.level, default=Isolation()))


def write(path: Path, content: bytes) -> None:
    """Write the whole file or none, whenever the process is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".draft-{uuid4().hex}")
    draft.write_bytes(content)
    draft.replace(path)
