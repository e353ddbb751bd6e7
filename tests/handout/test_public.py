"""The public half of a rubric: what students may run, and nothing of the rest."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assay.course import assignment as assignments
from assay.course.assignment import Assignment
from assay.errors import CourseFault
from assay.evidence.store import Store
from assay.handout import check, make, public
from tests.handout import courses
from tests.toys import toy as toys


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
        *("test_cubes", "check_cube", courses.HIDDEN, "cube/", "hidden", "SECRETLY", "powers"),
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


def test_a_class_of_both_kinds_and_a_star_are_errors(course: Assignment):
    """A class goes out whole, and what a star brings is not known."""
    path = course.root / course.part[0].rubric / "test_add.py"
    kept = path.read_text()
    mixed = "\nclass TestBoth:\n    @pytest.mark.public\n    def test_a(self, run): ...\n"
    path.write_text(f"{kept}{mixed}\n    def test_b(self, run): ...\n")
    with pytest.raises(CourseFault, match="has public tests and others"):
        public.files(course)

    path.write_text(kept.replace("import check_cube, check_sum", "import *"))
    with pytest.raises(CourseFault, match="cannot be known by reading"):
        public.files(course)


CONFTEST = """\
import pytest


@pytest.fixture(autouse=True)
def for_all():
    raise AssertionError("the hidden gate")


@pytest.fixture
def size():
    return 3


@pytest.fixture
def limit(size):
    return size
"""


def test_fixtures_and_imports_within_functions_come_along(course: Assignment):
    """A fixture from conftest.py, one that it needs itself, and a helper imported late."""
    (course.root / course.part[0].rubric / "conftest.py").write_text(CONFTEST)
    change(course, "test_add.py", "from .help import check_cube, check_sum\n", "")
    change(course, "test_add.py", "test_adds(evidence, given)", "test_adds(evidence, given, limit)")
    late = "    from .help import check_sum\n\n    check_sum("
    change(course, "test_add.py", "    check_sum(", late)
    found = texts(course)
    rubric = f"check/{course.part[0].rubric}"

    assert "def limit(size)" in found[f"{rubric}/conftest.py"]
    assert "def size()" in found[f"{rubric}/conftest.py"]
    assert "hidden gate" not in found[f"{rubric}/conftest.py"]
    assert "def check_sum" in found[f"{rubric}/help.py"]
    assert "check_cube" not in found[f"{rubric}/help.py"]


def test_the_check_tries_the_answer_with_the_public_half(course: Assignment, tmp_path: Path):
    """Where a public test cannot be run, no handout is made."""
    made = make.make(course)
    name = f"check/{course.part[0].rubric}/help.py"
    broken = replace(made, files={**made.files, name: b"import no_such_module\n"})
    store = Store(tmp_path / "store")
    with toys.session(course, store, tmp_path / "reports") as session:
        right, wrong = check.check(session, made), check.check(session, broken)

    assert right.faults == ()
    assert wrong.faults[0].startswith("the answer, tried with the public questions,")


def test_of_a_criterion_that_is_public_in_part_the_rest_is_marked_later(course: Assignment):
    """Its points are divided among its tests, as in grading: no mark is promised that is not."""
    change(course, "test_add.py", '@pytest.mark.criterion("cube")\n', "")
    found = texts(course)

    assert "points = 1.0" in found["check/assignment.toml"]
    assert '"title": "Adding, the rest",\n   "points": 1.0' in found["check/later.json"]


ASKED = """\
from ask import ask, student


def asked(*names):
    def put(work):
        for name in names:
            with ask(name) as (given, answer):
                work(given, answer)
        return work
    return put


@asked("add/plain", "cube/hidden")
def _(given, answer):
    first, _ = given.x, 0
    answer.out = student.add(first, given.y) if hasattr(given, "y") else student.cube(first)


@asked("cube/other")
def _(given, answer):
    answer.out = student.secret(given.x)
"""


def test_questions_that_a_decorator_names_are_followed(course: Assignment):
    """Of the names only those that are public are left, and no function of another question."""
    exam = course.root / course.part[0].rubric / "exam.py"
    exam.write_text(ASKED)
    text = texts(course)[f"check/{course.part[0].rubric}/exam.py"]

    assert "@asked('add/plain')\ndef _(given, answer):" in text
    assert "def asked(*names)" in text
    assert "cube/" not in text
    assert "secret" not in text
