"""A question that does not fit what it is put to is not told as an error of the student's code."""

import json
from pathlib import Path

import pytest

from assay.evidence.answers import Evidence, NotAnswered
from tests.toys import toy as toys
from tests.toys.toy import answered, submission

LOOKS_UP = """
from ask import ask, student
with ask("add/plain") as (given, answer):
    first = student.parts[0]
    answer.out = first(given.x, given.y)
"""


def told(root: Path, exam: str, *cells: str) -> NotAnswered:
    with toys.course(root, exam=exam) as toy:
        files = toys.run(toy, submission(*cells)).files
    with pytest.raises(NotAnswered) as caught:
        Evidence(files, {"add/plain": {"out": (3,)}}, "")["add/plain"]
    return caught.value


def test_the_exams_own_look_up_is_not_the_students_error(tmp_path: Path):
    """How the question was put is shown, and where, for the teacher."""
    error = told(tmp_path / "course", LOOKS_UP, "parts = {'first': None}")

    assert str(error) == (
        "the question could not be put to your code: `first = student.parts[0]` raised KeyError: 0"
    )
    assert error.place == "exam.py:4"


def test_a_call_that_does_not_fit_shows_how_it_was_called(tmp_path: Path):
    """The function was never entered."""
    error = told(tmp_path / "course", toys.EXAM, "def add(x): return x")

    assert "could not be put to your code: `answer.out = student.add(given.x, given.y)`" in str(
        error
    )
    assert "TypeError: add() takes 1 positional argument but 2 were given" in str(error)
    assert str(error).endswith(
        "; add was called with (x: ndarray of (3,), y: ndarray of (3,)) and takes (x)"
    )


@pytest.mark.parametrize(
    ("call", "code", "expected"),
    [
        (
            "student.add(given.x, other=given.y)",
            "def add(x, *, second): return x",
            "add was called with (x: ndarray of (3,), other=y: ndarray of (3,)) and takes "
            "(x, *, second)",
        ),
        (
            "student.add(given.x, [1, 2])",
            "class add:\n    def __init__(self): pass",
            "add was called with (x: ndarray of (3,), [1, 2]) and takes ()",
        ),
        ("student.add(*[1, 2])", "def add(): pass", "but 2 were given"),
        ("student.add.x(given.y)", "def add(): pass\nadd.x = 3", "not callable"),
    ],
    ids=["by keyword", "a class", "no one can count", "no function"],
)
def test_how_it_was_called_and_what_it_takes(tmp_path: Path, call: str, code: str, expected: str):
    """Names, shapes, and the student's own signature."""
    exam = toys.EXAM.replace("student.add(given.x, given.y)", call)

    assert str(told(tmp_path / "course", exam, code)).endswith(expected)


@pytest.mark.parametrize(
    "code",
    [
        "def add(x, y): return {}[0]",
        "import numpy as np\ndef add(x, y): return np.linalg.inv(x)",
        "import numpy as np\ndef add(x, y): return np.apply_along_axis(lambda v: 1 / 0, 0, x)",
    ],
    ids=["itself", "in a library", "called by a library"],
)
def test_what_the_students_code_raises_is_its_own(tmp_path: Path, code: str):
    error = told(tmp_path / "course", toys.EXAM, code)

    assert str(error).startswith("your code raised ")
    assert error.place == ""


@pytest.mark.parametrize(
    "put",
    [
        3,
        {"file": "a.py", "line": 1, "code": "x", "called": 3},
        {"file": "/etc/passwd", "line": 1, "code": "x"},
        {"line": "1"},
    ],
)
def test_what_a_kernel_says_of_the_place_is_read_strictly(put: object):
    """It is a claim like all else: what is not of its form is left out."""
    note = {"status": "raised", "error": "KeyError: 0", "put": put, "text": {}}
    files = answered(out=[1.0]) | {"evidence/add/plain.json": json.dumps(note).encode()}
    with pytest.raises(NotAnswered, match=r"^your code raised KeyError: 0") as caught:
        Evidence(files, {"add/plain": {"out": (3,)}}, "")["add/plain"]

    assert caught.value.place == ""
