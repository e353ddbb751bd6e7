"""Begin a class, take in its downloads, and grade what is new."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.classes.console import moment, say, table
from assay.cli.classes.options import NEEDS_PERSON, folder_argument, open_class
from assay.cli.options import json_option
from assay.words import counted

if TYPE_CHECKING:
    from assay.classroom.take import Taken


@click.command()
@click.argument("folder", metavar="CLASS", type=click.Path(path_type=Path))
@click.option(
    "--roster",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The platform's export of grades or its worksheet, or `id,username,name,email`.",
)
@click.option("--item", required=True, help="The grade item's name on the platform.")
@click.option("--due", required=True, help="As `2026-10-10T23:59`.")
@click.option("--time-zone", required=True, help="Of the platform's clock: `America/Toronto`.")
@click.option(
    "--assignment",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=Path("assignment.toml"),
    show_default=True,
    help="The assignment to grade by.",
)
@click.option("--title", help="What the class is called [default: the folder's name].")
@click.option(
    "--groups",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Who is in which group: `group,username`.",
)
def new(
    folder: Path,
    roster: Path,
    item: str,
    due: str,
    time_zone: str,
    assignment: Path,
    title: str | None,
    groups: Path | None,
) -> None:
    """Make the folder of a class: class.toml, a copy of the roster, and the gradebook."""
    from assay.classroom import begin
    from assay.report import safe

    begin.new(
        folder,
        title=title or folder.resolve().name,
        item=item,
        due=due,
        time_zone=time_zone,
        assignment=assignment,
        roster=roster,
        groups=groups,
    )
    room = open_class(folder)
    people = counted(len(room.roster.members), "person", "people")
    grouped = f", {counted(len(room.roster.groups), 'group')}" if room.roster.groups else ""
    click.echo(safe.terminal(f"{folder}: {people}{grouped}; due {moment(room.settings.due)}"))
    click.echo(f"late rule, extensions and more: {folder / 'class.toml'}", err=True)


@click.command()
@folder_argument
@click.argument("sources", nargs=-1, metavar="[DOWNLOAD...]", type=click.Path(path_type=Path))
@json_option
def take(folder: Path, sources: tuple[Path, ...], as_json: bool) -> None:
    """Take in downloads: zips or folders, of any platform.

    The platform is recognised by what is in them. Without DOWNLOAD, those that are kept are looked
    at once more, after a line in class.toml settled whose something is. Exits with status 3 if an
    attempt matches no one in the roster, or is damaged.
    """
    from assay.classroom import take as taking
    from assay.report import safe

    room = open_class(folder)
    taken = [taking.take(room, one) for one in sources] if sources else taking.again(room)
    if as_json:
        shown = [
            {
                "download": one.download,
                "platform": one.platform,
                "attempts": [row.__dict__ for row in one.rows],
                "passed_over": [{"name": name, "reason": why} for name, why in one.passed_over],
            }
            for one in taken
        ]
        click.echo(safe.json_text(json.dumps(shown, indent=1)))
    else:
        for one in taken:
            _tell_taken(one)
    sys.exit(NEEDS_PERSON if any(one.needs_person for one in taken) else 0)


def _tell_taken(taken: "Taken") -> None:
    rows = [(one.state, one.who, one.at, one.note) for one in taken.rows]
    table(["attempt", "of", "at", ""], rows)
    count = dict.fromkeys(("new", "known", "nobody's", "damaged", "left out"), 0)
    for one in taken.rows:
        count[one.state] += 1
    said = ", ".join(f"{number} {state}" for state, number in count.items() if number)
    say(f"{taken.platform}: {said or 'no attempts'}")
    for name, reason in taken.passed_over:
        say(f"passed over: {name}: {reason}")
    if unknown := [one for one in taken.rows if one.state == "nobody's"]:
        say("\nhint: settle each in class.toml, under [settled], and `take` again without DOWNLOAD")
        for one in unknown:
            say(f'  {json.dumps(one.place, ensure_ascii=False)} = "ID"')
        say('  `""` instead of an id: it belongs to no one in the class')
    if any(one.at.startswith("no time") for one in taken.rows):
        say(
            "\nhint: without a time an attempt counts as on time; [submitted] in class.toml says it"
        )


@click.command()
@folder_argument
@json_option
def status(folder: Path, as_json: bool) -> None:
    """Say who handed in, what is graded and released, and what needs a person."""
    from assay.classroom import marks
    from assay.classroom import take as taking
    from assay.report import safe

    room = open_class(folder)
    found = marks.rows(room)
    unknown = [(one.download, row) for one in taking.survey(room) for row in one.rows]
    if as_json:
        people = [row.plain() for row in found]
        nobodys = [{"download": name, **row.__dict__} for name, row in unknown]
        click.echo(safe.json_text(json.dumps({"people": people, "nobodys": nobodys}, indent=1)))
        return
    handed = [one for one in found if one.attempts]
    sure = [one for one in handed if one.sure]
    say(f"{room.settings.title}, {room.item}: due {moment(room.settings.due)}")
    say(
        f"{len(found)} in the roster, {len(handed)} handed in, {len(sure)} with a mark, "
        f"{sum(one.released is not None for one in found)} released"
    )
    if missing := [one.member.full_name or one.member.key for one in found if not one.attempts]:
        doubtful = f" that is known to be theirs ({len(unknown)} in doubt)" if unknown else ""
        say(f"nothing handed in{doubtful}: {', '.join(missing)}")
    needs = [(one.member.key, one.member.full_name, note) for one in found for note in one.needs]
    needs += [(row.state, row.who, f"{row.note} (in {name})") for name, row in unknown]
    table(["id", "of", "needs a person"], needs)


COMMANDS = (new, take, status)
