"""Which cell is to blame that a name is not there, and what went wrong in it, in a sentence."""

import re
from collections.abc import Sequence
from functools import lru_cache

from assay.records import Cell
from assay.source.cells import bound, is_nested_too_deeply, parsed

SYNTAX = re.compile(
    r"(?:SyntaxError|IndentationError|TabError): (?P<what>.{0,1000})"
    r" \(\d{1,20}\.py, line (?P<line>\d{1,9})\)",
    re.S,
)
"""What IPython says where the cell itself cannot be read: its file has a number for a name."""
TIMEOUT = re.compile(r"TimeoutError: (took longer than .* s)")
ABSENT = re.compile(
    r"expected `(?P<expected>\w{1,200})`|.{0,40}\bNameError: name '(?P<used>\w{1,200})'"
)

MOST = 100
"""Failed cells that are looked at: a student may hand in thousands."""


def message(cell: Cell) -> str:
    """Return what went wrong in a cell that failed."""
    error = cell.error or ""
    if found := SYNTAX.fullmatch(error):
        return f"cell {cell.number} is not Python: {found['what']}, line {found['line']}"
    if found := TIMEOUT.fullmatch(error):
        return f"cell {cell.number} {found[1]}"
    if error.startswith("MemoryError") and is_nested_too_deeply(cell.source):
        return f"cell {cell.number} is nested too deeply for Python to read it"
    if error.startswith("StdinNotImplementedError"):
        return f"cell {cell.number} asks for keyboard input, and no one is there to give it"
    return f"cell {cell.number} raised {error.removesuffix(': ')}"


def of(said: str, cells: Sequence[Cell]) -> str:
    """The failed cell that was to set the name which is said to be absent; '' if there is none.

    Where that cell failed for a name of an earlier cell's, the earlier one is to blame.
    """
    failed = [cell for cell in cells if cell.error][:MOST]
    blamed = None
    while cell := _setting(name_in(said), failed):
        blamed, said = cell, cell.error or ""
        failed = failed[: failed.index(cell)]
    return message(blamed) if blamed else ""


def name_in(said: str) -> str:
    """Return the name that a message misses, '' if it speaks of something else."""
    found = ABSENT.match(said)
    return (found["expected"] or found["used"]) if found else ""


def _setting(name: str, failed: Sequence[Cell]) -> Cell | None:
    return next((cell for cell in failed if name and _sets(cell.source, name)), None)


def _sets(code: str, name: str) -> bool:
    """Whether a cell was to bind a name; of what cannot be parsed, by the look of its lines."""
    names = _bound(code)
    if names is not None:
        return name in names
    word = rf"\b{re.escape(name)}\b"
    looks = (
        rf"\b(?:def|class|as) {{1,9}}{word}|\bimport\b.{{0,200}}{word}"
        rf"|^[\w ,*]{{0,200}}{word}[\w ,:.\[\]]{{0,200}}=(?!=)"
    )
    return re.search(looks, code, re.MULTILINE) is not None


@lru_cache(MOST)
def _bound(code: str) -> frozenset[str] | None:
    return None if parsed(code) is None else frozenset(bound(code))
