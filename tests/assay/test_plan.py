"""The plan is the matrix, and refuses what papermill would only warn about."""

from pathlib import Path

import pytest

from assay import plan
from assay.assignment import Assignment
from assay.errors import CannotGrade
from assay.submission import Submission
from tests.assay import toy as toys
from tests.assay.toy import ADD, PARAMETERS, notebook, submission


def refusal(toy: Assignment, *cells: str, tags: dict[int, str] | None = None) -> CannotGrade:
    handed_in = Submission("ada", {"sums.ipynb": notebook(*cells, tags=tags)})
    with pytest.raises(CannotGrade) as caught:
        plan.make(toy, handed_in)
    return caught.value


def test_the_matrix_is_every_data_set_with_every_seed(tmp_path: Path):
    """Columns vary slowest, seeds fastest, both as the assignment orders them."""
    with toys.course(tmp_path, text=toys.toml(seeds=[3, 1], datasets=["b", "a"])) as course:
        runs = plan.make(course, submission(ADD))

    assert [(run.parameters["dataset"], run.seed) for run in runs] == [
        ("b", 3),
        ("b", 1),
        ("a", 3),
        ("a", 1),
    ]
    assert runs[0].id == "sums/b/seed-3"


def test_parameters_keep_their_types(tmp_path: Path):
    """Whole numbers, floats, truth values and text reach the notebook as such."""
    values = "[true, 1, 1.5, 'x']".replace("'", '"')
    text = toys.toml().replace('["a"]', values)
    with toys.course(tmp_path, text=text) as course:
        runs = plan.make(course, submission(ADD))

    found = [run.parameters["dataset"] for run in runs]
    assert [(type(v), v) for v in found] == [(bool, True), (int, 1), (float, 1.5), (str, "x")]


def test_no_parameters_cell_is_refused(toy: Assignment):
    """papermill would inject at the top, and the notebook's own seed would win."""
    error = refusal(toy, "x = 1", PARAMETERS, tags={0: "setup"})

    assert error.what == "no cell in `ada/sums.ipynb` is tagged `parameters`"
    assert error.found == "2 code cells read; tags found: `setup`"
    assert "`seed` and `dataset`" in error.hint


def test_a_misspelt_seed_is_refused(toy: Assignment):
    """`SEED` is not `seed`: papermill would set a name that nobody reads."""
    error = refusal(toy, 'SEED = 0\ndataset = "a"')

    assert error.what == "the `parameters` cell in `ada/sums.ipynb` does not set `seed`"
    assert "it sets `SEED`, `dataset`" in error.found
    assert "`seed` is not `SEED`" in error.hint


def test_an_empty_parameters_cell_is_refused(toy: Assignment):
    """All that is missing is named."""
    error = refusal(toy, "# parameters")

    assert "does not set `seed`, `dataset`" in error.what
    assert "it sets nothing" in error.found


@pytest.mark.parametrize("source", ["seed = ", "seed = 0\n  x", "Set the seed here.", "a\0b"])
def test_a_parameters_cell_that_is_not_python_is_refused(toy: Assignment, source: str):
    """Prose in the cell that everything hangs on is told before anything is run."""
    assert "is not Python" in refusal(toy, source).what


@pytest.mark.parametrize(
    "source", ["seed: int = 0\ndataset: str = 'a'", "seed = other = 0\nimport os\ndataset = 'a'"]
)
def test_annotated_and_chained_assignments_set_parameters(toy: Assignment, source: str):
    """There is more than one way to write an assignment."""
    runs = plan.make(toy, Submission("ada", {"sums.ipynb": notebook(source, ADD)}))

    assert len(runs) == 1


def test_a_parameter_set_inside_a_function_does_not_count(toy: Assignment):
    """papermill's own assignment would never reach it."""
    error = refusal(toy, "def f():\n    seed = 0\ndataset = 'a'")

    assert "does not set `seed`" in error.what


def test_no_notebook_for_any_part_is_refused(toy: Assignment):
    """Two notebooks of other names: which one would it be?"""
    with pytest.raises(CannotGrade) as caught:
        plan.make(toy, Submission("ada", dict.fromkeys(["x.ipynb", "y.ipynb"], b"")))

    assert caught.value.found == "notebooks found: x.ipynb, y.ipynb"
    assert "notebooks/sums.ipynb" in caught.value.hint


def test_a_part_that_was_not_handed_in_has_no_runs(tmp_path: Path):
    """The other part is run all the same."""
    part = toys.TOML.split("[[part]]")[1].replace("sums", "more")
    text = toys.toml() + "[[part]]" + part.replace("SEEDS", "[0]").replace("DATASETS", '["a"]')
    with toys.course(tmp_path, text=text) as course:
        files = {"sums.ipynb": notebook(PARAMETERS, ADD), "notes.ipynb": notebook("1")}
        runs = plan.make(course, Submission("ada", files))

    assert [run.part for run in runs] == ["sums"]


def test_a_markdown_cell_tagged_parameters_is_refused(toy: Assignment):
    """papermill would inject below it, above the cell that sets the seed: every seed alike."""
    tags = {0: "parameters", 1: "parameters"}
    content = notebook("# Setup", PARAMETERS, ADD, tags=tags, markdown=0)

    with pytest.raises(CannotGrade):
        plan.make(toy, Submission("ada", {"sums.ipynb": content}))
