"""Forget people: their files, then their rows, then a search of everything that is left.

The files go first and the gradebook's rows last: killed in between, the same command goes on.
"""

import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from assay.classroom import settings
from assay.classroom.gradebook import Found
from assay.classroom.gradebook.forget import holds
from assay.classroom.gradebook.models import Author
from assay.classroom.gradefiles import Table
from assay.classroom.ordinary import ordinary
from assay.classroom.room import Room, now, write
from assay.classroom.roster import plain
from assay.classroom.settings import FILE
from assay.classroom.take import kept
from assay.errors import UsageError, quoted
from assay.evidence.store import JUDGEMENTS, Store
from assay.submission import archives
from assay.submission.folders import folder as folder_of

ABOUT_THE_CLASS = ("", "late")
"""Sections of class.toml whose texts name no people, whatever they are called."""


@dataclass
class Forgotten:
    """Who was forgotten, what was searched for afterwards, and where it still stands."""

    people: int
    files: list[str] = field(default_factory=list)
    """Deleted, or written again without them."""
    searched: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    """What also names somebody else of the class, and so cannot be searched for."""
    ordinary: list[str] = field(default_factory=list)
    """Names that are words of assay's, the course's or Python's too: only a field, a cell or a
    file that is one of them as a whole counts."""
    left: list[Found] = field(default_factory=list)


def person(room: Room, who: str) -> Forgotten:
    """Forget one person.

    Raises
    ------
    UsageError
        If neither the roster nor the gradebook has them.
    """
    found = room.roster.by_ident(who)
    wanted = found.key if found else who
    people = [one for one in room.book.people() if wanted in (one.key, one.pseudonym)]
    if not people:
        raise UsageError(
            f"{quoted(who)} is not in the class", hint="give an id, a user name or a pseudonym"
        )
    return _forget(room, people)


def older_than(room: Room, days: float) -> Forgotten:
    """Forget everybody for whom nothing was written or handed in for this many days."""
    return _forget(room, room.book.older_than(now() - timedelta(days=days)))


def term(room: Room) -> Forgotten:
    """Forget everybody, the groups and the assignment; class.toml stays, without names."""
    done = _forget(room, room.book.people())
    for one in (room.downloads, room.attempts, room.reports, room.out, room.root / ".assay"):
        shutil.rmtree(one, ignore_errors=True)
    room.book.forget_term()
    done.left = _left(room, done)
    return done


def _forget(room: Room, people: Sequence[Author]) -> Forgotten:
    with Store(room.store).to_forget() if room.store.exists() else nullcontext():
        return _forget_alone(room, people)


def _forget_alone(room: Room, people: Sequence[Author]) -> Forgotten:
    keys = [one.key for one in people]
    names, shared = room.book.identifiers(keys)
    common = ordinary(names, room.assignment)
    words = [word for word in names if word not in common]
    done = Forgotten(len(people), searched=words, shared=shared, ordinary=common)
    gone = _authors(room, people)
    for author in gone:
        _delete_work(room, author, done)
    _clean_downloads(room, gone, words, done)
    _delete_holding(room.out, words, done)
    _clean_class_file(room.root / FILE, [*names, *shared], done)
    for name in filter(None, (room.settings.roster, room.settings.groups)):
        _clean_table(room, room.root / name, keys, done)
    for key in keys:
        room.book.forget(key, ordinary=common)
    done.left = _left(room, done)
    return done


def _places(room: Room) -> list[Path]:
    """Where a name may be: the class's folder, and the runs in the course's store."""
    return [room.root, *([room.store] if room.store.exists() else [])]


def _left(room: Room, done: Forgotten) -> list[Found]:
    """Search every table and file; for an ordinary word, what is it as a whole."""
    alone = {plain(word): word for word in done.ordinary}
    found = room.book.search(done.searched, _places(room), done.ordinary)
    return found + [
        Found(alone[plain(value)], where) for where, value in _values(room) if plain(value) in alone
    ]


def _values(room: Room) -> Iterator[tuple[str, str]]:
    """What names people as a whole: cells of tables, settled names, names of what was handed in."""
    tables = [room.root / name for name in (room.settings.roster, room.settings.groups) if name]
    for path in [*tables, *room.out.glob("*.csv")]:
        if path.exists():
            table = Table(path.read_bytes())
            for at in range(1, len(table.rows)):
                for column in range(len(table.rows[at])):
                    yield f"{path}, row {at + 1}", table.cell(at, column)
    read = settings.read(room.root)
    for names in (read.extension, read.submitted, read.settled, read.settled.values()):
        yield from ((str(room.root / FILE), name) for name in names)
    for download in kept(room):
        yield f"the name of {download}", download.stem
        for name in _tops(download):
            yield f"`{name}` in {download}", Path(name).stem


def _tops(download: Path) -> list[str]:
    """The first folders and files of a download."""
    if download.is_dir():
        return [one.name for one in download.iterdir()]
    if not zipfile.is_zipfile(download):
        return []
    with download.open("rb") as file:
        return sorted({one.name.partition("/")[0] for one in archives.of_class(file)})


def _authors(room: Room, people: Sequence[Author]) -> list[Author]:
    """Return these people, and the groups left without members."""
    keys = {one.key for one in people}
    members = {
        group.id: {one.key for one in room.book.members(room.item, group.key)}
        for group in room.book.groups()
    }
    empty = [one for one in room.book.groups() if members[one.id] and members[one.id] <= keys]
    return [*people, *empty]


def _delete_work(room: Room, author: Author, done: Forgotten) -> None:
    """Attempts, reports, runs, and what was judged of them."""
    store = Store(room.store)
    for attempt in room.book.attempts(room.item, author.key, author.kind):
        if attempt.author_id != author.id:
            continue
        for result in room.book.results(attempt.id):
            for key in result.receipt.get("runs", []):
                store.drop(key)
    shutil.rmtree(store.root / JUDGEMENTS, ignore_errors=True)  # a cache, and of everybody
    for folder in (room.attempts / author.pseudonym, room.reports / folder_of(author.pseudonym)):
        if folder.exists():
            shutil.rmtree(folder)
            done.files.append(str(folder.relative_to(room.root)))


def _clean_downloads(
    room: Room, gone: Sequence[Author], words: Sequence[str], done: Forgotten
) -> None:
    """Write each download again without what is theirs, or names them."""
    ids = {author.id for author in gone}
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for author in room.authors.values():
        for attempt in room.book.attempts(room.item, author.key, author.kind):
            names[attempt.author_id in ids] |= {*attempt.origin["raw_names"]}
    theirs, of_others = names[True], names[False] - names[True]

    def goes(name: str, content: Callable[[], bytes]) -> bool:
        pieces = name.split("/")
        tails = {"/".join(pieces[at:]) for at in range(len(pieces))}  # folders may be round it
        if not theirs.isdisjoint(tails):
            return True
        if not of_others.isdisjoint(tails):
            return False  # somebody else's work, whatever is written in it
        return holds(name.encode(), words) or holds(content(), words)

    for path in kept(room):
        if path.is_dir():
            for file in [one for one in sorted(path.rglob("*")) if not one.is_dir()]:
                name = file.relative_to(path).as_posix()
                if goes(name, lambda: b"" if file.is_symlink() else file.read_bytes()):  # noqa: B023
                    file.unlink()
                    done.files.append(str(file.relative_to(room.root)))
            for folder in sorted((one for one in path.rglob("*") if one.is_dir()), reverse=True):
                if not any(folder.iterdir()):
                    folder.rmdir()
        elif zipfile.is_zipfile(path):
            _clean_zip(path, goes, done)
        elif holds(path.read_bytes(), words):
            path.unlink()
        if path.exists() and holds(path.name.encode(), words):
            path.rename(path.with_name(f"download-{path.stat().st_mtime_ns}{path.suffix}"))


def _clean_zip(
    path: Path, goes: Callable[[str, Callable[[], bytes]], bool], done: Forgotten
) -> None:
    with path.open("rb") as file:
        names = [one.name for one in archives.of_class(file)]
    draft = path.with_name(f".{path.name}")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as new:
        infos = [one for one in old.infolist() if not one.orig_filename.endswith(("/", "\\"))]
        stays = [
            (info, name)
            for info, name in zip(infos, names, strict=True)
            if not goes(name, lambda: _content(old, info))  # noqa: B023
        ]
        for info, name in stays:
            fresh = zipfile.ZipInfo(name, info.date_time)
            fresh.external_attr = info.external_attr
            new.writestr(fresh, _content(old, info), zipfile.ZIP_DEFLATED)
    if len(stays) == len(infos):
        draft.unlink()
        return
    if not stays:
        draft.unlink()
        path.unlink()
    else:
        draft.replace(path)
    done.files.append(f"{path.name}: {len(infos) - len(stays)} of {len(infos)} files")


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(info)
    except Exception:  # damaged, or encrypted: it can be neither read nor copied
        return b""


def _delete_holding(folder: Path, words: Sequence[str], done: Forgotten) -> None:
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        if path.is_file() and (holds(path.name.encode(), words) or _file_holds(path, words)):
            path.unlink()
            done.files.append(path.name)


def _file_holds(path: Path, words: Sequence[str]) -> bool:
    if not zipfile.is_zipfile(path):
        return holds(path.read_bytes(), words)
    with zipfile.ZipFile(path) as archive:
        return any(
            holds(one.filename.encode(), words) or holds(_content(archive, one), words)
            for one in archive.infolist()
        )


def _clean_class_file(path: Path, words: Sequence[str], done: Forgotten) -> None:
    """Take the lines out that settle, extend or time one of these."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    gone = {plain(word) for word in words}
    stays = []
    for one, section in zip(lines, _sections(lines), strict=True):
        texts = {plain(found) for found in re.findall(r'"([^"\n]*)"', one)}
        if section in ABOUT_THE_CLASS or gone.isdisjoint(texts):
            stays.append(one)
    if len(stays) < len(lines):
        write(path, "".join(stays).encode())
        done.files.append(f"{path.name}: {len(lines) - len(stays)} lines")


def _sections(lines: Sequence[str]) -> list[str]:
    """The table of class.toml in which each line stands."""
    found, section = [], ""
    for one in lines:
        if header := re.match(r"\s*+\[++([^\]]*+)\]", one):
            section = header[1].strip()
        found.append(section)
    return found


def _clean_table(room: Room, path: Path, keys: Sequence[str], done: Forgotten) -> None:
    """Take the rows of these people out of the roster or the groups; the rest stays as it is."""
    if not path.exists():
        return
    table = Table(path.read_bytes())
    members = [one for one in room.roster.members if one.key in keys]
    idents = {ident for one in members for ident in one.idents}
    names = {one.full_name for one in members} | {f"{m.family}, {m.given}" for m in members}
    starts = [row[0][0] for row in table.rows] + [len(table.text)]
    pieces = [table.text[: starts[0]]]
    for at in range(len(table.rows)):
        cells = [table.cell(at, column) for column in range(len(table.rows[at]))]
        known = [cell for cell in cells if plain(cell) in idents]
        named = not idents and any(cell in names for cell in cells)
        if at and (known or named):
            continue
        pieces.append(table.text[starts[at] : starts[at + 1]])
    if len(pieces) <= len(table.rows):
        write(path, table.mark + "".join(pieces).encode(table.encoding))
        done.files.append(f"{path.name}: {len(table.rows) + 1 - len(pieces)} rows")
