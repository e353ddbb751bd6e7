"""Judge answers in this process, without pytest's machinery: thousands in the time of one.

The rubric's own tests judge, and `score` makes of it what it makes of any judgement. The runs are
made once; what is judged are changed copies of their answers.
"""

import dataclasses
import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import import_module
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.course.assignment import Assignment, Part
from assay.evidence.answers import Answer, Evidence, read_arrays
from assay.execution.job import Job, assemble
from assay.judge import plugin, statistics
from assay.judge.evidence_view import Sheets
from assay.records import Cell, Check, Claim, Estimate, Outcome
from assay.rubric import causes
from assay.submission import plan, sections
from assay.submission.submission import Submission
from assay.submission.submission import plain as plain_cell
from rubric_tests.part1 import pieces as pieces1
from rubric_tests.part1 import test_convergence, test_parity
from rubric_tests.part2 import pieces as pieces2
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT, one_part
from tests.toys.shared import execute
from tests.toys.toy import arrays

MATRIX = {"part1": {"dataset": ["penguins"]}, "part2": {"task": ["reverse-5"]}}
PIECES: dict[str, Any] = {"part1": pieces1, "part2": pieces2}
Files = Mapping[str, bytes]
MOST_KEPT = 100_000
"""Bytes of an answer that is read once for all runs that have it."""


@dataclass(frozen=True)
class Made:
    """A run that was made: what it was handed, what it left, and how it ended."""

    submission: Submission
    workdir: Files
    files: Files
    outcome: Outcome
    cells: Sequence[Cell]

    def answering(self, files: Files) -> "Made":
        """The same run with other answers."""
        return dataclasses.replace(self, files=files)


def course(part: str) -> Assignment:
    return one_part(part, [0], MATRIX[part])


def reference(part: str) -> Submission:
    return Submission("short", short_submission(ROOT, part))


def first_job(planned: plan.Plan) -> Job:
    run = planned.pending[0]
    return assemble(planned.sections[run.part], run)


def make(part: str, submission: Submission) -> Made:
    """Run a submission for real, with the questions of the reference: answers can be exchanged."""
    whole = course(part)
    first, own = (first_job(plan.make(whole, each)) for each in (reference(part), submission))
    ended = execute(dataclasses.replace(own, draw=first.draw).packed)
    return Made(submission, first.workdir, ended.files, ended.outcome, ended.cells)


@cache
def right(part: str) -> Made:
    """One real run of the reference, for all tests of a process."""
    return make(part, reference(part))


class Noting(Evidence):
    """Evidence that notes which questions were read; what was read of the same bytes is kept."""

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.noted: set[str] = set()

    def _arrays(self, question: str) -> dict[str, Any]:
        content = self._files.get(f"evidence/{question}.npz", b"")
        if len(content) < MOST_KEPT and question not in self._read:
            self._read[question] = _read(content)
        return super()._arrays(question)

    def __getitem__(self, question: str) -> Answer:
        self.noted.add(question)
        return super().__getitem__(question)

    def partial(self, question: str) -> dict[str, Any]:
        self.noted.add(question)
        return super().partial(question)


@lru_cache(500)
def _read(content: bytes) -> dict[str, Any]:
    return read_arrays(content)


class Run(SimpleNamespace):
    """A run as a rubric test sees it."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


@cache
def _job(part: str) -> Job:
    """The reference's, whose questions all others are put."""
    whole = course(part)
    return first_job(plan.make(whole, reference(part)))


@cache
def _workdir(part: str) -> tuple[dict[str, Any], dict[str, float], Any]:
    """The promised shapes, the bounds and the run, of the reference."""
    job = _job(part)
    shapes = {
        q: {n: tuple(s) for n, s in of.items()}
        for q, of in json.loads(job.workdir["shapes.json"]).items()
    }
    return shapes, json.loads(job.workdir.get("largest.json", b"{}")), job.run


def laid(part: str, made: Made, sheets: tuple[Sheets, Sheets] | None = None) -> Run:
    """The run as a test sees it."""
    shapes, largest, run = _workdir(part)
    given, kept = sheets or sheets_of(part, made.workdir)
    ended = f"{made.outcome}: made up"
    return Run(
        id=run.id,
        place=run.place,
        parameters=run.parameters,
        parameterised=True,
        outcome=made.outcome,
        reason="made up",
        cells=list(made.cells),
        given=given,
        kept=kept,
        evidence=Noting(made.files, shapes, ended, list(made.cells), largest),
    )


def sheets_of(part: str, workdir: Files) -> tuple[Sheets, Sheets]:
    found = []
    for name in ("given", "kept"):
        sheets = Sheets(Path(), list(_workdir(part)[0]))
        for question in sheets:
            sheets._read[question] = arrays(workdir[f"{name}/{question}.npz"])
        found.append(sheets)
    return found[0], found[1]


def on_the_bench(part: str, submission: Submission) -> SimpleNamespace:
    """The notebook's cells and all sources, as the judge reads them."""
    whole = course(part)
    cells = [plain_cell(cell) for cell in sections.sections(whole, submission)[part].own]
    sources = {n: c.decode() for n, c in submission.files.items() if n.endswith(".py")}
    sources["notebook"] = "\n\n".join(c["source"] for c in cells if c["kind"] == "code")
    seen = [SimpleNamespace(**cell) for cell in cells]
    return SimpleNamespace(cells=seen, sources=sources, files=sorted(submission.files), unread=[])


@dataclass(frozen=True)
class Test:
    """One test of the rubric, with one choice of its own parameters."""

    part: str
    name: str
    function: Any
    marks: Sequence[Any]
    chosen: Mapping[str, Any] = field(default_factory=dict)

    def argument(self, marker: str) -> str:
        return next((str(mark.args[0]) for mark in self.marks if mark.name == marker), "")

    @property
    def wants(self) -> list[str]:
        return list(inspect.signature(self.function).parameters)

    @property
    def claim(self) -> Claim | None:
        found = [mark for mark in self.marks if mark.name == "claim"]
        return Claim(measure=found[0].args[0], **found[0].kwargs) if found else None


@cache
def tests_of(part: str) -> list[Test]:
    """Every test of the rubric that judges answers or sources; written answers wait for people."""
    found = []
    for path in sorted((ROOT / "rubric_tests" / part).glob("test_*.py")):
        module = import_module(f"rubric_tests.{part}.{path.stem}")
        of_all = getattr(module, "pytestmark", [])
        of_all = of_all if isinstance(of_all, list) else [of_all]
        for name, function in vars(module).items():
            if not name.startswith("test_") or not callable(function):
                continue
            marks = [*getattr(function, "pytestmark", []), *of_all]
            for chosen in _choices(marks):
                found.append(Test(part, f"{path.stem}.{name}", function, marks, chosen))
    return found


def _choices(marks: Sequence[Any]) -> Iterator[dict[str, Any]]:
    varied = [mark.args for mark in marks if mark.name == "parametrize"]
    for values in product(*(values for _, values in varied)):
        yield {name: value for (name, _), value in zip(varied, values, strict=True)}


def check(test: Test, run: Run, submission: SimpleNamespace) -> Check:
    """What the plugin makes of one test."""
    estimates: list[Estimate] = []

    def compare(differences: Mapping[str, Sequence[float]], threshold: float) -> list[Estimate]:
        estimates[:] = statistics.compare(differences, threshold)
        return estimates

    fixtures = {
        "run": run,
        "runs": [run],
        "evidence": run.evidence,
        "given": run.given,
        "kept": run.kept,
        "submission": submission,
        "measure": plugin.keeper(test.part, run.id, []),
        "claim": test.claim,
        "compare": compare,
        "written": lambda heading, text: None,
        "drawing": lambda title, source: None,
    } | test.chosen
    error: BaseException | None = None
    try:
        if not any(mark.name == "review" for mark in test.marks):
            PIECES[test.part].something_works(run)  # as the part's conftest does
        test.function(**{name: fixtures[name] for name in test.wants})
    except (Exception, pytest.skip.Exception, pytest.fail.Exception) as raised:
        error = raised
    per_run = plugin.PER_RUN & set(test.wants)
    return plugin.check_of(
        error,
        part=test.part,
        criterion=test.argument("criterion"),
        name=test.name,
        title=test.name,
        run=run.id if per_run else None,
        hint="",
        claim=test.claim,
        estimates=estimates,
        review=any(mark.name == "review" for mark in test.marks),
    )


def forget() -> None:
    """Nothing is remembered of answers that are no longer there."""
    causes.forget()
    for pieces in PIECES.values():
        pieces.something_works.cache_clear()
    test_parity.accuracies.cache_clear()
    test_convergence.last_loss.cache_clear()


def judged(part: str, made: Made, tests: Sequence[Test] | None = None) -> list[Check]:
    """The checks of one run."""
    forget()
    run, submission = laid(part, made), on_the_bench(part, made.submission)
    return [check(test, run, submission) for test in tests or tests_of(part)]


def part_of(part: str) -> Part:
    return course(part).part[0]
