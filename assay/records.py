"""The plain data that flows from room to room; every record is JSON on disk."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Scalar = bool | int | float | str


class Record(BaseModel):
    """Immutable, and strict about what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Outcome(StrEnum):
    """How a run ended, decided from facts outside the student's process."""

    COMPLETED = "completed"
    CELL_FAILED = "cell failed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    TOO_MANY_PROCESSES = "too many processes"
    TOO_MUCH_OUTPUT = "too much output"
    DISK_FULL = "disk full"
    CRASHED = "crashed"
    EXITED = "exited"
    PROTOCOL_BROKEN = "protocol broken"
    INFRASTRUCTURE = "infrastructure"


class Verdict(StrEnum):
    """What became of a criterion, or of one of its properties."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ANSWERED = "not answered"
    NOT_JUDGED = "not judged"
    UNDECIDED = "undecided"
    FOR_REVIEW = "for review"
    SET_ASIDE = "set aside"
    NOT_ASKED = "not asked"

    @property
    def is_left_out(self) -> bool:
        """Whether it neither earns nor costs points."""
        return self in (Verdict.SET_ASIDE, Verdict.NOT_ASKED, Verdict.NOT_JUDGED)

    @property
    def is_held(self) -> bool:
        """Whether it costs nothing of what was judged: doubt is the student's."""
        return self in (Verdict.PASSED, Verdict.FOR_REVIEW, Verdict.UNDECIDED)

    @property
    def is_lost(self) -> bool:
        """Whether it costs points."""
        return self in (Verdict.FAILED, Verdict.NOT_ANSWERED)

    @property
    def is_waiting(self) -> bool:
        """Whether its points wait, for a person or for a machine that can judge."""
        return self in (Verdict.FOR_REVIEW, Verdict.NOT_JUDGED)


class Run(Record):
    """One execution of one part's notebook: its parameters tell it from the others.

    A notebook that takes none is run once, as it stands: the parameters then only say what it
    was asked.
    """

    part: str
    parameters: dict[str, Scalar]
    parameterised: bool = True

    @property
    def seed(self) -> int:
        return int(self.parameters["seed"])

    @property
    def column(self) -> str:
        """The matrix column of this run: its parameters without the seed."""
        values = [str(value) for name, value in self.parameters.items() if name != "seed"]
        return ", ".join(values) or "all"

    @property
    def place(self) -> str:
        """Part and matrix column: the runs of one place differ by their seed alone."""
        return f"{self.part}/{self.column.replace(', ', '-')}"

    @property
    def id(self) -> str:
        return f"{self.place}/seed-{self.seed}"


def place_of(run: str) -> str:
    """Return the place of the run of this id."""
    return run.rpartition("/seed-")[0]


class Cell(Record):
    """What became of one code cell, numbered from 1; the source is kept where it failed."""

    number: int
    source: str
    seconds: float | None
    cpu_seconds: float | None = None
    error: str | None = None
    traceback: str | None = None
    megabytes: float | None = None
    """What the kernel held of memory when the cell had ended, libraries included."""


class Took(Record):
    """Seconds on the wall clock, and of a processor."""

    seconds: float
    cpu_seconds: float

    @property
    def longest(self) -> float:
        return max(self.seconds, self.cpu_seconds)


class Isolation(Record):
    """What kept a run's code from this machine: the level that a canary proved, and by what."""

    level: int = 0
    means: list[str] = []
    held: int = 0
    probes: int = 0
    missing: list[str] = []

    def __str__(self) -> str:
        if not self.level:
            return "none"
        probes = f"{self.held} of {self.probes} probes held"
        return f"level {self.level}, {' + '.join(self.means)} ({probes})"


class RunRecord(Record):
    """A run that has ended. `key` names everything that could change its evidence."""

    run: Run
    key: str
    outcome: Outcome
    reason: str
    seconds: float
    cpu_seconds: float | None = None
    """What all its processes computed."""
    pressure: float | None = None
    """The share of its time in which it, or something beside it, waited for a processor."""
    cells: list[Cell]
    exam: Took | None = None
    """What all questions took together, and what lies between them."""
    questions: dict[str, Took] = {}
    """What each question took, where that is a hundredth of a second or more."""
    numerics: dict[str, str]
    isolation: Isolation = Isolation()
    fingerprint: str = ""
    """Of all recorded arrays, bit by bit."""
    evidence: str = ""
    """SHA-256 of the list of all files that were kept of it, each with its own."""


class Claim(Record):
    """What a property that depends on luck claims of a right submission, as data.

    In a run the `measure` has to reach `at_least`, or to stay at or below `at_most`. Of a right
    submission's seeds at least `share` do; the claim is tested against a submission of which no
    more than `against` do, and either error has a probability of at most 1 - `confidence`.
    """

    measure: str
    at_least: float | None = None
    at_most: float | None = None
    share: float = 0.95
    against: float = 0.5
    confidence: float = 0.95

    def __str__(self) -> str:
        bound = f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"
        return f"{self.measure} {bound}, in {self.share:.0%} of seeds"


class Estimate(Record):
    """What the runs of one place say of a property, and what that decides.

    `value` is the share of `n` runs in which a claim holds, with its exact 95 % interval; or the
    mean of `n` paired differences, with the interval that the decision was made by; a single
    difference has none, and `threshold` is what the mean was compared with.
    """

    place: str
    n: int
    value: float
    low: float | None
    high: float | None
    verdict: Verdict
    threshold: float | None = None

    @property
    def column(self) -> str:
        """The matrix column of its place; of all runs together, their part."""
        return self.place.partition("/")[2] or self.place


class Check(Record):
    """One property, judged for one run, or once for all runs where `run` is None."""

    part: str
    criterion: str
    name: str
    title: str
    run: str | None
    verdict: Verdict
    reason: str = ""
    hint: str = ""
    mistake: str = ""
    """The known mistake that the answer looks like."""
    follows: str = ""
    """The criterion whose mistake it is set aside for."""
    explains: bool = False
    """Whether it failed for a mistake that what follows from its criterion is set aside for."""
    stumbled: str = ""
    """File and line where the test raised what no test should, over this answer."""
    claim: Claim | None = None
    estimates: list[Estimate] = []

    @property
    def place(self) -> str:
        """The place of the run that was judged; of all runs together, their part."""
        return place_of(self.run) if self.run else self.part


class Measurement(Record):
    """A number, a series over `x`, or a matrix that the judge measured.

    `run` is None where it spans all runs.
    """

    part: str
    run: str | None
    name: str
    value: float | list[float] | list[list[float]]
    x: list[float] | None = None


class Written(Record):
    """A written answer, collected under its heading for a person to mark."""

    part: str
    criterion: str
    heading: str
    text: str


class Drawing(Record):
    """A picture of the student's own making, as source text: shown only after it is rebuilt."""

    part: str
    run: str | None
    title: str
    source: str


class Judgement(Record):
    """All that the judge of one part found."""

    checks: list[Check] = []
    measurements: list[Measurement] = []
    written: list[Written] = []
    drawings: list[Drawing] = []


class Judgements(Record):
    """What each test file of a rubric found; '' are those together that stand not by themselves."""

    of: dict[str, Judgement]


class Fault(Record):
    """One slip in the course's own files; `where` is `rubric/exam.py:5`.

    `is_usage` where assignment.toml names something that is not there.
    """

    where: str
    said: str
    is_usage: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.said}"


class Asked(Record):
    """The names that a question hands out, has answered and keeps back, over the whole matrix."""

    shown: list[str] = []
    answers: list[str] = []
    kept: list[str] = []


class Draw(Record):
    """Hashes of what `given.draw` made of one generator: whole, and without its numbers."""

    whole: str
    form: str


class PartRead(Record):
    """What was read of the files that all tests of a part rest on.

    `asked` is empty where something is wrong with it; `draws` are by their parameters, as JSON.
    """

    faults: list[Fault] = []
    asked: dict[str, Asked] = {}
    draws: dict[str, Draw] = {}

    @property
    def is_good(self) -> bool:
        return not self.faults


class CourseReport(Record):
    """What the check of a course found.

    `failing` are the tests that the reference does not pass: a report of the reference shows them.
    """

    faults: list[Fault] = []
    failing: list[Fault] = []
    notes: list[str] = []
    criteria: int = 0
    tests: int = 0
    questions: int = 0

    @property
    def is_good(self) -> bool:
        return not self.faults and not self.failing


class Property(Record):
    """One property over all its runs; `where` gives the reason for each run in which it failed.

    Where it rests on a claim or on paired differences, `estimates` say how sure its verdict is.
    """

    name: str
    title: str
    verdict: Verdict
    held: int
    judged: int
    reason: str = ""
    hint: str = ""
    mistake: str = ""
    follows: str = ""
    """The criterion that marks the mistake for which it was set aside."""
    stumbled: str = ""
    """File and line where its test raised what no test should: for the teacher to look at."""
    where: dict[str, str] = {}
    runs: int = 0
    """Runs in which it was judged; a test of several cases judges each of them in every run."""
    waiting: int = 0
    """How often it waits for a person, beside what was judged of it: neither held nor missed."""
    claim: Claim | None = None
    estimates: list[Estimate] = []

    @property
    def for_review(self) -> float:
        """The share of it that a person judges."""
        if self.verdict is Verdict.FOR_REVIEW:
            return 1.0
        return self.waiting / (self.judged + self.waiting) if self.waiting else 0.0

    @property
    def undecided(self) -> list[str]:
        """The places where more seeds are needed to decide."""
        return [e.place for e in self.estimates if e.verdict is Verdict.UNDECIDED]


class Tally(Record):
    """Of the properties that were judged in one run, how many held in it."""

    run: str
    held: int
    judged: int


class FalseFail(Record):
    """How often a right submission failed a criterion in a run, when the rubric was calibrated.

    `upper` is the exact one-sided 95 % bound of that rate.
    """

    failures: int
    runs: int
    upper: float


class Criterion(Record):
    """One line of the mark sheet: of its `points`, those that were `judged`, and those `earned`.

    `earned` is None until it is judged; what was set aside or not asked is not among the
    judged.
    `unexcused` is what was set aside and counts all the same: a mistake excuses no more points than
    it cost itself.
    """

    part: str
    name: str
    title: str
    points: float
    judged: float
    earned: float | None
    verdict: Verdict
    properties: list[Property]
    unexcused: float = 0.0
    false_fail: FalseFail | None = None

    @property
    def counted(self) -> float:
        """The points that the mark is a share of."""
        return self.judged + self.unexcused

    @property
    def unjudged(self) -> float:
        """The points that our own side could not judge."""
        if self.verdict is Verdict.NOT_JUDGED:
            return self.points
        silent = sum(p.verdict is Verdict.NOT_JUDGED for p in self.properties)
        return round(self.points * silent / max(1, len(self.properties)), 2)

    @property
    def for_review(self) -> float:
        """The points that a person gives: all, or those of some properties beside what is lost."""
        if self.verdict.is_waiting:
            return self.points if self.verdict is Verdict.FOR_REVIEW else 0.0
        waiting = sum(p.for_review for p in self.properties)
        worth = round(self.points * waiting / max(1, len(self.properties)), 2)
        return min(worth, max(0.0, round(self.points - self.counted - self.unjudged, 2)))

    @property
    def set_aside(self) -> float:
        """The points that are neither earned nor lost, for a mistake that is marked elsewhere."""
        return round(self._left_out - self.not_asked, 2)

    @property
    def not_asked(self) -> float:
        """The points of what the submission does not have, and need not have."""
        silent = sum(p.verdict is Verdict.NOT_ASKED for p in self.properties)
        worth = round(self.points * silent / max(1, len(self.properties)), 2)
        return self._left_out if abs(worth - self._left_out) < 0.02 else min(worth, self._left_out)

    @property
    def _left_out(self) -> float:
        """Return the points that are not counted."""
        if self.verdict.is_waiting:
            return 0.0
        return max(0.0, round(self.points - self.counted - self.unjudged - self.for_review, 2))


class Figure(Record):
    """A plot of measurements.

    `curves` of a series, one line a seed; `pairs` of two numbers; a `map` of two matrices.
    """

    kind: Literal["curves", "pairs", "map"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
    title: str
    measurement: str
    against: str = ""
    x_label: str = ""
    y_label: str = ""

    @model_validator(mode="after")
    def has_what_its_kind_draws(self) -> "Figure":
        if self.kind == "pairs" and not self.against:
            raise ValueError(f"the figure `{self.name}` draws pairs: it needs `against` too")
        return self


class Difference(Record):
    """A run that is not the same twice: where it begins, and what it is likely to come from.

    `cell` is the first code cell after which `names` hold other data, None where only the answers
    differ; `arrays` are the recorded arrays that are not the same, bit by bit.
    """

    run: str
    cell: int | None
    names: list[str]
    arrays: list[str]
    cause: str

    def __str__(self) -> str:
        where = f"code cell {self.cell}" if self.cell else "the answers"
        what = f", in `{self.names[0]}`" if self.names else ""
        first = f"; the first recorded array is {self.arrays[0]}" if self.arrays else ""
        return f"{self.run}: first in {where}{what}{first}. Likely cause: {self.cause}"


class Audit(Record):
    """How many runs were repeated twice, and how many recorded arrays were compared.

    `unmade` are the runs that the machine could not make again.
    """

    runs: int
    arrays: int
    differing: list[Difference]
    unmade: list[str] = []


class PartSummary(Record):
    """What a report needs to know of a part besides its runs."""

    name: str
    title: str
    notebook: str
    figures: list[Figure] = []
    rubric: str = ""
    """SHA-256 of the rubric's files, and of those beside it that they import."""


class Receipt(Record):
    """SHA-256 of all that a result rests on and of its own pieces, so that a change can be named.

    What the runs left is named by each run's `evidence`. `signature` is an HMAC-SHA256 over all
    other fields, where there was a key: without it, whoever changes a piece can change its hash.
    """

    assay: str
    code: str
    course: dict[str, str]
    submission: dict[str, str]
    secret: str = ""
    """Of the secret that the questions were drawn with; empty if they are public."""
    looks: dict[str, int]
    """How often the verdicts of a part could be looked at: its tests allow for it."""
    pieces: dict[str, str]
    signature: str = ""


class Person(Record):
    """One who handed in, as a platform knows them; '' if it does not say."""

    platform: str = ""
    id: str = ""
    name: str = ""
    email: str = ""


class Result(Record):
    """Everything that reports and exports are made of: docs/results.md.

    It says nothing of when it was made: judged again, the same runs give the same bytes.
    """

    schema_version: Literal[1, 2] = 2
    assay: str = ""
    """The version of assay that judged."""
    assignment: str
    submission: str
    digest: str
    isolation: str
    parts: list[PartSummary]
    runs: list[RunRecord]
    criteria: list[Criterion]
    measurements: list[Measurement]
    written: list[Written]
    tallies: list[Tally] = []
    drawings: list[Drawing] = []
    audit: Audit | None = None
    """Whether the same seed gives the same bits, where that was asked for."""
    not_graded: list[str] = []
    """Why not, where the submission could not be graded at all."""
    people: list[Person] = []
    """Who handed in, where a platform says so; of a group there are several."""
    notes: list[str] = []
    """What was done with the files that were handed in, where there was a choice."""
    receipt: Receipt | None = None

    @property
    def earned(self) -> float:
        return sum(criterion.earned or 0.0 for criterion in self.criteria)

    @property
    def judged_points(self) -> float:
        return sum(criterion.counted for criterion in self.criteria)

    @property
    def review_points(self) -> float:
        return sum(criterion.for_review for criterion in self.criteria)

    @property
    def unjudged_points(self) -> float:
        return sum(criterion.unjudged for criterion in self.criteria)

    @property
    def points_set_aside(self) -> float:
        return sum(criterion.set_aside for criterion in self.criteria)

    @property
    def points_not_asked(self) -> float:
        return sum(criterion.not_asked for criterion in self.criteria)

    @property
    def points_unexcused(self) -> float:
        return sum(criterion.unexcused for criterion in self.criteria)


Plain = dict[str, object]
"""A record as plain JSON data: `model_validate` of its class brings it back."""


def plain(record: Record) -> Plain:
    """Return the record as plain JSON data."""
    return record.model_dump(mode="json")


def sound(text: str) -> str:
    """Text that can be written as UTF-8: half of a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
