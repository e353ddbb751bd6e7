"""Several notebooks of one student: which one answers, what is said of the others."""

import json

import pytest

from assay.course import assignment
from assay.course.assignment import Assignment
from assay.errors import CannotGrade
from assay.submission import books, plan
from assay.submission.submission import Submission
from tests.mistakes.grading import ROOT
from tests.submission.test_sections import course_of_two
from tests.toys.toy import ADD, PARAMETERS, SUBTRACT, notebook

__all__ = ["course_of_two"]

MULTIPLY = "def multiply(x, y):\n    return x * y"
DRAFT, ANSWER = notebook(PARAMETERS, SUBTRACT), notebook(PARAMETERS, ADD)
EMPTY, UNTAGGED = [
    json.dumps(
        {"cells": [{"cell_type": "code", "source": text, "metadata": {}}], "nbformat": 4}
    ).encode()
    for text in ("1", ADD)
]


def taken(course: Assignment, files: dict[str, bytes]) -> list[str | None]:
    handed_in = Submission("ada", files)
    plan.make(course, handed_in)
    return [books.notebook_of(course, part, handed_in) for part in course.part]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"Untitled.ipynb": EMPTY, "Untitled1.ipynb": ANSWER}, "Untitled1.ipynb"),
        ({"hw.ipynb": ANSWER, "data/look.ipynb": EMPTY}, "hw.ipynb"),
        ({"hw.ipynb": ANSWER, "old/hw.ipynb": DRAFT}, "hw.ipynb"),
        ({"hw.ipynb": EMPTY, "old/hw.ipynb": ANSWER}, "old/hw.ipynb"),
        ({"hw.ipynb": ANSWER, "hw (1).ipynb": ANSWER}, "hw (1).ipynb"),
        ({"hw.ipynb": DRAFT, "sums.ipynb": EMPTY}, "sums.ipynb"),
    ],
)
def test_what_is_in_them_decides(toy: Assignment, files: dict[str, bytes], expected: str):
    """Where none has the assignment's name; of two that are alike, either; folders of old ones."""
    assert taken(toy, files) == [expected]


@pytest.mark.parametrize("names", [("a", "b"), ("hw", "hw (1)"), ("hw_final", "hw_final2")])
def test_where_nothing_decides_both_are_named_and_nothing_is_marked(
    toy: Assignment, names: tuple[str, str]
):
    """Two that bind the same names: to take one would be a guess."""
    files = dict(zip([f"{name}.ipynb" for name in names], [ANSWER, DRAFT], strict=True))

    with pytest.raises(CannotGrade, match="2 notebooks of `ada` may answer") as caught:
        taken(toy, files)

    assert all(f"`{name}.ipynb` binds `add`" in caught.value.found for name in names)
    assert "sums.ipynb" in caught.value.hint


def test_each_part_is_found_by_what_it_asks_for(course_of_two: Assignment):
    """A second part that nobody can tell is no silent zero: all is stopped."""
    one, two = notebook(PARAMETERS, ADD, "total = 1"), notebook(PARAMETERS, MULTIPLY, "total = 2")
    both = notebook(PARAMETERS, ADD, MULTIPLY)

    assert taken(course_of_two, {"x.ipynb": one, "y.ipynb": two}) == ["x.ipynb", "y.ipynb"]
    assert taken(course_of_two, {"x.ipynb": both, "y.ipynb": EMPTY}) == ["x.ipynb", "x.ipynb"]
    assert taken(course_of_two, {"sums.ipynb": both}) == ["sums.ipynb", "sums.ipynb"]
    assert taken(course_of_two, {"sums.ipynb": one}) == ["sums.ipynb", None]
    with pytest.raises(CannotGrade, match="may answer more"):
        taken(course_of_two, {"sums.ipynb": one, "y.ipynb": two, "z.ipynb": both})


def notes(course: Assignment, files: dict[str, bytes]) -> str:
    return "\n".join(books.notes(course, Submission("ada", files)))


def test_which_was_read_is_said_and_a_better_one_beside_it(toy: Assignment):
    """By its names, its parameters, the title's words and the attempt."""
    first = notes(toy, {"sums.ipynb": EMPTY, "mine.ipynb": ANSWER})
    assert "`sums.ipynb` for sums was read, and `mine.ipynb` was not" in first
    assert "`mine.ipynb` may be the better one: it binds `add`, it has a cell tagged" in first
    assert "parameters" in notes(toy, {"sums.ipynb": UNTAGGED, "mine.ipynb": ANSWER})
    assert "later attempt" in notes(toy, {"sums.ipynb": ANSWER, "sums (2).ipynb": DRAFT})
    assert "better" not in notes(toy, {"sums.ipynb": ANSWER, "notes.ipynb": EMPTY})
    assert notes(toy, {"sums.ipynb": ANSWER}) == ""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hw.ipynb", ("hw", 0)),
        ("a/hw (1).ipynb", ("hw", 1)),
        ("HW-Copy2.ipynb", ("hw", 2)),
        ("Copy of hw.ipynb", ("hw", 1)),
        ("hw - Copy.ipynb", ("hw", 1)),
        ("hw_v3.ipynb", ("hw", 3)),
        ("hw-2.ipynb", ("hw", 2)),
    ],
)
def test_how_programs_number_copies(name: str, expected: tuple[str, int]):
    """Browsers, Jupyter, Colab, Windows, people."""
    assert books.attempt(name) == expected


def test_a_name_out_of_a_library_shows_no_part():
    """`PowerTransformer` is none: a notebook of the first part had a second one to answer for."""
    course = assignment.read(ROOT / "assignment.toml")
    net = "class ScratchNetwork:\n    pass\nX_train = y_train = logistic_accuracy = 1"
    taken = "from sklearn.preprocessing import PowerTransformer\nimport sklearn.compose"
    own = "class MiniTransformer:\n    pass"

    def absent(*cells: str) -> list[str]:
        handed_in = Submission("ada", {"hw.ipynb": notebook(*cells)})
        return [part.name for part in books.absent(course, handed_in)]

    assert absent(net, taken) == ["part2"]
    assert absent(net, own) == []
    assert absent(net, "from torch.nn import Transformer", "class Transformer:\n    pass") == []
