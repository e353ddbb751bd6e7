"""`--scheduler` as people use it: commands, schedulers, workers, and what is lost between them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from assay.course.assignment import Assignment
from assay.course_check import reference
from assay.evidence.store import Store
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook

pytest.importorskip("distributed")

ROOT = Path(__file__).parents[2]
SLOW = "import time\ntime.sleep(1)"
ASSAY = "from assay.cli import main; main()"


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[Assignment]:
    """A course of its own with a submission in it: eight runs."""
    with toys.course(tmp_path / "course", text=toys.toml(seeds=range(8))) as assignment:
        (assignment.root / "ada.ipynb").write_bytes(notebook(PARAMETERS, SLOW, ADD))
        yield assignment


def grade(
    batch: Assignment, scheduler: str, environment: dict[str, str] | None = None
) -> "subprocess.Popen[str]":
    """`assay grade --scheduler` as a person starts it in a terminal."""
    words = ["grade", "ada.ipynb", "--require-isolation", "0", "--scheduler", scheduler]
    return subprocess.Popen(
        [sys.executable, "-c", ASSAY, *words],
        cwd=batch.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_runs(command: "subprocess.Popen[str]", batch: Assignment, count: int) -> None:
    """Until so many are kept, or the command is through."""
    store = Store(batch.root / ".assay" / "store")
    while command.poll() is None and len(store.held()) < count:
        time.sleep(0.02)


@contextmanager
def dask(*words: str | Path, **environment: str) -> "Iterator[subprocess.Popen[bytes]]":
    """`dask scheduler` or `dask worker`, until it is no longer needed."""
    started = subprocess.Popen(
        [sys.executable, "-m", "dask", *map(str, words)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(300)


@contextmanager
def a_lab(where: Path, **environment: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A scheduler on loopback that writes this file, and a worker of two threads."""
    local = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
    file = ("--scheduler-file", where)
    threads = ("--nworkers", "1", "--nthreads", "2", "--memory-limit", "0")
    with (
        dask("scheduler", "--protocol", "tls", *local, *file, **environment) as scheduler,
        dask("worker", *file, *threads, **environment),
    ):
        while not (where.exists() and where.read_text().endswith("}")):
            time.sleep(0.05)
        yield scheduler


def certified(folder: Path) -> dict[str, str]:
    """The environment that docs/scale.md makes, with a certificate of its own in this folder."""
    folder.mkdir()
    page = (ROOT / "docs" / "scale.md").read_text()
    script = next(block for block in page.split("```") if "openssl req" in block)
    made = subprocess.run(
        ["bash", "-c", script.removeprefix("bash") + "\nenv -0"],
        cwd=folder,
        capture_output=True,
        check=True,
        text=True,
    )
    return dict(line.split("=", 1) for line in made.stdout.split("\0") if "=" in line)


def test_a_lost_scheduler_loses_no_run(batch: Assignment, tmp_path: Path):
    """The command says so, in words; the same command goes on. All of it over TLS."""
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    tls = certified(tmp_path / "tls")
    with a_lab(first, **tls) as scheduler:
        command = grade(batch, str(first), tls)
        wait_for_runs(command, batch, 3)  # the reference's, which is told once, and two of ada's
        scheduler.kill()
        _, said = command.communicate()
    store = Store(batch.root / ".assay" / "store")
    before = {held.key: store.files(held.key)["run.json"] for held in store.held()}
    of_reference = {record.key for record in reference.records(batch, batch.part[0], store)}

    assert json.loads(first.read_text())["address"].startswith("tls://")
    assert command.returncode == 4
    assert "error: the scheduler is lost\n\nhint: what has been run is kept" in said
    assert "Traceback" not in said
    with a_lab(second, **tls):
        command = grade(batch, str(second), tls)
        out, said = command.communicate()

    assert of_reference
    of_ada = before.keys() - of_reference
    assert len(of_ada) >= 2
    assert said.count("kept from before") == len(of_ada)
    for key, record in before.items():
        assert store.files(key)["run.json"] == record
    assert len(store.held()) == 8 + len(of_reference)
    assert command.returncode == 0
    assert "2/2 judged" in out


def test_nobody_gets_in_without_the_certificate(batch: Assignment, tmp_path: Path):
    """Neither without one, nor with another, nor where nobody is: exit 4, and no traceback."""
    where = tmp_path / "scheduler.json"
    with a_lab(where, **certified(tmp_path / "tls")):
        address = json.loads(where.read_text())["address"]
        commands = [grade(batch, address), grade(batch, address, certified(tmp_path / "another"))]
        said = [command.communicate()[1] for command in commands]

    assert [command.returncode for command in commands] == [4, 4]
    assert all(f"error: no scheduler answers at `{address}`" in words for words in said)
    assert not any("Traceback" in words for words in said)


@pytest.mark.parametrize(
    "how", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.thorough)]
)
def test_nothing_is_left_of_a_command_that_is_stopped(batch: Assignment, how: signal.Signals):
    """Ctrl-C reaches a whole terminal, a kill the command alone: no worker of its own lives on."""
    command = grade(batch, "local")
    wait_for_runs(command, batch, 1)
    below = psutil.Process(command.pid).children(recursive=True)
    if how is signal.SIGINT:
        os.killpg(command.pid, how)
    else:
        command.kill()
    _, said = command.communicate()

    assert command.returncode == (130 if how is signal.SIGINT else -how)
    assert "Traceback" not in said
    assert len(below) > 2
    assert psutil.wait_procs(below, timeout=120)[1] == []
