"""Put a result together of what was run and judged, and write it."""

from collections.abc import Mapping

from assay.course import calibration, files
from assay.evidence.store import Store
from assay.grading import leftover
from assay.judge import score
from assay.records import Isolation, Judgement, PartSummary, Result, RunRecord
from assay.submission import books, modules
from assay.submission.sections import Section
from assay.version import __version__

SWITCHES = "evidence/switches.json"


def result(
    sections: Mapping[str, Section],
    records: list[RunRecord],
    found: dict[str, Judgement],
    store: Store,
) -> Result:
    """Return the score of every part, and all that was found on the way."""
    first = next(iter(sections.values()))
    assignment, submission = first.assignment, first.submission
    parts, known = assignment.part, calibration.of(assignment)
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
                rubric=files.rubric_digest(assignment, p),
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
            *modules.notes(assignment, submission),
            *_left_on(sections, records, store),
        ],
    )


def _left_on(sections: Mapping[str, Section], records: list[RunRecord], store: Store) -> list[str]:
    """Of the first run of each part that left a switch on."""
    found: list[str] = []
    for name, section in sections.items():
        of_part = [r for r in records if r.run.part == name and store.has(r.key)]
        claims = (store.files(record.key, SWITCHES).values() for record in of_part)
        told = (leftover.notes(name, claim, section.cells) for found in claims for claim in found)
        found += next((notes for each in told if (notes := list(each))), [])
    return found


def _isolation(records: list[RunRecord]) -> str:
    """Return what kept the runs from this machine; where they differ, the least of it."""
    kept_by = [record.isolation for record in records]
    return str(min(kept_by, key=lambda isolation: isolation.level, default=Isolation()))
