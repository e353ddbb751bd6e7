"""Written answers: found under their headings, and handed on for a person to mark."""

import re

from rubric_tests.checks import Wrong

HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$", re.MULTILINE)


def collect(submission, written, pattern: str) -> None:
    """Hand on every section whose heading matches; raise where there is none with text in it."""
    found = [
        (heading, text)
        for heading, text in sections(submission.cells)
        if re.search(pattern, heading, re.IGNORECASE) and text
    ]
    if not found:
        raise Wrong("no heading in the notebook announces this answer")
    for heading, text in found:
        written(heading, text)


def sections(cells) -> list[tuple[str, str]]:
    """(heading, text until the next heading of its own level or above), from the markdown cells."""
    page = "\n\n".join(cell.source for cell in cells if cell.kind == "markdown")
    marks = list(HEADING.finditer(page))
    found = []
    for i, mark in enumerate(marks):
        level = len(mark[1])
        end = next((m.start() for m in marks[i + 1 :] if len(m[1]) <= level), len(page))
        found.append((mark[2], page[mark.end() : end].strip()))
    return found
