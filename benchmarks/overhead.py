"""What assay itself takes: time added to a run, two workers against one, the time commands take.

    python -m benchmarks.overhead

A run's added time is its whole time, sandbox made and evidence collected, less that of its cells.
All is measured once warm, in the full sandbox; commands from their start to their end.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nbformat
import psutil

import assay
from assay.execution.execute import execute
from assay.execution.job import Job
from assay.execution.machine import Machine
from assay.judge import judge as bench
from assay.records import Outcome
from assay.submission import submission
from assay.submission.submission import Submission
from benchmarks import cost, courses, page, questions, tools

RUNS, ROUNDS, TIMES = 32, 5, 10
JUDGEMENTS = 10


def added(job: Job, machine: Machine) -> tuple[float, float]:
    """Of one run, the seconds that are not its cells', and the seconds that are."""
    start = time.perf_counter()
    ended = execute(job.packed, machine)
    wall = time.perf_counter() - start
    if ended.outcome is not Outcome.COMPLETED:
        raise SystemExit(ended.reason)
    executed = nbformat.reads(ended.files["executed.ipynb"].decode(), as_version=4)
    cells = sum(c.metadata.get("papermill", {}).get("duration") or 0 for c in executed.cells)
    return wall - cells, cells


def additions(jobs: list[Job], machine: Machine) -> dict[str, list[float]]:
    """Of each run one after another; the first is made twice, and warms up."""
    pairs = [added(job, machine) for job in [jobs[0], *jobs]][1:]
    ours, cells = ([round(seconds, 4) for seconds in each] for each in zip(*pairs, strict=True))
    return {"added": ours, "cells": cells}


def empty(folder: Path, machine: Machine) -> list[Job]:
    """A notebook that does nothing, and the three questions about it: many times the same run."""
    over = courses.session(questions.course(folder), machine)
    notebook = nbformat.writes(questions.book([questions.parameters()])).encode()
    return over.jobs(over.plan(Submission("empty", {"homework.ipynb": notebook}))) * RUNS


def own(over: assay.Session) -> list[Job]:
    """The runs of the course's own solution."""
    return over.jobs(over.plan(submission.read(over.assignment.root)))


def batch(folder: Path, machine: Machine, workers: int) -> float:
    """Wall seconds of the runs of Part 1, so many at once."""
    fresh = Path(tempfile.mkdtemp(dir=folder))  # kept: to remove it slows what is measured next
    over = courses.session(courses.part1(fresh / "course", RUNS // 2), machine, workers)
    jobs = own(over)
    start = time.perf_counter()
    over.execute("own", jobs)
    return time.perf_counter() - start


def judging(over: assay.Session) -> float:
    """Processor seconds of judging what the course's own solution answered."""
    (section,) = over.plan(submission.read(over.assignment.root)).sections.values()
    records = over.execute("own", own(over))

    def judge() -> None:
        shutil.rmtree(over.store.root / "judgements", ignore_errors=True)
        bench.judge(section, records, over.store, over.machine.servers)

    judge()
    before = family_cpu()
    for _ in range(JUDGEMENTS):
        judge()
    return (family_cpu() - before) / JUDGEMENTS


def family_cpu() -> float:
    """Of this process, all below it, and all that these have waited for."""
    us = psutil.Process()
    return sum(sum(one.cpu_times()[:4]) for one in [us, *us.children(recursive=True)])


def latency(*command: str) -> float:
    """Wall seconds of a command, from its start to its end."""
    return cost.of(tools.ours() / "assay", *command, cwd=tools.ROOT).wall


def main(rounds: int = ROUNDS, times: int = TIMES) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, machine = Path(name), Machine()
        course = courses.session(courses.part1(folder / "part1", RUNS // 2), machine)
        data = {
            "empty": additions(empty(folder / "class", machine), machine),
            "part1": additions(own(course), machine),
        }
        data["judging"] = {
            "a notebook of the class, one run": judging(courses.session(folder / "class", machine)),
            f"Part 1, {RUNS} runs": judging(course),
        }
        workers = {f"{n} at once": partial(batch, folder, machine, n) for n in (1, 2)}
        data["workers"] = tools.in_turn(workers, rounds)
    commands: dict[str, Callable[[], float]] = {
        "assay --help": partial(latency, "--help"),
        "assay check": partial(latency, "check", "notebooks/part1_backprop.ipynb"),
    }
    data["commands"] = tools.in_turn(commands, times)
    tools.tell(f"added to an empty run: {statistics.median(data['empty']['added']):.3f}")
    page.keep("overhead", data)


if __name__ == "__main__":
    main()
