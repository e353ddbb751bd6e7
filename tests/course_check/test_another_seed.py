"""A fault of the course that shows at another value or seed is not told as the student's."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay import cli
from assay.evidence import packing
from assay.execution.execute import Ended, execute
from assay.execution.machine import Machine
from assay.scheduling import scheduler
from tests.toys import toy as toys
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, EXAM, GIVEN, PARAMETERS, TEST, notebook

IN_EXAM = EXAM.replace("    answer.out", "    IF [][1]\n    answer.out")
BETWEEN = EXAM.replace("with ask", "IF 1 / 0\nwith ask")
LEAVES = EXAM.replace("with ask", "IF raise SystemExit(3)\nwith ask")
IN_TEST = TEST.replace("kept, measure", "kept, measure, run").replace(
    "    out =", "    IF [][1]\n    out ="
)
FAULTS = {
    "the exam, in a question": ("exam", IN_EXAM, "exam.py:4"),
    "the exam, between two": ("exam", BETWEEN, "exam.py:3"),
    "the exam ends itself": ("exam", LEAVES, "exam.py:3"),
    "a test": ("test", IN_TEST, "test_add.py:7"),
}
"""The files in which IF is replaced by where it happens, and the line that is told."""


def faulty(kind: str, text: str, where: str) -> dict[str, Any]:
    """The files of a toy with an exception of the course's where `where` holds."""
    of = "run.parameters" if kind == "test" else "vars(student)['_notebook']"
    text = text.replace("IF", f"if {of}{where}:")
    return {"tests": {"test_add.py": text}} if kind == "test" else {"exam": text}


@pytest.fixture
def grade(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, dict[str, Any]]]:
    """Grade a notebook of these cells: the exit code, what was said, and the result."""
    monkeypatch.setenv("ASSAY_REQUIRE_ISOLATION", "0")

    def graded(root: Path, *cells: str) -> tuple[int, str, dict[str, Any]]:
        (root / "ada.ipynb").write_bytes(notebook(PARAMETERS, *cells, "# ada"))
        monkeypatch.chdir(root)
        monkeypatch.setattr(sys, "argv", ["assay", "grade", "ada.ipynb"])
        with pytest.raises(SystemExit) as ended:
            cli.run_program(MACHINE)
        said = capsys.readouterr()
        result = json.loads((root / "reports" / "ada" / "results.json").read_text())
        return int(ended.value.code or 0), said.out + said.err, result

    return graded


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_at_another_value(
    tmp_path: Path,
    grade: Callable[..., tuple[int, str, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    fault: tuple[str, str, str],
):
    """The reference is asked at every value of the matrix, before any student's code runs."""
    kind, text, expected = fault
    students: list[bytes] = []

    def counting(packed: bytes, machine: Machine) -> Ended:
        if "submission/notebooks/sums.ipynb" not in packing.unpack(packed):
            students.append(packed)
        return execute(packed, machine)

    monkeypatch.setattr(scheduler, "execute", counting)
    files = faulty(kind, text, "['dataset'] == 'b'")
    with toys.course(tmp_path / "course", text=toys.toml(datasets=("a", "b")), **files) as toy:
        code, said, result = grade(toy.root, ADD)

    assert code == 4
    assert f"error: the course cannot grade: {toy.part[0].rubric}/{expected}" in said
    assert "(in sums/b/seed-0)" in said
    assert students == []
    assert "criteria" not in result or not result["criteria"]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_at_another_seed(
    tmp_path: Path,
    grade: Callable[..., tuple[int, str, dict[str, Any]]],
    fault: tuple[str, str, str],
):
    """The reference is asked again where a student's run meets it, and nothing is marked by it."""
    kind, text, expected = fault
    files = faulty(kind, text, "['seed'] == 2")
    with toys.course(tmp_path / "course", text=toys.toml(seeds=(0, 1, 2)), **files) as toy:
        code, said, result = grade(toy.root, ADD)

    (criterion,) = result["criteria"]
    assert code == 4
    assert criterion["verdict"] == "not judged"
    assert criterion["earned"] is None
    assert f"{expected}), as it does for the reference" in criterion["properties"][0]["reason"]
    assert f"{expected}), as it does for the reference" in said


@pytest.mark.parametrize(
    ("exam", "code"),
    [
        (EXAM, "def add(x, y):\n    if seed == 2: raise IndexError('mine')\n    return x + y"),
        (
            EXAM.replace("answer.out =", "answer.out = student.steps[student.seed] +").replace(
                "(given.x", "(0 * given.x"
            ),
            "def add(x, y): return x + y\nsteps = [0, 0]",
        ),
    ],
    ids=["its code raises", "a look-up of the exam's fits the reference"],
)
def test_what_the_reference_can_answer_stays_the_students(
    tmp_path: Path,
    grade: Callable[..., tuple[int, str, dict[str, Any]]],
    exam: str,
    code: str,
):
    """An exception in one run is no way out: the reference answers there."""
    given = GIVEN.replace('"sum": x + y', '"sum": y') if exam != EXAM else GIVEN
    with toys.course(
        tmp_path / "course", text=toys.toml(seeds=(0, 1, 2)), exam=exam, given=given
    ) as toy:
        right = notebook(PARAMETERS, ADD, "steps = [0, 0, 0]")
        (toy.root / "notebooks" / "sums.ipynb").write_bytes(right)
        exit_code, said, result = grade(toy.root, code)

    (criterion,) = result["criteria"]
    assert exit_code == 0, said
    assert criterion["verdict"] == "not answered"
    assert criterion["earned"] == pytest.approx(4 / 3, abs=0.01)
