"""What leaves a class: grade files, released pages and the zip of feedback."""

import json
from pathlib import Path

import click

from assay.cli.classes.console import say, table
from assay.cli.classes.options import by_option, folder_argument, open_class
from assay.cli.options import json_option
from assay.words import counted

FORMS = ("brightspace", "canvas", "moodle", "gradescope", "nbgrader", "csv")


@click.command()
@folder_argument
@click.argument("form", metavar="FORMAT", type=click.Choice(FORMS))
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The platform's own export, to be filled in [default: the roster].",
)
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@click.option("--lower", is_flag=True, help="Lower marks that the platform has or are released.")
@json_option
def export(
    folder: Path,
    form: str,
    source: Path | None,
    out: Path | None,
    dry_run: bool,
    lower: bool,
    as_json: bool,
) -> None:
    """Write the grade file of a platform, and say what it changes there.

    FORMAT is brightspace, canvas, moodle, gradescope, nbgrader or csv. The first three fill in the
    platform's own export: its header stays as it is, byte for byte. What waits for a person is not
    written, and nothing is lowered without `--lower`.
    """
    from assay.classroom import out as leaving
    from assay.classroom.room import write

    room = open_class(folder)
    made = leaving.export(room, form, source, lower=lower)
    place = out or room.out / f"{form}.csv"
    if not dry_run:
        write(place, made.content)
    if as_json:
        changes = [one.__dict__ for one in made.changes]
        written = None if dry_run else str(place)
        click.echo(json.dumps({"file": written, "changes": changes}, indent=1))
        return
    shown = [one for one in made.changes if one.kind != "same"]
    names = {one.key: one.full_name for one in room.roster.members}
    rows = [
        (one.kind, one.who, names.get(one.who, ""), _mark(one.before), _mark(one.after), one.note)
        for one in shown
    ]
    table(["", "id", "of", "there", "here", ""], rows)
    counts = {one.kind: 0 for one in made.changes}
    for one in made.changes:
        counts[one.kind] += 1
    said = ", ".join(f"{number} {kind}" for kind, number in counts.items()) or "nothing changes"
    say(f"{said}; nothing is written" if dry_run else f"{said}; written to {place}")


def _mark(points: float | None) -> str:
    return "-" if points is None else f"{points:.2f}"


@click.command()
@folder_argument
@by_option
@click.option("--lower", is_flag=True, help="Release marks that are lower than those released.")
def release(folder: Path, by: str, lower: bool) -> None:
    """Release the pages of all whose mark waits for nothing; a released page is kept as it was."""
    from assay.classroom import out as leaving

    room = open_class(folder)
    found = leaving.release(room, by=by, lower=lower)
    rows = [(one.state, one.key, one.name, _mark(one.points), one.note) for one in found]
    table(["", "id", "of", "points", ""], rows)
    counts = [f"{sum(one.state == s for one in found)} {s}" for s in ("released", "same", "waits")]
    say(", ".join(counts))


@click.command()
@folder_argument
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the zip.")
def feedback(folder: Path, out: Path | None) -> None:
    """Write the zip of the released pages, in the form that the platform takes back.

    Folders and files have the names of the download, and Brightspace's `index.html` is the same.
    """
    from assay.classroom import out as leaving
    from assay.classroom.room import write

    room = open_class(folder)
    content, whose, left = leaving.zipped(room)
    place = out or room.out / "feedback.zip"
    write(place, content)
    say(f"{place}: {counted(len(whose), 'page')}, {len(content) / 1e3:.0f} kB")
    for one in left:
        say(f"not in it: {one.group or one.member.full_name}, the platform takes no page back here")


COMMANDS = (
    export,
    release,
    feedback,
)
