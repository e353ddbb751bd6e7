"""What reports look up in a result, whatever they are written in."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypedDict

from assay.judge.statistics import mean_interval
from assay.records import (
    Criterion,
    Figure,
    Measurement,
    Outcome,
    PartSummary,
    Property,
    Result,
    RunRecord,
)
from assay.report import cells, summary

RAN = (Outcome.COMPLETED, Outcome.CELL_FAILED)


@dataclass(frozen=True)
class Square:
    """One run in the grid of seeds and data sets: words, and a kind that a style can colour."""

    text: str
    kind: str
    run: str = ""
    missed: int = 0


@dataclass(frozen=True)
class Loss:
    """Points lost for one reason, and where to look."""

    title: str
    points: float
    property: Property


class Spread(TypedDict):
    """A number that was measured in every run: over the seeds of one column, how far it spreads."""

    name: str
    column: str
    count: int
    mean: float
    low: float
    high: float
    """The 95 % interval of the mean."""
    least: float
    most: float


class View:
    """What the templates look up in a result."""

    def __init__(self, result: Result) -> None:
        self._result = result
        self.totals = summary.totals(result)
        self.matrix = summary.matrix_in_words(result)
        self.tallies = {tally.run: tally for tally in result.tallies}

    def records(self, part: str, seed: int | None = None) -> list[RunRecord]:
        """Return the runs of a part, of one seed or of all."""
        runs = [r for r in self._result.runs if r.run.part == part]
        return [r for r in runs if seed is None or r.run.seed == seed]

    def columns(self, part: str) -> list[str]:
        return list(dict.fromkeys(r.run.column for r in self.records(part)))

    def seeds(self, part: str) -> list[int]:
        return list(dict.fromkeys(r.run.seed for r in self.records(part)))

    def criteria(self, part: str) -> list[Criterion]:
        return [c for c in self._result.criteria if c.part == part]

    def earned(self, part: str) -> float:
        return sum(criterion.earned or 0.0 for criterion in self.criteria(part))

    def seconds(self, part: str) -> str:
        """Return how long a run takes, the exam's share, and the most memory a cell left."""
        runs = self.records(part)
        held = [c.megabytes for record in runs for c in record.cells if c.megabytes is not None]
        most = f", {max(held):.0f} MB at most" if held else ""
        share = cells.share_of_asking(runs)
        asking = "" if share is None else f", {share:.0%} of its computing asked by the exam"
        return f"{median(record.seconds for record in runs):.1f} s a run{asking}{most}"

    def anchor(self, run: str) -> str:
        """Where on a page a run is spoken of."""
        return f"run-{[record.run.id for record in self._result.runs].index(run)}"

    def command(self) -> str:
        """Return what makes these runs again: the seeds that every place of the matrix had."""
        places: dict[str, set[int]] = {}
        for record in self._result.runs:
            places.setdefault(record.run.place, set()).add(record.run.seed)
        seeds = sorted(set.intersection(*places.values())) if places else []
        in_a_row = len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1))
        shown = f"{seeds[0]}-{seeds[-1]}" if in_a_row else ",".join(map(str, seeds))
        return f"assay grade SUBMISSION --seeds {shown}" if seeds else "assay grade SUBMISSION"

    def not_handed_in(self, part: str) -> str:
        """Why nothing of a part was judged, where no notebook answers it."""
        properties = [p for c in self.criteria(part) for p in c.properties]
        silent = bool(properties) and all(p.name == "notebook" for p in properties)
        return properties[0].reason if silent and not self.records(part) else ""

    def losses(self) -> list[Loss]:
        """Where points were lost, the most first; what was lost for one reason is one loss."""
        found: dict[tuple[str, str], list[tuple[Criterion, Property]]] = {}
        for criterion in self._result.criteria:
            missed = summary.reasons(criterion)
            if missed and summary.lost(criterion) >= 0.005:
                told = self._cause(criterion.part, missed[0]) or missed[0]
                found.setdefault((criterion.part, told.reason), []).append((criterion, told))
        losses = [
            self._loss(part, sorted(lost, key=lambda one: one[1] not in one[0].properties))
            for (part, _), lost in found.items()
        ]
        return sorted(losses, key=lambda loss: -loss.points)

    def _cause(self, part: str, prop: Property) -> Property | None:
        """Return what a property follows from, if it was set aside for that: it is shown instead.

        If all that its cause missed was set aside in turn, the cause of that.
        """
        of_criterion = {c.name: summary.reasons(c) for c in self.criteria(part)}
        follows: str | None = prop.follows
        while follows:
            missed = of_criterion.pop(follows, [])  # each once: two may name each other
            for judged in missed:
                if not judged.verdict.is_left_out:
                    return judged
            follows = next((p.follows for p in missed if p.follows), None)
        return None

    def _loss(self, part: str, lost: list[tuple[Criterion, Property]]) -> Loss:
        points = sum(summary.lost(criterion) for criterion, _ in lost)
        titles = [criterion.title for criterion, _ in lost]
        title = (
            titles[0] if len(titles) < 3 else f"{titles[0]}, and {len(titles) - 1} more criteria"
        )
        if self.not_handed_in(part):
            title = next(p.title for p in self._result.parts if p.name == part)
        return Loss(title if len(titles) != 2 else " and ".join(titles), points, lost[0][1])

    def square(self, part: str, seed: int, column: str) -> Square:
        """All held, how many did not, or how the run ended."""
        record = next((r for r in self.records(part, seed) if r.run.column == column), None)
        if record is None:
            return Square("", "none")
        run, missed = record.run.id, len(self.missed(part, record.run.id))
        if record.outcome not in RAN:
            return Square(f"{record.outcome}", "broken", run, missed)
        tally = self.tallies.get(run)
        share = tally.held / tally.judged if tally and tally.judged else float(missed == 0)
        kinds = {"all": share == 1, "most": share >= 0.9, "some": share >= 0.6, "few": True}
        words = f"{tally.held}/{tally.judged}" if tally else f"✗ {missed}" if missed else "✓"
        return Square(words, next(kind for kind, fits in kinds.items() if fits), run, missed)

    def cell(self, part: str, seed: int, column: str) -> str:
        """Return the same as words alone."""
        square = self.square(part, seed, column)
        if square.kind in ("none", "broken"):
            return square.text
        return f"✗ {square.missed}" if square.missed else "✓"

    def missed(self, part: str, run: str) -> list[Property]:
        """Return the properties that did not hold in this run."""
        properties = [p for c in self.criteria(part) for p in c.properties]
        return [p for p in properties if run in p.where]

    def numbers(self, part: str, run: str) -> list[Measurement]:
        """Return the single numbers measured in this run."""
        return [m for m in self.of(part) if m.run == run and isinstance(m.value, float)]

    def spread(self, part: str) -> list[Spread]:
        """Each number's mean over seeds with its 95 % interval, and its extremes, by column."""
        return [_spread(*group) for group in self.groups(part)]

    def groups(self, part: str) -> list[tuple[str, str, list[float]]]:
        """Return every number measured in runs: its name, the column, its values over the seeds."""
        column_of = {r.run.id: r.run.column for r in self.records(part)}
        groups: dict[tuple[str, str], list[float]] = {}
        for m in self.of(part):
            if m.run in column_of and isinstance(m.value, float):
                groups.setdefault((m.name, column_of[m.run]), []).append(m.value)
        return [(name, column, values) for (name, column), values in groups.items()]

    def overall(self, part: str) -> list[tuple[str, str]]:
        """What was measured over all runs together: a number, or an interval of two."""
        over_all = [(m.name, m.value) for m in self.of(part) if m.run is None]
        numbers = [(name, f"{v:.4g}") for name, v in over_all if isinstance(v, float)]
        pairs = [(name, v) for name, v in over_all if isinstance(v, list) and len(v) == 2]
        return numbers + [(name, f"{v[0]:.4g} to {v[1]:.4g}") for name, v in pairs]

    def figures(self, part: PartSummary, drawn: Sequence[str]) -> list[tuple[Figure, str]]:
        """The part's figures that were drawn, each with its file's name."""
        named = [(figure, f"{part.name}-{figure.name}.svg") for figure in part.figures]
        return [(figure, name) for figure, name in named if name in drawn]

    def described(self, part: PartSummary, figure: Figure) -> str:
        """Return what a picture shows, for those who do not see it."""
        found = by_column(self._result, part, figure.measurement)
        others = by_column(self._result, part, figure.against)
        if figure.kind == "map":
            return f"{figure.title}. {_rows(found)}; {figure.against}: {_rows(others)}"
        if figure.kind == "curves":
            said = [f"{column}: {_ends(of)}" for column, of in found.items()]
        else:
            said = [
                f"{column}: {_mean(of)}, {figure.against} {_mean(others.get(column, []))}"
                for column, of in found.items()
            ]
        return f"{figure.title}. {figure.measurement}, means over seeds: {'; '.join(said)}"

    def of(self, part: str) -> list[Measurement]:
        return [m for m in self._result.measurements if m.part == part]


Columns = dict[str, list[Measurement]]


def by_column(result: Result, part: PartSummary, name: str) -> Columns:
    """Return the measurements of this name that belong to runs, by column of the matrix."""
    columns = {r.run.id: r.run.column for r in result.runs if r.run.part == part.name}
    found: Columns = {}
    for measurement in result.measurements:
        if measurement.name == name and measurement.run in columns:
            found.setdefault(columns[measurement.run], []).append(measurement)
    return found


def _spread(name: str, column: str, values: list[float]) -> Spread:
    mean, low, high = mean_interval(values)
    return {
        "name": name,
        "column": column,
        "count": len(values),
        "mean": mean,
        "low": low,
        "high": high,
        "least": min(values),
        "most": max(values),
    }


def _mean(found: list[Measurement]) -> str:
    values = [m.value for m in found if isinstance(m.value, float)]
    return f"{sum(values) / len(values):.3g}" if values else "nothing"


def _ends(found: list[Measurement]) -> str:
    """Return where curves begin and end, on the average."""
    curves = [m.value for m in found if isinstance(m.value, list) and m.value]
    ends = [[float(curve[end]) for curve in curves] for end in (0, -1)]  # type: ignore[arg-type]
    first, last = (sum(values) / len(values) if values else 0.0 for values in ends)
    return f"from {first:.3g} to {last:.3g}"


def _rows(found: Columns) -> str:
    """Return the numbers of a matrix, row by row."""
    rows = next(iter(found.values()))[0].value if found else []
    shown = [" ".join(f"{value:.2f}" for value in row) for row in rows]  # type: ignore[union-attr]
    return " / ".join(shown)
