"""The commands that say whether results still hold."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay import extras
from assay.cli.exports import submission_of
from assay.cli.needing import needing
from assay.cli.options import assignment_option, isolation_option, json_option, submission_option
from assay.cli.steps import listening, machine_given, session_of, until_stopped
from assay.cli.values import signing_key

if TYPE_CHECKING:
    from assay.provenance.verify import Finding


@click.command()
@click.argument("path", metavar="RESULT", type=click.Path(path_type=Path, exists=True))
@submission_option
@assignment_option
@json_option
def verify(path: Path, submission: Path | None, assignment: Path, as_json: bool) -> None:
    """Say exactly what was changed in a report or a crate since it was written.

    Hashes first, then the evidence is judged again. A crate holds all that takes; of a report, the
    assignment, its store and `--submission` do. Exits with status 1 if anything was changed, with 3
    if something is left open: a person looks at it. Judging runs the rubric: of a crate, the rubric
    inside it.
    """
    from assay.provenance import crate

    if submission or crate.is_one(path):
        extras.need("grade")  # it is judged again
    findings = _crate(path) if crate.is_one(path) else _report(path, submission, assignment)
    _tell(findings, as_json)


def _crate(path: Path) -> "list[Finding]":
    from assay.provenance import crate
    from assay.provenance.verify import Finding, Held, verify

    with crate.opened(path) as opened:
        files = Finding(what="the crate", said=f"{opened.files:,} files", changed=opened.changed)
        held = Held(opened.course, opened.submission, opened.store, signing_key(), machine_given())
        return [files, *verify(opened.result, held)]


def _report(path: Path, submission: Path | None, assignment: Path) -> "list[Finding]":
    from assay.errors import UsageError
    from assay.grading import publish
    from assay.provenance.verify import Held, pages, verify

    result = publish.result_at(path)
    if assignment == Path("assignment.toml") and not assignment.exists():
        if submission:
            raise UsageError(
                "`--submission` is held against its assignment",
                found=f"there is no `{assignment}` here",
                hint="`--assignment` says where it is",
            )
        return verify(result, Held(key=signing_key()))
    session = session_of(assignment, Path(), None, None)
    of_this = submission_of(submission, session, result) if submission else None
    held = Held(session.assignment, of_this, session.store, session.key, machine_given())
    return [*verify(result, held), *([pages(path, result, held)] if path.is_dir() else [])]


def _tell(findings: "list[Finding]", as_json: bool) -> None:
    from assay.provenance.verify import in_words
    from assay.report import safe

    if as_json:
        text = json.dumps([found.model_dump(mode="json") for found in findings], indent=1)
        click.echo(safe.json_text(text))
    else:
        click.echo(safe.terminal(in_words(findings)))
    changed, left_open = any(f.changed for f in findings), any(f.open for f in findings)
    sys.exit(1 if changed else 3 if left_open else 0)


@click.command()
@click.argument("folder", metavar="CRATE", type=click.Path(path_type=Path, exists=True))
@click.option("--seed", type=click.IntRange(0), required=True, help="Whose runs to make again.")
@click.option("--jobs", type=click.IntRange(1), help="Runs at once [default: one a core].")
@isolation_option(3)
@json_option
def rerun(folder: Path, seed: int, jobs: int | None, isolation: int, as_json: bool) -> None:
    """Make the runs of a seed again from what a crate holds; exits with status 1 if they differ."""
    from assay.course.secret import PUBLIC
    from assay.errors import CannotGrade
    from assay.grading.progress import live
    from assay.grading.session import Session
    from assay.provenance import crate, verify
    from assay.provenance import rerun as reruns
    from assay.report import safe

    with crate.opened(folder) as opened, live(1) as progress:
        if doubts := verify.distrust(opened.result, verify.Held(opened.course, key=signing_key())):
            hint = f"`assay verify {folder}` says all that was changed"
            raise CannotGrade("the crate's rubric is not run", found="\n".join(doubts), hint=hint)
        session = Session(
            opened.course,
            opened.store_beside("again"),
            Path(),
            jobs=jobs,
            require_isolation=isolation,
            force=True,
            secret=PUBLIC,
            machine=machine_given(),
        )
        stopped = until_stopped(session, "stopped: nothing of it is kept")
        with stopped, listening(session, progress):
            found = reruns.rerun(opened, seed, folder.name, session)
    words = safe.terminal(reruns.in_words(found))
    click.echo(safe.json_text(found.model_dump_json(indent=1)) if as_json else words)
    sys.exit(0 if found.is_same else 1)


COMMANDS = (verify, needing("grade", rerun))
