"""Written answers: found under their headings, and handed on for a person to mark."""

import re

from rubric_tests.checks import Wrong

HEADING = re.compile(r"^(#{1,6})[^\S\n](.*)$", re.MULTILINE)


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
    ends: list[int] = []
    first = dict.fromkeys(range(1, 7), len(page))  # of each level, the next heading from here on
    for mark in reversed(marks):
        level = len(mark[1])
        ends.append(min(first[above] for above in range(1, level + 1)))
        first[level] = mark.start()
    titles = [mark[2].strip().rstrip("#").rstrip() for mark in marks]
    pieces = zip(titles, marks, reversed(ends), strict=True)
    return [(title, page[mark.end() : end].strip()) for title, mark, end in pieces]
