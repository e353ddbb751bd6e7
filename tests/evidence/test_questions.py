"""Questions are not kept: they are drawn again from a number, and held against their SHA-256."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from assay.course.assignment import Assignment
from assay.errors import OurFault
from assay.evidence.packing import MANIFEST, differences, listed
from assay.evidence.questions import SEED, as_files
from assay.evidence.store import RECORD, Store
from assay.provenance.verify import Held, in_words, verify
from assay.records import Result, RunRecord, Verdict
from assay.submission.submission import Submission, read
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook


class Graded(NamedTuple):
    """A submission of one run, with what was kept of it."""

    course: Assignment
    store: Store
    submission: Submission
    result: Result

    @property
    def record(self) -> RunRecord:
        return self.result.runs[0]


@pytest.fixture
def graded(tmp_path: Path) -> Iterator[Graded]:
    with toys.course(tmp_path / "course") as course:
        (tmp_path / "ada.ipynb").write_bytes(notebook(PARAMETERS, ADD))
        submission, store = read(tmp_path / "ada.ipynb"), Store(tmp_path / "store")
        with toys.session(course, store, tmp_path / "reports") as session:
            yield Graded(course, store, submission, session.grade(submission))


def given(course: Assignment) -> Path:
    return course.root / course.part[0].rubric / "given.py"


def redraw(course: Assignment) -> None:
    """Have the rubric draw other numbers from the same seed."""
    text = given(course).read_text()
    given(course).write_text(
        text + "\n_draw = draw\n\n\ndef draw(rng, parameters):\n"
        "    rng.random()\n    return _draw(rng, parameters)\n"
    )


def test_what_is_kept_has_a_seed_in_place_of_the_questions(graded: Graded):
    """And all that was asked comes back to a byte, as the manifest lists it."""
    kept = graded.store.files(graded.record.key)
    whole = graded.store.whole(graded.record, graded.course)
    held = {name: c for name, c in whole.items() if name not in (MANIFEST, RECORD)}

    assert SEED in kept
    assert not [name for name in kept if name.startswith(("given/", "kept/"))]
    assert [name for name in whole if name.startswith("given/")]
    assert [name for name in whole if name.startswith("kept/")]
    assert differences(listed(whole[MANIFEST].decode()), held) == []


def test_other_questions_are_refused(graded: Graded):
    """Where the course draws otherwise now, nothing is judged by what was not asked."""
    redraw(graded.course)

    with pytest.raises(OurFault, match="cannot be drawn again as they were asked") as told:
        graded.store.whole(graded.record, graded.course)
    assert "files differ, the first is `given/" in told.value.found
    assert "--force" in told.value.hint


def test_a_rubric_that_cannot_draw_any_more_is_named(graded: Graded):
    """With its line."""
    given(graded.course).write_text("raise ValueError('gone')\n")

    with pytest.raises(OurFault, match="cannot be drawn again") as told:
        graded.store.whole(graded.record, graded.course)
    assert "gone" in told.value.found


@pytest.mark.parametrize("seed", [b"", b"none\n", b"\xff", b"00000000000000000000000000000000\n"])
def test_a_changed_seed_marks_nobody(graded: Graded, tmp_path: Path, seed: bytes):
    """The judge says that it cannot judge, and why: no point is given or taken for it."""
    files = graded.store.files(graded.record.key)
    store = Store(tmp_path / "other")
    packed = {name: c for name, c in files.items() if name not in (MANIFEST, RECORD)}
    folder = store.folder(graded.record.key)
    toys_files = packed | {MANIFEST: files[MANIFEST], RECORD: files[RECORD], SEED: seed}
    for name, content in toys_files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with toys.session(graded.course, store, tmp_path / "again") as session:
        again = session.judge_again(graded.submission, graded.result.runs)
    [criterion] = again.criteria
    reasons = {prop.reason for prop in criterion.properties}

    assert criterion.verdict is Verdict.NOT_JUDGED
    assert any("cannot be drawn again as they were asked" in reason for reason in reasons)
    assert graded.result.criteria[0].verdict is Verdict.PASSED


def test_it_is_verified_with_its_questions(graded: Graded):
    """A course that is as it was draws them for it; one that was changed is not run."""
    held = Held(graded.course, graded.submission, graded.store)
    evidence = {found.what: found for found in verify(graded.result, held)}["the evidence"]
    assert evidence.changed == []
    number = len(graded.store.whole(graded.record, graded.course))
    assert f"{number} files" in evidence.said

    given(graded.course).write_text(f"open({str(graded.course.root / 'ran')!r}, 'w')\n")
    found = {found.what: found for found in verify(graded.result, held)}
    assert found["the course"].changed
    assert found["the evidence"].changed == []
    assert not (graded.course.root / "ran").exists()


def test_questions_that_cannot_be_drawn_again_are_no_change(graded: Graded, tmp_path: Path):
    """Nothing is shown to be changed by it, and nothing to be as it was: it is left open, in words
    of its own, and what can be looked at without them still is."""
    random = given(graded.course).read_text() + (
        "\n_draw = draw\n\n\ndef draw(rng, parameters):\n    import os\n"
        "    return _draw(np.random.default_rng(int.from_bytes(os.urandom(8))), parameters)\n"
    )
    given(graded.course).write_text(random)
    with toys.session(graded.course, graded.store, tmp_path / "reports") as session:
        result = session.seal(graded.submission, graded.result)
    held = Held(graded.course, graded.submission, graded.store)
    findings = verify(result, held)
    found = {one.what: one for one in findings}

    assert [one.changed for one in findings if one.changed] == []
    [line] = found["the evidence"].open
    assert "cannot be drawn again as they were asked" in line
    assert "the course draws otherwise each time" in line
    assert found["judged again"].skipped.endswith("these cannot be drawn again")
    assert "? the evidence    1 open\n" in in_words(findings)

    record = result.runs[0].model_copy(update={"fingerprint": "0" * 64})
    other = result.model_copy(update={"runs": [record]})
    evidence = {one.what: one for one in verify(other, held)}["the evidence"]
    assert [line for line in evidence.changed if "not those of its fingerprint" in line]
    assert evidence.open


def test_questions_of_other_numerics_are_said_to_be(graded: Graded, tmp_path: Path):
    """Where the machine is another, that is the likely reason, and it is told."""
    key = graded.record.key
    files = graded.store.files(key)
    other = graded.record.model_copy(update={"numerics": {"numpy": "0"}})
    packed = {name: held for name, held in files.items() if name not in (MANIFEST, RECORD)}
    store = Store(tmp_path / "other")
    store.put(other, packed | {SEED: b"7\n"})
    result = graded.result.model_copy(update={"runs": [other]})
    held = Held(graded.course, graded.submission, store)
    evidence = {one.what: one for one in verify(result, held)}["the evidence"]

    assert "drawn with other numerics than there are here" in evidence.open[0]


DRAWING = """
import hashlib, sys
from assay.course.assignment import Assignment
from assay.evidence import questions
from assay.records import Run
course = Assignment.model_validate_json(sys.stdin.read())
part = course.part[0]
run = Run(part=part.name, parameters={"seed": 0, "dataset": "a"})
files = questions.as_files(questions.draw(course, part, run, 7))
print({name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())})
"""
TEACHER = """
_draw = draw


def draw(rng, parameters):
    drawn = _draw(rng, parameters)
    X, W = rng.normal(size=(257, 513)), rng.normal(size=(513, 129))
    for question in drawn.values():
        question.kept.update({name: X @ W for name in {"labels", "marks", "rows", "scores"}})
    return drawn
"""


def test_every_process_draws_the_same(graded: Graded):
    """However many threads NumPy has there, and whatever the order of a set is."""
    text = given(graded.course).read_text() + TEACHER
    given(graded.course).write_text(text)
    drawn = set()
    for threads, seed in (("1", "1"), ("2", "2"), ("2", "3"), ("1", "4")):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": threads, "PYTHONHASHSEED": seed}
        drawn.add(
            subprocess.run(
                [sys.executable, "-c", DRAWING],
                input=graded.course.model_dump_json().encode(),
                env=environment,
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
        )

    assert len(drawn) == 1
    assert b"kept/" in drawn.pop()


def test_an_array_may_be_called_as_an_argument_of_numpys():
    """`np.savez` would take `file` for the place to write to; other names give its very bytes."""
    held = {"file": np.arange(3.0), "allow_pickle": np.ones(()), "x": np.eye(2)}
    files = as_files({"q": SimpleNamespace(shown=held, kept={"b": [1, 2], "a": 3.5}, answers={})})
    found = toys.arrays(files["given/q.npz"])

    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in held.items()
    }
    assert files["kept/q.npz"] == toys.npz(a=3.5, b=[1, 2])
