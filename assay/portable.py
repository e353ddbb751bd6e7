"""What differs between Linux, macOS and Windows, for all that runs on a student's machine."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NO_LINK: int = sum(
    getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")
)
"""Flags to open what stands at a path itself, as bytes, as far as the system has them."""
DIRECTORY: int = getattr(os, "O_DIRECTORY", 0)


def interrupt_after(seconds: float, handler: Callable[..., Any]) -> None:
    """Call the handler after this much processor time, where the system can; never, for 0."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGPROF, handler)
        signal.setitimer(signal.ITIMER_PROF, seconds)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class NoLocks(OSError):
    """Raised if it cannot be known whether others hold a file."""


@contextmanager
def locked(path: Path, *, alone: bool) -> Iterator[bool]:
    """Hold a file with others, or alone; False, at once, where others are in the way.

    However a process ends, it holds nothing afterwards. Without locks, all may hold it together.

    Raises
    ------
    NoLocks
        If it is to be held alone, and the system or the file system has no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        try:
            descriptor = os.open(path, os.O_RDONLY)  # another's, or on a disk that is read alone
        except OSError:
            if alone:
                raise
            yield True  # who only reads a folder need not write in it
            return
    try:
        if fcntl is not None:
            kind = fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH
            try:
                fcntl.flock(descriptor, kind)
            except BlockingIOError:
                yield False
                return
            except OSError as error:  # a file system without locks
                if alone:
                    raise NoLocks(*error.args) from None
        elif alone:
            raise NoLocks("this system has no locks")
        yield True
    finally:
        if fcntl is not None:  # a child that is just being started holds a copy of the descriptor
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
