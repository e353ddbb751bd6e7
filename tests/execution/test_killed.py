"""A batch that is killed or stopped: nothing is lost, nothing is run twice, nothing is left."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from assay.course.assignment import Assignment
from assay.evidence.store import Store
from assay.execution.clock import Clock
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook

ASSAY = "from assay.cli import main; main()"
TIMED = (
    *("seconds", "cpu_seconds", "exam", "questions", "pressure", "megabytes"),
    *("evidence", "receipt"),
)
LATE = """
import time
from pathlib import Path
from assay.cli.steps import for_each, session_of

def ends_late(handed_in, progress):
    progress.say("begun")
    session.machine.stopping.wait()
    time.sleep(0.3)
    progress.say("✓ late")
    return {}

session = session_of(Path("assignment.toml"), Path("reports"), None, None)
for_each(session, (Path("ada.ipynb"),), False, ends_late)
"""
AT_ONCE = """
import os, signal
from pathlib import Path
from assay.cli.steps import for_each, session_of

def ends_late(handed_in, progress):
    if handed_in.name == "ada":
        os.kill(os.getpid(), signal.SIGINT)
    session.machine.stopping.wait()
    return {}

session = session_of(Path("assignment.toml"), Path("reports"), None, 4)
paths = Path("ada.ipynb"), Path("b.ipynb"), Path("c.ipynb")
for_each(session, paths, False, ends_late)
"""
SLOW = "import time\ntime.sleep(0.15)"


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own for all temporary files, with a short path: sockets stand below it."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    """Twelve runs of a moment each."""
    with toys.course(tmp_path / "course", text=toys.toml(seeds=range(12))) as assignment:
        (tmp_path / "course" / "ada.ipynb").write_bytes(notebook(PARAMETERS, SLOW, ADD))
        yield assignment


def start(course: Assignment, command: str = "grade") -> "subprocess.Popen[str]":
    """A command as a person starts it, with a folder for temporary files of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", ASSAY, command, "ada.ipynb", "--require-isolation", "0"],
        cwd=course.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kept(course: Assignment) -> dict[str, bytes]:
    """The record of every run in the store, by its key: twelve, and one of the reference."""
    store = Store(course.root / ".assay" / "store")
    return {held.key: store.files(held.key, "run.json")["run.json"] for held in store.held()}


def result(course: Assignment) -> bytes:
    return (course.root / "reports" / "ada" / "results.json").read_bytes()


def without_times(result: bytes) -> Any:
    """All that it says, but for how long runs and their cells took, and what has that in it."""

    def timeless(value: dict[str, Any]) -> dict[str, Any]:
        return {name: item for name, item in value.items() if name not in TIMED}

    return json.loads(result, object_hook=timeless)


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.thorough)])
def test_a_batch_that_is_killed_goes_on_where_it_was(
    course: Assignment, temporary: Path, kills: int
):
    """Killed again and again: no run is lost or made twice, the result is the same to a byte."""
    moments = random.Random(kills)
    before: dict[str, bytes] = {}
    for _ in range(kills):
        harness = start(course)
        _wait_for_a_run(harness, course, len(before) + 1)
        time.sleep(moments.uniform(0, 0.2))
        harness.kill()
        harness.communicate()
        after = kept(course)
        assert after.items() >= before.items()
        before = after
    last = start(course)
    said = last.communicate()[1]
    whole = result(course)

    assert kept(course).items() >= before.items()
    assert len(kept(course)) == 13, said
    of_reference = 1  # told again only where the check of the course was killed before its end
    assert len(before) - of_reference <= said.count("kept from before") <= len(before)
    assert json.loads(whole)["criteria"][0]["earned"] == 2
    (course.root / "reports" / "ada" / "results.json").unlink()
    start(course).communicate()
    assert result(course) == whole
    shutil.rmtree(course.root / ".assay" / "store")  # the secret stays: the questions are the same
    start(course).communicate()
    assert without_times(result(course)) == without_times(whole)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("command", ["grade", "calibrate"])
def test_ctrl_c_ends_a_batch_within_seconds(course: Assignment, temporary: Path, command: str):
    """What was run is kept; no process, no folder is left."""
    harness = start(course, command)
    _wait_for_a_run(harness, course, 2)
    below = psutil.Process(harness.pid).children(recursive=True)
    clock = Clock(os.getpid())  # what a busy machine takes is nobody's
    begun = clock.tick()
    harness.send_signal(signal.SIGINT)
    while harness.poll() is None:
        time.sleep(0.05)
        now = clock.tick()
        assert now.waited - begun.waited < 5
        assert now.computed - begun.computed < 5
    _, said = harness.communicate(timeout=300)

    assert harness.returncode == 130
    assert said.endswith("stopped: what has been run is kept, the same command goes on\n")
    assert "Traceback" not in said
    assert len(kept(course)) >= 2
    assert below
    _wait_for_the_ends(below)
    assert not list(temporary.iterdir())


def test_what_a_thread_still_says_is_said_before_the_last_line(course: Assignment):
    """No line of progress follows `stopped: …`, however late a run ends."""
    harness = subprocess.Popen(
        [sys.executable, "-c", LATE], cwd=course.root, stderr=subprocess.PIPE, text=True
    )
    assert harness.stderr
    assert harness.stderr.readline() == "begun\n"
    harness.send_signal(signal.SIGINT)
    _, said = harness.communicate(timeout=300)

    assert said == "✓ late\nstopped: what has been run is kept, the same command goes on\n"
    assert harness.returncode == 130


def test_ctrl_c_while_threads_are_started_ends_them_all(course: Assignment):
    """The first of them is at work before the others have been started."""
    for name in ("b.ipynb", "c.ipynb"):
        shutil.copyfile(course.root / "ada.ipynb", course.root / name)
    harness = subprocess.Popen(
        [sys.executable, "-c", AT_ONCE], cwd=course.root, stderr=subprocess.PIPE, text=True
    )
    _, said = harness.communicate(timeout=300)

    assert said == "stopped: what has been run is kept, the same command goes on\n"
    assert harness.returncode == 130


def _wait_for_the_ends(processes: list[psutil.Process]) -> None:
    """All have been killed; how soon one is gone is up to the machine."""
    until = time.monotonic() + 300
    while living := [process for process in processes if _lives(process)]:
        assert time.monotonic() < until, living
        time.sleep(0.05)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _wait_for_a_run(harness: "subprocess.Popen[str]", course: Assignment, count: int) -> None:
    """Until so many are kept, or the batch is through."""
    while harness.poll() is None and len(kept(course)) < count:
        time.sleep(0.01)
