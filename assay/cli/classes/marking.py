"""The mark sheets of a class: what is earned, and what a person decides."""

import json
from collections.abc import Mapping
from pathlib import Path

import click

from assay.cli.classes.console import say, table
from assay.cli.classes.options import (
    by_option,
    folder_argument,
    open_class,
    points_of,
    reason_option,
)
from assay.cli.options import json_option

KINDS = ("automatic", "by hand", "late")


@click.command()
@folder_argument
@click.option("--csv", "as_csv", is_flag=True, help="Print the marks as CSV.")
@json_option
def marks(folder: Path, as_csv: bool, as_json: bool) -> None:
    """Print the marks: automatic + by hand - late, and what still needs a person."""
    from assay.classroom import marks as marking
    from assay.report import safe

    room = open_class(folder)
    found = marking.rows(room)
    if as_json:
        click.echo(safe.json_text(json.dumps([one.plain() for one in found], indent=1)))
        return
    if as_csv:
        click.echo(marking.table(found), nl=False)
        return
    rows = []
    for one in found:
        final = "excused" if one.final.excused else "-"
        if one.points is not None:
            final = f"{one.points:.2f}/{float(one.final.maximum):g}"
        said = "; ".join(one.needs) if one.needs else one.line if one.of("late") else ""
        sums = ["not graded" if one.attempts else "", "", ""]
        if one.graded:
            sums = [f"{one.of(kind):.2f}" for kind in KINDS]
        rows.append((one.member.key, one.member.full_name, *sums, final, said))
    table(["id", "of", "automatic", "by hand", "late", "final", ""], rows)


@click.command()
@folder_argument
@click.argument("who")
@json_option
def sheet(folder: Path, who: str, as_json: bool) -> None:
    """Show the lines of a person's mark sheet, and the version of each mark by hand.

    It also shows what was typed into the platform beside the file, or instead of one.
    """
    from assay.classroom import marks as marking
    from assay.report import safe

    room = open_class(folder)
    member = room.member(who)
    found = marking.sheet(room, member)
    if as_json:
        shown = [
            {
                **line,
                "mark": mark
                and {
                    "version": mark.version,
                    "points": None if mark.points is None else float(mark.points),
                    "by": mark.by,
                    "reason": mark.reason,
                    "same_answer": mark.answer == line["answer"],
                },
            }
            for line, mark in found
        ]
        click.echo(safe.json_text(json.dumps(shown, indent=1)))
        return
    rows = []
    for line, mark in found:
        by_hand, reason = "", "waits for a mark by hand" if line["waits"] else ""
        if mark and mark.points is not None:
            changed = "" if mark.answer == line["answer"] else "the answer has changed: "
            by_hand = f"{float(mark.points):.2f}"
            reason = f"{changed}{mark.reason} ({mark.by})"
        version = str(mark.version) if mark else "0"
        earned = f"{float(line['earned']):.2f}/{float(line['points']):g}"
        rows.append((line["name"], line["title"], earned, by_hand, version, reason))
    table(["line", "", "automatic", "by hand", "version", ""], rows)
    text, is_all = marking.typed_text(room, member)
    if text:
        where = "into the platform, no file" if is_all else "into the platform beside the file"
        say(f"typed {where}:\n{safe.lines(text)}")


@click.command()
@folder_argument
@click.argument("who")
@click.argument("line")
@click.argument("points")
@by_option
@reason_option
@click.option("--comment", default="", help="What the student reads beside the points.")
@click.option(
    "--over",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="The version that this mark replaces, as `assay class sheet` shows it.",
)
def mark(
    folder: Path,
    who: str,
    line: str,
    points: str,
    by: str,
    reason: str,
    comment: str,
    over: int,
) -> None:
    """Give POINTS by hand for a line of a person's mark sheet; `-` takes the mark back.

    Of a group it is everybody's mark. The older ones stay in the history. If somebody else has
    written a version since, nothing is written.
    """
    from assay.classroom import marks as marking

    room = open_class(folder)
    given = None if points == "-" else points_of(points)
    written = marking.mark(
        room,
        room.member(who),
        line,
        given,
        by=by,
        over=over,
        reason=reason,
        comment=comment,
    )
    say(f"{line}: version {written.version}, {points} by {by}")


@click.command()
@folder_argument
@click.argument("who")
@by_option
@reason_option
def excuse(folder: Path, who: str, by: str, reason: str) -> None:
    """Excuse a person: no mark, and nothing is exported."""
    _decide(folder, who, "excuse", {}, by, reason)


@click.command()
@folder_argument
@click.argument("who")
@click.argument("points")
@by_option
@reason_option
def override(folder: Path, who: str, points: str, by: str, reason: str) -> None:
    """Replace a person's final mark by POINTS; `-` takes that back."""
    value = None if points == "-" else {"points": points_of(points)}
    _decide(folder, who, "override", value, by, reason)


def _decide(
    folder: Path, who: str, what: str, value: Mapping[str, object] | None, by: str, reason: str
) -> None:
    room = open_class(folder)
    key = room.member(who).key
    before = room.book.decisions(room.item, key).get(what)
    expected = before.version if before else 0
    decide = room.book.excuse if what == "excuse" else room.book.override
    decide(room.item, key, value=value, by=by, reason=reason, expected=expected)
    say(f"{key}: {what} written, by {by}")


COMMANDS = (
    marks,
    sheet,
    mark,
    excuse,
    override,
)
