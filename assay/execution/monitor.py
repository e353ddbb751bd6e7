"""What can be seen of a run from outside while it goes on: memory, processes, disk.

A look costs well under a millisecond for a kernel that behaves; there are five a second.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import quoted
from assay.execution import clock
from assay.execution.clock import ASKING, START, Clock, Moment, descendants
from assay.sandbox import workdirs
from assay.sandbox.cgroup import Cgroup, Counters
from assay.units import MIB

KIB = 1024
DISK = 128 * MIB
FILES = 2_000
EXAM = "the exam"
"""Where a run is that puts its questions, as `at.txt` says it."""
NEARLY = 0.9
"""A process that holds this share of its memory met its limit: what it asked for next was more."""


@dataclass
class Monitor:
    """The highest of everything so far, and the cell in which a limit was first met."""

    workdir: Path
    home: str | None
    """The home as the kernel sees it, where it is a file system of its own."""
    group: Cgroup | None
    memory_limit: int
    process_limit: int
    memory: int = 0
    processes: int = 0
    disk: int = 0
    files: int = 0
    home_is_full: bool = False
    clock: Clock | None = None
    counters: Counters = field(default_factory=lambda: Counters(0, 0, 0))
    limits_hit: dict[str, str] = field(default_factory=dict)
    """Limits that were reached, each with the cell in which they were."""
    exam_began: Moment | None = None

    def look(self, runner: int) -> str:
        """Look once; the limit for which the run is to be ended now, or ''."""
        self.take_time(runner)
        kernel = list(_below(runner))
        self.processes = max(self.processes, sum(process.threads for process in kernel))
        self.memory = max([self.memory, *(process.data for process in kernel)])
        self._measure_disk()
        if self.home and kernel and _is_full(f"/proc/{kernel[-1].pid}/root{self.home}"):
            self.home_is_full = True
        return self.take_stock()

    def take_time(self, runner: int) -> None:
        """Note the time of the run below this process, and when its exam began."""
        self.clock = self.clock or Clock(runner, self.group.usage if self.group else None)
        now = self.clock.tick()
        if self.exam_began is None and self.where() == EXAM:
            self.exam_began = now

    def over(self, seconds: float) -> str:
        """In words which limit of time was met, by the notebook or by the exam; '' if none."""
        if self.clock is None:
            return ""
        return clock.over(seconds, self.exam_began or START, self.clock.now)

    @property
    def computed(self) -> float:
        """Seconds of processor time."""
        return self.clock.now.computed if self.clock else 0.0

    @property
    def pressure(self) -> float:
        """How busy the machine was, from 0 to 1."""
        return self.clock.pressure if self.clock else 0.0

    @property
    def starved(self) -> bool:
        """Whether it hardly ever had a processor when it had work."""
        return self.clock is not None and self.clock.is_starved

    def take_stock(self) -> str:
        """Note every limit that has been met; the one that ends the run, or ''."""
        if self.group:
            self.counters = self.group.counters()
        ending = {
            "killed for memory": self.counters.oom_kills > 0,
            "processes": self.counters.refused_forks > 0
            or self.processes >= NEARLY * self.process_limit,
            "disk": self.disk > DISK or self.files > FILES,
        }
        noted = ending | {
            "memory": self.memory >= NEARLY * self.memory_limit,
            "home": self.home_is_full,
        }
        for limit in (name for name, was_met in noted.items() if was_met):
            self.limits_hit.setdefault(limit, self.in_words())
        return next((name for name, was_met in ending.items() if was_met), "")

    def where(self) -> str:
        """Return the cell that runs now, in the words of the process that started it."""
        return (workdirs.read(self.workdir / "at.txt", 1000) or b"its start").decode(
            errors="replace"
        )

    @property
    def asking(self) -> str:
        """The question that the exam puts now, as it says itself; '' between two.

        It writes down what it asks and then sends it: of a kernel that ended at once the message
        may have been lost, and what was heard last is the question before.
        """
        heard = _numbered(workdirs.read(self.workdir / ASKING, 1000))
        written = _numbered(workdirs.read_below(self.workdir, workdirs.QUESTION, 1000))
        if written > heard and written[1] in workdirs.handed_out(self.workdir):
            return written[1]
        return heard[1]

    def asked(self) -> str:
        """What the exam was ended in, with a comma before it."""
        return f", in the question {quoted(self.asking)}" if self.asking else ""

    def in_words(self) -> str:
        """The cell that runs now, or the question that is put."""
        where = self.where()
        return f"the question {quoted(self.asking)}" if where == EXAM and self.asking else where

    @property
    def peak(self) -> int:
        """The most memory that was seen, in bytes."""
        return max(self.memory, self.counters.peak)

    def _measure_disk(self) -> None:
        sizes = [
            facts.st_blocks * 512
            for folder in workdirs.WRITABLE
            for _, facts in workdirs.files(self.workdir / folder, FILES + 1)
        ]
        log = self.workdir / "kernel.log"
        written = log.stat().st_size if log.exists() else 0
        self.disk, self.files = max(self.disk, sum(sizes) + written), max(self.files, len(sizes))


@dataclass(frozen=True)
class ProcessUsage:
    """One process: its data segment in bytes, as RLIMIT_DATA counts it, and its threads."""

    pid: int
    data: int
    threads: int


def data() -> int:
    """Bytes of this very process, as RLIMIT_DATA counts them."""
    seen = _look_at(os.getpid())
    assert seen is not None, "we live"
    return seen.data


def resident(pid: int) -> int:
    """Bytes in memory of a process or the largest below it: those that were forked share theirs."""
    pages = [_read(f"/proc/{each}/statm").split() for each in (pid, *descendants(pid))]
    return max((int(of[1]) for of in pages if of), default=0) * os.sysconf("SC_PAGE_SIZE")


def _below(pid: int) -> Iterator[ProcessUsage]:
    """Every process below this one."""
    return (seen for child in descendants(pid) if (seen := _look_at(child)))


def _look_at(pid: int) -> ProcessUsage | None:
    lines = _read(f"/proc/{pid}/status").splitlines()
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    if "VmData" not in status:  # it has ended meanwhile
        return None
    return ProcessUsage(pid, int(status["VmData"].split()[0]) * KIB, int(status["Threads"]))


def _read(path: str) -> str:
    try:
        with open(path, errors="replace") as file:  # noqa: PTH123 - a Path takes twice as long
            return file.read()
    except OSError:
        return ""


def _is_full(folder: str) -> bool:
    try:
        facts = os.statvfs(folder)
    except OSError:
        return False
    return facts.f_bavail * facts.f_frsize < 64 * KIB


def _numbered(said: bytes | None) -> tuple[int, str]:
    """A question and the number under which it is put; 0 where nothing of the kind is said."""
    number, _, question = (said or b"").decode(errors="replace").partition(" ")
    return (int(number), question) if number.isdecimal() else (0, "")
