"""A course with a public half: what is public and what is not stands in the same modules."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from assay.course.assignment import Assignment
from assay.handout import make, put
from tests.toys import toy as toys

MISTAKE = "the second of the two is taken away instead of added"
HIDDEN = "the third power is taken, which is nobody's business"
GIVEN = """\
from assay.rubric import Question
HARD = "never shown"


def pair(rng):
    return rng.normal(size=(2, 3))


def public(rng, parameters):
    x, y = pair(rng)
    shown = {"x": x, "y": y}
    return {"add/plain": Question(shown=shown, kept={"sum": x + y}, answers={"out": (3,)})}


def draw(rng, parameters):
    asked = public(rng, parameters)
    x = rng.normal(size=4)
    return asked | {"cube/hidden": Question(shown={"x": x}, answers={"out": (4,)})}
"""
EXAM = """\
from ask import ask, student
SECRETLY = 3


def powers(x):
    return student.cube(x)


def called(x, y):
    return student.add(x, y)


with ask("add/plain") as (given, answer):
    found = called(given.x, given.y)
    answer.out = found

for kind in ("hidden",):
    with ask(f"cube/{kind}") as (given, answer):
        found = powers(given.x)
        answer.out = found
"""
HELP = f"""\
import numpy as np
from assay.rubric import KnownMistake
UNUSED = "a hint at the hidden half"


def check_sum(out, x, y):
    if np.allclose(out, x - y):
        raise KnownMistake("{MISTAKE}")
    assert np.allclose(out, x + y), "off by a lot"


def check_cube(out, x):
    if np.allclose(out, x**4):
        raise KnownMistake("{HIDDEN}")
    assert np.allclose(out, x**3), "no cube"
"""
TEST = """\
import json
import pytest
from .help import check_cube, check_sum
pytestmark = pytest.mark.criterion("add")


@pytest.mark.public
@pytest.mark.hint("look at the sign")
def test_adds(evidence, given):
    \"\"\"The sum is the sum.\"\"\"
    check_sum(evidence["add/plain"].out, given["add/plain"].x, given["add/plain"].y)


@pytest.mark.criterion("cube")
def test_cubes(evidence, given):
    \"\"\"The cube is the cube.\"\"\"
    check_cube(evidence["cube/hidden"].out, given["cube/hidden"].x)
"""
CUBE = """
  [[part.criterion]]
  name = "cube"
  title = "The cube"
  points = 3
"""
RIGHT = "def add(x, y):\n    return x + y\n\n\ndef cube(x):\n    return x**3"
WRONG = RIGHT.replace("x + y", "x - y")


@contextmanager
def course(root: Path) -> Iterator[Assignment]:
    """Write it, its own answer marked."""
    text = toys.toml(datasets=("a", "ü")) + CUBE
    tests = {"test_add.py": TEST, "help.py": HELP, "__init__.py": ""}
    with toys.course(root, text=text, given=GIVEN, exam=EXAM, tests=tests) as made:
        written = toys.notebook(toys.PARAMETERS, RIGHT, tags={0: "parameters", 1: "solution"})
        (made.root / "notebooks" / "sums.ipynb").write_bytes(written)
        yield made


def main(folder: Path) -> None:
    """Write its handout, with the right answer put back: what other systems try in CI."""
    with TemporaryDirectory() as root, course(Path(root) / "course") as made:
        put.put(make.make(made), folder)
    answered = toys.notebook(toys.PARAMETERS, RIGHT)
    (folder / "notebooks" / "sums.ipynb").write_bytes(answered)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
