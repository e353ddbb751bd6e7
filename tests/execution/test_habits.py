"""What students' notebooks do besides their homework: it ends alike each time, and is told."""

import json
import re
from collections.abc import Iterator

import nbformat
import pytest

from assay.course.assignment import Assignment
from assay.execution.execute import Ended
from assay.grading import leftover
from assay.records import Outcome
from assay.source import cells
from assay.submission import preflight, sections
from assay.submission.notebook import NotebookCell
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.kept import kept
from tests.toys.shared import execute


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    root = tmp_path_factory.mktemp("habits") / "course"
    with toys.course(root, text=toys.toml(cell=60, run=300)) as assignment:
        yield assignment


@pytest.fixture
def hurried(course: Assignment) -> Assignment:
    """The same with a limit that is to be met."""
    return course.model_copy(
        update={"limits": course.limits.model_copy(update={"cell_seconds": 4.0})}
    )


def ended(course: Assignment, *cells: str, warm: bool = True, tag: str = "") -> Ended:
    """A run of these cells; the last of them has a tag."""
    tags = {0: "parameters"} | ({len(cells) + 1: tag} if tag else {})
    book = toys.notebook(toys.PARAMETERS, toys.ADD, *cells, tags=tags)
    handed_in = Submission("ada", {"sums.ipynb": book})
    return execute(toys.jobs(course, handed_in)[0].packed, kept(3, warm=warm))


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("cell", ["exit()", "quit()", "exit", "import sys; sys.exit()"])
def test_a_cell_that_exits_fails_and_is_named(course: Assignment, cell: str, warm: bool):
    """The kernel goes on: what comes after is not lost to a race."""
    run = ended(course, cell, "later = 1", warm=warm)

    assert run.outcome is Outcome.CELL_FAILED
    assert run.reason.startswith("cell 3 raised SystemExit")
    assert [cell.error is None for cell in run.cells] == [True, True, False, True]


@pytest.mark.parametrize("restart", [True, False])
def test_a_cell_that_shuts_its_kernel_down_fails_and_is_named(course: Assignment, restart: bool):
    """As people do after `pip install`: alike each time, and nothing is lost."""
    shut = f"get_ipython().kernel.do_shutdown({restart})"
    for _ in range(3):
        run = ended(course, shut, "later = 1")

        assert run.outcome is Outcome.CELL_FAILED
        assert run.reason == "cell 3 raised SystemExit: the cell shut its kernel down"
        assert json.loads(run.files["evidence/add/plain.json"])["status"] == "answered"


@pytest.mark.parametrize(
    "reset", ["%reset -f", "%reset -s -f", "%reset_selective -f add", "get_ipython().reset()"]
)
def test_what_reset_removes_is_there_for_the_questions(course: Assignment, reset: str):
    """Functions and what they use; it is told. What is bound anew stays as it is then."""
    run = ended(course, "import numpy as np\ndef add(x, y): return np.add(x, y)", reset)
    anew = ended(course, reset, "add = lambda x, y: 0 * x + 7")

    assert run.outcome is Outcome.COMPLETED, run.reason
    assert json.loads(run.files["evidence/add/plain.json"])["status"] == "answered"
    claim = run.files["evidence/switches.json"]
    (note,) = leftover.notes("sums", claim, [NotebookCell("code", reset)])
    assert note.startswith("sums: the notebook removed the names ['add'")
    assert note.endswith(f"(code cell 1, line 1: `{reset}`); for the questions they were put back")
    assert toys.arrays(anew.files["evidence/add/plain.npz"])["out"].tolist() == [7, 7, 7]


def test_what_a_library_leaves_running_is_not_told(course: Assignment):
    """Loaders' handlers and pools' threads are no switches of the student's."""
    run = ended(
        course,
        "import torch\nfrom torch.utils.data import DataLoader\n"
        "found = list(DataLoader(torch.arange(4.), num_workers=2))",
        "from joblib import Parallel, delayed\nParallel(n_jobs=2)(delayed(abs)(i) for i in (1, 2))",
    )

    assert run.outcome is Outcome.COMPLETED, run.reason
    assert json.loads(run.files["evidence/switches.json"]) == {}


def test_a_cell_that_asks_for_input_is_told_so(course: Assignment):
    """In words of what it did, not of the frontend."""
    run = ended(course, "name = input('your name?')")

    assert run.reason == "cell 3 asks for keyboard input, and no one is there to give it"


def test_a_cell_that_is_marked_to_raise_fails_nothing(course: Assignment):
    """nbconvert, nbclient and jupyter-book know the tag too; the picture of the error stays."""
    run = ended(course, "1 / 0", tag="raises-exception")

    assert run.outcome is Outcome.COMPLETED, run.reason
    assert not any(cell.error for cell in run.cells)
    assert b"ZeroDivisionError" in run.files["executed.ipynb"]


def test_the_tag_excuses_no_cell_that_takes_too_long(hurried: Assignment):
    """Raising is not waiting."""
    assert ended(hurried, "while True: pass", tag="raises-exception").outcome is Outcome.TIMED_OUT


def test_what_is_not_installed_cannot_be_had(course: Assignment):
    """pip asks nobody and fails; what is installed is there already."""
    cells = (
        "import time; begun = time.process_time()",
        "!pip install -q torchinfo",
        "%pip install numpy",
    )
    run = ended(course, *cells, "import os; os.environ['PIP_NO_INDEX'], os.environ['UV_OFFLINE']")
    shown = run.files["executed.ipynb"].decode()

    assert run.outcome is Outcome.COMPLETED, run.reason
    assert "No matching distribution found for torchinfo" in shown
    assert "Requirement already satisfied: numpy" in shown
    assert "Retrying" not in shown


@pytest.mark.parametrize(
    "line",
    [
        "!pip install torchinfo",
        "%pip install -q -U 'no-such-package>=2' numpy",
        "!pip3 install --upgrade no-such-package -i https://pypi.org/simple",
        "!python -m pip install --user no-such-package[all]==1.2",
        "!{__import__('sys').executable} -m pip --quiet install no_such_package",
        "!uv pip install no-such-package",
        "!conda install -y no-such-package",
        "!apt-get install -y no-such-package",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'pip', 'install', 'x_no'])",
    ],
)
def test_to_install_takes_no_time(course: Assignment, line: str):
    """Of the processor: a few starts of Python are more than any of it needs; pip takes twenty."""
    run = ended(
        course,
        "import os, subprocess, sys\ndef used(): return sum(os.times()[:4])",
        "begun = used(); subprocess.run([sys.executable, '-c', 'pass']); start = used() - begun",
        f"begun = used()\n{line}",
        "assert used() - begun < 0.4 + 4 * start, (used() - begun, start)",
        "",
    )

    assert run.outcome is Outcome.COMPLETED, run.reason


@pytest.mark.parametrize(
    "line", ["!pip --version", "!python -m pip list", "!pip show numpy", "!pip install 'numpy>1'"]
)
def test_other_commands_of_pip_are_as_ever(course: Assignment, line: str):
    """Versions, lists, what is known of a package."""
    shown = ended(course, line).files["executed.ipynb"].decode()

    assert re.search(r"pip \d|numpy +2|Name: numpy|already satisfied: numpy>1", shown)
    assert "Traceback" not in shown


STREAMS = {
    "sys.stdout = None": [],
    "sys.stderr = None": [],
    "sys.stdout = sys.stderr = io.StringIO(); sys.stdout.close()": [],
    "class Log:\n    def write(self, s): pass\nsys.stdout = Log()": [],
    "class Log:\n    def write(self, s): pass\n    def flush(self): 1 / 0\nsys.stdout = Log()": [],
    "sys.stdout = None; int('x')": [3],
    "del sys.stderr": [],
    "get_ipython().showtraceback = None; int('x')": [3],
}


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("cell", STREAMS)
def test_a_kernel_whose_streams_are_broken_goes_on(course: Assignment, cell: str, warm: bool):
    """Stock never answers again, and all would wait for the limit."""
    run = ended(course, "import io, sys\n" + cell, "display(1)", "print(2)\n3", warm=warm)

    assert run.outcome is (Outcome.CELL_FAILED if STREAMS[cell] else Outcome.COMPLETED), run.reason
    assert [n for n, c in enumerate(run.cells, 1) if c.error] == STREAMS[cell]
    assert json.loads(run.files["evidence/add/plain.json"])["status"] == "answered"


@pytest.mark.parametrize(
    "cell", ["!sleep 98", "import subprocess; subprocess.run(['sleep', '98'])", "while True: pass"]
)
def test_a_command_outlives_no_limit(hurried: Assignment, cell: str):
    """The run is not said to have completed."""
    assert ended(hurried, cell).outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        (["import asyncio\nawait asyncio.sleep(0)"], Outcome.COMPLETED),
        (["sum = 0; list = [1]; max = 3; type = 'x'; len = 2; open = None"], Outcome.COMPLETED),
        (["%%writefile helper.py\nVALUE = 1", "from helper import VALUE"], Outcome.COMPLETED),
        (["input('Your name: ')"], Outcome.CELL_FAILED),
        (["raise NotImplementedError()"], Outcome.CELL_FAILED),
        (["import ctypes; ctypes.string_at(0)"], Outcome.CRASHED),
        (["import os; os._exit(3)"], Outcome.EXITED),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_was_right_stays_right(course: Assignment, cells: list[str], outcome: Outcome):
    """Dead kernels, awaiting, names of built-ins: a name for each end, and no marks lost."""
    run = ended(course, *cells)

    assert run.outcome is outcome, run.reason
    if outcome in (Outcome.COMPLETED, Outcome.CELL_FAILED):
        assert json.loads(run.files["evidence/add/plain.json"])["status"] == "answered"


def test_a_kernel_of_another_name_is_not_looked_for(course: Assignment):
    """`conda-env-xyz-py` is on the student's machine alone."""
    book = nbformat.reads(toys.notebook(toys.PARAMETERS, toys.ADD).decode(), 4)
    book.metadata["kernelspec"] = {
        "name": "conda-env-xyz-py",
        "display_name": "x",
        "language": "python",
    }
    handed_in = Submission("ada", {"sums.ipynb": nbformat.writes(book).encode()})
    run = execute(toys.jobs(course, handed_in)[0].packed, kept(3, warm=True))

    assert run.outcome is Outcome.COMPLETED, run.reason


def notes(course: Assignment, *cells: str, **files: bytes) -> str:
    return "\n".join(
        preflight.notes(sections.sections(course, toys.submission(toys.ADD, *cells, **files)))
    )


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (
            "import no_such_package.part as n",
            "imports `no_such_package.part`, which is not installed",
        ),
        ("from google.colab import files", "imports `google.colab`"),
        ("model = torch.nn.Linear(2, 2).cuda()", "wants a GPU"),
        ("model.to('cuda:0')", "wants a GPU"),
        ("x = torch.ones(2, device='cuda')", "wants a GPU"),
        ("%matplotlib ipympl", "shows widgets, which need `ipympl`"),
        (
            "import pandas as pd\npd.read_csv('data/x.csv')",
            "reads `data/x.csv`, which is not handed in",
        ),
        ("open('notes.txt').read()", "reads `notes.txt`"),
    ],
)
def test_check_says_what_the_grader_has_not(course: Assignment, cell: str, said: str):
    """Packages, files, a GPU, widgets: before anything is run, with the cell."""
    assert f"code cell 3 {said}" in notes(course, cell)


@pytest.mark.parametrize(
    "cell",
    [
        "import numpy, os.path, helper\nfrom solution.parts import x\nfrom . import y",
        "try:\n    import no_such_package\nexcept ImportError:\n    pass",
        "import torch\nmodel = torch.nn.Linear(1, 1)\n"
        "device = 'cuda' if torch.cuda.is_available() else 'cpu'\nmodel.to(device)",
        "import torch\nmodel = torch.nn.Linear(1, 1)\n"
        "torch.save(model, 'model.pt')\ntorch.load('model.pt')",
        "open('out.txt', 'w').write('x')\nopen('out.txt').read()",
        "open('there.csv').read()",
        "%matplotlib inline",
        "    x = 1\n    y = x",
        "!pip --version \\\n  --quiet\nx = 1",
        "files = !ls \\\n  -l\nx = files",
    ],
)
def test_check_is_silent_where_all_is_there(course: Assignment, cell: str):
    """A module or a file that was handed in, what the notebook writes itself, an indented cell."""
    files = {"helper.py": b"", "solution/parts.py": b"x = 1", "there.csv": b""}
    quiet = [
        n
        for n in notes(course, cell, **files).split("\n")
        if "code cell 3" in n and "installs" not in n
    ]

    assert quiet == []


def test_a_line_keeps_its_number_where_a_command_goes_on():
    """The fault is told where the student sees it."""
    assert cells.fault("!ls \\\n  -l\nx = (").startswith("line 3:")
