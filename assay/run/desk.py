"""The folder of one run: what goes into the sandbox, and what comes out of it."""

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

import psutil

from assay.errors import OurFault

IN_THE_SANDBOX = ("boot.py", "canary.py", "landlock.py", "seccomp.py")
WRITABLE = ("evidence", "ipc", "home")
PASSWD = "student:x:1000:1000::/home/student:/bin/sh\n"
MAX_DEPTH = 8
IN_MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free in memory for a desk to stand there: as much as 32 runs may leave."""
LONGEST = 107 - len("/assay-1234567-4026531836-abcdefgh/ipc/kernel-99999")


def make(*, in_memory: bool = False) -> Path:
    """An empty desk with the folders that a kernel writes in and the code it starts with.

    It stands in memory where that is asked for, there is room, and TMPDIR names no other place:
    ext4 gives no number of a file removed in the last minute to a new one, and looks through all
    of them for each, which took a tenth of a run.
    """
    where = str(IN_MEMORY) if in_memory and _has_room() else _where()
    desk = Path(tempfile.mkdtemp(prefix=prefix(), dir=where))
    for folder in (*WRITABLE, "kit", "given", "submission", "boot"):
        (desk / folder).mkdir()
    for name in IN_THE_SANDBOX:
        shutil.copyfile(Path(__file__).with_name(name), desk / "boot" / name)
    (desk / "boot" / "passwd").write_text(PASSWD)
    return desk


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
    """How the name of a temporary folder of this process begins."""
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
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            remove(folder)


def hand_over(desk: Path, uid: int) -> None:
    """Let another user read what goes in and own what it writes in; the rest stays shut."""
    desk.chmod(0o711)
    for folder in ("kit", "given", "submission", "boot", "fonts"):
        _let_read(desk / folder)
    for folder in WRITABLE:
        os.chown(desk / folder, uid, uid)


def _let_read(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")] if folder.exists() else []:
        path.chmod(0o755 if path.is_dir() else 0o644)


def remove(desk: Path) -> None:
    """Remove the desk, also where folders in it were shut or nested to keep us from it."""
    with suppress(RecursionError):  # Python 3.11 calls itself for each level
        shutil.rmtree(desk, ignore_errors=True)
    if desk.exists():
        subprocess.run(["chmod", "-R", "u+rwX", str(desk)], capture_output=True, check=False)
        subprocess.run(["rm", "-rf", str(desk)], capture_output=True, check=False)


def files(folder: Path, at_most: int) -> Iterator[tuple[Path, os.stat_result]]:
    """Files below a folder, so many and so deep, without going through links."""
    waiting = [] if folder.is_symlink() else [(folder, 0)]
    while waiting:
        here, depth = waiting.pop()
        for path, facts in _entries(here):
            if at_most == 0:
                return
            at_most -= 1
            if not stat.S_ISDIR(facts.st_mode):
                yield path, facts
            elif depth < MAX_DEPTH:
                waiting.append((path, depth + 1))


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield Path(entry.path), entry.stat(follow_symlinks=False)
    except OSError:  # gone or shut by now
        return


def read(path: Path, at_most: int) -> bytes | None:
    """A regular file's content; links, pipes, devices and what is too large are passed over."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1 or facts.st_size > at_most:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(at_most)
    finally:
        os.close(descriptor)


def font_cache() -> Path:
    """matplotlib's list of fonts, made once: a kernel without it would spend seconds on one."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "assay" / "fonts"
    if not any(cache.glob("fontlist-*.json")):
        made = Path(tempfile.mkdtemp(prefix="assay-fonts-"))
        subprocess.run(
            [sys.executable, "-c", "import matplotlib.font_manager"],
            env=os.environ | {"MPLCONFIGDIR": str(made)},
            capture_output=True,
            check=False,
        )
        if not any(made.glob("fontlist-*.json")):
            raise OurFault("matplotlib could not list this machine's fonts")
        shutil.copytree(made, cache, dirs_exist_ok=True)
        shutil.rmtree(made, ignore_errors=True)
    return cache
