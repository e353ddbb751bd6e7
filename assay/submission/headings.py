"""Where a notebook's text says that a part begins: headings, and the words of the part's title."""

import re
from collections.abc import Sequence
from dataclasses import replace

from assay.course.assignment import Assignment, Part
from assay.submission.notebook import NotebookCell

NUMBERS = (("1", "i", "one", "eins"), ("2", "ii", "two", "zwei"), ("3", "iii", "three", "drei"))
FENCE = re.compile(
    r"^ {0,3}(`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^ {0,3}\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL
)
UNDERLINED = re.compile(r"^([^\n#]{1,200})\n[ ]{0,3}(?:={3,}|-{3,})[ ]*$", re.MULTILINE)
TAG = r"<(?:h[1-6]|b|strong|u|em|i|p|div|span|center|font|a)\b[^<>\n]{0,200}>"
HEADED = re.compile(r"[^\S\n]{0,40}(?:#{1,6}|\*\*|__|<h[1-6])", re.IGNORECASE)
BEFORE = r"(?:homework|hw|assignment|exercise|project|sheet|hausaufgabe|aufgabe|blatt|übung)"
GAP = r"(?:[^\w\n]|[\d_]){0,40}"
"""Bounded, as all gaps are: a student may hand in a million blank lines."""
PART = r"(?:part|teil|partie|parte|deel|del|dio|osa|часть)(?:[^\w\n]|_){0,40}"
INDENT = r"^[^\S\n]{0,40}"
MARK = rf"{INDENT}(?:#{{1,6}}|\*\*|__|(?:{TAG}){{1,8}}){GAP}(?:{BEFORE}\b{GAP})?{PART}"
BARE = rf"{INDENT}(?:[-*+>]|\d{{1,2}}[.)])?[^\S\n]{{0,9}}[*_]{{0,3}}{PART}"
END = r"[*_]{0,3}[^\S\n]{0,9}[:.)]?[*_]{0,3}[^\S\n]{0,40}$"
LINE = re.compile(
    r"(?P<hash>#{1,6})(?!#)[^\n]*\S|<h(?P<html>[1-6])\b[^\n]*|(?P<bold>\*\*|__)\S[^\n]*(?P=bold):?",
    re.IGNORECASE,
)
UNDER = re.compile(r" {0,3}(?:(?P<first>={3,})|-{3,}) *")


def marked(assignment: Assignment, part: Part, cells: Sequence[NotebookCell]) -> list[int]:
    """Return the cells that a part begins with: tagged with its name, or headed `Part 2`, `Teil 2`.

    In code, a comment in the first line counts as a heading.
    """
    number = assignment.part.index(part)
    spelt = "|".join(NUMBERS[number]) if number < len(NUMBERS) else str(number + 1)
    heads = rf"{MARK}(?:{spelt})\b|{BARE}(?:{spelt}){END}"
    heading = re.compile(heads, re.IGNORECASE | re.MULTILINE)
    return [
        i for i, cell in enumerate(cells) if part.name in cell.tags or heading.search(_texts(cell))
    ]


def is_certain(part: Part, cell: NotebookCell) -> bool:
    """Headed with words of the part's title that no section of it needs."""
    title = words(part.title)
    headed = [line for line in _texts(cell).splitlines() if HEADED.match(line)]
    return bool(title) and any(title <= words(line) for line in headed)


def lines(cell: NotebookCell) -> list[str]:
    """Return the headings of a cell of text."""
    texts = [] if cell.kind == "code" else _texts(cell).splitlines()
    return [line for line in texts if HEADED.match(line)]


def words(text: str) -> set[str]:
    """Return the words that matter: without `part`, numbers, and the shortest."""
    found = set(re.findall(r"[^\W\d_]{3,}", text.casefold()))
    return found - {"part", "teil", "the", "and", "der", "die", "das", "und", "two", "zwei", "one"}


def pieces(cell: NotebookCell) -> list[NotebookCell]:
    """A cell of text, cut above each heading that has other text above it; they share its id."""
    if cell.kind == "code":
        return [cell]
    cuts, has_text = [0], False
    lines = cell.source.splitlines(keepends=True)
    for number, level in enumerate(_levels(lines)):
        if level and has_text:
            cuts.append(number)
            has_text = False
        has_text |= level is None and bool(lines[number].strip())
    bounds = zip(cuts, [*cuts[1:], len(lines)], strict=True)
    return [replace(cell, source="".join(lines[a:b])) for a, b in bounds]


def level(cell: NotebookCell) -> int | None:
    """Return the highest heading level in a cell of text, 1 above 6; None if there is none."""
    levels = _levels(cell.source.splitlines()) if cell.kind != "code" else []
    return min((each for each in levels if each), default=None)


def _levels(lines: Sequence[str]) -> list[int | None]:
    """Of each line that is a heading its level, 7 for one that is only bold; 0 for an underline."""
    found: list[int | None] = []
    fence = ""
    for number, line in enumerate(map(str.strip, lines)):
        mark = re.match(r"```+|~~~+", line)
        if mark and not fence:
            fence = mark[0]
        elif mark and line.startswith(fence):
            fence = ""
        under = UNDER.fullmatch(lines[number + 1].rstrip()) if number + 1 < len(lines) else None
        heading = LINE.fullmatch(line)
        if fence or mark:
            found.append(None)
        elif heading:
            found.append(len(heading["hash"] or "") or int(heading["html"] or 7))
        elif under and line and len(line) <= 200:
            found.append(1 if under["first"] else 2)
        else:
            is_under = UNDER.fullmatch(line) is not None and number > 0 and bool(found[-1])
            found.append(0 if is_under else None)
    return found


def _texts(cell: NotebookCell) -> str:
    """The text that may hold headings: not what stands in a fence, nor below a line of code."""
    if cell.kind == "code":
        return cell.source.lstrip().partition("\n")[0]
    text = FENCE.sub("", cell.source)
    return UNDERLINED.sub(r"# \1", text)
