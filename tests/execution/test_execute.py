"""Real kernels: what papermill and a kernel say is not believed, and nothing is left behind."""

import json
import logging
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import numpy as np
import psutil
import pytest

from assay.course.assignment import Assignment
from assay.execution import execute as rooms
from assay.execution import runner
from assay.execution.execute import Ended
from assay.records import Outcome
from assay.sandbox.level import Level
from assay.sandbox.sandbox import Sandbox
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, PARAMETERS, arrays, notebook, submission

PROBE = """
import importlib.util, os, sys
with ask("probe") as (given, answer):
    answer.seed = student.seed
    answer.dataset = student.dataset
    answer.cwd = os.getcwd()
    answer.environment = dict(os.environ)
    packages = ("solution", "rubric_tests")
    answer.found = {name: importlib.util.find_spec(name) is not None for name in packages}
    answer.used = student.used
"""
PROBED = toys.GIVEN.replace(
    "    return {",
    "    probe = SimpleNamespace(shown={}, kept={}, answers={'seed': ()})\n"
    "    return {\n        'probe': probe,",
)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """The toy with seed 3 of data set b, an exam that looks round, and little patience."""
    text = toys.toml(seeds=[3], datasets=["b"], cell=2, run=30)
    exam = toys.EXAM + PROBE
    root = tmp_path_factory.mktemp("probed") / "course"
    with toys.course(root, text=text, exam=exam, given=PROBED) as assignment:
        yield assignment


@pytest.fixture
def run(course: Assignment) -> Callable[..., Ended]:
    """Execute a notebook of these cells."""

    def of(*cells: str, **files: bytes) -> Ended:
        return toys.run(course, submission(*cells, **files))

    return of


def note(ended: Ended, question: str = "probe") -> dict:
    return json.loads(ended.files[f"evidence/{question}.json"])


def numbers(ended: Ended, question: str = "probe") -> dict[str, np.ndarray]:
    return arrays(ended.files[f"evidence/{question}.npz"])


def answers(ended: Ended) -> bool:
    """Whether the student's `add` was asked and answered."""
    return note(ended, "add/plain")["status"] == "answered"


@pytest.fixture(scope="module")
def good(course: Assignment) -> Ended:
    """A run in which nothing goes wrong, made in a process that holds a secret."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_TOKEN", "the key to the gradebook")
        patch.setenv("OMP_NUM_THREADS", "7")
        patch.setenv("PYTHONPATH", os.pathsep.join(["", *os.environ.get("PYTHONPATH", "").split()]))
        return toys.run(course, submission("used = seed", ADD))


def test_a_good_notebook_is_completed(good: Ended):
    """Every cell has a time on our clock and no error; every question has an answer."""
    assert good.outcome is Outcome.COMPLETED
    assert [cell.number for cell in good.cells] == [1, 2, 3]
    assert all(cell.error is None and cell.seconds is not None for cell in good.cells)
    assert all(20 < (cell.megabytes or 0) < 2000 for cell in good.cells)
    assert answers(good)
    assert good.files.keys() >= {"evidence/finished.json", "executed.ipynb"}


def test_parameters_reach_the_notebook_before_its_cells(good: Ended):
    """Seed 3 of data set b, not the seed 0 of data set a that the notebook says."""
    assert numbers(good) == {"seed": 3, "used": 3}
    assert note(good)["text"]["dataset"] == "b"


def test_the_kernel_computes_on_one_thread(good: Ended):
    """Whatever our own environment says: two threads would give other bits."""
    environment = note(good)["text"]["environment"]

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        assert environment[name] == "1"


def test_the_kernel_has_none_of_our_environment(good: Ended):
    """Variables of ours stay ours; its home is its own workdir."""
    environment = note(good)["text"]["environment"]

    assert "SECRET_TOKEN" not in environment
    assert "the key to the gradebook" not in json.dumps(environment)
    assert environment["HOME"] != os.environ.get("HOME")
    assert str(Path(tempfile.gettempdir())) not in environment["PATH"].split(":")


def test_the_kernel_cannot_import_the_reference(good: Ended):
    """`import solution` finds the submission's own or nothing; the rubric is never there."""
    assert note(good)["text"]["found"] == {"solution": False, "rubric_tests": False}


def test_the_working_folder_is_removed(
    course: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The run left bytes with us and nothing on the disk, not even where folders were shut."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shut = "deep = Path(os.environ['ASSAY_SUPPORT']).parent / 'evidence' / 'a' / 'b'\n"
    ended = toys.run(
        course,
        submission(
            f"import os\nfrom pathlib import Path\n{shut}"
            "deep.mkdir(parents=True)\n(deep / 'c').touch()\ndeep.chmod(0)\ndeep.parent.chmod(0)",
            ADD,
        ),
    )

    assert ended.outcome is Outcome.COMPLETED
    assert list(tmp_path.iterdir()) == []


def test_a_module_beside_the_notebook_is_imported(course: Assignment):
    """As in Jupyter, where the notebook's folder comes first; then what is handed in beside it."""
    files = {
        "notebooks/helper.py": b"def add(x, y): return x + y",
        "helper.py": b"raise ImportError('not this one')",
        "other.py": b"twice = 2",
    }
    cells = notebook(PARAMETERS, "from helper import add\nfrom other import twice")

    ended = toys.run(course, Submission("ada", {"notebooks/sums.ipynb": cells, **files}))

    assert ended.outcome is Outcome.COMPLETED, ended.reason


def test_the_clock_is_ours(good: Ended):
    """Seconds cover the whole run, and no cell took longer."""
    assert 0 < max(cell.seconds or 0 for cell in good.cells) < good.seconds < 300


def test_a_failing_cell_does_not_end_the_notebook(run: Callable[..., Ended]):
    """Later cells run, questions are put, and both slips are told."""
    ended = run("1 / 0", ADD, "nowhere")

    assert ended.outcome is Outcome.CELL_FAILED
    assert ended.reason == "cell 2 raised ZeroDivisionError: division by zero, and 1 more after it"
    assert answers(ended)
    assert ended.cells[1].source == "1 / 0"
    assert "ZeroDivisionError" in (ended.cells[1].traceback or "")


def test_sys_exit_is_a_failed_cell_not_a_success(run: Callable[..., Ended]):
    """papermill's command line ends with 0 here, and never runs the cells below."""
    ended = run("import sys; sys.exit(0)", ADD)

    assert ended.outcome is Outcome.CELL_FAILED
    assert ended.reason == "cell 2 raised SystemExit: 0"
    assert answers(ended)


def test_a_syntax_error_is_one_failed_cell(run: Callable[..., Ended]):
    """Prose in a code cell costs that cell."""
    ended = run("Here I explain what I did.", ADD)

    assert ended.reason.startswith("cell 2 is not Python: invalid syntax, line 1")
    assert answers(ended)


def test_a_kernel_that_ends_itself_has_exited(run: Callable[..., Ended]):
    """`os._exit(0)` is no completed run, though the saved notebook says so of every cell."""
    ended = run("x = 1", "import os; os._exit(0)", ADD)

    assert ended.outcome is Outcome.EXITED
    assert ended.reason == "the kernel ended itself with exit code 0 in cell 3"
    assert [cell.seconds is None for cell in ended.cells] == [False, False, True, True]
    assert [cell.megabytes is None for cell in ended.cells] == [False, False, True, True]
    assert "evidence/finished.json" not in ended.files


def test_a_segfault_has_crashed(run: Callable[..., Ended]):
    """Named by the signal that the kernel's wait status holds."""
    ended = run("import ctypes; ctypes.string_at(0)", ADD)

    assert ended.outcome is Outcome.CRASHED
    assert ended.reason == "the kernel was killed by SIGSEGV in cell 2"


def test_a_cell_that_takes_too_long_is_interrupted_and_told_so(run: Callable[..., Ended]):
    """The limit stands in the error, and the cells below have their turn."""
    ended = run("while True: pass", ADD)

    assert ended.outcome is Outcome.TIMED_OUT
    assert ended.reason == "cell 2 took longer than 2 s"
    assert ended.cells[1].error == "TimeoutError: took longer than 2 s"
    assert answers(ended)
    assert ended.cpu_seconds < 8


@pytest.fixture(scope="module")
def stubborn(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A loop that no interrupt reaches, with 1 s for a cell and 5 s for the run."""
    loop = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
    root = tmp_path_factory.mktemp("stubborn")
    with toys.course(root, text=toys.toml(cell=1, run=5)) as course:
        return toys.run(course, submission(loop, ADD))


def test_a_loop_that_swallows_interrupts_meets_the_wall(stubborn: Ended):
    """The run's limit does not wait for the kernel to agree; it counts what the run computed."""
    assert stubborn.outcome is Outcome.TIMED_OUT
    assert 5 <= stubborn.cpu_seconds < 7


def test_a_run_that_met_the_wall_says_in_which_cell(stubborn: Ended):
    """The reason names the cell in which it ended."""
    assert "cell 2" in stubborn.reason


def alive(marker: str) -> list[psutil.Process]:
    """Processes that carry this in their command line."""
    return [p for p in psutil.process_iter(["cmdline"]) if marker in (p.info["cmdline"] or [])]


def test_a_detached_child_does_not_survive(run: Callable[..., Ended]):
    """Not even in a session of its own, with its parent gone."""
    seconds = f"{10_000 + os.getpid()}.5"
    ended = run(
        f"import subprocess\nargs = ['sh', '-c', 'sleep {seconds} & sleep {seconds}']\n"
        "child = subprocess.Popen(args, start_new_session=True)",
        ADD,
    )

    assert ended.outcome is Outcome.COMPLETED
    assert alive(seconds) == []


def test_a_notebook_that_names_another_kernel_runs_on_ours(course: Assignment):
    """`../../evil` is not looked for."""
    book = nbformat.reads(notebook(PARAMETERS, ADD).decode(), as_version=4)
    book.metadata["kernelspec"] = {"name": "../../evil", "display_name": "R", "language": "R"}
    book.metadata["language_info"] = {"name": "R"}

    ended = toys.run(course, Submission("ada", {"sums.ipynb": nbformat.writes(book).encode()}))

    assert ended.outcome is Outcome.COMPLETED
    assert numbers(ended)["seed"] == 3


def test_braces_in_paths_are_braces(course: Assignment):
    """papermill formats paths; a folder called `{x}` is a folder called `{x}`."""
    content = notebook(PARAMETERS, "text = open('data.txt').read()", ADD)
    files = {"a {x} b/sums {0}.ipynb": content, "a {x} b/data.txt": b"found"}

    ended = toys.run(course, Submission("ada", files))

    assert ended.outcome is Outcome.COMPLETED
    assert note(ended)["text"]["cwd"].endswith("/a {x} b")


def test_a_seed_set_again_inside_the_notebook_shows(run: Callable[..., Ended]):
    """The evidence tells what the notebook left, for a rubric to compare with what it was given."""
    assert numbers(run("seed = 0", ADD))["seed"] == 0


def test_stored_outputs_are_not_believed(course: Assignment):
    """What a notebook claims to have printed is not in what we saved."""
    book = nbformat.reads(notebook(PARAMETERS, "print('new')", ADD).decode(), as_version=4)
    book.cells[1].outputs = [nbformat.v4.new_output("stream", text="accuracy 100 %")]
    book.metadata["papermill"] = {"exception": None, "duration": 0.1}

    ended = toys.run(course, Submission("ada", {"sums.ipynb": nbformat.writes(book).encode()}))

    assert b"accuracy 100 %" not in ended.files["executed.ipynb"]
    assert b"new" in ended.files["executed.ipynb"]


def test_two_runs_at_once_keep_their_own_folder(course: Assignment):
    """papermill changes the directory of a whole process; each run has a process of its own."""
    look = "for _ in range(5): places.append(os.getcwd()); time.sleep(.1)"
    wait = f"import os, time\nplaces = []\n{look}"
    write = (
        f"{wait}\nopen('mine.txt', 'w').write(WHO)\ntime.sleep(.3)\nmine = open('mine.txt').read()"
    )
    cells = [
        f"WHO = '{name}'\n{write}\nassert mine == WHO and len(set(places)) == 1" for name in "ab"
    ]
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda cell: toys.run(course, submission(cell, ADD)), cells)

    assert one.outcome is other.outcome is Outcome.COMPLETED


def test_our_own_directory_does_not_change(run: Callable[..., Ended]):
    """A run leaves the calling process where it was."""
    before = Path.cwd()
    run("import os; os.chdir('/')", ADD)

    assert Path.cwd() == before


def test_files_that_are_no_files_are_not_evidence(run: Callable[..., Ended], tmp_path: Path):
    """Links, pipes and hard links are passed over; only what was written here comes back."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the answers")
    ended = run(
        "import os\nfrom pathlib import Path\n"
        "evidence = Path(os.environ['ASSAY_SUPPORT']).parent / 'evidence'\n"
        f"os.symlink({str(secret)!r}, evidence / 'link.npz')\n"
        f"os.symlink({str(tmp_path)!r}, evidence / 'folder')\n"
        "os.mkfifo(evidence / 'pipe.npz')\n"
        "(evidence / 'one.npz').write_bytes(b'1')\n"
        "os.link(evidence / 'one.npz', evidence / 'two.npz')\n"
        "(evidence / 'large.npz').open('wb').truncate(10**8)\n",
        ADD,
    )

    assert ended.outcome is Outcome.COMPLETED
    names = {Path(name).name for name in ended.files}
    assert names.isdisjoint({"link.npz", "pipe.npz", "one.npz", "two.npz", "large.npz"})
    assert not any(b"the answers" in content for content in ended.files.values())


def test_evidence_that_is_a_link_to_elsewhere_is_not_walked(tmp_path: Path):
    """A workdir whose evidence folder was replaced brings nothing in from outside it."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "secret.txt").write_text("the answers")
    (tmp_path / "workdir").mkdir()
    (tmp_path / "workdir" / "evidence").symlink_to(tmp_path / "home")

    assert rooms._collect(tmp_path / "workdir") == {}


class Impatient(Exception):
    """A test waited for what should not have kept it waiting."""


@pytest.fixture
def patience() -> Iterator[None]:
    """A minute, then Impatient: for what must not wait for a stranger."""

    def too_long(*_: object) -> None:
        raise Impatient("still waiting after a minute")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, 60)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_facts_that_are_a_pipe_do_not_hold_us(tmp_path: Path, patience: None):
    """The workdir is the student's to write in: nothing there is opened that could block."""
    os.mkfifo(tmp_path / "facts.json")

    assert rooms._facts(tmp_path) is None


def test_facts_that_the_runner_did_not_write_are_not_believed(run: Callable[..., Ended]):
    """A kernel that kills its runner and leaves facts of its own has not completed."""
    forged = {"stopped": "", "answered": [], "exit_code": None, "cells": []}
    ended = run(
        "import json, os, signal\nfrom pathlib import Path\n"
        "workdir = Path(os.environ['ASSAY_SUPPORT']).parent\n"
        f"(workdir / 'facts.json').write_text({json.dumps(json.dumps(forged))})\n"
        "(workdir / 'evidence' / 'finished.json').write_text('{}')\n"
        "os.kill(os.getppid(), signal.SIGKILL)",
        ADD,
    )

    assert ended.outcome is not Outcome.COMPLETED


def test_nothing_survives_a_runner_that_was_killed(run: Callable[..., Ended]):
    """The kernel kills the process above it: what it left in other sessions goes all the same."""
    seconds = f"{30_000 + os.getpid()}.5"
    run(
        "import os, signal, subprocess\n"
        f"subprocess.Popen(['sleep', '{seconds}'], start_new_session=True)\n"
        "os.kill(os.getppid(), signal.SIGKILL)",
        ADD,
    )
    left = alive(seconds)
    for process in left:
        process.kill()

    assert left == []


def test_an_exam_that_takes_too_long_has_timed_out(run: Callable[..., Ended]):
    """Student code that never answers a question is told that it was too slow."""
    ended = run("def add(x, y):\n    while True: pass")

    assert ended.outcome is Outcome.TIMED_OUT
    assert ended.reason == "the question `add/plain` took longer than 2 s"


@pytest.mark.parametrize("tag", ["assay-exam", "injected-parameters"])
def test_a_cell_cannot_hide_behind_our_tags(course: Assignment, tag: str):
    """A failing cell is told, whatever the student calls it."""
    tags = {0: "parameters", 1: tag}
    content = notebook(PARAMETERS, "1 / 0", ADD, tags=tags)

    ended = toys.run(course, Submission("ada", {"sums.ipynb": content}))

    assert ended.outcome is Outcome.CELL_FAILED


def test_a_cell_that_papermill_once_injected_does_not_win(course: Assignment):
    """A notebook that was run by papermill before still trains with this run's seed."""
    tags = {0: "parameters", 2: "injected-parameters"}
    content = notebook(PARAMETERS, f"used = seed\n{ADD}", "seed = 0", tags=tags)

    ended = toys.run(course, Submission("ada", {"sums.ipynb": content}))

    assert numbers(ended)["used"] == 3


def test_an_odd_character_in_an_error_is_no_crash(run: Callable[..., Ended]):
    """Whatever an exception says, the run has an outcome."""
    ended = run("raise ValueError(chr(0xd800))", ADD)

    assert ended.outcome is Outcome.CELL_FAILED


def test_braces_in_the_temporary_folder_are_braces(
    course: Assignment, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    """TMPDIR may hold anything a folder's name may hold."""
    with tempfile.TemporaryDirectory(prefix="{x}") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        ended = toys.run(course, submission(ADD))

    assert ended.outcome is Outcome.COMPLETED


def test_a_runner_that_dies_is_our_fault(
    course: Assignment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Infrastructure, with its last words, after three attempts; never the student's."""
    caplog.set_level(logging.INFO, "assay")
    cold = MACHINE.isolation.best()  # before Python is one that fails
    attempts: list[Path] = []
    monkeypatch.setattr(rooms, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(rooms.sys, "executable", "/bin/false")
    make = rooms.workdirs.make
    monkeypatch.setattr(rooms.workdirs, "make", lambda **where: _noted(attempts, make(**where)))
    ended = rooms.execute(toys.jobs(course, submission(ADD))[0].packed, MACHINE, cold)

    assert len(attempts) == 3
    assert caplog.text.count("by our own fault: 'the runner ended with status 1") == 2
    assert ended.outcome is Outcome.INFRASTRUCTURE
    assert ended.reason == "the runner ended with status 1: it wrote nothing"
    assert ended.files == {}


def _noted(places: list[Path], place: Path) -> Path:
    places.append(place)
    return place


def test_a_run_is_never_kept_by_less_than_its_record_says(
    course: Assignment, monkeypatch: pytest.MonkeyPatch
):
    """Where the cgroup of level 4 cannot be made, nothing runs."""
    monkeypatch.setattr(rooms, "PAUSES", ())
    monkeypatch.setattr(rooms.cgroup, "create", lambda *_: None)
    job = toys.jobs(course, submission(ADD))[0].packed
    ended = rooms.execute(job, MACHINE, Sandbox(Level(4)))

    assert ended.outcome is Outcome.INFRASTRUCTURE
    assert "cgroup" in ended.reason
    assert ended.files == {}


def test_everything_below_a_process_is_killed():
    """Children and grandchildren; the process itself lives."""
    marker = f"{20_000 + os.getpid()}.5"
    child = psutil.Popen(["sh", "-c", f"sleep {marker} & sleep {marker} & wait"])
    while len(alive(marker)) < 2:
        time.sleep(0.01)

    runner.kill_below(psutil.Process(child.pid))

    assert alive(marker) == []
    child.wait(timeout=60)
