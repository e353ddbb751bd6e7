"""One live line on stderr for all that is run, with the time that the rest will take."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from assay.events import Event, Message, RunFinished, RunsPlanned
from assay.records import Outcome, RunRecord
from assay.report import safe
from assay.report.safe import plain

COLUMNS = (
    TextColumn("{task.description}", markup=False),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn("about"),
    TimeRemainingColumn(),
    TextColumn("to go"),
)


class Live:
    """A bar of runs, and one of submissions where there are several; a line as each run ends."""

    def __init__(self, bar: Bar, submissions: int) -> None:
        self._bar = bar
        self._lock = Lock()
        several = submissions > 1
        self._submissions = bar.add_task("submissions", total=submissions, visible=several)
        self._runs = bar.add_task("runs", total=0, visible=False)
        self._planned = 0
        self._named = several

    def show(self, event: Event) -> None:
        """Draw the events of a session."""
        match event:
            case RunsPlanned():
                self.expect(event.runs)
            case RunFinished():
                self.ended(event.submission, event.record, event.from_store)
            case Message():
                self.say(event.text)

    def expect(self, runs: int) -> None:
        """This many more runs are planned."""
        with self._lock:
            self._planned += runs
            self._bar.update(self._runs, total=self._planned, visible=True)

    def ended(self, name: str, record: RunRecord, was_kept: bool) -> None:
        """A run of this submission is there, or was before."""
        sign = "✓" if record.outcome is Outcome.COMPLETED else "✗"
        took = "kept from before" if was_kept else f"{record.seconds:.1f} s"
        words = f"{sign} {f'{plain(name)} ' if self._named else ''}{record.run.id}  {took}"
        if record.outcome is not Outcome.COMPLETED:
            words += f"  {record.outcome}: {plain(record.reason, 120)}"
        self.say(words)
        self._bar.advance(self._runs)

    def say(self, words: str) -> None:
        """A line or more, as text: nothing in it moves a cursor."""
        self._bar.console.print(safe.terminal(words), soft_wrap=True)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bars away while something else is written."""
        self._bar.stop()
        yield
        self._bar.start()

    def done(self) -> None:
        """A submission is done with."""
        self._bar.advance(self._submissions)


@contextmanager
def live(submissions: int) -> Iterator[Live]:
    """The bars, while submissions are worked on; nothing else may write to stderr."""
    console = Console(file=sys.stderr, highlight=False, markup=False)
    hidden = not console.is_terminal
    with Bar(
        *COLUMNS, console=console, transient=True, redirect_stdout=False, disable=hidden
    ) as bar:
        yield Live(bar, submissions)
