"""Put together all that one run needs, as bytes: what can change the evidence is in them."""

import ast
import hashlib
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from assay.assignment import Assignment, Part
from assay.errors import UsageError
from assay.records import Run
from assay.run import archive, numerics
from assay.submission import Submission

EXAM_TAG = "assay-exam"
INJECTED_TAG = "injected-parameters"
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
    """One run, ready to be executed anywhere: `packed` goes there, `desk` waits for the judge."""

    run: Run
    packed: bytes
    desk: dict[str, bytes]

    @property
    def key(self) -> str:
        """Names everything that can change the evidence, the machine's numerics included."""
        profile = json.dumps(numerics.profile(), sort_keys=True).encode()
        return hashlib.sha256(self.packed + archive.pack(self.desk) + profile).hexdigest()


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
    }
    files |= _exam(assignment.root / part.rubric)
    given = {f"given/{name}.npz": _npz(question.shown) for name, question in questions.items()}
    kept = {f"kept/{name}.npz": _npz(question.kept) for name, question in questions.items()}
    shapes = {name: dict(question.answers) for name, question in questions.items()}
    desk = given | kept | {"shapes.json": json.dumps(shapes, sort_keys=True).encode()}
    return Job(run, archive.pack(files | given), desk)


def _exam(rubric: Path) -> dict[str, bytes]:
    """The package `exam/` or the module `exam.py`, by the names that its files have in the kit."""
    package = rubric / "exam"
    whole = (package / "__init__.py").exists()
    paths = sorted(package.rglob("*.py")) if whole else [rubric / "exam.py"]
    try:
        return {f"kit/{path.relative_to(rubric).as_posix()}": path.read_bytes() for path in paths}
    except OSError as error:
        raise UsageError(
            f"the rubric `{rubric}` has neither exam.py nor exam/__init__.py",
            found=str(error.strerror),
            hint="docs/rubric.md says what a rubric holds",
        ) from None


def _draw(
    assignment: Assignment, part: Part, submission: Submission, run: Run
) -> dict[str, Question]:
    """Inputs that no other submission and no other run has, yet the same when asked again."""
    root = str(assignment.root.resolve())
    if root not in sys.path:
        sys.path.insert(0, root)
    module = f"{part.rubric.replace('/', '.')}.given"
    try:
        given = import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"`{module}` cannot be imported",
            found=str(error),
            hint="a rubric has a given.py, and what it imports must be installed",
        ) from None
    identity = f"{assignment.title}\n{submission.digest}\n{run.model_dump_json()}"
    seed = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:16], "big")
    try:
        questions: dict[str, Question] = given.draw(np.random.default_rng(seed), run.parameters)
    except Exception as error:
        raise UsageError(
            f"`{module}` cannot draw the inputs of {run.id}",
            found=f"{type(error).__name__}: {error}",
            hint="does assignment.toml vary a value that the rubric does not know?",
        ) from error
    return questions


def _with_exam(content: bytes) -> bytes:
    """The notebook without stored outputs, its last cell the exam.

    Cells that papermill left in an earlier run are dropped: it would put the parameters into them
    again, above the notebook's own. Ids are made unique, since replies are matched by them.
    """
    notebook = json.loads(content.decode("utf-8-sig"))
    cells = [cell for cell in notebook["cells"] if not _was_injected(cell)]
    taken: set[str] = {EXAM_TAG}
    for number, cell in enumerate(cells):
        if cell.get("cell_type") == "code":
            cell |= {"outputs": [], "execution_count": None}
        for ours in {EXAM_TAG, INJECTED_TAG} & set(_tags(cell)):
            cell["metadata"]["tags"].remove(ours)
        if not isinstance(cell.get("id"), str) or cell["id"] in taken:
            cell["id"] = f"cell-{number}"
        taken.add(cell["id"])
    exam: dict[str, Any] = {"cell_type": "code", "id": EXAM_TAG, "source": EXAM_CELL, "outputs": []}
    exam |= {"execution_count": None, "metadata": {"tags": [EXAM_TAG]}}
    notebook |= {"cells": [*cells, exam], "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, sort_keys=True).encode()


def _was_injected(cell: dict[str, Any]) -> bool:
    """Whether papermill put this cell there: its tag, and nothing in it but assignments."""
    if INJECTED_TAG not in _tags(cell):
        return False
    try:
        tree = ast.parse("".join(cell.get("source", "")))
    except (SyntaxError, ValueError):
        return False
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    plain = [value for value in values if isinstance(value, ast.Constant)]
    return len(plain) == len(tree.body)


def _tags(cell: dict[str, Any]) -> list[str]:
    metadata = cell.setdefault("metadata", {})
    tags = metadata.get("tags", []) if isinstance(metadata, dict) else []
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def _npz(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
