"""What an adapter proposes is tried before it is shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay import cli
from assay.course.assignment import Assignment
from assay.evidence.store import Store
from assay.grading import trial
from assay.submission import preflight, sections
from assay.submission.submission import Submission
from tests.submission.test_preflight import NAMES, handed_in
from tests.toys import toy as toys


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    """The toy with a table of names."""
    with toys.course(tmp_path) as made:
        (made.root / made.part[0].rubric / "names.py").write_text(NAMES)
        yield made


def proposals(course: Assignment, submission: Submission, tmp_path: Path) -> list[str]:
    found = sections.sections(course, submission)
    session = toys.session(course, Store(tmp_path / "trial"), tmp_path)
    template = preflight.adapter(found, trial.tried(session, found))
    return [line for line in template.splitlines() if "ried: " in line]


def test_a_name_that_answers_is_proposed_as_tried(course: Assignment, tmp_path: Path):
    """Bound, it answers what lacked it."""
    found = proposals(course, handed_in("def add_up(x, y): return x + y"), tmp_path)

    assert found == ["# Tried: add = add_up  # 1 of 1 questions that lacked it are answered"]


def test_a_name_that_raises_is_not_proposed_to_be_bound(course: Assignment, tmp_path: Path):
    """What it raised is one line of a comment, whatever it says."""
    raising = "def add_up(x, y): raise ValueError('no\\nimport os')"

    found = proposals(course, handed_in(raising), tmp_path)

    near = "# Tried: `add_up` is near, and raises ValueError: no import os: call it in `add`"
    assert found == [near]


def test_of_a_name_that_nothing_is_asked_of_nothing_is_known(course: Assignment, tmp_path: Path):
    """`Net` is in the table, and no question of this exam needs it."""
    found = proposals(course, handed_in("class DeepNet: pass", toys.ADD), tmp_path)

    assert found == ["# Not tried: Net = DeepNet"]


def test_nothing_is_tried_where_nothing_keeps_student_code_in(
    course: Assignment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The proposals are made all the same, and said not to be tried."""
    found = sections.sections(course, handed_in("def add_up(x, y): return x + y"))
    session = toys.session(course, Store(tmp_path / "trial"), tmp_path)
    session.require_isolation = 99

    assert cli.tried(session, found) == {}
    assert "nothing was tried" in capsys.readouterr().err
    assert not list((tmp_path / "trial").rglob("*.npz"))
