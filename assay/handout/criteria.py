"""What each criterion asks: the first line of each of its tests, read without running them.

It is what the report says of them, so students may know it beforehand.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.course import files
from assay.course.assignment import Assignment, Part
from assay.source import syntax


@dataclass(frozen=True)
class Asked:
    """What the tests of one criterion say; of a written answer, a person says what it is worth."""

    lines: tuple[str, ...] = ()
    by_a_person: bool = False
    public: bool = False
    """Whether students may run one of them."""


@dataclass(frozen=True)
class Marks:
    """What the markers of a test say."""

    criterion: str = ""
    review: bool = False
    public: bool = False


@dataclass(frozen=True)
class Test:
    """A test as it is written: the name of its function or class, its markers, what it says."""

    name: str
    marks: Marks
    line: str


def asked(assignment: Assignment, part: Part) -> dict[str, Asked]:
    """Return what the tests of a part say, by criterion, in the order of their files."""
    found: dict[str, list[Test]] = {}
    for path in sorted((assignment.root / part.rubric).rglob("test_*.py")):
        for test in tests(path):
            found.setdefault(test.marks.criterion, []).append(test)
    return {
        name: Asked(
            tuple(dict.fromkeys(test.line for test in of if test.line)),
            all(test.marks.review for test in of),
            any(test.marks.public for test in of),
        )
        for name, of in found.items()
    }


def tests(path: Path) -> Iterator[Test]:
    """Read the tests of a file."""
    body = syntax.parse(files.text_of(path)).body
    yield from _tests(body, _own(body))


def _tests(body: Sequence[ast.stmt], above: Marks, outer: str = "") -> Iterator[Test]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _tests(node.body, _marks(node.decorator_list, above), outer or node.name)
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            told = (ast.get_docstring(node) or "").partition("\n\n")[0]
            marks = _marks(node.decorator_list, above)
            yield Test(outer or node.name, marks, " ".join(told.split()))


def _own(body: Sequence[ast.stmt]) -> Marks:
    """The marks of a whole file."""
    for node in body:
        if isinstance(node, ast.Assign) and "pytestmark" in map(ast.unparse, node.targets):
            value = node.value
            several = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
            return _marks(several, Marks())
    return Marks()


def _marks(written: Sequence[ast.expr], above: Marks) -> Marks:
    found = above
    for mark in written:
        call = mark if isinstance(mark, ast.Call) else None
        name = ast.unparse(call.func if call else mark).rpartition(".")[2]
        first = call.args[0] if call and call.args else None
        if name == "criterion" and isinstance(first, ast.Constant):
            found = replace(found, criterion=str(first.value))
        found = replace(found, review=found.review or name == "review")
        found = replace(found, public=found.public or name == "public")
    return found
