"""Python's own parser, one thread at a time.

CPython before 3.11.8 counts how deep a syntax tree is in one place for all threads (its issue
106905). Where the collector runs code between two nodes another thread may go on, and one of them
ends in `SystemError: AST constructor recursion depth mismatch`: seen in 1 of 33 submissions of a
batch. NumPy parses too: it reads the header of an array as a Python literal.
"""

import ast
import re
import unicodedata
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from assay.source import decoding

Read = TypeVar("Read")
ATTEMPTS = 5
"""A library that parses in another thread does not know this lock."""
LONGEST = 300_000
"""Characters of one module or notebook: a tree takes up to a kilobyte for each."""
IN_ALL = 600_000
"""Characters of all that a submission holds: the judge has the trees of all at once."""
ENDLESS_NAME = re.compile(r"(?:\.[\s\\]*[^\W\d]\w*[\s\\]*){200}")

MARKS = 200
"""Marks on one letter. The parser puts them in order in quadratic time, and no other thread can run
meanwhile: a name of 300,000 took six minutes."""

_one_at_a_time = Lock()


def parse(code: str | bytes) -> ast.Module:
    """Return the syntax tree of a module; raises what `ast.parse` does.

    Code that costs the parser gigabytes is a SyntaxError too: `import a.a.a…` of 60 kB did.
    """
    if not is_readable(code):
        raise SyntaxError("too long to be read: much code, or a name of very many parts or marks")
    return alone(lambda: ast.parse(code))


def is_readable(code: str | bytes) -> bool:
    """Return whether the parser can be expected to end soon, in little memory."""
    if len(code) > LONGEST:
        return False
    text = code if isinstance(code, str) else decoding.text_of(code)
    return not ENDLESS_NAME.search(text) and not has_pile_of_marks(text)


def has_pile_of_marks(text: str) -> bool:
    """Return whether many characters follow each other that Unicode puts in order on one letter."""
    signs = set() if text.isascii() else set(text)
    marks = [c for c in signs if unicodedata.combining(unicodedata.normalize("NFKD", c)[0])]
    return bool(marks) and "x" * MARKS in text.translate(
        dict.fromkeys(map(ord, signs), " ") | dict.fromkeys(map(ord, marks), "x")
    )


def alone(read: Callable[[], Read]) -> Read:
    """Return what `read` returns, while no other thread of assay parses."""
    with _one_at_a_time:
        for _ in range(ATTEMPTS - 1):
            try:
                return read()
            except SystemError:
                continue
        return read()
