"""The same runs by the tools that users would pick instead; they only execute the notebooks."""

import json
import sys
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

from assay.course.assignment import Assignment
from benchmarks import cost, tools

Run = tuple[str, str, dict[str, Any]]
"""The notebook, the one to write, and the parameters."""
POOL = Path(__file__).with_name("pool.py")
UNSET = {"PLOOMBER_STATS_ENABLED": "false"}  # it would tell its makers of every run


def runs(course: Assignment) -> list[Run]:
    """What assay would run: every seed with every combination of the matrix."""
    found: list[Run] = []
    for part in course.part:
        for values in product(part.seeds, *part.matrix.values()):
            parameters = dict(zip(("seed", *part.matrix), values, strict=True))
            out = "-".join(map(str, ("out", part.name, *values))) + ".ipynb"
            found.append((Path(part.notebook).name, out, parameters))
    return found


def papermill(folder: Path, wanted: Iterable[Run]) -> None:
    """The command line, one run after another, threads left as they are."""
    _one_by_one(tools.ours() / "papermill", folder, wanted)


def ploomber(folder: Path, wanted: Iterable[Run]) -> None:
    """The same of ploomber-engine, which starts no process for the kernel."""
    _one_by_one(tools.environment("ploomber") / "ploomber-engine", folder, wanted)


def _one_by_one(program: Path, folder: Path, wanted: Iterable[Run]) -> None:
    for notebook, out, parameters in wanted:
        values = [str(word) for pair in parameters.items() for word in ("-p", *pair)]
        cost.of(program, notebook, out, *values, cwd=folder, env=UNSET)


def papermill_pool(folder: Path, wanted: Iterable[Run]) -> None:
    """A script with two processes that call papermill, one numeric thread each."""
    (folder / "runs.json").write_text(json.dumps(list(wanted)))
    cost.of(sys.executable, POOL, "runs.json", cwd=folder)


WAYS = {
    "papermill, one after another": papermill,
    "papermill, pool of 2, one thread each": papermill_pool,
    "ploomber-engine, one after another": ploomber,
}
