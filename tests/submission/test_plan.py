"""The plan is the matrix, or one run of a notebook that papermill would only warn about."""

from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.errors import CannotGrade
from assay.submission import plan, sections
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook, submission


def once(toy: Assignment, *cells: str, tags: dict[int, str] | None = None) -> str:
    """Why this notebook is run once, as it stands; '' where it is run over the whole matrix."""
    handed_in = Submission("ada", {"sums.ipynb": notebook(*cells, ADD, tags=tags)})
    (run,) = plan.make(toy, handed_in).pending
    section = sections.sections(toy, handed_in)["sums"]

    assert section.notebook
    assert run.parameterised == (not section.once)
    return section.once


def test_the_matrix_is_every_data_set_with_every_seed(tmp_path: Path):
    """Columns vary slowest, seeds fastest, both as the assignment orders them."""
    with toys.course(tmp_path, text=toys.toml(seeds=[3, 1], datasets=["b", "a"])) as course:
        runs = plan.make(course, submission(ADD)).pending

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
        runs = plan.make(course, submission(ADD)).pending

    found = [run.parameters["dataset"] for run in runs]
    assert [(type(v), v) for v in found] == [(bool, True), (int, 1), (float, 1.5), (str, "x")]


def test_a_notebook_without_parameters_is_run_once(tmp_path: Path):
    """As it stands, and asked what the first run would be: papermill is not asked to inject."""
    with toys.course(tmp_path, text=toys.toml(seeds=[3, 1], datasets=["b", "a"])) as course:
        runs = plan.make(course, Submission("ada", {"sums.ipynb": notebook(ADD, tags={})})).pending

    assert [(run.id, run.parameterised) for run in runs] == [("sums/b/seed-3", False)]


def test_no_parameters_cell(toy: Assignment):
    """papermill would inject at the top, and the notebook's own seed would win."""
    assert once(toy, "x = 1", PARAMETERS, tags={0: "setup"}) == "no cell is tagged `parameters`"


def test_a_misspelt_seed(toy: Assignment):
    """`SEED` is not `seed`: papermill would set a name that nobody reads."""
    reason = once(toy, 'SEED = 0\ndataset = "a"')

    assert reason == "the cell tagged `parameters` sets `SEED`, `dataset`, and not `seed`"


def test_an_empty_parameters_cell(toy: Assignment):
    """All that is missing is named."""
    reason = once(toy, "# parameters")

    assert reason == "the cell tagged `parameters` sets nothing, and not `seed` and `dataset`"


@pytest.mark.parametrize("source", ["seed = ", "seed = 0\n  x", "Set the seed here.", "a\0b"])
def test_a_parameters_cell_that_is_not_python(toy: Assignment, source: str):
    """Prose in the cell that everything hangs on."""
    assert once(toy, source) == "the cell tagged `parameters` is not Python"


def test_the_cell_that_sets_them_all_is_the_one(toy: Assignment):
    """A heading or an older cell of that tag does not lead papermill astray."""
    tags = dict.fromkeys(range(3), "parameters")
    content = notebook("# Setup", "seed = 0", PARAMETERS, ADD, tags=tags, markdown=0)
    section = sections.sections(toy, Submission("ada", {"sums.ipynb": content}))["sums"]

    assert section.notebook
    assert [cell.source for cell in section.cells if "parameters" in cell.tags] == [PARAMETERS]
    assert section.once == ""


@pytest.mark.parametrize(
    "source", ["seed: int = 0\ndataset: str = 'a'", "seed = other = 0\nimport os\ndataset = 'a'"]
)
def test_annotated_and_chained_assignments_set_parameters(toy: Assignment, source: str):
    """There is more than one way to write an assignment."""
    runs = plan.make(toy, Submission("ada", {"sums.ipynb": notebook(source, ADD)})).pending

    assert len(runs) == 1


def test_a_parameter_set_inside_a_function_does_not_count(toy: Assignment):
    """papermill's own assignment would never reach it."""
    reason = once(toy, "def f():\n    seed = 0\ndataset = 'a'")

    assert reason == "the cell tagged `parameters` sets `dataset`, and not `seed`"


@pytest.mark.parametrize("cells", [(), ("",), ("# notes", "  ")])
def test_a_notebook_without_code_is_refused(toy: Assignment, cells: tuple[str, ...]):
    """Empty, or saved before anything was written."""
    content = notebook(*cells, tags={}, markdown=0)
    with pytest.raises(CannotGrade, match=r"there is no code in `ada/sums.ipynb`"):
        plan.make(toy, Submission("ada", {"sums.ipynb": content}))


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
        runs = plan.make(course, Submission("ada", files)).pending

    assert [run.part for run in runs] == ["sums"]
