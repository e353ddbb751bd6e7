"""What differs between Linux, macOS and Windows, for all that runs on a student's machine."""

import os
import signal
from collections.abc import Callable
from typing import Any

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
