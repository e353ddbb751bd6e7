"""The command line: the only room that prints or exits.

stdout is the result, stderr is progress. Exit codes: 0 graded, whatever the mark; 1 below
`--pass-mark`, or `--verify`, `compare`, `verify` or `rerun` found a difference; 2 wrong usage;
3 cannot be graded, or needs a person; 4 our own fault, or a full disk; 130 stopped by Ctrl-C; 141
stdout was closed.
"""

import errno
import gc
import io
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from assay import extras
from assay.cli import checks, classes, exports, handouts, reviewing, starting, tools
from assay.cli.classes.grading import CLASS_FILE, grade_class
from assay.cli.needing import needing
from assay.cli.options import (
    PassingOn,
    force_option,
    isolation_option,
    pass_mark_option,
    scheduler_option,
    shared_options,
    submissions,
    verbose_option,
)
from assay.cli.steps import (
    Answer,
    all_of,
    answer_of,
    course_checked,
    debugged,
    entry_of,
    folder_made,
    for_each,
    graded,
    listening,
    session_of,
    until_stopped,
)
from assay.cli.values import seeds_of
from assay.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.execution.machine import Machine
    from assay.grading.progress import Live
    from assay.grading.session import Session
    from assay.submission.preflight import Tried
    from assay.submission.sections import Section
    from assay.submission.submission import Submission


FULL = (errno.ENOSPC, errno.EDQUOT)
COLLECT = (50_000, 20, 50)
"""Results are trees: to look for cycles in them as often as Python does by itself doubles the time
that a class of them takes to read."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="assay")
def cli() -> None:
    """Grade homework that trains.

    A submission is a folder with notebooks/ and solution/, a zip or tar.gz of it, or one bare
    notebook; a folder of submissions stands for all of them.
    """


@cli.command()
@click.argument("paths", nargs=-1, metavar="[SUBMISSION...]", type=click.Path(path_type=Path))
@shared_options
@click.option(
    "--adapter", is_flag=True, help="Print a template of an adapter instead; try what it proposes."
)
def check(paths: tuple[Path, ...], as_json: bool, adapter: bool, **options: Any) -> None:
    """Say whether submissions can be graded, and what would help, without running anything.

    What `--adapter` proposes is run twice in the sandbox, where this machine has one.
    Without SUBMISSION, or given the assignment's folder, check the course itself: its rubric is
    read, and its exam is put to its own solution. Exits with status 4 if the course cannot grade.
    In the folder that students were given, it checks what stands there.
    """
    from assay.handout import tried as handed_out
    from assay.handout import versions
    from assay.submission import books, modules, preflight

    if half := handed_out.in_place_of(options["assignment"]):
        options["assignment"], paths = half, paths or (Path(),)
    tries = adapter and not extras.missing("grade")
    session = session_of(isolation=3 if tries else None, **options)
    if not adapter and all(path.resolve() == session.assignment.root for path in paths):
        course_checked(session, as_json)
        return

    def one(submission: "Submission", progress: "Live") -> Answer:
        plan = session.plan(submission)
        runs, sections = plan.pending, plan.sections
        notes = [
            *submission.notes,
            *books.notes(session.assignment, submission),
            *modules.notes(session.assignment, submission),
            *preflight.notes(sections),
            *versions.differing(session.assignment.root),
        ]
        columns = dict.fromkeys(run.column for run in runs)
        over = f"{counted(len(runs), 'run')} over {', '.join(columns)}"
        head = f"✓ {submission.name}: can be graded, {over}"
        text = "\n".join([head, *(f"  note: {note}" for note in notes)])
        if adapter:
            text = preflight.adapter(sections, tried(session, sections))
        ids = [run.id for run in runs]
        return {"text": text, "submission": submission.name, "runs": ids, "notes": notes}

    for_each(session, paths, as_json, one, all_problems=True)


def tried(session: "Session", sections: "Mapping[str, Section]") -> "dict[str, dict[str, Tried]]":
    """Try what an adapter proposes; nothing, where this machine cannot keep student code in."""
    from assay.errors import NotIsolated, UsageError
    from assay.grading import trial

    try:
        extras.need("grade")
        return trial.tried(session, sections)
    except (NotIsolated, UsageError) as why:
        click.echo(f"nothing was tried: {why}", err=True)
        return {}


@cli.command()
@submissions
@shared_options
@scheduler_option
@force_option
@isolation_option(3)
@verbose_option
@click.option(
    "--profile", is_flag=True, help="Say what each cell and each question took, place by place."
)
def run(
    paths: tuple[Path, ...],
    as_json: bool,
    force: bool,
    isolation: int,
    verbose: bool,
    profile: bool,
    **options: Any,
) -> None:
    """Execute submissions over every seed and data set, and keep the evidence."""
    from assay.records import Outcome, plain
    from assay.report import profiles

    session = session_of(isolation=isolation, force=force, with_secret=True, **options)

    def one(submission: "Submission", progress: "Live") -> Answer:
        jobs = session.jobs(session.plan(submission))
        session.require_course()
        records = session.execute(submission.name, jobs)
        name = submission.name
        lines = [f"{name} {r.run.id}: {r.outcome}, {r.seconds:.1f} s, {r.reason}" for r in records]
        lines += profiles.lines(records) if profile else []
        return {
            "text": "\n".join(lines),
            "submission": name,
            "runs": [plain(r) for r in records],
            "exit_code": 4 if any(r.outcome is Outcome.INFRASTRUCTURE for r in records) else 0,
        }

    for_each(session, paths, as_json, one, verbose=verbose)


@cli.command(cls=PassingOn)
@submissions
@shared_options
@pass_mark_option
@verbose_option
def judge(
    paths: tuple[Path, ...],
    as_json: bool,
    pass_mark: float | None,
    verbose: bool,
    **options: Any,
) -> None:
    """Judge the evidence that is kept, and write results.json.

    With arguments for pytest after `--`, as in `assay judge ada -- -k gradients --pdb`, run the
    rubric's tests in this terminal instead, and write nothing. Exits with status 1 if one fails.
    """
    session = session_of(with_secret=True, **options)
    if arguments := PassingOn.passed_on():
        session.read_course()
        sys.exit(debugged(session, all_of(paths, session), arguments))
    folder_made(session.reports)

    def one(submission: "Submission", progress: "Live") -> Answer:
        session.read_course()
        result = session.judge(submission)
        return answer_of(result, str(session.folder(submission) / "results.json"))

    for_each(session, paths, as_json, one, pass_mark, verbose=verbose)


@cli.command()
@submissions
@shared_options
def report(paths: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Write the report of submissions that have been judged."""
    from assay.grading import publish

    session = session_of(**options)

    def one(submission: "Submission", progress: "Live") -> Answer:
        result = publish.judged(session, submission)
        page = str(publish.report(session, submission, result))
        entry = entry_of(result, submission)
        return {"text": page, "submission": submission.name, "report": page, "entry": entry}

    for_each(session, paths, as_json, one, of_class=True)


@cli.command()
@submissions
@shared_options
@scheduler_option
@force_option
@isolation_option(3)
@pass_mark_option
@verbose_option
@click.option("--audit", is_flag=True, help="Make runs twice more: same seed, same bits?")
def grade(
    paths: tuple[Path, ...],
    as_json: bool,
    force: bool,
    isolation: int,
    pass_mark: float | None,
    verbose: bool,
    audit: bool,
    **options: Any,
) -> None:
    """Run, judge and report: all steps in one.

    Of the folder of a class (docs/evening.md) it grades what is new or changed, as `assay class
    grade` does.
    """
    if any((path / CLASS_FILE).is_file() for path in paths):
        extras.need("class")
        grade_class(paths, force=force, isolation=isolation, as_json=as_json)
        return
    session = session_of(isolation=isolation, force=force, with_secret=True, **options)
    folder_made(session.reports)

    def one(submission: "Submission", progress: "Live") -> Answer:
        return graded(session, submission, progress, sample=int(audit))

    for_each(session, paths, as_json, one, pass_mark, keep=True, of_class=True, verbose=verbose)


@cli.command()
@shared_options
@scheduler_option
@force_option
@isolation_option(0)
@verbose_option
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
    verbose: bool,
    verify: bool,
    sample: int,
    name: str,
    **options: Any,
) -> None:
    """Run the assignment's own solution over its whole matrix, and write the reports."""
    from assay.submission.submission import read

    if Path(name).name != name or name in ("", ".", ".."):
        raise click.BadParameter("a plain name, without folders", param_hint="--name")
    session = session_of(isolation=isolation, force=force, own=True, **options)
    folder_made(session.reports)

    def one(_: "Submission", progress: "Live") -> Answer:
        submission = read(session.assignment.root, name)
        answer = graded(session, submission, progress, sample=sample if verify else 0)
        audit = answer["audit"]
        differs = verify and audit is not None and bool(audit["differing"])
        return {**answer, "exit_code": answer["exit_code"] or int(differs)}

    for_each(session, (session.assignment.root,), as_json, one, verbose=verbose)


@cli.command()
@click.argument("right", nargs=-1, metavar="[RIGHT...]", type=click.Path(path_type=Path))
@shared_options
@scheduler_option
@isolation_option(0)
@verbose_option
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A submission known to be wrong, or a folder of them: how surely is it caught?",
)
@click.option("--against-seeds", help="The seeds of those [default: the assignment's].")
def calibrate(
    right: tuple[Path, ...],
    against: tuple[Path, ...],
    against_seeds: str | None,
    as_json: bool,
    isolation: int,
    verbose: bool,
    seeds: str | None,
    **options: Any,
) -> None:
    """Say how often the rubric is wrong: submissions known to be right, over many seeds.

    Without RIGHT it is the assignment's own solution. `--seeds 50` stands for the seeds 0 to 49.
    """
    from assay.course import calibration
    from assay.grading import calibrate as measured
    from assay.grading.progress import live

    session = session_of(seeds=None, isolation=isolation, own=True, **options)
    chosen = seeds_of(f"0-{int(seeds) - 1}" if seeds and seeds.isdecimal() else seeds or "0-49")
    with (
        live(1) as progress,
        until_stopped(session),
        listening(session, progress, as_json=as_json, verbose=verbose),
    ):
        found = measured.calibrate(
            session,
            chosen,
            all_of(right or (session.assignment.root,), session),
            all_of(against, session),
            seeds_of(against_seeds) if against_seeds else (),
        )
    page = calibration.page(found)
    if session.assignment.calibration:
        kept = session.assignment.root / session.assignment.calibration
        kept.write_text(found.model_dump_json(indent=1), encoding="utf-8")
        kept.with_suffix(".md").write_text(page, encoding="utf-8")
    click.echo(found.model_dump_json(indent=1) if as_json else page)
    for alarm in calibration.alarms(found):
        click.echo(f"warning: {alarm}", err=True)


for command in (
    *classes.COMMANDS,
    *tools.COMMANDS,
    *exports.COMMANDS,
    *checks.COMMANDS,
    needing("review", reviewing.review),
    *handouts.COMMANDS,
    *starting.COMMANDS,
):
    cli.add_command(command)


def main() -> NoReturn:
    """Run the program, then end at once."""
    from assay.execution.shutdown import end_now

    _open_what_is_closed()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a file on Windows may not take every sign
    gc.set_threshold(*COLLECT)
    code: object = 0
    try:
        run_program()
    except SystemExit as ended:
        code = ended.code
    end_now(code)


def _open_what_is_closed() -> None:
    """After `2>&-` the next file that is opened would be taken for standard error."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            setattr(sys, name, os.fdopen(number, "r+" if number else "r", closefd=False))


def run_program(machine: "Machine | None" = None) -> None:
    """Run a command; a foreseeable error is a sentence and an exit code, never a traceback.

    Several commands of one process may share a machine; without one, each has its own.
    """
    from assay.errors import AssayError
    from assay.report import safe

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGINT is ignored after `&`
    try:
        sys.exit(cli.main(prog_name="assay", standalone_mode=False, obj=machine))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:  # whoever read what we say has enough
        sys.exit(141)
    except AssayError as error:
        click.echo(safe.terminal(str(error)), err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in FULL:
            traceback.print_exc()
        else:
            where = f" for `{error.filename}`" if error.filename else ", here or behind stdout"
            said = f"error: no space is left{where}: what was to be written is not"
            click.echo(safe.terminal(said), err=True)
        sys.exit(4)
    except Exception:  # a bug in assay, and no mark below the pass mark
        traceback.print_exc()
        sys.exit(4)
