"""The commands that hand results on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.options import assignment_option, submission_option
from assay.cli.steps import session_of
from assay.cli.values import formats_of, seeds_of
from assay.units import MB

if TYPE_CHECKING:
    from assay.grading.session import Session
    from assay.records import Result
    from assay.submission.submission import Submission

VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")

visibility_option = click.option(
    "--visibility",
    type=click.Choice(VISIBILITIES),
    default="visible",
    show_default=True,
    help="When Gradescope shows the tests to students.",
)
out_option = click.option("--out", type=click.Path(path_type=Path), help="Where to write it.")


@click.command()
@click.argument("forms", metavar="FORMAT[,FORMAT]...", callback=formats_of)
@click.argument(
    "paths", nargs=-1, required=True, metavar="RESULT...", type=click.Path(path_type=Path)
)
@out_option
@click.option("--column", help="What a gradebook calls the assignment [default: its title].")
@visibility_option
@submission_option
@assignment_option
def export(
    forms: tuple[str, ...],
    paths: tuple[Path, ...],
    out: Path | None,
    column: str | None,
    visibility: str,
    submission: Path | None,
    assignment: Path,
) -> None:
    """Write results for other programs.

    RESULT is a report folder or its results.json; a folder of reports stands for all of them.
    FORMAT is gradescope, canvas, moodle, nbgrader, junit, github-summary, github-annotations,
    ro-crate, or one of a plug-in. ro-crate needs the submission too, and writes a folder; of
    several results, those that were not graded are passed over and named, and the exit code is 0.
    Several formats are written into the folder `--out`, a file of each.
    """
    from assay import export as exports
    from assay.export import gradebooks
    from assay.report import safe

    if out is None and len(forms) > 1:
        raise click.UsageError("several formats need `--out`, a folder for a file of each")
    if "ro-crate" in forms and not (out and submission):
        raise click.UsageError("a crate needs `--submission`, and `--out` for its folder")
    found = [result for path in paths for result in reports_at(path)]
    if {"gradescope", "ro-crate"} & set(forms):
        _apart(found)
    for form in forms:
        place = out / exports.file_of(form, len(found)) if out and len(forms) > 1 else out
        if form == "ro-crate" and place and submission:
            _crates(found, submission, assignment, place)
        elif form == "gradescope":
            _gradescope(found, visibility, place)
        else:
            results = [result for _, result in found]
            called = column or results[0].assignment
            if exports.format_of(form).gradebook:
                for warning in gradebooks.warnings(results, called):
                    click.echo(f"note: {safe.terminal(warning)}", err=True)
            _say(exports.text(form, results, called), place)


def reports_at(path: Path) -> "list[tuple[Path, Result]]":
    """The results at a path, each with its own file."""
    from assay.grading import publish

    own = path if path.is_file() else path / "results.json"
    files = [own] if own.is_file() else sorted(path.glob("*/results.json")) or [own]
    return [(file, publish.result_at(file)) for file in files]


def _apart(found: "Sequence[tuple[Path, Result]]") -> None:
    """Each of several is written under its folder's name: two of one name are an error."""
    from assay.errors import UsageError, quoted

    names = [file.absolute().parent.name for file, _ in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(
            f"several results stand in folders called {quoted(twice[0])}",
            hint="export them one by one, each with an `--out` of its own",
        )


def _gradescope(found: "Sequence[tuple[Path, Result]]", visibility: str, out: Path | None) -> None:
    from assay.export import gradescope

    if out is None and len(found) > 1:
        raise click.UsageError("several results need `--out`, a folder for a file of each")
    for file, result in found:
        folder = file.absolute().parent
        drawn = [path for path in sorted(folder.iterdir()) if path.suffix in gradescope.KINDS]
        pictures = {path.name: path.read_bytes() for path in drawn}
        _say(
            gradescope.results_json(result, visibility, pictures),
            out and _place(out, found, f"{folder.name}.json"),
        )


def _crates(
    found: "Sequence[tuple[Path, Result]]",
    submission: Path,
    assignment: Path,
    out: Path,
) -> None:
    from assay.errors import UsageError, quoted
    from assay.evidence import packing
    from assay.provenance import crate
    from assay.report import safe

    session = session_of(assignment, Path(), None, None)
    for file, result in found:
        if result.not_graded and len(found) > 1:
            why = safe.plain(f"{quoted(result.submission)} was not graded: {result.not_graded[0]}")
            click.echo(safe.terminal(f"passed over: {why}"), err=True)
            continue
        place = _place(out, found, file.absolute().parent.name)
        if place.is_dir() and any(place.iterdir()):
            raise UsageError(f"`{place}` is not empty", hint="a crate is all that is in its folder")
        judged = date.fromtimestamp(file.stat().st_mtime).isoformat()
        of_this = submission_of(submission, session, result)
        files = crate.gathered(result, session.assignment, of_this, session.store, judged)
        with _writing(place):
            packing.write(files, place)
        click.echo(f"{place}: {len(files):,} files, {sum(map(len, files.values())) / MB:,.1f} MB")


def submission_of(path: Path, session: "Session", result: "Result") -> "Submission":
    """What a result was made from: by its digest, else by its name, else the only one there."""
    from assay.errors import CannotGrade, quoted
    from assay.submission import discovery

    handed = discovery.discover([path], session.assignment).found
    found = [replace(one.inspect()[0], name=one.name) for one in handed]
    same = [one for one in found if one.digest == result.digest]
    named = [one for one in found if one.name == result.submission or len(found) == 1]
    if not same + named:
        raise CannotGrade(f"{quoted(result.submission)} is not among the submissions in `{path}`")
    return (same + named)[0]


def _place(out: Path, found: Sequence[object], name: str) -> Path:
    """Where one of several goes: below `out`; a single one is `out` itself."""
    return out / name if len(found) > 1 else out


def _say(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    _write(text.encode(), out)


def _write(content: bytes, out: Path) -> None:
    with _writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Report a place that cannot be written to as a wrong name, not as a bug in assay."""
    from assay.errors import UsageError

    try:
        yield
    except OSError as error:
        raise UsageError(
            f"`{out}` cannot be written", found=str(error), hint="name another place with `--out`"
        ) from None


@click.group()
def package() -> None:
    """Write what another place grades by."""


@package.command()
@out_option
@visibility_option
@click.option(
    "--require-isolation",
    "isolation",
    type=click.IntRange(0, 4),
    default=2,
    show_default=True,
    help="Grade nothing there where the container isolates less.",
)
@click.option("--seeds", default="", help="Other seeds than the assignment's: `0-1`.")
@assignment_option
def gradescope(
    out: Path | None, visibility: str, isolation: int, seeds: str, assignment: Path
) -> None:
    """Write the zip of an autograder for Gradescope."""
    from assay.autograder import bundle

    seeds = _plain(seeds)
    course = session_of(assignment, Path(), None, None).assignment
    content = bundle.gradescope(course, isolation=isolation, visibility=visibility, seeds=seeds)
    place = out or Path("autograder.zip")
    _write(content, place)
    click.echo(f"{place}: {len(content) / MB:.1f} MB")


@package.command()
@out_option
@click.option("--seeds", default="", help="Other seeds than the assignment's: `0-1`.")
def github(out: Path | None, seeds: str) -> None:
    """Write a workflow for GitHub Classroom."""
    from assay.autograder import bundle

    _say(bundle.classroom(_plain(seeds)), out)


def _plain(seeds: str) -> str:
    """Numbers and commas: they go into a script as they are."""
    return ",".join(map(str, seeds_of(seeds))) if seeds else ""


COMMANDS = (export, package)
