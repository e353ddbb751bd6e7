"""Grade what is new in a class."""

import json
import sys
from pathlib import Path

import click

from assay.cli.classes.console import say, table
from assay.cli.classes.options import folder_argument, open_class
from assay.cli.options import force_option, isolation_option, json_option
from assay.cli.steps import listening, machine_given, until_stopped
from assay.cli.values import signing_key


@click.command()
@folder_argument
@click.option("--jobs", type=click.IntRange(1), help="Runs at once [default: one a core].")
@force_option
@isolation_option(3)
@json_option
def grade(folder: Path, jobs: int | None, force: bool, isolation: int, as_json: bool) -> None:
    """Grade what is new or changed, and write the results into the gradebook.

    Of each person or group the newest attempt that can be graded counts. What is graded is called
    by a pseudonym. Exits with status 3 if somebody's work cannot be graded, with 4 if something
    was not judged.
    """
    from assay.classroom import grade as grading
    from assay.course import assignment as assignments
    from assay.course.secret import beside
    from assay.evidence.store import Store
    from assay.grading.progress import live
    from assay.grading.session import Session
    from assay.report import safe

    room = open_class(folder)
    course = assignments.read(room.assignment)
    warn = lambda text: click.echo(text, err=True)  # noqa: E731
    session = Session(
        course,
        Store(room.store),
        room.reports,
        jobs=jobs,
        require_isolation=isolation,
        force=force,
        key=signing_key(),
        secret=beside(room.store, warn),
        machine=machine_given(),
    )
    with (
        session.store.in_use(),
        until_stopped(session),
        live(len(room.authors)) as progress,
        listening(session, progress),
    ):
        found = list(grading.grade(room, session, force=force))
    names = {one.pseudonym: one.name for one in room.authors.values()}
    if as_json:
        click.echo(safe.json_text(json.dumps([one.__dict__ for one in found], indent=1)))
    else:
        rows = [
            (
                one.state,
                one.pseudonym,
                names[one.pseudonym],
                "" if one.state == "not graded" else f"{one.points:.2f}/{one.possible:g}",
                one.note,
            )
            for one in found
        ]
        table(["", "pseudonym", "of", "points", ""], rows)
        say(
            f"{sum(one.state == 'graded' for one in found)} graded, "
            f"{sum(one.state == 'same' for one in found)} as before, "
            f"{sum(one.state == 'not graded' for one in found)} not graded; pages in {room.reports}"
        )
    sys.exit(max((one.exit_code for one in found), default=0))


CLASS_FILE = "class.toml"
OF_A_CLASS = {"paths", "jobs", "force", "isolation", "as_json"}
"""What `assay grade` takes for the folder of a class as well."""


def grade_class(paths: tuple[Path, ...], *, force: bool, isolation: int, as_json: bool) -> None:
    """Grade the class that `assay grade` was given.

    Raises
    ------
    UsageError
        If something else is named beside it, or an option that a class has no use for.
    """
    from assay.errors import UsageError, quoted

    context = click.get_current_context()
    typed = [
        f"--{name.replace('_', '-')}"
        for name in context.params
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        and name not in OF_A_CLASS
    ]
    if len(paths) > 1 or typed:
        beside = [*map(quoted, map(str, paths)), *map(quoted, typed)]
        raise UsageError(
            "a class is graded alone, by what its class.toml says",
            found=", ".join(beside),
            hint="`assay class grade CLASS` takes `--jobs`, `--force` and `--require-isolation`",
        )
    context.invoke(
        grade,
        folder=paths[0],
        jobs=context.params["jobs"],
        force=force,
        isolation=isolation,
        as_json=as_json,
    )


COMMANDS = (grade,)
