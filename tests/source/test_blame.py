"""The cell that is to blame for an absent name, and what is said of it."""

import pytest

from assay.evidence.answers import Evidence, NotAnswered
from assay.records import Cell
from assay.source import blame

ABSENT = "expected `add` in the notebook or in the `solution` package beside it"
SYNTAX = "SyntaxError: expected ':' (1515820132.py, line 2)"


def cell(number: int, source: str, error: str | None) -> Cell:
    return Cell(number=number, source=source, seconds=0.1, error=error)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SYNTAX, "cell 3 is not Python: expected ':', line 2"),
        ("TimeoutError: took longer than 60 s", "cell 3 took longer than 60 s"),
        ("TimeoutError: the server is silent", "cell 3 raised TimeoutError: the server is silent"),
        (
            "SyntaxError: bad (<string>, line 1)",
            "cell 3 raised SyntaxError: bad (<string>, line 1)",
        ),
    ],
)
def test_what_went_wrong_in_a_cell_is_a_sentence(error: str, words: str):
    """Not Python, too slow, or whatever it raised; code that it read itself is no fault of it."""
    assert blame.message(cell(3, "", error)) == words


@pytest.mark.parametrize(
    "source",
    [
        "def add(x, y)\n    return x + y",
        "x = (1\nadd = x",
        "x = (1\nfrom numpy import mod, add",
        "x = (1\nimport numpy as add",
        "x = (1\na, add = 1, 2",
        "class add\n    pass",
        "import time\ndef add(x, y):\n    return x + y",
    ],
)
def test_the_failed_cell_that_was_to_set_a_name_is_to_blame(source: str):
    """By its syntax tree, or by the look of its lines where it has none."""
    assert blame.of(ABSENT, [cell(1, "", None), cell(2, source, SYNTAX)]) == (
        "cell 2 is not Python: expected ':', line 2"
    )


@pytest.mark.parametrize(
    "source",
    ["add(1, 2", "(add == 1", "x = (add", "adder = (1", "x.y(add=1", "print(add)", "1 / 0"],
)
def test_a_cell_that_never_set_the_name_is_not_to_blame(source: str):
    """What only uses it, or never speaks of it, explains nothing."""
    assert blame.of(ABSENT, [cell(2, source, SYNTAX)]) == ""


def test_a_cell_that_failed_for_an_earlier_one_passes_the_blame_on():
    """`model = train()` after a cell that was to define `train`: the first of them is named."""
    cells = [
        cell(2, "def plus(x, y)", SYNTAX),
        cell(3, "minus = plus", "NameError: name 'plus' is not defined"),
        cell(4, "add = minus", "NameError: name 'minus' is not defined"),
    ]

    assert blame.of(ABSENT, cells) == "cell 2 is not Python: expected ':', line 2"
    assert blame.of(ABSENT, cells[2:]) == "cell 4 raised NameError: name 'minus' is not defined"


def test_thousands_of_cells_that_wait_for_each_other_end_soon():
    """Neither recursion nor a parse of all of them."""
    cells = [cell(n, f"a{n + 1} = a{n}", f"NameError: name 'a{n}'") for n in range(5_000)]

    assert blame.of("expected `a100`", cells) == "cell 0 raised NameError: name 'a0'"
    assert blame.of("expected `a5000`", cells) == ""


def test_a_missing_answer_is_told_by_its_cause():
    """The cell, where it failed; what was said in the kernel, where none did."""
    note = b'{"status": "raised", "error": "NameError: name \'add\' is not defined"}'
    files, failed = {"evidence/q.json": note}, [cell(2, "add = 1 / 0", "ZeroDivisionError: no")]

    with pytest.raises(NotAnswered, match=r"^cell 2 raised ZeroDivisionError: no$"):
        Evidence(files, {"q": {}}, "cell failed", failed)["q"]
    with pytest.raises(NotAnswered, match=r"^your code raised NameError"):
        Evidence(files, {"q": {}}, "completed")["q"]
