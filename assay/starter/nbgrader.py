"""Read a master of nbgrader: what each cell is stands in its metadata."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.handout.cut import TAG, has_marks
from assay.starter.masters import (
    Check,
    Master,
    Question,
    halves,
    heading_above,
    is_code,
    raw_cells,
    words,
)
from assay.submission.notebook import NotebookCell

HERE = "The answer to this task, in words."
"""Stands in the course's own answer, where a master has none."""


def read(path: Path) -> Master:
    """Return what a master holds.

    A cell of checks becomes a question with its points: what is shown of it is public, and what
    stands between `### BEGIN HIDDEN TESTS` and `### END HIDDEN TESTS` is not.
    """
    master = Master(words(path.stem))
    above: list[NotebookCell] = []
    for number, (cell, written) in enumerate(raw_cells(path), 1):
        of: Any = written.get("metadata", {}).get("nbgrader")
        said: Mapping[str, Any] = of if isinstance(of, dict) else {}
        above.append(cell)
        if said.get("grade") and said.get("solution"):
            question = _question(master, said, number, above)
            question.by_a_person = True
            master.cells.append(_cut_whole(cell, question.name))
        elif said.get("task"):
            question = _question(master, said, number, above)
            question.by_a_person = True
            master.cells += [
                cell,
                NotebookCell("markdown", HERE, (TAG, question.name), f"{cell.id}-answer"),
            ]
        elif said.get("grade"):
            _checks(master, _question(master, said, number, above), cell, number)
        elif said.get("solution"):
            marked = has_marks(cell.source)
            master.cells.append(cell if marked else _cut_whole(cell))
        else:
            master.cells.append(cell)
    return master


def _question(
    master: Master, said: Mapping[str, Any], number: int, above: list[NotebookCell]
) -> Question:
    name = str(said.get("grade_id") or f"cell-{number}")
    points = said.get("points")
    if not isinstance(points, int | float) or points < 0:
        master.leave(number, f"`{name}` has no points: it is counted as 0")
        points = 0
    title = heading_above(above)
    known = {question.title for question in master.questions}
    title = title if title and title not in known else f"{title}: {words(name)}".lstrip(": ")
    question = Question(master.name(name), title, float(points))
    master.questions.append(question)
    return question


def _checks(master: Master, question: Question, cell: NotebookCell, number: int) -> None:
    if cell.kind != "code":
        master.leave(number, f"`{question.name}` is marked as checks, and is no code")
        question.by_a_person = True
        return
    shown, hidden = halves(cell.source)
    if is_code(shown):
        question.checks.append(Check(number, shown))
    if is_code(hidden):
        # what is shown may bind what the hidden checks use
        question.checks.append(Check(number, f"{without_checks(shown)}\n{hidden}", hidden=True))


def without_checks(source: str) -> str:
    """The statements of a cell of checks that check nothing: what those below may need."""
    import ast

    from assay.source import syntax

    try:
        body = syntax.parse(source).body
    except SyntaxError:
        return ""
    kept = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.FunctionDef)
    return "\n".join(ast.unparse(node) for node in body if isinstance(node, kept))


def _cut_whole(cell: NotebookCell, *tags: str) -> NotebookCell:
    return replace(cell, tags=tuple(dict.fromkeys((*cell.tags, TAG, *tags))))
