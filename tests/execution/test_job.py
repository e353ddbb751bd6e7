"""A job is bytes that hold all that can change the evidence, and nothing that gives it away."""

import dataclasses
import io
import json
import warnings
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest

from assay.course.assignment import Assignment
from assay.errors import CannotGrade
from assay.evidence import numerics, packing
from assay.execution.job import Job, assemble
from assay.records import Run
from assay.submission import sections
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, SUBTRACT, arrays, notebook, submission

RUN = Run(part="sums", parameters={"seed": 0, "dataset": "a"})


def job(assignment: Assignment, handed_in: Submission | None = None, run: Run = RUN) -> Job:
    return assemble(sections.sections(assignment, handed_in or submission(ADD))[run.part], run)


def inside(made: Job) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(made.packed)) as members:
        return {name: members.read(name) for name in members.namelist()}


def test_the_same_inputs_give_the_same_bytes(toy: Assignment):
    """Neither the clock nor the order of files is in the archive."""
    one = Submission("ada", {"sums.ipynb": notebook(PARAMETERS, ADD), "a.py": b"1"})
    other = Submission("ada", dict(reversed(one.files.items())))

    assert job(toy, one).packed == job(toy, other).packed
    assert job(toy, one).key == job(toy, other).key


def test_the_submissions_name_does_not_change_the_key(toy: Assignment):
    """The same bytes under two names are run once."""
    assert job(toy, submission(ADD)).key == job(toy, submission(ADD, name="bob")).key


def test_the_key_changes_with_the_notebook(toy: Assignment):
    """Another notebook is another run."""
    assert job(toy).key != job(toy, submission(SUBTRACT)).key


def test_the_key_changes_with_any_file_beside_the_notebook(toy: Assignment):
    """A data file may change the answer."""
    assert job(toy).key != job(toy, submission(ADD, **{"data.csv": b"1"})).key


@pytest.mark.parametrize("other", [{"seed": 1, "dataset": "a"}, {"seed": 0, "dataset": "b"}])
def test_the_key_changes_with_the_parameters(toy: Assignment, other: dict[str, int | str]):
    """Another seed or data set is another run."""
    assert job(toy).key != job(toy, run=Run(part="sums", parameters=other)).key


def test_the_key_changes_with_the_limits(toy: Assignment):
    """A run that timed out is made again when there is more time."""
    limits = toy.limits.model_copy(update={"cell_seconds": 21.0})

    assert job(toy).key != job(toy.model_copy(update={"limits": limits})).key


@pytest.mark.parametrize(
    "pieces",
    [
        {"exam": toys.EXAM + "\n# another"},
        {"given": toys.GIVEN.replace("size=(2, 3)", "size=(2, 4)").replace("(3,)", "(4,)")},
    ],
    ids=["exam", "given"],
)
def test_the_key_changes_with_the_questions(toy: Assignment, tmp_path: Path, pieces: dict):
    """Other questions make other evidence."""
    with toys.course(tmp_path / "other", **pieces) as other:
        assert job(toy).key != job(other).key


def test_an_exam_may_be_a_package(toy: Assignment):
    """Every file of it enters the kernel, and none that is no Python."""
    package = made_a_package(toy)
    (package / "notes.txt").write_text("not for the kernel")
    support = {
        name: text for name, text in inside(job(toy)).items() if name.startswith("support/exam")
    }

    assert support == {
        "support/exam/__init__.py": b"from exam import sums",
        "support/exam/sums.py": b"# sums",
    }


@pytest.mark.parametrize("name", ["__init__.py", "sums.py", "more.py"])
def test_the_key_changes_with_every_file_of_an_exam(toy: Assignment, name: str):
    """Of a package, one file that was edited or is new makes another run."""
    path = made_a_package(toy) / name
    before = job(toy).key
    path.write_text("# another")

    assert job(toy).key != before


def made_a_package(course: Assignment) -> Path:
    """The toy's `exam.py` turned into a package of two files."""
    module = course.root / course.part[0].rubric / "exam.py"
    module.unlink()
    package = module.with_suffix("")
    package.mkdir()
    (package / "__init__.py").write_text("from exam import sums")
    (package / "sums.py").write_text("# sums")
    return package


def test_the_key_does_not_change_with_the_tests(toy: Assignment, tmp_path: Path):
    """Judging differently needs no new run."""
    with toys.course(tmp_path / "other", tests={"test_other.py": "# nothing"}) as other:
        assert job(toy).key == job(other).key


def test_the_key_changes_with_the_numerics(toy: Assignment, monkeypatch: pytest.MonkeyPatch):
    """Evidence from another processor or library is not this machine's."""
    here = job(toy).key
    elsewhere = numerics.profile() | {"processor": "another"}
    monkeypatch.setattr(numerics, "profile", lambda: elsewhere)

    assert job(toy).key != here


def test_what_the_judge_keeps_is_nowhere_in_the_archive(toy: Assignment):
    """Neither the arrays' bytes, nor their names, nor the tests travel to the student's process."""
    made = job(toy)
    kept = arrays(made.workdir["kept/add/plain.npz"])["sum"]
    files = inside(made)

    assert not any("kept" in name or "test_" in name or "shapes" in name for name in files)
    for content in files.values():
        numbers = arrays(content) if content.startswith(b"PK") else {}
        assert kept.tobytes() not in content
        assert not any(np.array_equal(kept, array) for array in numbers.values())


def test_the_workdir_holds_what_the_judge_needs(toy: Assignment):
    """Given, kept and promised shapes, and the kept array belongs to the given ones."""
    workdir = job(toy).workdir
    given, kept = (arrays(workdir[f"{name}/add/plain.npz"]) for name in ("given", "kept"))

    assert json.loads(workdir["shapes.json"]) == {"add/plain": {"out": [3]}}
    assert np.array_equal(kept["sum"], given["x"] + given["y"])


def test_the_kernel_sees_the_inputs_that_the_judge_keeps(toy: Assignment):
    """One draw: what is shown there is what is kept here."""
    made = job(toy)

    assert inside(made)["given/add/plain.npz"] == made.workdir["given/add/plain.npz"]


def test_inputs_are_fresh_for_every_run_and_submission(toy: Assignment):
    """No other seed, data set or submission has these inputs."""
    others = [
        job(toy),
        job(toy, submission(SUBTRACT)),
        job(toy, run=Run(part="sums", parameters={"seed": 1, "dataset": "a"})),
        job(toy, run=Run(part="sums", parameters={"seed": 0, "dataset": "b"})),
    ]

    drawn = {arrays(made.workdir["given/add/plain.npz"])["x"].tobytes() for made in others}

    assert len(drawn) == len(others)


def test_a_draw_that_changes_its_parameters_changes_no_run(tmp_path: Path):
    """They are its own copy: else every seed would be run with the one that it sets."""
    given = toys.GIVEN.replace("x, y = rng", "parameters['seed'] = 5; x, y = rng")
    with toys.course(tmp_path / "course", given=given) as course:
        made = toys.jobs(course, submission(ADD))[0]
        packed = json.loads(packing.unpack(made.packed)["job.json"])

    assert made.run.parameters == packed["run"]["parameters"] == {"seed": 0, "dataset": "a"}


def test_stored_outputs_are_dropped(toy: Assignment):
    """What a notebook claims to have printed is not handed on."""
    book = nbformat.reads(notebook(PARAMETERS, ADD).decode(), as_version=4)
    book.cells[1].outputs = [nbformat.v4.new_output("stream", text="accuracy 100 %")]
    book.cells[1].execution_count = 7
    made = job(toy, Submission("ada", {"sums.ipynb": nbformat.writes(book).encode()}))

    executed = json.loads(inside(made)["notebook.ipynb"])

    assert all(cell["outputs"] == [] for cell in executed["cells"])
    assert all(cell["execution_count"] is None for cell in executed["cells"])


def test_the_exam_is_the_last_cell(toy: Assignment):
    """The student's cells come first, in their order."""
    cells = json.loads(inside(job(toy))["notebook.ipynb"])["cells"]

    assert ["".join(cell["source"]) for cell in cells[:-1]] == [PARAMETERS, ADD]
    assert cells[-1]["metadata"]["tags"] == ["assay-exam"]


def test_an_archive_unpacks_to_what_was_packed(tmp_path: Path):
    """Packing, unpacking and laying out lose nothing."""
    files = {"b/c.txt": b"1", "a.bin": bytes(range(256))}

    packing.write(packing.unpack(packing.pack(files)), tmp_path)

    assert packing.unpack(packing.pack(files)) == files
    assert (tmp_path / "a.bin").read_bytes() == files["a.bin"]


def test_a_job_cannot_be_changed(toy: Assignment):
    """Its key stays true."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        job(toy).run = RUN  # type: ignore[misc]


ODD = {
    "no nbformat": json.dumps({"cells": []}).encode(),
    "a cell without a type": json.dumps(
        {"cells": [{"source": "x"}], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}
    ).encode(),
    "a byte order mark": b"\xef\xbb\xbf" + notebook(PARAMETERS, ADD),
    "UTF-16": notebook(PARAMETERS, ADD).decode().encode("utf-16"),
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_a_notebook_that_was_let_in_is_assembled_or_refused(
    toy: Assignment, tmp_path: Path, content: bytes
):
    """What `submission.read` accepts never raises anything but CannotGrade later on."""
    from assay.submission import submission as submissions

    path = tmp_path / "sums.ipynb"
    path.write_bytes(content)
    refused = False
    try:
        job(toy, submissions.read(path))
    except CannotGrade:
        refused = True

    assert refused or content.startswith((b"\xef\xbb\xbf", b"\xff\xfe"))


def test_repeated_cell_ids_are_nobodys_business(toy: Assignment):
    """A cell duplicated in an editor is run like any other, without a word."""
    book = json.loads(notebook(PARAMETERS, ADD))
    book["cells"].append(book["cells"][1])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        job(toy, Submission("ada", {"sums.ipynb": json.dumps(book).encode()}))

    assert said == []
