"""The command that makes what students get."""

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli.options import isolation_option, json_option, shared_options
from assay.cli.steps import folder_made, listening, session_of, until_stopped

if TYPE_CHECKING:
    from assay.grading.session import Session
    from assay.handout.check import Findings
    from assay.handout.make import Handout
    from assay.records import RunRecord


@click.command()
@click.argument("folder", metavar="[FOLDER]", default="handout", type=click.Path(path_type=Path))
@shared_options
@isolation_option(0)
@click.option(
    "--check",
    "checked",
    is_flag=True,
    help="Grade it first: nothing given away, zero as it is, full marks with the answer put back.",
)
def handout(folder: Path, as_json: bool, isolation: int, checked: bool, **options: Any) -> None:
    """Make what students get: the assignment without its answer, as FOLDER and FOLDER.zip.

    The answer is the assignment's own, cut at `### BEGIN SOLUTION` and at cells tagged `solution`;
    modules of solution/ become stubs. Nothing is written if the answer can be read in it, or if
    `--check` finds a fault; that exits with status 4.
    """
    from assay.errors import CourseFault
    from assay.handout import check, make, put
    from assay.report import safe

    session = session_of(isolation=isolation if checked else None, own=True, **options)
    put.require_new(folder)
    made = make.make(session.assignment)
    found = (
        _graded(session, made)
        if checked
        else check.Findings(tuple(check.leaks(session.assignment, made)))
    )
    if found.faults:
        raise CourseFault(
            "the handout cannot be given to students: nothing was written",
            found="\n".join(found.faults),
            hint="docs/handout.md says what is cut, and how to mark it",
        )
    archive = put.put(made, folder)
    earned = {
        which: {"earned": result.earned, "judged": result.judged_points}
        for which, result in (("empty", found.empty), ("restored", found.restored))
        if result
    }
    if as_json:
        paths = {"folder": str(folder), "zip": str(archive), "files": sorted(made.files)}
        click.echo(json.dumps(paths | {"checked": earned}, indent=1))
        sys.exit(0)
    lines = [f"✓ {len(made.files)} files     {folder}     {archive}"]
    lines += [f"  {name}" for name in sorted(made.files)]
    for result in filter(None, (found.empty, found.restored)):
        marks = f"{result.earned:g}/{result.judged_points:g} judged"
        lines.append(f"✓ {result.submission}: {marks}, {result.review_points:g} for review")
    click.echo(safe.terminal("\n".join(lines)))


@click.command(name="try")
@click.argument("path", metavar="[FOLDER]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--check",
    "check_folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The public questions [default: `check/` here, or in a folder above].",
)
@click.option("--seeds", help="Other seeds than the first: `0-4` or `1,4,7`.")
@json_option
def try_(path: Path, check_folder: Path | None, seeds: str | None, as_json: bool) -> None:
    """Run your own notebook and put the public questions to it, on any system.

    It is your own code on your own machine: nothing keeps it in, and nothing limits it. What the
    questions find is said as it is when the work is marked. Exits with status 1 if points are lost.
    """
    from assay.cli.values import seeds_of
    from assay.handout import attempt, shown, tried
    from assay.records import Outcome
    from assay.report import safe

    def tell(record: "RunRecord") -> None:
        failed = "" if record.outcome is Outcome.COMPLETED else f": {record.reason}"
        said = f"{record.run.id}  {record.seconds:.1f} s  {record.outcome}{failed}"
        click.echo(safe.terminal(said), err=True)

    click.echo("this runs your own code on this machine, without a sandbox", err=True)
    chosen = seeds_of(seeds) if seeds else None
    folder = tried.folder_of(path, check_folder)
    with tempfile.TemporaryDirectory(prefix="assay-") as scratch:
        found = attempt.attempt(path, folder, Path(scratch), seeds=chosen, tell=tell)
    lost = any(criterion.verdict.is_lost for criterion in found.result.criteria)
    click.echo(json.dumps(tried.plain(found), indent=1) if as_json else shown.text(found))
    sys.exit(int(lost))


COMMANDS = (handout, try_)


def _graded(session: "Session", made: "Handout") -> "Findings":
    from assay.grading.progress import live
    from assay.handout import check

    folder_made(session.reports)
    with live(2) as progress, until_stopped(session), listening(session, progress):
        return check.check(session, made)
