"""Two runs are equal where every bit of every array is; where not, the first cell is named."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from assay.evidence.answers import Array, arrays_of
from assay.evidence.store import RECORD, Store
from assay.grading import audit as audits
from assay.grading.audit import Step, differences, first_cell
from assay.records import Audit, Difference
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.shared import MACHINE
from tests.toys.toy import npz

X = np.array([1.0, -0.0, np.nan, 4.0])


def arrays(**values: object) -> dict[str, Array]:
    return arrays_of({"evidence/add/plain.npz": npz(**values), "evidence/add/plain.json": b"{}"})


def test_equal_bits_are_equal():
    """NaN is the same NaN; how the archive was packed does not count."""
    assert differences(arrays(x=X, y=1), arrays(y=1, x=X)) == []


@pytest.mark.parametrize(
    "other",
    [
        np.array([np.nextafter(1, 2), -0.0, np.nan, 4.0]),
        -X,
        X.astype(np.float32),
        X.reshape(2, 2),
        X[:3],
    ],
    ids=["last bit", "sign of zero", "dtype", "shape", "length"],
)
def test_one_changed_bit_is_found(other: np.ndarray):
    """And named: question and array."""
    assert differences(arrays(x=X, y=1), arrays(x=other, y=1)) == ["add/plain/x"]


def test_an_array_that_only_one_run_has_differs():
    """Silence is not equality."""
    assert differences(arrays(x=X, y=1), arrays(x=X)) == ["add/plain/y"]


def test_an_archive_that_is_refused_is_compared_by_its_bytes():
    """Two equal bombs are equal, and neither is opened."""
    one, other = ({"evidence/add/plain.npz": content} for content in (b"no zip", b"nor this"))

    assert differences(arrays_of(one), arrays_of(one)) == []
    assert differences(arrays_of(one), arrays_of(other)) == ["evidence/add/plain.npz"]


def test_the_first_cell_is_counted_as_the_student_does():
    """What papermill puts in is no cell of theirs."""
    same = Step(source="x = 1", names={"x": "a"})
    injected = Step(source="# Parameters\nseed = 1", names={"x": "a"})
    one, other = (Step(source="y = f()", names={"x": "a", "y": y}) for y in "bc")

    assert first_cell([same, injected, one], [same, injected, other]) == (2, one, ["y"])


# --- twelve sources, each run for real --------------------------------------------------------

TORCH = "import torch\n"
SOURCES = {
    "unseeded generator": (
        "import numpy as np\ny = np.random.default_rng().random()", "generator without a seed"
    ),
    "legacy numpy": ("import numpy as np\ny = np.random.rand()", "NumPy's global generator"),
    "random": ("import random\ny = random.random()", "Python's `random`"),
    "torch": (TORCH + "torch.seed()\ny = torch.rand(2)", "torch's generator"),
    "time": ("import time\ny = time.time()", "the time is read"),
    "uuid": ("import uuid\ny = str(uuid.uuid4())", "UUID"),
    "set order": ("y = list({chr(97 + i) * 9 for i in range(20)})", "order of a set"),
    "id": ("y = id(object())", "address of an object"),
    "threads": (
        "import threading, time, os\ny = []\n"
        "def work(k):\n    time.sleep(int.from_bytes(os.urandom(2)) / 4e5)\n    y.append(k)\n"
        "workers = [threading.Thread(target=work, args=(k,)) for k in range(9)]\n"
        "for w in workers: w.start()\nfor w in workers: w.join()\ndel workers, w",
        "threads end in no certain order",
    ),
    "file order": (
        "import os\ny = [n for n in os.listdir('.') if n.startswith('part-')]", "files come in no"
    ),
    "counter kept across runs": (
        "from pathlib import Path\ncount = Path('count.txt')\n"
        "y = int(count.read_text()) if count.exists() else 0\ncount.write_text(str(y + 1))",
        "earlier run left",
    ),
}  # fmt: skip


def audited(tmp_path: Path, handed_in: Submission) -> Audit:
    with toys.course(tmp_path / "course") as course:
        return audits.audit(toys.jobs(course, handed_in), {}, partial(audits.cold, machine=MACHINE))


def parameters() -> list[object]:
    """Two are tested always, the others by `nox -s thorough`."""
    always = ("unseeded generator", "set order")
    marks = {name: [] if name in always else [pytest.mark.thorough] for name in SOURCES}
    return [pytest.param(*SOURCES[name], id=name, marks=marks[name]) for name in SOURCES]


@pytest.mark.parametrize(("cell", "cause"), parameters())
def test_a_source_of_irreproducibility_is_named_with_its_cell(
    cell: str, cause: str, tmp_path: Path
):
    """The third cell is the first after which a name holds other data."""
    files = {f"part-{k}.csv": b"1" for k in range(6)}
    found = audited(tmp_path, toys.submission("x = 1", cell, toys.ADD, **files))

    (difference,) = found.differing
    assert (difference.cell, "y" in difference.names) == (3, True), difference
    assert cause in difference.cause


def test_the_runs_that_were_marked_are_compared(tmp_path: Path):
    """They are those that the result names: not what the plan would name now."""
    handed_in = toys.submission(toys.ADD)
    store = Store(tmp_path / "store")
    with (
        toys.course(tmp_path / "course") as course,
        toys.session(course, store, tmp_path / "reports") as session,
    ):
        result = session.grade(handed_in)
        [record] = result.runs
        files = store.files(record.key) | {"evidence/add/plain.npz": npz(out=X)}
        marked = record.model_copy(update={"key": "ab" * 32})
        store.put(marked, {name: held for name, held in files.items() if name != RECORD})
        audit = session.audit(handed_in, result.model_copy(update={"runs": [marked]}), 1).audit

    assert audit
    [difference] = audit.differing
    assert (difference.cell, difference.arrays) == (None, ["add/plain/out"])


@pytest.mark.thorough
def test_dropout_left_on_is_named_though_no_cell_differs(tmp_path: Path):
    """The notebook is seeded and the same twice; the answers hang on the global generator."""
    model = (
        "import torch\ntorch.manual_seed(seed)\nmodel = torch.nn.Dropout(0.5)\n"
        "def add(x, y):\n    return model(torch.tensor(x + y)).numpy()"
    )
    found = audited(tmp_path, toys.submission(model))

    (difference,) = found.differing
    assert (difference.cell, difference.arrays) == (None, ["add/plain/out"])
    assert "is dropout left on" in difference.cause


def test_what_is_the_same_twice_is_said_to_be(tmp_path: Path):
    """Seeded draws, sorted sets and files: every bit the same, and nothing is named."""
    cell = (
        "import numpy as np, os\nrng = np.random.default_rng(seed)\n"
        "x, names = rng.random(9), sorted(os.listdir('.')) + sorted({'a', 'b'})"
    )
    found = audited(tmp_path, toys.submission(cell, toys.ADD))

    assert found == Audit(runs=1, arrays=1, differing=[])


def test_a_difference_is_a_sentence():
    """It says where it begins and what it may come from."""
    found = Difference(run="sums/a/seed-0", cell=3, names=["y"], arrays=["add/out"], cause="time")

    assert str(found) == (
        "sums/a/seed-0: first in code cell 3, in `y`; the first recorded array is add/out. "
        "Likely cause: time"
    )
