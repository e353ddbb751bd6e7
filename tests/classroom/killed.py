"""Writers that die: a process that forks one for each line it reads, to be killed at a statement.

Forked from a process that has one thread and has imported everything: a writer costs milliseconds.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from assay.classroom.gradebook import Gradebook
from assay.errors import AssayError

ROOT = Path(__file__).parents[2]


def attempt(book: Gradebook, time: str, **given: Any) -> None:
    book.add_attempt(submitted_at=datetime.fromisoformat(time), **given)


def group(book: Gradebook, assignment: str, members: list[str]) -> None:
    book.set_group(assignment, "g1", "Group 1", members)


def release(book: Gradebook, assignment: str, person: str, page: str, **given: Any) -> None:
    final = book.final(assignment, person)
    book.release(assignment, person, final, page=page.encode(), **given)


def release_both(book: Gradebook, assignment: str, by: str) -> None:
    """As `assay class release` does: what another has released since is a conflict."""
    finals = {key: book.final(assignment, key) for key in ("s1", "s2")}

    def write() -> None:
        for expected, key in ((1, "s1"), (0, "s2")):
            page = f"of {key}".encode()
            book.release(assignment, key, finals[key], page=page, by=by, expected=expected)

    book.at_once(write)


OPERATIONS: dict[str, Callable[..., object]] = {
    "open": lambda book: None,
    "attempt": attempt,
    "group": group,
    "release": release,
    "release_both": release_both,
    "forget_term": Gradebook.forget_term,
    **{
        name: getattr(Gradebook, name)
        for name in (
            *("add_person", "add_assignment", "add_result", "mark", "forget"),
            *("set_late", "extend", "excuse", "override", "request_regrade", "answer_request"),
        )
    },
}


@dataclass(frozen=True)
class Ended:
    """How a writer ended: `done`, `killed`, or the name of the error that refused it."""

    how: str
    statements: int = 0


class Writers:
    """The process that forks them, seen from the tests."""

    def __init__(self, program: "subprocess.Popen[str]") -> None:
        self.program = program

    def write(
        self, where: Path | str, operation: str, at: int | None = None, **given: Any
    ) -> Ended:
        """Open the gradebook in a new process and do this; killed before its statement `at`."""
        assert self.program.stdin
        assert self.program.stdout
        asked = {"where": str(where), "operation": operation, "at": at, "given": given}
        self.program.stdin.write(json.dumps(asked) + "\n")
        self.program.stdin.flush()
        said = json.loads(self.program.stdout.readline())
        assert "bug" not in said, said["bug"]
        return Ended(**said)


@contextmanager
def writers() -> Iterator[Writers]:
    """Start the process, and end it."""
    command = [sys.executable, "-m", "tests.classroom.killed"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as program:
        yield Writers(program)


def main() -> None:
    """Fork a writer for each line, and print how it ended."""
    with tempfile.TemporaryDirectory() as folder, Gradebook(Path(folder) / "warm", "t") as book:
        book.add_assignment("hw1")  # what is imported and compiled once, the writers inherit
    for line in sys.stdin:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            said = _done(**json.loads(line))
            os.write(writer, json.dumps(said).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read().decode()
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"how": "killed"}) if killed else said, flush=True)


def _done(where: str, operation: str, at: int | None, given: dict[str, Any]) -> dict[str, Any]:
    seen = count()
    statements = 0

    def next_one(*_: object) -> None:
        nonlocal statements
        statements = next(seen) + 1
        if statements - 1 == at:
            os.kill(os.getpid(), signal.SIGKILL)

    if "://" in where:
        event.listen(Engine, "before_cursor_execute", next_one)
        event.listen(Engine, "commit", next_one)
    else:  # SQLite tells of every statement itself: BEGIN, COMMIT and VACUUM too
        event.listen(Engine, "connect", lambda raw, record: raw.set_trace_callback(next_one))
    try:
        with Gradebook(where, "2026") as book:
            OPERATIONS[operation](book, **given)
    except AssayError as error:
        return {"how": type(error).__name__, "statements": statements}
    except BaseException:
        return {"bug": traceback.format_exc()}
    return {"how": "done", "statements": statements}


if __name__ == "__main__":
    main()
