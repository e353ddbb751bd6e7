"""Masters as teachers write them for Otter and for nbgrader: three of each look."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Cells = Sequence[tuple[str, str, Mapping[str, Any]]]


def write(path: Path, cells: Cells) -> Path:
    """Write a notebook of cells: kind, source, and `metadata`, or `shows` for a stored output."""
    made = []
    for number, (kind, source, more) in enumerate(cells):
        metadata = {key: value for key, value in more.items() if key != "shows"}
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": f"cell-{number}",
            "metadata": metadata,
            "source": source.splitlines(keepends=True),
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        if "shows" in more:
            data = {"text/plain": [more["shows"]]}
            cell["outputs"] = [
                {
                    "output_type": "execute_result",
                    "execution_count": 1,
                    "metadata": {},
                    "data": data,
                }
            ]
        made.append(cell)
    book = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(book, indent=1))
    return path


def md(source: str, **more: Any) -> tuple[str, str, dict[str, Any]]:
    return "markdown", source, more


def code(source: str, **more: Any) -> tuple[str, str, dict[str, Any]]:
    return "code", source, more


def raw(source: str) -> tuple[str, str, dict[str, Any]]:
    return "raw", source, {}


def cell(grade_id: str, *, points: float | None = None, **said: bool) -> dict[str, Any]:
    """nbgrader's metadata of a cell."""
    of = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    of |= {"grade_id": grade_id, **said}
    return {"nbgrader": of | ({} if points is None else {"points": points})}


OTTER_LINES = [
    raw("# ASSIGNMENT CONFIG\nname: Lab 1\nsolutions_pdf: true"),
    code("# Initialize Otter\nimport otter\ngrader = otter.Notebook('lab01.ipynb')"),
    code("import numpy as np"),
    md("# Lab 1: functions"),
    raw("# BEGIN QUESTION\nname: q1\npoints: 2"),
    md("## Question 1\nWrite `square`."),
    raw("# BEGIN SOLUTION"),
    code("def square(x):\n    y = x * x # SOLUTION\n    return y # SOLUTION\n\nnine = square(3)"),
    raw("# END SOLUTION"),
    raw("# BEGIN TESTS"),
    code("square(3) == 9", shows="True"),
    code("# HIDDEN\nsquare(-2) == 4", shows="True"),
    raw("# END TESTS"),
    raw("# END QUESTION"),
    raw("# BEGIN QUESTION\nname: q2\npoints: 3"),
    md("## Question 2\nThe mean of an array."),
    raw("# BEGIN SOLUTION"),
    code("# BEGIN SOLUTION NO PROMPT\ndef mean(x):\n    return np.sum(x) / len(x)\n# END SOLUTION"),
    raw("# END SOLUTION"),
    raw("# BEGIN TESTS"),
    code("round(mean(np.array([1, 2, 6])), 3)", shows="np.float64(3.0)"),
    code(
        '""" # BEGIN TEST CONFIG\nhidden: true\nfailure_message: divide by how many there are\n'
        '""" # END TEST CONFIG\nassert np.isclose(mean(np.arange(7)), 3)'
    ),
    raw("# END TESTS"),
    raw("# END QUESTION"),
    code("grader.check_all()"),
]
OTTER_MANUAL = [
    raw("# ASSIGNMENT CONFIG\ntitle: Homework 2"),
    md("# Homework 2"),
    raw("# BEGIN QUESTION\nname: why\npoints: 4\nmanual: true"),
    md("### Why is it so?"),
    raw("# BEGIN SOLUTION"),
    md("Because the mean is pulled by large values."),
    raw("# END SOLUTION"),
    raw("# END QUESTION"),
    raw("# BEGIN QUESTION\nname: table\npoints:\n  each: 1"),
    md("### A table of counts"),
    raw("# BEGIN PROMPT"),
    code("counts = ..."),
    raw("# END PROMPT"),
    raw("# BEGIN SOLUTION"),
    code("letters = list('banana')\ncounts = {c: letters.count(c) for c in set(letters)}"),
    raw("# END SOLUTION"),
    raw("# BEGIN TESTS"),
    code("assert isinstance(counts, dict)"),
    code("for letter, n in [('a', 3), ('n', 2)]:\n    assert counts[letter] == n, letter"),
    code("# HIDDEN\nassert sorted(counts) == ['a', 'b', 'n']\nassert sum(counts.values()) == 6"),
    raw("# END TESTS"),
    raw("# END QUESTION"),
]
OTTER_POINTS = [
    md("# Project"),
    raw("# BEGIN QUESTION\nname: q 1.1"),
    md("#### Sorting"),
    raw("# BEGIN SOLUTION"),
    code(
        "def ordered(values):\n"
        '    """ # BEGIN PROMPT\n    ...\n    """ # END PROMPT\n'
        "    # BEGIN SOLUTION\n    if not values:\n        raise ValueError('nothing to sort')\n"
        "    return sorted(values)\n    # END SOLUTION"
    ),
    raw("# END SOLUTION"),
    raw("# BEGIN TESTS"),
    code(
        '""" # BEGIN TEST CONFIG\npoints: 1\n""" # END TEST CONFIG\n'
        "import numpy as np\nnp.testing.assert_array_equal(ordered([3, 1, 2]), [1, 2, 3])"
    ),
    code(
        '""" # BEGIN TEST CONFIG\npoints: 2.5\nhidden: true\n""" # END TEST CONFIG\n'
        "try:\n    ordered([])\nexcept ValueError:\n    pass\nelse:\n    raise AssertionError"
    ),
    code("print(ordered([2, 1]))"),
    raw("# END TESTS"),
    raw("# END QUESTION"),
]
NBGRADER_SQUARES = [
    md("# Problem set 1"),
    code("import numpy as np"),
    md("## Part A\nSquares.", **cell("a-text", locked=True)),
    code(
        "def squares(n):\n    '''The squares of 1 to n.'''\n    ### BEGIN SOLUTION\n"
        "    if n < 1:\n        raise ValueError('n must be 1 or more')\n"
        "    return [i ** 2 for i in range(1, n + 1)]\n    ### END SOLUTION",
        **cell("squares", solution=True),
    ),
    code(
        "'''Check that squares returns the right output.'''\n"
        "assert squares(1) == [1]\nassert squares(2) == [1, 4]\n"
        "### BEGIN HIDDEN TESTS\nassert squares(11)[-1] == 121\n### END HIDDEN TESTS",
        **cell("correct_squares", points=2, grade=True, locked=True),
    ),
    code(
        "'''Check that squares raises an error for n < 1.'''\n"
        "try:\n    squares(0)\nexcept ValueError:\n    pass\n"
        "else:\n    raise AssertionError('did not raise')",
        **cell("squares_invalid", points=1, grade=True, locked=True),
    ),
    md("## Part B\nWhat is the sum?", **cell("b-text", locked=True)),
    md(
        "It is $n (n + 1) (2 n + 1) / 6$.", **cell("sum_words", points=2, grade=True, solution=True)
    ),
]
NBGRADER_ARRAYS = [
    code("import numpy as np\nfrom math import isclose", **cell("imports", locked=True)),
    code("x = np.linspace(0, 1, 11)\ny = x ** 2", **cell("data", solution=True)),
    code(
        "expected = np.linspace(0, 1, 11)\n"
        "np.testing.assert_allclose(x, expected)\nassert y.shape == (11,)\n"
        "### BEGIN HIDDEN TESTS\nnp.testing.assert_allclose(y, expected ** 2)\n"
        "assert isclose(y[5], 0.25)\n### END HIDDEN TESTS",
        **cell("data-checks", points=3, grade=True, locked=True),
    ),
    md("## Describe an experiment\nand its result.", **cell("task", points=5, task=True)),
    code(
        "class Counter:\n    ### BEGIN SOLUTION\n    def __init__(self):\n        self.n = 0\n\n"
        "    def up(self):\n        self.n += 1\n        return self.n\n    ### END SOLUTION",
        **cell("counter", solution=True),
    ),
    code(
        "c = Counter()\nassert c.up() == 1\nassert c.up() == 2\nassert abs(c.n - 2) < 1",
        **cell("counter-checks", points=1.5, grade=True, locked=True),
    ),
]
NBGRADER_ODD = [
    md("# Week 3"),
    code(
        "def label(n):\n    ### BEGIN SOLUTION\n    return 'even' if n % 2 == 0 else 'odd'\n"
        "    ### END SOLUTION",
        **cell("label", solution=True),
    ),
    code(
        "from nose.tools import assert_equal\n"
        "assert label(2) == 'even'\n"
        "if label(3) == 'odd':\n    assert label(5) == 'odd'\n"
        "for n in range(4):\n    assert label(n) in ('even', 'odd'), f'{n} has no label'\n"
        "assert all(label(n) == label(n + 2) for n in range(5))",
        **cell("label-checks", points=4, grade=True, locked=True),
    ),
    code(
        "while label(1) != 'odd':\n    assert False\n",
        **cell("label-loop", points=2, grade=True, locked=True),
    ),
]
