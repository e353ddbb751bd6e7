"""How long a class takes, from what one run costs: `python -m benchmarks.scale` prints the table.

A cluster is as slow as whatever has most to do: its workers, the command that puts runs together
and writes reports in one interpreter, the judges on that machine, the scheduler, or the network.
"""

from dataclasses import dataclass

CORES = 8
"""Of each machine, that of the command included."""


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU for one run, and megabytes; measured on the reference (docs/scale.md)."""

    run: float = 4.1
    command: float = 0.15
    judge: float = 0.24
    scheduler: float = 0.021
    megabytes: float = 8.6
    megabytes_a_second: float = 110.0
    first: float = 15.0
    """Before the first run: a worker proves its isolation and imports."""
    last: float = 24.0
    """The longest run, which nobody shares."""
    kept: float = 0.66
    """Megabytes of a run that stay in the store, in so many files."""
    files: int = 2


REFERENCE = Cost()


def seconds(
    runs: int, machines: int, commands: int = 1, cost: Cost = REFERENCE
) -> dict[str, float]:
    """What each has to do, where so many commands share the machines and the class."""
    return {
        "workers": runs * cost.run / (machines * CORES),
        "command": runs * cost.command / commands,
        "judges": runs * cost.judge / (commands * CORES),
        "scheduler": runs * cost.scheduler / commands,
        "network": runs * cost.megabytes / cost.megabytes_a_second / commands,
    }


def room(runs: int, cost: Cost = REFERENCE) -> str:
    """Return what a class takes whatever it runs on: hours of a core, and room on the disk."""
    hours = runs * (cost.run + cost.command + cost.judge + cost.scheduler) / 3600
    return (
        f"{hours:,.0f} core hours, {runs * cost.kept / 1000:,.0f} GB and "
        f"{runs * cost.files:,} files"
    )


def whole(runs: int, machines: int, commands: int = 1, cost: Cost = REFERENCE) -> float:
    """From the first to the last, in seconds."""
    return cost.first + max(seconds(runs, machines, commands, cost).values()) + cost.last


def row(students: int, each: int, machines: int, commands: int) -> str:
    """A line of the table."""
    busy = seconds(students * each, machines, commands)
    spent = " | ".join(f"{of_it / 60:,.0f}" for of_it in busy.values())
    total = whole(students * each, machines, commands) / 60
    return (
        f"| {machines} | {commands} | {spent} | {total:,.0f} | {max(busy, key=busy.__getitem__)} |"
    )


def table(students: int = 1_000, each: int = 45) -> str:
    """1, 10 and 100 machines; and 100 of them with the class dealt out to ten commands."""
    names = " | ".join(seconds(1, 1))
    head = f"| machines | commands | {names} | minutes in all | what limits |"
    lines = [row(students, each, *how) for how in ((1, 1), (10, 1), (100, 1), (100, 10))]
    return "\n".join([head, "|--:|--:|--:|--:|--:|--:|--:|--:|---|", *lines])


if __name__ == "__main__":
    print(table(), room(45_000), sep="\n\n")
