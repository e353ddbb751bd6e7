"""Put together all that one run needs, as bytes: what can change the evidence is in them."""

import hashlib
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import nbformat
import numpy as np

from assay.assignment import Assignment, Part
from assay.records import Run
from assay.run import archive, numerics
from assay.submission import Submission

EXAM_TAG = "assay-exam"
EXAM_CELL = """\
import os, sys
sys.path.insert(0, os.environ["ASSAY_KIT"])
sys.modules.pop("ask", None)
import ask
ask.sit(globals())
"""


class Question(Protocol):
    """What a rubric's `given.draw` returns for each question."""

    @property
    def shown(self) -> Mapping[str, Any]: ...
    @property
    def kept(self) -> Mapping[str, Any]: ...
    @property
    def answers(self) -> Mapping[str, tuple[int | None, ...]]: ...


@dataclass(frozen=True)
class Job:
    """One run, ready to be executed anywhere: `archive` goes there, `desk` waits for the judge."""

    run: Run
    archive: bytes
    desk: dict[str, bytes]

    @property
    def key(self) -> str:
        """Names everything that can change the evidence, the machine's numerics included."""
        profile = json.dumps(numerics.profile(), sort_keys=True).encode()
        return hashlib.sha256(self.archive + profile).hexdigest()


def assemble(assignment: Assignment, submission: Submission, run: Run) -> Job:
    """The job of one run, with inputs drawn afresh for this submission and this run."""
    part = next(part for part in assignment.part if part.name == run.part)
    notebook = submission.notebook_for(part)
    assert notebook is not None, "the plan has a run only where there is a notebook"
    questions = _draw(assignment, part, submission, run)
    job = {
        "run": run.model_dump(),
        "notebook": notebook,
        "limits": assignment.limits.model_dump(),
    }
    files = {f"submission/{name}": content for name, content in submission.files.items()}
    files |= {
        "job.json": json.dumps(job, sort_keys=True).encode(),
        "notebook.ipynb": _with_exam(submission.files[notebook]),
        "kit/ask.py": (Path(__file__).parent / "ask.py").read_bytes(),
        "kit/exam.py": (assignment.root / part.rubric / "exam.py").read_bytes(),
    }
    given = {f"given/{name}.npz": _npz(question.shown) for name, question in questions.items()}
    kept = {f"kept/{name}.npz": _npz(question.kept) for name, question in questions.items()}
    shapes = {name: dict(question.answers) for name, question in questions.items()}
    desk = given | kept | {"shapes.json": json.dumps(shapes, sort_keys=True).encode()}
    return Job(run, archive.pack(files | given), desk)


def _draw(
    assignment: Assignment, part: Part, submission: Submission, run: Run
) -> dict[str, Question]:
    """Inputs that no other submission and no other run has, yet the same when asked again."""
    root = str(assignment.root.resolve())
    if root not in sys.path:
        sys.path.insert(0, root)
    given = import_module(f"{part.rubric.replace('/', '.')}.given")
    identity = f"{assignment.title}\n{submission.digest}\n{run.model_dump_json()}"
    seed = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:16], "big")
    questions: dict[str, Question] = given.draw(np.random.default_rng(seed), dict(run.parameters))
    return questions


def _with_exam(content: bytes) -> bytes:
    """The notebook without stored outputs, its last cell the exam."""
    notebook = nbformat.reads(content.decode("utf-8"), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    exam = nbformat.v4.new_code_cell(EXAM_CELL, id="assay-exam")
    exam.metadata["tags"] = [EXAM_TAG]
    notebook.cells.append(exam)
    return str(nbformat.writes(notebook)).encode()


def _npz(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
