"""Part 1: work that somebody else does where the watching did not look, and code nobody reads."""

import json
from pathlib import Path

import pytest

from assay.evidence.answers import HOW_IT_RAN
from assay.evidence.store import Store
from assay.records import Result, Verdict
from assay.submission.submission import Submission
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT, explain, graded, one_part

NETWORK = "solution/backprop/network.py"
BOOK = "notebooks/part1_backprop.ipynb"
GRADIENTS = """        workspace = allocate(len(X), len(self.intercepts_[0]))
        return backpropagate(X, self._targets(y), *self.coefs_, *self.intercepts_, workspace)
"""
BORROWED = """
        (W1, W2), (b1, b2) = self.coefs_, self.intercepts_
        found = borrowed(W1, W2, b1, b2, X, self._targets(y)[:, 0])
        return found[0], found[1:3], found[3:]
"""
AUTOGRAD = """
import numpy as np
import torch
from solution.backprop import network as written

def gradients(W1, W2, b1, b2, X, y):
    parts = [torch.tensor(np.array(part), requires_grad=True) for part in (W1, W2, b1, b2)]
    hidden = torch.sigmoid(torch.tensor(X) @ parts[0] + parts[2])
    logit = (hidden @ parts[1] + parts[3])[:, 0]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logit, torch.tensor(y))
    loss.backward()
    return [loss.item(), *(part.grad.numpy() for part in parts)]

written.tools.append(gradients)
"""
A_LIBRARYS = """
import numpy as np
from sklearn.neural_network import MLPClassifier
from solution.backprop import network as written

def gradients(W1, W2, b1, b2, X, y):
    model = MLPClassifier((W1.shape[1],), activation="logistic", alpha=0, max_iter=1)
    model.n_outputs_, model.n_layers_, model.out_activation_ = 1, 3, "logistic"
    model.loss = "binary_log_loss"
    model.coefs_, model.intercepts_ = [W1.copy(), W2.copy()], [b1.copy(), b2.copy()]
    layers = [X, np.empty((len(X), W1.shape[1])), np.empty((len(X), 1))]
    parts = [[np.empty_like(part) for part in pair] for pair in ((W1, W2), (b1, b2))]
    deltas = [np.empty_like(layer) for layer in layers[1:]]
    loss, matrices, biases = model._backprop(X, y[:, None], None, layers, deltas, *parts)
    return [float(loss), *matrices, *biases]

written.tools.append(gradients)
"""
A_THREAD = """
import logging
import logging.handlers
import queue

tools, jobs, done = [], queue.SimpleQueue(), queue.SimpleQueue()

class Worker(logging.Handler):
    def handle(self, record):
        done.put(tools[0](*record.args))

logging.handlers.QueueListener(jobs, Worker()).start()

def borrowed(*arguments):
    jobs.put(logging.LogRecord("", 10, "", 1, "", arguments, None))
    return done.get()
"""
A_POOL = """
import dask.threaded

tools = []

def borrowed(*arguments):
    return dask.threaded.get({"x": (tools[0], *arguments)}, "x", num_workers=1)
"""
THE_PROFILER = """
tools, jobs, done = [], [], []

class Text(str):
    def __hash__(self):
        if jobs:
            done.append(tools[0](*jobs.pop()))
        return str.__hash__(self)

__name__ = Text(__name__)

def touch():
    pass

def borrowed(*arguments):
    jobs.append(arguments)
    touch()
    if jobs:
        hash(__name__)
    return done.pop()
"""
SLOPES = """
        (W1, W2), (b1, b2) = self.coefs_, self.intercepts_
        y = self._targets(y)[:, 0]
        parts = [W1.astype(complex), W2.astype(complex), b1.astype(complex), b2.astype(complex)]

        def loss():
            hidden = 1 / (1 + np.exp(-(X @ parts[0] + parts[2])))
            z = (1 - 2 * y) * (hidden @ parts[1] + parts[3])[:, 0]
            up = z.real > 0
            return (np.where(up, z, 0) + np.log1p(np.exp(np.where(up, -z, z)))).mean()

        found = [np.zeros(part.shape) for part in parts]
        for part, slopes in zip(parts, found):
            for place in np.ndindex(part.shape):
                part[place] += 1e-100j
                slopes[place] = loss().imag / 1e-100
                part[place] = part[place].real
        PADDING
        return float(loss().real), found[:2], found[2:]
"""
PADDED = "for _ in range(3000):\n            pass"
LATER = """
class Later:
    def __init__(self, work, place):
        self.work, self.place = work, place

    def __array__(self, dtype=None, copy=None):
        if not self.work.said:
            self.work.said = self.work()
        return self.work.said[1:][self.place]

class Work:
    def __init__(self, *arguments):
        self.arguments, self.said = arguments, None

    def __call__(self):
        return tools[0](*self.arguments)

tools = []

def borrowed(*arguments):
    work = Work(*arguments)
    loss = np.logaddexp(0, (1 - 2 * arguments[-1]) * LOGIT).mean()
    return [loss, *(Later(work, place) for place in range(4))]
""".replace(
    "LOGIT", "forward(arguments[4], *arguments[:4])[1][:, 0]"
)  # fmt: skip

UNSEEN = {
    "a thread that began before": (BORROWED, A_THREAD, A_LIBRARYS),
    "a pool of threads": (BORROWED, A_POOL, A_LIBRARYS),
    "the profiler's own calls": (BORROWED, THE_PROFILER, A_LIBRARYS),
    "arrays that are worked out later": (BORROWED, LATER, A_LIBRARYS),
    "slopes, with lines made up for": (SLOPES.replace("PADDING", PADDED), "", ""),
}


@pytest.mark.parametrize("kind", UNSEEN)
def test_gradients_of_somebody_else_earn_nothing_from_scratch(
    kind: str, store: Store, tmp_path: Path
):
    """Wherever they are made, they are seen to fail, or wait for a person."""
    gradients, below, cell = UNSEEN[kind]
    files = short_submission(ROOT, "part1")
    text = files[NETWORK].decode()
    assert GRADIENTS in text
    files[NETWORK] = (text.replace(GRADIENTS, gradients) + below).encode()

    result = one_run(Submission("unseen", with_cells(files, cell)), store, tmp_path)
    found = {c.name: c for c in result.criteria}

    assert found["gradients"].earned == found["gradients"].points, explain(result)
    assert found["from-scratch"].verdict in (Verdict.FAILED, Verdict.FOR_REVIEW), explain(result)


WRITTEN = f"""with open("made_now.py", "w") as file:
    file.write({A_LIBRARYS!r})
try:
    import made_now
except ImportError:
    pass
"""
RUN = {
    "a module written meanwhile": (WRITTEN, {}),
    "a text in a text": (
        f'%matplotlib inline\nx = {A_LIBRARYS!r}\ny = f"""\n%{{exec(x)}}\n"""',
        {},
    ),
    "a file by the name of a magic": ("run(steps.txt)", {"notebooks/(steps.txt)": A_LIBRARYS}),
    "a shell's cell": (
        "%%!\npython3 <make.txt\n",
        {"notebooks/make.txt": f"open('made_by_it.py', 'w').write({A_LIBRARYS!r})"},
    ),
    "code of one's own put into a function": (
        "from solution.backprop import helper",
        {
            "solution/backprop/helper.py": "class A:\n    def f():\n        pass\n"
            f"A.f.__code__ = __loader__.source_to_code({A_LIBRARYS!r}, 'x')\nA.f()\n"
        },
    ),
}


@pytest.mark.parametrize("kind", RUN)
def test_code_that_nobody_handed_in_waits_for_a_person(kind: str, store: Store, tmp_path: Path):
    """The kernel says what runs before it does: neither from scratch nor a clean run is earned."""
    cell, more = RUN[kind]
    files = short_submission(ROOT, "part1")
    files[NETWORK] += b"\ntools = []\n"
    cells = [cell, "try:\n    import made_by_it\nexcept ImportError:\n    pass"]
    handed_in = with_cells(files, *cells) | {n: t.encode() for n, t in more.items()}

    result = one_run(Submission("run", handed_in), store, tmp_path)
    found = {c.name: c for c in result.criteria}

    for name in ("from-scratch", "clean-run"):
        assert found[name].verdict is Verdict.FOR_REVIEW, explain(result)
        assert not found[name].earned
    assert store.files(result.runs[0].key, HOW_IT_RAN), "the kernel said nothing"


def test_code_that_is_written_in_a_cell_or_a_file_waits_for_nobody(store: Store, tmp_path: Path):
    """A module written by a cell's magic, a script that was handed in, and its own modules."""
    files = short_submission(ROOT, "part1")
    files["notebooks/steps.py"] = b"from __future__ import annotations\n\nx: int = 1\n"
    cells = (
        "%%writefile made.py\nhalf = 0.5\n",
        "%run steps.py",
        "import made, steps",
        "x, made.half",
    )

    result = one_run(Submission("written", with_cells(files, *cells)), store, tmp_path)
    found = {c.name: c for c in result.criteria}

    for name in ("from-scratch", "clean-run"):
        assert found[name].earned == found[name].points, explain(result)


def with_cells(files: dict[str, bytes], *sources: str) -> dict[str, bytes]:
    """The notebook with more cells, below its parameters."""
    book = json.loads(files[BOOK])
    kind = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    more = [
        kind | {"id": f"more-{n}", "source": source} for n, source in enumerate(sources) if source
    ]
    book["cells"][2:2] = more
    return files | {BOOK: json.dumps(book).encode()}


def one_run(handed_in: Submission, store: Store, reports: Path) -> Result:
    return graded(one_part("part1", [0], {"dataset": ["penguins"]}), handed_in, store, reports)
