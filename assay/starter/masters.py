"""What a master of another grader holds: the answer, its questions, and the checks of each."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import CannotGrade, UsageError, quoted
from assay.submission import notebook
from assay.submission.notebook import NotebookCell


@dataclass(frozen=True)
class Check:
    """A cell of checks, or the part of it that is shown or hidden."""

    cell: int
    """Which cell of the master it stands in, counted from 1."""
    source: str
    hidden: bool = False
    hint: str = ""
    points: float | None = None
    output: str | None = None
    """What its last line showed when the master was run; None if that is not asked."""


@dataclass
class Question:
    """A question: its points, and the checks or the person that gives them."""

    name: str
    title: str
    points: float
    checks: list[Check] = field(default_factory=list)
    by_a_person: bool = False


@dataclass
class Master:
    """A master as it is read."""

    title: str
    cells: list[NotebookCell] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What could not be turned, each with its cell."""

    def leave(self, cell: int, what: str) -> None:
        """Note what is not in the course."""
        self.left.append(f"cell {cell}: {what}")

    def name(self, wanted: str) -> str:
        """Return a name like the one that is wanted, which no question has yet."""
        plain = re.sub(r"[^a-z0-9_-]+", "-", wanted.casefold()).strip("-")
        plain = plain if re.match(r"[a-z]", plain) else f"q-{plain}".rstrip("-")
        taken = {question.name for question in self.questions}
        numbered = (f"{plain}-{number}" for number in range(2, 10_000))
        return next(name for name in (plain, *numbered) if name not in taken)


RawCell = dict[str, Any]
"""A cell as a notebook's file has it."""


def raw_cells(path: Path) -> list[tuple[NotebookCell, RawCell]]:
    """Return the cells of a notebook file, each with all that the file says of it.

    Raises
    ------
    UsageError
        If there is no such file, or it is no notebook.
    """
    try:
        content = path.read_bytes()
        cells = notebook.cells_of(content, path.name)
        written = json.loads(content.decode("utf-8-sig"))["cells"]
    except OSError as error:
        what = f"{quoted(path)} cannot be read"
        raise UsageError(what, found=error.strerror or str(error)) from None
    except CannotGrade as error:
        raise UsageError(error.what, found=error.found, hint=error.hint) from None
    except KeyError:
        what = f"{quoted(path)} is not a notebook of format 4"
        raise UsageError(what, hint=notebook.OPEN_AND_SAVE) from None
    return list(zip(cells, written, strict=True))


def heading_above(cells: Sequence[NotebookCell]) -> str:
    """Return the last heading of these cells; '' if there is none."""
    lines = [line for c in cells if c.kind == "markdown" for line in c.source.splitlines()]
    headings = [line.lstrip("# ").strip() for line in lines if re.match(r"#{1,6}\s", line)]
    return headings[-1] if headings else ""


def words(name: str) -> str:
    """A name as a title."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize() or name


HIDDEN = re.compile(r"^\s*#+\s*(BEGIN|END)[\s_-]+HIDDEN[\s_-]+TESTS\b", re.IGNORECASE)


def halves(source: str) -> tuple[str, str]:
    """Return what is shown of a cell of checks, and what is hidden."""
    shown: list[str] = []
    hidden: list[str] = []
    inside = False
    for line in source.splitlines():
        if mark := HIDDEN.match(line):
            inside = mark[1].upper() == "BEGIN"
            continue
        (hidden if inside else shown).append(line)
    return "\n".join(shown), "\n".join(hidden)


def is_code(source: str) -> bool:
    """Whether there is more than comments in it."""
    return any(line.strip() and not line.strip().startswith("#") for line in source.splitlines())


def shown_by(cell: RawCell) -> str | None:
    """What the last line of a cell showed, as text; None if nothing is stored."""
    for output in reversed(cell.get("outputs") or []):
        data = output.get("data", {})
        if output.get("output_type") in ("execute_result", "display_data") and "text/plain" in data:
            text = data["text/plain"]
            return "".join(text) if isinstance(text, list) else str(text)
    return None


def prints(cell: RawCell) -> bool:
    """Whether a cell printed something when the master was run."""
    return any(output.get("output_type") == "stream" for output in cell.get("outputs") or [])


def numbers(value: object) -> Iterator[float]:
    """The numbers in what a master says of points."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each)
