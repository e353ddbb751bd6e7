"""The marks of a class: automatic + by hand - late, each step with its reason."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import JsonValue

from assay.classroom import counting, typed
from assay.classroom.counting import Moved
from assay.classroom.gradebook import FinalMark
from assay.classroom.gradebook.final import final_mark
from assay.classroom.gradebook.models import Attempt, CriterionRow, Mark
from assay.classroom.room import Room
from assay.classroom.roster import Member
from assay.errors import UsageError, quoted
from assay.report import safe

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Row:
    """A person's mark, and what it is made of."""

    member: Member
    pseudonym: str
    """Of the person, or of the group whose attempt counts."""
    group: str
    attempts: int
    at: datetime | None
    final: FinalMark
    needs: list[str]
    released: float | None

    @property
    def points(self) -> float | None:
        """What a platform is given; None if there is nothing to give."""
        return None if self.final.points is None else float(self.final.points.quantize(CENT))

    @property
    def sure(self) -> bool:
        """Whether nothing of it waits for a person."""
        return self.points is not None and not self.needs

    @property
    def graded(self) -> bool:
        """Whether there is a result: without one nothing is known of any points."""
        return self.final.attempt_id is not None

    def of(self, kind: str) -> float | None:
        """Return the sum of one kind of steps; None if there is no result to have any."""
        if not self.graded:
            return None
        steps = [one.points for one in self.final.steps if one.kind == kind and one.points]
        return float(sum(steps, Decimal()).quantize(CENT))

    @property
    def line(self) -> str:
        """The arithmetic in one line."""
        said = [
            f"{one.label} {one.points:+.2f}" if one.kind == "by hand" else one.label
            for one in self.final.steps
            if one.kind not in ("automatic",)
        ]
        automatic = [f"automatic {one.points:.2f}" for one in self.final.steps[:1] if one.points]
        return "; ".join([*automatic, *said])

    def plain(self) -> dict[str, JsonValue]:
        """Return it as JSON can hold it."""
        return {
            "id": self.member.id,
            "username": self.member.username,
            "name": self.member.full_name,
            "group": self.group,
            "pseudonym": self.pseudonym,
            "attempts": self.attempts,
            "graded": self.graded,
            "submitted_at": self.at.isoformat() if self.at else None,
            "automatic": self.of("automatic"),
            "by_hand": self.of("by hand"),
            "late": self.of("late"),
            "final": self.points,
            "maximum": float(self.final.maximum),
            "excused": self.final.excused,
            "steps": [one.plain() for one in self.final.steps],
            "needs": [*self.needs],
            "released": self.released,
        }


def rows(room: Room) -> list[Row]:
    """Return the mark of everybody in the roster; the late rule is applied on the way."""
    moved = counting.moved(room)
    found = [_row(room, member, moved) for member in room.roster.members]
    late = [news for one in found if (news := _news_of_late(room, one))]
    if not late:
        return found

    def write() -> None:
        for key, value, seen in late:
            room.book.set_late(room.item, key, value=value, by="assay", expected=seen)

    room.book.at_once(write)
    again = {key for key, _, _ in late}
    return [_row(room, one.member, moved) if one.member.key in again else one for one in found]


def _row(room: Room, member: Member, moved: list[Moved]) -> Row:
    book, item, key = room.book, room.item, member.key
    attempts = counting.attempts(room, key)
    counts, better = counting.counting(room, member, attempts)
    final = _final(room, member, counts)
    at = room.time_of(counts, key) if counts else None
    decided = any(one.kind in ("override", "excuse") for one in final.steps)
    releases = book.releases(item, key)
    shown = releases[-1].points if releases else None
    needs = [] if decided else [*final.needs, *_doubts(room, attempts, counts, better, at)]
    needs += [
        f"`assay class take` moves an attempt to {one.to}: `{one.attempt.origin['place']}`"
        for one in moved
        if key in one.before | one.after
    ]
    if shown is not None and not attempts and not decided:
        needs.append(f"{shown:.2f} is released, and nothing handed in is theirs any more")
    last = counts or (attempts[-1] if attempts else None)
    author = room.authors[last.author_id] if last else None
    people = {one.key: one.pseudonym for one in room.authors.values() if one.kind == "person"}
    return Row(
        member,
        author.pseudonym if author else people[key],
        author.name if author and author.kind == "group" else "",
        len(attempts),
        at,
        final,
        needs,
        None if shown is None else float(shown),
    )


def _final(room: Room, member: Member, counts: Attempt | None) -> FinalMark:
    if counts:
        return room.book.final(room.item, member.key, counts.id)
    return final_mark(None, {}, room.book.decisions(room.item, member.key))


def _doubts(
    room: Room,
    attempts: list[Attempt],
    counts: Attempt | None,
    better: bool,
    at: datetime | None,
) -> list[str]:
    """What a person has to look at before the mark is one."""
    if attempts and counts is None and all(map(_is_typed, attempts)):
        return [
            "typed into the platform, no file: `assay class sheet` shows it, `override` marks it"
        ]
    if attempts and counts is None:
        return ["handed in, and not graded yet or not to be graded: `assay class grade` says which"]
    said = []
    if better and room.settings.counts == "newest":
        said.append("the newest attempt is not graded, an older one counts")
    elif better:
        rule = room.settings.counts
        said.append(f"an attempt without a result may be the one that counts by `{rule}`")
    if counts and at is None and counts.origin.get("late"):
        said.append("late by the platform's mark, the download has no time: write `[submitted]`")
    if counts and at is None and counts.origin.get("unread"):
        said.append(f"no time: `{counts.origin['unread']}` is none, write `[submitted]`")
    return said


def _news_of_late(room: Room, row: Row) -> tuple[str, dict[str, Any] | None, int] | None:
    """Return what lateness costs by now, and the version before, if the gradebook has it not."""
    member, final = row.member, row.final
    if final.attempt_id is None:
        return None
    decided = room.book.decisions(room.item, member.key).get("late")
    found = counting.late_of(room, member, final, row.at)
    value = {"points": str(found.taken_off), "arithmetic": found.line, "minutes": found.minutes}
    if (decided is None and not found.minutes) or (decided and decided.value == value):
        return None
    if not found.minutes and decided and decided.value is None:
        return None
    return member.key, value if found.minutes else None, decided.version if decided else 0


def table(found: list[Row]) -> str:
    """Return the marks as CSV: no cell is a formula."""
    header = [
        "id",
        "username",
        "name",
        "group",
        "attempts",
        "graded",
        "automatic",
        "by_hand",
        "late",
    ]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*header, "final", "maximum", "arithmetic", "needs"])
    for row in found:
        one = row.member
        sums = [row.of(kind) for kind in ("automatic", "by hand", "late")]
        numbers = ["" if points is None else f"{points:.2f}" for points in sums]
        final = "" if row.points is None else f"{row.points:.2f}"
        who = [safe.csv(text) for text in (one.id, one.username, one.full_name, row.group)]
        said = [safe.csv(row.line), safe.csv("; ".join(row.needs))]
        graded = "yes" if row.graded else "no"
        writer.writerow(
            [*who, row.attempts, graded, *numbers, final, float(row.final.maximum), *said]
        )
    return buffer.getvalue()


def sheet(room: Room, member: Member) -> list[tuple[CriterionRow, Mark | None]]:
    """Return the lines of a person's mark sheet, each with the mark by hand that there is."""
    key, kind, final = _author(room, member)
    if final.attempt_id is None:
        return []
    criteria = room.book.results(final.attempt_id)[-1].criteria
    answers = {one["name"]: one["answer"] for one in criteria}
    marks = room.book.marks(room.item, key, kind, answers)
    return [(one, marks.get(one["name"])) for one in criteria]


def typed_text(room: Room, member: Member) -> tuple[str, bool]:
    """Return what a person typed into the platform, and whether it is all that they handed in.

    It is of the attempt that counts, or of the newest.
    """
    there = counting.attempts(room, member.key)
    if there and all(map(_is_typed, there)):
        return typed.text(room.members(there[-1])), True
    counts, _ = counting.counting(room, member, there)
    last = counts or (there[-1] if there else None)
    return (str(last.origin.get("typed", "")) if last else ""), False


def _is_typed(attempt: Attempt) -> bool:
    origin = attempt.origin
    return typed.is_alone(origin.get("platform", ""), origin.get("raw_names", ()))


def _author(room: Room, member: Member) -> tuple[str, str, FinalMark]:
    counts, _ = counting.counting(room, member, counting.attempts(room, member.key))
    final = _final(room, member, counts)
    if counts is None:
        return member.key, "person", final
    author = room.authors[counts.author_id]
    return author.key, author.kind, final


def mark(
    room: Room,
    member: Member,
    criterion: str,
    points: Decimal | None,
    *,
    by: str,
    over: int,
    reason: str,
    comment: str = "",
) -> Mark:
    """Write a mark by hand; of a group it is everybody's. `over` is the version that it replaces.

    Raises
    ------
    Conflict
        If there is another version than that.
    UsageError
        If there is no such line, or the points are more than it has.
    """
    lines = {one["name"]: one for one, _ in sheet(room, member)}
    if criterion not in lines:
        raise UsageError(
            f"{quoted(member.key)} has no line {quoted(criterion)}",
            found=", ".join(map(quoted, lines)) or "there is no result yet",
            hint="`assay class sheet` shows the lines",
        )
    line = lines[criterion]
    if points is not None and not 0 <= points <= Decimal(line["points"]):
        raise UsageError(
            f"{quoted(criterion)} has {line['points']} points",
            found=f"{points} were to be given",
            hint="`assay class override` replaces the final mark, for a reason",
        )
    key, kind, _ = _author(room, member)
    return room.book.mark(
        room.item,
        key,
        criterion,
        points,
        answer=line["answer"],
        by=by,
        expected=over,
        reason=reason,
        comment=comment,
        kind=kind,
    )
