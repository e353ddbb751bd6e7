"""Copies of this repository's assignment with a smaller matrix, and a whole grading of one."""

import re
import shutil
from pathlib import Path

from assay import assignment, pipeline, publish, submission
from assay.cores import Cores, available_cores
from assay.records import Outcome, Result
from assay.road import Road
from assay.store import Store
from benchmarks.tools import ROOT

FOLDERS = ("notebooks", "solution", "rubric_tests")
DATA_SETS = ("penguins", "breast_cancer")


def part1(folder: Path, seeds: int, data_sets: tuple[str, ...] = DATA_SETS) -> Path:
    """Part 1 of the assignment over so many seeds and these data sets, in a folder of its own."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "assignment.toml").read_text()
    text, _, _ = text.partition('[[part]]\nname = "part2"')
    chosen = ", ".join(f'"{name}"' for name in data_sets)
    text = re.sub(r"^(calibration|max_seeds) = .*\n", "", text, flags=re.M)
    text = re.sub(r"^seeds = .*", f"seeds = {list(range(seeds))}", text, flags=re.M)
    text = re.sub(r"^matrix = .*", f"matrix = {{ dataset = [{chosen}] }}", text, flags=re.M)
    (folder / "assignment.toml").write_text(text)
    return folder


def road(course: Path, workers: int | None = None) -> Road:
    """The course with an empty store."""
    return Road(
        assignment=assignment.read(course / "assignment.toml"),
        store=Store(course / ".assay" / "store"),
        reports=course / "reports",
        cores=Cores(workers or available_cores()),
    )


def grade(over: Road) -> Result:
    """Run, judge and report the course's own solution, in the full sandbox."""
    handed_in = submission.read(over.assignment.root)
    result = pipeline.grade(
        over,
        handed_in,
        lambda jobs: pipeline.run(over, jobs, force=False, progress=lambda *_: None, isolation=3),
    )
    publish.report(over, handed_in, result)
    return all_well(result)


def all_well(result: Result) -> Result:
    """The same, where every run was completed: nothing else may be compared."""
    others = [run for run in result.runs if run.outcome is not Outcome.COMPLETED]
    if others or result.earned < result.judged_points:
        raise SystemExit(f"{result.earned} of {result.judged_points}: {others}")
    return result
