"""`assay try`: a student's own notebook on their own machine, whatever system that is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.evidence.store import Store
from assay.handout import attempt, make, put
from assay.handout.tried import Tried, folder_of
from assay.records import Outcome
from assay.submission.submission import read
from tests.handout import courses
from tests.toys import toy as toys

WINDOWS = Path(__file__).parent / "windows"


def write(folder: Path, *cells: str, crlf: bool = False) -> None:
    content = toys.notebook(toys.PARAMETERS, *cells)
    content = content.replace(b"\n", b"\r\n") if crlf else content
    (folder / "notebooks" / "sums.ipynb").write_bytes(content)


def tried(folder: Path) -> Tried:
    scratch = folder.parent / "scratch"
    scratch.mkdir()
    return attempt.attempt(folder, folder_of(folder), scratch)


def ran(folder: Path, *arguments: str, windows: bool = False) -> "subprocess.CompletedProcess[str]":
    """`assay try` in a process of its own; `windows` takes away what that has not."""
    environment = dict(os.environ)
    if windows:
        environment |= {"PYTHONPATH": str(WINDOWS), "PYTHONIOENCODING": "cp1252"}
    return subprocess.run(
        [sys.executable, "-m", "assay", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="cp1252" if windows else "utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    "answer",
    [
        courses.RIGHT,
        courses.WRONG,
        courses.RIGHT.replace("x + y", "x + y + 1"),
        "def cube(x):\n    return x**3",
        "def add(x):\n    return x",
        "def add(x, y):\n    raise ValueError('not yet')",
        "import numpy as np\ndef add(x, y):\n    return x + y + np.random.normal(size=3)",
    ],
    ids=["right", "wrong", "off", "missing", "called otherwise", "raises", "random"],
)
def test_it_says_what_grading_says(course: Assignment, tmp_path: Path, answer: str):
    """Of a public criterion: the same verdict, the same sentence, the same evidence bit by bit."""
    folder = tmp_path / "handout"
    put.put(make.make(course), folder)
    write(folder, answer)
    here = tried(folder).result
    store = Store(tmp_path / "store")
    with toys.session(course, store, tmp_path / "reports") as session:
        there = session.grade(read(folder))

    [ours] = here.criteria
    [theirs] = [criterion for criterion in there.criteria if criterion.name == "add"]
    assert (ours.verdict, ours.earned, ours.title) == (theirs.verdict, theirs.earned, theirs.title)
    [left], [right] = ours.properties, theirs.properties
    assert (left.reason, left.hint, left.mistake) == (right.reason, right.hint, right.mistake)
    kept = Store(folder.parent / "scratch" / "store")
    graded = {record.run.id: store.whole(record, course) for record in there.runs}
    assert len(here.runs) == 2
    for record in here.runs:
        files = kept.files(record.key)
        of_question = {n: said(c) for n, c in files.items() if "/add/" in n}
        assert {n.partition("/")[0] for n in of_question} == {"evidence", "given", "kept"}
        assert {n: said(graded[record.run.id][n]) for n in of_question} == of_question


def said(content: bytes) -> object:
    """Arrays as they are; of a note, all but where files stand: other lines, another folder."""
    if not content.startswith(b"{"):
        return content
    note = json.loads(content)
    put = {key: value for key, value in note.pop("put", {}).items() if key != "line"}
    return {key: value for key, value in note.items() if key != "traceback"} | put


def test_it_is_the_same_on_a_system_without_forks(folder: Path):
    """No fcntl, resource, fork, user, Unix socket or alarm; cp1252, CRLF, a path with spaces."""
    write(folder, courses.WRONG, crlf=True)
    usual, less = ran(folder, "try", "--json"), ran(folder, "try", "--json", windows=True)

    assert less.returncode == usual.returncode == 1, less.stderr
    one, other = (json.loads(each.stdout)["result"] for each in (usual, less))
    assert [c["properties"] for c in one["criteria"]] == [
        c["properties"] for c in other["criteria"]
    ]
    assert [r["fingerprint"] for r in one["runs"]] == [r["fingerprint"] for r in other["runs"]]
    assert courses.MISTAKE in less.stdout


def test_what_it_prints_can_be_written_in_any_encoding(folder: Path):
    """To a file of Windows': a sign that it cannot hold is a `?`, and nothing fails."""
    write(folder, courses.RIGHT, crlf=True)
    ended = ran(folder, "try", windows=True)

    assert ended.returncode == 0, ended.stderr
    assert "Adding" in ended.stdout
    assert "2/2 judged" in ended.stdout
    assert "marked later" in ended.stdout
    assert "The cube  3" in ended.stdout


def test_the_systems_that_are_played_have_less(folder: Path):
    """What grades cannot even be imported there, so the tests above take something away."""
    program = "import assay.execution.runner"
    environment = os.environ | {"PYTHONPATH": str(WINDOWS)}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "on this system" in ended.stderr


def test_check_reads_the_notebook_there_too(folder: Path):
    """`assay check` against the public half."""
    write(folder, courses.RIGHT, crlf=True)
    ended = ran(folder, "check", ".", "--assignment", "check/assignment.toml", windows=True)

    assert ended.returncode == 0, ended.stderr


def test_the_handout_as_it_is_says_what_is_missing(folder: Path):
    """A cell that fails is told with its number."""
    result = tried(folder).result

    assert {record.outcome for record in result.runs} == {Outcome.CELL_FAILED}
    assert "cell 2 raised NotImplementedError" in result.runs[0].reason
    assert result.earned == 0


def test_a_kernel_that_ends_itself_is_told(folder: Path):
    write(folder, "import os\nos._exit(3)", courses.RIGHT)
    result = tried(folder).result

    assert {record.outcome for record in result.runs} == {Outcome.CRASHED}
    assert result.earned == 0


def test_nothing_of_the_folder_is_changed(folder: Path):
    """It runs a copy: what a notebook writes, and what is printed, is not left."""
    write(folder, "from pathlib import Path\nPath('left.txt').write_text('x')", courses.RIGHT)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    tried(folder)

    now = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"}
    assert now == before


def test_modules_come_from_the_copy(folder: Path):
    """Beside the notebook and in `solution`, as where it is marked."""
    (folder / "notebooks" / "mine.py").write_text(courses.RIGHT)
    write(folder, "from mine import add\nimport mine\nassert 'submission' in mine.__file__")

    assert tried(folder).result.earned == 2


def test_what_differs_here_is_named_with_what_to_do(folder: Path):
    """Python, libraries, paths, data, installs and mounts: by `check` and by `try` alike."""
    (folder / "requirements.txt").write_text("# Python 3.2\nnumpy==0.1\nno-such-package==3\n")
    cells = (
        "!pip install --no-index no-such-package",
        "if False:\n    open('/content/drive/MyDrive/a.csv')\n    open('data.csv')\n"
        "    drive.mount('/content/drive')",
    )
    write(folder, *cells)
    checked = ran(folder, "check", ".", "--assignment", "check/assignment.toml", "--json")
    notes = [tried(folder).notes, json.loads(checked.stdout)[0]["notes"]]

    for found in notes:
        for words, what_to_do in {
            "Python is 3.": "3.2 where it is marked",
            "`numpy` is ": "`pip install -r requirements.txt`",
            "`no-such-package` is not installed here": "where it is marked, it is 3",
            "code cell 2 installs packages": "use what is installed",
            "code cell 3 reads a path of your own machine": "name it relatively",
            "code cell 3 reads `data.csv`, which is not handed in": "put it beside the notebook",
            "code cell 3 downloads its data (`drive.mount`)": "hand the file in",
        }.items():
            [note] = [note for note in found if words in note]
            assert what_to_do in note


def test_without_public_questions_it_says_where_they_were_looked_for(tmp_path: Path):
    ended = ran(tmp_path, "try")

    assert ended.returncode == 2
    assert "there are no public questions" in ended.stderr
    assert "hint:" in ended.stderr


def test_the_workflow_that_tries_it_on_other_systems_has_no_fault(tmp_path: Path):
    """What it makes can be tried, and actionlint reads the workflow."""
    root = Path(__file__).parents[2]
    courses.main(tmp_path / "made")
    made = ran(tmp_path / "made", "try")
    workflow = root / ".github" / "workflows" / "ci.yml"
    linter = Path(sys.executable).with_name("actionlint")
    linted = subprocess.run([linter, workflow], capture_output=True, text=True, check=False)

    assert made.returncode == 0, made.stderr
    assert linted.returncode == 0, linted.stdout
    for system in ("macos", "windows"):
        assert f"{system}-" in workflow.read_text(encoding="utf-8")


def test_help_imports_little():
    """What runs notebooks, draws and computes is imported where it is used: help comes at once."""
    program = (
        "import sys; from assay.cli import cli\n"
        "cli(['try', '--help'], standalone_mode=False)\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    slow = {"numpy", "papermill", "nbclient", "nbformat", "pydantic", "jinja2", "scipy", "psutil"}

    assert "public questions" in ended.stdout
    assert not slow & set(ended.stderr.split())
