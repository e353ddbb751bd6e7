"""The public half of a rubric: what students may run, and nothing of the rest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.course import assignment as assignments
from assay.course.assignment import Assignment
from assay.errors import CourseFault
from assay.handout import check, make, public
from tests.handout import courses


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    with courses.course(tmp_path / "course") as made:
        yield made


def texts(course: Assignment) -> dict[str, str]:
    return {name: content.decode() for name, content in public.files(course).items()}


def test_nothing_of_the_hidden_half_is_in_it(course: Assignment):
    """Neither its tests and questions, nor what only they use, in whatever module it stands."""
    whole = "\n".join(texts(course).values())

    for hidden in (
        *("test_cubes", "check_cube", courses.HIDDEN, "cube/hidden", "SECRETLY", "powers"),
        *("HARD", "never shown", "UNUSED", "import json"),
    ):
        assert hidden not in whole, hidden


def test_all_that_it_needs_is_in_it(course: Assignment):
    """From the test to its helper, and from the question to what draws and what puts it."""
    found = texts(course)
    rubric = f"check/{course.part[0].rubric}"

    assert set(found) == {
        *("check/assignment.toml", "check/later.json", f"{rubric}/given.py", f"{rubric}/exam.py"),
        *(f"{rubric}/help.py", f"{rubric}/test_add.py", f"{rubric}/__init__.py"),
    }
    assert "def test_adds" in found[f"{rubric}/test_add.py"]
    assert "def check_sum" in found[f"{rubric}/help.py"]
    assert "def called" in found[f"{rubric}/exam.py"]
    assert "def pair" in found[f"{rubric}/given.py"]
    for name, text in found.items():
        if name.endswith(".py"):
            compile(text, name, "exec")


def test_its_table_is_an_assignment_of_public_criteria(course: Assignment, tmp_path: Path):
    """The title is the same, as questions are drawn by it; the other criteria come later."""
    found = public.files(course)
    path = tmp_path / "assignment.toml"
    path.write_bytes(found["check/assignment.toml"])
    read = assignments.read(path)

    assert read.title == course.title
    assert [c.name for c in read.part[0].criterion] == ["add"]
    assert read.part[0].matrix == course.part[0].matrix
    assert read.limits == course.limits
    assert b'"The cube"' in found["check/later.json"]


def test_it_lies_in_the_handout_and_the_readme_says_so(course: Assignment):
    """A public test brings its own known mistakes: without them it could not name them."""
    made = make.make(course)
    readme = made.files["README.md"].decode()

    assert "check/assignment.toml" in made.files
    assert "assay try" in readme
    assert "The sum is the sum. *You can try it.*" in readme
    assert courses.HIDDEN not in readme
    assert list(check.leaks(course, made)) == []


def change(course: Assignment, name: str, old: str, new: str) -> None:
    path = course.root / course.part[0].rubric / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("given.py", "def public", "def other", "has no function `public`"),
        ("exam.py", 'ask("add/plain")', 'ask("add/" + "plain")', "does not put `add/plain`"),
        (
            "help.py",
            "def check_sum(out, x, y):",
            "from solution.sums import add\n\n\ndef check_sum(out, x, y):\n    add",
            "needs the course's own answer: `solution.sums`",
        ),
    ],
)
def test_what_cannot_be_public_is_an_error(
    course: Assignment, name: str, old: str, new: str, said: str
):
    """With the place: no half of a question is handed out."""
    (course.root / "solution").mkdir()
    (course.root / "solution" / "sums.py").write_text("def add(x, y):\n    return x + y\n")
    if name == "given.py":
        change(course, name, "public(rng, parameters)\n    x =", "other(rng, parameters)\n    x =")
    change(course, name, old, new)

    with pytest.raises(CourseFault, match=said.replace("(", r"\(")):
        public.files(course)


def test_without_a_public_test_there_is_nothing(course: Assignment):
    change(course, "test_add.py", "@pytest.mark.public\n", "")

    assert public.files(course) == {}
    assert not any(name.startswith("check/") for name in make.make(course).files)
