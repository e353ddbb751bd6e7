"""What stands beside an answer: measured numbers with what was claimed, plots, and the notebook."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from assay.report import safe
from assay.review import render
from assay.review.answers import Answer, Question
from assay.review.questions import Fact

MOST_NUMBERS = 40
PLOT = re.compile(r"[A-Za-z0-9_.-]+\.svg")


@dataclass(frozen=True)
class Number:
    """A measurement over the runs of a submission; `claimed` is what its notebook says of it."""

    name: str
    measured: str
    span: str
    claimed: str
    runs: int


def numbers(question: Question, answer: Answer) -> list[Number]:
    """Return the measured numbers of a question's part: those that the course names, or all."""
    part = question.criterion.partition("/")[0]
    found: dict[str, list[float]] = {}
    for one in _read(answer.result).get("measurements", []):
        if one.get("part") == part and isinstance(one.get("value"), int | float):
            found.setdefault(str(one["name"]), []).append(float(one["value"]))
    wanted = question.spec.facts or [Fact(measured=name) for name in found][:MOST_NUMBERS]
    return [
        Number(
            fact.measured,
            _number(found.get(fact.measured, [])),
            _span(found.get(fact.measured, [])),
            _number(found.get(fact.claimed, [])) if fact.claimed else "",
            len(found.get(fact.measured, [])),
        )
        for fact in wanted
    ]


def plots(question: Question, answer: Answer) -> list[str]:
    """Return the file names of the plots of a question's part."""
    part = question.criterion.partition("/")[0]
    try:
        names = sorted(path.name for path in answer.report.iterdir())
    except OSError:
        return []
    if not _is_of(answer):
        return []
    return [name for name in names if name.startswith(f"{part}-") and PLOT.fullmatch(name)][:12]


def plot(question: Question, answer: Answer, name: str) -> bytes | None:
    """Return a plot by its file name; None for whatever is not in the list of them."""
    return (answer.report / name).read_bytes() if name in plots(question, answer) else None


def cells(question: Question, answer: Answer) -> list[dict[str, Any]]:
    """Return the cells of the executed notebook of a question's part; none if it is not there."""
    part = question.criterion.partition("/")[0]
    if not _is_of(answer):
        return []
    try:
        found = json.loads((answer.report / f"{part}-executed.ipynb").read_bytes())["cells"]
    except (OSError, ValueError, KeyError):
        return []
    return list(found)


def place(answer: Answer, notebook: Sequence[Mapping[str, Any]]) -> int:
    """Return the number of the cell in which an answer begins; 0 if it is not found."""
    headings = [_plain(piece.heading) for piece in answer.pieces]
    lines = [_plain(line) for piece in answer.pieces for line in piece.text.splitlines()]
    long = [line for line in lines if len(line) > 20][:3]
    for wanted in (headings, long):
        for number, cell in enumerate(notebook):
            if cell.get("cell_type") == "markdown":
                source = _plain(str(cell.get("source", "")))
                if any(one and one in source for one in wanted):
                    return number
    return 0


def pictures(answer: Answer, notebook: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """Return the pictures that an answer shows, out of the cells that its text comes from."""
    text = safe.document(answer.text)
    found: dict[str, bytes] = {}
    for cell in notebook:
        if cell.get("attachments") and _shares_a_line(str(cell.get("source", "")), text):
            for name, content in render.attached(cell).items():
                found.setdefault(name, content)
    return found


def _shares_a_line(source: str, text: str) -> bool:
    return any("attachment:" in line and line.strip() in text for line in source.splitlines())


def _is_of(answer: Answer) -> bool:
    """Return whether the report is of this attempt: of several it shows one."""
    there = answer.report / "results.json"
    return there == answer.result or (
        _read(there).get("digest") == _read(answer.result).get("digest")
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(values: Sequence[float]) -> str:
    return f"{median(values):.4g}" if values else "–"


def _span(values: Sequence[float]) -> str:
    return f"{min(values):.4g} to {max(values):.4g}" if len(values) > 1 else ""


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text).lower().split())
