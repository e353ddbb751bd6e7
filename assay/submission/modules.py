"""A student's modules that Python cannot read: which of them may answer something.

Their names would count as missing, and a right answer would get nothing.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from assay.course.assignment import Assignment
from assay.errors import CannotGrade, quoted
from assay.source import decoding
from assay.source.cells import bound
from assay.submission.submission import Submission


def require_readable(assignment: Assignment, submission: Submission) -> None:
    """Nothing if Python can read every module that may answer something.

    Raises
    ------
    CannotGrade
        For the first of the others; it holds the rest.
    """
    unread = [
        CannotGrade(
            f"Python cannot read {quoted(name)} of {quoted(submission.name)}",
            found=found,
            hint="save it as UTF-8 in your editor, and hand it in again; "
            "leave it out if nothing of your answer is in it",
        )
        for name, found, counts in _unread(assignment, submission)
        if counts
    ]
    if unread:
        unread[0].others = tuple(unread[1:])
        raise unread[0]


def notes(assignment: Assignment, submission: Submission) -> list[str]:
    """Return which modules Python cannot read, where nothing is asked of them."""
    return [
        f"Python cannot read {quoted(name)}, and nothing needs it: {found}"
        for name, found, counts in _unread(assignment, submission)
        if not counts
    ]


def _unread(assignment: Assignment, submission: Submission) -> Iterator[tuple[str, str, bool]]:
    """Yield each module that Python cannot read, why, and whether it may answer something."""
    faults = {name: decoding.fault(submission.files[name]) for name in submission.modules}
    if not any(faults.values()):
        return
    readable = [
        decoding.text_of(submission.files[name]) for name, fault in faults.items() if not fault
    ]
    cells = [cell for name in submission.notebooks for cell in submission.cells_in(name)]
    code = [cell.source for cell in cells if cell.kind == "code"] + readable
    for name, fault in faults.items():
        if fault:
            counts = _is_of_the_answer(name) or _named(name, code)
            yield name, fault, counts or _binds_what_is_missing(assignment, submission, name, code)


def _is_of_the_answer(name: str) -> bool:
    """Whether it is looked into by its place alone."""
    path = PurePosixPath(name)
    return path.name == "adapter.py" or "solution" in path.parts[0]


def _named(name: str, code: list[str]) -> bool:
    """Whether some code imports it, runs it, or names the file itself."""
    path = PurePosixPath(name)
    word = re.escape(path.parent.name if path.name == "__init__.py" else path.stem)
    ways = (
        rf"^[ \t]*(?:from|import)\b[^\n#]*\b{word}\b",
        rf"^[ \t]*%[^\n]*\b{word}\b",
        rf"\b(?:import_module|__import__)\b[^\n]{{0,300}}\b{word}\b",
        rf"\b{word}\.py\b",
    )
    way = re.compile("|".join(ways), re.MULTILINE)
    return bool(word) and any(way.search(source) for source in code)


def _binds_what_is_missing(
    assignment: Assignment, submission: Submission, name: str, code: list[str]
) -> bool:
    """Whether it seems to bind a name that is asked for, and that no other code binds."""
    missing = frozenset().union(*assignment.asked.values()).difference(*map(bound, code))
    return not missing.isdisjoint(bound(decoding.roughly(submission.files[name])))
