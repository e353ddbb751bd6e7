"""A limit on waiting counts what a run waits for itself, and not its wait for a processor."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay.execution.clock import TICK, Clock, descendants

ONE = min(os.sched_getaffinity(0))
SECONDS = 4.0
IDLE = 0.4
"""Share of a processor below which nobody else can have been at work on it."""
HERD = f"""
import os, time
os.sched_setaffinity(0, {{{ONE}}})
for _ in range(95):
    if os.fork() == 0:
        while True:
            time.sleep(0.1 - time.time() % 0.1)
            for _ in range(300):
                pass
time.sleep(1000)
"""
TURNS = f"""
import os
os.sched_setaffinity(0, {{{ONE}}})
pipes = [os.pipe() for _ in range(6)]
place = next((n for n in range(1, 6) if os.fork() == 0), 0)
os.write(pipes[0][1], b"x") if place == 0 else None
while True:
    os.read(pipes[place][0], 1)
    sum(range(10_000))
    os.write(pipes[(place + 1) % 6][1], b"x")
"""
BUSY = f"import os; os.sched_setaffinity(0, {{{ONE}}})\nwhile True: pass"


@contextmanager
def going(code: str) -> Iterator[int]:
    """A process that runs some code until it is killed, with what it forked."""
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as process:
        try:
            while process.poll() is None and os.sched_getaffinity(process.pid) != {ONE}:
                time.sleep(0.1)  # until it has begun
            time.sleep(1)
            yield process.pid
        finally:
            os.killpg(process.pid, 9)


def waited(pid: int) -> float:
    """The share of some seconds in which a run waited, by its clock."""
    clock = Clock(pid)
    first, begun = clock.tick(), time.monotonic()
    while time.monotonic() - begun < SECONDS:
        time.sleep(0.2)
        clock.tick()
    return (clock.now.waited - first.waited) / (time.monotonic() - begun)


def taken() -> int:
    """The ticks for which the one processor has been at work, for anybody."""
    lines = Path("/proc/stat").read_text().splitlines()
    (words,) = [line.split() for line in lines if line.startswith(f"cpu{ONE} ")]
    user, nice, system, _, _, irq, softirq, steal = map(int, words[1:9])
    return user + nice + system + irq + softirq + steal


def test_many_that_wake_together_do_not_hold_the_clock():
    """Each waits for the others, which adds up to more than the time; all of them sleep."""
    with going(HERD) as herd:
        while len(list(descendants(herd))) < 95:
            time.sleep(0.1)
        for _ in range(5):
            begun, before = time.monotonic(), taken()
            share = waited(herd)
            of_processor = (taken() - before) / TICK / (time.monotonic() - begun)
            if share > 0.15 or of_processor < IDLE:
                break
        else:
            pytest.skip("others have the processor, for which the herd waits as it should")

        assert share > 0.15  # it was 0.05


def test_some_that_take_turns_and_have_no_processor_do_not_wait():
    """None has waited for as long as time has passed; together they have."""
    with going(TURNS) as run, going(BUSY), going(BUSY), going(BUSY):
        assert waited(run) < 0.6
