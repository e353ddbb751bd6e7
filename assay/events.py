"""What happens while a session grades, as plain records: drawn, logged or collected."""

from dataclasses import dataclass

from assay.errors import AssayError
from assay.records import Result, RunRecord


@dataclass(frozen=True)
class RunsPlanned:
    """More runs will be made, or found in the store."""

    submission: str
    runs: int


@dataclass(frozen=True)
class RunFinished:
    """A run has ended, or an earlier one was found in the store."""

    submission: str
    record: RunRecord
    from_store: bool


@dataclass(frozen=True)
class SubmissionGraded:
    """A submission has its result."""

    submission: str
    result: Result


@dataclass(frozen=True)
class Failed:
    """A submission has no result, for this reason."""

    submission: str
    error: AssayError


@dataclass(frozen=True)
class Message:
    """A sentence for whoever started the session."""

    text: str


Event = RunsPlanned | RunFinished | SubmissionGraded | Failed | Message
