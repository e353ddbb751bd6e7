"""`assay judge SUBMISSION -- ...`: the rubric's tests in this terminal, over stored runs."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from assay.course.assignment import Assignment
from tests.toys import toy as toys


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """A course with two submissions that have been run, and judged never."""
    root = tmp_path_factory.mktemp("debug") / "course"
    with toys.course(root) as made:
        for name, answer in {"ada": toys.ADD, "bob": toys.SUBTRACT}.items():
            (root / f"{name}.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, answer))
        said = assay(made, "run", "ada.ipynb", "bob.ipynb", "--require-isolation", "0")
        assert said.returncode == 0, said.stderr
        (root / "eve.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, toys.ADD, "1"))
        yield made


def assay(course: Assignment, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "assay", *words],
        cwd=course.root,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_arguments_choose_tests(course: Assignment):
    """They are pytest's own, and so is what is printed; nothing is written."""
    said = assay(course, "judge", "ada.ipynb", "--", "-k", "add", "-v")

    assert said.returncode == 0, said.stderr
    assert "PASSED" in said.stdout
    assert "1 passed" in said.stdout
    assert not (course.root / "reports" / "ada").exists()


def test_a_test_that_fails_opens_the_debugger(course: Assignment):
    """With the student's answers at hand; the exit code says that a test failed."""
    said = assay(course, "judge", "bob.ipynb", "--", "--pdb", typed="p 6 * 7\nq\n")

    assert "(Pdb) 42" in said.stdout
    assert said.returncode in (1, 130)
    assert assay(course, "judge", "bob.ipynb", "--", "-x").returncode == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["ada.ipynb", "--", "-k", "no_such_test"], 2),
        (["ada.ipynb", "--", "--no-such-option"], 2),
        (["eve.ipynb", "--", "-k", "add"], 3),
        (["--", "-k", "add"], 2),
    ],
    ids=["no test", "no option", "not run", "no submission"],
)
def test_what_cannot_be_done_is_said(course: Assignment, words: list[str], code: int):
    assert assay(course, "judge", *words).returncode == code


def test_a_part_of_the_tests_is_no_judgement(course: Assignment):
    """A mark rests on all of them, whatever was chosen before."""
    assay(course, "judge", "bob.ipynb", "--", "-k", "no_such_test")
    said = assay(course, "judge", "bob.ipynb", "--json")

    assert '"earned": 0.0' in said.stdout
    assert (course.root / "reports" / "bob" / "results.json").is_file()
