"""A busy machine changes no mark and no bit: what is graded alone, and beside a load, is alike."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.evidence.store import Store
from assay.records import Result
from assay.submission.submission import Submission
from tests.mistakes import part1
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT, graded, one_part
from tests.mistakes.kinds import styles, training
from tests.toys import toy as toys
from tests.toys.toy import ADD, submission

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(shutil.which("stress-ng") is None, reason="needs stress-ng"),
]
STRESS = ("stress-ng", "--quiet", "--cpu", "8", "--vm", "2", "--vm-bytes", "128M")

BURNING = (
    "import time\nstart = time.process_time()\nwhile time.process_time() < start + {seconds}: pass"
)
TRAINING = """
import numpy as np
rng, w = np.random.default_rng(seed), np.zeros(40)
X = rng.normal(size=(3000, 40))
y = X @ rng.normal(size=40)
for step in range(3000):
    w -= 1e-4 * X.T @ (X @ w - y) / 3
def add(x, y): return x + y + 0 * w[:3]
"""
TOYS = {
    "right": [ADD],
    "a slow cell within its limit": [BURNING.format(seconds=2.5), ADD],
    "a slow question within its limit": [
        "def add(x, y):\n    import time\n    start = time.process_time()\n"
        "    while time.process_time() < start + 1.2: pass\n    return x + y"
    ],
    "it trains": [TRAINING],
    "it waits within its limit": ["import time; time.sleep(6)", ADD],
    "it computes in a child": [
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'for i in range(2 * 10**7): pass'], check=True)",
        ADD,
    ],
    "a cell that never ends": ["while True: pass", ADD],
    "a cell that swallows interrupts": [
        "tries = 0\nwhile tries < 2:\n    try:\n        while True: pass\n"
        "    except KeyboardInterrupt: tries += 1",
        ADD,
    ],
    "a cell that waits for ever": ["import threading; threading.Event().wait()", ADD],
    "a question that never ends": ["def add(x, y):\n    while True: pass"],
    "it subtracts": [toys.SUBTRACT],
}


@contextmanager
def load() -> Iterator[None]:
    """Ten processes beside us that do nothing but compute and touch memory."""
    busy = subprocess.Popen(STRESS, start_new_session=True)
    try:
        yield
    finally:
        busy.terminate()
        busy.wait()


def told(result: Result) -> dict[str, object]:
    """All of a result that anybody is marked by, and the bits of every run."""
    marks = {f"{c.part}/{c.name}": (c.earned, c.judged, c.verdict) for c in result.criteria}
    runs = {r.run.id: (r.outcome, r.reason, r.fingerprint) for r in result.runs}
    return marks | runs


def compare(course: Assignment, handed_in: Submission, tmp_path: Path) -> None:
    quiet = graded(course, handed_in, Store(tmp_path / "quiet"), tmp_path / "one")
    with load():
        busy = graded(course, handed_in, Store(tmp_path / "busy"), tmp_path / "two")
    for name, result in (("as it is", quiet), ("under load", busy)):
        for run in result.runs:
            print(
                f"{handed_in.name} {run.run.id}, {name}: {result.earned:g} points, {run.outcome}, "
                f"{run.seconds:.1f} s, {run.cpu_seconds:.1f} s of a processor, "
                f"pressure {run.pressure:.0%}, {run.fingerprint[:12]}"
            )

    assert told(quiet) == told(busy)


@pytest.mark.parametrize("name", TOYS)
def test_a_toy_has_the_same_mark_and_the_same_bits(name: str, tmp_path: Path):
    """Whether it is within its limits or beyond them."""
    text = toys.toml(seeds=[0], cell=4, run=30)
    text = text.replace("run_seconds", "question_seconds = 2\nrun_seconds")
    with toys.course(tmp_path / "course", text=text) as course:
        compare(course, submission(*TOYS[name], name=name), tmp_path)


def changed(part: str, name: str) -> dict[str, bytes]:
    """The short answer to this part with one mistake, or one right change, in it."""
    return CHANGES[name].apply(short_submission(ROOT, part))


def notebook_of(part: str) -> dict[str, bytes]:
    """A hand-in that forgot every module: its first import fails."""
    files = short_submission(ROOT, part)
    return {name: content for name, content in files.items() if name.endswith(".ipynb")}


def decoder() -> dict[str, bytes]:
    """One causal model, all of it in one notebook."""
    found = Path(__file__).parent / "short" / "decoder_only" / "part2_transformer.ipynb"
    return {"notebooks/part2_transformer.ipynb": found.read_bytes()}


CHANGES = {case.name: case for case in [*part1.CASES, *training.CASES]}
ANSWERS = {
    "part 1": ("part1", lambda: short_submission(ROOT, "part1")),
    "part 1, in mini-batches": ("part1", lambda: changed("part1", "mini-batches")),
    "part 1, wrong gradients": ("part1", lambda: changed("part1", "transposes swapped")),
    "part 1, nothing but the notebook": ("part1", lambda: notebook_of("part1")),
    "part 2": ("part2", lambda: short_submission(ROOT, "part2")),
    "part 2, one layer trained": (
        "part2",
        lambda: changed("part2", "only the last layer is trained"),
    ),
    "part 2, another style": ("part2", lambda: styles.RIGHT[0].apply(styles.bare())),
    "part 2, a decoder by itself": ("part2", decoder),
    "part 2, nothing but the notebook": ("part2", lambda: notebook_of("part2")),
}
MATRIX = {"part1": {"dataset": ["penguins"]}, "part2": {"task": ["reverse-5"]}}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_to_the_assignment_has_the_same_mark_and_the_same_bits(name: str, tmp_path: Path):
    """Its trainings, and the secret task, take as long as they take."""
    part, files = ANSWERS[name]
    compare(one_part(part, [0], MATRIX[part]), Submission(name, files()), tmp_path)
