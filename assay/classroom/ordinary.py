"""Words that are assay's own, the course's or Python's: as a name they say little in a text."""

import ast
import builtins
import keyword
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from assay.classroom.roster import plain
from assay.classroom.settings import FILE, TEMPLATE
from assay.course import assignment as assignments
from assay.course import files
from assay.errors import AssayError
from assay.source import syntax

HERE = Path(__file__).parents[1]
WORD = re.compile(r"[^\W_]+")
WRITTEN = (".j2", ".css", ".js")
LAYOUT = "downloads attempts gradebook sqlite reports assay out csv zip feedback html roster groups"


def ordinary(words: list[str], assignment: Path) -> list[str]:
    """Return the words that stand in texts which are about no person.

    `max`, `marks` and `table` stand in every page and in half of all notebooks.
    """
    known = _own() | _of_course(assignment)
    return [word for word in words if plain(word) in known]


@cache
def _own() -> frozenset[str]:
    """Every name and every text in assay's code, but for comments and docstrings."""
    texts = [TEMPLATE, FILE, LAYOUT, *keyword.kwlist, *dir(builtins)]
    for path in HERE.rglob("*"):
        if path.suffix == ".py":
            texts += _code(syntax.parse(path.read_text(encoding="utf-8")))
        elif path.suffix in WRITTEN:
            texts.append(path.read_text(encoding="utf-8"))
    return _words(texts)


def _code(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""  # a docstring: its examples may be anybody's name
        for value in vars(node).values():
            if isinstance(value, str):
                yield value


def _of_course(assignment: Path) -> frozenset[str]:
    """Every word in the files that a result rests on; none if the course cannot be read."""
    try:
        course = assignments.read(assignment)
        names = files.digests(course)
        texts = [(course.root / name).read_text("utf-8", "replace") for name in names]
    except (AssayError, OSError):
        return frozenset()
    return _words([*texts, *names])


def _words(texts: list[str]) -> frozenset[str]:
    return frozenset(plain(word) for text in texts for word in WORD.findall(text))
