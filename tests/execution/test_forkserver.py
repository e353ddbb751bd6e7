"""Forked kernels: the same evidence as others, nothing of ours in them, nothing left of them."""

import json
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import numpy as np
import psutil
import pytest

from assay.course.assignment import Assignment
from assay.errors import OurFault
from assay.execution import execute as rooms
from assay.execution import forkserver
from assay.execution.execute import Ended
from assay.execution.process import RUNNER
from assay.records import Outcome
from assay.sandbox import inside, workdirs
from assay.sandbox.sandbox import Sandbox
from assay.source import imports
from tests.toys import toy as toys
from tests.toys.kept import kept
from tests.toys.shared import MACHINE, execute
from tests.toys.toy import ADD, submission

SERVERS = MACHINE.servers
PROBED = toys.GIVEN.replace(
    "    return {",
    "    probe = SimpleNamespace(shown={}, kept={}, answers={})\n"
    "    return {\n        'probe': probe,",
)
LOOK = toys.EXAM + "\nwith ask('probe') as (given, answer):\n    answer.found = student.found\n"


@pytest.fixture(scope="module")
def forking() -> Sandbox:
    """The sandbox with forked kernels, or a skipped test where this machine has none."""
    return kept(3, warm=True)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """The toy with an exam that also asks for `found`."""
    root = tmp_path_factory.mktemp("warm") / "course"
    with toys.course(root, text=toys.toml(cell=60, run=200), exam=LOOK, given=PROBED) as assignment:
        yield assignment


def ended(course: Assignment, chosen: Sandbox, *cells: str) -> Ended:
    return execute(toys.jobs(course, submission(ADD, *cells))[0].packed, chosen)


def found(run: Ended) -> np.ndarray:
    assert run.outcome is Outcome.COMPLETED, run.reason
    return toys.arrays(run.files["evidence/probe.npz"])["found"]


def test_a_forked_kernel_leaves_the_evidence_of_any_other(course: Assignment, forking: Sandbox):
    """To the last byte, scikit-learn and a seeded generator included."""
    cells = (
        "import numpy as np\nfrom sklearn.linear_model import LogisticRegression",
        "X = np.random.default_rng(seed).normal(size=(50, 3)); y = (X @ [1, 2, 3] > 0)",
        "found = LogisticRegression().fit(X, y).coef_",
    )
    runs = [ended(course, chosen, *cells) for chosen in (forking, kept(3))]

    one, other = ({n: c for n, c in run.files.items() if n != "executed.ipynb"} for run in runs)
    assert "evidence/probe.npz" in one
    assert one == other


def test_no_two_forked_kernels_draw_the_same(course: Assignment, forking: Sandbox):
    """What is not seeded is as different as in processes that were started."""
    cell = (
        "import random, torch, numpy as np\n"
        "found = np.array([random.random(), np.random.rand(), torch.rand(1).item()])"
    )
    one, other = (found(ended(course, forking, cell)) for _ in range(2))

    assert not np.any(one == other)


def test_a_forked_kernel_knows_nothing_of_ours(
    course: Assignment, forking: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    """Neither our environment, which /proc keeps, nor our modules, nor another descriptor."""
    SERVERS.close()
    monkeypatch.setenv("ASSAY_PLANTED", "planted-words")
    ours = [str(Path(inside.__file__).parent), str(workdirs.font_cache())]
    cell = (
        f"""
import os, sys
words = "".join(open(f"/proc/{{each}}").read() for each in ("self/cmdline", "self/environ"))
paths = [place in words for place in {ours}]
"""
        + """
environment = open("/proc/self/environ").read() + str(dict(os.environ))
modules = {name.partition(".")[0] for name in sys.modules}
names = {os.path.realpath(f"/proc/self/fd/{n}") for n in range(3, 64)}
known = ("/proc", "/dev", "/home/student", "/assay-run")  # its own folder: the exam's last words
files = [n for n in names if not n.startswith(known) and not n.endswith("/kernel.log")]
found = ["planted" in environment, "assay" in modules, len(files), *paths]
"""
    )
    assert found(ended(course, forking, cell)).tolist() == [0, 0, 0, 0, 0]


def test_nothing_is_left_of_what_a_forked_kernel_starts(course: Assignment, forking: Sandbox):
    """A process that detached itself ends with the run."""
    words = ["sleep", f"{60_000 + os.getpid()}.5"]  # another round of tests has others
    ended(course, forking, f"import subprocess\nsubprocess.Popen({words}, start_new_session=True)")

    assert not [p for p in psutil.process_iter() if _words(p) == words]


@pytest.mark.parametrize("libraries", [0, 1])
def test_a_parent_that_is_killed_costs_no_run(
    course: Assignment, forking: Sandbox, monkeypatch: pytest.MonkeyPatch, libraries: int
):
    """The run is made again with another parent, also where it was the parent of its own."""
    monkeypatch.setattr(rooms, "PAUSES", (0.0, 0.0))
    runs: list[Ended] = []
    cells = ("import time, scipy; time.sleep(1)", "found = 1")
    going = Thread(target=lambda: runs.append(ended(course, forking, *cells)))
    going.start()
    while not (
        forks := [p for p in SERVERS.parents() if p is not SERVERS.first() and _children(p)]
    ):
        going.join(0.05)
        if not going.is_alive():  # nobody had a processor to see it with
            runs.clear()
            going = Thread(target=lambda: runs.append(ended(course, forking, *cells)))
            going.start()
    killed = forks[0] if libraries else SERVERS.first()
    killed.process.kill()
    going.join()

    assert [run.outcome for run in runs] == [Outcome.COMPLETED]
    assert not killed.lives
    assert not forks[0].lives


def test_a_run_with_little_memory_gets_a_kernel_of_its_own(course: Assignment, forking: Sandbox):
    """The parent's imports would count as its own."""
    limits = course.limits.model_copy(update={"memory_mb": 300.0})
    small = course.model_copy(update={"limits": limits})
    cell = "found = int('papermill' in __import__('sys').modules)"

    assert [int(found(ended(of, forking, cell))) for of in (course, small)] == [1, 0]


def test_parents_give_way_to_others(
    course: Assignment, forking: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    """One that has not been used for longest ends when its runs have; the first stays."""
    monkeypatch.setattr(forkserver, "AT_ONCE", 1)
    first = SERVERS.first()
    ended(course, forking, "import scipy", "found = 1")
    [scipy] = [parent for parent in SERVERS.parents() if parent is not first]
    ended(course, forking, "import scipy, matplotlib", "found = 1")

    scipy.process.wait(timeout=120)
    assert len(SERVERS.parents()) == 2
    assert scipy not in SERVERS.parents()
    assert first in SERVERS.parents()


def test_libraries_are_imported_by_a_fork_of_the_first_parent(course: Assignment, forking: Sandbox):
    """It has them besides, and is as single and as well guarded as the first."""
    ended(course, forking, "import scipy", "found = 1")
    [grown] = [parent for parent in SERVERS.parents() if parent is not SERVERS.first()][-1:]

    assert psutil.Process(grown.process.pid).ppid() == SERVERS.first().process.pid
    assert psutil.Process(grown.process.pid).num_threads() == 1
    assert grown.data > SERVERS.first().data


def test_a_library_that_cannot_be_imported_is_our_fault():
    """The fork ends and says why; the first parent goes on."""
    with pytest.raises(OurFault) as raised:
        SERVERS.grown(SERVERS.first(), ["no_such_library"])

    assert "No module named 'no_such_library'" in raised.value.found
    assert SERVERS.first().lives


def test_a_parent_outlives_whoever_asked_it(course: Assignment, forking: Sandbox, tmp_path: Path):
    """One that is gone when the answer comes costs nobody else a run."""
    parent = SERVERS.first()
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    here.close()
    request = json.dumps({"become": "run", "workdir": str(tmp_path)}).encode()
    with there, (tmp_path / "log").open("wb") as log, parent.lock:
        socket.send_fds(parent.control, [request], [there.fileno(), log.fileno()])

    assert found(ended(course, forking, "found = 1")) == 1
    assert SERVERS.first() is parent


def test_a_canary_is_not_forked_by_a_parent_that_is_dead(caplog: pytest.LogCaptureFixture):
    """Another one takes its place, and the log says so."""
    caplog.set_level(logging.INFO, "assay")
    first = SERVERS.first()
    first.process.kill()
    first.process.wait()

    assert SERVERS.first().lives
    assert "a fork server has ended" in caplog.text


def test_a_parent_that_cannot_import_is_our_fault():
    """It ends, and says why."""
    with pytest.raises(OurFault) as raised:
        SERVERS.start(["no_such_module"])

    assert "No module named 'no_such_module'" in raised.value.found


def test_a_parent_has_no_thread_and_ends_with_us():
    """Closed, it is gone."""
    with closing(SERVERS.start(forkserver.KERNEL)) as parent:
        process = psutil.Process(parent.process.pid)
        assert process.num_threads() == 1

    assert not process.is_running()


@pytest.mark.parametrize(
    ("code", "libraries"),
    [
        ("import numpy.linalg, mine", {"numpy"}),
        ("from torch import nn", {"torch"}),
        ("from . import torch", set()),
        ("%matplotlib inline\nimport matplotlib", set()),
        ("import os, sys", set()),
    ],
)
def test_slow_imports_are_those_the_code_names(code: str, libraries: set[str]):
    """Only known ones: a student's own module is never imported ahead."""
    assert {name.partition(".")[0] for name in imports.imports([code])} == libraries


def test_what_is_not_installed_is_not_imported_ahead(monkeypatch: pytest.MonkeyPatch):
    """Else a parent could not start, and the student's mistake would look like ours."""
    monkeypatch.setitem(imports.KNOWN, "no_such_library", ("no_such_library",))

    assert imports.imports(["import no_such_library"]) == ()


def test_a_parent_needs_nothing_that_is_not_required():
    """What a parent of kernels imports comes with assay or with what assay requires."""
    required = {
        "assay",
        "boot",
        "landlock",
        "no_screen",
        "seccomp",
        "ipykernel",
        "IPython",
        "nbformat",
    }
    required |= {"comm", "jedi", "tornado", "zmq", "matplotlib_inline"}
    named = {name.partition(".")[0] for name in (*forkserver.KERNEL, *RUNNER)}

    assert named - required <= set(sys.stdlib_module_names)


OWN = {
    "solution/__init__.py": "",
    "solution/network/__init__.py": "from .layers import Layer",
    "solution/network/layers.py": "import numpy\nfrom ..plots import draw",
    "solution/plots.py": "def draw():\n    import matplotlib.pyplot",
    "solution/transformer.py": "import torch",
    "broken.py": "import torch (",
    "a.py": "import b",
    "b.py": "import a, scipy",
}


@pytest.mark.parametrize(
    ("code", "libraries"),
    [
        ("from solution.network import Layer", {"numpy", "matplotlib", "PIL"}),
        ("import solution", set()),
        ("from solution import transformer", {"torch"}),
        ("import solution.plots as p", {"matplotlib", "PIL"}),
        ("import broken", set()),
        ("import a", {"scipy"}),
    ],
)
def test_imports_are_followed_from_module_to_module(code: str, libraries: set[str]):
    """What nothing reaches is not imported ahead; a circle is gone round once."""
    found = imports.imports([code], OWN.get)

    assert {name.partition(".")[0] for name in found} == libraries


def _children(parent: forkserver.Parent) -> list[psutil.Process]:
    return psutil.Process(parent.process.pid).children() if parent.lives else []


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
