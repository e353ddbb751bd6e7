"""Read a part's files in a process of their own: code that never ends, or ends it, is reported.

The process has a limit on processor time. What a course prints while it is read is not a result.
"""

import faulthandler
import os
import signal
import subprocess
import sys
from types import FrameType

from assay.course.assignment import Assignment, Part
from assay.course_check import files
from assay.course_check.faults import crashed_at, of_exception
from assay.execution.process import ended
from assay.records import Fault, PartRead

SECONDS = 60.0
"""Of processor time, until what runs is interrupted."""
PATIENCE = 600.0
"""Of the clock, until the process is ended: for what waits, or cannot be interrupted."""


def read(assignment: Assignment, part: Part) -> PartRead:
    """Read what all tests of one part rest on; see `files.read`."""
    command = [sys.executable, "-P", "-m", "assay.course_check.apart", part.name, str(SECONDS)]
    try:
        done = subprocess.run(
            command,
            input=assignment.model_dump_json().encode(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _wrong(_first(part), f"reading it took longer than {PATIENCE:g} s")
    said = done.stderr.decode("utf-8", "replace")
    try:
        return PartRead.model_validate_json(done.stdout)
    except ValueError:
        where = crashed_at(said, assignment.root) or _first(part)
        return _wrong(where, f"reading it {ended(done.returncode)}")


def _wrong(where: str, said: str) -> PartRead:
    return PartRead(faults=[Fault(where=where, said=said)])


def _first(part: Part) -> str:
    """Return the place that is named if none is known."""
    return f"{part.rubric}/given.py:1"


def main(name: str, seconds: float) -> None:
    """Read an assignment from stdin, and write what is wrong with one of its parts to stdout."""

    def time_up(number: int, frame: FrameType | None) -> None:
        """Interrupt what runs: its line is in the traceback."""
        raise TimeoutError(f"took longer than {seconds:g} s")

    told, own = os.dup(1), os.getpid()
    faulthandler.enable(os.dup(2), all_threads=False)
    os.dup2(2, 1)
    assignment = Assignment.model_validate_json(sys.stdin.read())
    part = next(part for part in assignment.part if part.name == name)
    end = os._exit
    os._exit = sys.exit  # type: ignore[assignment]  # which says where
    signal.signal(signal.SIGPROF, time_up)
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
    try:
        found = files.read(assignment, part)
    except BaseException as error:  # a course may raise whatever it likes
        found = PartRead(faults=[of_exception(error, assignment.root, _first(part))])
    if os.getpid() != own:
        end(0)  # a course forked: the other process reports what was found
    with os.fdopen(told, "wb") as file:
        file.write(found.model_dump_json().encode())
    end(0)  # whatever a course has left running


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
