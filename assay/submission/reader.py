"""Read what was handed in, whatever it is, into bytes by name. Nothing is ever unpacked to disk.

A folder, a zip, a tar.gz or one notebook. Only regular files come in, under plain relative names,
only up to a number and size; what comes in is a copy that cannot change any more. Everything
that is wrong is reported at once: a student need not hand in five times to hear of five slips.
"""

import io
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from assay import nofollow
from assay.errors import CannotGrade, quoted
from assay.submission import archives, notebook
from assay.submission.archives import Damaged, Member
from assay.submission.folders import composed
from assay.units import MB as MB

MAX_FILES = 2_000
MAX_BYTES = 100 * MB
"""Of a submission; each run that is under way holds two copies."""
MAX_NOTEBOOK = 20 * MB
MAX_RATIO = 100
"""How much larger than the archive its content may be, beyond the first 20 MB."""
MAX_NAME, MAX_PATH = 200, 500
"""Bytes of one name and of a whole path; file systems take 255 and 4,096."""
LEFT_OUT = {"__pycache__", "__macosx", "node_modules", "venv"}
"""Folders of programs, whatever their case."""
OF_SYSTEMS = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin"}
OF_A_REPORT = {"index.html", "index.md", "results.json"}
BOOK = re.compile(
    r"(.+)\.ipynb((?:[ _-]?\(?\d+\)?)?)((?:\.(?:txt|json|html?|download|bin))*)",
    re.IGNORECASE | re.DOTALL,
)
"""`hw.ipynb`, and what browsers and mail programs make of it: `hw.ipynb.txt`, `hw.ipynb (1)`."""
MAYBE_BOOK = re.compile(r"(.+?)(?:\.(?:txt|json))?", re.IGNORECASE)
OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".tar.bz2", ".tar.xz", ".tbz", ".txz", ".gz", ".zipx")
MAX_NESTED = 3
"""Archives in archives, the one that was handed in not counted."""
MAX_PACKED = 10
"""Archives that are unpacked of one hand-in: each may take its reader as long as the largest."""
OF_AN_ASSIGNMENT = {"notebooks", "solution", "adapter.py"}
"""Where a folder holds assignment.toml too, only these belong to the reference submission."""
LAID_OUT = {"notebooks", "solution"}
ARCHIVES: dict[str, Callable[[bytes, int], Iterator[Member]]] = {
    ".zip": archives.zipped,
    ".tar.gz": archives.tarred,
    ".tgz": archives.tarred,
}


@dataclass
class Found:
    """The files that could be read, all that keeps them from being graded, and what was done."""

    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[CannotGrade] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


LFS = b"version https://git-lfs.github.com/spec/"
"""How a file begins that only says where Git LFS has another."""


def read(path: Path, *, alone: bool = True) -> Found:
    """Everything at a path. A bare notebook that is `alone` brings the `adapter.py` beside it.

    In a class it is not known whose that file is.

    Raises
    ------
    CannotGrade
        If there is nothing that could be a submission.
    """
    suffix = archive_suffix(path)
    if path.is_dir():
        only = OF_AN_ASSIGNMENT if is_laid_out(path) else None
        found = _take(_folder(path, only), path, MAX_BYTES)
        return _books(found, path)
    if path.is_file() and suffix:
        return _archive(path)
    if path.is_file() and _may_be_a_notebook(path):
        adapter = path.parent / "adapter.py"
        both = [path, adapter] if alone and adapter.is_file() else [path]
        found = _books(_take([_on_disk(p, p.name) for p in both], path.parent, MAX_BYTES), path)
        if found.problems or any(is_notebook(name) for name in found.files):
            return found
    raise _not_a_submission(path)


def is_laid_out(path: Path) -> bool:
    """Whether a folder is an assignment's, or a copy of one: its table beside its folders."""
    is_there = (path / "assignment.toml").is_file()
    return is_there and any((path / folder).is_dir() for folder in LAID_OUT)


def read_members(members: Sequence[Member], where: Path) -> Found:
    """What one person has in an archive of a whole class: a folder, an archive or a notebook."""
    return _books(_take(members, where, MAX_BYTES), where)


def joined(parts: Iterable[Found], where: Path) -> Found:
    """Several files of one person as one submission; no more of them are read than it may hold."""
    whole = Found()
    for part in parts:
        places = {name.casefold(): name for name in whole.files}
        for name, content in part.files.items():
            same = places.get(name.casefold())
            if same is not None and whole.files[same] != content:
                whole.problems.append(_two_of_one_name(name, where))
        whole.files |= {n: c for n, c in part.files.items() if n not in whole.files}
        whole.problems += part.problems
        whole.notes += part.notes
        if sum(map(len, whole.files.values())) > MAX_BYTES:
            return Found(problems=[_too_large(quoted(where), MAX_BYTES)])
    return _books(whole, where)


def file_on_disk(path: Path, name: str) -> Found:
    """One file under a name that is not its own."""
    return _take([_on_disk(path, name)], path.parent, MAX_BYTES)


def names_below(path: Path) -> Iterator[str]:
    """The names of all files below a folder that are somebody's work; nothing is opened."""
    for folder, folders, files in os.walk(path, followlinks=False):
        folders[:] = sorted(f for f in folders if not is_left_out(f))
        for name in sorted(files):
            if not is_left_out(name):
                yield plain_name((Path(folder) / name).relative_to(path).as_posix())


def outer_folder_taken_off(found: Found) -> Found:
    """An archive of a folder is that folder."""
    return Found(_without_outer_folder(found.files), found.problems, found.notes)


def archive_suffix(path: Path) -> str | None:
    """`.zip`, `.tar.gz` or `.tgz`, whatever its case; None if it is no archive by its name."""
    return next((suffix for suffix in ARCHIVES if path.name.lower().endswith(suffix)), None)


def is_notebook(name: str) -> bool:
    """Return whether a name ends as a notebook's does."""
    return name.endswith(".ipynb")


def may_be_notebook(name: str) -> bool:
    """Return whether a name is a notebook's, or one with more at its end."""
    return BOOK.fullmatch(name.rpartition("/")[2]) is not None


def is_left_out(name: str) -> bool:
    """Return whether it is a cache, hidden or a system's. One with `..` is refused instead."""
    parts = name.casefold().split("/")
    hidden = (part.startswith((".", "~$")) and part != ".." for part in parts)
    others = LEFT_OUT | OF_SYSTEMS
    return ".." not in parts and (any(hidden) or not others.isdisjoint(parts))


def report_folders(names: Iterable[str]) -> set[str]:
    """The folders called `reports` that an earlier run of assay wrote, by what is in them."""
    found = set()
    for name in names:
        folder, mark, inner = f"/{name}".rpartition("/reports/")
        if mark and inner.count("/") <= 1 and inner.rpartition("/")[2] in OF_A_REPORT:
            found.add(f"{folder}{mark}"[1:])
    return found


def _may_be_a_notebook(path: Path) -> bool:
    """By its name; a file of text by what it begins with."""
    if may_be_notebook(path.name):
        return True
    try:
        content = content_of(path, MAX_BYTES) if MAYBE_BOOK.fullmatch(path.name) else b""
    except Damaged:
        return False
    return path.suffix.lower() in ("", ".json", ".txt") and _holds_cells(content)


def _not_a_submission(path: Path) -> CannotGrade:
    suffix = path.suffix.lower()
    hint = "name a folder with the notebook in it, an archive of it, or the .ipynb file itself"
    if path.name.lower().endswith(OTHER_ARCHIVES):
        hint = "unpack it and pack it again as a zip, or hand in the .ipynb file itself"
    elif path.is_file():
        what = f"a {suffix} file" if suffix else "this file"
        hint = f"hand in the notebook itself, the .ipynb file, not {what}"
    what = f"{quoted(path)} is neither a folder nor a notebook, nor a zip or tar.gz of them"
    return CannotGrade(what, hint=hint)


def _archive(path: Path) -> Found:
    try:
        content = content_of(path, MAX_BYTES + 1)
    except Damaged as error:
        return Found(problems=[_damaged(quoted(path), error)])
    if len(content) > MAX_BYTES:
        return Found(problems=[_too_large(quoted(path), MAX_BYTES)])
    return _books(_unpacked(content, path, MAX_BYTES), path)


def _unpacked(content: bytes, path: Path, at_most: int) -> Found:
    """What is in an archive, without an outer folder."""
    room = min(at_most, max(20 * MB, MAX_RATIO * len(content)))
    members = ARCHIVES[archive_suffix(path) or ".zip"]
    try:
        found = _take(members(content, room), path, room)
    except Damaged as error:
        return Found(problems=[_damaged(quoted(path), error)])
    return Found(_without_outer_folder(found.files), found.problems, found.notes)


def _books(found: Found, where: Path) -> Found:
    """Notebooks under names that end in .ipynb, out of an archive too where there are no others."""
    _without_empty(found)
    for _ in range(MAX_NESTED):
        _rename(found)
        if any(is_notebook(name) for name in found.files):
            return found
        packed = [name for name in found.files if archive_suffix(Path(name))]
        if not packed:
            break
        if len(packed) > MAX_PACKED:
            found.problems.append(too_many_archives(where))
            break
        for name in packed:
            _unpack_within(found, name, where)
    _recognise(found)
    return found


def _without_empty(found: Found) -> None:
    """An empty notebook or archive keeps no other from being read."""
    kinds = [name for name in found.files if may_be_notebook(name) or archive_suffix(Path(name))]
    empty = [name for name in kinds if _is_empty(found.files[name])]
    if len(empty) < len(kinds):
        for name in empty:
            del found.files[name]
            found.notes.append(f"{quoted(name)} is empty, and was passed over")


def _is_empty(content: bytes) -> bool:
    return not content.strip(b"\0 \r\n\t") or content[:4] == b"PK\x05\x06"  # a zip of no files


def _unpack_within(found: Found, name: str, where: Path) -> None:
    """An archive among the files, in its own place."""
    content = found.files.pop(name)
    left = MAX_BYTES - sum(map(len, found.files.values()))
    inner = _unpacked(content, where / name, left)
    folder = name.rpartition("/")[0]
    new = {f"{folder}/{n}" if folder else n: c for n, c in inner.files.items()}
    places = {n.casefold(): n for n in found.files}
    found.files |= {n: c for n, c in new.items() if n.casefold() not in places}
    found.problems += inner.problems
    if len(found.files) > MAX_FILES:
        found.problems.append(_too_many(where))
    found.notes.append(f"{quoted(name)} was unpacked")


def _rename(found: Found) -> None:
    """`hw.ipynb.txt` as `hw.ipynb`, where it is a notebook by its content."""
    for name in [n for n in found.files if may_be_notebook(n) and not is_notebook(n)]:
        folder, slash, last = name.rpartition("/")
        match = BOOK.fullmatch(last)
        content = found.files[name]
        if match is None or (match[3] and not _begins_as_json(content)):
            continue
        _as_notebook(found, name, f"{folder}{slash}{match[1]}{match[2]}.ipynb")


def _begins_as_json(content: bytes) -> bool:
    return content[:1000].lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{")


def _recognise(found: Found) -> None:
    """Where nothing is called a notebook, a .json or .txt that is one."""
    for name in list(found.files):
        folder, slash, last = name.rpartition("/")
        match = MAYBE_BOOK.fullmatch(last)
        of_text = PurePosixPath(last).suffix.lower() in ("", ".json", ".txt")
        if match and of_text and _holds_cells(found.files[name]):
            _as_notebook(found, name, f"{folder}{slash}{match[1]}.ipynb")


def _as_notebook(found: Found, name: str, better: str) -> None:
    if better.casefold() in {other.casefold() for other in found.files if other != name}:
        return
    found.files[better] = found.files.pop(name)
    if not name.lower().endswith(".ipynb"):
        found.notes.append(f"{quoted(name)} was read as the notebook {quoted(better)}")


def _holds_cells(content: bytes) -> bool:
    if len(content) > MAX_NOTEBOOK or b'"nbformat"' not in content:
        return False
    try:
        data = json.loads(notebook.manageable(content).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and ("cells" in data or "worksheets" in data)


def _take(members: Iterable[Member], where: Path, room: int) -> Found:
    """Read member after member while there is room; each refusal once, and on with the next."""
    found, places, left = Found(), dict[str, str](), room
    members = list(members)  # of an archive, its list; nothing is read yet
    ours = tuple(report_folders(plain_name(member.name) for member in members))
    names = {plain_name(member.name) for member in members}
    for member in members:
        name = plain_name(member.name)
        if (absent := _kept_in_icloud(name)) and absent not in names:
            found.problems.append(_not_there(absent, where, "stands in iCloud alone"))
        if is_left_out(name) or (ours and name.startswith(ours)):
            continue
        if len(found.files) >= MAX_FILES:
            found.problems.append(_too_many(where))
            break
        problem = _refused(member, name, where, places)
        if problem is None:
            left -= _add(found, member, name, where, left)
            if name.endswith((".py", ".ipynb")) and found.files.get(name, b"").startswith(LFS):
                del found.files[name]
                found.problems.append(_not_there(name, where, "is in Git LFS alone"))
        else:
            found.problems.append(problem)
        if left < 0:
            found.problems.append(_too_large(quoted(where), room))
            break
    return found


def _kept_in_icloud(name: str) -> str:
    """The notebook or module for which a file of iCloud's stands; '' if it stands for none."""
    folder, slash, last = name.rpartition("/")
    match = re.fullmatch(r"\.(.{1,200}\.(?:py|ipynb))\.icloud", last)
    return f"{folder}{slash}{match[1]}" if match and not is_left_out(folder) else ""


def _not_there(name: str, where: Path, why: str) -> CannotGrade:
    """A notebook or module of which only the place was handed in: without it no mark is right."""
    return CannotGrade(
        f"{quoted(name)} of {quoted(where)} was not handed in",
        found=f"it {why}; what was handed in names the place, and holds nothing of it",
        hint="download the file itself, and hand it in again",
    )


def plain_name(name: str) -> str:
    """A name without empty parts, its accents as one character each."""
    whole = "/".join(part for part in name.split("/") if part not in ("", "."))
    return composed(whole)


def _add(found: Found, member: Member, name: str, where: Path, left: int) -> int:
    """Read one file into what was found; how many bytes it took of what was left."""
    try:
        content = member.read(left + 1)
    except Damaged as error:
        found.problems.append(_damaged(f"{quoted(name)} in {quoted(where)}", error))
        return 0
    if may_be_notebook(name) and MAX_NOTEBOOK < len(content) <= left:
        slim = notebook.without_outputs(content)
        if len(slim) > MAX_NOTEBOOK:
            found.problems.append(_too_large_a_notebook(name, where, len(content)))
        else:
            found.files[name] = slim
    elif len(content) <= left:
        found.files[name] = content
    return len(content)


def _refused(member: Member, name: str, where: Path, places: dict[str, str]) -> CannotGrade | None:
    """What is wrong with a member before it is read; `places` are the names taken so far."""
    if member.kind == archives.WITH_HOLES:
        return CannotGrade(
            f"{quoted(member.name)} in {quoted(where)} is packed as a {member.kind}",
            hint="pack it in a zip, or by `tar` with `--no-read-sparse` on macOS and Windows, "
            "elsewhere without `--sparse`; or leave it out",
        )
    if member.kind != "file":
        return CannotGrade(
            f"{quoted(member.name)} in {quoted(where)} is a {member.kind}, not a file",
            hint="put the file itself in its place, or leave it out",
        )
    if fault := _fault_of(member.name, name):
        return CannotGrade(
            f"a file name in {quoted(where)} {fault}: {quoted(member.name)}",
            hint="rename it: letters, digits and `/` between folders, below the submission",
        )
    if other := _clash(name, places):
        return CannotGrade(
            f"{quoted(name)} and {quoted(other)} in {quoted(where)} are one name on some systems",
            hint="rename one of them: capitals alone do not tell two files apart",
        )
    return None


def _fault_of(raw: str, name: str) -> str | None:
    """Return what keeps a name from being a plain relative one."""
    try:
        raw.encode()
    except UnicodeEncodeError:
        return "is not text"
    if raw.startswith("/") or re.match(r"[A-Za-z]:", raw):
        return "is an absolute path"
    if ".." in name.split("/"):
        return "leads out of the submission"
    if not name or any(unicodedata.category(c) == "Cc" for c in raw):
        return "is empty or holds control characters"
    parts = [len(part.encode()) for part in name.split("/")]
    return "is too long" if max(parts) > MAX_NAME or len(name.encode()) > MAX_PATH else None


def _clash(name: str, places: dict[str, str]) -> str | None:
    """The name already taken that this one is, is a folder of, or lies below; case counts not."""
    folded = name.casefold()
    above = [folded[:i] for i, c in enumerate(folded) if c == "/"]
    for place in (folded, *above):
        if place in places and (place == folded or not places[place].endswith("/")):
            return places[place].removesuffix("/")
    places |= {place: f"{name[: len(place)]}/" for place in above}
    places[folded] = name
    return None


def _folder(root: Path, only: set[str] | None) -> Iterator[Member]:
    """The entries below a folder, in the order of their names; links are named, not followed.

    A folder that cannot be listed is one that cannot be read.
    """
    shut: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=shut.append, followlinks=False):
        place = Path(folder)
        if place == root and only is not None:
            folders[:], files = [f for f in folders if f in only], [f for f in files if f in only]
        links = [name for name in folders if os.path.islink(place / name)]  # noqa: PTH114 - never raises
        folders[:] = sorted(f for f in folders if f not in links and not is_left_out(f))
        for name in sorted([*files, *links]):
            yield _on_disk(place / name, (place / name).relative_to(root).as_posix())
    for error in shut:
        path = Path(str(error.filename))
        yield _out_of_reach(path.relative_to(root).as_posix(), error)


def _out_of_reach(name: str, error: OSError) -> Member:
    def read(_: int) -> bytes:
        raise Damaged(str(error.strerror))

    return Member(name, "file", read)


def _on_disk(path: Path, name: str) -> Member:
    try:
        mode = path.lstat().st_mode
    except OSError as error:  # a path that is longer than the system allows
        return _out_of_reach(name, error)
    return Member(name, archives.kind_of(mode), partial(content_of, path))


def content_of(path: Path, at_most: int) -> bytes:
    """Return the first bytes of a regular file."""
    with opened(path) as file:
        try:
            return file.read(at_most)
        except OSError as error:
            raise Damaged(str(error.strerror)) from None


class OnDisk(io.RawIOBase):
    """A file that is open only while it is read: it need not be closed."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        self._at = offset + (self._path.stat().st_size if begin is None else begin)
        return self._at

    def readinto(self, buffer: Any) -> int:
        with opened(self._path) as file:
            file.seek(self._at)
            count = file.readinto(buffer)  # type: ignore[attr-defined]
        self._at += count
        return int(count)


def opened(path: Path) -> BinaryIO:
    """A regular file; what became a link or a pipe meanwhile is not opened.

    Raises
    ------
    Damaged
        If it cannot be opened, or is something else.
    """
    try:
        return nofollow.regular(path)
    except OSError as error:
        raise Damaged(str(error.strerror)) from None


def _without_outer_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """`ada/hw.ipynb` as `hw.ipynb`: an archive of a folder is that folder."""
    while True:
        tops = {name.partition("/")[0] for name in files}
        nested = len(tops) == 1 and all("/" in name for name in files)
        if not nested or not tops.isdisjoint(LAID_OUT):
            return files
        files = {name.partition("/")[2]: content for name, content in files.items()}


def _two_of_one_name(name: str, where: Path) -> CannotGrade:
    return CannotGrade(
        f"two files of {quoted(where)} are called {quoted(name)}, and they differ",
        hint="leave the one that counts",
    )


def _too_many(where: Path) -> CannotGrade:
    return CannotGrade(
        f"{quoted(where)} holds more than {MAX_FILES:,} files",
        hint="hand in the notebook and what it needs, without environments and caches",
    )


def too_many_archives(where: Path) -> CannotGrade:
    """What is said of a hand-in of more archives than anybody needs."""
    return CannotGrade(
        f"{quoted(where)} holds more than {MAX_PACKED} archives",
        hint="hand in the notebook itself, or one archive of all that it needs",
    )


def _too_large(where: str, room: int) -> CannotGrade:
    limit = f"more than {room // MB} MB"
    ratio = f", or more than {MAX_RATIO} times what it is packed" if room < MAX_BYTES else ""
    return CannotGrade(f"{where} holds {limit}{ratio}", hint="hand in what the notebook needs")


def _too_large_a_notebook(name: str, where: Path, size: int) -> CannotGrade:
    return CannotGrade(
        f"{quoted(name)} in {quoted(where)} is larger than {MAX_NOTEBOOK // MB} MB",
        found=f"it has {size / MB:.1f} MB, and as much without its stored outputs",
        hint="leave out pictures and data that are pasted into its cells",
    )


def _damaged(what: str, error: Damaged) -> CannotGrade:
    hint = "pack and hand it in once more"
    if "encrypted" in str(error):
        hint = "pack it without a password"
    return CannotGrade(f"{what} cannot be read", found=str(error)[:200], hint=hint)
