"""The commands that hand results on, and those that say whether they still hold."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.options import assignment_option, isolation_option, json_option
from assay.cli.steps import Batch, road_of, until_stopped
from assay.cli.values import seeds_of, signing_key

if TYPE_CHECKING:
    from assay.records import Result
    from assay.road import Road
    from assay.submission import Submission
    from assay.verify import Finding

TEXTS = ("canvas", "moodle", "nbgrader", "junit", "github-summary", "github-annotations")
VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")

visibility_option = click.option(
    "--visibility",
    type=click.Choice(VISIBILITIES),
    default="visible",
    show_default=True,
    help="When Gradescope shows the tests to students.",
)
out_option = click.option("--out", type=click.Path(path_type=Path), help="Where to write it.")
submission_option = click.option(
    "--submission",
    type=click.Path(path_type=Path, exists=True),
    help="What was handed in, or a folder of submissions.",
)


@click.command()
@click.argument("form", metavar="FORMAT", type=click.Choice(["gradescope", *TEXTS, "ro-crate"]))
@click.argument(
    "paths", nargs=-1, required=True, metavar="RESULT...", type=click.Path(path_type=Path)
)
@out_option
@click.option("--column", help="What a gradebook calls the assignment [default: its title].")
@visibility_option
@submission_option
@assignment_option
def export(
    form: str,
    paths: tuple[Path, ...],
    out: Path | None,
    column: str | None,
    visibility: str,
    submission: Path | None,
    assignment: Path,
) -> None:
    """Write results for another program.

    RESULT is a report folder or its results.json; a folder of reports stands for all of them.
    FORMAT is gradescope, canvas, moodle, nbgrader, junit, github-summary, github-annotations or
    ro-crate. The last needs the submission too, and writes a folder.
    """
    from assay import export as exports

    found = [result for path in paths for result in reports_at(path)]
    if form in ("gradescope", "ro-crate"):
        _apart(found)
    if form == "ro-crate":
        return _crates(found, submission, assignment, out)
    if form == "gradescope":
        return _gradescope(found, visibility, out)
    results = [result for _, result in found]
    _say(exports.text(form, results, column or results[0].assignment), out)


def reports_at(path: Path) -> "list[tuple[Path, Result]]":
    """The results at a path, each with its own file."""
    from assay import publish

    own = path if path.is_file() else path / "results.json"
    files = [own] if own.exists() else sorted(path.glob("*/results.json")) or [own]
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
            _place(out, found, f"{folder.name}.json"),
        )


def _crates(
    found: "Sequence[tuple[Path, Result]]",
    submission: Path | None,
    assignment: Path,
    out: Path | None,
) -> None:
    from assay import crates
    from assay.errors import UsageError
    from assay.run import archive

    if out is None or submission is None:
        raise click.UsageError("a crate needs `--submission`, and `--out` for its folder")
    road = road_of(assignment, Path(), None, None)
    for file, result in found:
        place = _place(out, found, file.absolute().parent.name)
        assert place is not None
        if place.is_dir() and any(place.iterdir()):
            raise UsageError(f"`{place}` is not empty", hint="a crate is all that is in its folder")
        judged = date.fromtimestamp(file.stat().st_mtime).isoformat()
        of_this = _handed_in(submission, road, result)
        files = crates.gathered(result, road.assignment, of_this, road.store, judged)
        with _writing(place):
            archive.write(files, place)
        click.echo(f"{place}: {len(files):,} files, {sum(map(len, files.values())) / 1e6:,.1f} MB")


def _handed_in(path: Path, road: "Road", result: "Result") -> "Submission":
    """What a result was made from: by its digest, else by its name, else the only one there."""
    from assay import submission
    from assay.errors import CannotGrade, quoted

    paths = submission.find(path, road.assignment)
    found = [submission.inspect(one)[0] for one in paths]
    same = [one for one in found if one.digest == result.digest]
    named = [one for one in found if one.name == result.submission or len(found) == 1]
    if not same + named:
        raise CannotGrade(f"{quoted(result.submission)} is not among the submissions in `{path}`")
    return (same + named)[0]


def _place(out: Path | None, found: Sequence[object], name: str) -> Path | None:
    """Where one of several goes: below `out`; a single one is `out` itself."""
    return out / name if out and len(found) > 1 else out


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
    """A place that cannot be written to is named wrongly, and no bug of ours."""
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
    from assay import bundle

    seeds = _plain(seeds)
    course = road_of(assignment, Path(), None, None).assignment
    content = bundle.gradescope(course, isolation=isolation, visibility=visibility, seeds=seeds)
    place = out or Path("autograder.zip")
    _write(content, place)
    click.echo(f"{place}: {len(content) / 1e6:.1f} MB")


@package.command()
@out_option
@click.option("--seeds", default="", help="Other seeds than the assignment's: `0-1`.")
def github(out: Path | None, seeds: str) -> None:
    """Write a workflow for GitHub Classroom."""
    from assay import bundle

    _say(bundle.classroom(_plain(seeds)), out)


def _plain(seeds: str) -> str:
    """Numbers and commas: they go into a script as they are."""
    return ",".join(map(str, seeds_of(seeds))) if seeds else ""


@click.command()
@click.argument("path", metavar="RESULT", type=click.Path(path_type=Path, exists=True))
@submission_option
@assignment_option
@json_option
def verify(path: Path, submission: Path | None, assignment: Path, as_json: bool) -> None:
    """Say exactly what was changed in a report or a crate since it was written.

    Hashes first, then the evidence is judged again. A crate holds all that takes; of a report, the
    assignment, its store and `--submission` do. Exits with 1 where anything was changed. Judging
    runs the rubric: of a crate, the rubric inside it.
    """
    from assay import crates

    findings = _crate(path) if crates.is_one(path) else _report(path, submission, assignment)
    _tell(findings, as_json)


def _crate(path: Path) -> "list[Finding]":
    from assay import crates
    from assay.verify import Finding, Held, verify

    with crates.opened(path) as crate:
        files = Finding(what="the crate", said=f"{crate.files:,} files", changed=crate.changed)
        held = Held(crate.course, crate.submission, crate.store, signing_key())
        return [files, *verify(crate.result, held)]


def _report(path: Path, submission: Path | None, assignment: Path) -> "list[Finding]":
    from assay import publish
    from assay.errors import UsageError
    from assay.verify import Held, pages, verify

    result = publish.result_at(path)
    if assignment == Path("assignment.toml") and not assignment.exists():
        if submission:
            raise UsageError(
                "`--submission` is held against its assignment",
                found=f"there is no `{assignment}` here",
                hint="`--assignment` says where it is",
            )
        return verify(result, Held(key=signing_key()))
    road = road_of(assignment, Path(), None, None)
    of_this = _handed_in(submission, road, result) if submission else None
    held = Held(road.assignment, of_this, road.store, road.key)
    return [*verify(result, held), *([pages(path, result, held)] if path.is_dir() else [])]


def _tell(findings: "list[Finding]", as_json: bool) -> None:
    from assay.report import safe
    from assay.verify import in_words

    if as_json:
        click.echo(json.dumps([found.model_dump(mode="json") for found in findings], indent=1))
    else:
        click.echo(safe.terminal(in_words(findings)))
    sys.exit(int(any(found.changed for found in findings)))


@click.command()
@click.argument("crate", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--seed", type=click.IntRange(0), required=True, help="Whose runs to make again.")
@click.option("--jobs", type=click.IntRange(1), help="Runs at once [default: one a core].")
@isolation_option(3)
@json_option
def rerun(crate: Path, seed: int, jobs: int | None, isolation: int, as_json: bool) -> None:
    """Make the runs of a seed again from what a crate holds; exits with 1 where they differ."""
    from assay import crates, verify
    from assay import rerun as reruns
    from assay.cores import Cores, available_cores
    from assay.errors import CannotGrade
    from assay.progress import live
    from assay.report import safe

    cores = Cores(jobs or available_cores())
    with crates.opened(crate) as opened, live(1) as progress:
        if doubts := verify.distrust(opened.result, verify.Held(opened.course, key=signing_key())):
            hint = f"`assay verify {crate}` says all that was changed"
            raise CannotGrade("the crate's rubric is not run", found="\n".join(doubts), hint=hint)
        again = opened.store_beside("again")
        road = Road(opened.course, again, Path(), cores)
        batch = Batch(road, True, isolation)
        with until_stopped(road, "stopped: nothing of it is kept"):
            found = reruns.rerun(
                opened, seed, again, lambda jobs: batch.run(crate.name, jobs, progress)
            )
    words = safe.terminal(reruns.in_words(found))
    click.echo(found.model_dump_json(indent=1) if as_json else words)
    sys.exit(0 if found.alike else 1)


COMMANDS = (export, package, verify, rerun)
