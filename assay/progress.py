"""One live line a run on stderr, with the time that the rest will take."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from assay.records import Outcome, RunRecord
from assay.report.safe import plain
from assay.schedule import Progress as Callback


@contextmanager
def live(total: int, name: str) -> Iterator[Callback]:
    """A callback for `schedule.run_all` that keeps a bar and says how each run ended."""
    console = Console(file=sys.stderr, highlight=False, markup=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("about"),
        TimeRemainingColumn(),
        TextColumn("to go"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(plain(name), total=total)

        def tell(record: RunRecord, was_kept: bool) -> None:
            sign = "✓" if record.outcome is Outcome.COMPLETED else "✗"
            took = "kept from before" if was_kept else f"{record.seconds:.1f} s"
            words = f"{sign} {record.run.id}  {took}"
            if record.outcome is not Outcome.COMPLETED:
                words += f"  {record.outcome}: {plain(record.reason, 120)}"
            console.print(words, soft_wrap=True)
            bar.advance(task)

        yield tell
