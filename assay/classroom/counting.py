"""Whose an attempt is by now, and which of a person's attempts counts."""

from dataclasses import dataclass
from datetime import datetime

from assay.classroom import late, take
from assay.classroom.downloads import Attempt as Downloaded
from assay.classroom.gradebook import FinalMark
from assay.classroom.gradebook.models import Attempt
from assay.classroom.late import Late
from assay.classroom.room import Room
from assay.classroom.roster import Member
from assay.records import Person

SEVERAL = ("best", "newest on time")
"""Rules by which every attempt is graded: which one counts differs from person to person."""


def attempts(room: Room, key: str, kind: str = "person") -> list[Attempt]:
    """Return what an author handed in, oldest first; without what class.toml gives to another.

    Rows of the gradebook are never changed. An attempt that was settled anew has two of them, and
    the line of class.toml says which one holds.
    """
    there = room.book.attempts(room.item, key, kind)
    return [one for one in there if owner(room, one) in (None, _written_for(room, one))]


@dataclass(frozen=True)
class Moved:
    """An attempt that is another's by now, and that `take` has not yet written for them."""

    attempt: Attempt
    before: frozenset[str]
    """The keys of the people whose it was."""
    after: frozenset[str]
    to: str


def moved(room: Room) -> list[Moved]:
    """Return what class.toml, the roster or the groups give to another since it was taken in."""
    found = []
    for author in room.authors.values():
        for one in room.book.attempts(room.item, author.key, author.kind):
            own, whose = (author.kind, author.key), owner(room, one)
            if one.author_id != author.id or whose in (None, own, take.NOBODY):
                continue
            if not _is_taken(room, one, whose):
                found.append(Moved(one, _people(room, *own), _people(room, *whose), whose[1]))
    return found


def _people(room: Room, kind: str, key: str) -> frozenset[str]:
    """The keys of one person, or of a group's members; of a group that is gone there are none."""
    if kind == "person":
        return frozenset([key])
    if key in room.roster.groups:
        return frozenset(one.key for one in room.roster.groups[key])
    if key in {one.key for one in room.authors.values() if one.kind == kind}:
        return frozenset(one.key for one in room.book.members(room.item, key))
    return frozenset(key.split(" + "))


def _is_taken(room: Room, attempt: Attempt, whose: tuple[str, str]) -> bool:
    if whose not in {(one.kind, one.key) for one in room.authors.values()}:
        return False
    there = room.book.attempts(room.item, whose[1], whose[0])
    return attempt.digest in {one.digest for one in there}


def owner(room: Room, attempt: Attempt) -> tuple[str, str] | None:
    """Return the kind and key of whoever handed an attempt in; None if the download is no help."""
    origin = attempt.origin
    if "name" not in origin:
        return None
    found = take.match(
        room,
        Downloaded(
            origin["platform"],
            origin["place"],
            origin["name"],
            idents=tuple(origin["idents"]),
            people=tuple(Person(name=n, id=i, email=e) for n, i, e in origin["people"]),
        ),
    )
    if found.nobody:
        return take.NOBODY
    return take.author_of(found) if found.members else None


def _written_for(room: Room, attempt: Attempt) -> tuple[str, str]:
    author = room.authors[attempt.author_id]
    return author.kind, author.key


def counting(room: Room, member: Member, there: list[Attempt]) -> tuple[Attempt | None, bool]:
    """Return the attempt that counts, and whether one that may count instead is not graded."""
    ordered = _ordered(room, member, there)
    graded = [one for one in ordered if room.book.results(one.id)]
    if not graded:
        return None, False
    if room.settings.counts == "best":
        best = max(graded, key=lambda one: after_late(room, member, one).mark)
        return best, len(graded) < len(there)
    return graded[0], graded[0] is not ordered[0]


def _ordered(room: Room, member: Member, there: list[Attempt]) -> list[Attempt]:
    """The attempts as the rule prefers them; by `best` the newest of equals."""
    if room.settings.counts == "first":
        return there
    newest = there[::-1]
    if room.settings.counts != "newest on time":
        return newest
    on_time = [one for one in newest if not _minutes(room, member, one)]
    return on_time + [one for one in newest if one not in on_time]


def _minutes(room: Room, member: Member, attempt: Attempt) -> int:
    at = room.time_of(attempt, member.key)
    if at is None:
        return int(bool(attempt.origin.get("late")))
    due = max(filter(None, (room.settings.moment(room.settings.due), room.extended(member))))
    return max(0, late.lateness(at, due) - room.settings.late.grace_minutes)


def after_late(
    room: Room, member: Member, attempt: Attempt, final: FinalMark | None = None
) -> Late:
    """Apply the late rule to what an attempt earned, automatic and by hand."""
    final = final or room.book.final(room.item, member.key, attempt.id)
    return late_of(room, member, final, room.time_of(attempt, member.key))


def late_of(room: Room, member: Member, final: FinalMark, at: datetime | None) -> Late:
    """Apply the late rule to a mark; without a time nothing is late."""
    earned = [one.points for one in final.steps if one.kind in ("automatic", "by hand")]
    points = float(sum(one for one in earned if one is not None))
    if at is None:
        return Late(0, 0.0, points, "")
    return late.apply(
        room.settings,
        points=points,
        possible=float(final.maximum),
        at=at,
        extended=room.extended(member),
        spent=spent(room, member),
    )


def spent(room: Room, member: Member) -> int:
    """Return the free days that a person used in the classes before this one."""
    before = room.previous
    if before is None:
        return 0
    if member.key not in room.spent:
        there = before.roster.by_ident(member.key)
        room.spent[member.key] = _used(before, there) + spent(before, there) if there else 0
    return room.spent[member.key]


def _used(room: Room, member: Member) -> int:
    counts, _ = counting(room, member, attempts(room, member.key))
    excuse = room.book.decisions(room.item, member.key).get("excuse")
    if counts is None or (excuse and excuse.value is not None):
        return 0
    return after_late(room, member, counts).free_days_used
