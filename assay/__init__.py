"""Run notebooks over seeds and data sets, ask their code for arrays, judge those elsewhere.

import assay

with assay.Session("assignment.toml") as session:
    print(session.grade("submissions/ada.zip").earned)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.course.assignment import Assignment
    from assay.errors import AssayError
    from assay.events import Failed, Message, RunFinished, RunsPlanned, SubmissionGraded
    from assay.grading.session import Session
    from assay.records import Outcome, Result, RunRecord, Verdict
    from assay.submission.submission import Submission
    from assay.version import __version__ as __version__

__all__ = [
    "AssayError",
    "Assignment",
    "Failed",
    "Message",
    "Outcome",
    "Result",
    "RunFinished",
    "RunRecord",
    "RunsPlanned",
    "Session",
    "Submission",
    "SubmissionGraded",
    "Verdict",
]
_HOMES = (
    "course.assignment",
    "errors",
    "events",
    "grading.session",
    "records",
    "submission.submission",
)


def __getattr__(name: str) -> object:
    """Import what is asked for, and not before: `assay --help` needs none of it."""
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"assay.{home}")
            if getattr(vars(module).get(name), "__module__", None) == module.__name__:
                return vars(module)[name]
    if name == "__version__":
        return import_module("assay.version").__version__
    raise AttributeError(f"module 'assay' has no attribute {name!r}")
