"""The handout of a small course: what is in it, what is not, and what it is worth."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from assay.cli import cli
from assay.course import assignment as assignments
from assay.course.assignment import Assignment
from assay.errors import CourseFault, UsageError
from assay.handout import check, make, put
from assay.submission.submission import Submission
from tests.toys import toy as toys

MODULE = '''\
"""Sums."""

import numpy as np


def add(x, y):
    """The sum of x and y."""
    return x + y + 0 * np.zeros(3)
'''
MISTAKE = "the second of the two is taken away instead of added"
NAMES = """\
from assay.rubric import Row
NAMES = (Row(("add",), "(x, y)", "the sum, entry by entry"),)
"""
TEST = f'''\
import numpy as np, pytest
from assay.rubric import KnownMistake, Wrong
pytestmark = pytest.mark.criterion("add")
def test_adds(evidence, kept):
    """The sum of two arrays is right | in each entry."""
    if np.allclose(evidence["add/plain"].out, kept["add/plain"].sum):
        return
    raise KnownMistake("{MISTAKE}")
'''


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    """A course with a module, a data file and an answer that is marked."""
    with toys.course(tmp_path / "course", tests={"test_add.py": TEST, "names.py": NAMES}) as made:
        answer = (
            (made.root / "solution" / "__init__.py", b""),
            (made.root / "solution" / "sums.py", MODULE.encode()),
            (made.root / "notebooks" / "rows.csv", b"a,b\n1,2\n"),
        )
        for path, content in answer:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        book(made, "from solution.sums import add", "total = add(40, 1)  # the whole answer")
        yield made


def book(course: Assignment, setup: str, answer: str, tag: str = "solution") -> None:
    """Write the course's notebook: parameters, a setup that is given, and the answer."""
    written = toys.notebook(toys.PARAMETERS, setup, answer, tags={0: "parameters", 2: tag})
    made = nbformat.reads(written.decode(), 4)
    made.cells.insert(0, nbformat.v4.new_markdown_cell("# Sums\n\nAdd two arrays.", id="title"))
    (course.root / "notebooks" / "sums.ipynb").write_text(nbformat.writes(made))


def test_what_is_in_it(course: Assignment):
    """Prompts, parameters and setup as they were; stubs, data, a README, an adapter, versions."""
    made = make.make(course)
    cells = json.loads(made.files["notebooks/sums.ipynb"])["cells"]

    assert set(made.files) == {
        *("notebooks/sums.ipynb", "notebooks/rows.csv", "solution/__init__.py"),
        *("solution/sums.py", "adapter.py", "requirements.txt", "README.md"),
    }
    assert ["".join(cell["source"]) for cell in cells] == [
        "# Sums\n\nAdd two arrays.",
        toys.PARAMETERS,
        "from solution.sums import add",
        "# Your code here\nraise NotImplementedError",
    ]
    assert cells[1]["metadata"]["tags"] == ["parameters"]
    assert "x + y" not in made.files["solution/sums.py"].decode()
    assert made.files["notebooks/rows.csv"] == b"a,b\n1,2\n"
    assert b"\nnumpy==" in made.files["requirements.txt"]


def test_the_readme_says_what_is_asked_and_what_it_is_worth(course: Assignment):
    """Criteria with points and the first lines of their tests, the names, the runs, the limits."""
    readme = make.make(course).files["README.md"].decode()

    assert "| Adding | 2 | The sum of two arrays is right \\| in each entry. |" in readme
    assert "| `add(x, y)` | the sum, entry by entry |" in readme
    assert "1 run, 1 seed; `dataset` each of `a`." in readme
    assert MISTAKE not in readme


def test_the_adapter_binds_nothing_as_it_is(course: Assignment):
    """Every line is a comment."""
    adapter = make.make(course).files["adapter.py"].decode()

    assert "def add(x, y)" in adapter
    assert all(line.startswith("#") or not line for line in adapter.splitlines())


def test_nothing_of_the_answer_is_given_away(course: Assignment):
    assert list(check.leaks(course, make.make(course))) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", "so: `total = add(40, 1)  # the whole answer`", "a line of the answer"),
        ("old.ipynb.bak", '"total = add(40, 1)  # the whole answer\\n",', "a line of the answer"),
        ("more.md", f"Many write that {MISTAKE}.", "names a known mistake"),
        ("rubric.py", NAMES, "a file of the rubric"),
    ],
)
def test_what_lies_beside_the_answer_may_give_it_away(
    course: Assignment, name: str, content: str, said: str
):
    """A file that is handed out as it is, is looked into; a copy of the rubric is known by it."""
    (course.root / "notebooks" / name).write_text(content)

    [found] = check.leaks(course, make.make(course))
    assert said in found


def test_the_handout_earns_nothing_and_the_answer_everything(course: Assignment, tmp_path: Path):
    """With sentences that say what is missing, and no error of ours."""
    with toys.session(course, toys.Store(tmp_path / "store"), tmp_path / "reports") as session:
        found = check.check(session, make.make(course))

    assert found.faults == ()
    assert found.empty
    assert found.restored
    assert (found.empty.earned, found.empty.judged_points) == (0, 2)
    assert (found.restored.earned, found.restored.judged_points) == (2, 2)
    [adding] = found.empty.criteria
    assert "NotImplementedError" in adding.properties[0].reason


def test_a_handout_that_earns_points_is_a_fault(course: Assignment, tmp_path: Path):
    """What was to be cut stands in a cell that is not marked."""
    book(course, toys.ADD, "total = 1 + 40  # the whole answer")
    with toys.session(course, toys.Store(tmp_path / "store"), tmp_path / "reports") as session:
        found = check.check(session, make.make(course))

    assert found.faults[0].startswith("the handout earns 2 of 2 for `Adding`")


def test_an_answer_that_loses_points_is_a_fault(course: Assignment, tmp_path: Path):
    """What is put back is the answer as it is, and it has to be right."""
    (course.root / "solution" / "sums.py").write_text(MODULE.replace("x + y", "x - y"))
    with toys.session(course, toys.Store(tmp_path / "store"), tmp_path / "reports") as session:
        session.own = True
        found = check.check(session, make.make(course))

    [fault] = found.faults
    assert "with the answer put back earns 0 of 2 for `Adding`" in fault
    assert MISTAKE in fault


def test_the_zip_is_the_folder(course: Assignment, tmp_path: Path):
    """The same bytes each time; what is handed in of it is a submission."""
    made = make.make(course)
    archive = put.put(made, tmp_path / "ho ü")
    with zipfile.ZipFile(archive) as members:
        inside = {name: members.read(name) for name in members.namelist()}

    assert inside == {f"ho ü/{name}": content for name, content in made.files.items()}
    assert put.packed(made, "ho ü") == archive.read_bytes()
    assert zipfile.is_zipfile(io.BytesIO(put.packed(made, "x")))
    for name, content in made.files.items():
        assert (tmp_path / "ho ü" / name).read_bytes() == content
    with pytest.raises(UsageError, match="is there already"):
        put.require_new(tmp_path / "ho ü")


def run(course: Assignment, *arguments: str) -> "tuple[int, str]":
    options = ["--assignment", str(course.root / "assignment.toml")]
    ended = CliRunner().invoke(cli, ["handout", *arguments, *options])
    said = str(ended.exception) if isinstance(ended.exception, Exception) else ended.output
    return getattr(ended.exception, "exit_code", ended.exit_code), said


def test_the_command_makes_it(course: Assignment, tmp_path: Path):
    """A folder and a zip; it writes over nothing."""
    code, said = run(course, str(tmp_path / "out"))

    assert code == 0
    assert "✓ 7 files" in said
    assert (tmp_path / "out" / "README.md").is_file()
    assert (tmp_path / "out.zip").is_file()
    assert run(course, str(tmp_path / "out"))[0] == 2


def test_the_command_writes_nothing_that_gives_the_answer_away(course: Assignment, tmp_path: Path):
    """It exits with 4, and says which line stands where."""
    (course.root / "notebooks" / "notes.txt").write_text("total = add(40, 1)  # the whole answer")
    code, said = run(course, str(tmp_path / "out"))

    assert code == 4
    assert "`notebooks/notes.txt` holds a line of the answer in `notebooks/sums.ipynb`" in said
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize("break_", ["no notebook", "no marks"])
def test_an_answer_that_cannot_be_cut_is_an_error(course: Assignment, break_: str):
    """Nothing is guessed: the course says where its answer is."""
    path = course.root / "notebooks" / "sums.ipynb"
    if break_ == "no notebook":
        path.unlink()
    else:
        path.write_bytes(toys.notebook(toys.PARAMETERS, toys.ADD))

    with pytest.raises(CourseFault):
        make.make(assignments.read(course.root / "assignment.toml"))


def test_what_is_put_back_is_graded_as_a_students(course: Assignment):
    """Not as the reference, which is judged more kindly."""
    made = make.make(course)
    whole = Submission(check.RESTORED, {**made.files, **made.answer.files})

    assert not whole.is_reference


@pytest.mark.parametrize(
    ("line", "tells"),
    [("return {", False), ("else:", False), ("return None", False), ("return x * y", True)],
)
def test_a_line_of_keywords_tells_nothing(line: str, tells: bool):
    """A rubric has `return {` as well as the answer."""
    assert check._says(line) is tells
