"""Docstrings, comments and pages use plain turns."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]

BANNED = {
    r"\bso many\b": "this many, or the number itself",
    r"\bof ours\b": "of assay, or our own",
    r"befall": "an error in one",
    r"exits with 1 where": "exits with status 1 if",
    r"lets be": "leaves alone",
}

PAGES = [
    HERE / "README.md",
    HERE / "CONTRIBUTING.md",
    *sorted(
        page
        for page in (HERE / "docs").glob("*.md")
        if not page.name.startswith(("kill-matrix", "calibration"))
    ),
]


def lines_of(path):
    """Yield the number and the text of each line that is English, and no code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield from enumerate(text.splitlines(), 1)
        return
    for node in ast.walk(ast.parse(text)):
        value = getattr(node, "value", None)
        is_text = isinstance(value, ast.Constant) and isinstance(value.value, str)
        if isinstance(node, ast.Expr) and is_text:
            yield from enumerate(value.value.splitlines(), value.lineno)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def found(path):
    """Return a sentence for each banned turn in a file, with file and line."""
    return [
        f"{path.relative_to(HERE)}:{number}: write `{instead}`, not `{match.group()}`"
        for number, line in lines_of(path)
        for turn, instead in BANNED.items()
        for match in re.finditer(turn, line, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda page: page.name)
def test_pages_use_plain_turns(path):
    """README, CONTRIBUTING and docs have no banned turn."""
    assert found(path) == []


def test_docstrings_and_comments_use_plain_turns():
    """No docstring or comment of assay has a banned turn."""
    problems = [line for path in sorted((HERE / "assay").rglob("*.py")) for line in found(path)]

    assert not problems, "\n".join(problems)
