"""Every attempt in what a platform gave: whose, when, and its files. Nothing is unpacked to disk.

The platform is recognised by what is in the download. A name is the platform's part and the
student's; who is meant is the roster's business.
"""

import io
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assay.classroom import ilias
from assay.classroom.roster import decoded
from assay.errors import UsageError, quoted
from assay.records import Person
from assay.submission import archives, platforms, reader
from assay.submission.archives import Damaged, Member
from assay.submission.discovery import NBGRADER

STUDENT_NUMBER = re.compile(r"(?P<name>.+?) (?P<id>\d{6,10})")
"""A display name of Brightspace with the student number at its end."""
NBGRADER_TIME = "timestamp.txt"
OFFSET = re.compile(r"(?:UTC|GMT)?([+-]\d\d:?\d\d)")
"""`-0800`, and `UTC+01:00` as Python calls it."""
ZONE = re.compile(r"[A-Za-z][\w/+-]*")
MAX_FILE = reader.MAX_BYTES + 1
"""Bytes that are read of a file: one more than the intake takes, so that it refuses that file."""


@dataclass(frozen=True)
class Attempt:
    """What one person or group handed in at one time."""

    platform: str
    place: str
    """The platform's own name of the folder, or of the first file."""
    name: str
    """What the platform calls whoever handed in."""
    idents: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    """Those whom the platform's own list names; empty if there is no list."""
    at: datetime | None = None
    """By the platform's clock; without a zone where the platform writes none."""
    unread: str = ""
    """What stands where the platform writes the time, if that is none."""
    late: bool | None = None
    """What the platform's own mark says, if it makes one."""
    order: tuple[int, ...] = ()
    files: tuple[Member, ...] = ()
    """With the students' own names."""
    raw_names: tuple[str, ...] = ()
    """With the platform's, in the same order."""
    receipts: tuple[Member, ...] = ()
    """What the platform itself wrote beside a file: Blackboard puts there what was typed."""


@dataclass
class Download:
    """The hand-ins in one download, and the files that belong to no student."""

    platform: str
    attempts: list[Attempt] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    index: bytes | None = None
    """The bytes of Brightspace's `index.html`."""


def read(
    path: Path, known: Callable[[str], bool], *, title: str = "", zone: ZoneInfo | None = None
) -> Download:
    """Read a download, a zip or a folder; `known` says whether a name is somebody's in the class.

    `zone` is the class's own: it says which zone `EDT` is.

    Raises
    ------
    UsageError
        If it cannot be read, or is none that is known.
    """
    members = [replace(one, name=_clean(one.name)) for one in _members(path)]
    clones = {one.name.partition("/.git/")[0] for one in members if "/.git/" in one.name}
    kept = [one for one in members if not reader.is_left_out(one.name)]
    kept, cut = _without_outer(kept, clones, known)
    kept += _hidden_work(members, kept, cut)
    clones = {one.removeprefix(cut) for one in clones}
    if not kept:
        raise UsageError(f"{quoted(path)} holds no files", hint="download it once more")
    tops = sorted({one.name.partition("/")[0] for one in kept})
    chance = platforms.by_chance(tops)
    named = {top: platforms.read(top) for top in tops if top not in chance}
    exported = {top for top in tops if platforms.OF_GRADESCOPE.fullmatch(top)}
    if exported and any(one.name == platforms.GRADESCOPE for one in kept):
        own = {*exported, platforms.GRADESCOPE}
        return _beside(kept, own, lambda inside: _of_gradescope(path, inside))
    if any(_nbgrader(one.name) for one in kept):
        return _beside(kept, NBGRADER, lambda inside: _of_nbgrader(inside, title, zone))
    if any(named.values()):
        own = {top for top in tops if named.get(top) or not _may_be_handed_in(top, kept)}
        return _beside(kept, own, lambda inside: _of_names(inside, named, title))
    if clones & set(tops):
        return _beside(kept, clones, lambda inside: _of_clones(inside, known))
    works = [one.name for one in kept if _may_be_work(one.name)]
    around = ilias.root([one.name for one in kept], works, known)
    return _plain(kept) if around is None else _of_ilias(kept, around)


def _hidden_work(members: Sequence[Member], kept: Sequence[Member], cut: str) -> list[Member]:
    """What somebody handed in hidden, and nothing else: it cannot be graded, and is not lost."""
    there = {_whose(one.name) for one in kept}
    inside = [replace(one, name=one.name.removeprefix(cut)) for one in members]
    hidden = [one for one in inside if reader.is_left_out(one.name) and _may_be_work(one.name)]
    whose = {one.name: _whose(one.name) for one in hidden}
    return [
        one
        for one in hidden
        if whose[one.name] not in there and not reader.is_left_out(whose[one.name])
    ]


def _whose(name: str) -> str:
    """The folder that is somebody's: the first, in nbgrader's the third."""
    depth = 3 if name.startswith("submitted/") else 1
    return "/".join(name.split("/")[:depth])


def _may_be_work(name: str) -> bool:
    """By its name; `._hw.ipynb` is what macOS writes beside a file."""
    last = name.rpartition("/")[2]
    is_file = reader.may_be_notebook(last) or bool(reader.archive_suffix(Path(last)))
    return is_file and not last.startswith("._") and "/.git/" not in name


def _beside(
    members: Sequence[Member], own: Collection[str], read_own: Callable[[list[Member]], Download]
) -> Download:
    """Read what has the names of a platform; what stands beside it is read as in a plain folder.

    Where people put their work into one folder, each chooses the name of a file: one that looks
    like a platform's must not cost anybody else what was handed in.
    """
    inside = [one for one in members if one.name.partition("/")[0] in own]
    others = _plain([one for one in members if one.name.partition("/")[0] not in own])
    found = read_own(inside)
    found.attempts += others.attempts
    found.passed_over += others.passed_over
    return found


def _may_be_handed_in(top: str, members: Sequence[Member]) -> bool:
    """Return whether there is a notebook or an archive, and no doubt whose it is."""
    names = [one.name for one in members if one.name.partition("/")[0] == top]
    files = (name.rpartition("/")[2] for name in names)
    is_work = any(reader.may_be_notebook(f) or reader.archive_suffix(Path(f)) for f in files)
    return is_work and not platforms.doubt(top)


def _members(path: Path) -> list[Member]:
    if path.is_dir():
        return list(_on_disk(path))
    try:
        return list(archives.of_class(io.BufferedReader(reader.OnDisk(path), reader.MB)))
    except (Damaged, OSError) as error:
        raise UsageError(
            f"{quoted(path)} cannot be read",
            found=str(error),
            hint="download it once more; a class is a zip or a folder",
        ) from None


def _on_disk(path: Path) -> Iterator[Member]:
    for folder, folders, files in os.walk(path, followlinks=False):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted([*files, *links]):
            file = Path(folder) / name
            kind = archives.kind_of(file.lstat().st_mode)
            yield Member(file.relative_to(path).as_posix(), kind, partial(_from_disk, file))
        folders[:] = sorted(name for name in folders if name not in links)


def _from_disk(file: Path, at_most: int) -> bytes:
    with reader.opened(file) as opened:
        return opened.read(at_most)


def _clean(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _without_outer(
    members: list[Member], clones: set[str], known: Callable[[str], bool]
) -> tuple[list[Member], str]:
    """Take off folders around the whole class that belong to no student; also say which."""
    cut = ""
    while True:
        tops = {one.name.partition("/")[0] for one in members if one.name != "index.html"}
        top = next(iter(tops), "")
        inside = [one.name.partition("/")[2] for one in members if "/" in one.name]
        inner = {name.partition("/")[0] for name in inside}
        ours = platforms.GRADESCOPE in inner or any(map(platforms.read, inner))
        ours = ours or any(f"{cut}{top}/{name}" in clones for name in inner)
        ours = ours or any(known(Path(name).stem) or known(name) for name in inner)
        ours = ours or (inner == {"submitted"} or (top == "submitted" and not known(top)))
        if len(tops) != 1 or not ours or platforms.read(top) or top == "submitted":
            return members, cut
        members = [
            replace(one, name=one.name.removeprefix(f"{top}/")) if "/" in one.name else one
            for one in members
        ]
        cut += f"{top}/"


def _of_names(
    members: Sequence[Member], named: dict[str, platforms.Named | None], title: str
) -> Download:
    """Brightspace, Canvas, Moodle and Blackboard write who it is into each name."""
    found = [one for one in named.values() if one]
    platform = max({one.platform for one in found}, key=[one.platform for one in found].count)
    download = Download(platform)
    groups: dict[tuple[object, ...], list[tuple[Member, platforms.Named]]] = {}
    for one in members:
        top = one.name.partition("/")[0]
        whose = named.get(top)
        if whose is None:
            if platform == "brightspace" and one.name == "index.html":
                download.index = one.read(MAX_FILE)
                continue
            said = platforms.doubt(top)
            reason = f"may be of {said}" if said else "no platform's name says whose it is"
            download.passed_over.append((one.name, reason))
            continue
        of_attempt = whose.attempt if whose.platform in ("brightspace", "blackboard") else ()
        key = (whose.platform, whose.id, whose.student, of_attempt)
        groups.setdefault(key, []).append((one, whose))
    for group in groups.values():
        download.attempts.append(_named_attempt(group, found, title))
    return download


def _named_attempt(
    group: Sequence[tuple[Member, platforms.Named]], beside: Sequence[platforms.Named], title: str
) -> Attempt:
    whose = group[0][1]
    pairs = []
    for one, named in group:
        inner = one.name.partition("/")[2]
        own = inner or named.file
        pairs.append((replace(one, name=own or one.name), one.name))
    receipts: tuple[Member, ...] = ()
    if whose.platform == "blackboard" and (own_files := [p for p in pairs if p[0].name != p[1]]):
        receipts = tuple(one for one, raw in pairs if one.name == raw)
        pairs = own_files
    if whose.platform == "canvas":
        pairs = _first_names(pairs)
    name, late, at = whose.student, None, None
    idents: tuple[str, ...] = ()
    if whose.platform == "brightspace":
        at = _time(whose.attempt)
        number = STUDENT_NUMBER.fullmatch(name)
        if number:
            name, idents = number["name"], (number["id"],)
    elif whose.platform == "canvas":
        idents = (f"canvas:{whose.id}",)
        late = any(re.fullmatch(r"[^_]+_LATE_\d+_.*", raw.partition("/")[0]) for _, raw in pairs)
    elif whose.platform == "moodle":
        idents = (f"participant {whose.id}",)
    else:
        at = _time(whose.attempt)
        of_blackboard = [one for one in beside if one.platform == "blackboard"]
        user = platforms.user_of(whose, of_blackboard, title)
        name, idents = user or whose.id, ((user,) if user else ())
    return Attempt(
        whose.platform,
        group[0][0].name.partition("/")[0],
        name,
        idents,
        at=at,
        late=late,
        order=whose.attempt,
        files=tuple(one for one, _ in pairs),
        raw_names=tuple(raw for _, raw in pairs),
        receipts=receipts,
    )


def _first_names(pairs: list[tuple[Member, str]]) -> list[tuple[Member, str]]:
    """`hw-2.ipynb` is `hw.ipynb`, handed in again, unless that is there too."""
    own = [platforms.again(one.name)[0] for one, _ in pairs]
    return [
        (replace(one, name=name) if own.count(name) == 1 else one, raw)
        for (one, raw), name in zip(pairs, own, strict=True)
    ]


def _time(numbers: Sequence[int]) -> datetime | None:
    try:
        return datetime(*numbers) if len(numbers) > 3 else None  # type: ignore[arg-type]
    except ValueError:
        return None


def _of_gradescope(path: Path, members: Sequence[Member]) -> Download:
    listed = next(one for one in members if one.name == platforms.GRADESCOPE)
    entries = platforms.gradescope_entries(listed.read(platforms.MAX_METADATA), str(path))
    download = Download("gradescope")
    for folder, inside in _by_top(members).items():
        if folder == platforms.GRADESCOPE:
            continue
        people, at = entries.pop(folder, ((), None))
        number = tuple(int(one) for one in re.findall(r"\d+", folder))
        raw = tuple(f"{folder}/{one.name}" if one.name else folder for one in inside)
        names = ", ".join(person.name or person.id or person.email for person in people)
        download.attempts.append(
            Attempt(
                "gradescope", folder, names or folder, (), people, at,
                order=number, files=tuple(inside), raw_names=raw,
            )
        )  # fmt: skip
    for folder, (people, _) in sorted(entries.items()):
        names = ", ".join(person.name or person.id for person in people)
        reason = f"in Gradescope's list, of {names or 'no one'}, and there is no such folder"
        download.passed_over.append((folder, reason))
    return download


def _nbgrader(name: str) -> bool:
    return name.startswith("submitted/") and name.count("/") > 2


def _of_nbgrader(members: Sequence[Member], title: str, zone: ZoneInfo | None) -> Download:
    """`submitted/<student>/<assignment>/<files>`; of several assignments, the one of this title."""
    download = Download("nbgrader")
    groups: dict[tuple[str, str], list[Member]] = {}
    for one in members:
        if not _nbgrader(one.name):
            download.passed_over.append((one.name, "is not what was handed in"))
            continue
        _, student, assignment, inner = one.name.split("/", 3)
        groups.setdefault((student, assignment), []).append(replace(one, name=inner))
    assignments = sorted({assignment for _, assignment in groups})
    if len(assignments) > 1 and title not in assignments:
        raise UsageError(
            "the folder of nbgrader holds several assignments",
            found=", ".join(map(quoted, assignments[:8])),
            hint="write the name of one as `item` into class.toml",
        )
    for (student, assignment), inside in groups.items():
        place = f"submitted/{student}/{assignment}"
        if len(assignments) > 1 and assignment != title:
            download.passed_over.append((place, "is of another assignment"))
            continue
        stamp = next((one for one in inside if one.name == NBGRADER_TIME), None)
        text = _said(stamp) if stamp else ""
        at = _stamp(text, zone)
        files = tuple(one for one in inside if one is not stamp)
        raw = tuple(f"{place}/{one.name}" for one in files)
        download.attempts.append(
            Attempt(
                "nbgrader", place, student, (student,), at=at, unread="" if at else text,
                files=files, raw_names=raw,
            )
        )  # fmt: skip
    return download


def _said(stamp: Member) -> str:
    """What stands in the file of a time; why nothing can be read, where that is so."""
    try:
        return decoded(stamp.read(200)).strip()
    except Damaged as error:  # a link, or damaged: it may cost no other student a hand-in
        return f"{stamp.name} cannot be read: {error}"


def _stamp(text: str, zone: ZoneInfo | None = None) -> datetime | None:
    """`2015-02-02 15:58:23.948203 America/Los_Angeles`; without a zone it is UTC, to nbgrader too.

    `EDT` and the like are several zones: which is unknown, unless the class's own `zone` is called
    so at that time.
    """
    at, _, name = text.rpartition(" ")
    shift = OFFSET.fullmatch(name)
    if not shift and not ZONE.fullmatch(name):
        at, name = text, ""
    try:
        when = datetime.fromisoformat(at) if ":" in at else None  # a day alone is no time
        if when is None or when.tzinfo is not None:
            return None if name else when
        if shift:
            return datetime.fromisoformat(f"{when.isoformat()}{shift[1]}")
        for fold in (0, 1) if zone and name else ():
            own = when.replace(tzinfo=zone, fold=fold)
            if own.tzname() == name:
                return own
        return when.replace(tzinfo=UTC if name.upper() in ("", "Z", "UTC") else ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _of_ilias(members: Sequence[Member], around: str) -> Download:
    """A folder a person, called by name and login; or a team, whose people are in its folder."""
    download, others = Download("ilias"), []
    within = [
        replace(m, name=m.name.removeprefix(around)) for m in members if m.name.startswith(around)
    ]
    for top, files in _by_top(within).items():
        raw = tuple(f"{top}/{one.name}" for one in files)
        if ends := ilias.logins(top):
            one = Attempt("ilias", top, ilias.name(top), tuple(ends))
        elif ilias.TEAM.fullmatch(top):
            folders = list(dict.fromkeys(file.name.partition("/")[0] for file in files))
            one = Attempt("ilias", top, top, people=tuple(map(_of_team, folders)))
            files = _numbered(files, folders)
        else:
            others += [m for m in within if m.name.partition("/")[0] == top]
            continue
        download.attempts.append(replace(one, files=tuple(files), raw_names=raw))
    plain = _plain(others)
    download.attempts += plain.attempts
    outside = [m.name for m in members if not m.name.startswith(around)]
    download.passed_over = [(name, "is not what was handed in") for name in outside]
    download.passed_over += plain.passed_over
    return download


def _numbered(files: Sequence[Member], folders: Sequence[str]) -> list[Member]:
    """Keep names out of what is graded: the folders of a team's members have numbers."""
    if len(folders) == 1:
        return [replace(one, name=one.name.partition("/")[2] or one.name) for one in files]
    numbers = {folder: str(number) for number, folder in enumerate(folders, 1)}
    parts = [one.name.partition("/") for one in files]
    names = [f"{numbers[top]}/{inner}" if sign else top for top, sign, inner in parts]
    return [replace(one, name=name) for one, name in zip(files, names, strict=True)]


def _of_team(folder: str) -> Person:
    """A member of a team: by the login, or by the name alone."""
    found = ilias.logins(folder)
    name = ilias.name(folder) if found else folder
    return Person(platform="ilias", id=found[0] if found else "", name=name)


def _of_clones(members: Sequence[Member], known: Callable[[str], bool]) -> Download:
    """`<assignment>-<login>`: each end of a clone's name that is somebody's may be the login."""
    download = Download("github")
    for top, inside in _by_top(members).items():
        ends = [top[at + 1 :] for at, sign in enumerate(top) if sign == "-"]
        logins = [end for end in ends if known(end)]
        raw = tuple(f"{top}/{one.name}" for one in inside)
        name = logins[0] if len(logins) == 1 else top
        idents = tuple(logins)
        files = tuple(inside)
        download.attempts.append(Attempt("github", top, name, idents, files=files, raw_names=raw))
    return download


def _plain(members: Sequence[Member]) -> Download:
    """A folder or a file a person, called by id, user name, group or name."""
    download = Download("folder")
    for top, inside in _by_top(members).items():
        is_file = len(inside) == 1 and not inside[0].name
        name = top
        if is_file:
            if not (reader.may_be_notebook(top) or reader.archive_suffix(Path(top))):
                download.passed_over.append((top, "is no submission"))
                continue
            inside = [replace(inside[0], name=top)]
            name = top[: -len(reader.archive_suffix(Path(top)) or Path(top).suffix)]
        raw = (top,) if is_file else tuple(f"{top}/{one.name}" for one in inside)
        download.attempts.append(
            Attempt("folder", top, name, (name,), files=tuple(inside), raw_names=raw)
        )
    return download


def _by_top(members: Iterable[Member]) -> dict[str, list[Member]]:
    found: dict[str, list[Member]] = {}
    for one in members:
        top, _, inner = one.name.partition("/")
        found.setdefault(top, []).append(replace(one, name=inner))
    return found
