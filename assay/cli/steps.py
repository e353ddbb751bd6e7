"""What the commands do for each submission, and how they tell it."""

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:  # these import pydantic, NumPy and more: too slow for `assay --help`
    from assay.errors import AssayError
    from assay.pipeline import Road
    from assay.records import Result, RunRecord
    from assay.run.assemble import Job
    from assay.submission import Submission

MAX_SEEDS = 10_000


def all_of(paths: tuple[Path, ...], road: "Road") -> "list[Submission]":
    from assay import pipeline, submission

    found = [one for given in paths for one in submission.find(given, road.assignment)]
    named = zip(found, submission.names_of(found), strict=True)
    return [pipeline.read(path, name) for path, name in named]


def road_of(assignment: Path, reports: Path, seeds: str | None, jobs: int | None) -> "Road":
    from assay import assignment as assignments
    from assay import pipeline, schedule
    from assay.store import Store

    read = assignments.read(assignment)
    if seeds is not None:
        read = read.with_seeds(seeds_of(seeds))
    return pipeline.Road(
        assignment=read,
        store=Store(read.root / ".assay" / "store"),
        reports=reports,
        workers=jobs or schedule.available_cores(),
    )


def seeds_of(text: str) -> list[int]:
    """`0-19` and `1,4,7`, mixed as one likes."""
    seeds: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.strip()[:20].partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise click.BadParameter(f"`{text}`: expected `0-19` or `1,4,7`", param_hint="--seeds")
        count = int(last or first) - int(first) + 1
        if not 1 <= count <= MAX_SEEDS:
            raise click.BadParameter(
                f"`{piece}`: from the lower to the higher, {MAX_SEEDS} at most",
                param_hint="--seeds",
            )
        seeds += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(seeds))


def for_each(
    road: "Road",
    paths: tuple[Path, ...],
    as_json: bool,
    step: Callable[["Submission"], dict[str, Any]],
    pass_mark: float | None = None,
    *,
    tell_all: bool = False,
    keep: bool = False,
) -> None:
    """Do one step for every submission; what befalls one does not keep the others from theirs.

    `tell_all` shows all problems of a submission and not the first; `keep` leaves a result file
    where there are no marks.
    """
    from assay import pipeline, submission
    from assay.report import safe

    answers, worst = [], 0
    found = [one for given in paths for one in submission.find(given, road.assignment)]
    for path, name in zip(found, submission.names_of(found), strict=True):
        try:
            answer = step(pipeline.read(path, name))
        except Exception as caught:
            error = _told(caught, path, tell_all)
            worst = max(worst, error.exit_code)
            problems = [error, *error.others]
            called = name or submission.name_of(path)
            if keep:
                pipeline.not_graded(road, called, problems)
            answers.append(
                {"submission": called, "error": error.what, "hint": error.hint}
                | ({"problems": [problem.what for problem in problems]} if tell_all else {})
            )
            continue
        if not as_json:
            click.echo(safe.terminal(answer["text"]))
        answers.append({key: value for key, value in answer.items() if key != "text"})
        worst = max(worst, answer.get("exit_code", 0))
        if pass_mark is not None and answer.get("percent") is not None:
            worst = max(worst, int(answer["percent"] < pass_mark))
    if as_json:
        click.echo(json.dumps(answers, indent=1))  # ASCII: nothing in it moves a cursor
    sys.exit(worst)


def _told(caught: Exception, path: Path, tell_all: bool) -> "AssayError":
    """Say on stderr what went wrong; a bug of ours with its traceback."""
    from assay.errors import AssayError, OurFault
    from assay.report import safe

    if not isinstance(caught, AssayError):
        click.echo(safe.terminal(traceback.format_exc()), err=True)
        caught = OurFault(f"`{path.name}` met a bug of assay's: {type(caught).__name__}: {caught}")
    for error in [caught, *caught.others] if tell_all else [caught]:
        click.echo(safe.terminal(str(error)), err=True)
    if caught.others and not tell_all:
        click.echo(f"and {len(caught.others)} more: `assay check` tells them all", err=True)
    return caught


def graded(
    road: "Road", handed_in: "Submission", force: bool, isolation: int, *, sample: int
) -> dict[str, Any]:
    """Run, judge and report; audit this many seeds of each place."""
    from assay import pipeline
    from assay.report import safe

    def make(jobs: "list[Job]") -> "list[RunRecord]":
        records = executed(road, handed_in.name, jobs, force, isolation)
        click.echo(f"judging {safe.plain(handed_in.name)}", err=True)
        return records

    result = pipeline.grade(road, handed_in, make)
    if sample:
        click.echo(f"making runs of {sample} seed(s) twice more", err=True)
        result = pipeline.audited(road, handed_in, result, sample)
    return answer_of(result, str(pipeline.report(road, handed_in, result)))


def executed(
    road: "Road", name: str, jobs: "list[Job]", force: bool, isolation: int
) -> "list[RunRecord]":
    from assay import pipeline
    from assay.progress import live

    with live(len(jobs), name) as progress:
        return pipeline.run(road, jobs, force=force, progress=progress, isolation=isolation)


def isolated(required: int, road: "Road") -> None:
    """Say what keeps the code from this machine, or stop before any of it runs."""
    from assay.run import prove

    isolation = prove.require(required, road.assignment.root)
    click.echo(f"isolation: {isolation}", err=True)
    for missing in isolation.missing:
        click.echo(f"  {missing}", err=True)


def answer_of(result: "Result", where: str) -> dict[str, Any]:
    from assay.records import Outcome, Verdict
    from assay.report.summary import summary

    unjudged = any(criterion.verdict is Verdict.NOT_JUDGED for criterion in result.criteria)
    ours = unjudged or any(r.outcome is Outcome.INFRASTRUCTURE for r in result.runs)
    ours = ours or bool(result.audit and result.audit.unmade)
    possible = result.judged_points
    return {
        "text": summary(result, where),
        "submission": result.submission,
        "earned": result.earned,
        "possible": possible,
        "percent": 100 * result.earned / possible if possible else None,
        "for_review": result.review_points,
        "criteria": {f"{c.part}/{c.name}": c.earned for c in result.criteria},
        "audit": result.audit and result.audit.model_dump(mode="json"),
        "report": where,
        "exit_code": 4 if ours else 0,
    }
