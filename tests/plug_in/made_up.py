"""The gradebook and the sandbox of a college that does not exist."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from assay.export import Format
from assay.plugins import hookimpl
from assay.records import Result
from assay.sandbox.level import Level
from assay.sandbox.sandbox import Sandbox, Wrapper


def ledger(results: Sequence[Result], column: str) -> str:
    """Return a line for each student, below the name of the assignment."""
    lines = [f"{one.submission}: {one.earned:g} of {one.judged_points:g}" for one in results]
    return "\n".join([column, *lines, ""])


@hookimpl
def assay_exporters() -> Mapping[str, Format]:
    """Return what `assay export` takes besides."""
    return {"ledger": Format(ledger, ".txt", gradebook=True)}


def with_low_priority(command: list[str], workdir: Path) -> list[str]:
    """Return the command line that starts another with a low priority."""
    return ["nice", "-n", "5", *command]


@hookimpl
def assay_sandboxes(bubblewraps: Sequence[Path]) -> list[Sandbox]:
    """Return assay's sandboxes of three levels, each started with a low priority."""
    nice = Wrapper("nice", with_low_priority)
    levels = (Level.CGROUP, Level.NAMESPACES)
    seen = [Sandbox(level, each, wrapper=nice) for level in levels for each in bubblewraps]
    return [*seen, Sandbox(Level.LANDLOCK, wrapper=nice)]
