"""What is wrong with a part's table of names, and the line of names.py that it is about."""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from assay.course import files, rubric
from assay.course.assignment import Assignment, Part
from assay.course_check.faults import kind
from assay.errors import CourseFault
from assay.records import Fault
from assay.source import syntax


def faults(assignment: Assignment, part: Part) -> Iterator[Fault]:
    """Yield what is wrong with the table of names."""
    try:
        rows = rubric.names(assignment, part)
    except CourseFault as error:
        where, _, said = error.found.partition(": ")
        placed = ".py:" in where
        top = place(assignment, part, "NAMES")
        yield Fault(where=where if placed else top, said=said if placed else error.found)
        return
    except AttributeError:
        said = "it defines no `NAMES`, a tuple of rows"
        yield Fault(where=place(assignment, part, ""), said=said)
        return
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        said = f"`NAMES` is {kind(rows)}; expected a tuple of rows"
        yield Fault(where=place(assignment, part, "NAMES"), said=said)
        return
    if found := list(_of_rows(assignment, part, "NAMES", rows)):
        yield from found
        return
    counted = Counter(name for row in rows for name in row.names)
    for name in (name for name, count in counted.items() if count > 1):
        at = place(assignment, part, "NAMES", name=name)
        yield Fault(where=at, said=f"`NAMES` asks for `{name}` {counted[name]} times")
    yield from _of_instead(assignment, part, set(counted))
    yield from _of_also(assignment, part)


def _of_also(assignment: Assignment, part: Part) -> Iterator[Fault]:
    """Yield what is wrong with what else a name is often called."""
    try:
        also = rubric.also(assignment, part)
    except (TypeError, ValueError):
        said = "`ALSO` is no dict of other names by name"
        yield Fault(where=place(assignment, part, "ALSO"), said=said)
        return
    for name, others in also.items():
        at = place(assignment, part, "ALSO", name=str(name))
        if isinstance(others, str) or not isinstance(others, Sequence):
            said = f"`ALSO` has {kind(others)} for {name!r:.60}; expected a tuple of names"
            yield Fault(where=at, said=said)


def _of_instead(assignment: Assignment, part: Part, known: set[str]) -> Iterator[Fault]:
    """Yield what is wrong with the rows that serve instead of a name."""
    try:
        instead = rubric.instead(assignment, part)
    except (TypeError, ValueError):
        said = "`INSTEAD` is no dict of rows by name"
        yield Fault(where=place(assignment, part, "INSTEAD"), said=said)
        return
    for name, rows in instead.items():
        at = place(assignment, part, "INSTEAD", name=str(name))
        if isinstance(rows, str) or not isinstance(rows, Sequence):
            said = f"`INSTEAD` has {kind(rows)} for {name!r:.60}; expected a tuple of rows"
            yield Fault(where=at, said=said)
        elif name not in known:
            yield Fault(where=at, said=f"`INSTEAD` names `{name}`, which `NAMES` does not have")
        else:
            yield from _of_rows(assignment, part, "INSTEAD", rows)


def _of_rows(
    assignment: Assignment, part: Part, table: str, rows: Sequence[Any]
) -> Iterator[Fault]:
    for number, row in enumerate(rows):
        if said := _misfit(row):
            at = place(assignment, part, table, number=number)
            yield Fault(where=at, said=f"{said} in the row {row!r:.80}")
            return


def _misfit(row: Any) -> str:
    for attribute, kinds in {"names": (tuple, list), "call": str, "meaning": str}.items():
        if not isinstance(getattr(row, attribute, None), kinds):  # type: ignore[arg-type]
            return f"`{attribute}` is {kind(getattr(row, attribute, None))}"
    if not all(isinstance(name, str) for name in row.names):
        return "`names` are not all text"
    if strange := next((name for name in row.names if not name.isidentifier()), None):
        return f"{strange!r:.60} in `names` is no name of Python's"
    return "" if hasattr(row, "optional") else "`optional` is missing"


def place(
    assignment: Assignment, part: Part, table: str, *, name: str = "", number: int = 0
) -> str:
    """Return the line that spells a name, or that of a row of the table, or of the table."""
    file = f"{part.rubric}/names.py"
    try:
        tree = syntax.parse(files.text_of(assignment.root / file))
    except (OSError, SyntaxError, ValueError):
        return f"{file}:1"
    spelt = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Constant) and n.value == name]
    if name and spelt:
        return f"{file}:{spelt[-1]}"
    value = next((v for target, v in _bound(tree) if target == table), None)
    if value is None:
        return f"{file}:1"
    rows = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    if number < len(rows) and not any(isinstance(row, ast.Starred) for row in rows):
        return f"{file}:{rows[number].lineno}"
    return f"{file}:{value.lineno}"


def _bound(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield each name that the module binds with `=`, and to what; the last binding first."""
    for statement in reversed(tree.body):
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        for target in targets:
            if isinstance(target, ast.Name) and statement.value is not None:  # type: ignore[attr-defined]
                yield target.id, statement.value  # type: ignore[attr-defined]
