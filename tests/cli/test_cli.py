"""The command line: the result on stdout, talk on stderr, and an exit code that means something."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay import cli, export
from assay.cli import values
from assay.evidence import packing
from assay.evidence.store import Store
from assay.execution import isolation
from assay.execution.execute import Ended, execute
from assay.execution.machine import Machine
from assay.grading import publish
from assay.grading.session import Session
from assay.records import Isolation
from assay.sandbox.level import Level
from assay.sandbox.sandbox import Sandbox
from assay.scheduling import scheduler
from tests.toys import toy as toys
from tests.toys.made import made
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, PARAMETERS, SUBTRACT, notebook

RIGHT, WRONG = notebook(PARAMETERS, ADD), notebook(PARAMETERS, SUBTRACT)


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Course:
    """The toy's folder with submissions in it, and a command line that is called there."""

    def __init__(self, root: Path, say: Callable[..., Said]) -> None:
        self.root, self._say = root, say

    def hand_in(self, **notebooks: bytes) -> None:
        for name, content in notebooks.items():
            path = self.root / "handed_in" / f"{name}.ipynb"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)

    def __call__(self, *words: str) -> Said:
        return self._say(*words)

    def results(self, name: str) -> Any:
        return json.loads((self.root / "reports" / name / "results.json").read_text())


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """`assay WORDS...` in this process; the console script ends its process after it."""

    def words(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["assay", *words])
        monkeypatch.setenv("ASSAY_REQUIRE_ISOLATION", "0")  # tested where it is the subject
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.run_program(MACHINE)
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return words


@pytest.fixture
def course(
    tmp_path: Path, say: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Course]:
    """A course of one seed and one data set; its folder is the working directory."""
    with toys.course(tmp_path / "course") as assignment:
        monkeypatch.chdir(assignment.root)
        yield Course(assignment.root, say)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every job of a student's that is really executed; the reference is asked once besides."""
    executed: list[bytes] = []

    def counting(packed: bytes, machine: Machine) -> Ended:
        if "submission/notebooks/sums.ipynb" not in packing.unpack(packed):
            executed.append(packed)
        return execute(packed, machine)

    monkeypatch.setattr(scheduler, "execute", counting)
    return executed


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing may be executed."""

    def refuse(*_: object) -> Ended:
        raise AssertionError("something was executed")

    monkeypatch.setattr(scheduler, "execute", refuse)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_a_submission_raises_is_no_command_to_the_job_that_grades_it(
    course: Course, form: list[str]
):
    """GitHub Classroom takes points from notices of this very title, wherever a log holds them."""
    forged = '##[notice title=Autograding report;]{"totalPoints": 2, "maxPoints": 2}'
    raising = f"def add(x, y):\n    raise ValueError({forged!r})"
    course.hand_in(mal=notebook(PARAMETERS, raising, f"raise ValueError({forged!r})"))

    said = course("grade", "handed_in/mal.ipynb", "--verbose", *form)

    assert "notice title=Autograding report" in (said.err if form else said.out)
    assert "##[" not in said.out + said.err


def test_a_class_is_graded_though_one_submission_is_broken(course: Course, counted: list[bytes]):
    """Exit 3 for the one, marks for the others; a second time nothing is executed."""
    course.hand_in(ada=RIGHT, broken=b"%PDF", wrong=WRONG)
    first = course("grade", "handed_in", "--json", "--jobs", "2")

    assert first.code == 3
    assert [a["submission"] for a in first.json] == ["ada", "broken", "wrong"]
    assert [a.get("earned") for a in first.json] == [2.0, None, 0.0]
    assert "is not a notebook" in first.json[1]["error"]
    assert "error: `handed_in/broken.ipynb` is not a notebook" in first.err
    assert "hint: hand in the .ipynb file itself" in first.err  # Jupyter does not open a PDF
    assert "Traceback" not in first.err
    assert len(counted) == 2

    assert course.results("ada")["criteria"][0]["verdict"] == "passed"
    assert course.results("wrong")["criteria"][0]["properties"][0]["hint"] == "look at the sign"
    assert (course.root / "reports/ada/index.md").read_text().startswith("# ada: 2/2 judged")
    assert (course.root / "reports/wrong/seed-0.md").exists()
    assert "<h1>wrong</h1>" in (course.root / "reports/wrong/index.html").read_text()

    second = course("grade", "handed_in", "--json")

    assert second.json == first.json
    assert len(counted) == 2

    below = course("judge", "handed_in/wrong.ipynb", "--pass-mark", "50")
    above = course("judge", "handed_in/ada.ipynb", "--pass-mark", "100")

    assert (below.code, above.code) == (1, 0)


def test_step_by_step_is_the_same_as_grade(course: Course, counted: list[bytes]):
    """run, judge, report: each leaves files for the next, and says where."""
    course.hand_in(ada=RIGHT)
    too_early = course("judge", "handed_in/ada.ipynb")
    run = course("run", "handed_in/ada.ipynb")
    unjudged = course("report", "handed_in/ada.ipynb")
    judged = course("judge", "handed_in/ada.ipynb")
    reported = course("report", "handed_in/ada.ipynb")

    assert (too_early.code, unjudged.code) == (3, 3)
    assert "has not been run as it is now" in too_early.err
    assert "has not been judged" in unjudged.err
    assert (run.code, judged.code, reported.code) == (0, 0, 0)
    assert run.out.startswith("ada sums/a/seed-0: completed")
    assert "✓ Adding" in judged.out
    assert reported.out == "reports/ada/index.html\n"
    assert len(counted) == 1

    forced = course("run", "handed_in/ada.ipynb", "--force")

    assert forced.code == 0
    assert len(counted) == 2


def test_a_profile_says_what_questions_and_cells_took(course: Course):
    """Printed where it is asked for; in the results and in the report always."""
    slow = (
        "import time\ndef add(x, y):\n    until = time.process_time() + 0.4\n"
        "    while time.process_time() < until: pass\n    return x + y"
    )
    course.hand_in(ada=notebook(PARAMETERS, slow))
    run = course("run", "handed_in/ada.ipynb", "--profile")
    again = course("run", "handed_in/ada.ipynb")
    course("grade", "handed_in/ada.ipynb")

    assert [line.split()[:2] for line in run.out.splitlines() if line.startswith("  ")][1:] == [
        ["cell", "1"],
        ["cell", "2"],
        ["add/plain", run.out.splitlines()[-1].split()[1]],
    ]
    assert "% of it asking" in run.out
    assert "add/plain" not in again.out
    (record,) = course.results("ada")["runs"]
    assert record["questions"]["add/plain"]["cpu_seconds"] > 0.2
    page = (course.root / "reports" / "ada" / "index.html").read_text()
    assert "Time by cell and by question" in page
    assert "<code>add/plain</code>" in page


def test_progress_is_talk_and_the_result_is_data(course: Course):
    """stdout holds the marks alone; the bar and the warning stand on stderr."""
    course.hand_in(ada=RIGHT)
    said = course("grade", "handed_in/ada.ipynb")

    assert said.code == 0
    assert said.out.startswith("ada   sums: 1 seed x 1 dataset   isolation: ")
    assert "2/2 judged     reports/ada/index.html" in said.out
    assert "isolation: " in said.err
    assert "sums/a/seed-0" in said.err


def test_each_step_can_be_followed(course: Course):
    """`-v` logs what each command does; with `--json` it prints events instead, and no log."""
    course.hand_in(ada=RIGHT)
    silent = course("run", "handed_in/ada.ipynb", "--json")
    run = course("run", "handed_in/ada.ipynb", "--json", "-v")
    judged = course("judge", "handed_in/ada.ipynb", "-v")
    reproduced = course("reproduce", "-v")
    calibrated = course("calibrate", "--seeds", "1", "-v", "--json")
    lines = [json.loads(line) for line in run.err.splitlines()]

    assert '"event"' not in silent.err
    assert [line["event"] for line in lines if line["event"] != "Message"] == [
        "RunsPlanned",
        "RunFinished",
    ]
    assert run.json == silent.json
    assert "SubmissionGraded(submission='ada'" in judged.err
    assert "SubmissionGraded(submission='reference'" in reproduced.err
    assert '{"event": "RunFinished"' in calibrated.err


def test_reproduce_verifies_every_array(course: Course, counted: list[bytes]):
    """The reference is run twice more, from nothing, and its arrays are counted."""
    said = course("reproduce", "--verify", "--json")

    assert said.code == 0
    assert said.json[0]["submission"] == "reference"
    assert said.json[0]["audit"] == {"runs": 1, "arrays": 1, "differing": [], "unmade": []}
    assert "All of them are identical" in (course.root / "reports/reference/index.md").read_text()
    assert "warning" not in said.err
    assert course.results("reference")["criteria"][0]["earned"] == 2.0


def test_reproduce_names_what_differs(course: Course):
    """A solution that draws at random is found out: exit 1, and the array's name."""
    book = notebook(PARAMETERS, "import os\ndef add(x, y): return x + y + os.urandom(1)[0] * 1e-12")
    (course.root / "notebooks" / "sums.ipynb").write_bytes(book)
    said = course("reproduce", "--verify", "--name", "again")

    assert said.code == 1
    assert "1 of 1 run differ when repeated" in said.out
    assert (
        "sums/a/seed-0: first in the answers; the first recorded array is add/plain/out" in said.out
    )
    assert "the operating system's random numbers" in said.out
    assert (course.root / "reports/again/index.md").exists()


@pytest.mark.parametrize("name", ["..", ".", "", "a/b"])
def test_the_report_of_the_reference_stays_among_reports(
    course: Course, no_kernel: None, name: str
):
    """Its name is no way out of their folder."""
    said = course("reproduce", "--name", name)

    assert said.code == 2
    assert "a plain name, without folders" in said.err


def test_what_differs_between_two_results_is_shown(course: Course):
    """Exit 0 where nothing does, 1 with the criteria that do, 2 where there is no result."""
    course.hand_in(ada=RIGHT, eve=WRONG)
    course("grade", "handed_in")

    assert course("compare", "reports/ada", "reports/ada/results.json").code == 0
    said = course("compare", "reports/ada", "reports/eve")
    assert said.code == 1
    assert "sums/add: passed, 2 points and failed, 0 points" in said.out
    assert course("compare", "reports/ada", "handed_in").code == 2


def test_a_rubric_that_does_not_match_is_our_fault(course: Course):
    """Exit 4, the criteria by name, nothing held against the student."""
    text = (course.root / "assignment.toml").read_text()
    more = '[[part.criterion]]\nname = "more"\ntitle = "More"\npoints = 1\n'
    (course.root / "assignment.toml").write_text(text + more)
    course.hand_in(ada=RIGHT)
    said = course("grade", "handed_in", "--json")

    assert said.code == 4
    assert "no test judges `more`" in said.err
    assert "earned" not in said.json[0]


def test_check_runs_nothing(course: Course, no_kernel: None):
    """It says what would be run, and what cannot be graded."""
    course.hand_in(ada=RIGHT, eve=b"%PDF")
    said = course("check", "handed_in", "--seeds", "0-2,7", "--json")

    assert said.code == 3
    assert said.json[0]["runs"] == [f"sums/a/seed-{seed}" for seed in (0, 1, 2, 7)]
    assert "is not a notebook" in said.json[1]["error"]
    assert not (course.root / "reports").exists()


def test_check_says_so_in_words(course: Course, no_kernel: None):
    """One line a submission."""
    course.hand_in(ada=RIGHT)

    assert course("check", "handed_in/ada.ipynb").out == "✓ ada: can be graded, 1 run over a\n"


def test_an_error_says_what_was_found_and_what_to_do(course: Course, no_kernel: None):
    """`error:`, the indented facts, an empty line, `hint:`; nothing on stdout, no traceback."""
    course.hand_in(eve=b'{"nbformat": 2}')
    said = course("check", "handed_in/eve.ipynb")

    assert said.code == 3
    assert said.out == ""
    assert said.err == (
        "error: `handed_in/eve.ipynb` is not a notebook of format 4\n"
        "  its format is 2, and that is not as it has to be\n"
        "\n"
        "hint: open it in a current Jupyter and save it again\n"
    )


def test_check_tells_every_problem_at_once(course: Course, no_kernel: None):
    """grade names the first and how many there are; check names them all."""
    folder = course.root / "handed_in" / "eve"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "notebooks" / "sums.ipynb").write_bytes(b"%PDF")
    (folder / "link").symlink_to("/etc/passwd")
    checked, graded = course("check", "handed_in"), course("grade", "handed_in")

    assert (checked.code, graded.code) == (3, 3)
    assert checked.err.count("error:") == 2
    assert graded.err.count("error:") == 1
    assert "and 1 more: `assay check` shows them all" in graded.err


def test_a_submission_that_is_refused_has_a_result_too(course: Course, counted: list[bytes]):
    """It says why there are no marks, in words, as data and as a page."""
    course.hand_in(ada=RIGHT, eve=b"%PDF")
    said = course("grade", "handed_in")
    (reason,) = course.results("eve")["not_graded"]

    assert said.code == 3
    assert "`handed_in/eve.ipynb` is not a notebook" in reason
    assert course.results("ada")["not_graded"] == []
    assert "# eve: not graded" in (course.root / "reports/eve/index.md").read_text()
    assert "Not graded" in (course.root / "reports/eve/index.html").read_text()


def test_a_result_that_was_cut_short_is_an_error_in_words(course: Course, no_kernel: None):
    """Exit 2 and the file's name; whoever reads a result meanwhile reads the old one whole."""
    course.hand_in(ada=RIGHT)
    path = course.root / "reports/ada/results.json"
    packing.write_whole(path, b"{")
    with path.open("rb") as reader:
        packing.write_whole(path, b'{"schema_version": 2')
        read = reader.read()
    said = course("report", "handed_in/ada.ipynb")

    assert (said.code, read) == (2, b"{")
    assert "`reports/ada/results.json` is no result" in said.err
    assert "Traceback" not in said.err


def test_a_report_is_written_again_after_one_that_says_why_not(course: Course):
    """The same result as before does not mean that its page still stands there."""
    course.hand_in(ada=RIGHT)
    course("grade", "handed_in/ada.ipynb")
    page = course.root / "reports/ada/index.html"
    first = page.read_text()
    course.hand_in(ada=b"%PDF")
    course("grade", "handed_in/ada.ipynb")
    refused = page.read_text()
    course.hand_in(ada=RIGHT)
    course("grade", "handed_in/ada.ipynb")

    assert "Not graded" in refused
    assert page.read_text() == first


def test_a_report_that_was_cut_short_is_written_again(
    course: Course, monkeypatch: pytest.MonkeyPatch
):
    """What stood there before is not taken for whole when half of it is another result's."""
    course.hand_in(ada=RIGHT)
    course("grade", "handed_in/ada.ipynb")
    page = course.root / "reports/ada/index.html"
    first, write = page.read_text(), publish.write_whole

    def ends(path: Path, content: bytes) -> None:
        write(path, content)
        if path.name == "index.html":
            raise SystemExit

    with monkeypatch.context() as killed:
        killed.setattr(publish, "write_whole", ends)
        course("grade", "handed_in/ada.ipynb", "--seeds", "0-1")
    half = page.read_text()
    course("grade", "handed_in/ada.ipynb")

    assert half != first
    assert page.read_text() == first


def test_nothing_stays_of_an_earlier_report(course: Course):
    """Neither the page of a seed that is not in it, nor a notebook that was not run."""
    course.hand_in(ada=RIGHT)
    course("grade", "handed_in/ada.ipynb", "--seeds", "0-1")
    folder = course.root / "reports/ada"
    (folder / "sums-loss.svg").write_text("<svg/>")
    (folder / "remarks.md").write_text("of a person")
    course("grade", "handed_in/ada.ipynb")
    second = {path.name for path in folder.iterdir()}
    course.hand_in(ada=b"%PDF")
    course("grade", "handed_in/ada.ipynb")

    assert {"seed-0.md", "sums-executed.ipynb", "remarks.md"} <= second
    assert not {"seed-1.md", "sums-loss.svg"} & second
    assert {path.name for path in folder.iterdir()} == {
        "index.html",
        "index.md",
        "remarks.md",
        "results.json",
    }


def test_a_bug_of_ours_costs_one_submission_and_not_the_batch(
    course: Course, counted: list[bytes], monkeypatch: pytest.MonkeyPatch
):
    """Its traceback is shown, its result says whose fault it was, the exit code is 4."""
    course.hand_in(ada=RIGHT, eve=RIGHT)
    grade = Session.grade

    def crashing(session: Any, handed_in: Any) -> Any:
        if handed_in.name == "ada":
            raise RuntimeError("a bug")
        return grade(session, handed_in)

    monkeypatch.setattr(Session, "grade", crashing)
    said = course("grade", "handed_in")

    assert said.code == 4
    assert "Traceback" in said.err
    assert "bug of assay's" in course.results("ada")["not_graded"][0]
    assert course.results("eve")["criteria"][0]["earned"] == 2.0


def test_check_says_what_would_help(course: Course, no_kernel: None):
    """A notebook without parameters can be graded; the note says how to mend it."""
    course.hand_in(eve=notebook(ADD, "x = input()", tags={}))
    said = course("check", "handed_in/eve.ipynb")

    assert said.code == 0
    assert said.out.startswith("✓ eve: can be graded, 1 run over a\n  note: sums: not param")
    assert "code cell 2 asks for keyboard input" in said.out


def test_a_notebook_without_parameters_is_run_once_as_it_stands(
    course: Course, counted: list[bytes]
):
    """Nothing is injected: its own seed holds, and what it is asked it answers."""
    own = "seed = 5\ndef add(x, y):\n    assert seed == 5\n    return x + y"
    course.hand_in(eve=notebook(own, tags={}))
    said = course("grade", "handed_in/eve.ipynb", "--seeds", "0-3")

    assert said.code == 0
    assert len(counted) == 1
    assert course.results("eve")["criteria"][0]["earned"] == 2.0
    assert course.results("eve")["runs"][0]["run"]["parameterised"] is False


HOSTILE_NAME = "a\x1b[31m\u202ecod.\x9b2J"


def test_nothing_that_a_student_named_moves_the_cursor(course: Course, no_kernel: None):
    """Escapes and bidi controls in file names are shown as what they are, on both streams."""
    course.hand_in(**{HOSTILE_NAME: RIGHT, f"{HOSTILE_NAME}2": b"%PDF"})
    for words in (("check", "handed_in"), ("check", "handed_in", "--json")):
        said = course(*words)

        assert not set("\x1b\x9b\u202e") & set(said.out + said.err)


@pytest.mark.parametrize(
    ("words", "code", "found"),
    [
        (("check", "nobody"), 3, "neither a folder nor a notebook"),
        (("check", "handed_in", "--assignment", "none.toml"), 2, "no assignment at `none.toml`"),
        (("check", "handed_in", "--seeds", "a-b"), 2, "expected `0-19` or `1,4,7`"),
        (("check", "handed_in", "--seeds", ""), 2, "expected `0-19` or `1,4,7`"),
        (("check", "handed_in", "--seeds", "-1"), 2, "expected `0-19` or `1,4,7`"),
        (("check", "handed_in", "--seeds", "1.5"), 2, "expected `0-19` or `1,4,7`"),
        (("check", "handed_in", "--seeds", f"{1:020}; id"), 2, "expected `0-19` or `1,4,7`"),
        (("check", "handed_in", "--seeds", "1" * 5_000), 2, "expected `0-19` or `1,4,7`"),
        (("package", "github", "--seeds", f"{1:020}; id"), 2, "expected `0-19` or `1,4,7`"),
        (("check", "handed_in", "--jobs", "0"), 2, "--jobs"),
        (("grade", "handed_in", "--pass-mark", "101"), 2, "--pass-mark"),
        (("grade",), 2, "SUBMISSION"),
        (("check", "handed_in", "--typo"), 2, "--typo"),
        (("typo",), 2, "typo"),
    ],
)
def test_wrong_usage_is_told_apart_from_what_cannot_be_graded(
    course: Course, no_kernel: None, words: tuple[str, ...], code: int, found: str
):
    """2 for the command or the assignment, 3 for the submission; words on stderr only."""
    course.hand_in(ada=RIGHT)
    said = course(*words)

    assert said.code == code
    assert found in said.err
    assert said.out == ""
    assert "Traceback" not in said.err


def test_an_assignment_with_a_slip_exits_with_2(course: Course, no_kernel: None):
    """Its line is told."""
    (course.root / "assignment.toml").write_text("title = 3\n")
    said = course("check", ".")

    assert said.code == 2
    assert "line 1: `title` is 3" in said.err


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("0-3", [0, 1, 2, 3]),
        ("1,4,7", [1, 4, 7]),
        ("5", [5]),
        ("0-2, 7 ,1-3", [0, 1, 2, 7, 3]),
        ("3-3", [3]),
    ],
)
def test_seeds_are_ranges_and_lists(text: str, seeds: list[int]):
    """Both ends of a range count, and none is taken twice."""
    assert values.seeds_of(text) == seeds


def test_a_range_that_runs_backwards_is_wrong_usage(course: Course, no_kernel: None):
    """No seeds is never what was meant."""
    course.hand_in(ada=RIGHT)

    assert course("check", "handed_in", "--seeds", "9-3").code == 2


def test_seeds_go_into_a_script_as_plain_numbers(course: Course, no_kernel: None):
    """However they were written: a script is no place for what somebody typed."""
    workflow = course("package", "github", "--seeds", "0-2, \u0665").out

    assert "--seeds 0,1,2,5" in workflow


def test_an_export_is_written_where_it_can_be(course: Course, no_kernel: None):
    """Folders on the way are made; a place that is none is exit 2 and a sentence."""
    packing.write_whole(course.root / "some/ada.json", made().model_dump_json().encode())
    (course.root / "folder").mkdir()
    packed = course("package", "gradescope", "--out", "new/dir/a.zip")
    in_the_way = course("export", "canvas", "some/ada.json", "--out", "folder")
    below_a_file = course("export", "canvas", "some/ada.json", "--out", "some/ada.json/x.csv")
    refused = course("package", "gradescope", "--out", "folder")

    assert packed.code == 0
    assert (course.root / "new/dir/a.zip").stat().st_size
    for said in (in_the_way, below_a_file, refused):
        assert said.code == 2
        assert "cannot be written" in said.err
        assert "Traceback" not in said.err


def test_several_formats_are_written_beside_each_other(course: Course, no_kernel: None):
    """In one reading, each the same as by itself; of those apart for each result, a folder."""
    for name in ("ada", "bob"):
        result = made(name).model_dump_json()
        packing.write_whole(course.root / "reports" / name / "results.json", result.encode())
    texts = ("canvas", "moodle", "nbgrader", "junit", "github-summary", "github-annotations")
    said = course("export", ",".join((*texts, "gradescope")), "reports", "--out", "all")
    alone = {form: course("export", form, "reports").out for form in texts}
    course("export", "gradescope", "reports/ada", "--out", "ada.json")
    course("export", "gradescope, junit", "reports/ada", "--out", "one")
    written = {path.stem: path.read_bytes().decode() for path in (course.root / "all").glob("*.*")}

    assert said.code == 0
    assert written == alone
    assert all(alone.values())
    assert {path.name for path in (course.root / "all/gradescope").iterdir()} == {
        "ada.json",
        "bob.json",
    }
    for again in ("all/gradescope/ada.json", "one/gradescope.json"):
        assert (course.root / again).read_text() == (course.root / "ada.json").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("canvas,junit",), "several formats need `--out`"),
        (("canvas,excel", "--out", "all"), "'excel' is not one of 'gradescope', 'canvas'"),
        (("canvas,ro-crate", "--out", "all"), "a crate needs `--submission`"),
    ],
)
def test_formats_that_cannot_be_written_are_wrong_usage(
    course: Course, no_kernel: None, words: tuple[str, ...], said: str
):
    """Exit 2 and why, before anything is written."""
    packing.write_whole(course.root / "reports/ada/results.json", made().model_dump_json().encode())
    form, *options = words
    refused = course("export", form, "reports", *options)

    assert refused.code == 2
    assert said in refused.err
    assert not (course.root / "all").exists()


def test_a_command_that_ends_early_leaves_nothing_behind(course: Course, tmp_path: Path):
    """While the canary is loose: its folders are cleared away before the end."""
    course.hand_in(ada=RIGHT)
    with next(course.root.glob("rubric_*/given.py")).open("a") as given:
        given.write("\ndef draw(*_):\n    raise ValueError('no inputs today')\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", "from assay.cli import main; main()", "grade", "handed_in"],
        cwd=course.root,
        env=os.environ | {"TMPDIR": str(temporary), "ASSAY_REQUIRE_ISOLATION": "0"},
        capture_output=True,
        text=True,
    )

    assert "no inputs today" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(temporary.iterdir()) == []


def test_every_format_has_its_name_in_the_help(say: Callable[..., Said]):
    """Those of the table of texts, and the two apart."""
    text = " ".join(say("export", "--help").out.split())

    assert f"FORMAT is {', '.join(export.NAMES)}, or one of a plug-in" in text


@pytest.mark.parametrize(
    ("words", "code"), [(["--version"], 0), (["nonsense"], 2), (["store", "--assignment", "no"], 2)]
)
@pytest.mark.parametrize("end", ["", ">&-", "2>&-", ">&- 2>&-"])
def test_the_program_ends_with_its_code(words: list[str], code: int, end: str, tmp_path: Path):
    """Closed streams change nothing."""
    program = f'{sys.executable} -c "from assay.cli import main; main()" {" ".join(words)} {end}'
    ended = subprocess.run(["bash", "-c", program], cwd=tmp_path, capture_output=True)

    assert ended.returncode == code


def test_nothing_but_the_result_is_on_stdout_where_stderr_is_closed(course: Course):
    """A file that is opened does not take its number."""
    course.hand_in(ada=RIGHT, bob=RIGHT)
    program = (
        f'{sys.executable} -c "from assay.cli import main; main()" check handed_in --json 2>&-'
    )
    ended = subprocess.run(["bash", "-c", program], cwd=course.root, capture_output=True)

    assert ended.returncode == 0
    assert json.loads(ended.stdout)[0]["submission"] == "ada"


def test_ctrl_c_is_told_apart_from_a_low_mark(
    say: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
):
    """Even before there is anything to stop: 130, and never 1."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "session_of", interrupted)

    assert say("check", ".").code == 130


def test_files_that_are_no_submissions_are_named(course: Course):
    """A list among notebooks is not passed over in silence; an essay is somebody's hand-in."""
    course.hand_in(ada=RIGHT, bob=RIGHT)
    (course.root / "handed_in" / "eva.docx").write_bytes(b"PK")
    (course.root / "handed_in" / "names.csv").write_bytes(b"ada")
    said = course("check", "handed_in", "--json")

    assert "not looked at: `" in said.err
    assert "names.csv` is no submission" in said.err
    assert [row["submission"] for row in said.json[:3]] == ["ada", "bob", "eva"]
    assert "names.csv" in str(said.json[3]["not_looked_at"])
    assert "eva.docx` is neither a folder nor a notebook" in said.json[2]["error"]


def test_reports_that_cannot_be_written_are_told_before_anything_is_run(
    course: Course, no_kernel: None
):
    """With the reason, and what names another place."""
    course.hand_in(ada=RIGHT)
    said = course("grade", "handed_in", "--reports", "/proc/reports")

    assert said.code == 2
    assert "`/proc/reports` cannot be written in" in said.err
    assert "`--reports` names another place" in said.err


def test_what_was_never_judged_makes_no_class_page(course: Course):
    """A page of an earlier class stays as it is."""
    course.hand_in(ada=RIGHT, bob=RIGHT)

    assert course("report", "handed_in").code == 3
    assert not (course.root / "reports" / "index.html").exists()


def test_a_result_is_asked_for_by_name(course: Course):
    """Where there are several, and where it is none."""
    for name in ("ada", "bob"):
        packing.write_whole(
            course.root / f"reports/{name}/results.json", made().model_dump_json().encode()
        )
    (course.root / "x.json").write_text("{}")

    assert "it holds 2: name one of them" in course("compare", "reports", "reports").err
    assert "assignment: Field required" in course("export", "canvas", "x.json").err


def test_what_was_said_last_is_not_lost(tmp_path: Path):
    """In a pipe, which is written to when it is flushed."""
    program = [sys.executable, "-c", "from assay.cli import main; main()", "--help"]
    ended = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True)

    assert ended.stdout.rstrip().splitlines()[-1].strip().startswith("verify")


def test_a_rubric_without_an_exam_is_an_error_in_words(course: Course, no_kernel: None):
    """Foreseeable, and the assignment's: exit 2 with the missing file's name."""
    next(course.root.glob("rubric_*/exam.py")).unlink()
    course.hand_in(ada=RIGHT)

    assert course("grade", "handed_in").code == 2


def test_two_submissions_of_one_name_do_not_share_a_report(course: Course, no_kernel: None):
    """`ada.ipynb` and `ada/` are two students, or one who must be asked: never overwritten."""
    course.hand_in(ada=RIGHT)
    (course.root / "handed_in/ada/notebooks").mkdir(parents=True)
    (course.root / "handed_in/ada/notebooks/sums.ipynb").write_bytes(WRONG)
    course.hand_in(bob=RIGHT)
    said = course("check", "handed_in", "--json")

    assert said.code != 0 or len({a["submission"] for a in said.json}) == 3


COMMANDS = (
    "check",
    "run",
    "judge",
    "report",
    "grade",
    "reproduce",
    "review",
    "calibrate",
    "compare",
    "store",
    "doctor",
    "export",
    "package",
    "verify",
    "rerun",
    "class",
    "handout",
    "try",
    "new",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(say: Callable[..., Said], command: str):
    """Its help ends with 0 and says more than its name; what is no export can be had as JSON."""
    said = say(command, "--help")

    assert said.code == 0
    assert f"Usage: assay {command}" in said.out
    assert ("--json" in said.out) == (command not in ("export", "package", "class", "review"))


def test_help_lists_every_command(say: Callable[..., Said]):
    """And the program has no command that the list above does not know."""
    said = say("--help")

    assert all(command in said.out for command in COMMANDS)
    assert sorted(cli.cli.commands) == sorted(COMMANDS)


def test_help_is_quick():
    """`assay --help` loads neither NumPy nor pydantic."""
    program = (
        "import sys; sys.argv = ['assay', '--help']\n"
        "import atexit; atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr))\n"
        "from assay.cli import main; main()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert ended.returncode == 0
    assert "Grade homework that trains" in ended.stdout
    assert "'assay.cli'" in ended.stderr
    assert "'numpy'" not in ended.stderr
    assert "'pydantic'" not in ended.stderr


def test_the_store_says_what_it_holds_and_forgets(course: Course):
    """What was used within so many days stays; `--prune 0` forgets everything.

    Beside the student's run it holds the reference's, which the course was checked by.
    """
    course.hand_in(ada=RIGHT)
    course("run", "handed_in")

    assert "store: 2 runs, 0." in course("store").out
    assert course("store", "--prune", "1").out.startswith("forgotten: 0 runs, 0.0 MB\n")
    assert course("store", "--prune", "0").out.startswith("forgotten: 2 runs, 0.")
    assert "store: 0 runs, 0.0 MB" in course("store").out


def test_the_store_says_what_takes_the_room(course: Course):
    """By submission and part, and what no report has: here the reference's run."""
    course.hand_in(ada=RIGHT, ben=WRONG)
    course("grade", "handed_in")
    lines = course("store").out.splitlines()
    shown = json.loads(course("store", "--json").out)

    assert sorted(line.split("  ")[0] for line in lines[:-1]) == ["(in no report)", "ada", "ben"]
    assert all("1 run" in line and "1 file" in line for line in lines[:-1])
    assert shown["held"]["runs"] == shown["held"]["files"] == 3
    assert sum(share["bytes"] for share in shown["by"]) == shown["held"]["bytes"]
    assert {share["part"] for share in shown["by"]} == {"sums", ""}


@pytest.mark.parametrize("option", ["--prune", "--max-size"])
@pytest.mark.parametrize("value", ["nan", "inf", "-1", "much"])
def test_the_store_forgets_nothing_for_what_is_no_number(course: Course, option: str, value: str):
    """It is wrong usage."""
    said = course("store", option, value)

    assert said.code == 2
    assert f"Invalid value for '{option}'" in said.err
    assert "Traceback" not in said.err


def test_the_store_reads_any_reports(course: Course):
    """A report that cannot be read says nothing, and a name of another's choice moves no cursor."""
    course.hand_in(ada=RIGHT)
    course("grade", "handed_in/ada.ipynb")
    path = course.root / "reports" / "ada" / "results.json"
    named = json.loads(path.read_text()) | {"submission": "a\x1b[31mda"}
    path.write_text(json.dumps(named))
    (course.root / "reports" / "ben").mkdir()
    (course.root / "reports" / "ben" / "results.json").write_text("{")
    (course.root / "reports" / "carl" / "results.json").mkdir(parents=True)
    said = course("store")

    assert said.code == 0
    assert "\x1b" not in said.out
    assert "sums" in said.out
    assert "store: 2 runs" in course("store", "--reports", "nowhere").out


def test_the_store_keeps_to_a_size(course: Course):
    """What was used longest ago goes; nothing does while another command is at work."""
    course.hand_in(ada=RIGHT)
    course("grade", "handed_in")
    store = Store(course.root / ".assay" / "store")
    with store.in_use():
        busy = course("store", "--max-size", "0")
    assert course("store", "--max-size", "1000").out.startswith("forgotten: 0 runs, 0.0 MB\n")
    for number, held in enumerate(store.held()):
        os.utime(store.place(held.key), (1000 + number, 1000 + number))
    _, newest = store.held()
    some = (sum(path.stat().st_size for path in store.notes()) + newest.size + 10) / 1e6

    assert busy.code == 2
    assert "error: nothing was forgotten: another command uses what is kept" in busy.err
    assert "Traceback" not in busy.err
    assert course("store", "--max-size", f"{some:.6f}").out.startswith("forgotten: 1 run, 0.")
    assert [held.key for held in store.held()] == [newest.key]
    assert course("store", "--max-size", "0").out.endswith("store: 0 runs, 0.0 MB\n")
    assert "2/2 judged" in course("grade", "handed_in").out


def test_the_store_stands_beside_the_assignment(course: Course):
    """Wherever the command is called from: evidence is found again, the reference's too."""
    course.hand_in(ada=RIGHT)
    course("run", "handed_in")
    kept = list((course.root / ".assay" / "store").glob("??/*"))

    assert len(kept) == 2
    assert Store(course.root / ".assay" / "store").has(kept[0].stem)


def test_nothing_runs_where_less_is_isolated_than_required(
    course: Course, no_kernel: None, monkeypatch: pytest.MonkeyPatch
):
    """Our fault, exit 4: what is missing, what to do, and not a cell of the student's."""
    weak = Isolation(level=1, missing=["could see a process outside"])
    monkeypatch.setattr(MACHINE.isolation, "warmest", lambda: Sandbox(Level(1), isolation=weak))
    course.hand_in(ada=RIGHT)
    said = course("grade", "handed_in", "--require-isolation", "3")

    assert said.code == 4
    assert said.out == ""
    assert "isolation of level 3 is required, and this machine has level 1" in said.err
    assert "could see a process outside" in said.err
    assert "`assay doctor`" in said.err


@pytest.mark.parametrize(("command", "level"), [("run", 3), ("grade", 3), ("reproduce", 0)])
def test_the_code_of_others_is_not_run_unkept(command: str, level: int):
    """Level 3 for what students hand in; one's own solution may run anywhere."""
    options = {option.name: option for option in cli.cli.commands[command].params}

    assert options["isolation"].default == level


def test_the_isolation_stands_with_every_result(course: Course):
    """On stderr once, in the head of the answer, in every run of the result."""
    course.hand_in(ada=RIGHT)
    said = course("grade", "handed_in/ada.ipynb")
    proved = MACHINE.isolation.warmest().isolation

    assert said.code == 0
    assert said.err.count("isolation: ") == 1
    assert f"isolation: {proved}" in said.out
    assert course.results("ada")["isolation"] == str(proved)
    assert course.results("ada")["runs"][0]["isolation"]["level"] == proved.level


def test_the_doctor_says_what_was_tried(say: Callable[..., Said]):
    """Every attempt of the canary, on the terminal and as JSON."""
    told, data = say("doctor").out, say("doctor", "--json").json

    assert [name for name in isolation.ATTEMPTS if name not in told] == []
    assert list(data["canary"]) == isolation.ATTEMPTS
    assert data["isolation"]["level"] == MACHINE.isolation.best().isolation.level


@pytest.mark.parametrize(
    "words", [["--help"], ["check", "ada.ipynb"], ["check", "ada.ipynb", "--json"]]
)
def test_a_full_disk_behind_stdout_is_a_line_and_an_exit_code(tmp_path: Path, words: list[str]):
    """One line on stderr, and 4: no traceback, and no success."""
    with toys.course(tmp_path / "course") as assignment, Path("/dev/full").open("w") as full:
        (assignment.root / "ada.ipynb").write_bytes(RIGHT)
        program = [sys.executable, "-c", "from assay import cli; cli.main()", *words]
        ended = subprocess.run(
            program,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=assignment.root,
            check=False,
        )

    assert ended.returncode == 4
    assert ended.stderr.splitlines()[-1].startswith(
        "error: no space is left, here or behind stdout"
    )
    assert "Traceback" not in ended.stderr
