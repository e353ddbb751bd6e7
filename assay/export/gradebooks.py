"""Tables for gradebooks: one row a submission, one number each, no cell that is a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from assay.export import score
from assay.records import Result
from assay.report import safe, summary

CANVAS_FILE = re.compile(r"(?P<student>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_.*")
"""What Canvas calls a file among all submissions of an assignment: name, user, submission."""
MOODLE_FOLDER = re.compile(r"(?P<student>.+)_(?P<id>\d+)_assignsubmission_.*")
NBGRADER = [
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
]
"""The columns that `nbgrader export` writes."""
MAX_CELL = 2_000


def canvas(results: Sequence[Result], column: str) -> str:
    """For the import of Canvas's gradebook: students, then the assignment's column.

    A student is known by the user's number where Canvas itself named the file, else by its login.
    """
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", safe.csv(column)],
        ["    Points Possible", "", "", "", "", _number(score.possible(results))],
    ]
    for result in results:
        known = CANVAS_FILE.fullmatch(result.submission)
        name, login = (known["student"], "") if known else (result.submission, result.submission)
        student = re.sub(r"Points\s+Possible", "Points-Possible", name)  # the row above, to Canvas
        rows.append([*_safe(student, known["id"] if known else "", "", login, ""), _points(result)])
    return _table(rows)


def moodle(results: Sequence[Result], column: str) -> str:
    """For `Import, CSV file` of Moodle's gradebook: identifier, grade, maximum, feedback.

    The identifier is the name of the submission, or the participant's where Moodle named it.
    """
    grade = safe.csv(column)
    rows = [["Identifier", "Full name", grade, "Maximum Grade", f"{grade} (Feedback)"]]
    maximum = _number(score.possible(results))
    for result in results:
        known = MOODLE_FOLDER.fullmatch(result.submission)
        who = [f"Participant {known['id']}", known["student"]] if known else [result.submission] * 2
        rows.append([*_safe(*who), _points(result), maximum, *_safe(feedback(result))])
    return _table(rows)


def nbgrader(results: Sequence[Result], column: str) -> str:
    """The table that `nbgrader export` writes; what assay does not know is left empty."""
    maximum = _number(score.possible(results))
    rows = [NBGRADER]
    for result in results:
        who = _safe(column, "", "", result.submission, "", "", "")
        rows.append([*who, _points(result), "0.0", _points(result), maximum])
    return _table(rows)


def feedback(result: Result) -> str:
    """One line: what was lost and why, and what the number leaves out."""
    lost = [
        f"{criterion.title} {summary.mark(criterion)}: {reason}"
        for criterion in score.lost(result)
        for reason, _ in list(score.shortcomings(criterion))[:1]
    ]
    return ". ".join([*lost, *score.remarks(result)])


def _points(result: Result) -> str:
    """Nothing where there is no mark: a gradebook then keeps what it has."""
    return "" if result.not_graded else _number(score.score(result).points)


def _number(value: float) -> str:
    return f"{value:.2f}"


def _safe(*texts: str) -> list[str]:
    """Cells of text, none of which begins a formula."""
    return [safe.csv(text, MAX_CELL) for text in texts]


def _table(rows: Iterable[Sequence[str]]) -> str:
    """As RFC 4180 has it."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
