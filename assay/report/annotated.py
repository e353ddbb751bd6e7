"""The student's own notebook with marks and comments at the cells that they are about.

Nothing of the student's acts in the copy, as in the notebook as it ran, and what is added is
Markdown that renders as the words themselves.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.errors import CannotGrade
from assay.records import Criterion, Result
from assay.report import safe, summary
from assay.report.executed import METADATA, NOT_SHOWN, readable
from assay.report.feedback import ByHand
from assay.submission import notebook as notebooks
from assay.submission.notebook import FileCell

NAME = re.compile(r"`([A-Za-z_]\w*)(?:\(\))?`")
TAGS = ["assay-feedback"]


@dataclass(frozen=True)
class Remark:
    """One line of the mark sheet as it stands in a notebook, and what finds its cell."""

    text: str
    answer: str = ""
    """A written answer: the remark stands below it."""
    names: Sequence[str] = ()
    """What was found names these: the remark stands below the cell that defines the first."""


def annotated(
    notebook: bytes, heading: str, result: Result, by_hand: Mapping[str, ByHand]
) -> bytes:
    """Return a copy with the heading on top, and each criterion below the cell it is about.

    A criterion whose cell is not known stands at the end, so that every line is there.
    """
    cells = _cells(notebook)
    below: dict[int, list[str]] = {}
    for criterion in result.criteria:
        one = _remark(criterion, result, by_hand.get(f"{criterion.part}/{criterion.name}"))
        below.setdefault(_place(cells, one), []).append(one.text)
    shown = [_cell("feedback-top", [f"**{safe.markdown(heading)}**"])]
    for number, cell in enumerate(cells):
        shown.append(cell)
        if number in below:
            shown.append(_cell(f"feedback-{number}", below.pop(number)))
    for rest in below.values():
        shown.append(_cell("feedback-end", rest))
    whole = {"cells": shown, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _cells(notebook: bytes) -> list[FileCell]:
    """The cells with their outputs; without them, where only the intake reads the file."""
    cells: list[FileCell] = json.loads(readable(notebook))["cells"]
    if [cell["source"] for cell in cells] != [NOT_SHOWN]:
        return cells
    try:
        plain = notebooks.dumps(notebooks.cells_of(notebook, "the notebook"))
    except CannotGrade:  # one beside the notebook that was graded
        return cells
    again: list[FileCell] = json.loads(readable(plain))["cells"]
    return again


def _remark(criterion: Criterion, result: Result, mark: ByHand | None) -> Remark:
    missed = summary.reasons(criterion)
    points = summary.mark(criterion)
    if mark and mark.points is not None:
        points = f"{mark.points:g} of {criterion.points:g}, by hand"
    lines = [f"**{safe.markdown(criterion.title)}: {safe.markdown(points)}**"]
    if mark:
        lines.append(f"{safe.markdown(mark.comment, 2_000)} ({safe.markdown(mark.by)})")
    for one in missed:
        hint = f" *Hint:* {safe.markdown(one.hint)}" if one.hint else ""
        lines.append(f"{safe.markdown(summary.reason(one))}{hint}")
    said = [f"{one.reason} {one.hint} {one.title}" for one in missed]
    said += [one.title for one in criterion.properties]
    names = [name for text in said for name in NAME.findall(text)]
    of = (criterion.part, criterion.name)
    written = [one.text for one in result.written if (one.part, one.criterion) == of]
    return Remark("\n\n".join(lines), "\n".join(written), names)


def _place(cells: Sequence[FileCell], remark: Remark) -> int:
    """The last cell of the answer, else the one that defines a name, else behind the last."""
    first = next((line.strip() for line in remark.answer.splitlines() if line.strip()), "")
    for number in reversed(range(len(cells))) if first else ():
        if cells[number]["cell_type"] == "markdown" and safe.lines(first) in _source(cells[number]):
            return number
    for name in remark.names:
        defines = re.compile(
            rf"^[^\S\n]*+(?:def|class) {name}\b|^{name}[^\S\n]*+(?::[^=\n]{{1,300}})?=",
            re.MULTILINE,
        )
        for number in reversed(range(len(cells))):
            cell = cells[number]
            if cell["cell_type"] == "code" and defines.search(_source(cell)):
                return number
    return len(cells)


def _source(cell: FileCell) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _cell(id: str, paragraphs: Sequence[str]) -> FileCell:
    return {
        "cell_type": "markdown",
        "id": id,
        "metadata": {"tags": TAGS},
        "source": "\n\n".join(paragraphs),
    }
