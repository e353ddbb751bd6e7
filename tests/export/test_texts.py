"""Exports are what the programs of others read, whatever a student wrote into them."""

import base64
import csv
import io
import json
import os
import re
import subprocess
import sysconfig
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pandas
import pytest
import yaml
from lxml import etree

from assay import export
from assay.autograder import bundle
from assay.export import github, gradebooks, gradescope, junit, score
from assay.records import Outcome, Property, Result, Verdict
from tests.report.test_markdown import FORBIDDEN, HOSTILE, criterion, made, tables, tokens

EXTERNAL = Path(__file__).parent / "external"
SCHEMA = json.loads((EXTERNAL / "gradescope-results.schema.json").read_text())
XSD = etree.XMLSchema(etree.parse(EXTERNAL / "junit-10.xsd"))
PICTURE = b"<svg>of ours</svg>"
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)

MISSED = Property(
    name="t", title="It adds", verdict=Verdict.FAILED, held=0, judged=4, reason="off by 2"
)
ASIDE = criterion(Verdict.SET_ASIDE, None, MISSED.model_copy(update={"verdict": "set aside"}))
REVIEW = criterion(Verdict.FOR_REVIEW, None)
HALF = criterion(Verdict.FAILED, 1.0, MISSED)
UNREADABLE = {"runs": [], "parts": [], "criteria": [], "measurements": [], "written": []}


def unreadable(text: str = "it is a PDF") -> Result:
    return made("ada", not_graded=[text], **UNREADABLE)


# The number ---------------------------------------------------------------------------------


def test_points_set_aside_count_like_the_judged_ones():
    """Half of two points was earned, so half of the two set aside counts; review waits."""
    found = score.score(made(criteria=[HALF, ASIDE, REVIEW]))

    assert found == score.Score(points=2.0, set_aside=1.0, waiting=2.0)


def test_the_number_is_explained():
    """Whoever reads it hears what it leaves out, and what it counts."""
    said = " ".join(score.remarks(made(criteria=[HALF, ASIDE, REVIEW])))

    assert "2 points were set aside" in said
    assert "2 points wait for a person" in said


def test_what_cost_nothing_is_no_loss():
    """An undecided criterion keeps its points, and nobody is told that it lost some."""
    undecided = criterion(Verdict.UNDECIDED, 2.0, MISSED)
    result = made(criteria=[HALF, undecided, ASIDE, REVIEW])

    assert score.lost(result) == [HALF]
    assert gradescoped(result)["tests"][1]["status"] == "passed"


# Gradescope ---------------------------------------------------------------------------------


def gradescoped(result: Result, **pictures: bytes) -> dict:
    named = {f"{name}.svg": content for name, content in pictures.items()}
    found = json.loads(gradescope.results_json(result, "after_due_date", named))
    jsonschema.validate(found, SCHEMA)
    return found


@hostile
def test_gradescope_gets_its_own_fields_and_no_other(text: str):
    """Valid by the list of its specifications; student text stands where Gradescope escapes it."""
    found = gradescoped(made(text))
    lines = found["tests"][0]["output"]

    assert found["tests"][0]["output_format"] == found["output_format"] == "text"
    assert FORBIDDEN.search(lines) is None
    assert lines.startswith("- ")


def test_gradescope_gives_partial_credit():
    """A test a criterion, with what it earned of what was judged; the total counts all."""
    found = gradescoped(made(criteria=[HALF, ASIDE, REVIEW]))
    half, aside, review = found["tests"]

    assert (half["score"], half["max_score"], half["status"]) == (1.0, 2.0, "failed")
    assert "score" not in aside
    assert "set aside" in aside["output"]
    assert "score" not in review
    assert "For review" in review["output"]
    assert found["score"] == 2.0
    assert found["visibility"] == "after_due_date"
    assert found["stdout_visibility"] == "hidden"


def test_gradescope_says_why_there_are_no_marks():
    """A submission that could not be read has a result too."""
    found = gradescoped(unreadable())

    assert (found["score"], found["tests"]) == (0.0, [])
    assert "it is a PDF" in found["output"]


class Tags(HTMLParser):
    """The tags of a piece of HTML, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_gradescope_shows_the_pictures_of_the_report():
    """As data inside the one field of HTML; those that are no figures stay where they are."""
    shown = gradescoped(made(), **{"sums-loss": PICTURE, "mine": b"x"})["tests"][-1]
    tags = Tags(shown["output"]).found

    assert shown["output_format"] == "html"
    assert [tag for tag, _ in tags] == ["p", "img"]
    assert tags[1][1]["src"] == f"data:image/svg+xml;base64,{base64.b64encode(PICTURE).decode()}"


def test_too_many_pictures_are_left_out():
    """Rather than a results.json that is too large to be taken."""
    found = gradescoped(made(), **{"sums-loss": b"x" * (gradescope.MAX_PICTURES + 1)})

    assert [test["name"] for test in found["tests"]] == ["Adding"]


# JUnit --------------------------------------------------------------------------------------


def parsed(results: list[Result]) -> etree._Element:
    """The document as a strict reader has it, valid by the schema that Jenkins checks with."""
    root = etree.fromstring(junit.xml(results).encode())
    XSD.assertValid(root)
    return root


@hostile
def test_junit_is_valid_xml(text: str):
    """Control characters, tags and ends of comments included."""
    root = parsed([made(text), unreadable(text)])

    assert root.get("tests") == "2"
    assert FORBIDDEN.search(root.find(".//failure").get("message")) is None


def test_junit_tells_a_students_failure_from_our_fault():
    """Failures and errors are counted apart; what costs nothing yet is skipped."""
    ours = MISSED.model_copy(update={"verdict": Verdict.NOT_JUDGED})
    criteria = [HALF, ASIDE, criterion(Verdict.NOT_JUDGED, None, ours)]
    (suite,) = parsed([made(criteria=criteria)])

    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["3", "1", "1", "1"]
    assert suite.find("testcase/failure").get("message") == "off by 2"
    assert suite.find("testcase").get("classname") == "sums.add"


# GitHub -------------------------------------------------------------------------------------


@hostile
def test_a_job_summary_keeps_its_structure(text: str):
    """A reader sees the same tables and headings, and nothing that acts."""
    page, expected = github.job_summary([made(text)]), github.job_summary([made()])

    assert [len(row) for row in tables(page)] == [len(row) for row in tables(expected)]
    assert tokens(page) <= tokens(expected) | {"text_special", "code_inline"}
    assert FORBIDDEN.search(page) is None


def test_a_job_summary_is_no_longer_than_github_takes():
    """Sections are left out whole, and it says so."""
    page = github.job_summary([made("x" * 400, criteria=[HALF] * 40)] * 2000)

    assert len(page.encode()) <= github.MAX_SUMMARY
    assert page.rstrip().endswith("no more than 1 MB.")


@hostile
def test_an_annotation_is_one_command(text: str):
    """No line of a student's begins a command of its own."""
    lines = github.annotations([made(text)]).splitlines()

    assert [re.match(r"::(\w+) ", line)[1] for line in lines] == [
        "error",
        "warning",
        "notice",
        "notice",
    ]
    refused = github.annotations([made(text, not_graded=[text], **UNREADABLE)] * 2).splitlines()

    assert len(refused) == 2
    assert not any(FORBIDDEN.search(line) for line in [*lines, *refused])
    assert all(re.fullmatch(r"::error title=[^:,\n]*::.*", line) for line in refused)


def test_annotations_escape_as_the_runner_reads_them():
    """Percent signs, ends of lines, and in properties colons and commas too."""
    said = github.command("error", "50%\n::stop", file="a,b:c.ipynb")

    assert said == "::error file=a%2Cb%3Ac.ipynb::50%25%0A::stop"


def test_classroom_finds_the_points():
    """In notices of the two titles that GitHub Classroom reads."""
    lines = github.annotations([made(criteria=[HALF, REVIEW])]).splitlines()

    assert "::notice title=Autograding complete::Points 1/4" in lines
    assert '::notice title=Autograding report::{"totalPoints": 1.0, "maxPoints": 4.0}' in lines
    assert "Autograding" not in github.annotations([made(), made()])


def test_the_workflow_has_no_fault_that_actionlint_knows(tmp_path: Path):
    """And the names that GitHub Classroom looks for."""
    path = tmp_path / ".github" / "workflows" / "classroom.yml"
    path.parent.mkdir(parents=True)
    path.write_text(bundle.classroom("0-1"))
    actionlint = Path(sysconfig.get_path("scripts"), "actionlint")
    found = subprocess.run([actionlint, "-no-color", path], capture_output=True, text=True)

    assert (found.returncode, found.stdout) == (0, "")
    assert path.read_text().count("name: Autograding Tests") == 1
    assert "run-autograding-tests:" in path.read_text()


@pytest.mark.parametrize(
    ("files", "installed"),
    [
        (["requirements.txt", "assignment.toml"], "-r requirements.txt"),
        (["pyproject.toml", "constraints.txt"], "-c constraints.txt .[assignment]"),
        (["pyproject.toml"], ".[assignment]"),
        (["assignment.toml"], ""),
    ],
)
def test_the_workflow_installs_what_the_course_has(
    tmp_path: Path, files: list[str], installed: str
):
    """A course of `assay new` is no package: its requirements are installed; none are a fault."""
    steps = yaml.safe_load(bundle.classroom(""))["jobs"]["run-autograding-tests"]["steps"]
    step = next(step for step in steps if step.get("working-directory") == "course")
    for name in files:
        (tmp_path / name).touch()
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    path = f"{python.parent}:{os.environ['PATH']}"
    said = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=tmp_path,
        env={"PATH": path},
        capture_output=True,
        text=True,
    )

    assert said.returncode == (0 if installed else 1)
    if installed:
        assert said.stdout == f"-m pip install {installed}\n"
    else:
        assert "::error::" in said.stdout


# Gradebooks ---------------------------------------------------------------------------------

CLASS = [made("ada", criteria=[HALF, REVIEW]), made("zoë_7_9_hw"), unreadable()]


def table(name: str, results: list[Result], column: str = "Homework") -> pandas.DataFrame:
    """What pandas reads of it; numbers are numbers."""
    return pandas.read_csv(io.StringIO(export.text(name, results, column)))


def test_canvas_imports_it():
    """Its columns in its order, the points possible in the first row, a number a student."""
    found = table("canvas", CLASS)

    assert list(found) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Homework"]
    assert found["Student"][0].strip() == "Points Possible"
    assert list(found["Homework"])[:3] == [4.0, 1.0, 1.5]
    assert pandas.isna(found["Homework"][3])
    assert list(found["SIS Login ID"].fillna(""))[1:3] == ["ada", ""]
    assert list(found["ID"])[2] == 7


def test_no_student_is_taken_for_the_points_possible():
    """Canvas looks for these words in any row, and would set the assignment's points by it."""
    found = table("canvas", [made("a Points  Possible"), made("Points\u00a0Possible")])

    assert [bool(re.search(r"Points\s+Possible", name)) for name in found["Student"]] == [
        True,
        False,
        False,
    ]


def test_moodle_imports_it():
    """One identifier, one grade and the feedback to it."""
    found = table("moodle", [*CLASS, made("Ada L_12_assignsubmission_file")])

    assert list(found["Identifier"]) == ["ada", "zoë_7_9_hw", "ada", "Participant 12"]
    assert list(found["Homework"])[:2] == [1.0, 1.5]
    assert "Adding 1/2: off by 2" in found["Homework (Feedback)"][0]


def test_nbgrader_has_its_columns():
    """Those that `nbgrader export` of version 0.9.6 writes, in its order."""
    columns = (
        "assignment duedate timestamp student_id last_name first_name email "
        "raw_score late_submission_penalty score max_score"
    )
    found = table("nbgrader", CLASS)

    assert list(found) == columns.split()
    assert list(found["score"])[:2] == [1.0, 1.5]


@hostile
@pytest.mark.parametrize("name", ["canvas", "moodle", "nbgrader"])
def test_no_cell_of_a_gradebook_computes(name: str, text: str):
    """As many rows and cells as there should be, and none that a spreadsheet evaluates."""
    result = made(text, criteria=[criterion(Verdict.FAILED, 1.0, missed(text))])
    rows = list(csv.reader(io.StringIO(export.text(name, [result], text[:300]))))

    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == (3 if name == "canvas" else 2)
    assert [cell for row in rows for cell in row if cell.lstrip()[:1] in tuple("=+-@")] == []
    assert not any(FORBIDDEN.search(cell) for row in rows for cell in row)


def missed(text: str) -> Property:
    return MISSED.model_copy(update={"reason": text})


@hostile
def test_every_format_takes_any_text(text: str):
    """Also where a submission could not be read, or its runs did not end well."""
    crashed = made(text)
    runs = [run.model_copy(update={"outcome": Outcome.CRASHED}) for run in crashed.runs]
    results = [crashed.model_copy(update={"runs": runs}), unreadable(text)]

    for name in export.FORMATS:
        assert export.text(name, results, text).encode()


def test_the_feedback_of_a_gradebook_fits_a_cell():
    """It is cut where there is too much of it."""
    long = made("ada", criteria=[HALF] * 500)
    cells = next(csv.reader(io.StringIO(gradebooks.moodle([long], "x").split("\r\n", 1)[1])))

    assert len(cells[-1]) <= gradebooks.MAX_CELL
