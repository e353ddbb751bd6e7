"""The files of a course that its rubrics rest on, and their digests."""

import ast
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import decode_source
from pathlib import Path, PurePosixPath

from assay.course.assignment import Assignment, Part
from assay.source import syntax

WORDS = re.compile(r"[^\W\d]\w*")
CONTINUED = " \\ "
"""Stands for the end of a line that goes on, or of a comment that ends as if it did."""
ASSAY = __name__.partition(".")[0]
"""No file of a course, even if it lies beside one: its own digest stands in every key."""


def of_part(assignment: Assignment, part: Part) -> set[Path]:
    """Return the files of the course that a rubric rests on."""
    return set(_files(assignment.root, PurePosixPath(part.rubric).parts[0], set()))


def text_of(path: Path) -> str:
    """Return a module as Python reads it: by its byte order mark, or what it says of its encoding.

    Raises
    ------
    UnicodeDecodeError, SyntaxError
        If it is in no such encoding, or names one that there is not.
    """
    content = path.read_bytes()
    try:
        return decode_source(content)
    except SyntaxError:
        content.decode()  # where it names no encoding at all, the byte that is not UTF-8 says more
        raise


def digests(assignment: Assignment) -> dict[str, str]:
    """Return the SHA-256 of each file of the course that a result rests on, by relative name."""
    root = assignment.root
    paths = {
        root / assignment.file,
        *([root / assignment.calibration] if assignment.calibration else []),
    }
    for part in assignment.part:
        paths |= set(_files(root, PurePosixPath(part.rubric).parts[0], set()))
    return {p.relative_to(root).as_posix(): digest_of(p) for p in sorted(paths) if p.is_file()}


def rubric_digest(assignment: Assignment, part: Part) -> str:
    """Return the rubric's files by their names in the course, wherever the course lies."""
    digest = hashlib.sha256()
    files = _files(assignment.root, PurePosixPath(part.rubric).parts[0], set())
    for path in sorted(set(files)):
        stat = path.stat()
        name = path.relative_to(assignment.root).as_posix()
        digest.update(
            f"{name}\n{_digest(path, stat.st_mtime_ns, stat.st_size)}\n".encode(
                errors="surrogateescape"
            )
        )
    return digest.hexdigest()


def _files(root: Path, package: str, seen: set[str]) -> Iterator[Path]:
    """The files of a package of the course, and of those beside it that it imports."""
    seen.add(package)
    others = frozenset(_beside(root)) - {ASSAY}
    inside = (root / package).rglob("*")
    for path in [*inside, root / f"{package}.py"]:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
            stat = path.stat()
            unseen = others - seen
            if unseen & _named(path, stat.st_mtime_ns, stat.st_size):
                for name in unseen & _imports(path, stat.st_mtime_ns, stat.st_size):
                    yield from _files(root, name, seen)


def _beside(root: Path) -> set[str]:
    """The names by which what lies in the course's own folder can be imported."""
    with os.scandir(root) as entries:
        return {entry.name.removesuffix(".py") for entry in entries}


def digest_of(path: Path) -> str:
    stat = path.stat()
    return _digest(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=10_000)
def _digest(path: Path, modified: int, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=10_000)
def _named(path: Path, modified: int, size: int) -> frozenset[str]:
    """Return all words that a file has beside the word `import`: what it imports is among them.

    To parse each file takes ten times as long, and few name anything that lies in the course.
    """
    if path.suffix != ".py":
        return frozenset()
    try:
        text = unicodedata.normalize("NFKC", text_of(path))
    except (SyntaxError, UnicodeDecodeError, LookupError):  # nor can it be parsed
        return frozenset()
    lines = text.replace("\\\n", CONTINUED).split("\n")
    return frozenset(word for line in lines if "import" in line for word in WORDS.findall(line))


@lru_cache(maxsize=10_000)
def _imports(path: Path, modified: int, size: int) -> frozenset[str]:
    """Return the packages that a file names in its imports."""
    if path.suffix != ".py":
        return frozenset()
    try:
        tree = syntax.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return frozenset()
    nodes = list(ast.walk(tree))
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return frozenset(module.partition(".")[0] for module in modules)
