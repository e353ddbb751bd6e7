"""What is known of a rubric's own errors, as `assay calibrate` measured them."""

from collections.abc import Sequence

from assay.course.assignment import Assignment
from assay.errors import UsageError
from assay.records import FalseFail, Record

ALARM = 0.001
"""A rate of false failures above this is warned of."""


class Rate(Record):
    """How one property treated right submissions.

    `failures` of `judged` runs (of batches, where it looks at all runs at once); `margin` is how
    many standard deviations the measure stays away from its threshold, at the place where it comes
    closest; `verdict` bounds the probability that a claim fails a right submission: its exact
    value, were the true rate of failing runs at its upper bound.
    """

    part: str
    criterion: str
    name: str
    title: str
    unit: str
    failures: int
    judged: int
    upper: float
    margin: float | None = None
    verdict: float | None = None


class Power(Record):
    """How surely a wrong submission is caught: by which criterion, in how many of its runs."""

    submission: str
    part: str
    criterion: str
    failures: int
    judged: int
    lower: float


class Calibration(Record):
    """What is known of a rubric's own errors."""

    schema_version: int = 1
    assignment: str
    submissions: list[str]
    seeds: int
    rates: list[Rate]
    power: list[Power] = []

    def false_fail(self, part: str, criterion: str) -> FalseFail | None:
        """Of the runs in which a criterion was judged, those in which a right one lost marks."""
        of_it = [r for r in self.rates if (r.part, r.criterion) == (part, criterion)]
        if not of_it:
            return None
        worst = max(of_it, key=lambda rate: (rate.failures, rate.judged))
        return FalseFail(failures=worst.failures, runs=worst.judged, upper=worst.upper)


def of(assignment: Assignment) -> Calibration | None:
    """Return the calibration that the assignment names; None before there is one.

    Raises
    ------
    UsageError
        If the file is not a calibration.
    """
    path = assignment.calibration and assignment.root / assignment.calibration
    if not path or not path.exists():
        return None
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise UsageError(
            f"`{path}` is not a calibration", found=str(error), hint="`assay calibrate` writes it"
        ) from None


def alarms(calibration: Calibration) -> list[str]:
    """A sentence for each property that failed right submissions too often."""
    return [
        f"{rate.part}/{rate.criterion}, {rate.name}: {rate.failures} of {rate.judged} {rate.unit} "
        f"of right submissions fail; expected at most {ALARM:.1%}"
        for rate in calibration.rates
        if rate.failures / rate.judged > ALARM
    ]


def page(calibration: Calibration) -> str:
    """The calibration as Markdown: a table of criteria, of their properties, of wrong ones."""
    return "\n".join(
        [
            "# How often the rubric is wrong",
            "",
            f"Measured by `assay calibrate --seeds {calibration.seeds}` on "
            f"{', '.join(calibration.submissions)}, known to be right:",
            "every failure is a false one. Bounds are exact, one-sided, 95 %.",
            "",
            "## Criteria",
            "",
            "*Failed*: of the runs (or batches of seeds) of the property that failed most often.",
            "",
            "| part | criterion | failed | rate | at most |",
            "|---|---|---:|---:|---:|",
            *_criteria(calibration),
            "",
            "## Properties",
            "",
            "*Margin*: standard deviations between the measure and its threshold, where it comes",
            "closest. *Verdict*: for a claim, the probability that it fails over all its seeds and",
            "data sets, were runs to fail as often as the bound allows.",
            "",
            "| part | criterion | property | failed | at most | margin | verdict |",
            "|---|---|---|---:|---:|---:|---:|",
            *map(_row, calibration.rates),
            *_power(calibration.power),
            "",
        ]
    )


def _criteria(calibration: Calibration) -> list[str]:
    rows = []
    for part, criterion in dict.fromkeys((r.part, r.criterion) for r in calibration.rates):
        found = calibration.false_fail(part, criterion)
        assert found is not None, "it has a rate"
        of_all = f"{found.failures} of {found.runs}"
        rate = f"{found.failures / found.runs:.1%}"
        rows.append(f"| {part} | {criterion} | {of_all} | {rate} | {found.upper:.2%} |")
    return rows


def _row(rate: Rate) -> str:
    margin = "" if rate.margin is None else f"{rate.margin:.1f}" if rate.margin < 100 else "> 100"
    verdict = "" if rate.verdict is None else f"{rate.verdict:.2%}"
    bound = f"{rate.upper:.2%} | {margin} | {verdict} |"
    return (
        f"| {rate.part} | {rate.criterion} | {rate.title.rstrip('.')} "
        f"| {rate.failures} of {rate.judged} {rate.unit} | {bound}"
    )


def _power(power: Sequence[Power]) -> list[str]:
    if not power:
        return []
    return [
        "",
        "## Wrong submissions",
        "",
        "*Runs*: those in which it lost marks in the criterion; *at least*: the lower bound of",
        "that share, which is low where there were few runs.",
        "",
        "| submission | loses | runs | at least |",
        "|---|---|---:|---:|",
        *(
            f"| {p.submission} | {p.part}/{p.criterion} | {p.failures} of {p.judged} "
            f"| {p.lower:.1%} |"
            for p in power
        ),
    ]
