"""What happens while a session grades, as plain records: drawn, logged or collected."""

from dataclasses import dataclass

from assay.errors import AssayError
from assay.records import Result, RunRecord


class _Loggable:
    """What all events share: their line in a log."""

    def __str__(self) -> str:
        kind, *rest = plain(self).items()  # type: ignore[arg-type]
        return f"{kind[1]}({', '.join(f'{name}={value!r}' for name, value in rest)})"


@dataclass(frozen=True)
class RunsPlanned(_Loggable):
    """More runs will be made, or found in the store."""

    submission: str
    runs: int


@dataclass(frozen=True)
class RunFinished(_Loggable):
    """A run has ended, or an earlier one was found in the store."""

    submission: str
    record: RunRecord
    from_store: bool


@dataclass(frozen=True)
class SubmissionGraded(_Loggable):
    """A submission has its result."""

    submission: str
    result: Result


@dataclass(frozen=True)
class Failed(_Loggable):
    """A submission has no result, for this reason."""

    submission: str
    error: AssayError


@dataclass(frozen=True)
class Message(_Loggable):
    """A sentence for whoever started the session."""

    text: str


Event = RunsPlanned | RunFinished | SubmissionGraded | Failed | Message


def plain(event: Event) -> dict[str, object]:
    """Return an event as plain data, its kind first."""
    kind: dict[str, object] = {"event": type(event).__name__}
    match event:
        case RunsPlanned():
            return kind | {"submission": event.submission, "runs": event.runs}
        case RunFinished(submission, record):
            found = {"run": record.run.id, "outcome": str(record.outcome), "reason": record.reason}
            took = {"seconds": record.seconds, "from_store": event.from_store}
            return kind | {"submission": submission} | found | took
        case SubmissionGraded(submission, result):
            marks = {"earned": result.earned, "judged": result.judged_points}
            return kind | {"submission": submission, **marks, "for_review": result.review_points}
        case Failed(submission, error):
            found = {"error": error.what, "found": error.found, "hint": error.hint}
            return kind | {"submission": submission, **found, "exit_code": error.exit_code}
        case Message():
            return kind | {"text": event.text}
