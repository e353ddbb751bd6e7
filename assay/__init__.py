"""Run notebooks over seeds and data sets, ask their code for arrays, judge those elsewhere.

import assay

with assay.Session("assignment.toml") as session:
    print(session.grade("submissions/ada.zip").earned)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.course.assignment import Assignment
    from assay.errors import AssayError
    from assay.events import Failed, Message, RunFinished, RunsPlanned, SubmissionGraded
    from assay.grading.session import Session
    from assay.handout.inline import check
    from assay.records import Outcome, Result, RunRecord, Verdict
    from assay.submission.submission import Submission
    from assay.version import __version__ as __version__

_HOMES = {
    "AssayError": "errors",
    "Assignment": "course.assignment",
    "Failed": "events",
    "Message": "events",
    "Outcome": "records",
    "Result": "records",
    "RunFinished": "events",
    "RunRecord": "records",
    "RunsPlanned": "events",
    "Session": "grading.session",
    "Submission": "submission.submission",
    "SubmissionGraded": "events",
    "Verdict": "records",
    "check": "handout.inline",
}
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
    "check",
]


def __getattr__(name: str) -> object:
    """Import what is asked for, and not before: `assay --help` needs none of it."""
    if name in _HOMES:
        return getattr(import_module(f"assay.{_HOMES[name]}"), name)
    if name == "__version__":
        return import_module("assay.version").__version__
    raise AttributeError(f"module 'assay' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """Let a notebook check itself: `%load_ext assay`, then `%assay check`."""
    import_module("assay.handout.inline").load(shell)
