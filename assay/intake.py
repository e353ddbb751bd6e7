"""Read what was handed in, whatever it is, into bytes by name. Nothing is ever unpacked to disk.

A folder, a zip, a tar.gz or one notebook. Only regular files come in, under plain relative names,
so many and so large at most; what comes in is a copy that nobody can change any more. Everything
that is wrong is told at once: a student need not hand in five times to hear of five slips.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from assay import archives
from assay.archives import Damaged, Member
from assay.errors import CannotGrade, quoted

MB = 1_000_000
MAX_FILES = 2_000
MAX_BYTES = 200 * MB
MAX_NOTEBOOK = 20 * MB
MAX_RATIO = 100
"""How much larger than the archive its content may be, beyond the first 20 MB."""
MAX_NAME, MAX_PATH = 200, 500
"""Bytes of one name and of a whole path; file systems take 255 and 4,096."""
LEFT_OUT = {"__pycache__", "__MACOSX", "reports", "node_modules", "venv"}
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
    """The files that could be read, and all that keeps them from being graded."""

    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[CannotGrade] = field(default_factory=list)


def read(path: Path) -> Found:
    """Everything at a path. A bare notebook brings the `adapter.py` beside it.

    Raises
    ------
    CannotGrade
        Where there is nothing that could be a submission.
    """
    suffix = archive_suffix(path)
    if path.is_dir():
        reference = (path / "assignment.toml").exists()
        return _take(_folder(path, OF_AN_ASSIGNMENT if reference else None), path, MAX_BYTES)
    if path.is_file() and path.suffix == ".ipynb":
        beside = [path, *(p for p in [path.parent / "adapter.py"] if p.is_file())]
        return _take((_on_disk(p, p.name) for p in beside), path.parent, MAX_BYTES)
    if path.is_file() and suffix:
        return _archive(path, ARCHIVES[suffix])
    raise CannotGrade(
        f"{quoted(path)} is neither a folder nor a notebook, nor a zip or tar.gz of them",
        hint="name a folder with the notebook in it, an archive of it, or the .ipynb file itself",
    )


def archive_suffix(path: Path) -> str | None:
    """`.zip`, `.tar.gz` or `.tgz`, whatever its case; None where it is no archive by its name."""
    return next((suffix for suffix in ARCHIVES if path.name.lower().endswith(suffix)), None)


def _archive(path: Path, members: Callable[[bytes, int], Iterator[Member]]) -> Found:
    try:
        content = _content(path, MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            return Found(problems=[_too_large(quoted(path), MAX_BYTES)])
        room = min(MAX_BYTES, max(20 * MB, MAX_RATIO * len(content)))
        found = _take(members(content, room), path, room)
    except Damaged as error:
        return Found(problems=[_damaged(quoted(path), error)])
    return Found(_without_outer_folder(found.files), found.problems)


def _take(members: Iterable[Member], where: Path, room: int) -> Found:
    """Read member after member while there is room; each refusal once, and on with the next."""
    found, places, left = Found(), dict[str, str](), room
    for member in members:
        name = "/".join(part for part in member.name.split("/") if part not in ("", "."))
        name = unicodedata.normalize("NFC", name)
        if _is_left_out(name):
            continue
        if len(found.files) >= MAX_FILES:
            found.problems.append(_too_many(where))
            break
        problem = _refused(member, name, where, places)
        if problem is None:
            left -= _add(found, member, name, where, left)
        else:
            found.problems.append(problem)
        if left < 0:
            found.problems.append(_too_large(quoted(where), room))
            break
    return found


def _add(found: Found, member: Member, name: str, where: Path, left: int) -> int:
    """Read one file into what was found; how many bytes it took of what was left."""
    try:
        content = member.read(left + 1)
    except Damaged as error:
        found.problems.append(_damaged(f"{quoted(name)} in {quoted(where)}", error))
        return 0
    if name.endswith(".ipynb") and len(content) > MAX_NOTEBOOK:
        found.problems.append(_too_large_a_notebook(name, where, len(content)))
    elif len(content) <= left:
        found.files[name] = content
    return len(content)


def _refused(member: Member, name: str, where: Path, places: dict[str, str]) -> CannotGrade | None:
    """What is wrong with a member before it is read; `places` are the names taken so far."""
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
    """What keeps a name from being a plain relative one."""
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


def _is_left_out(name: str) -> bool:
    """Caches, reports, hidden files: nobody's work. A name with `..` is not hidden, but refused."""
    parts = name.split("/")
    hidden = (part.startswith(".") and part != ".." for part in parts)
    return ".." not in parts and (any(hidden) or not LEFT_OUT.isdisjoint(parts))


def _folder(root: Path, only: set[str] | None) -> Iterator[Member]:
    """The entries below a folder, in the order of their names; links are named, not followed."""
    for folder, folders, files in os.walk(root, followlinks=False):
        place = Path(folder)
        if place == root and only is not None:
            folders[:], files = [f for f in folders if f in only], [f for f in files if f in only]
        links = [name for name in folders if (place / name).is_symlink()]
        folders[:] = sorted(f for f in folders if f not in links and not _is_left_out(f))
        for name in sorted([*files, *links]):
            yield _on_disk(place / name, (place / name).relative_to(root).as_posix())


def _on_disk(path: Path, name: str) -> Member:
    mode = path.lstat().st_mode
    return Member(name, archives.kind_of(mode), partial(_content, path))


def _content(path: Path, at_most: int) -> bytes:
    """The first bytes of a regular file; what became a link or a pipe meanwhile is not opened."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Damaged("it is not a regular file")
            return file.read(at_most)
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


def _too_many(where: Path) -> CannotGrade:
    return CannotGrade(
        f"{quoted(where)} holds more than {MAX_FILES:,} files",
        hint="hand in the notebook and what it needs, without environments and caches",
    )


def _too_large(where: str, room: int) -> CannotGrade:
    limit = f"more than {room // MB} MB"
    ratio = f", or more than {MAX_RATIO} times what it is packed" if room < MAX_BYTES else ""
    return CannotGrade(f"{where} holds {limit}{ratio}", hint="hand in what the notebook needs")


def _too_large_a_notebook(name: str, where: Path, size: int) -> CannotGrade:
    return CannotGrade(
        f"{quoted(name)} in {quoted(where)} is larger than {MAX_NOTEBOOK // MB} MB",
        found=f"it has {size / MB:.1f} MB; nearly all of that will be stored outputs",
        hint="clear them (in Jupyter: Edit, Clear Outputs of All Cells) and save it again",
    )


def _damaged(what: str, error: Damaged) -> CannotGrade:
    return CannotGrade(
        f"{what} cannot be read", found=str(error)[:200], hint="pack and hand it in once more"
    )
