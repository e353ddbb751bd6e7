"""What goes back to the platform: grade files and pages, each change said before it is made."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from assay.classroom import counting, downloads, feedback, gradefiles
from assay.classroom.downloads import Attempt, Download
from assay.classroom.gradebook import models
from assay.classroom.gradefiles import Change
from assay.classroom.marks import Row, rows
from assay.classroom.room import Room
from assay.classroom.roster import read_bytes
from assay.classroom.take import kept, survey
from assay.errors import UsageError, quoted
from assay.export.gradebooks import NBGRADER
from assay.grading import publish
from assay.records import Result
from assay.report import annotated, safe
from assay.report import feedback as pages
from assay.submission import archives
from assay.submission.folders import folder as folder_of
from assay.words import counted

FILLED = ("brightspace", "canvas", "moodle")
"""Platforms whose own export is filled in."""
FORMS = (*FILLED, "gradescope", "nbgrader", "csv")
OF_GRADESCOPE = ["Name", "SID", "Email", "Total Score", "Max Points", "Status"]


@dataclass
class Export:
    """A grade file, and what it changes on the platform."""

    content: bytes
    changes: list[Change] = field(default_factory=list)


def export(room: Room, form: str, source: Path | None, *, lower: bool = False) -> Export:
    """Return the grade file of a platform, filled into its own export (the roster by default).

    Raises
    ------
    UsageError
        If the export is not the platform's, or has no column of the item.
    """
    found = rows(room)
    withheld = [one for one in found if not one.sure or (_is_lower(one) and not lower)]
    given = [one for one in found if one not in withheld]
    marks = {one.member.key: one.points for one in given if one.points is not None}
    is_asked = any(map(_absent, withheld))  # whose a doubtful hand-in is may be one of these
    nobodys = sum(len(one.rows) for one in survey(room)) if is_asked else 0
    beside = [_withheld(one, nobodys) for one in withheld]
    if form not in FILLED:
        changes = [_change(one) for one in given]
        if form == "gradescope":
            changes = list(map(_by_gradescope, given, changes))
        return Export(_table(room, form, given).encode(), [*changes, *beside])
    content = read_bytes(
        source or room.root / room.settings.roster, "`--from` names the platform's own export"
    )
    if form == "moodle":
        said = {one.member.key: one.line for one in found}
        filled = gradefiles.moodle(content, marks, room.roster, comments=said, lower=lower)
    else:
        fill = gradefiles.brightspace if form == "brightspace" else gradefiles.canvas
        filled = fill(content, room.item, marks, room.roster, lower=lower)
    return Export(filled.content, [*filled.changes, *beside])


def _is_lower(row: Row) -> bool:
    return row.released is not None and row.points is not None and row.points < row.released


def _absent(row: Row) -> bool:
    """Return whether nothing was handed in, and no mark was given for that."""
    return row.points is None and not (row.attempts or row.needs or row.final.excused)


def _withheld(row: Row, nobodys: int) -> Change:
    key = row.member.key
    if _absent(row) and nobodys:
        doubtful = counted(nobodys, "hand-in")
        note = f"nothing handed in is known to be theirs; {doubtful} may be: `assay class status`"
        return Change("waits", key, row.released, None, note)
    if _absent(row):
        note = "handed in nothing: no mark is written, `assay class override` gives one"
        return Change("absent", key, row.released, None, note)
    if row.final.excused:
        return Change("excused", key, row.released, None, "is excused: nothing is written")
    if row.needs:
        return Change("waits", key, row.released, row.points, "; ".join(row.needs))
    return Change("lowered", key, row.released, row.points, "is released: `--lower` lowers it")


def _change(row: Row) -> Change:
    before, after = row.released, row.points
    kind = "new" if before is None else "same"
    if before is not None and after is not None and after != before:
        kind = "raised" if after > before else "lowered"
    return Change(kind, row.member.key, before, after)


def _by_gradescope(row: Row, change: Change) -> Change:
    """Return the change; without an id or an address, Gradescope cannot match the row."""
    if row.member.id or row.member.email:
        return change
    note = "Gradescope finds no one without a SID or an address: the roster has neither"
    return Change("missing", change.who, change.before, change.after, note)


def _table(room: Room, form: str, given: Sequence[Row]) -> str:
    if form == "csv":
        header = ["id", "username", "name", "email", "points", "maximum", "arithmetic"]
        cells = [
            [
                *_texts(one.member.id, one.member.username, one.member.full_name, one.member.email),
                f"{one.points:.2f}",
                f"{float(one.final.maximum):.2f}",
                *_texts(one.line),
            ]
            for one in given
        ]
    elif form == "gradescope":
        header = OF_GRADESCOPE
        cells = [
            [
                *_texts(one.member.full_name, one.member.id, one.member.email),
                f"{one.points:.2f}",
                f"{float(one.final.maximum):.2f}",
                "Graded",
            ]
            for one in given
        ]
    else:
        header = NBGRADER
        cells = [_of_nbgrader(room, one) for one in given]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header, *cells])
    return buffer.getvalue()


def _of_nbgrader(room: Room, one: Row) -> list[str]:
    member, late = one.member, abs(one.of("late") or 0.0)
    at = f"{one.at:%Y-%m-%d %H:%M:%S}" if one.at else ""
    due = f"{room.settings.moment(room.settings.due):%Y-%m-%d %H:%M:%S}"
    points = one.points or 0.0
    who = _student(room, one)
    return [
        *_texts(room.item, due, at, who, member.family, member.given),
        *_texts(member.email),
        f"{points + late:.2f}",
        f"{late:.2f}",
        f"{points:.2f}",
        f"{float(one.final.maximum):.2f}",
    ]


def _student(room: Room, one: Row) -> str:
    """What nbgrader calls a person: as in its own folder, where that was taken in."""
    there = counting.attempts(room, one.member.key)
    names = [a.origin["name"] for a in there if a.origin.get("platform") == "nbgrader"]
    return names[-1] if names else one.member.username or one.member.key


def _texts(*texts: str) -> list[str]:
    return [safe.csv(text, 2_000) for text in texts]


# Pages ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Released:
    """What became of a person's page: released, same, waits or lowered."""

    state: str
    key: str
    name: str
    points: float | None
    note: str = ""


def release(room: Room, *, by: str, lower: bool = False) -> list[Released]:
    """Release the page of everybody whose mark waits for nothing; what is released is kept.

    All pages are made, and then written in one transaction.

    Raises
    ------
    Conflict
        If somebody else has released a page meanwhile: then nothing is.
    """
    everybody = [one for one in rows(room) if one.attempts]
    beside: dict[int | None, list[Row]] = {}
    for one in everybody:
        if not _waits(one):
            beside.setdefault(one.final.attempt_id, []).append(one)
    made = [_made(room, one, beside, lower) for one in everybody]
    new = [(row, *page) for row, (_, page) in zip(everybody, made, strict=True) if page]

    def write() -> None:
        for row, content, seen in new:
            room.book.release(
                room.item, row.member.key, row.final, page=content, by=by, expected=seen
            )

    room.book.at_once(write)
    return [said for said, _ in made]


def _made(
    room: Room, row: Row, beside: Mapping[int | None, Sequence[Row]], lower: bool
) -> tuple[Released, tuple[bytes, int] | None]:
    """What becomes of a page, and if it is new: its content, and the version that was seen."""
    key, name = row.member.key, row.member.full_name
    if _waits(row):
        return Released("waits", key, name, row.points, "; ".join(row.needs)), None
    if _is_lower(row) and not lower:
        note = f"{row.released:.2f} is released: `--lower` lowers it"
        return Released("lowered", key, name, row.points, note), None
    before = room.book.releases(room.item, key)
    of_group = beside[row.final.attempt_id] if row.final.attempt_id is not None else [row]
    content = page(room, of_group).encode()
    if before and before[-1].page == content:
        return Released("same", key, name, row.points), None
    return Released("released", key, name, row.points), (content, len(before))


def _waits(row: Row) -> bool:
    return bool(row.needs) or (row.points is None and not row.final.excused)


def page(room: Room, whose: Sequence[Row]) -> str:
    """Return the page of a person, or of a group's members: mark, steps, what was found.

    Raises
    ------
    UsageError
        If the report is not the one that the gradebook's result was made from.
    """
    row = whose[0]
    result = _result(room, row)
    answers = {one["name"]: one["answer"] for one in _criteria(room, row)}
    marks = room.book.marks(room.item, *_marked(room, row), answers)
    by_hand = {
        name: pages.ByHand(
            None if mark.points is None else float(mark.points),
            mark.by,
            mark.comment or mark.reason,
        )
        for name, mark in marks.items()
        if mark.points is not None and answers.get(name) == mark.answer
    }
    return pages.page(
        title=f"{room.settings.title}: {room.item}",
        called=row.group or row.member.full_name or row.member.key,
        marks=[
            pages.PersonMark(
                one.member.full_name or one.member.key,
                one.points,
                float(one.final.maximum),
                [_step(step) for step in one.final.steps],
            )
            for one in whose
        ],
        result=result,
        by_hand=by_hand,
        notebooks=_notebooks(room, row, result, by_hand) if result else [],
    )


def _notebooks(
    room: Room, row: Row, result: Result, by_hand: Mapping[str, pages.ByHand]
) -> list[bytes]:
    """Copies of the notebooks of the attempt that counts, with marks and comments in them."""
    attempt = _attempt(room, row)
    if attempt is None:
        return []
    read = room.submission(attempt)
    heading = f"{room.settings.title}: {room.item}, {row.line}"
    return [
        annotated.annotated(read.files[name], heading, result, by_hand) for name in read.notebooks
    ]


def _step(step: Any) -> pages.Step:
    points = None if step.points is None else float(step.points)
    return pages.Step(step.kind, step.label, points, step.by, step.reason)


def _attempt(room: Room, row: Row) -> models.Attempt | None:
    attempts = counting.attempts(room, row.member.key)
    return next((one for one in attempts if one.id == row.final.attempt_id), None)


def _marked(room: Room, row: Row) -> tuple[str, str]:
    attempt = _attempt(room, row)
    author = room.authors[attempt.author_id] if attempt else None
    return (author.key, author.kind) if author else (row.member.key, "person")


def _criteria(room: Room, row: Row) -> list[models.CriterionRow]:
    attempt = _attempt(room, row)
    return list(room.book.results(attempt.id)[-1].criteria) if attempt else []


def _result(room: Room, row: Row) -> Result | None:
    """Return the report of the result that counts; none if a person decided without one."""
    attempt = _attempt(room, row)
    if attempt is None:
        return None
    whole = room.result(attempt)
    found = publish.result_at(whole if whole.exists() else room.reports / folder_of(row.pseudonym))
    digest = hashlib.sha256(found.model_dump_json().encode()).hexdigest()
    if digest != room.book.results(attempt.id)[-1].digest:
        raise UsageError(
            f"the report of {quoted(row.pseudonym)} is not the one that the gradebook knows",
            found="it was written again, or changed, since `assay class grade`",
            hint="`assay class grade --force` grades it once more",
        )
    return found


def zipped(room: Room) -> tuple[bytes, list[Row], list[Row]]:
    """Return the zip of all released pages, as the platform takes it back; whose are in, and not.

    Raises
    ------
    UsageError
        If nothing is released, or the platform takes no pages back.
    """
    of_attempt: dict[int, tuple[models.Attempt, bytes, Row]] = {}
    for row in rows(room):
        releases = room.book.releases(room.item, row.member.key)
        attempt = _attempt(room, row) or _newest(room, row)
        if releases and attempt is not None:
            of_attempt.setdefault(attempt.id, (attempt, releases[-1].page, row))
    if not of_attempt:
        raise UsageError("no page is released", hint="`assay class release` releases them")
    platform = next(iter(of_attempt.values()))[0].origin["platform"]
    found = Download(platform, index=_index(room))
    given: dict[str, bytes] = {}
    inside: dict[bool, list[Row]] = {True: [], False: []}
    for attempt, content, row in of_attempt.values():
        one = _downloaded(room, attempt)
        found.attempts.append(one)
        given[one.place] = content
        inside[feedback.is_taken_back(one)].append(row)
    return feedback.zipped(found, given), inside[True], inside[False]


def _newest(room: Room, row: Row) -> models.Attempt | None:
    attempts = counting.attempts(room, row.member.key)
    return attempts[-1] if attempts else None


def _downloaded(room: Room, attempt: models.Attempt) -> Attempt:
    """What the download had, by its names; the contents are those of the attempt that is kept."""
    origin = attempt.origin
    at = room.settings.moment(attempt.submitted_at) if origin.get("timed") else None
    return Attempt(
        origin["platform"],
        origin["place"],
        "",
        at=at,
        files=tuple(
            archives.Member(name, "file", partial(_content, room.file(attempt), name))
            for name in origin["files"]
        ),
        raw_names=tuple(origin["raw_names"]),
    )


def _content(path: Path, name: str, at_most: int) -> bytes:
    kept = archives.zipped(path.read_bytes(), downloads.MAX_FILE)
    return next((one.read(at_most) for one in kept if one.name == name), b"")


def _index(room: Room) -> bytes | None:
    """Brightspace's `index.html`, of the newest download that has one."""
    for one in reversed(kept(room)):
        found = downloads.read(one, room.known, title=room.item)
        if found.index is not None:
            return found.index
    return None
