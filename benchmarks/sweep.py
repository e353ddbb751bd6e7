"""A sweep of Part 1, 8 seeds over 2 data sets: assay, papermill in two ways, ploomber-engine.

    python -m benchmarks.sweep

assay runs in its full sandbox, judges and writes the report; the others only execute. Its start is
counted once, and once it is left out: a further sweep of a process whose parents are warm.
"""

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from assay.course import assignment
from assay.execution.machine import Machine
from benchmarks import cost, courses, others, page, tools

ROUNDS, SEEDS = 5, 8


def cold(course: Path) -> None:
    """The command, as a user types it."""
    cost.of(tools.ours() / "assay", "reproduce", "--require-isolation", "3", cwd=course)


def warm(machine: Machine, course: Path) -> None:
    """A further sweep of this process."""
    courses.grade(courses.session(course, machine))


def by_others(way: Callable[[Path, list[others.Run]], None], course: Path) -> None:
    way(course / "notebooks", others.runs(assignment.read(course / "assignment.toml")))


def all_ways(machine: Machine) -> dict[str, Callable[[Path], None]]:
    """Return what is compared, by the names of the page."""
    return {
        page.COLD: cold,
        page.WARM: partial(warm, machine),
        **{name: partial(by_others, way) for name, way in others.WAYS.items()},
    }


def seconds(folder: Path, way: Callable[[Path], None], seeds: int) -> float:
    """The wall time of one sweep in a fresh folder, the making of which is left out."""
    fresh = Path(tempfile.mkdtemp(dir=folder))  # kept: to remove it slows what is measured next
    course = courses.part1(fresh / "course", seeds)
    start = time.perf_counter()
    way(course)
    return time.perf_counter() - start


def main(rounds: int = ROUNDS, seeds: int = SEEDS) -> None:
    tools.environment("ploomber")
    with tempfile.TemporaryDirectory() as name:
        folder, machine = Path(name), Machine()
        seconds(folder, partial(warm, machine), 1)  # from here on the parents are warm
        every = all_ways(machine).items()
        ways = {name: partial(seconds, folder, way, seeds) for name, way in every}
        found = tools.in_turn(ways, rounds)
    page.keep("sweep", {"runs": seeds * len(courses.DATA_SETS), "seconds": found})


if __name__ == "__main__":
    main()
