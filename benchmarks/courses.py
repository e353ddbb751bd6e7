"""Copies of this repository's assignment with a smaller matrix, and a whole grading of one."""

import re
import shutil
from pathlib import Path

import assay
from assay.course.secret import PUBLIC
from assay.execution.machine import Machine
from assay.grading import publish
from assay.records import Outcome, Result
from assay.submission import submission
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


def session(course: Path, machine: Machine, workers: int | None = None) -> assay.Session:
    """The course with an empty store, in the full sandbox, by processes that may be warm."""
    return assay.Session(
        course / "assignment.toml",
        jobs=workers,
        check_course=False,
        own=True,
        secret=PUBLIC,
        machine=machine,
    )


def grade(over: assay.Session) -> Result:
    """Run, judge and report the course's own solution."""
    handed_in = submission.read(over.assignment.root)
    result = over.grade(handed_in)
    publish.report(over, handed_in, result)
    return all_well(result)


def all_well(result: Result) -> Result:
    """The same, where every run was completed: nothing else may be compared."""
    others = [run for run in result.runs if run.outcome is not Outcome.COMPLETED]
    if others or result.earned < result.judged_points:
        raise SystemExit(f"{result.earned} of {result.judged_points}: {others}")
    return result
