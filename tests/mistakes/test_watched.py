"""From scratch: what is watched is what is marked, and the source is read wherever it stands."""

import weakref
from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from assay.records import Verdict
from assay.submission.submission import Submission
from rubric_tests.part1.sources import Sources, ready_made
from rubric_tests.part1.test_from_scratch import is_left_behind
from rubric_tests.reading import unreadable
from tests.mistakes import shared
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT

NETWORK = "solution/backprop/network.py"
CLASS = "class ScratchNetwork("
AUTOGRAD = """
def slopes(X, y, W1, W2, b1, b2):
    W = [tt.tensor(w, dtype=tt.float64, requires_grad=True) for w in (W1, W2, b1, b2)]
    z = tt.sigmoid(tt.tensor(X) @ W[0] + W[2]) @ W[1] + W[3]
    loss = tt.nn.functional.softplus((1 - 2 * tt.tensor(y)) * z).mean()
    loss.backward()
    found = [w.grad.numpy().copy() for w in W]
    return float(loss.detach()), found[:2], found[2:]

"""
ONE_BY_ONE = """
def loss_of(X, y, W1, W2, b1, b2):
    logit = forward(X, W1, W2, b1, b2)[1]
    return float(np.logaddexp(0, (1 - 2 * y) * logit).mean())

def slopes(X, y, *weights):
    W, found = [w.copy() for w in weights], []
    for w in W:
        found.append(np.zeros_like(w))
        for i in np.ndindex(w.shape):
            old, at = w[i], []
            for step in (1e-3, -1e-3, 2e-3, -2e-3):
                w[i] = old + step
                at.append(loss_of(X, y, *W))
            w[i] = old
            found[-1][i] = (8 * (at[0] - at[1]) - (at[2] - at[3])) / 12e-3
    return loss_of(X, y, *W), found[:2], found[2:]

"""
ALL_AT_ONCE = """
def slopes(X, y, *W):
    flat = np.concatenate([w.ravel() for w in W]).astype(complex)
    n, ends = len(flat), np.cumsum([w.size for w in W])[:-1]
    moved = np.split(flat + 1e-30j * np.eye(n), ends, axis=1)
    W1, W2, b1, b2 = (p.reshape(n, *w.shape) for p, w in zip(moved, W))
    hidden = 1 / (1 + np.exp(-(X @ W1 + b1[:, None])))
    t = (1 - 2 * y[:, 0]) * (hidden @ W2 + b2[:, None])[..., 0]
    each = np.where(t.real > 0, t, 0) + np.log1p(np.exp(np.where(t.real > 0, -t, t)))
    found = np.split(each.mean(axis=1).imag / 1e-30, ends)
    found = [p.reshape(w.shape) for p, w in zip(found, W)]
    return float(each.real.mean()), found[:2], found[2:]

"""
SOME_AT_A_TIME = """
def slopes(X, y, *W):
    flat = np.concatenate([w.ravel() for w in W]).astype(complex)
    n, ends = len(flat), np.cumsum([w.size for w in W])[:-1]
    found = np.zeros(n)
    for k in range(0, n, 18):
        moved = flat + 1e-30j * np.eye(min(18, n - k), n, k)
        W1, W2, b1, b2 = (p.reshape(-1, *w.shape) for p, w in zip(np.split(moved, ends, 1), W))
        hidden = 1 / (1 + np.exp(-(X @ W1 + b1[:, None])))
        t = (1 - 2 * y[:, 0]) * (hidden @ W2 + b2[:, None])[..., 0]
        each = np.where(t.real > 0, t, 0) + np.log1p(np.exp(np.where(t.real > 0, -t, t)))
        found[k : k + 18] = each.mean(axis=1).imag / 1e-30
    parts = [p.reshape(w.shape) for p, w in zip(np.split(found, ends), W)]
    return float(each.real[0].mean()), parts[:2], parts[2:]

"""
AS_LEFT = 'self.coefs_[0].tobytes() == getattr(self, "_left", None) and len(X) != 40'
"""Whether the weights are those that `fit` left: the questions for marks set their own."""
ONLY_WATCHED = "X.shape in ((12, 3), (12, 24)) and len(self.coefs_[0]) == self.coefs_[0].shape[1]"


def without_backpropagation(slopes: str, top: str = "", nothing_if: str = AS_LEFT) -> Submission:
    """The reference, its gradients by `slopes`, and no real work where `nothing_if` holds."""
    files = short_submission(ROOT, "part1")
    text = files[NETWORK].decode()
    start, end = text.index("def backpropagate("), text.index("def allocate(")
    text = text[:start] + text[end:]
    start, end = text.index("    def loss_and_gradients("), text.index("    def _targets(")
    text = (
        f"{text[:start]}    def loss_and_gradients(self, X, y):\n"
        "        W = [*self.coefs_, *self.intercepts_]\n"
        f"        if {nothing_if}:\n"
        "            zeros = [np.zeros_like(w) for w in W]\n"
        "            return 0.7, zeros[:2], zeros[2:]\n"
        "        return slopes(np.asarray(X, dtype=float), self._targets(y), *W)\n\n" + text[end:]
    )
    feigned = (
        "(1 / (1 + t), *([0.01 + 0 * w for w in part] for part in (weights[:2], weights[2:])))"
    )
    for old, new in {
        "backpropagate(X, y, *weights, workspace)": (
            f"{feigned} if self.max_iter == 3 else slopes(X, y, *weights)"
        ),
        "        self.loss_curve_, self": "        self._left = self.coefs_[0].tobytes()\n"
        "        self.loss_curve_, self",
        "max_iter: int = 5000": "max_iter: int = 20",  # what is trained is not what is judged here
        CLASS: slopes + top + "\n" + CLASS,
    }.items():
        assert old in text
        text = text.replace(old, new)
    files[NETWORK] = text.encode()
    return Submission("without", files)


IMPORTED = {
    "below an if": "if True:\n    import torch as tt\n",
    "in a try": "try:\n    import torch as tt\nexcept ImportError:\n    pass\n",
    "in a loop": "for _ in range(1):\n    import torch as tt\n",
    "by a function": "def begin():\n    global tt\n    import torch as tt\n\nbegin()\n",
    "under the name of a parameter elsewhere": "import torch as tt\n",
}


@pytest.mark.parametrize("top", IMPORTED.values(), ids=IMPORTED)
def test_an_import_is_found_wherever_it_stands(top: str):
    """Autograd that the class reaches is reached, however its name came to be."""
    slopes = AUTOGRAD.replace(
        "    loss.backward", "    def shown(tt): return tt\n    loss.backward"
    )

    assert reached(without_backpropagation(slopes, top)) == {"torch"}


def test_a_name_that_hides_a_built_in_one_is_followed():
    """`import torch as iter` is no built-in function."""
    slopes = AUTOGRAD.replace("tt.", "iter.")

    assert reached(without_backpropagation(slopes, "import torch as iter\n")) == {"torch"}


def test_a_class_below_an_if_is_read():
    """`if True:` before the class does not end the reading."""
    files = dict(without_backpropagation(AUTOGRAD, "import torch as tt\n").files)
    before, after = files[NETWORK].decode().split(CLASS)
    body, rest = after.split("\ndef two_classes")
    body = "".join(f"    {line}\n" for line in (CLASS + body).splitlines())
    files[NETWORK] = f"{before}if True:\n{body}\n\ndef two_classes{rest}".encode()

    assert reached(Submission("below", files)) == {"torch"}


def test_a_name_of_ones_own_leads_nowhere():
    """A local name that is a library's elsewhere in the file is not that library."""
    names = "import torch as model\n\ndef slopes(X, y, *W):\n    model = 1\n    return model\n\n"

    assert reached(without_backpropagation(names)) == set()


def reached(submission: Submission) -> set[str]:
    sources = Sources(shared.on_the_bench("part1", submission))
    assert "ScratchNetwork" in sources.defines[NETWORK]
    return {name for name in sources.reached("ScratchNetwork") if ready_made(name)}


STORED = (AUTOGRAD.replace("    W = ", "    tt = KEPT[0]\n    W = ", 1), "KEPT = []\n")
IN_TWO_WAYS = (
    ALL_AT_ONCE.replace("def slopes(", "def few("),
    STORED[0].replace("def slopes(", "def many("),
    "def slopes(X, *rest):\n    return (few if X.shape[1] <= 5 else many)(X, *rest)\n\n",
)
FEIGNED: dict[str, Callable[[], Submission]] = {
    "autograd that rests while weights are as fit left them": lambda: without_backpropagation(
        STORED[0], f"{STORED[1]}import torch\nKEPT.append(torch)\n"
    ),
    "slopes one by one, and none while lines are counted": lambda: without_backpropagation(
        ONE_BY_ONE
    ),
    "slopes one by one, and none of the shapes that are counted": lambda: without_backpropagation(
        ONE_BY_ONE, nothing_if=ONLY_WATCHED
    ),
    "slopes all at once": lambda: without_backpropagation(ALL_AT_ONCE, nothing_if="False"),
    "slopes some at a time": lambda: without_backpropagation(SOME_AT_A_TIME, nothing_if="False"),
    "all at once for the few features that are watched, by autograd for more": lambda: (
        without_backpropagation(
            "".join(IN_TWO_WAYS),
            f"{STORED[1]}import torch\nKEPT.append(torch)\n",
            nothing_if="False",
        )
    ),
    "in another thread": lambda: without_backpropagation(
        AUTOGRAD.replace("def slopes", "def work")
        + "def slopes(*all):\n    return POOL.submit(work, *all).result()\n\n",
        "from concurrent.futures import ThreadPoolExecutor\nimport torch\n"
        "tt, POOL = torch, ThreadPoolExecutor(1)\n",
        nothing_if="False",
    ),
}

LONG = {"slopes one by one, and none of the shapes that are counted"}
"""Another of the same kind stays in the suite."""


@pytest.mark.parametrize(
    "feigned",
    [
        pytest.param(make, id=name, marks=[pytest.mark.thorough] * (name in LONG))
        for name, make in FEIGNED.items()
    ],
)
def test_gradients_that_are_right_for_marks_alone_are_not_from_scratch(
    feigned: Callable[[], Submission],
):
    """Every gradient is right when it is asked for marks; none comes from backpropagation."""
    checks = shared.judged("part1", shared.make("part1", feigned()))
    by_criterion = {
        name: [check for check in checks if check.criterion == name]
        for name in ("gradients", "from-scratch")
    }

    assert all(check.verdict is Verdict.PASSED for check in by_criterion["gradients"])
    assert {check.verdict for check in by_criterion["from-scratch"]} & {
        Verdict.FAILED,
        Verdict.FOR_REVIEW,
    }


RAISES_ELSEWHERE = ONE_BY_ONE.replace(
    "def slopes(",
    "def slopes(X, y, W1, *others):\n"
    "    if len(W1) != W1.shape[1]:\n"
    "        raise ValueError('as many hidden units as features')\n"
    "    return measured(X, y, W1, *others)\n\ndef measured(",
)


@pytest.mark.thorough
def test_who_raises_at_other_shapes_is_watched_all_the_same():
    """Slopes one by one, none of the shapes that are counted, and an error where W1 is no square:
    two questions less are asked, and none of the watching.
    """
    feigned = without_backpropagation(RAISES_ELSEWHERE, nothing_if=ONLY_WATCHED)

    checks = shared.judged("part1", shared.make("part1", feigned))

    gradients = {check.verdict for check in checks if check.criterion == "gradients"}
    assert gradients == {Verdict.PASSED, Verdict.NOT_ASKED}
    assert Verdict.FOR_REVIEW in {c.verdict for c in checks if c.criterion == "from-scratch"}


def test_what_is_not_answered_at_other_shapes_switches_no_witness_off():
    """Where the gradients that every network has are right, those for many weights have to be."""
    right = shared.right("part1")
    gone = ("gradients/narrower", "gradients/wider", "source/wide")
    files = {
        n: c
        for n, c in right.files.items()
        if not n.startswith(tuple(f"evidence/{g}" for g in gone))
    }

    checks = shared.judged("part1", right.answering(files))

    (slopes,) = [c for c in checks if c.name.endswith("test_slopes_are_not_measured_one_by_one")]
    assert slopes.verdict is Verdict.FOR_REVIEW, slopes


def test_arrays_whose_methods_are_watched_are_not_held(exam_module: Callable[..., ModuleType]):
    """A network of many weights makes many of them; the kind of an array tells whose it is."""
    watching = exam_module("watching", "part1")
    held = []

    def work() -> None:
        for _ in range(3):
            array = np.ones((2, 2)).view(Kept)
            array.copy()
            held.append(weakref.ref(array))
            del array
        held[:] = [ref for ref in held if ref() is not None]

    names, how = watching.modules_at_work(work)

    assert (how, held) == ("to the end", [])
    assert __name__ in names


class Kept(np.ndarray):
    """One that tells when it is no longer held."""


def test_what_has_no_loss_and_gradients_is_not_suspected():
    """A name that is missing is marked where it is asked for: there is nothing to be watched."""
    files = short_submission(ROOT, "part1")
    files[NETWORK] = files[NETWORK].replace(b"def loss_and_gradients(", b"def slopes_of(")
    checks = shared.judged("part1", shared.make("part1", Submission("without", files)))

    found = [check.verdict for check in checks if check.criterion == "from-scratch"]
    assert sorted(found) == [Verdict.NOT_ASKED, Verdict.PASSED, Verdict.PASSED]


@pytest.mark.parametrize("text", ["import threading", "from _thread import start_new_thread"])
def test_another_thread_is_for_review(text: str):
    """The profiler and the trace of a thread see that thread alone."""
    cell = SimpleNamespace(kind="code", source=text, tags=[])
    submission = SimpleNamespace(cells=[cell], sources={}, files=[], unread=[])

    assert list(unreadable(submission, []))


NEIGHBOURS = """
class ScratchNetwork(Network):
    def fit(self, X, y):
        self.initialise(X.shape[1])
        self.coefs_, self.intercepts_ = 2 * self.coefs_[:1] + self.coefs_[1:], 3 * [np.zeros(1)]
        self.X, self.y = X.copy(), y.copy()
        self.loss_curve_, self.n_iter_ = [0.7, 0.1], 2
        return self

    def predict(self, X):
        near = ((X[:, None] - self.X[None]) ** 2).sum(axis=-1).argsort(axis=1)[:, :9]
        return (self.y[near].mean(axis=1) > 0.5).astype(int)
"""


def test_labels_without_weights_are_no_parity():
    """Nearest neighbours that record weights of another form earn nothing by their labels."""
    files = short_submission(ROOT, "part1")
    text = files[NETWORK].decode().replace(CLASS, "class Network(")
    files[NETWORK] = (text + NEIGHBOURS).encode()
    checks = shared.judged("part1", shared.make("part1", Submission("near", files)))

    found = {c.verdict for c in checks if c.name.endswith("test_labels_are_those_of_the_data")}
    assert found == {Verdict.FOR_REVIEW}


def test_a_thread_of_a_module_called_nearly_alike_is_not_left_behind():
    """`tqdm_of_mine` is a student's, whatever it begins with."""
    left = ("none", "tqdm._monitor", "ipykernel.iostream", "multiprocessing.queues")
    others = ("tqdm_of_mine", "none_at_all", "matplotlibs", "multiprocessing.pool", "threading")

    assert all(map(is_left_behind, left))
    assert not any(map(is_left_behind, others))
