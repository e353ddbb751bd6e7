"""A whole assignment in a few lines: a notebook that adds two arrays, its rubric, submissions."""

import io
import json
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np

from assay.course import assignment
from assay.course.assignment import Assignment
from assay.course.secret import PUBLIC, Secret
from assay.evidence.store import Store
from assay.execution.execute import Ended
from assay.execution.job import Job, assemble_all
from assay.grading.session import Session
from assay.records import Outcome, RunRecord
from assay.submission import plan
from assay.submission.submission import Submission
from tests.toys.shared import MACHINE, execute

PARAMETERS = 'seed = 0\ndataset = "a"'
ADD = "def add(x, y):\n    return x + y"
SUBTRACT = "def add(x, y):\n    return x - y"

GIVEN = """
from types import SimpleNamespace
def draw(rng, parameters):
    x, y = rng.normal(size=(2, 3))
    return {
        "add/plain": SimpleNamespace(
            shown={"x": x, "y": y}, kept={"sum": x + y}, answers={"out": (3,)}
        )
    }
"""
EXAM = """
from ask import ask, student
with ask("add/plain") as (given, answer):
    answer.out = student.add(given.x, given.y)
"""
TEST = '''
import numpy as np, pytest
pytestmark = pytest.mark.criterion("add")
@pytest.mark.hint("look at the sign")
def test_adds(evidence, kept, measure):
    """The sum is the sum."""
    out = evidence["add/plain"].out
    measure("largest", out.max())
    assert np.allclose(out, kept["add/plain"].sum), "off by a lot"
'''
TOML = """\
title = "Toy"
[limits]
cell_seconds = CELL
run_seconds = RUN
[[part]]
name = "sums"
title = "Sums"
notebook = "notebooks/sums.ipynb"
rubric = "RUBRIC"
seeds = SEEDS
matrix = { dataset = DATASETS }
[[part.criterion]]
name = "add"
title = "Adding"
points = 2
"""


def toml(
    *,
    seeds: Sequence[int] = (0,),
    datasets: Sequence[str] = ("a",),
    cell: float = 20,
    run: float = 60,
) -> str:
    """assignment.toml of the toy; RUBRIC is filled in when it is written."""
    words = {"CELL": cell, "RUN": run, "SEEDS": list(seeds), "DATASETS": list(datasets)}
    text = TOML
    for word, value in words.items():
        text = text.replace(word, json.dumps(value))
    return text


@contextmanager
def course(
    root: Path,
    *,
    text: str | None = None,
    given: str = GIVEN,
    exam: str = EXAM,
    tests: Mapping[str, str] | None = None,
) -> Iterator[Assignment]:
    """The toy written below `root`, its rubric under a name that no other toy has."""
    rubric = f"rubric_{uuid.uuid4().hex[:8]}"
    files = {
        "assignment.toml": (text or toml()).replace("RUBRIC", rubric),
        f"{rubric}/given.py": given,
        f"{rubric}/exam.py": exam,
        **{f"{rubric}/{name}": test for name, test in (tests or {"test_add.py": TEST}).items()},
    }
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (root / "notebooks").mkdir()
    (root / "notebooks" / "sums.ipynb").write_bytes(notebook(PARAMETERS, ADD))
    path_before = list(sys.path)
    try:
        yield assignment.read(root / "assignment.toml")
    finally:
        sys.path[:] = path_before
        for name in [name for name in list(sys.modules) if name.split(".")[0] == rubric]:
            del sys.modules[name]


def notebook(
    *cells: str, tags: Mapping[int, str] | None = None, markdown: int | None = None
) -> bytes:
    """A notebook of these code cells; `tags` by index, the first one `parameters` by default."""
    made = nbformat.v4.new_notebook()
    for index, source in enumerate(cells):
        new = nbformat.v4.new_markdown_cell if index == markdown else nbformat.v4.new_code_cell
        cell = new(source, id=f"cell-{index}")
        tag = ({0: "parameters"} if tags is None else tags).get(index)
        if tag:
            cell.metadata["tags"] = [tag]
        made.cells.append(cell)
    return nbformat.writes(made).encode()


def submission(*cells: str, name: str = "ada", **files: bytes) -> Submission:
    """A submission of one bare notebook: the toy's parameters, then these cells."""
    return Submission(name, {"sums.ipynb": notebook(PARAMETERS, *cells), **files})


def session(
    course: Assignment, store: Store, reports: Path, *, jobs: int = 1, secret: Secret = PUBLIC
) -> Session:
    """Take the course as it is and any isolation, and draw questions that all may know."""
    return Session(
        course,
        store,
        reports,
        jobs=jobs,
        require_isolation=0,
        check_course=False,
        secret=secret,
        machine=MACHINE,
    )


@dataclass
class Runs:
    """An executor whose records are made up."""

    make: Callable[[list[Job]], list[RunRecord]]

    def execute(self, name: str, jobs: Sequence[Job]) -> list[RunRecord]:
        return self.make(list(jobs))


def jobs(course: Assignment, handed_in: Submission) -> list[Job]:
    planned = plan.make(course, handed_in)
    return assemble_all(planned.sections, planned.pending, PUBLIC)


def run(course: Assignment, handed_in: Submission) -> Ended:
    """Execute the first run of the plan, in a real kernel."""
    return execute(jobs(course, handed_in)[0].packed)


def arrays(content: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return dict(found)


def npz(**values: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **values)
    return buffer.getvalue()


def answered(**values: object) -> dict[str, bytes]:
    """The evidence of a run that answered `add/plain` so."""
    note = {"status": "answered", "text": {}}
    return {
        "evidence/add/plain.npz": npz(**values),
        "evidence/add/plain.json": json.dumps(note).encode(),
        "evidence/finished.json": b"{}",
    }


def keep(
    store: Store, job: Job, files: Mapping[str, bytes], outcome: Outcome = Outcome.COMPLETED
) -> RunRecord:
    """Put a run into the store as if it had been executed."""
    record = RunRecord(
        run=job.run,
        key=job.key,
        outcome=outcome,
        reason="made up",
        seconds=1.0,
        cells=[],
        numerics={},
    )
    store.put(record, {**files, **job.workdir})
    return record
