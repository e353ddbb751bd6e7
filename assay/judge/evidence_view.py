"""The runs of a part as a rubric test sees them, and the judgement so far."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NotRequired, TypedDict

import numpy as np

from assay.course.assignment import Assignment
from assay.errors import OurFault
from assay.evidence import questions
from assay.evidence.answers import HOW_IT_RAN, Evidence, Shape
from assay.evidence.packing import MANIFEST
from assay.evidence.store import read_kept
from assay.records import Judgement, Outcome, Plain, RunRecord
from assay.submission.submission import PlainCell

Files = Mapping[str, bytes]
INPUT = "judge_input.json"
READ = ("evidence/", "shapes.json", "largest.json")
"""How the names begin of what is looked at first of a run."""


class JudgeInput(TypedDict):
    """What `INPUT` holds: all that the judge of a part is given, but for the runs' folders."""

    part: str
    looks: int
    runs: list[Plain]
    """Each a `RunRecord`, with the place where what it left is `kept`."""
    cells: list[PlainCell]
    beside: list[PlainCell]
    """Text of the notebook that is another part's, or no part's."""
    sources: dict[str, str]
    files: list[str]
    is_reference: bool
    unread: list[str]
    alone: NotRequired[dict[str, str]]
    """Names of the test files that stand by themselves, by their places without links.

    What each of them finds is kept apart.
    """
    wanted: NotRequired[list[str]]
    """Those of them that judge now; '' are all others."""
    workers: NotRequired[int]
    """Processes that judge at once; no part of what is judged."""
    course: NotRequired[Plain]
    """The assignment, with this part alone: its questions are drawn again."""


class Marker(TypedDict):
    """What a test's marker holds."""

    args: list[Any]
    kwargs: dict[str, Any]


class Listed(TypedDict):
    """A test of the rubric: its name, its place, its markers, and what it reads."""

    name: str
    where: str
    markers: dict[str, Marker]
    left_out: list[str]
    """Markers of pytest's own by which it would not be run."""
    repeated: NotRequired[list[str]]
    """Markers that it carries twice, of which one would count."""
    once: NotRequired[bool]
    """It is judged once, over all runs."""
    reads: NotRequired[bool]
    collects: NotRequired[bool]
    """It keeps a written answer for a person."""
    unknown: NotRequired[list[str]]


class Collected(TypedDict):
    """What collected.json holds: the tests of a rubric, and what is wrong with its files."""

    tests: list[Listed]
    faults: list[dict[str, str]]


class NotJudged(Exception):
    """There is nothing to judge, and that is not the student's doing."""


class Sheets(Mapping[str, SimpleNamespace]):
    """The arrays of one run's questions, as we drew them; each test gets copies of its own."""

    __hash__, __eq__ = object.__hash__, object.__eq__

    def __init__(self, files: dict[str, bytes], names: list[str]) -> None:
        self._files, self._names = files, names
        self._read: dict[str, dict[str, np.ndarray[Any, Any]]] = {}

    def __getitem__(self, question: str) -> SimpleNamespace:
        if question not in self._read:
            content = io.BytesIO(self._files[question])
            with np.load(content, allow_pickle=False) as arrays:
                self._read[question] = dict(arrays)
            del self._files[question]  # held once
        return SimpleNamespace(**{n: array.copy() for n, array in self._read[question].items()})

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class RunView:
    """One run as a rubric test sees it."""

    def __init__(
        self, record: RunRecord, kept: Files | Path, assignment: Assignment | None = None
    ) -> None:
        self.id, self.place = record.run.id, record.run.place
        self.parameters = record.run.parameters
        self.parameterised = record.run.parameterised
        self.outcome, self.reason, self.cells = record.outcome, record.reason, record.cells
        self._run, self._kept, self._assignment = record.run, kept, assignment
        self._sheets: dict[str, Evidence | Sheets] = {}

    @property
    def evidence(self) -> Evidence:
        found: Evidence = self._once("evidence", self._read_evidence)
        return found

    @property
    def ran(self) -> list[tuple[str, str]]:
        """What ran and was not handed in, each with the SHA-256 of its text."""
        return [(str(w), str(d)) for w, d in json.loads(self._files.get(HOW_IT_RAN, b"[]"))]

    @property
    def given(self) -> Sheets:
        return self._arrays("given")

    @property
    def kept(self) -> Sheets:
        return self._arrays("kept")

    def _arrays(self, name: str) -> Sheets:
        names = list(self._shapes)
        sheets: Sheets = self._once(name, lambda: Sheets(self._drawn[name], names))
        return sheets

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if self.outcome is Outcome.INFRASTRUCTURE:
            raise NotJudged(f"run {self.id} could not be made: {self.reason}")
        if name not in self._sheets:
            self._sheets[name] = make()
        return self._sheets[name]

    @cached_property
    def _files(self) -> Files:
        return self._read(self._kept, *READ) if isinstance(self._kept, Path) else self._kept

    def _read(self, kept: Path, *begin: str) -> Files:
        try:
            files = read_kept(kept, *begin)
        except OurFault as error:
            raise NotJudged(f"{error.what}: {error.found}") from None
        if not files:
            raise NotJudged(f"what run {self.id} left is no longer kept")
        return files

    @cached_property
    def _drawn(self) -> dict[str, dict[str, bytes]]:
        """What was asked and what was kept back, of each question: as it is kept, or drawn again.

        Read apart from the evidence: what a test has read of it is held as arrays alone.
        """
        assert isinstance(self._kept, Path), "whoever has files alone looks at evidence alone"
        assert self._assignment, "a judge needs the course"
        files = self._read(self._kept, *questions.DRAWN, questions.SEED, MANIFEST)
        try:
            files = questions.whole(files, self._run, self._assignment)
        except OurFault as error:
            raise NotJudged(f"{error.what}: {error.found}") from None
        found: dict[str, dict[str, bytes]] = {folder: {} for folder in questions.DRAWN}
        for name, content in files.items():
            if name.startswith(questions.DRAWN):
                folder, _, question = name.partition("/")
                found[f"{folder}/"][question.removesuffix(".npz")] = content
        return {folder.rstrip("/"): of for folder, of in found.items()}

    @cached_property
    def _shapes(self) -> dict[str, dict[str, Shape]]:
        shapes = json.loads(self._files["shapes.json"])
        return {q: {n: tuple(s) for n, s in answers.items()} for q, answers in shapes.items()}

    def _read_evidence(self) -> Evidence:
        largest = json.loads(self._files.get("largest.json", b"{}"))
        ended = f"{self.outcome}: {self.reason}"
        return Evidence(self._files, self._shapes, ended, self.cells, largest)


class EvidenceView:
    """All runs of a part, what was handed in, and the judgement as it grows."""

    def __init__(self, folder: Path) -> None:
        data: JudgeInput = json.loads((folder / INPUT).read_text(encoding="utf-8"))
        self.folder, self.part = folder, data["part"]
        self.looks, self.workers = data["looks"], data["workers"]
        self.is_reference = data["is_reference"]
        course = data.get("course")
        assignment = Assignment.model_validate_json(json.dumps(course)) if course else None
        self.runs = [_run_view(entry, assignment) for entry in data["runs"]]
        self.submission = SimpleNamespace(
            cells=[SimpleNamespace(**cell) for cell in data["cells"]],
            beside=[SimpleNamespace(**cell) for cell in data["beside"]],
            sources=data["sources"],
            files=data["files"],
            unread=data["unread"],
        )
        self.wanted, self._alone = data.get("wanted"), data.get("alone", {})
        self.found = {name: Judgement() for name in ["", *self._alone.values()]}

    def is_wanted(self, file: Path) -> bool:
        """Return whether the tests of a file judge now."""
        return self.wanted is None or self._name(file) in self.wanted

    def of(self, file: Path) -> Judgement:
        """What the tests of a file have found by now, or of all that stand not by themselves."""
        return self.found[self._name(file)]

    def _name(self, file: Path) -> str:
        return self._alone.get(str(file.resolve()), "")


def _run_view(entry: Plain, assignment: Assignment | None) -> RunView:
    kept = Path(str(entry.pop("kept")))
    return RunView(RunRecord.model_validate_json(json.dumps(entry)), kept, assignment)
