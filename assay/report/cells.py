"""A notebook's cells as a reader needs them: which failed and why, how long they took."""

import re
from dataclasses import dataclass
from statistics import median

from assay.records import Cell, RunRecord, Took
from assay.report import safe

FRAME = re.compile(
    r"^(?:File (?P<path>.{1,300}?):(?P<line>\d{1,9})"
    r"|\s*Cell In\[(?P<count>\d+)\], line (?P<at>\d+))(?P<rest>.*)$"
)
HEAD = re.compile(r"^-{20,}$|Traceback \(most recent call last\):?$")
LIBRARY = ("site-packages/", "dist-packages/", "/lib/python3", "/lib64/python3")
THEIRS = "/submission/"
MOST = 10  # failing cells that are shown of a part
LONGEST = 150  # lines of a failing cell


@dataclass(frozen=True)
class Failure:
    """One cell that failed in the same way in some runs; `line` is where, if that is known."""

    number: int
    error: str
    source: list[str]
    line: int | None
    traceback: str
    runs: list[str]


@dataclass(frozen=True)
class CellCost:
    """What a cell took over all runs: seconds, and memory at its end."""

    number: int
    usual: float
    longest: float
    computed: float | None
    """The median of its seconds of a processor."""
    megabytes: float | None


@dataclass(frozen=True)
class Asked:
    """What a question took in the runs in which that was long enough to be kept."""

    name: str
    usual: float
    longest: float
    computed: float
    """The median of its seconds of a processor."""
    runs: int


def failures(records: list[RunRecord]) -> list[Failure]:
    """Return the cells that raised, each once, with all the runs in which they did."""
    found: dict[tuple[int, str], list[tuple[str, Cell]]] = {}
    for record in records:
        for cell in record.cells:
            if cell.error:
                found.setdefault((cell.number, cell.error), []).append((record.run.id, cell))
    return [_failure(of_one) for of_one in list(found.values())[:MOST]]


def _failure(found: list[tuple[str, Cell]]) -> Failure:
    cell = found[0][1]
    traceback = cleaned(cell.traceback or "", cell.number)
    own = re.search(rf"^cell {cell.number}, line (\d+)$", traceback, re.MULTILINE)
    return Failure(
        number=cell.number,
        error=cell.error or "",
        source=safe.lines(cell.source).split("\n")[:LONGEST],
        line=int(own[1]) if own else None,
        traceback=traceback,
        runs=[run for run, _ in found],
    )


def cleaned(traceback: str, number: int) -> str:
    """A traceback of IPython's without colours, our folders, and the insides of libraries.

    Cells have the numbers that the report gives them; `number` is that of the one that failed.
    """
    lines = [line for line in safe.lines(traceback).split("\n") if not HEAD.search(line)]
    first = next((m for line in lines if (m := FRAME.match(line)) and m["count"]), None)
    shift = int(first["count"]) - number if first else 0
    shown: list[str] = []
    inside = False
    for line in lines:
        frame = FRAME.match(line)
        if frame:
            inside = _in_library(frame)
            shown.append(_frame(frame, shift))
        elif not line.strip():
            inside = False
            shown.append("")
        elif not inside:
            shown.append(line)
    return re.sub(r"(?<!\n)\n{2,}(?= {4}…)", "\n", "\n".join(shown)).strip("\n")


def _in_library(frame: re.Match[str]) -> bool:
    path = frame["path"] or ""
    return THEIRS not in path and any(part in path for part in LIBRARY)


def _frame(frame: re.Match[str], shift: int) -> str:
    """Return where a frame is, in the reader's words."""
    if frame["count"]:
        return f"cell {max(1, int(frame['count']) - shift)}, line {frame['at']}{frame['rest']}"
    path = frame["path"]
    if _in_library(frame):
        return f"    … {_short(path)}, line {frame['line']}{frame['rest']}"
    own = path.rpartition(THEIRS)[2] if THEIRS in path else path.rpartition("/")[2]
    return f"{own}, line {frame['line']}{frame['rest']}"


def _short(path: str) -> str:
    """A library's file from the name of the library on."""
    for part in LIBRARY:
        if part in path:
            return path.rpartition(part)[2].lstrip("0123456789./")
    return path


def costs(records: list[RunRecord]) -> list[CellCost]:
    """Of each cell that ended in some run."""
    found: dict[int, list[Cell]] = {}
    for record in records:
        for cell in record.cells:
            found.setdefault(cell.number, []).append(cell)
    return [cost for number, of_one in sorted(found.items()) if (cost := _cost(number, of_one))]


def _cost(number: int, cells: list[Cell]) -> CellCost | None:
    seconds = [cell.seconds for cell in cells if cell.seconds is not None]
    held = [cell.megabytes for cell in cells if cell.megabytes is not None]
    if not seconds:
        return None
    computed = [cell.cpu_seconds for cell in cells if cell.cpu_seconds is not None]
    return CellCost(
        number,
        median(seconds),
        max(seconds),
        median(computed) if computed else None,
        max(held, default=None),
    )


def questions(records: list[RunRecord]) -> list[Asked]:
    """Of each question whose time was kept, the costliest of all runs together first."""
    found: dict[str, list[Took]] = {}
    for record in records:
        for name, took in record.questions.items():
            found.setdefault(name, []).append(took)
    ordered = sorted(found, key=lambda name: -sum(took.cpu_seconds for took in found[name]))
    return [_asked(name, found[name]) for name in ordered]


def _asked(name: str, times: list[Took]) -> Asked:
    seconds = [took.seconds for took in times]
    computed = median(took.cpu_seconds for took in times)
    return Asked(name, median(seconds), max(seconds), computed, len(times))


def share_of_asking(records: list[RunRecord]) -> float | None:
    """The median share of a run's processor time that its exam took; None if no run recorded it."""
    shares = [r.exam.cpu_seconds / r.cpu_seconds for r in records if r.exam and r.cpu_seconds]
    return median(shares) if shares else None
