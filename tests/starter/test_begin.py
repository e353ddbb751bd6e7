"""`assay new`: a course folder that works at once."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from assay.autograder import bundle
from assay.course import assignment
from assay.errors import UsageError
from assay.evidence.store import Store
from assay.handout import check, make
from assay.records import Result
from assay.starter import begin
from assay.submission.submission import read
from assay.version import __version__
from tests.starter import masters
from tests.toys import toy as toys


def new(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "assay", "new", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def lost(result: Result) -> dict[str, str]:
    """The criteria that lost points, and the first reason of each."""
    return {
        c.name: next((p.reason for p in c.properties if p.verdict.is_lost), "")
        for c in result.criteria
        if c.earned is not None and c.earned < c.judged - 1e-9
    }


def test_the_starter_works_at_once(tmp_path: Path):
    """The course has no fault, its answer gets every point, its mistake loses its own criterion,
    and students get a handout that earns nothing."""
    made = new(tmp_path, "course", "--title", 'Lines "and" planes')
    assert made.returncode == 0, made.stderr
    course = assignment.read(tmp_path / "course" / "assignment.toml")
    store, reports = Store(tmp_path / "store"), tmp_path / "reports"
    with toys.session(course, store, reports, jobs=2) as session:
        session.require_course()
        right = session.grade(read(tmp_path / "course"))
        mistake = session.grade(read(tmp_path / "course" / "mistakes" / "factor_two.ipynb"))
        found = check.check(session, make.make(course))

    assert course.title == 'Lines "and" planes'
    assert lost(right) == {}
    assert lost(mistake) == {"gradient": "the factor 2 of the squared error is left out"}
    assert found.faults == ()
    assert found.empty is not None
    assert found.empty.earned == 0


def test_what_to_type_next_can_be_typed(tmp_path: Path):
    """A folder with a space is quoted."""
    made = new(tmp_path, "kurs 1/über")

    assert made.returncode == 0, made.stderr
    assert "`cd 'kurs 1/über'`, `assay check`" in made.stdout + made.stderr


def test_its_workflow_has_no_fault(tmp_path: Path):
    """actionlint reads it."""
    begin.write(tmp_path / "course", begin.starter("x"))
    workflow = tmp_path / "course" / ".github" / "workflows" / "course.yml"
    linter = Path(sys.executable).with_name("actionlint")
    linted = subprocess.run([linter, workflow], capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout


def test_a_master_is_named_after_the_grader(tmp_path: Path):
    """The folder is called like the notebook; what could not be turned is said."""
    masters.write(tmp_path / "week 3.ipynb", masters.NBGRADER_ODD)
    made = new(tmp_path, "--from", "nbgrader", "week 3.ipynb")

    assert made.returncode == 0, made.stderr
    assert (tmp_path / "week 3" / "notebooks" / "week-3.ipynb").is_file()
    assert "could not be turned:" in made.stdout
    assert "cell 4: " in made.stdout


def test_what_is_said_can_be_read_by_a_program(tmp_path: Path):
    masters.write(tmp_path / "lab.ipynb", masters.OTTER_LINES)
    made = new(tmp_path, "there", "--from", "otter", "lab.ipynb", "--json")
    told = json.loads(made.stdout)

    assert told["folder"] == "there"
    assert "rubric/test_q1.py" in told["files"]
    assert told["left"] == []


def test_nothing_is_written_over(tmp_path: Path):
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError):
        begin.write(tmp_path / "course", begin.starter("x"))

    assert [path.name for path in (tmp_path / "course").iterdir()] == ["mine.txt"]
    assert new(tmp_path, "course").returncode == 2


@pytest.mark.parametrize("kind", ["otter", "nbgrader"])
def test_what_is_no_master_is_told(tmp_path: Path, kind: str):
    """With what was looked for, and no folder is made."""
    masters.write(tmp_path / "plain.ipynb", [masters.code("x = 1")])
    made = new(tmp_path, "--from", kind, "plain.ipynb")

    assert made.returncode == 3
    assert "there is no question in" in made.stderr
    assert "hint:" in made.stderr
    assert not (tmp_path / "plain").exists()


def test_what_it_is_run_with_is_written_down(tmp_path: Path):
    """Workflows install `requirements.txt`; the autograder takes all of it but assay, its wheel."""
    begin.write(tmp_path / "course", begin.starter("x"))
    needed = tmp_path / "course" / "requirements.txt"
    assert needed.read_text().splitlines()[1:] == [f"assay[grade]>={__version__}", "numpy"]
    with needed.open("a") as file:
        file.write("openpyxl\n")
    course = assignment.read(tmp_path / "course" / "assignment.toml")
    packed = bundle.gradescope(course, isolation=0, visibility="visible", seeds="")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("requirements.txt").decode().split() == ["numpy", "openpyxl", "pytest"]
