"""The commands that look at what is there: two results, the store, this machine."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli.options import assignment_option, json_option
from assay.cli.steps import session_of
from assay.units import MB
from assay.words import counted

if TYPE_CHECKING:
    from assay.evidence.store import Held


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


@click.command()
@click.option("--prune", metavar="DAYS", type=click.FloatRange(0), help="Forget what was not used.")
@assignment_option
@json_option
def store(prune: float | None, assignment: Path, as_json: bool) -> None:
    """Show how much is kept of runs; what was not used for a number of days can be forgotten."""
    kept = session_of(assignment, Path(), None, None).store
    forgotten = kept.prune(time.time() - prune * 86_400) if prune is not None else []
    held = kept.held()
    if as_json:
        sizes = {"held": amount(held), "forgotten": amount(forgotten)}
        click.echo(json.dumps({"store": str(kept.root)} | sizes, indent=1))
        return
    if prune is not None:
        click.echo(f"forgotten: {in_words(forgotten)}")
    here = Path.cwd()
    root = kept.root.relative_to(here) if kept.root.is_relative_to(here) else kept.root
    click.echo(f"{root}: {in_words(held)}")


def amount(held: "Sequence[Held]") -> dict[str, int]:
    """How many runs, and how many bytes they take."""
    return {"runs": len(held), "bytes": sum(run.size for run in held)}


def in_words(held: "Sequence[Held]") -> str:
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
