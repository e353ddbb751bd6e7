"""A master of another grader becomes a course: its answer gets every point, and a wrong one not."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assay.course import assignment
from assay.errors import AssayError
from assay.evidence.store import Store
from assay.handout import check, make
from assay.records import Result, Verdict
from assay.starter import begin, turn
from assay.starter.masters import Check
from assay.submission.submission import Submission, read
from tests.starter import masters
from tests.toys import toy as toys

MASTERS = {
    "lines": ("otter", masters.OTTER_LINES, {"q1": 2, "q2": 3}),
    "manual": ("otter", masters.OTTER_MANUAL, {"why": 4, "table": 3}),
    "points": ("otter", masters.OTTER_POINTS, {"q-1-1-1": 1, "q-1-1-2": 2.5}),
    "squares": (
        "nbgrader",
        masters.NBGRADER_SQUARES,
        {"correct_squares": 2, "squares_invalid": 1, "sum_words": 2},
    ),
    "arrays": (
        "nbgrader",
        masters.NBGRADER_ARRAYS,
        {"data-checks": 3, "task": 5, "counter-checks": 1.5},
    ),
    "odd": ("nbgrader", masters.NBGRADER_ODD, {"label-checks": 4, "label-loop": 2}),
}
WRONG = {
    "lines": ("return y", "return y + 1", {"q1"}),
    "manual": ("letters.count(c)", "1", {"table"}),
    "points": ("return sorted(values)", "return values", {"q-1-1-1"}),
    "squares": ("raise ValueError('n must be 1 or more')", "return []", {"squares_invalid"}),
    "arrays": ("self.n += 1", "self.n = 1", {"counter-checks"}),
    "odd": ("n % 2 == 0", "n % 2 == 0 and n < 4", {"label-checks"}),
}
PERSONS = {"why", "sum_words", "task", "label-loop"}


def made(name: str, folder: Path) -> turn.Course:
    kind, cells, _ = MASTERS[name]
    folder.mkdir(parents=True, exist_ok=True)
    course = turn.course(kind, masters.write(folder / f"{name}.ipynb", cells))
    begin.write(folder / "course", course.files)
    return course


@contextmanager
def graded(folder: Path) -> Iterator[Any]:
    found = assignment.read(folder / "course" / "assignment.toml")
    with toys.session(found, Store(folder / "store"), folder / "reports") as session:
        yield session


def lost(result: Result) -> set[str]:
    return {c.name for c in result.criteria if c.earned is not None and c.earned < c.judged}


@pytest.mark.parametrize("name", MASTERS)
def test_a_master_becomes_a_course(name: str, tmp_path: Path):
    """Points are kept; the answer gets all that is judged, an empty one none, a wrong one loses
    its own; nothing of the answer is in what students get, nor of what was hidden."""
    made(name, tmp_path)
    old, new, loses = WRONG[name]
    with graded(tmp_path) as session:
        points = {c.name: c.points for part in session.assignment.part for c in part.criterion}
        right = session.grade(read(tmp_path / "course"))
        found = check.check(session, make.make(session.assignment))
        files = dict(read(tmp_path / "course").files)
        book = next(n for n in files if n.endswith(".ipynb"))
        assert old.encode() in files[book]
        files[book] = files[book].replace(old.encode(), new.encode())
        wrong = session.grade(Submission("wrong", files))

    titles = [c.title for part in session.assignment.part for c in part.criterion]
    assert points == MASTERS[name][2]
    assert len(set(titles)) == len(titles)
    assert lost(right) == set(), right.criteria
    persons = {c.name for c in right.criteria if c.verdict is Verdict.FOR_REVIEW}
    assert persons == PERSONS & set(points)
    assert found.faults == ()
    assert found.empty is not None
    assert found.empty.earned == 0
    assert lost(wrong) == loses


def test_what_was_hidden_is_not_public(tmp_path: Path):
    """Neither its question nor its sentence is in the handout."""
    made("lines", tmp_path)
    handout = make.make(assignment.read(tmp_path / "course" / "assignment.toml"))
    whole = b"\n".join(handout.files.values())

    assert b"square(3)" in whole
    assert b"square(-2)" not in whole
    assert b"np.arange(7)" not in whole
    assert b"A check that is not shown" in whole


def test_a_wrong_answer_is_told_what_it_gave(tmp_path: Path):
    """Of a public check: the check as it is written, and the value."""
    made("lines", tmp_path)
    with graded(tmp_path) as session:
        files = dict(read(tmp_path / "course").files)
        [book] = [n for n in files if n.endswith(".ipynb")]
        files[book] = files[book].replace(b"x * x", b"x + x")
        result = session.grade(Submission("wrong", files))
    [q1] = [c for c in result.criteria if c.name == "q1"]
    reasons = [p.reason for p in q1.properties]

    assert reasons == [
        "`square(3) == 9` does not hold: `square(3)` is 6",
        "a check that is not shown does not hold",
    ]


def test_what_could_not_be_turned_is_listed_with_its_cell(tmp_path: Path):
    course = made("odd", tmp_path)

    assert course.left[0].startswith("cell 3: `from nose.tools import assert_equal`")
    assert any("cell 3: `if label(3) == 'odd':`" in line for line in course.left)
    assert any(line.startswith("cell 4: ") and "while" in line for line in course.left)
    assert "nothing of `label-loop` could be turned: a person has to mark it" in course.left[-1]
    for line in course.left:
        assert line in course.files["README.md"].decode()


@pytest.mark.parametrize("kind", ["otter", "nbgrader"])
def test_what_is_no_master_is_an_error(kind: str, tmp_path: Path):
    """A plain notebook, no notebook, and nothing at all."""
    plain = masters.write(tmp_path / "plain.ipynb", [masters.code("x = 1")])
    (tmp_path / "text.ipynb").write_text("hello")
    for path in (plain, tmp_path / "text.ipynb", tmp_path / "absent.ipynb"):
        with pytest.raises(AssayError) as raised:
            turn.course(kind, path)
        assert raised.value.hint or raised.value.found


@pytest.mark.parametrize(
    ("source", "exam", "judge"),
    [
        ("assert f(2) == 4", "tell('1', student.f(2))", "got_1 == 4"),
        ("assert not f(2)", "tell('1', student.f(2))", "not got_1"),
        ("assert f(x)[0] <= g.size + 1, 'no'", "tell('2', student.g.size)", "got_1 <= got_2 + 1"),
        ("assert callable(f)", "tell('1', callable(student.f))", "assert got_1"),
        ("assert len(f(3)) == 3", "tell('1', len(student.f(3)))", "got_1 == 3"),
        ("x = [1, 2]\nassert f(x) == sum(x)", "student.f(x)", "got_1 == sum(x)"),
        ("y = f(2)\nassert y == 4", "y = student.f(2)", "got_1 == 4"),
        ("assert max(f(1), 2) == 2", "tell('1', student.f(1))", "max(got_1, 2) == 2"),
        ("assert any(f(i) for i in range(3))", "for i in range(3)", "any(got_1)"),
    ],
)
def test_a_check_is_split_where_it_needs_the_student(source: str, exam: str, judge: str):
    """The kernel answers, and compares nothing."""
    found = turn.turned(Check(1, source), {}, {"f", "g"})

    assert exam in "\n".join(found.exam)
    assert judge in "\n".join(found.judge)
    assert not re.search(r"assert|[=!<>]=", "\n".join(found.exam))


@pytest.mark.parametrize(
    "source",
    [
        "assert 1 == 1",
        "if f(1):\n    assert f(2)",
        "f(",
        "while f(1):\n    assert f(2)",
        "f(1)",
        "",
    ],
)
def test_what_cannot_be_split_is_said(source: str):
    with pytest.raises(turn.CannotTurn):
        turn.turned(Check(1, source), {}, {"f"})


def test_hostile_names_and_titles_stay_what_they_are(tmp_path: Path):
    """A master's words are put into Python, TOML and Markdown, and act in none of them."""
    title = 'A """ \\" title\nimport os  # {{ 7 * 7 }} ü'
    cells = [
        masters.code("def f(x):\n    return x"),
        masters.md(f"## {title}"),
        masters.code(
            'assert f(\'"""\\n\') == \'"""\\n\'',
            **masters.cell("1 ../ü\"'x", points=1, grade=True, locked=True),
        ),
        masters.code("assert f(1) == 1", **masters.cell("", points=1, grade=True, locked=True)),
    ]
    path = masters.write(tmp_path / "1 häßlich'.ipynb", cells)
    begin.write(tmp_path / "course", turn.course("nbgrader", path).files)
    with graded(tmp_path) as session:
        session.require_course()

    assert json.loads(next((tmp_path / "course" / "notebooks").iterdir()).read_text())
