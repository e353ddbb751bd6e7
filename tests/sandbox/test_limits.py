"""Greed and violence in the real sandbox: each limit is met, named, and leaves nothing behind."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from assay.course.assignment import Assignment
from assay.execution.execute import Ended
from assay.records import Outcome
from assay.sandbox import cgroup
from tests.toys import toy as toys
from tests.toys.kept import EVERY_SANDBOX, PROGRAM, executing, kept
from tests.toys.shared import MACHINE, execute
from tests.toys.toy import ADD, submission


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """The toy with little patience."""
    with toys.course(
        tmp_path_factory.mktemp("limited") / "course", text=toys.toml(cell=6, run=15)
    ) as assignment:
        yield assignment


@pytest.fixture(scope="module", params=EVERY_SANDBOX)
def at_both(request: pytest.FixtureRequest, course: Assignment) -> Callable[..., Ended]:
    """Execute a notebook of these cells at level 4, and at level 3."""
    level, warm = request.param
    return executing(course, kept(level, warm=warm))


@pytest.fixture(scope="module")
def run(course: Assignment) -> Callable[..., Ended]:
    """Execute a notebook of these cells, with or without a cgroup: what is tested needs none."""
    kept(3)
    return executing(course, MACHINE.isolation.best())


HOGS = {
    "at once": "x = bytearray(10**9)",
    "in steps, the error swallowed": (
        "hog = []\nwhile True:\n    try:\n        hog.append(bytearray(10**7))\n"
        "    except MemoryError:\n        pass"
    ),
}


@pytest.mark.parametrize("hog", HOGS)
def test_a_memory_hog_is_named_so(at_both: Callable[..., Ended], hog: str):
    """The cell, the limit and what was measured."""
    ended = at_both("x = 1", HOGS[hog], ADD, cell_seconds=2.0)

    assert ended.outcome is Outcome.OUT_OF_MEMORY
    assert "cell 3" in ended.reason
    assert "512 MB" in ended.reason


def test_memory_that_no_process_owns_alone_is_counted(course: Assignment):
    """Shared pages are in no rlimit; the cgroup ends the run, and says its peak."""
    small = course.limits.model_copy(update={"memory_mb": 512.0})
    job = toys.jobs(course.model_copy(update={"limits": small}), submission(_SHARED, ADD))[0]
    ended = execute(job.packed, kept(4))

    assert ended.outcome is Outcome.OUT_OF_MEMORY
    assert ended.reason == "cell 2 used more than 512 MB of memory (peak 768 MB)"


_SHARED = """
import mmap
shared, piece = mmap.mmap(-1, 10**9), bytes([1]) * 10**7
for _ in range(100):
    shared.write(piece)
"""


def test_a_fork_storm_meets_a_limit(at_both: Callable[..., Ended]):
    """And is ended as a whole; with little memory, that may be the limit it meets first."""
    ended = at_both("import os\nwhile True:\n    os.fork()", ADD, memory_mb=2000.0)

    assert ended.outcome is Outcome.TOO_MANY_PROCESSES
    assert ended.reason.startswith("cell 2 started more than 128 processes and threads at once")


def test_threads_are_counted_as_processes_are(at_both: Callable[..., Ended]):
    """The error in the cell names the limit."""
    ended = at_both(
        "import threading, time\n"
        "for _ in range(500):\n    threading.Thread(target=time.sleep, args=(600,)).start()",
        ADD,
        memory_mb=2048.0,
    )

    assert ended.outcome is Outcome.TOO_MANY_PROCESSES


@pytest.mark.parametrize(
    "loop",
    [
        "while True:\n    pass",
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
    ],
)
def test_an_endless_loop_times_out(run: Callable[..., Ended], loop: str):
    """Whether it lets itself be interrupted or not."""
    ended = run(loop, ADD, cell_seconds=1.0, run_seconds=6.0)

    assert ended.outcome is Outcome.TIMED_OUT
    assert "cell 2" in ended.reason or "it ended in" in ended.reason
    assert ended.cpu_seconds < 8


FLOODS = {
    "one large display": (
        "from IPython.display import HTML, display\ndisplay(HTML('x' * 40_000_000))\n"
        "import time\ntime.sleep(4)"
    ),
    "two large ones": (
        "from IPython.display import HTML, display\nfor _ in range(2):\n"
        "    display(HTML('x' * 7_000_000))\nimport time\ntime.sleep(4)"
    ),
    "an endless print": "while True:\n    print('x' * 1000)",
    "many small prints": "for _ in range(20_000):\n    print('x' * 600, flush=True)",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_too_much_output_ends_the_run(run: Callable[..., Ended], flood: str):
    """Counted before anybody keeps it."""
    ended = run(FLOODS[flood], ADD, cell_seconds=30.0, run_seconds=40.0)

    assert ended.outcome is Outcome.TOO_MUCH_OUTPUT
    assert ended.reason.startswith("cell 2 sent")
    assert "8 MB" in ended.reason
    assert len(ended.files.get("executed.ipynb", b"")) < 10_000_000


def test_a_message_that_is_too_long_is_that_whatever_follows_it(run: Callable[..., Ended]):
    """Its connection is gone; until it is known why, four seconds may pass: no time of the cell."""
    flood = "from IPython.display import HTML, display\ndisplay(HTML('x' * 40_000_000))"
    ended = run(f"{flood}\nwhile True:\n    pass", ADD, cell_seconds=2.5, run_seconds=40.0)

    assert ended.outcome is Outcome.TOO_MUCH_OUTPUT
    assert ended.reason == "cell 2 sent a message of more than 8 MB"


def test_output_of_all_cells_together_has_a_limit(run: Callable[..., Ended]):
    """Six cells of 7 MB each are more than 32 MB."""
    cells = ["for _ in range(7):\n    print('x' * 1_000_000, flush=True)"] * 6
    ended = run(*cells, ADD, cell_seconds=30.0, run_seconds=40.0)

    assert ended.outcome is Outcome.TOO_MUCH_OUTPUT
    assert "above 32 MB" in ended.reason


FILLERS = {  # those that sleep are ended when they are looked at, which may be late
    "one large file": (
        "with open('large', 'wb') as f:\n    while True:\n        f.write(bytes(10**7))"
    ),
    "many files": (
        "for i in range(20):\n    with open(f'{i}', 'wb') as f:\n        f.write(bytes(10**8))"
    ),
    "the evidence": (
        "for i in range(5):\n    with open(f'/assay-run/evidence/{i}', 'wb') as f:\n"
        "        f.write(bytes(10**8))\nimport time\ntime.sleep(12)"
    ),
    "thousands of small files": (
        "for i in range(10_000):\n    open(f'/assay-run/evidence/{i}', 'w').close()\n"
        "import time\ntime.sleep(12)"
    ),
}


@pytest.mark.parametrize("filler", FILLERS)
def test_a_full_disk_is_the_runs_own(run: Callable[..., Ended], filler: str):
    """The machine's disk does not fill; the run is told that its own did."""
    ended = run(FILLERS[filler], ADD)

    assert ended.outcome is Outcome.DISK_FULL
    assert ended.reason.startswith("cell 2 ")


ENDS = {
    "import os; os._exit(0)": (Outcome.EXITED, "exit code 0 in cell 2"),
    "import os; os.kill(os.getpid(), 9)": (Outcome.CRASHED, "SIGKILL in cell 2"),
    "import ctypes; ctypes.string_at(0)": (Outcome.CRASHED, "SIGSEGV in cell 2"),
    "import os; os.abort()": (Outcome.CRASHED, "SIGABRT in cell 2"),
    "import sys; sys.exit(0)": (Outcome.CELL_FAILED, "cell 2 raised SystemExit: 0"),
}


@pytest.mark.parametrize("end", ENDS)
def test_how_a_kernel_ended_is_told_from_its_wait_status(run: Callable[..., Ended], end: str):
    """Through the sandbox around it as without one."""
    outcome, words = ENDS[end]
    ended = run(end, ADD)

    assert ended.outcome is outcome
    assert words in ended.reason


FORGERIES = {
    "no signature": "k.iopub_socket.send_multipart([b'kernel', b'<IDS|MSG>'] + [b'{}'] * 5)",
    "no delimiter": "k.iopub_socket.send_multipart([b'nonsense'])",
    "no content": (
        "k.session.send(k.iopub_socket, 'stream', content={}, parent=k.get_parent())\n"
        "import time; time.sleep(1)"
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_messages_that_cannot_be_read_are_the_students_doing(
    run: Callable[..., Ended], forgery: str
):
    """`protocol broken`, never our fault, and never a completed run."""
    ended = run(f"k = get_ipython().kernel\n{FORGERIES[forgery]}", ADD)

    assert ended.outcome is Outcome.PROTOCOL_BROKEN
    assert "cell 2" in ended.reason


def test_nothing_is_left_behind(
    course: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """No process, no cgroup, no folder, after a run that tried to leave all three."""
    kept(3)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    marker = f"{40_000 + os.getpid()}.5"
    cell = (
        "import os, subprocess\n"
        f"subprocess.Popen(['sleep', '{marker}'], start_new_session=True)\n"
        "os.makedirs('/assay-run/evidence/' + 'd/' * 500)\nos.chmod('/assay-run/evidence/d', 0)"
    )
    made: list[cgroup.Cgroup] = []
    monkeypatch.setattr(cgroup, "create", _noting(made))
    execute(toys.jobs(course, submission(cell, ADD))[0].packed)

    assert not _lives(marker)
    assert not any(folder.exists() for group in made for folder in group.folders)
    assert list(tmp_path.iterdir()) == []


def test_kernels_end_with_the_program_that_started_them(course: Assignment):
    """Though it was killed in the middle of a run, and could not end anything itself."""
    chosen = kept(3)
    marker = f"{50_000 + os.getpid()}.5"
    job = toys.jobs(course, submission(f"!sleep {marker}", ADD))[0].packed
    program = [sys.executable, "-c", PROGRAM, str(chosen.bwrap)]
    with tempfile.TemporaryDirectory() as folder:
        running = subprocess.Popen(
            program, stdin=subprocess.PIPE, env=os.environ | {"TMPDIR": folder}
        )
        assert running.stdin is not None
        with running.stdin as job_goes_in:
            job_goes_in.write(job)
        _wait_until(lambda: _lives(marker))
        running.kill()
        running.wait()

        _wait_until(lambda: not _lives(marker))


def _wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def _lives(marker: str) -> bool:
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return any(marker in line for line in lines)


def _noting(made: list[cgroup.Cgroup]) -> Callable[..., cgroup.Cgroup | None]:
    create = cgroup.create

    def noting(memory: int, pids: int) -> cgroup.Cgroup | None:
        group = create(memory, pids)
        made.extend([group] if group else [])
        return group

    return noting
