"""Take a download in: every attempt is somebody's in the roster, or is listed for a person."""

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from assay.classroom import downloads, ilias, roster, typed
from assay.classroom.downloads import Attempt, Download
from assay.classroom.room import Room, digest_of, packed, write
from assay.classroom.roster import Match, plain
from assay.errors import UsageError, quoted

AT_ONCE = 20
"""Attempts that are written in one transaction: markers who save meanwhile wait for it."""
NO_FILE = "typed into the platform, no file"
NOBODY = ("person", "")
"""The kind and the key for a hand-in that belongs to no one, by class.toml."""


@dataclass(frozen=True)
class Row:
    """What became of one attempt of a download: new, known, damaged, `nobody's` or left out."""

    state: str
    place: str
    who: str
    at: str
    note: str = ""

    @property
    def needs_person(self) -> bool:
        return self.state in ("nobody's", "damaged")


@dataclass
class Taken:
    """What was done with one download."""

    download: str
    platform: str
    rows: list[Row] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)

    @property
    def needs_person(self) -> bool:
        return any(row.needs_person for row in self.rows)


def take(room: Room, source: Path) -> Taken:
    """Keep a download as it came, and take in its attempts.

    Raises
    ------
    UsageError
        If it cannot be read, or is not of the platform that class.toml names.
    """
    read = _read(room, source)  # before it is kept: what is no download stays outside
    return _take(room, read, _kept(room, source))


def again(room: Room) -> list[Taken]:
    """Take in all downloads that are kept: a line of class.toml may have settled somebody."""
    return [_take(room, _read(room, one), one) for one in kept(room)]


def survey(room: Room) -> list[Taken]:
    """Say the same of all that are kept, and write nothing."""
    found = []
    for one in kept(room):
        read = _read(room, one)
        taken = Taken(one.name, read.platform, passed_over=read.passed_over)
        for attempt, match in _matched(room, read):
            if not match.members and not match.nobody:
                taken.rows.append(_doubtful(attempt, match))
        found.append(taken)
    return found


def kept(room: Room) -> list[Path]:
    """Return the downloads of a class, oldest first."""
    there = [one for one in room.downloads.glob("*") if not one.name.startswith(".")]
    return sorted(there, key=lambda one: (one.lstat().st_mtime, one.name))


def _read(room: Room, source: Path) -> Download:
    zone = ZoneInfo(room.settings.time_zone)
    read = downloads.read(source, room.known, title=room.item, zone=zone)
    wanted = room.settings.platform
    if wanted and read.platform not in (wanted, "folder"):
        raise UsageError(
            f"{quoted(source)} is no download of {wanted}",
            found=f"it is written as {read.platform} writes it",
            hint="correct `platform` in class.toml, or leave it out: it is recognised",
        )
    return read


def _kept(room: Room, source: Path) -> Path:
    """Copy a download into the class's folder; the same one is there once."""
    inside = source.resolve().parent == room.downloads.resolve()
    if inside:
        return source
    stem, suffix = (source.name, "") if source.is_dir() else (source.stem, source.suffix)
    place = room.downloads / f"{stem[:80]}-{_digest(source)[:8]}{suffix}"
    if not place.exists():
        room.downloads.mkdir(exist_ok=True)
        draft = room.downloads / f".{place.name}"
        if source.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(source, draft, symlinks=True, ignore=_special)
        else:
            shutil.copyfile(source, draft)
        draft.replace(place)
        os.utime(place)
    return place


def _special(folder: str, names: list[str]) -> list[str]:
    """Pipes and devices are not copied: reading one may never end."""
    paths = [Path(folder) / name for name in names]
    return [p.name for p in paths if not (p.is_symlink() or p.is_file() or p.is_dir())]


def _digest(source: Path) -> str:
    digest = hashlib.sha256()
    files = sorted(source.rglob("*")) if source.is_dir() else [source]
    for one in files:
        digest.update(os.fsencode(one.relative_to(source.parent)))
        if one.is_file() and not one.is_symlink():
            with one.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()


def _matched(room: Room, read: Download) -> list[tuple[Attempt, Match]]:
    """Return whose each attempt is, oldest first; no one is in two groups of one download."""
    ordered = sorted(read.attempts, key=lambda one: (one.order, one.place))
    pairs = [(one, match(room, one)) for one in ordered]
    of: dict[str, set[str]] = {}
    for _, found in pairs:
        for member in found.members if len(found.members) > 1 else ():
            of.setdefault(member.key, set()).add(_group(found))
    torn = {key for key, groups in of.items() if len(groups) > 1}
    return [
        (one, Match(candidates=found.members, reason="a member is in two groups"))
        if len(found.members) > 1 and {member.key for member in found.members} & torn
        else (one, found)
        for one, found in pairs
    ]


def match(room: Room, attempt: Attempt) -> Match:
    """Return whose an attempt is; of a list of people every one has to be known."""
    settled = room.settings.settled
    idents = (*attempt.idents, attempt.place)
    if not attempt.people or _is_settled(room, attempt):
        found = room.roster.match(attempt.name, idents, settled)
        return _checked(room, attempt, found) if attempt.platform == "ilias" else found
    matched = [
        room.roster.match(one.name, [text for text in (one.id, one.email) if text], settled)
        for one in attempt.people
    ]
    unknown = [one for one in matched if not one.members and not one.nobody]
    if unknown:
        near = tuple(m for one in unknown for m in one.candidates)
        return Match(candidates=near, reason=unknown[0].reason)
    known = [one for one in matched if one.members]
    if not known:
        return matched[0]
    groups = {one.group for one in known}
    members = tuple(dict.fromkeys(m for one in known for m in one.members))
    if len(groups) > 1:
        return Match(candidates=members, reason="they are of several groups of the roster")
    group = groups.pop()
    if attempt.platform == "ilias" and len(members) == 1 and not group:
        reason = "of a team: neither the download nor the groups of the class say who is in it"
        return Match(candidates=members, reason=reason)
    return Match(members, group)


def _checked(room: Room, attempt: Attempt, found: Match) -> Match:
    """In a name of ILIAS with many `_` any end may be the login: then the name has to fit too."""
    if len(attempt.idents) < 2 or not found.members or _is_settled(room, attempt):
        return found
    there = {*roster.words(attempt.place)}
    known = [one for text in attempt.idents if (one := room.roster.by_ident(text))]
    if all(there.issuperset(roster.words(ilias.folded(one.full_name))) for one in known):
        return found
    reason = "its name and its login may be two people's"
    return Match(candidates=found.members, reason=reason)


def _is_settled(room: Room, attempt: Attempt) -> bool:
    said = {plain(one) for one in room.settings.settled}
    return bool(said & {plain(attempt.name), plain(attempt.place)})


def author_of(found: Match) -> tuple[str, str]:
    """Return the kind and the key of whoever a match means."""
    if found.group or len(found.members) > 1:
        return "group", _group(found)
    return "person", found.members[0].key


def _group(found: Match) -> str:
    return found.group or " + ".join(sorted(member.key for member in found.members))


def _take(room: Room, read: Download, place: Path) -> Taken:
    taken = Taken(place.name, read.platform, passed_over=read.passed_over)
    matched = _matched(room, read)
    for at in range(0, len(matched), AT_ONCE):
        some = matched[at : at + AT_ONCE]
        taken.rows += room.book.at_once(lambda: [_one(room, *one, place) for one in some])  # noqa: B023
    return taken


def _one(room: Room, attempt: Attempt, found: Match, place: Path) -> Row:
    """Write an attempt, and then its row: what the gradebook knows is there to be graded."""
    if not found.members:
        return _doubtful(attempt, found)
    kind, key = author_of(found)
    is_group = kind == "group"
    if is_group and not found.group:
        room.book.set_group(room.item, key, key, [one.key for one in found.members])
    at = _time(room, attempt)
    digest, damaged = digest_of(attempt.files)
    before = {one.digest for one in room.book.attempts(room.item, key, kind)}
    state = "damaged" if damaged else "known" if digest in before else "new"
    authors = room.book.groups() if is_group else room.book.people()
    pseudonym = next(one.pseudonym for one in authors if one.key == key)
    if not damaged:
        write(room.attempts / pseudonym / f"{digest[:32]}.zip", packed(attempt.files))
    origin = {
        "download": place.name,
        "platform": attempt.platform,
        "place": attempt.place,
        "name": attempt.name,
        "idents": list(attempt.idents),
        "people": [[one.name, one.id, one.email] for one in attempt.people],
        "files": [one.name for one in attempt.files],
        "raw_names": list(attempt.raw_names),
        "timed": attempt.at is not None,
        "late": attempt.late,
        "unread": attempt.unread,
        "damaged": damaged,
        "typed": typed.beside(attempt.platform, attempt.files, attempt.raw_names, attempt.receipts),
    }
    room.book.add_attempt(
        room.item,
        key,
        digest=digest,
        submitted_at=at,
        origin=_storable(origin),
        kind=kind,
    )
    shown = f"{at:%Y-%m-%d %H:%M} UTC" if attempt.at else "no time in the download"
    late = attempt.late and attempt.at is None
    unread = f"its time cannot be read: {quoted(attempt.unread)}" if attempt.unread else ""
    note = damaged or ("late by the platform's mark" if late else unread)
    if typed.is_alone(attempt.platform, attempt.raw_names):
        note = "; ".join(filter(None, [note, f"{NO_FILE}: {typed.text(attempt.files)[:500]}"]))
    elif origin["typed"]:
        said = f"typed beside the file: {str(origin['typed'])[:500]}"
        note = "; ".join(filter(None, [note, said]))
    return Row(state, attempt.place, _names(found), shown, note)


def _time(room: Room, attempt: Attempt) -> datetime:
    """By the platform's clock; where it says none, the due time, and the row says so."""
    return room.settings.moment(attempt.at or room.settings.due)


def _storable(value: object) -> Any:
    """Text without what no database keeps: NUL and halves of characters."""
    match value:
        case str():
            return value.replace("\0", "�").encode("utf-8", "replace").decode()
        case dict():
            return {key: _storable(entry) for key, entry in value.items()}
        case list():
            return [_storable(entry) for entry in value]
    return value


def _names(found: Match) -> str:
    names = ", ".join(one.full_name or one.key for one in found.members)
    return f"{found.group}: {names}" if found.group else names


def _doubtful(attempt: Attempt, found: Match) -> Row:
    near = ", ".join(f"{one.full_name} ({one.key})" for one in found.candidates[:4])
    note = f"{found.reason}; may be {near}" if near else found.reason
    who = attempt.name or attempt.place
    return Row("left out" if found.nobody else "nobody's", attempt.place, who, "", note)
