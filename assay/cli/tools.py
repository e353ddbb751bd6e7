"""The commands that look at what is there: two results, the store, this machine."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from assay.cli.options import assignment_option, json_option
from assay.units import MB
from assay.words import counted

if TYPE_CHECKING:
    from assay.evidence.store import StoreEntry
    from assay.records import Result


@click.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True))
@click.argument("second", type=click.Path(path_type=Path, exists=True))
@json_option
def compare(first: Path, second: Path, as_json: bool) -> None:
    """Show what differs between two results: report folders, or their results.json.

    Exits with status 1 if they differ.
    """
    from assay.grading import publish
    from assay.provenance import compare as comparing
    from assay.report import safe

    found = comparing.compare(publish.result_at(first), publish.result_at(second))
    words = safe.terminal(comparing.in_words(found))
    click.echo(safe.json_text(found.model_dump_json(indent=1)) if as_json else words)
    sys.exit(0 if found.is_same else 1)


def _number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """Refuse `nan`, which is in every range, and `inf`."""
    if value is not None and not isfinite(value):
        raise click.BadParameter(f"{value} is no number of MB or days")
    return value


@click.command()
@click.option(
    "--prune",
    metavar="DAYS",
    type=click.FloatRange(0),
    callback=_number,
    help="Forget what was not used.",
)
@click.option(
    "--max-size",
    metavar="MB",
    type=click.FloatRange(0),
    callback=_number,
    help="Forget what was used longest ago, until no more than this is kept.",
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Where reports say whose each run is.",
)
@assignment_option
@json_option
def store(
    prune: float | None, max_size: float | None, reports: Path, assignment: Path, as_json: bool
) -> None:
    """Show what is kept of runs, by submission and part; what was not used can be forgotten.

    Nothing is forgotten while another command uses what is kept.
    """
    from assay.course import assignment as assignments
    from assay.evidence.store import Store
    from assay.report import safe

    kept = Store(assignments.read(assignment).root / ".assay" / "store")
    forgotten = kept.prune(time.time() - prune * 86_400) if prune is not None else []
    forgotten += kept.shrink(round(max_size * MB)) if max_size is not None else []
    held = kept.held()
    shares = _shares(held, reports)
    if as_json:
        sizes = {"held": amount(held), "forgotten": amount(forgotten)}
        shown = {"store": str(kept.root), **sizes, "by": [share._asdict() for share in shares]}
        click.echo(safe.json_text(json.dumps(shown, indent=1)))
        return
    if prune is not None or max_size is not None:
        click.echo(f"forgotten: {in_words(forgotten)}")
    here = Path.cwd()
    root = kept.root.relative_to(here) if kept.root.is_relative_to(here) else kept.root
    click.echo("".join(f"{line}\n" for line in _table(shares)), nl=False)
    click.echo(f"{root}: {in_words(held)}")


class Share(NamedTuple):
    """What the runs of a part of a submission take; `submission` is empty if no report has them."""

    submission: str
    part: str
    runs: int
    files: int
    bytes: int


def _shares(held: "Sequence[StoreEntry]", reports: Path) -> list[Share]:
    """What takes the room, the most first. Two submissions may have a run in common: it is shown
    with the first."""
    whose: dict[str, tuple[str, str]] = {}
    for result in _results(reports):
        for record in result.runs:
            whose.setdefault(record.key, (result.submission, record.run.part))
    found: dict[tuple[str, str], list[StoreEntry]] = {}
    for run in held:
        found.setdefault(whose.get(run.key, ("", "")), []).append(run)
    shares = [
        Share(*of, len(runs), sum(run.files for run in runs), sum(run.size for run in runs))
        for of, runs in found.items()
    ]
    return sorted(shares, key=lambda share: (-share.bytes, share.submission, share.part))


def _results(reports: Path) -> "Iterator[Result]":
    """The results below a folder that can be read."""
    from assay.errors import UsageError
    from assay.grading import publish

    for path in sorted(reports.glob("*/results.json")):
        with suppress(UsageError):
            yield publish.result_at(path)


def _table(shares: Sequence[Share]) -> list[str]:
    """A line for each, in columns."""
    from assay.report import safe

    rows = [
        (
            safe.terminal(share.submission) or "(in no report)",
            safe.terminal(share.part),
            counted(share.runs, "run"),
            counted(share.files, "file"),
            f"{share.bytes / MB:,.1f} MB",
        )
        for share in shares
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def amount(held: "Sequence[StoreEntry]") -> dict[str, int]:
    """How many runs, and how many files and bytes they take."""
    return {
        "runs": len(held),
        "files": sum(run.files for run in held),
        "bytes": sum(run.size for run in held),
    }


def in_words(held: "Sequence[StoreEntry]") -> str:
    """`12 runs, 3.4 MB`."""
    size = amount(held)["bytes"] / MB
    return f"{counted(len(held), 'run')}, {size:,.1f} MB"


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Show what this machine can isolate, what is missing, and how to get it."""
    from assay.cli.steps import machine_of_command
    from assay.execution import doctor as doctors

    findings = doctors.examine(machine_of_command())
    click.echo(findings.model_dump_json(indent=1) if as_json else doctors.table(findings))


COMMANDS = (compare, store, doctor)
