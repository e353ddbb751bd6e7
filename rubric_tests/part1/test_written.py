"""Written answers, collected under their headings for a person to mark."""

import re

import pytest

from rubric_tests.checks import Wrong

HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$", re.MULTILINE)


@pytest.mark.review
@pytest.mark.criterion("exploration")
@pytest.mark.hint("give the answer a heading of its own with `exploration` or `data` in it")
def test_exploration(submission, written):
    """The data set is described: labels, features, missing values, balance."""
    collect(submission, written, r"explor|the data|data ?set")


@pytest.mark.review
@pytest.mark.criterion("comparison")
@pytest.mark.hint("give the answer a heading of its own with `comparison` in it")
def test_comparison(submission, written):
    """Network and logistic regression are compared, with what the comparison can show."""
    collect(submission, written, r"compar|versus|\bvs\b")


@pytest.mark.review
@pytest.mark.criterion("self-learning")
@pytest.mark.hint("give the answer a heading of its own with `self-learning` in it")
def test_self_learning(submission, written):
    """What `self-learning` means is explained to a boss who knows linear regression."""
    collect(submission, written, r"self.?learning|\bboss\b")


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
