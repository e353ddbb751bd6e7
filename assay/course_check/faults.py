"""What is wrong with a course: the sentence, and the file and line that it is about."""

import re
from collections.abc import Sequence
from pathlib import Path

from assay.course import rubric
from assay.errors import AssayError, CourseFault, UsageError
from assay.records import CourseReport, Fault

SHOWN = 30
CRASH = re.compile(r'^  File "([^"\n]+)", line (\d+) in ', re.MULTILINE)
"""A line of faulthandler's, the innermost first."""


def together(reports: Sequence[CourseReport]) -> CourseReport:
    """Return one report of several; what two of them say is said once."""
    return CourseReport(
        faults=list(dict.fromkeys(fault for one in reports for fault in one.faults)),
        failing=list(dict.fromkeys(fault for one in reports for fault in one.failing)),
        notes=list(dict.fromkeys(note for one in reports for note in one.notes)),
        criteria=sum(one.criteria for one in reports),
        tests=sum(one.tests for one in reports),
        questions=sum(one.questions for one in reports),
    )


def of_exception(error: BaseException, root: Path, otherwise: str) -> Fault:
    """Return the fault that an exception in the course's code shows.

    `otherwise` is the place to name if no file of the course took part.
    """
    place = rubric.place_of(error, root) or otherwise
    if isinstance(error, AssayError):
        return Fault(where=place, said=f"{error.what}: {error.found}".split("\n")[0][:500])
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return Fault(where=place, said=f"{type(error).__name__}: {message}".split("\n")[0][:500])


def crashed_at(said: str, root: Path) -> str:
    """Return the innermost line below a folder that faulthandler names; '' if it names none."""
    places = (_below(Path(file), line, root) for file, line in CRASH.findall(said))
    return next(filter(None, places), "")


def _below(file: Path, line: str, root: Path) -> str:
    own = file.is_relative_to(root) and "site-packages" not in file.relative_to(root).parts
    return f"{file.relative_to(root).as_posix()}:{line}" if own else ""


def kind(value: object) -> str:
    """Return what a value is, in words."""
    if value is None:
        return "nothing"
    name = type(value).__name__
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def as_error(faults: Sequence[Fault]) -> AssayError:
    """Return the error that stops a command: every fault in a line of its own."""
    kind = UsageError if all(fault.is_usage for fault in faults) else CourseFault
    hint = "this is a fault of the course's; nothing was run for students, and nothing was marked"
    if len(faults) == 1:
        return kind(f"the course cannot grade: {faults[0]}", hint=hint)
    lines = [str(fault) for fault in faults[:SHOWN]]
    more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
    what = f"the course cannot grade: {len(faults)} faults were found in it"
    return kind(what, found="\n".join([*lines, *more]), hint=hint)
