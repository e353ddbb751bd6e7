"""Processes that were forked and not executed, and how all below one are ended."""

import json
import os
import select
import signal
import socket
import subprocess
import weakref
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Literal, TypedDict

import psutil

RUNNER = ("assay.execution.runner", "nbformat")
"""What a parent imports for the process beside a kernel, and no kernel imports."""
GONE = 70
"""The exit code of a runner whose parent ended, and that ended with it: no signal, our fault."""

OUT_OF_MEMORY = 71
"""The exit code of our own process whose memory did not suffice."""


class RunRequest(TypedDict):
    """Asks for a runner, for the run at a workdir."""

    become: Literal["run"]
    workdir: str


class ParentRequest(TypedDict):
    """Asks for another parent, with more imports."""

    become: Literal["parent"]
    modules: list[str]


class JudgeRequest(TypedDict):
    """Asks for pytest in a course's folder."""

    become: Literal["judge"]
    folder: str
    arguments: list[str]
    memory: int
    """Bytes, above those that the parent holds."""
    seconds: int
    """Of processor time."""


Request = RunRequest | ParentRequest | JudgeRequest
"""What a parent is asked to fork."""


def is_single() -> bool:
    """Whether this process has one thread and may fork: another would be missing in the child."""
    return len(list(Path("/proc/self/task").iterdir())) == 1


class Process(ABC):
    """What is used of a `subprocess.Popen`, for a process that is known by a pidfd, its `end`.

    Several threads may wait for it: each channel to a kernel has one that looks whether it ended.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, end: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._end = end
        self._lock = Lock()
        # not when it has ended, as others may look at it, nor at our end, as it is waited for then
        weakref.finalize(self, os.close, end).atexit = False

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code.

        Raises
        ------
        subprocess.TimeoutExpired
            If it still runs after this many seconds.
        """
        if self.returncode is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a forked process", timeout or 0)
            with self._lock:
                if self.returncode is None:  # or another thread has its exit code
                    self.returncode = self._code()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended since
                signal.pidfd_send_signal(self._end, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    terminate = kill

    @abstractmethod
    def _code(self) -> int:
        """Return the exit code, once there is one."""


class Child(Process):
    """A child process that waits for the signal to begin."""

    def __init__(self, pid: int, go: int) -> None:
        super().__init__(pid, os.pidfd_open(pid))
        self._go = go

    def begin(self) -> None:
        """Let it begin."""
        os.write(self._go, b"g")

    def _code(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Forked(Process):
    """A process that a parent forked for us; it knows how it ended."""

    def __init__(self, pid: int, end: int, answers: socket.socket) -> None:
        super().__init__(pid, end)
        self._answers = answers

    def _code(self) -> int:
        with self._answers:
            said = self._answers.recv(1000)
        return int(json.loads(said)["code"]) if said else GONE


def ended(code: int) -> str:
    """Return how a process ended that left no word, by its exit code."""
    if code >= 0:
        return f"ended its process with code {code}"
    names = {number.value: number.name for number in signal.Signals}
    return f"ended its process by {names.get(-code, f'signal {-code}')}"


def kill_all_below(pid: int) -> None:
    """The same of a process that may have ended by now: another process waits for it."""
    with suppress(psutil.NoSuchProcess):
        kill_below(psutil.Process(pid))


def kill_below(process: psutil.Process) -> None:
    """Kill all descendants of a process, those included that are born meanwhile."""
    while children := [p for p in process.children(recursive=True) if _lives(p)]:
        for child in children:
            _kill(child)
        psutil.wait_procs(children, timeout=1)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
