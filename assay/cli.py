"""The command line: the only file that prints or exits.

stdout is the result, stderr is progress. Exit codes: 0 graded, whatever the mark; 1 below
`--pass-mark`; 2 wrong usage; 3 cannot be graded; 4 our own fault.
"""

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


def shared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every step takes."""
    for option in (
        click.option(
            "--assignment",
            type=click.Path(path_type=Path),
            default=Path("assignment.toml"),
            show_default=True,
            help="The assignment to grade by.",
        ),
        click.option(
            "--reports",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("reports"),
            show_default=True,
            help="Where reports are written, a folder for each submission.",
        ),
        click.option("--seeds", help="Other seeds than the assignment's: `0-19` or `1,4,7`."),
        click.option("--jobs", type=click.IntRange(1), help="Runs at once [default: one a core]."),
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    ):
        command = option(command)
    return command


submissions = click.argument(
    "paths", nargs=-1, required=True, metavar="SUBMISSION...", type=click.Path(path_type=Path)
)
force_option = click.option("--force", is_flag=True, help="Run again what has been run already.")


def isolation_option(default: int) -> Callable[..., Any]:
    """The level below which nothing is run; one's own code needs none."""
    return click.option(
        "--require-isolation",
        "isolation",
        type=click.IntRange(0, 4),
        default=default,
        show_default=True,
        envvar="ASSAY_REQUIRE_ISOLATION",
        help="Run nothing where the machine isolates less; `assay doctor` explains the levels.",
    )


pass_mark_option = click.option(
    "--pass-mark",
    type=click.FloatRange(0, 100),
    help="Exit with 1 where less than this percentage of the judged points is earned.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="assay")
def cli() -> None:
    """Grade homework that trains.

    A submission is a folder with notebooks/ and solution/, or one bare notebook; a folder of
    submissions stands for all of them.
    """


@cli.command()
@submissions
@shared_options
@click.option("--adapter", is_flag=True, help="Print a template of an adapter instead.")
def check(paths: tuple[Path, ...], as_json: bool, adapter: bool, **options: Any) -> None:
    """Say whether submissions can be graded, and what would help, without running anything."""
    from assay import advice, plan

    road = _road(**options)

    def one(handed_in: "Submission") -> dict[str, Any]:
        runs = plan.make(road.assignment, handed_in)
        notes = advice.notes(road.assignment, handed_in)
        columns = dict.fromkeys(run.column for run in runs)
        head = f"✓ {handed_in.name}: can be graded, {len(runs)} runs over {', '.join(columns)}"
        text = "\n".join([head, *(f"  note: {note}" for note in notes)])
        if adapter:
            text = advice.adapter(road.assignment, handed_in)
        ids = [run.id for run in runs]
        return {"text": text, "submission": handed_in.name, "runs": ids, "notes": notes}

    _for_each(road, paths, as_json, one, tell_all=True)


@cli.command()
@submissions
@shared_options
@force_option
@isolation_option(3)
def run(
    paths: tuple[Path, ...], as_json: bool, force: bool, isolation: int, **options: Any
) -> None:
    """Execute submissions over every seed and data set, and keep the evidence."""
    from assay.records import Outcome

    road = _road(**options)
    _isolated(isolation, road)

    def one(handed_in: "Submission") -> dict[str, Any]:
        records = _run(road, handed_in.name, road.jobs(handed_in), force, isolation)
        name = handed_in.name
        lines = [f"{name} {r.run.id}: {r.outcome}, {r.seconds:.1f} s, {r.reason}" for r in records]
        return {
            "text": "\n".join(lines),
            "submission": name,
            "runs": [r.model_dump(mode="json") for r in records],
            "exit_code": 4 if any(r.outcome is Outcome.INFRASTRUCTURE for r in records) else 0,
        }

    _for_each(road, paths, as_json, one)


@cli.command()
@submissions
@shared_options
@pass_mark_option
def judge(paths: tuple[Path, ...], as_json: bool, pass_mark: float | None, **options: Any) -> None:
    """Judge the evidence that is kept, and write results.json."""
    from assay import pipeline

    road = _road(**options)

    def one(handed_in: "Submission") -> dict[str, Any]:
        result = pipeline.judge(road, handed_in)
        return _answer(result, str(road.folder(handed_in) / "results.json"))

    _for_each(road, paths, as_json, one, pass_mark)


@cli.command()
@submissions
@shared_options
def report(paths: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Write the report of submissions that have been judged."""
    from assay import pipeline

    road = _road(**options)

    def one(handed_in: "Submission") -> dict[str, Any]:
        page = pipeline.report(road, handed_in, pipeline.judged(road, handed_in))
        return {"text": str(page), "submission": handed_in.name, "report": str(page)}

    _for_each(road, paths, as_json, one)


@cli.command()
@submissions
@shared_options
@force_option
@isolation_option(3)
@pass_mark_option
@click.option("--audit", is_flag=True, help="Make runs twice more: same seed, same bits?")
def grade(
    paths: tuple[Path, ...],
    as_json: bool,
    force: bool,
    isolation: int,
    pass_mark: float | None,
    audit: bool,
    **options: Any,
) -> None:
    """Run, judge and report: all steps in one."""
    road = _road(**options)
    _isolated(isolation, road)

    def one(handed_in: "Submission") -> dict[str, Any]:
        return _grade(road, handed_in, force, isolation, sample=int(audit))

    _for_each(road, paths, as_json, one, pass_mark, keep=True)


@cli.command()
@shared_options
@force_option
@isolation_option(0)
@click.option("--verify", is_flag=True, help="Make runs twice more and compare bit by bit.")
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Seeds of each data set that `--verify` makes again.",
)
@click.option("--name", default="reference", show_default=True, help="The report's folder.")
def reproduce(
    as_json: bool,
    force: bool,
    isolation: int,
    verify: bool,
    sample: int,
    name: str,
    **options: Any,
) -> None:
    """Run the assignment's own solution over its whole matrix, and write the reports."""
    from assay import pipeline

    if Path(name).name != name:
        raise click.BadParameter("a plain name, without folders", param_hint="--name")
    road = _road(**options)
    _isolated(isolation, road)

    def one(_: "Submission") -> dict[str, Any]:
        handed_in = pipeline.read(road.assignment.root, name)
        answer = _grade(road, handed_in, force, isolation, sample=sample if verify else 0)
        differs = verify and bool(answer["audit"]["differing"])
        return answer | {"exit_code": answer["exit_code"] or int(differs)}

    _for_each(road, (road.assignment.root,), as_json, one)


@cli.command()
@click.argument("right", nargs=-1, metavar="[RIGHT...]", type=click.Path(path_type=Path))
@shared_options
@isolation_option(0)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A submission known to be wrong, or a folder of them: how surely is it caught?",
)
def calibrate(
    right: tuple[Path, ...],
    against: tuple[Path, ...],
    as_json: bool,
    isolation: int,
    seeds: str | None,
    **options: Any,
) -> None:
    """Say how often the rubric is wrong: submissions known to be right, over many seeds.

    Without RIGHT it is the assignment's own solution. `--seeds 50` stands for the seeds 0 to 49.
    """
    from assay import calibrate as calibration
    from assay.judge import rates

    road = _road(seeds=None, **options)
    _isolated(isolation, road)
    chosen = _seeds(f"0-{int(seeds) - 1}" if seeds and seeds.isdecimal() else seeds or "0-49")
    found = calibration.calibrate(
        road,
        chosen,
        _all_of(right or (road.assignment.root,), road),
        _all_of(against, road),
        lambda jobs: _run(road, "calibrate", jobs, force=False, isolation=isolation),
    )
    page = rates.page(found)
    if road.assignment.calibration:
        kept = road.assignment.root / road.assignment.calibration
        kept.write_text(found.model_dump_json(indent=1), encoding="utf-8")
        kept.with_suffix(".md").write_text(page, encoding="utf-8")
    click.echo(found.model_dump_json(indent=1) if as_json else page)
    for alarm in rates.alarms(found):
        click.echo(f"warning: {alarm}", err=True)


def _all_of(paths: tuple[Path, ...], road: "Road") -> "list[Submission]":
    from assay import pipeline, submission

    found = [one for given in paths for one in submission.find(given, road.assignment)]
    named = zip(found, submission.names_of(found), strict=True)
    return [pipeline.read(path, name) for path, name in named]


@cli.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True))
@click.argument("second", type=click.Path(path_type=Path, exists=True))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def compare(first: Path, second: Path, as_json: bool) -> None:
    """Show what differs between two results: report folders, or their results.json.

    Exits with 1 where they differ.
    """
    from assay import compare as comparing
    from assay import pipeline
    from assay.report import safe

    found = comparing.compare(pipeline.result_at(first), pipeline.result_at(second))
    words = safe.terminal(comparing.in_words(found))
    click.echo(found.model_dump_json(indent=1) if as_json else words)
    sys.exit(0 if found.alike else 1)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def doctor(as_json: bool) -> None:
    """Show what this machine can isolate, what is missing, and how to get it."""
    from assay import doctor as doctors

    findings = doctors.examine()
    click.echo(findings.model_dump_json(indent=1) if as_json else doctors.table(findings))


def main() -> None:
    """Run a command; a foreseeable error is a sentence and an exit code, never a traceback."""
    from assay.errors import AssayError
    from assay.report import safe

    try:
        cli()
    except AssayError as error:
        click.echo(safe.terminal(str(error)), err=True)
        sys.exit(error.exit_code)
    except Exception:  # a bug of ours, and no mark below the pass mark
        traceback.print_exc()
        sys.exit(4)


def _road(assignment: Path, reports: Path, seeds: str | None, jobs: int | None) -> "Road":
    from assay import assignment as assignments
    from assay import pipeline, schedule
    from assay.store import Store

    read = assignments.read(assignment)
    if seeds is not None:
        read = read.with_seeds(_seeds(seeds))
    return pipeline.Road(
        assignment=read,
        store=Store(read.root / ".assay" / "store"),
        reports=reports,
        workers=jobs or schedule.available_cores(),
    )


def _seeds(text: str) -> list[int]:
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


def _for_each(
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


def _grade(
    road: "Road", handed_in: "Submission", force: bool, isolation: int, *, sample: int
) -> dict[str, Any]:
    """Run, judge and report; audit this many seeds of each place."""
    from assay import pipeline
    from assay.report import safe

    def make(jobs: "list[Job]") -> "list[RunRecord]":
        records = _run(road, handed_in.name, jobs, force, isolation)
        click.echo(f"judging {safe.plain(handed_in.name)}", err=True)
        return records

    result = pipeline.grade(road, handed_in, make)
    if sample:
        click.echo(f"making runs of {sample} seed(s) twice more", err=True)
        result = pipeline.audited(road, handed_in, result, sample)
    return _answer(result, str(pipeline.report(road, handed_in, result)))


def _run(
    road: "Road", name: str, jobs: "list[Job]", force: bool, isolation: int
) -> "list[RunRecord]":
    from assay import pipeline
    from assay.progress import live

    with live(len(jobs), name) as progress:
        return pipeline.run(road, jobs, force=force, progress=progress, isolation=isolation)


def _isolated(required: int, road: "Road") -> None:
    """Say what keeps the code from this machine, or stop before any of it runs."""
    from assay.run import prove

    isolation = prove.require(required, road.assignment.root)
    click.echo(f"isolation: {isolation}", err=True)
    for missing in isolation.missing:
        click.echo(f"  {missing}", err=True)


def _answer(result: "Result", where: str) -> dict[str, Any]:
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
