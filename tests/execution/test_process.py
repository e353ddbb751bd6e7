"""Processes that were not executed: who waits for one, and who kills one, need not be alone."""

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from assay.execution import execute as rooms
from assay.execution.monitor import Monitor
from assay.execution.process import Child, kill_all_below


def asleep(seconds: float) -> Child:
    """A child that ends after this time."""
    words = ["sleep", str(seconds)]
    return Child(os.posix_spawn("/bin/sleep", words, dict(os.environ)), go=-1)


@pytest.fixture
def gone() -> psutil.Process:
    """A process that has ended, and was waited for."""
    with subprocess.Popen(["sleep", "600"]) as started:
        known = psutil.Process(started.pid)
        started.kill()
    return known


def test_many_threads_may_wait_for_one_process():
    """Each channel to a kernel has a thread that looks whether it ended; all are told the same."""
    for _ in range(20):
        child = asleep(0.05)
        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(lambda _, child=child: child.wait(), range(8)))

        assert codes == [0] * 8
        assert child.poll() == 0


def test_what_has_ended_is_not_killed(monkeypatch: pytest.MonkeyPatch):
    """It may end between the look and the signal, and be waited for by another process."""
    child = asleep(600)
    os.kill(child.pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    monkeypatch.setattr(child, "poll", lambda: None)  # it lived when it was looked at

    child.kill()


def test_nothing_is_below_what_has_ended(gone: psutil.Process):
    """The process that forked a runner waits for it: its number is free at once."""
    kill_all_below(gone.pid)


def test_what_a_runner_left_may_end_by_itself(
    gone: psutil.Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Between the look and the signal."""
    monkeypatch.setattr(rooms, "_at_work", lambda place: iter([gone]))
    monitor = Monitor(tmp_path, home=None, group=None, memory_limit=1, process_limit=1)
    with subprocess.Popen(["true"]) as runner:
        runner.wait()

        rooms._end(runner, tmp_path, monitor)
