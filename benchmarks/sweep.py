"""A sweep of Part 1, 8 seeds over 2 data sets: assay, papermill in two ways, ploomber-engine.

    python -m benchmarks.sweep

assay runs in its full sandbox, judges and writes the report; the others only execute. Its start is
counted once, and once it is left out: the first sweep of a process that has warm parents already.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import cost, courses, tools

ROUNDS, SEEDS = 5, 8
NOTEBOOK = "part1_backprop.ipynb"
POOL = Path(__file__).with_name("pool.py")
BY_ASSAY = ("assay, start-up counted", "assay, once warm")
UNSET = {"PLOOMBER_STATS_ENABLED": "false"}  # it would tell its makers of every run


def runs(seeds: int) -> Iterator[dict[str, Any]]:
    for dataset in courses.DATA_SETS:
        for seed in range(seeds):
            yield {"seed": seed, "dataset": dataset}


def assay_cold(course: Path, seeds: int) -> None:
    """The command, as a user types it."""
    cost.of(tools.ours() / "assay", "reproduce", "--require-isolation", "3", cwd=course)


def assay_warm(course: Path, seeds: int) -> None:
    """A further sweep of the same process."""
    courses.grade(courses.road(course))


def papermill(course: Path, seeds: int) -> None:
    """The command line, one run after another, threads left as they are."""
    one_by_one(tools.ours() / "papermill", course, seeds)


def ploomber(course: Path, seeds: int) -> None:
    """The same of ploomber-engine, which needs no kernel's process."""
    one_by_one(tools.environment("ploomber") / "ploomber-engine", course, seeds)


def one_by_one(program: Path, course: Path, seeds: int) -> None:
    for run in runs(seeds):
        values = [word for name, value in run.items() for word in ("-p", name, value)]
        cost.of(program, NOTEBOOK, out(run), *values, cwd=course / "notebooks", env=UNSET)


def papermill_pool(course: Path, seeds: int) -> None:
    """A script with two processes that call papermill, one numeric thread each."""
    folder = course / "notebooks"
    (folder / "runs.json").write_text(json.dumps({out(run): run for run in runs(seeds)}))
    cost.of(sys.executable, POOL, NOTEBOOK, "runs.json", cwd=folder)


def out(run: dict[str, Any]) -> str:
    return f"out-{run['dataset']}-{run['seed']}.ipynb"


WAYS: dict[str, Callable[[Path, int], None]] = {
    BY_ASSAY[0]: assay_cold,
    BY_ASSAY[1]: assay_warm,
    "papermill, one after another": papermill,
    "papermill, pool of 2, one thread each": papermill_pool,
    "ploomber-engine, one after another": ploomber,
}


def seconds(way: Callable[[Path, int], None], seeds: int) -> float:
    """The wall time of one sweep in a fresh folder, its making left out."""
    with tempfile.TemporaryDirectory() as folder:
        course = courses.part1(Path(folder) / "course", seeds)
        start = time.perf_counter()
        way(course, seeds)
        return time.perf_counter() - start


def main(rounds: int = ROUNDS, seeds: int = SEEDS) -> None:
    tools.environment("ploomber")
    seconds(assay_warm, 1)  # from here on its parents are warm
    found = tools.in_turn({name: partial(seconds, way, seeds) for name, way in WAYS.items()}, rounds)
    tools.keep("sweep", {"runs": seeds * len(courses.DATA_SETS), "seconds": found})


if __name__ == "__main__":
    main()
