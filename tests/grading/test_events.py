"""What a session emits, as a log shows it and as lines of JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay import events
from assay.errors import CannotGrade
from tests.toys import toy as toys
from tests.toys.made import made


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, "subprocess.CompletedProcess[str]"]:
    """The same two submissions graded with a log, and with lines of JSON."""
    root = tmp_path_factory.mktemp("events") / "course"
    with toys.course(root):
        (root / "ada.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, toys.ADD))
        (root / "eve.ipynb").write_bytes(b"no notebook")
        command = [sys.executable, "-m", "assay", "grade", "ada.ipynb", "eve.ipynb"]
        ways = {"log": ["-v"], "json": ["-v", "--json"], "neither": ["--json"]}
        return {name: graded([*command, *words], root) for name, words in ways.items()}


def graded(command: list[str], root: Path) -> "subprocess.CompletedProcess[str]":
    command = [*command, "--require-isolation", "0"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_events_are_lines_of_json(said: dict[str, "subprocess.CompletedProcess[str]"]):
    """Beside the result on stdout, which stays one document."""
    lines = [line for line in said["json"].stderr.splitlines() if line.startswith("{")]
    told = [json.loads(line) for line in lines]
    (marks,) = [event for event in told if event["event"] == "SubmissionGraded"]
    (failed,) = [event for event in told if event["event"] == "Failed"]

    assert (marks["submission"], marks["earned"], marks["judged"]) == ("ada", 2.0, 2.0)
    assert (failed["submission"], failed["exit_code"]) == ("eve", 3)
    assert {"ada"} <= {event["submission"] for event in told if event["event"] == "RunFinished"}
    assert [one["submission"] for one in json.loads(said["json"].stdout)] == ["ada", "eve"]


def test_a_log_has_a_short_line_for_each(said: dict[str, "subprocess.CompletedProcess[str]"]):
    """With the time, among the lines of the progress; without `-v` there is none."""
    (line,) = [line for line in said["log"].stderr.splitlines() if "SubmissionGraded(" in line]

    assert "assay.grading.session: SubmissionGraded(submission='ada', earned=2.0" in line
    assert len(line) < 200
    assert "assay.grading" not in said["neither"].stderr


def test_every_event_is_plain(tmp_path: Path):
    """All can be written as JSON."""
    error = CannotGrade("`ada` is empty", found="no cell", hint="save it")
    told: list[events.Event] = [
        events.RunsPlanned("ada", 2),
        events.RunFinished("ada", made().runs[0], True),
        events.SubmissionGraded("ada", made()),
        events.Failed("ada", error),
        events.Message("a sentence"),
    ]

    assert [json.loads(json.dumps(events.plain(one)))["event"] for one in told] == [
        "RunsPlanned",
        "RunFinished",
        "SubmissionGraded",
        "Failed",
        "Message",
    ]
