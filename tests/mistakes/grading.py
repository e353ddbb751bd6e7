"""Run a submission once and judge it for real, and say which criteria lost marks."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from assay.course.assignment import Assignment, read
from assay.evidence.store import Store
from assay.records import Result, Verdict
from assay.report import summary
from assay.report.view import View
from assay.submission.submission import Submission
from tests.toys import toy as toys

Note = Callable[[str, object], None]
ROOT = Path(__file__).parents[2]


def one_part(name: str, seeds: Sequence[int] | None, matrix: Mapping[str, list[str]]) -> Assignment:
    """The assignment with only this part, this matrix, and these seeds or else its own."""
    assignment = read(ROOT / "assignment.toml")
    part = next(part for part in assignment.part if part.name == name)
    chosen = {} if seeds is None else {"seeds": list(seeds), "max_seeds": None}
    small = part.model_copy(update={**chosen, "matrix": dict(matrix)})
    return assignment.model_copy(update={"part": [small]})


def graded(assignment: Assignment, handed_in: Submission, store: Store, reports: Path) -> Result:
    """The result of a submission whose runs are made and judged for real."""
    return toys.session(assignment, store, reports).grade(handed_in)


def lost(result: Result) -> set[str]:
    """The criteria that lost marks."""
    return {c.name for c in result.criteria if c.earned is not None and c.earned < c.judged}


def excuses(result: Result) -> bool:
    """Whether a mistake that others follow from excuses something of it."""
    return not result.points_unexcused or result.points_set_aside > 0


def record(note: Note, result: Result, name: str, loses: str | None) -> None:
    """Leave a row for the kill matrix; `note` is pytest's `record_property`."""
    first = next(iter(View(result).losses()), None)
    row = {
        "part": result.runs[0].run.part,
        "name": name,
        "loses": loses,
        "lost": sorted(lost(result)),
        "said": summary.reason(first.property) if first else "",
        "named": bool(first and first.property.mistake),
    }
    note("row", json.dumps(row))


def explain(result: Result) -> str:
    """What was found, for whoever mends the rubric."""
    missed = [p for c in result.criteria for p in c.properties if p.verdict is not Verdict.PASSED]
    return "\n".join(f"{p.name}: {p.verdict}: {p.reason}" for p in missed)
