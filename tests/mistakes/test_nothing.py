"""No work, no points: of no criterion, whatever the notebook says or the answers hold."""

from collections.abc import Callable

import numpy as np
import pytest

from assay.judge.score import score
from assay.records import Criterion
from assay.submission.submission import Submission
from rubric_tests.part1.pieces import by_skill, told_share
from tests.mistakes import shared
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT
from tests.mistakes.shared import MATRIX, Made
from tests.toys.toy import arrays, npz

Array = np.ndarray
Fill = Callable[[Array, np.random.Generator], Array]
BOOKS = {"part1": "part1_backprop.ipynb", "part2": "part2_transformer.ipynb"}
FRESH = np.random.SeedSequence().entropy
"""New each time: what earns nothing earns nothing by luck either."""


def everywhere(value: float) -> Fill:
    return lambda array, rng: np.full(array.shape, value)


FILLS: dict[str, Fill] = {
    "zeros": everywhere(0.0),
    "ones": everywhere(1.0),
    "minus one": everywhere(-1.0),
    "a half": everywhere(0.5),
    "the largest float": everywhere(1.7976931348623157e308),
    "the lowest float": everywhere(-1.7976931348623157e308),
    "infinity": everywhere(np.inf),
    "NaN": everywhere(np.nan),
    "the smallest float": everywhere(5e-324),
    "large, and not too large": everywhere(1e11),
    "low, and not too low": everywhere(-1e11),
    "normal noise": lambda array, rng: rng.normal(size=array.shape),
    "shares": lambda array, rng: rng.uniform(size=array.shape),
    "bits": lambda array, rng: rng.integers(0, 2, size=array.shape),
    "digits": lambda array, rng: rng.integers(1, 10, size=array.shape),
    "noise of the right size": lambda array, rng: (
        rng.normal(size=array.shape) * (1 + np.abs(array).max(initial=0))
    ),
}
NOTHING: dict[str, list[str]] = {
    "an empty cell": [""],
    "x = 1": ["x = 1"],
    "numbers": ["logistic_accuracy = 0.9\nnetwork_accuracy = reversal_accuracy = 0.95"],
    "imports": ["import numpy as np\nimport math"],
    "pass": [
        "def attention(*a, **k): pass\ndef train(*a, **k): pass\ndef generate(*a, **k): pass\n"
        "class ScratchNetwork:\n    def __init__(self, **k): pass\n"
        "    def fit(self, X, y): return self\n    def predict(self, X): pass\n"
        "    def predict_proba(self, X): pass\n    def initialise(self, n): pass\n"
        "    def loss_and_gradients(self, X, y): pass"
    ],
    "not implemented": [
        "def attention(*a, **k): raise NotImplementedError\n"
        "def generate(*a, **k): raise NotImplementedError\n"
        "class ScratchNetwork:\n    def __init__(self, **k): raise NotImplementedError"
    ],
    "zeros of the right shape": [
        "import numpy as np\nclass ScratchNetwork:\n    def __init__(self, **k): pass\n"
        "    def initialise(self, n):\n"
        "        self.coefs_ = [np.zeros((n, n)), np.zeros((n, 1))]\n"
        "        self.intercepts_ = [np.zeros(n), np.zeros(1)]\n"
        "    def fit(self, X, y):\n        self.initialise(X.shape[1])\n"
        "        self.loss_curve_, self.n_iter_ = [1.0, 0.5, 0.1], 3\n        return self\n"
        "    def predict(self, X): return np.zeros(len(X))\n"
        "    def predict_proba(self, X): return np.full((len(X), 2), 0.5)\n"
        "    def loss_and_gradients(self, X, y):\n"
        "        return 0.5, [0 * c for c in self.coefs_], [0 * b for b in self.intercepts_]"
    ],
}


def earned(criteria: list[Criterion]) -> dict[str, float]:
    return {c.name: c.earned for c in criteria if c.earned}


def marked(part: str, made: Made) -> dict[str, float]:
    """The criteria that earn anything."""
    return earned(score(shared.part_of(part), shared.judged(part, made)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("part", MATRIX)
def test_numbers_without_work_earn_nothing(part: str):
    """Every answer of the right shape, in the reference's own notebook, and no number right."""
    found = {}
    for name, fill in FILLS.items():
        rng = np.random.default_rng(FRESH)
        files = {
            file: filled(content, fill, rng) if is_answer(file) else content
            for file, content in shared.right(part).files.items()
        }
        found[name] = marked(part, shared.right(part).answering(files))

    assert found == {name: {} for name in FILLS}, f"entropy {FRESH}"


@pytest.mark.parametrize("rows", [60, 276, 2_000])
def test_luck_makes_no_split(rows: int):
    """Features and labels drawn by lot: in no draw of many does one seem to tell of the other."""
    for draw in range(300):
        rng = np.random.default_rng(draw)
        X, y = rng.integers(0, 2, (rows, 4)).astype(float), rng.integers(0, 2, rows).astype(float)
        n = rows * 4 // 5
        half = told_share(X[:n], y[:n], X[n:], y[n:]), told_share(X[n:], y[n:], X[:n], y[:n])

        assert not by_skill(half[0], y[n:]), f"draw {draw}"
        assert not by_skill(half[1], y[:n]), f"draw {draw}"


def test_a_split_in_which_features_tell_of_labels_is_none_of_luck():
    """A standard deviation apart, in as many rows as a data set of the assignment has."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat([0.0, 1.0], 138))
    X = rng.normal(size=(276, 4)) + y[:, None]

    assert by_skill(told_share(X[:220], y[:220], X[220:], y[220:]), y[220:]) or by_skill(
        told_share(X[220:], y[220:], X[:220], y[:220]), y[:220]
    )


def is_answer(file: str) -> bool:
    return file.startswith("evidence/") and file.endswith(".npz")


def filled(content: bytes, fill: Fill, rng: np.random.Generator) -> bytes:
    return npz(**{name: fill(array, rng) for name, array in arrays(content).items()})


@pytest.mark.parametrize("part", MATRIX)
@pytest.mark.parametrize("name", NOTHING)
def test_a_notebook_without_work_earns_nothing(part: str, name: str):
    """A clean run of nothing is none, and nothing bad is found of nothing."""
    made = shared.make(part, without_work(part, NOTHING[name]))

    assert marked(part, made) == {}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("part", MATRIX)
def test_copies_of_what_was_handed_out_earn_nothing(part: str):
    """Every answer is the question's own numbers, cut to the shape that was promised."""
    made = shared.right(part)
    files = {
        file: copied(content, made.workdir.get(file.replace("evidence/", "given/"), b""))
        if is_answer(file)
        else content
        for file, content in made.files.items()
    }

    assert marked(part, made.answering(files)) == {}


def copied(content: bytes, given: bytes) -> bytes:
    sheet = arrays(given).values() if given else ()
    shown = [array.ravel().astype(float) for array in sheet if array.dtype.kind in "fiub"]
    numbers = np.concatenate([*shown, np.zeros(1)])
    cut = {name: np.resize(numbers, a.shape).astype(a.dtype) for name, a in arrays(content).items()}
    return npz(**cut)


@pytest.mark.parametrize("part", MATRIX)
def test_the_assignments_own_notebook_alone_earns_nothing(part: str):
    """Handed in as it was handed out: the modules it imports are not there."""
    content = (ROOT / "notebooks" / BOOKS[part]).read_bytes()
    made = shared.make(part, Submission("unchanged", {f"notebooks/{BOOKS[part]}": content}))

    assert marked(part, made) == {}


@pytest.mark.parametrize("part", MATRIX)
def test_prose_alone_earns_nothing(part: str):
    """Headings and words, no code."""
    made = shared.make(part, without_work(part, []))

    assert marked(part, made) == {}


def without_work(part: str, cells: list[str]) -> Submission:
    """A notebook with the part's parameters, some prose and these cells."""
    import nbformat

    other = "dataset = 'penguins'" if part == "part1" else "task = 'reverse-5'"
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(f"seed = 0\n{other}", id="parameters")]
    book.cells[0].metadata["tags"] = ["parameters"]
    book.cells += [
        nbformat.v4.new_markdown_cell(f"# {title}\n\nIt works well.", id=f"words-{n}")
        for n, title in enumerate(("Evaluation", "The data", "Comparison", "Diagram: model"))
    ]
    book.cells += [nbformat.v4.new_code_cell(c, id=f"cell-{n}") for n, c in enumerate(cells)]
    content = nbformat.writes(book).encode()
    return Submission("nothing", {f"notebooks/{BOOKS[part]}": content})


OF_A_NETWORK = {
    *("hidden-layer", "start", "forward", "gradients", "update", "convergence", "inputs"),
    *("from-scratch", "parity", "claims"),
}
STUB = b"class ScratchNetwork:\n    pass\n"


def test_a_split_earns_nothing_of_the_network():
    """Of a network that is not there nothing ready-made is found, and nothing was chosen for it."""
    files = short_submission(ROOT, "part1") | {"solution/backprop/network.py": STUB}
    book = files["notebooks/part1_backprop.ipynb"].decode()
    fitted = "ScratchNetwork(random_state=seed).fit(X_train, y_train)"
    reported = "network_accuracy = np.mean(network.predict(X_test) == y_test)"
    assert fitted in book
    assert reported in book
    book = book.replace(fitted, "None").replace(reported, "None")
    files["notebooks/part1_backprop.ipynb"] = book.encode()
    made = shared.make("part1", Submission("split", files))

    found = marked("part1", made)

    assert found["preparation"] == 2
    assert OF_A_NETWORK.isdisjoint(found.keys() - {"claims"}), found
    assert found["claims"] == 0.4  # the accuracy of its logistic regression is measured
