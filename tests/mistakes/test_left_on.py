"""What a notebook leaves on or sets again costs at most what it broke, and once."""

import json
from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.records import Result
from assay.submission import submission
from assay.submission.submission import Submission
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT, explain, graded, lost, one_part

BOOKS = {"part1": "notebooks/part1_backprop.ipynb", "part2": "notebooks/part2_transformer.ipynb"}
MATRIX = {"part1": {"dataset": ["ten_digits"]}, "part2": {"task": ["reverse-5"]}}
SET_AGAIN = {
    "part1": "seed = 42\ndataset = 'penguins'",
    "part2": "seed = 42\ntask = 'sort-5'",
}
IN_DOUBLE = "import torch\ntorch.set_default_dtype(torch.float64)"
OWN_GENERATORS = "import numpy as np, torch\nrng = np.random.default_rng(seed)\n\
generator = torch.Generator().manual_seed(seed)"


def with_cell(files: dict[str, bytes], book: str, source: str, at: int | None) -> Submission:
    """The submission with one more cell at this place, or as the last."""
    content = json.loads(files[book])
    cell = {"cell_type": "code", "id": "added", "metadata": {}, "execution_count": None}
    cells = content["cells"]
    cells.insert(len(cells) if at is None else at, {**cell, "outputs": [], "source": source})
    return Submission("ada", {**files, book: json.dumps(content).encode()})


def after_parameters(files: dict[str, bytes], book: str) -> int:
    cells = json.loads(files[book])["cells"]
    return 1 + next(n for n, c in enumerate(cells) if "parameters" in c["metadata"].get("tags", []))


def result(part: str, handed_in: Submission, folder: Path) -> Result:
    assignment = one_part(part, [0], MATRIX[part])
    return graded(assignment, handed_in, Store(folder / "store"), folder / "reports")


def short(part: str, source: str, *, last: bool = False) -> Submission:
    files = short_submission(ROOT, part)
    return with_cell(
        files, BOOKS[part], source, None if last else after_parameters(files, BOOKS[part])
    )


@pytest.mark.thorough
def test_gradients_left_off_in_the_real_notebook_cost_nothing(tmp_path: Path):
    """Its last cell says: from here on only evaluation. All points are earned, and it is told."""
    files = dict(submission.read(ROOT).files)
    cell = "torch.set_grad_enabled(False)  # from here on only evaluation"
    found = result("part2", with_cell(files, BOOKS["part2"], cell, None), tmp_path)

    assert found.earned == found.judged_points > 0, explain(found)
    assert any("torch's gradients was False" in note for note in found.notes), found.notes


RIGHT = {
    "gradients left off": ("part2", "import torch\ntorch.set_grad_enabled(False)", True),
    "in double": ("part2", IN_DOUBLE, False),
    "generators of its own": ("part2", OWN_GENERATORS, False),
    "in double, part 1": ("part1", IN_DOUBLE, False),
    "generators of its own, part 1": ("part1", OWN_GENERATORS, False),
}


TRAINED_LONG = ("in double", "generators of its own")
"""Part 2 is trained for these; Part 1 with the same switch is always asked."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.thorough] * (name in TRAINED_LONG)) for name in RIGHT],
)
def test_a_switch_costs_nothing(name: str, tmp_path: Path):
    """Each is legitimate where it stands, and the answers are right."""
    part, source, last = RIGHT[name]
    found = result(part, short(part, source, last=last), tmp_path)

    assert found.earned == found.judged_points > 0, explain(found)


@pytest.mark.parametrize("part", BOOKS)
def test_a_parameter_that_is_set_again_costs_the_clean_run(part: str, tmp_path: Path):
    """One criterion, with the cell named; a model of another task answers nothing of its own."""
    found = result(part, short(part, SET_AGAIN[part]), tmp_path)
    reasons = [p.reason for c in found.criteria if c.name == "clean-run" for p in c.properties]

    assert "clean-run" in lost(found), explain(found)
    assert lost(found) <= {"clean-run", *(["reversal", "generation", "claims"] * (part == "part2"))}
    assert any("cell 2" in reason for reason in reasons), reasons
