"""Exports: pure functions from results to the files that other programs read.

`FORMATS` is the table of those that are one text for all results; a results.json for Gradescope is
one of each (gradescope.py), a crate holds more than a result (crate.py).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from assay.export import github, gradebooks, junit
from assay.records import Result


class Format(NamedTuple):
    """How a format is written; where it is a gradebook, `column` names the assignment in it."""

    write: Callable[..., str]
    ending: str
    gradebook: bool = False


FORMATS = {
    "canvas": Format(gradebooks.canvas, ".csv", gradebook=True),
    "moodle": Format(gradebooks.moodle, ".csv", gradebook=True),
    "nbgrader": Format(gradebooks.nbgrader, ".csv", gradebook=True),
    "junit": Format(junit.xml, ".xml"),
    "github-summary": Format(github.job_summary, ".md"),
    "github-annotations": Format(github.annotations, ".txt"),
}


def text(name: str, results: Sequence[Result], column: str) -> str:
    """Return all results in a format of the table."""
    chosen = FORMATS[name]
    return chosen.write(results, column) if chosen.gradebook else chosen.write(results)


def file_of(name: str, count: int) -> str:
    """Return the file of a format beside others; of one that is apart for each result, a folder."""
    if name in FORMATS:
        return name + FORMATS[name].ending
    return f"{name}.json" if name == "gradescope" and count == 1 else name
