"""Docstrings, comments, messages and pages use plain turns."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]

EVERYWHERE = {
    r"\bso many\b": "this many, or the number itself",
    r"\bof ours\b": "of assay, or our own",
    r"befall": "an error in one",
    r"\bexits? with \d|\bexits? with status \d where": "exits with status 1 if",
    r"\blets? be\b|\b(?:is|are|was|were) let be\b": "leaves alone",
}
OUTSIDE = {
    r"\bnobody\b": "no one, or say what is missing",
    r"\b(?:is|are|was|were|and) told (?:at once|as|by|in|so|together|with)\b": "reported",
    r"\btells (?:all|every|them)\b": "shows, or reports",
    r"\bevery bit\b[^.]{0,30}\bsame\b|\bevery bit\b[^.]{0,40}\bis\b": "identical",
    r"\bmany hands\b": "split across processes",
    r"\bis to end\b|\bare to end\b": "is stopped",
}
"""Not in what runs in a student's kernel: its source is left as it is."""
OF_PEOPLE = {
    r"(?<![\"])\b(?:tells?|told|telling)\b(?![^.;]*\b(?:apart|from)\b)": "shows, reports, is known",
}
"""Only people tell. The rubric's titles stand in stored results; `turned` has a function `tell`."""

PAGES = [
    HERE / "README.md",
    HERE / "CONTRIBUTING.md",
    HERE / "CHANGELOG.md",
    *sorted(
        page
        for page in (HERE / "docs").glob("*.md")
        if not page.name.startswith(("kill-matrix", "calibration"))
    ),
]
TEMPLATES = sorted((HERE / "assay").rglob("*.j2"))
INSIDE = HERE / "assay" / "sandbox" / "inside"
CODE = sorted((HERE / "assay").rglob("*.py"))
RUBRIC = sorted(
    path
    for path in (HERE / "rubric_tests").rglob("*.py")
    if not {"exam", "given.py", "rows.py"} & set(path.parts)  # these draw and ask, and stay
)


def turns_for(path):
    """Return the turns that a file may not have, and what to write instead."""
    if INSIDE in path.parents:
        return EVERYWHERE
    if path in RUBRIC or path.name.startswith("turned"):
        return EVERYWHERE | OUTSIDE
    return EVERYWHERE | OUTSIDE | OF_PEOPLE


def lines_of(path):
    """Yield the number and the text of each line that is English, and no code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        lines = lines_of_code(text)
    elif path.suffix == ".md":
        lines = lines_of_page(text)
    else:
        lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        yield number, re.sub(r"`[^`]*`", "``", line)


def lines_of_page(text):
    """Yield the lines of Markdown outside of fences: what stands in those is a program's."""
    in_fence = False
    for number, line in enumerate(text.splitlines(), 1):
        in_fence ^= line.lstrip().startswith("```")
        if not in_fence:
            yield number, line


def lines_of_code(text):
    """Yield docstrings, comments, and texts of two words or more: one word alone is a value."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield from enumerate(node.value.splitlines(), node.lineno)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def found(path):
    """Return a sentence for each banned turn in a file, with file and line."""
    return [
        f"{path.relative_to(HERE)}:{number}: write `{instead}`, not `{match.group()}`"
        for number, line in lines_of(path)
        for turn, instead in turns_for(path).items()
        for match in re.finditer(turn, line, re.IGNORECASE)
    ]


def found_in(paths):
    """Return the same of many files, one line each."""
    return "\n".join(line for path in paths for line in found(path))


@pytest.mark.parametrize("path", PAGES, ids=lambda page: page.name)
def test_pages_use_plain_turns(path):
    """README, CONTRIBUTING, CHANGELOG and docs have no banned turn."""
    assert found(path) == []


def test_templates_use_plain_turns():
    """No template of a page or a course has a banned turn."""
    problems = found_in(TEMPLATES)

    assert TEMPLATES
    assert not problems, problems


def test_code_uses_plain_turns():
    """No docstring, comment or message of assay has a banned turn."""
    problems = found_in(CODE)

    assert not problems, problems


def test_rubrics_use_plain_turns():
    """No docstring, comment or hint of the rubric has a banned turn."""
    problems = found_in(RUBRIC)

    assert not problems, problems


def test_what_is_read_and_what_is_not(tmp_path):
    """Messages and comments are read, even in an f-string; values, fences and code are not."""
    code = 'x = "nobody"\nraise Wrong(f"{x}: nobody came")  # nobody\n'
    page = "nobody\n```\nnobody\n```\n`nobody` and nobody\n"

    assert [number for number, line in lines_of_code(code) if "nobody" in line] == [2, 2]
    (tmp_path / "page.md").write_text(page)
    read = [number for number, line in lines_of(tmp_path / "page.md") if "nobody" in line]
    assert read == [1, 5]
