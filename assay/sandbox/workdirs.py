"""The folder of one run: what goes into the sandbox, and what comes out of it."""

import logging
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypedDict

import psutil

from assay import nofollow, portable
from assay.errors import OurFault
from assay.sandbox import inside

IN_THE_SANDBOX = ("boot.py", "canary.py", "landlock.py", "no_screen.py", "seccomp.py")
WRITABLE = ("evidence", "home")
PASSWD = "student:x:1000:1000::/home/student:/bin/sh\n"
MAX_DEPTH = 8
FACTS = 50_000_000
"""Bytes of what the runner reports of one run."""
FOLDER = os.O_RDONLY | portable.DIRECTORY
IN_MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free in memory for a workdir to stand there: as much as 32 runs may leave."""
LONGEST = 107 - len("/assay-1234567-4026531836-abcdefgh/ipc/kernel-99999")
logger = logging.getLogger(__name__)


QUESTION = "evidence/asking.txt"
"""Where a kernel writes down what its exam asks now, before it says so."""


class Failure(TypedDict):
    """What went wrong in a cell; `source` is '' if nothing did."""

    source: str
    error: str | None
    traceback: str | None


class CellFacts(Failure):
    """How a code cell of the student's ended."""

    number: int
    seconds: float | None
    cpu_seconds: float | None
    megabytes: float | None


class Took(TypedDict):
    """What something took: on the wall clock, and of a processor."""

    seconds: float
    cpu_seconds: float


class Spent(TypedDict):
    """What becomes of a question that ended only with its kernel: it is not put again."""

    status: str
    error: str
    took: str
    """In words its time, where that is why it was ended; else ''."""


class RunnerFacts(TypedDict):
    """What facts.json holds: what the runner saw of a run."""

    exit_code: int | None
    cells: list[CellFacts]
    exam: str | None
    """What ended the exam itself, outside of any question."""
    asking: Took | None
    """What the whole exam took, where it came to its end."""
    asked: dict[str, Took]
    """What each question took that was put."""
    stopped: str
    detail: str
    late: dict[str, str]
    stuck: dict[str, str]
    died_at: str
    """In words the line in which the kernel ended, with a comma before it; '' if unknown."""


def make(*, in_memory: bool = False) -> Path:
    """An empty workdir with the folders that a kernel writes in and the code it starts with.

    It stands in memory where that is asked for, there is room, and TMPDIR names no other place:
    ext4 gives no number of a file removed in the last minute to a new one, and looks through all
    of them for each, which took a tenth of a run.
    """
    where = str(IN_MEMORY) if in_memory and _has_room() else _where()
    workdir = Path(tempfile.mkdtemp(prefix=prefix(), dir=where))
    for folder in (*WRITABLE, "ipc", "support", "given", "submission", "boot"):
        (workdir / folder).mkdir()
    for name in IN_THE_SANDBOX:
        shutil.copyfile(Path(inside.__file__).with_name(name), workdir / "boot" / name)
    (workdir / "boot" / "passwd").write_text(PASSWD)
    return workdir


def _where() -> str:
    """The folder for temporary files; /tmp where its path is too long for a socket's, 107 bytes."""
    where = tempfile.gettempdir()
    return where if len(os.fsencode(where)) <= LONGEST else "/tmp"


def _has_room() -> bool:
    try:
        facts = os.statvfs(IN_MEMORY)
    except OSError:
        return False
    as_elsewhere = not facts.f_flag & os.ST_NOEXEC and os.access(IN_MEMORY, os.W_OK)
    room = min(facts.f_bavail * facts.f_frsize, psutil.virtual_memory().available)
    return as_elsewhere and room >= ROOM and tempfile.gettempdir() == "/tmp"


def prefix() -> str:
    """Return how the name of a temporary folder of this process begins."""
    return f"assay-{os.getpid()}-{_numbering()}-"


def _numbering() -> int:
    """Where this process has its number: containers that share a folder count for themselves."""
    return Path("/proc/self/ns/pid").stat().st_ino


@cache
def sweep() -> None:
    """Remove the folders of processes that were killed before they could."""
    places = {Path(_where()), Path(tempfile.gettempdir()), IN_MEMORY}
    found = [folder for where in places for folder in where.glob(f"assay-*-{_numbering()}-*")]
    for folder in found:
        pid = folder.name.split("-")[1]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)) and _is_ours(folder):
            logger.info("%s is removed: process %s was killed before it could", folder, pid)
            remove(folder)


def _is_ours(folder: Path) -> bool:
    """Anybody may make a folder, or a link, of such a name where temporary files stand."""
    with suppress(OSError):
        facts = folder.lstat()
        return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid()
    return False


def handed_out(workdir: Path) -> frozenset[str]:
    """The names of the questions that a run may put."""
    given = workdir / "given"
    sheets = given.rglob("*.npz")
    return frozenset(sheet.relative_to(given).with_suffix("").as_posix() for sheet in sheets)


def hand_over(workdir: Path, uid: int) -> None:
    """Let another user read what goes in and own what it writes in; the rest stays shut."""
    workdir.chmod(0o711)
    for folder in ("support", "given", "submission", "boot", "fonts"):
        _let_read(workdir / folder)
    for folder in WRITABLE:
        os.chown(workdir / folder, uid, uid)


def _let_read(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")] if folder.exists() else []:
        path.chmod(0o755 if path.is_dir() else 0o644)


def remove(workdir: Path) -> None:
    """Remove the workdir, also where folders in it were shut or nested to keep us from it."""
    if workdir.is_symlink() or not workdir.is_dir():  # somebody else's
        return
    with suppress(RecursionError):  # Python 3.11 calls itself for each level
        shutil.rmtree(workdir, ignore_errors=True)
    if os.path.lexists(workdir):
        subprocess.run(["chmod", "-R", "u+rwX", str(workdir)], capture_output=True, check=False)
        subprocess.run(["rm", "-rf", str(workdir)], capture_output=True, check=False)


def files(folder: Path, at_most: int) -> Iterator[tuple[Path, os.stat_result]]:
    """Files below a folder, up to a number and a depth.

    Every folder is opened from the one above it and never by its path: a kernel that lives may put
    a link to another place where a folder was.
    """
    return _below(str(folder), None, folder, MAX_DEPTH, iter(range(at_most)))


def _below(
    name: str, above: int | None, path: Path, depth: int, room: Iterator[int]
) -> Iterator[tuple[Path, os.stat_result]]:
    """What is in the folder of this name in one that was opened; nothing if it is shut."""
    try:
        here = nofollow.opened(name, FOLDER, above)
    except OSError:
        return
    try:
        with os.scandir(here) as entries:
            for entry, _ in zip(entries, room, strict=False):
                facts = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(facts.st_mode):
                    yield path / entry.name, facts
                elif depth:
                    yield from _below(entry.name, here, path / entry.name, depth - 1, room)
    except OSError:  # gone by now
        return
    finally:
        os.close(here)


def read(path: Path, at_most: int) -> bytes | None:
    """The content of a regular file of our user; links, pipes, and too large ones are passed over.

    The folder must be one that no kernel can change; `read_below` is for the others.
    """
    return read_below(path.parent, path.name, at_most)


def read_below(folder: Path, name: str, at_most: int) -> bytes | None:
    """The content of a regular file at `a/b/c` below a folder; no link is followed on the way."""
    *above, last = name.split("/")
    folders: list[int] = []
    try:
        folders.append(nofollow.opened(folder, FOLDER))
        for part in above:
            folders.append(nofollow.opened(part, FOLDER, folders[-1]))
        with nofollow.regular(last, folders[-1]) as file:
            facts = os.fstat(file.fileno())
            if facts.st_nlink != 1 or facts.st_size > at_most:
                return None
            return file.read(at_most)
    except OSError:
        return None
    finally:
        for descriptor in folders:
            os.close(descriptor)


def font_cache() -> Path:
    """matplotlib's list of fonts, made once: a kernel without it would spend seconds on one."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "assay" / "fonts"
    if not any(cache.glob("fontlist-*.json")):
        cache.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="fonts-", dir=cache.parent))
        subprocess.run(
            [sys.executable, "-c", "import matplotlib.font_manager"],
            env=os.environ | {"MPLCONFIGDIR": str(made)},
            capture_output=True,
            check=False,
        )
        if not any(made.glob("fontlist-*.json")):
            raise OurFault("matplotlib could not list this machine's fonts")
        for file in made.glob("fontlist-*.json"):
            file.replace(cache / file.name)  # whole from the first: another command may read it
        shutil.rmtree(made, ignore_errors=True)
    return cache
