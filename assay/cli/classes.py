"""The commands of a class: from a platform's download to marks in the platform."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.cli.options import force_option, isolation_option, json_option
from assay.cli.steps import listening, until_stopped
from assay.cli.values import signing_key

if TYPE_CHECKING:
    from assay.classroom.room import Room
    from assay.classroom.take import Taken

NEEDS_PERSON = 3
FORMS = ("brightspace", "canvas", "moodle", "gradescope", "nbgrader", "csv")

folder_argument = click.argument(
    "folder", metavar="CLASS", type=click.Path(path_type=Path, exists=True, file_okay=False)
)
by_option = click.option("--by", required=True, help="Who decides: it stays in the history.")
reason_option = click.option("--reason", required=True, help="Why, in a sentence.")


@click.group("class")
def classes() -> None:
    """From a learning platform's download to marks and feedback in the platform.

    CLASS is a folder with class.toml, the roster, the downloads as they came, and the gradebook.
    """


@classes.command()
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
    room = _open(folder)
    counted = _number(len(room.roster.members), "person", "people")
    grouped = f", {_number(len(room.roster.groups), 'group')}" if room.roster.groups else ""
    click.echo(safe.terminal(f"{folder}: {counted}{grouped}; due {_when(room.settings.due)}"))
    click.echo(f"late rule, extensions and more: {folder / 'class.toml'}", err=True)


@classes.command()
@folder_argument
@click.argument("sources", nargs=-1, metavar="[DOWNLOAD...]", type=click.Path(path_type=Path))
@json_option
def take(folder: Path, sources: tuple[Path, ...], as_json: bool) -> None:
    """Take in downloads: zips or folders, of any platform.

    The platform is recognised by what is in them. Without DOWNLOAD, those that are kept are looked
    at once more, after a line in class.toml settled whose something is. Exits with 3 if an attempt
    is nobody's in the roster, or damaged.
    """
    from assay.classroom import take as taking

    room = _open(folder)
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
        click.echo(json.dumps(shown, indent=1))
    else:
        for one in taken:
            _tell_taken(one)
    sys.exit(NEEDS_PERSON if any(one.needs_person for one in taken) else 0)


def _tell_taken(taken: "Taken") -> None:
    rows = [(one.state, one.who, one.at, one.note) for one in taken.rows]
    _table(["attempt", "of", "at", ""], rows)
    count = dict.fromkeys(("new", "known", "nobody's", "damaged"), 0)
    for one in taken.rows:
        count[one.state] += 1
    said = ", ".join(f"{number} {state}" for state, number in count.items() if number)
    _say(f"{taken.platform}: {said or 'no attempts'}")
    for name, reason in taken.passed_over:
        _say(f"passed over: {name}: {reason}")
    if unknown := [one for one in taken.rows if one.state == "nobody's"]:
        _say(
            "\nhint: settle each in class.toml, under [settled], and `take` again without DOWNLOAD"
        )
        for one in unknown:
            _say(f'  {json.dumps(one.place, ensure_ascii=False)} = "ID"')
    if any(one.at.startswith("no time") for one in taken.rows):
        _say(
            "\nhint: without a time an attempt counts as on time; [submitted] in class.toml says it"
        )


@classes.command()
@folder_argument
@json_option
def status(folder: Path, as_json: bool) -> None:
    """Say who handed in, what is graded and released, and what needs a person."""
    from assay.classroom import marks
    from assay.classroom import take as taking

    room = _open(folder)
    found = marks.rows(room)
    unknown = [(one.download, row) for one in taking.survey(room) for row in one.rows]
    if as_json:
        people = [row.plain() for row in found]
        nobodys = [{"download": name, **row.__dict__} for name, row in unknown]
        click.echo(json.dumps({"people": people, "nobodys": nobodys}, indent=1))
        return
    handed = [one for one in found if one.attempts]
    sure = [one for one in handed if one.sure]
    _say(f"{room.settings.title}, {room.item}: due {_when(room.settings.due)}")
    _say(
        f"{len(found)} in the roster, {len(handed)} handed in, {len(sure)} with a mark, "
        f"{sum(one.released is not None for one in found)} released"
    )
    if missing := [one.member.full_name or one.member.key for one in found if not one.attempts]:
        _say(f"nothing handed in: {', '.join(missing)}")
    needs = [(one.member.key, one.member.full_name, note) for one in handed for note in one.needs]
    needs += [(row.state, row.who, f"{row.note} (in {name})") for name, row in unknown]
    _table(["id", "of", "needs a person"], needs)


@classes.command()
@folder_argument
@click.option("--jobs", type=click.IntRange(1), help="Runs at once [default: one a core].")
@force_option
@isolation_option(3)
@json_option
def grade(folder: Path, jobs: int | None, force: bool, isolation: int, as_json: bool) -> None:
    """Grade what is new or changed, and write the results into the gradebook.

    Of each person or group the newest attempt that can be graded counts. What is graded is called
    by a pseudonym. Exits with 3 if somebody's work cannot be graded, with 4 if something was not
    judged.
    """
    from assay.classroom import grade as grading
    from assay.course import assignment as assignments
    from assay.course.secret import beside
    from assay.evidence.store import Store
    from assay.grading.progress import live
    from assay.grading.session import Session

    room = _open(folder)
    course = assignments.read(room.assignment)
    say = lambda text: click.echo(text, err=True)  # noqa: E731
    session = Session(
        course,
        Store(folder / ".assay" / "store"),
        room.reports,
        jobs=jobs,
        require_isolation=isolation,
        force=force,
        key=signing_key(),
        secret=beside(course.root / ".assay" / "store", say),
    )
    with (
        until_stopped(session),
        live(len(room.authors)) as progress,
        listening(session, progress),
    ):
        found = list(grading.grade(room, session, force=force))
    names = {one.pseudonym: one.name for one in room.authors.values()}
    if as_json:
        click.echo(json.dumps([one.__dict__ for one in found], indent=1))
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
        _table(["", "pseudonym", "of", "points", ""], rows)
        _say(
            f"{sum(one.state == 'graded' for one in found)} graded, "
            f"{sum(one.state == 'same' for one in found)} as before, "
            f"{sum(one.state == 'not graded' for one in found)} not graded; pages in {room.reports}"
        )
    sys.exit(max((one.exit_code for one in found), default=0))


@classes.command()
@folder_argument
@click.option("--csv", "as_csv", is_flag=True, help="Print the marks as CSV.")
@json_option
def marks(folder: Path, as_csv: bool, as_json: bool) -> None:
    """Print the marks: automatic + by hand - late, and what still needs a person."""
    from assay.classroom import marks as marking

    room = _open(folder)
    found = marking.rows(room)
    if as_json:
        click.echo(json.dumps([one.plain() for one in found], indent=1))
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
        sums = [f"{one.of(kind):.2f}" if one.attempts else "" for kind in KINDS]
        rows.append((one.member.key, one.member.full_name, *sums, final, said))
    _table(["id", "of", "automatic", "by hand", "late", "final", ""], rows)


KINDS = ("automatic", "by hand", "late")


@classes.command()
@folder_argument
@click.argument("who")
@json_option
def sheet(folder: Path, who: str, as_json: bool) -> None:
    """Show the lines of a person's mark sheet, and the version of each mark by hand."""
    from assay.classroom import marks as marking

    room = _open(folder)
    found = marking.sheet(room, room.member(who))
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
        click.echo(json.dumps(shown, indent=1))
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
    _table(["line", "", "automatic", "by hand", "version", ""], rows)


@classes.command()
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

    room = _open(folder)
    given = None if points == "-" else _points(points)
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
    _say(f"{line}: version {written.version}, {points} by {by}")


@classes.command()
@folder_argument
@click.argument("who")
@by_option
@reason_option
def excuse(folder: Path, who: str, by: str, reason: str) -> None:
    """Excuse a person: no mark, and nothing is exported."""
    _decide(folder, who, "excuse", {}, by, reason)


@classes.command()
@folder_argument
@click.argument("who")
@click.argument("points")
@by_option
@reason_option
def override(folder: Path, who: str, points: str, by: str, reason: str) -> None:
    """Replace a person's final mark by POINTS; `-` takes that back."""
    value = None if points == "-" else {"points": _points(points)}
    _decide(folder, who, "override", value, by, reason)


def _decide(
    folder: Path, who: str, what: str, value: dict[str, Any] | None, by: str, reason: str
) -> None:
    room = _open(folder)
    key = room.member(who).key
    before = room.book.decisions(room.item, key).get(what)
    expected = before.version if before else 0
    decide = room.book.excuse if what == "excuse" else room.book.override
    decide(room.item, key, value=value, by=by, reason=reason, expected=expected)
    _say(f"{key}: {what} written, by {by}")


@classes.command()
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

    room = _open(folder)
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
    _table(["", "id", "of", "there", "here", ""], rows)
    counts = {one.kind: 0 for one in made.changes}
    for one in made.changes:
        counts[one.kind] += 1
    said = ", ".join(f"{number} {kind}" for kind, number in counts.items()) or "nothing changes"
    _say(f"{said}; nothing is written" if dry_run else f"{said}; written to {place}")


def _mark(points: float | None) -> str:
    return "-" if points is None else f"{points:.2f}"


@classes.command()
@folder_argument
@by_option
@click.option("--lower", is_flag=True, help="Release marks that are lower than those released.")
def release(folder: Path, by: str, lower: bool) -> None:
    """Release the pages of all whose mark waits for nothing; a released page is kept as it was."""
    from assay.classroom import out as leaving

    room = _open(folder)
    found = leaving.release(room, by=by, lower=lower)
    rows = [(one.state, one.key, one.name, _mark(one.points), one.note) for one in found]
    _table(["", "id", "of", "points", ""], rows)
    counts = [f"{sum(one.state == s for one in found)} {s}" for s in ("released", "same", "waits")]
    _say(", ".join(counts))


@classes.command()
@folder_argument
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the zip.")
def feedback(folder: Path, out: Path | None) -> None:
    """Write the zip of the released pages, in the form that the platform takes back.

    Folders and files have the names of the download, and Brightspace's `index.html` is the same.
    """
    from assay.classroom import out as leaving
    from assay.classroom.room import write

    room = _open(folder)
    content, whose = leaving.zipped(room)
    place = out or room.out / "feedback.zip"
    write(place, content)
    _say(f"{place}: {_number(len(whose), 'page')}, {len(content) / 1e3:.0f} kB")


@classes.command()
@folder_argument
@click.argument("who")
@click.argument("line")
@click.argument("question")
def ask(folder: Path, who: str, line: str, question: str) -> None:
    """Note a person's question on a line of their mark sheet: a request to mark it again."""
    from assay.classroom import requests

    room = _open(folder)
    written = requests.ask(room, room.member(who), line, question)
    _say(f"request {written.id}: {line}")


@classes.command()
@folder_argument
@click.option("--all", "everything", is_flag=True, help="Those that are answered, too.")
def requests(folder: Path, everything: bool) -> None:
    """Show the requests to mark something again, each with the mark and its reason as they were."""
    from assay.classroom import requests as asking

    found = [one for one in asking.rows(_open(folder)) if everything or not one.answers]
    for one in found:
        _say(f"{one.number}  {one.who}  {one.line}: {one.mark}")
        _say(f"   asks: {one.question}")
        for answer in one.answers:
            _say(f"   {answer}")
    _say(_number(len(found), "request"))


@classes.command()
@folder_argument
@click.argument("request", type=click.IntRange(1))
@click.argument("text")
@by_option
def answer(folder: Path, request: int, text: str, by: str) -> None:
    """Answer a request. A mark that changes is written by `assay class mark`."""
    from assay.classroom import requests as asking

    written = asking.answer(_open(folder), request, text, by=by)
    _say(f"request {request}: answer {written.version}, by {by}")


@classes.command()
@folder_argument
@click.argument("who", required=False)
@click.option("--term", is_flag=True, help="Everybody, the groups, and all files of the class.")
@click.option("--older-than", metavar="DAYS", type=click.FloatRange(0), help="Who is idle so long.")
@json_option
def forget(
    folder: Path, who: str | None, term: bool, older_than: float | None, as_json: bool
) -> None:
    """Delete all there is of a person, and search every table and file for what is left.

    Their rows leave the roster, the groups and class.toml too; a download is written again without
    them. Exits with 3 if something is left: a person looks at it.
    """
    from assay.classroom import forgetting

    if [who is not None, term, older_than is not None].count(True) != 1:
        raise click.UsageError("name WHO, or give `--term` or `--older-than`, one of them")
    room = _open(folder)
    if who is not None:
        done = forgetting.person(room, who)
    elif older_than is not None:
        done = forgetting.older_than(room, older_than)
    else:
        done = forgetting.term(room)
    if as_json:
        left = [{"word": one.word, "where": one.where} for one in done.left]
        click.echo(json.dumps({**done.__dict__, "left": left}, indent=1))
    else:
        for file in done.files:
            _say(f"deleted: {file}")
        _table(["left", "where"], [(one.word, one.where) for one in done.left])
        for word in done.shared:
            _say(f"names somebody else of the class too, and was not searched for: {word}")
        number = _number(len(done.searched), "word")
        remains = _number(len(done.left), "place") if done.left else "nothing"
        _say(
            f"{_number(done.people, 'person', 'people')} forgotten; {number} searched for in every "
            f"table and file: {remains} is left"
        )
    sys.exit(NEEDS_PERSON if done.left else 0)


def _open(folder: Path) -> "Room":
    from assay.errors import UsageError

    try:
        from assay.classroom.room import open_room
    except ModuleNotFoundError as error:
        raise UsageError(
            "the gradebook needs what is not installed",
            found=str(error),
            hint='pip install "assay[class]"',
        ) from None
    room = open_room(folder)
    click.get_current_context().call_on_close(room.book.close)
    return room


def _points(text: str) -> Any:
    from decimal import Decimal, InvalidOperation

    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise click.BadParameter(f"`{text}` is no number of points", param_hint="POINTS")
    return found


def _when(time: Any) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


def _number(count: int, one: str, several: str = "") -> str:
    return f"{count} {one if count == 1 else several or f'{one}s'}"


def _say(text: str) -> None:
    from assay.report import safe

    click.echo(safe.terminal(text))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; a name cannot move the cursor, nor break its line."""
    from assay.report import safe

    if not rows:
        return
    shown = [header, *([safe.plain(cell, 90) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in shown) for at in range(len(header))]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


COMMANDS = (classes,)
