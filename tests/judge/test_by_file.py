"""A test file that changed judges alone, and finds what all together would have found."""

from pathlib import Path

import pytest

from assay.course.assignment import Assignment, read
from assay.evidence.store import Fresh, Store
from assay.judge import judge as judging
from assay.records import Judgement, RunRecord
from assay.submission import sections
from assay.submission.submission import Submission
from tests.judge.test_judge import evidence_of
from tests.toys import toy as toys
from tests.toys.shared import MACHINE

HEAD = 'import pytest\n\npytestmark = pytest.mark.criterion("add")\n'
A = f'''{HEAD}
def test_adds(evidence, measure):
    """The sum is there."""
    measure("mean", evidence["add/plain"].out.mean())


def test_all_runs(runs, measure, drawing):
    """All are looked at."""
    measure("runs", len(runs))
    drawing("The sum", "graph LR; x --> y")
'''
B = f'''{HEAD}
def test_size(evidence, drawing, written):
    """Four of them."""
    with open(TOLD, "a") as file:
        file.write("x")
    drawing("The sum", "graph LR; y --> x")
    written("Why", "because")
    assert evidence["add/plain"].out.size == 4, "wrong size"
'''


def judged(
    course: Assignment, store: Store, handed_in: Submission, records: list[RunRecord]
) -> Judgement:
    section = sections.sections(course, handed_in)["sums"]
    return judging.judge(section, records, store, MACHINE.servers)


@pytest.mark.parametrize("way", ["as it is", "a linked course", "a linked file", "a relative path"])
def test_a_file_that_changed_judges_alone(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
):
    """The others' verdicts stand as they were found, each in its place."""
    text = toys.toml(seeds=range(2))
    told = tmp_path / "told"
    tests = {"test_a.py": A, "test_b.py": B.replace("TOLD", repr(str(told)))}
    with toys.course(tmp_path / "course", text=text, tests=tests) as course:
        rubric = tmp_path / "course" / course.part[0].rubric
        if way == "a linked course":
            (tmp_path / "link").symlink_to(tmp_path / "course")
            course = read(tmp_path / "link" / "assignment.toml")
        if way == "a linked file":
            (rubric / "test_a.py").rename(tmp_path / "elsewhere.py")
            (rubric / "test_a.py").symlink_to(tmp_path / "elsewhere.py")
        if way == "a relative path":
            monkeypatch.chdir(tmp_path / "course")
            course = read(Path("assignment.toml"))
        handed_in = toys.submission(toys.ADD)
        store = Store(tmp_path / "store")
        records = evidence_of(handed_in, course, store, "right", "shape")
        before = judged(course, store, handed_in, records)
        whole = judged(course, Fresh(store.root), handed_in, records)
        (rubric / "test_a.py").write_text(A.replace("out.mean()", "out.mean() - 1"))
        asked = len(told.read_text())

        after = judged(course, store, handed_in, records)
        assert len(told.read_text()) == asked
        anew = judged(course, Fresh(store.root), handed_in, records)

    assert before == whole
    assert after == anew
    assert [m.value for m in after.measurements if m.name == "mean"] != [
        m.value for m in before.measurements if m.name == "mean"
    ]
    assert [(c.run, c.name) for c in after.checks] == [
        ("sums/a/seed-0", "test_a.test_adds"),
        ("sums/a/seed-0", "test_b.test_size"),
        (None, "test_a.test_all_runs"),
        ("sums/a/seed-1", "test_a.test_adds"),
        ("sums/a/seed-1", "test_b.test_size"),
    ]


def test_what_other_files_do_when_they_are_imported_is_done(tmp_path: Path, store: Store):
    """One that registers a check stands not by itself; the file that puts the checks does."""
    known = "CHECKS = []\ndef register(check):\n    CHECKS.append(check)\n    return check\n"
    registers = (
        f"{HEAD}from .known import register\n\n"
        "@register\ndef small(out):\n    return out.size < 1\n"
        '\n\ndef test_looks(evidence):\n    """It is there."""\n'
        '    assert evidence["add/plain"].out.size, "nothing"\n'
    )
    puts = (
        f"{HEAD}from .known import CHECKS\n\n"
        '\ndef test_all(evidence):\n    """All checks hold."""\n'
        '    out = evidence["add/plain"].out\n    assert all(c(out) for c in CHECKS), "too large"\n'
    )
    tests = {"known.py": known, "__init__.py": "", "test_a.py": registers, "test_b.py": puts}
    with toys.course(tmp_path / "course", tests=tests) as course:
        handed_in = toys.submission(toys.ADD)
        records = evidence_of(handed_in, course, store, "right")
        before = judged(course, store, handed_in, records)
        place = tmp_path / "course" / course.part[0].rubric / "test_b.py"
        place.write_text(f"{puts}\n# changed\n")
        after = judged(course, store, handed_in, records)

    assert [check.reason for check in before.checks] == ["", "too large"]
    assert after.checks == before.checks
