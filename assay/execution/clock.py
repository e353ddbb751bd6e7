"""What a run computes, and how long it was let compute: limits do not count what others took.

A limit is in seconds of processor time, of all processes of the run. Beside it stands a limit on
waiting, for what sleeps or is stuck: its seconds pass only while the run was not itself waiting
for a processor. https://docs.kernel.org/accounting/psi.html, .../scheduler/sched-stats.html
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ASKING = "asking.txt"
"""Where the runner says what the exam asks now: no kernel sees it."""
TOLD = "told.jsonl"
"""Where the runner notes the digest of each answer as it hears it: it may be ended with the run."""
RAN = "ran.jsonl"
"""The same for what runs and was not handed in."""
TICK = os.sysconf("SC_CLK_TCK")
SLOWEST = 20.0
"""Waiting passes at least this many times slower than the wall clock: everything has an end."""
WAITED = "s, waiting"
"""Ends the words for a limit that what computes does not meet."""
STARVED = 0.9
"""Share of a run's time without a processor from which on its waiting is not its own."""
BUSY = 0.25
"""Share of a run's time from which on the machine was too busy to call the run too slow."""


class Moment(NamedTuple):
    """Seconds of processor time so far, and of waiting time."""

    computed: float
    waited: float


START = Moment(0.0, 0.0)


def patience(seconds: float) -> float:
    """How long something may last that may compute for so long."""
    return 2 * seconds + 3


def over(seconds: float, begun: Moment, now: Moment) -> str:
    """In words which limit was met since then, '' where none was."""
    if now.computed - begun.computed >= seconds:
        return f"took longer than {seconds:g} s"
    if now.waited - begun.waited >= patience(seconds):
        return f"took longer than {waited(seconds)}"
    return ""


def waited(seconds: float) -> str:
    """In words how long something lasts at most that may compute for so long."""
    return f"{patience(seconds):g} {WAITED}"


@dataclass
class Clock:
    """The time of one run: all processes below one, which is counted for what it waits alone."""

    below: int
    usage: Path | None = None
    """Where the run's cgroup counts processor time: it forgets no process."""
    now: Moment = START
    queued: float = 0.0
    """Seconds for which the run had work and no processor."""
    _at: float = field(default_factory=time.monotonic)
    _queues: dict[str, int] = field(default_factory=dict)
    _machine: "MachineLoad" = field(default_factory=lambda: MachineLoad.seen())
    _began: "Began" = field(default_factory=lambda: Began(time.monotonic(), MachineLoad.seen()))

    def tick(self) -> Moment:
        """Look; the time by now. Call it often, or waits for a processor cannot be seen."""
        pids = [self.below, *descendants(self.below)]
        at, machine = time.monotonic(), MachineLoad.seen()
        passed = at - self._at
        queued = self._queued(pids)
        stalled = machine.stalled(self._machine, passed) if queued is None else queued
        stalled += passed * machine.stolen(self._machine)
        computed = self._computed(pids[1:])
        self.queued += min(stalled, passed)
        self.now = Moment(
            max(computed, self.now.computed),  # what has ended unseen is forgotten, not taken back
            self.now.waited + max(passed - stalled, passed / SLOWEST),
        )
        self._at, self._machine = at, machine
        return self.now

    @property
    def computed(self) -> float:
        """Seconds of processor time by now: a look that costs little, and changes nothing."""
        return max(self.now.computed, self._computed(descendants(self.below)))

    def _computed(self, pids: Iterable[int]) -> float:
        return _in_group(self.usage) if self.usage else _in_processes(pids)

    @property
    def is_starved(self) -> bool:
        """Whether it hardly ever had a processor when it had work."""
        return self.queued >= STARVED * (self._at - self._began.at)

    @property
    def pressure(self) -> float:
        """The share of its time in which it, or something else here, waited for a processor."""
        passed = self._at - self._began.at
        if not passed:
            return 0.0
        elsewhere = self._machine.stalled(self._began.machine, passed) / passed
        stolen = self._machine.stolen(self._began.machine)
        return min(1.0, max(elsewhere, self.queued / passed) + stolen)

    def _queued(self, pids: list[int]) -> float | None:
        """Seconds for which threads of these processes waited for a processor since last time.

        Threads may wait one after another, or all at once and for each other. Where none of them
        has work at this moment, it is taken for the latter: a herd that wakes together adds up
        more waiting than time passes, and sleeps nearly always.
        """
        queues = {}
        for pid in pids:
            for task in _names(f"/proc/{pid}/task"):
                place = f"/proc/{pid}/task/{task}"
                if found := _read(f"{place}/schedstat").split():
                    queues[place] = int(found[1])
        if not queues:  # a kernel that does not count it
            return None
        known = self._queues
        self._queues = queues
        waits = {task: wait - known.get(task, 0) for task, wait in queues.items()}
        waiting = {task: wait for task, wait in waits.items() if wait > 0}
        at_once = len(waiting) > 1 and not any(map(_has_work, waiting))
        return (max if at_once else sum)(waiting.values()) / 1e9


class MachineLoad(NamedTuple):
    """What is known of the whole machine: pressure in seconds, processor ticks, those stolen."""

    pressure: float | None
    ticks: int
    steal: int

    @classmethod
    def seen(cls) -> "MachineLoad":
        """As it is now."""
        pressure = next(
            (
                int(line.rpartition("total=")[2]) / 1e6
                for line in _read("/proc/pressure/cpu").splitlines()
                if line.startswith("some")
            ),
            None,
        )
        ticks = [int(word) for word in _read("/proc/stat").partition("\n")[0].split()[1:9]]
        return cls(pressure, sum(ticks), ticks[7] if len(ticks) == 8 else 0)

    def stalled(self, before: "MachineLoad", passed: float) -> float:
        """Seconds of those passed in which something waited for a processor; else by the load."""
        if self.pressure is not None and before.pressure is not None:
            return self.pressure - before.pressure
        load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
        return passed * max(0.0, 1 - cores / load) if load > 0 else 0.0

    def stolen(self, before: "MachineLoad") -> float:
        """Return the share of the processors' time that the machine below this one took."""
        return (self.steal - before.steal) / max(1, self.ticks - before.ticks)


class Began(NamedTuple):
    """When a clock began, and what was known of the machine then."""

    at: float
    machine: MachineLoad


def descendants(pid: int) -> Iterator[int]:
    """Every process below this one."""
    for task in _names(f"/proc/{pid}/task"):
        for child in _read(f"/proc/{pid}/task/{task}/children").split():
            yield int(child)
            yield from descendants(int(child))


def _in_group(usage: Path) -> float:
    """Seconds that a cgroup has counted: version 1 has a file of nanoseconds, version 2 a table."""
    text = _read(str(usage))
    if usage.name == "cpuacct.usage":
        return int(text or 0) / 1e9
    return next(
        (int(line.split()[1]) / 1e6 for line in text.splitlines() if line.startswith("usage_usec")),
        0.0,
    )


def _in_processes(pids: Iterable[int]) -> float:
    """Seconds of these processes and of those of their children that have ended."""
    ticks = 0
    for pid in pids:
        after_name = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        ticks += sum(int(word) for word in after_name[11:15])  # utime, stime, cutime, cstime
    return ticks / TICK


def _has_work(task: str) -> bool:
    """Return whether a thread runs, or waits for a processor."""
    return _read(f"{task}/stat").rpartition(")")[2].split()[:1] == ["R"]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _read(path: str) -> str:
    try:
        with open(path, errors="replace") as file:  # noqa: PTH123 - a Path takes twice as long
            return file.read()
    except OSError:
        return ""
