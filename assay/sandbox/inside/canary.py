"""Try what must not succeed, in the very sandbox that students get, and say what did.

Writes one JSON object: the name of each attempt and whether it succeeded. The level is decided
outside (isolation.py). Standard library only: this file is copied into the sandbox.
"""

import ctypes
import errno
import json
import mmap
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

CLONE_VM, CLONE_NEWNS, CLONE_NEWUSER = 0x00000100, 0x00020000, 0x10000000
CORE_PATTERN = "/proc/sys/kernel/core_pattern"
UNBOUNDED = 1 << 31
"""A folder with more room than this, in bytes, has no limit set by assay."""
BLOCK = b"1" * (1 << 20)
STACK = 1 << 14


class Targets(TypedDict):
    """What the canary goes for: all of it is there, and all of it ours."""

    workdir: str
    home: str
    secret: str
    """A file of another submission."""
    private: list[str]
    """What stands in our home folder."""
    outside: int
    """The number of a process."""
    port: int
    processes: int
    memory: int


def attempts(targets: Targets) -> dict[str, Callable[[], object]]:
    """What is tried: each raises, or returns something false, where it is kept from it."""
    workdir, home, outside = Path(targets["workdir"]), targets["home"], targets["outside"]
    return {
        "read a file of another submission": Path(targets["secret"]).read_text,
        "read our home folder": lambda: any(_opens(path) for path in targets["private"]),
        "change the submission": lambda: _writes(workdir / "submission" / "new"),
        "change the exam": lambda: _writes(workdir / "support" / "new"),
        "change the interpreter": lambda: _writes(Path(sys.prefix) / "assay-canary"),
        "read our environment": lambda: "ASSAY_CANARY" in os.environ,
        "connect to a server on this machine": lambda: _connects(targets["port"]),
        "signal a process outside": lambda: _signals(outside),
        "read the environment of a process outside": Path(f"/proc/{outside}/environ").read_bytes,
        "see a process outside": lambda: Path(f"/proc/{outside}/stat").read_text(),
        "make a namespace": lambda: _unshares(CLONE_NEWUSER),
        "mount a file system": lambda: _unshares(CLONE_NEWNS),
        "set the system's crash handler": lambda: _opens(CORE_PATTERN, os.O_WRONLY),
        "write without a limit": lambda: _room(home) > UNBOUNDED or _writes(Path("/new")),
        "start processes without a limit": lambda: _starts(targets["processes"]),
        "use memory without a limit": lambda: _holds(targets["memory"]),
    }


def try_all(targets: Targets) -> dict[str, bool]:
    """Return which attempts succeeded."""
    return {name: _succeeds(attempt) for name, attempt in attempts(targets).items()}


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        return bool(attempt())
    except Exception:  # however it was kept from it
        return False


def _opens(path: str, how: int = os.O_RDONLY) -> bool:
    try:
        os.close(os.open(path, how))
    except OSError:
        return False
    return True


def _writes(path: Path) -> bool:
    path.write_text("canary")
    path.unlink()
    return True


def _connects(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def _signals(pid: int) -> bool:
    os.kill(pid, 0)
    return True


def _unshares(namespace: int) -> bool:
    """Whether a child may have a namespace of its own; of mounts, whether it may mount at all."""
    if (child := os.fork()) == 0:
        os._exit(ctypes.CDLL(None).unshare(namespace) != 0)
    return os.waitpid(child, 0)[1] == 0


def _room(folder: str) -> int:
    facts = os.statvfs(folder)
    return facts.f_blocks * facts.f_frsize


def _starts(count: int) -> bool:
    """Return whether this many processes can live at once.

    Each sleeps in our memory, on a stack of its own: to fork a kernel 128 times took half a second.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    stacks = [ctypes.create_string_buffer(STACK) for _ in range(count)]
    children: list[int] = []
    for stack in stacks:
        top = ctypes.c_void_p((ctypes.addressof(stack) + STACK) & -16)
        child = libc.clone(libc.pause, top, CLONE_VM | signal.SIGCHLD, None)
        if child < 0:
            break
        children.append(child)
    met_a_limit = 0 < len(children) < count and ctypes.get_errno() == errno.EAGAIN
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return not met_a_limit  # kept from it by anything else, we have proved nothing


def _holds(count: int) -> bool:
    """Return whether a child can fill this many bytes of shared memory, which no rlimit counts."""
    if (child := os.fork()) == 0:
        shared = mmap.mmap(-1, count)
        for _ in range(count // len(BLOCK)):
            shared.write(BLOCK)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    json.dump(try_all(json.loads(sys.argv[1])), sys.stdout)
