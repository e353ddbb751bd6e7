"""Switches that a notebook or an answer leaves on reach no question, and are told."""

import json
from collections.abc import Iterator

import numpy as np
import pytest

from assay.course.assignment import Assignment
from assay.execution.execute import Ended
from assay.grading import leftover
from assay.records import Outcome
from assay.sandbox.inside import switches
from assay.submission.notebook import NotebookCell
from tests.toys import toy as toys
from tests.toys.kept import kept
from tests.toys.shared import execute

GIVEN = """
from types import SimpleNamespace
def draw(rng, parameters):
    one = SimpleNamespace(shown={}, kept={}, answers={})
    return {"first": one, "second": one, "third": one}
"""
EXAM = """
from ask import ask, student
for question in ("first", "second", "third"):
    with ask(question) as (given, answer):
        answer.found = student.found()
        answer.text = str(student.look()) if student.has("look") else ""
"""

LEFT = {
    "torch's gradients": (
        "import torch\ntorch.set_grad_enabled(False)",
        "float(torch.ones(2, requires_grad=True).sum().requires_grad)",
    ),
    "torch's inference mode": (
        "import torch\nmode = torch.inference_mode(); mode.__enter__()",
        "float(not torch.is_inference_mode_enabled())",
    ),
    "torch's default dtype": (
        "import torch\ntorch.set_default_dtype(torch.float64)",
        "float(torch.zeros(1).dtype == torch.float32)",
    ),
    "torch's default device": (
        "import torch\ntorch.set_default_device('meta')",
        "float(torch.zeros(1).device.type == 'cpu')",
    ),
    "torch's deterministic algorithms": (
        "import torch\ntorch.use_deterministic_algorithms(True)",
        "float(not torch.are_deterministic_algorithms_enabled())",
    ),
    "torch's threads": (
        "import torch\ntorch.set_num_threads(3)",
        "float(torch.get_num_threads() == 1)",
    ),
    "torch's anomaly detection": (
        "import torch\ntorch.autograd.set_detect_anomaly(True)",
        "float(not torch.is_anomaly_enabled())",
    ),
    "torch's autocast": (
        "import torch\ntorch.autocast('cpu').__enter__()",
        "float((torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32)",
    ),
    "NumPy's errors": (
        "import numpy as np\nnp.seterr(all='raise')",
        "float(np.isinf(np.array([1.0]) / 0)[0])",
    ),
    "NumPy's error function": (
        "import numpy as np\nnp.seterr(all='call'); np.seterrcall(print)",
        "float(np.geterrcall() is None)",
    ),
    "NumPy's print options": (
        "import numpy as np\nnp.set_printoptions(precision=1)",
        "float('0.125' in repr(np.array([0.125])))",
    ),
    "warnings": (
        "import warnings\nwarnings.simplefilter('error')",
        "float(warnings.warn('x') is None)",
    ),
    "the recursion limit": (
        "import sys\nsys.setrecursionlimit(200)",
        "float(sys.getrecursionlimit() >= 1000)",
    ),
    "the locale": (
        "import locale\nlocale.setlocale(locale.LC_ALL, 'C')",
        "float('UTF' in locale.setlocale(locale.LC_ALL))",
    ),
    "the working directory": (
        "import os\nhere = os.getcwd(); os.chdir('/')",
        "float(os.getcwd() == here)",
    ),
    "`sys.path`": (
        "import sys\nsys.path[:] = ['/more']",
        "float(len(sys.path) > 3)",
    ),
    "`sys.stdout`": (
        "import io, sys\nsys.stdout = io.StringIO()",
        "float(type(sys.stdout).__name__ == 'OutStream')",
    ),
    "`sys.stderr`": (
        "import io, sys\nsys.stderr = io.StringIO(); sys.stderr.close()",
        "float(not sys.stderr.closed)",
    ),
    "the umask": ("import os\nos.umask(0o777)", "float(os.umask(0o77) == 0o77)"),
    "signal handlers": (
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "float(signal.getsignal(signal.SIGTERM) != signal.SIG_IGN)",
    ),
    "alarm clocks": (
        "import signal\nsignal.signal(signal.SIGALRM, lambda *a: 1 / 0); signal.alarm(100)",
        "float(signal.getitimer(signal.ITIMER_REAL)[0] == 0)",
    ),
    "environment variables": (
        "import os\nos.environ['HOME'] = '/nowhere'",
        "float(os.environ['HOME'] != '/nowhere')",
    ),
    "the trace function": (
        "import sys\nseen = []\nsys.settrace(lambda *a: None)",
        "float(sys.gettrace() is None)",
    ),
    "the profile function": (
        "import sys\nsys.setprofile(lambda *a: None)",
        "float(sys.getprofile() is None)",
    ),
    "the garbage collector": ("import gc\ngc.disable()", "float(gc.isenabled())"),
    "built-in names": (
        "import builtins\nbuiltins.print = None; builtins.sum = max; builtins.round = int",
        "float(sum([1, 2]) == 3 and print is not None)",
    ),
    "`random.seed`": (
        "import random\nrandom.seed = 42",
        "float(random.seed(1) is None)",
    ),
    "`numpy.random.seed`": (
        "import numpy as np\nnp.random.seed = 42",
        "float(np.random.seed(1) is None)",
    ),
    "`torch.manual_seed`": (
        "import torch\ntorch.manual_seed = 42",
        "float(torch.manual_seed(1) is not None)",
    ),
    "the decimal context": (
        "import decimal\ndecimal.getcontext().prec = 2",
        "float(decimal.getcontext().prec == 28)",
    ),
    "threads that still run": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()",
        "1.0",
    ),
}
"""What a notebook leaves on, and what is true where it was set back."""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    root = tmp_path_factory.mktemp("switches") / "course"
    with toys.course(root, text=toys.toml(cell=20, run=60), exam=EXAM, given=GIVEN) as assignment:
        yield assignment


def ended(course: Assignment, *cells: str) -> Ended:
    run = execute(toys.jobs(course, toys.submission(*cells))[0].packed, kept(3, warm=True))

    assert run.outcome is Outcome.COMPLETED, run.reason
    return run


def found(run: Ended, question: str = "first") -> np.ndarray:
    note = json.loads(run.files[f"evidence/{question}.json"])

    assert note["status"] == "answered", note
    return toys.arrays(run.files[f"evidence/{question}.npz"])["found"]


def left(run: Ended) -> dict[str, list[str]]:
    return json.loads(run.files["evidence/switches.json"])


@pytest.mark.parametrize("name", LEFT)
def test_what_a_notebook_leaves_on_reaches_no_question(course: Assignment, name: str):
    """It is set back, and written down under its name."""
    switch, holds = LEFT[name]
    run = ended(course, switch, f"def found():\n    return {holds}")

    assert found(run) != 0
    assert name in left(run)


@pytest.mark.parametrize("name", sorted(set(LEFT) - {"threads that still run"}))
def test_what_one_answer_switches_reaches_no_other(course: Assignment, name: str):
    """Each question begins as the first did."""
    switch, holds = LEFT[name]
    imports, _, rest = switch.partition("\n")
    switched = rest.replace("\n", "\n    ")
    run = ended(
        course,
        f"{imports}\nhere = os.getcwd()" if "here" in holds else imports,
        f"def found():\n    global mode, here\n    good = {holds}\n    {switched}\n    return good",
    )

    assert [float(found(run, q)) != 0 for q in ("first", "second", "third")] == [True] * 3


def test_nothing_is_said_of_a_notebook_that_leaves_nothing(course: Assignment):
    """Nor of what it may add: a folder, a variable, a higher limit."""
    harmless = (
        "import sys, os, warnings, numpy, torch, sklearn, matplotlib.pyplot as plt, pandas\n"
        "from tqdm.auto import tqdm\nplt.plot([1]); list(tqdm(range(2)))\n"
        "sys.path.insert(0, '..'); os.environ['MINE'] = 'x'; sys.setrecursionlimit(9000)\n"
        "warnings.filterwarnings('ignore')\n"
        "with torch.no_grad(), numpy.errstate(all='raise'): pass"
    )
    run = ended(course, harmless, "def found(): return float(sys.getrecursionlimit() == 9000)")

    assert left(run) == {}
    assert found(run) == 1


def test_random_states_depend_on_the_question_alone(course: Assignment):
    """Not on how many were asked before, nor on what the notebook drew, seeded or not."""
    draw = (
        "import random, numpy as np, torch\n"
        "rng, own = np.random.default_rng(1), random.Random(1)\n"
        "g = torch.Generator().manual_seed(1)\n"
        "def found():\n"
        "    drawn = [random.random(), np.random.rand(), torch.rand(1).item()]\n"
        "    return drawn + [rng.random(), own.random(), torch.rand(1, generator=g).item()]"
    )
    one = ended(course, draw)
    other = ended(
        course, draw, "[random.random() for _ in range(5)]; np.random.seed(5); torch.rand(9)"
    )

    assert found(one).tolist() == found(other).tolist()
    assert found(one)[:3].tolist() != found(one, "second")[:3].tolist()
    assert found(one)[3:].tolist() == found(one, "second")[3:].tolist()


def test_a_note_names_the_switch_and_the_line_that_set_it():
    """What the process claims of switches that are not known, or claims badly, is not told."""
    cells = [
        NotebookCell("code", "x = 1"),
        NotebookCell("markdown", "np.seterr"),
        NotebookCell("code", "y\nnp.seterr('raise')"),
    ]
    claims = {"NumPy's errors": ["{'over': 'raise'}", "{'over': 'warn'}"], "<b>": ["1", "2"]}
    (note,) = leftover.notes("sums", json.dumps(claims).encode(), cells)

    assert "sums: NumPy's errors was {'over': 'raise'}" in note
    assert "(code cell 2, line 2: `np.seterr('raise')`)" in note
    for bad in (b"", b"[]", b"7", b'{"warnings": 5}', b'{"warnings": []}', b"[" * 10**5):
        assert list(leftover.notes("sums", bad, cells)) == []


def test_every_switch_has_words_that_find_it():
    """The line of a notebook that is likely to have set it."""
    assert set(LEFT) <= set(switches.LIKELY)
