"""Tables for gradebooks: one row a person, one number each, no cell that is a formula.

Who handed in is what the platform said of the files; of a group there is a row for each.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from assay.export import score
from assay.records import Person, Result
from assay.report import safe, summary
from assay.submission import platforms

CANVAS_FILE = re.compile(r"\A(?P<student>[^_]{1,200})_(?:LATE_)?(?P<id>\d{1,20})_\d{1,20}_.*")
"""What Canvas calls a file among all submissions of an assignment: name, user, submission."""
MOODLE_FOLDER = re.compile(r"\A(?P<student>.{1,200}?)_(?P<id>\d{1,20})_assignsubmission_.*")
NBGRADER = [
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
]
"""The columns that `nbgrader export` writes."""
RESERVED = r"\s*(?:current|final|unposted current|unposted final)\s+(?:score|grade|points)\b"
"""How the columns begin that Canvas works out by itself, and passes over on import."""
WORKSHEET = [
    *("Identifier", "Full name", "Email address", "Status", "Grade", "Maximum Grade"),
    *("Grade can be changed", "Last modified (submission)", "Last modified (grade)"),
    "Feedback comments",
]
"""The columns of Moodle's own worksheet. Only grade and feedback are read, yet the importer refuses
one without `Identifier`, `Grade` and `Last modified (grade)`; `-` is what it writes for never."""
MAX_CELL = 2_000


def canvas(results: Sequence[Result], column: str) -> str:
    """For the import of Canvas's gradebook: students, then the assignment's column.

    A student is known by the user's number where Canvas itself named the file, else by its login.
    """
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", safe.csv(column)],
        ["    Points Possible", "", "", "", "", _number(score.possible(results))],
    ]
    for result, person in _people(results, "canvas", CANVAS_FILE):
        name = person.name or result.submission
        student = re.sub(r"Points\s+Possible", "Points-Possible", name)  # the row above, to Canvas
        ours = person.platform == "canvas"
        ids = (person.id, "", "") if ours else ("", person.id if person.platform else "", "")
        login = "" if person.platform else result.submission
        rows.append([*_safe(student, *ids[:2], login, ""), _points(result)])
    return _table(rows)


def moodle(results: Sequence[Result], column: str) -> str:
    """For `Import, CSV file` of Moodle's gradebook: identifier, grade, maximum, feedback.

    The identifier is the name of the submission, or the participant's where Moodle named it. Where
    Moodle named all of them, it is the worksheet of the assignment itself: it knows participants.
    """
    if results and all(one.platform == "moodle" for result in results for one in _known(result)):
        return _worksheet(results)
    grade = safe.csv(column)
    rows = [["Identifier", "Full name", grade, "Maximum Grade", f"{grade} (Feedback)"]]
    maximum = _number(score.possible(results))
    for result, person in _people(results, "moodle", MOODLE_FOLDER):
        number = f"Participant {person.id}" if person.platform == "moodle" else person.id
        who = [number or result.submission, person.name or result.submission]
        rows.append([*_safe(*who), _points(result), maximum, *_safe(feedback(result))])
    return _table(rows)


def _known(result: Result) -> Sequence[Person]:
    """Return who handed in; one unknown person if no platform says."""
    return result.people or [Person()]


def _worksheet(results: Sequence[Result]) -> str:
    """For `Upload grading worksheet` of the assignment: by its participants' numbers."""
    rows = [WORKSHEET]
    maximum = _number(score.possible(results))
    for result in results:
        for person in result.people:
            who = _safe(f"Participant {person.id}", person.name, person.email)
            marks = ["", _points(result), maximum, "Yes", "-", "-"]
            rows.append([*who, *marks, *_safe(feedback(result))])
    return _table(rows)


def nbgrader(results: Sequence[Result], column: str) -> str:
    """Return the table that `nbgrader export` writes; what assay does not know is left empty."""
    maximum = _number(score.possible(results))
    rows = [NBGRADER]
    for result, person in _people(results, "", None):
        who = _safe(column, "", "", person.id or result.submission, "", "", person.email)
        rows.append([*who, _points(result), "0.0", _points(result), maximum])
    return _table(rows)


def _people(
    results: Sequence[Result], platform: str, pattern: re.Pattern[str] | None
) -> Iterator[tuple[Result, Person]]:
    """Each result with each who handed it in; by its name alone where nothing else says who."""
    for result in results:
        known = pattern.fullmatch(result.submission) if pattern else None
        if result.people:
            yield from ((result, person) for person in result.people)
        elif known and not platforms.doubt(result.submission):
            yield result, Person(platform=platform, id=known["id"], name=known["student"])
        else:
            yield result, Person()


def warnings(results: Sequence[Result], column: str) -> list[str]:
    """Return what a platform would do with this table without any notice."""
    said = []
    people = [person.id for result in results for person in result.people if person.id]
    if twice := sorted({one for one in people if people.count(one) > 1}):
        said.append(f"several rows are of one person, {', '.join(twice[:5])}: the last one counts")
    if empty := [result.submission for result in results if result.not_graded]:
        shown = ", ".join(empty[:5]) + (f" and {len(empty) - 5} more" if len(empty) > 5 else "")
        said.append(
            f"{len(empty)} without a mark have an empty cell ({shown}): Canvas clears a mark that "
            "is there where a cell is empty, so take these rows out if they have one"
        )
    if re.match(RESERVED, column, re.IGNORECASE):
        said.append(f"Canvas drops a column called `{column}` in silence: `--column` names another")
    return said


def feedback(result: Result) -> str:
    """One line: what was lost and why, and what the number leaves out."""
    lost = [
        f"{criterion.title} {summary.mark(criterion)}: {reason}"
        for criterion in score.lost(result)
        for reason, _ in list(score.shortcomings(criterion))[:1]
    ]
    return ". ".join([*lost, *score.remarks(result)])


def _points(result: Result) -> str:
    """Nothing where there is no mark: `warnings` says what a platform makes of it."""
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
