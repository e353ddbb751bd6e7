"""Which names a part's exam asks for, read from its source and never run."""

import ast
from functools import lru_cache
from pathlib import Path

from assay.source import syntax

STUDENT = "student"


def names(rubric: Path) -> frozenset[str]:
    """Return the names that the exam in a folder looks up on `student`."""
    found = {name for path in _files(rubric) for name in _looked_up(path, _when(path))}
    return frozenset(found - {"has", "instances"})


def _files(folder: Path) -> list[Path]:
    package = folder / "exam"
    return sorted(package.rglob("*.py")) if package.is_dir() else [folder / "exam.py"]


def _when(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


@lru_cache(maxsize=256)
def _looked_up(path: Path, _: int) -> frozenset[str]:
    try:
        tree = syntax.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return frozenset()  # the course's fault, which is reported where its exam is put together
    return frozenset(name for node in ast.walk(tree) for name in _of(node))


def _of(node: ast.AST) -> list[str]:
    """`student.add`, `student.has("add")`, `getattr(student, "add")`."""
    if isinstance(node, ast.Attribute) and _is_student(node.value):
        return [node.attr]
    if not isinstance(node, ast.Call):
        return []
    on_student = isinstance(node.func, ast.Attribute) and _is_student(node.func.value)
    if on_student or any(map(_is_student, node.args)):
        texts = (arg.value for arg in node.args if isinstance(arg, ast.Constant))
        return [text for text in texts if isinstance(text, str) and text.isidentifier()]
    return []


def _is_student(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == STUDENT
