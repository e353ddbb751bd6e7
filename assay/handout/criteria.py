"""What each criterion asks: the first line of each of its tests, read without running them.

It is what the report says of them, so students may know it beforehand.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from assay.course import files
from assay.course.assignment import Assignment, Part
from assay.source import syntax


@dataclass(frozen=True)
class Asked:
    """What the tests of one criterion say; of a written answer, a person says what it is worth."""

    lines: tuple[str, ...] = ()
    by_a_person: bool = False


@dataclass
class _Marks:
    criterion: str = ""
    review: bool = False


@dataclass
class _Found:
    lines: list[str] = field(default_factory=list)
    review: list[bool] = field(default_factory=list)


def asked(assignment: Assignment, part: Part) -> dict[str, Asked]:
    """Return what the tests of a part say, by criterion, in the order of their files."""
    found: dict[str, _Found] = {}
    for path in sorted((assignment.root / part.rubric).rglob("test_*.py")):
        tree = syntax.parse(files.text_of(path))
        for marks, line in _tests(tree.body, _own(tree.body)):
            about = found.setdefault(marks.criterion, _Found())
            about.review.append(marks.review)
            about.lines += [line] if line and line not in about.lines else []
    return {name: Asked(tuple(of.lines), all(of.review)) for name, of in found.items()}


def _tests(body: Sequence[ast.stmt], above: _Marks) -> Iterator[tuple[_Marks, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _tests(node.body, _marks(node.decorator_list, above))
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            told = (ast.get_docstring(node) or "").partition("\n\n")[0]
            yield _marks(node.decorator_list, above), " ".join(told.split())


def _own(body: Sequence[ast.stmt]) -> _Marks:
    """The marks of a whole file."""
    for node in body:
        if isinstance(node, ast.Assign) and "pytestmark" in map(ast.unparse, node.targets):
            several = isinstance(node.value, ast.List | ast.Tuple)
            return _marks(node.value.elts if several else [node.value], _Marks())  # type: ignore[attr-defined]
    return _Marks()


def _marks(written: Sequence[ast.expr], above: _Marks) -> _Marks:
    found = _Marks(above.criterion, above.review)
    for mark in written:
        call = mark if isinstance(mark, ast.Call) else None
        name = ast.unparse(call.func if call else mark).rpartition(".")[2]
        first = call.args[0] if call and call.args else None
        if name == "criterion" and isinstance(first, ast.Constant):
            found.criterion = str(first.value)
        found.review |= name == "review"
    return found
