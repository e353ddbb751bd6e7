"""The report of a class: how the marks lie, what was lost, how the runs went, who is alike."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from assay.judge.similarity import KINDS, Feature, Kind, Pair, pairs
from assay.records import (
    Criterion,
    Outcome,
    PartSummary,
    Person,
    Property,
    Result,
    RunRecord,
    Verdict,
    sound,
)
from assay.report import html, safe, summary
from assay.submission import folders

BINS = 10
SHOWN = 24
"""Names in one list; all of them stand in the table of submissions."""
SLOWEST = 10
PAIRS = 25


@dataclass(frozen=True)
class Entry:
    """What the report of a class needs of one submission; the rest of its result is let go."""

    name: str
    assignment: str
    parts: list[PartSummary]
    criteria: list[Criterion]
    runs: list[RunRecord]
    features: list[Feature]
    not_graded: list[str]
    mistakes: list[tuple[str, str, str]]
    """Part, criterion and name of each known mistake."""
    total: str
    """In words, for a line of text."""
    points: str
    percent: float | None
    """Of the points that were judged."""
    people: str = ""
    """Who handed it in, where a platform says so."""
    notes: Sequence[str] = ()

    @property
    def href(self) -> str:
        """Where its own report stands beside this one."""
        return f"{folders.address(self.name)}/index.html"

    def place_of(self, run: RunRecord) -> str:
        """Return where its report speaks of a run that failed."""
        return f"{self.href}#run-{self.runs.index(run)}"

    @property
    def missing(self) -> list[PartSummary]:
        """The parts that were not handed in."""
        run = {record.run.part for record in self.runs}
        return [part for part in self.parts if part.name not in run]

    @property
    def lost(self) -> list[str]:
        """What cost points: parts that are missing, then titles of criteria, the dearest first."""
        gone = [part.name for part in self.missing]
        cost = [c for c in self.criteria if _lost(c) and c.part not in gone]
        titles = [criterion.title for criterion in sorted(cost, key=lambda c: -_lost(c))]
        return [f"{part.title} (not handed in)" for part in self.missing] + titles

    @property
    def failed(self) -> list[RunRecord]:
        return [run for run in self.runs if run.outcome is not Outcome.COMPLETED]


def entry(result: Result, features: Sequence[Feature] = ()) -> Entry:
    """Return the entry of a result."""
    possible = result.judged_points
    return Entry(
        name=result.submission,
        assignment=result.assignment,
        parts=[part.model_copy(update={"figures": []}) for part in result.parts],
        criteria=[criterion.model_copy(update={"properties": []}) for criterion in result.criteria],
        runs=[run.model_copy(update={"cells": [], "numerics": {}}) for run in result.runs],
        features=list(features),
        not_graded=result.not_graded,
        mistakes=list(
            dict.fromkeys(
                (criterion.part, criterion.name, prop.mistake)
                for criterion in result.criteria
                for prop in criterion.properties
                if _recognised(prop)
            )
        ),
        total=summary.totals(result) if not result.not_graded else "not graded",
        points=f"{summary.points(result.earned)} of {summary.points(possible)}",
        percent=100 * result.earned / possible if possible else None,
        people=_people(result.people),
        notes=result.notes,
    )


def without_marks(
    name: str,
    assignment: str,
    reasons: Sequence[str],
    people: Sequence[Person] = (),
    notes: Sequence[str] = (),
) -> Entry:
    """The entry of a submission that has no result."""
    told, also = [sound(reason) for reason in reasons], [sound(note) for note in notes]
    return Entry(
        name, assignment, [], [], [], [], told, [], "not graded", "–", None, _people(people), also
    )


def _people(people: Sequence[Person]) -> str:
    """`Ann Alpha (7001), Cy Gamma (7003)`."""
    names = [(sound(one.name), sound(one.id)) for one in people]
    return ", ".join(f"{name} ({id_})" if name and id_ else name or id_ for name, id_ in names)


def _recognised(prop: Property) -> bool:
    return bool(prop.mistake) and prop.verdict is Verdict.FAILED


def _lost(criterion: Criterion) -> float:
    """Return the points that it cost."""
    return summary.lost(criterion)


@dataclass(frozen=True)
class Bar:
    """A bin of the histogram, from `low` to `high` percent."""

    low: int
    high: int
    entries: list[Entry]


@dataclass(frozen=True)
class Row:
    """A criterion over all who handed its part in."""

    criterion: Criterion
    whole: int
    some: list[Entry]
    none: list[Entry]
    other: int
    """Set aside, not judged, or for review."""

    @property
    def lost(self) -> list[Entry]:
        return self.none + self.some


@dataclass(frozen=True)
class Slow:
    """A run, and how long such a run takes in this class."""

    entry: Entry
    run: RunRecord
    typical: float


class ClassReport:
    """What the template looks up in a class."""

    def __init__(self, entries: Iterable[Entry], passed_over: Sequence[str] = ()) -> None:
        self.passed_over = passed_over
        self.entries = sorted(entries, key=lambda entry: entry.name)
        self.graded = [entry for entry in self.entries if not entry.not_graded]
        self.not_graded = [entry for entry in self.entries if entry.not_graded]
        self.title = self.entries[0].assignment if self.entries else ""
        self.shown = SHOWN

    @cached_property
    def percents(self) -> list[float]:
        return sorted(e.percent for e in self.graded if e.percent is not None)

    @property
    def spread(self) -> str:
        """`median 86 % of the judged points, from 40 % to 100 %`."""
        if not self.percents:
            return "no marks"
        low, high = self.percents[0], self.percents[-1]
        middle = f"median {median(self.percents):.0f} % of the judged points"
        return f"{middle}, from {low:.0f} % to {high:.0f} %"

    @property
    def bars(self) -> list[Bar]:
        """How many have how many percent, in tenths; the last holds 100 % too."""
        width = 100 // BINS
        found: dict[int, list[Entry]] = {index: [] for index in range(BINS)}
        for entry in self.graded:
            if entry.percent is not None:
                found[min(BINS - 1, int(entry.percent // width))].append(entry)
        return [Bar(i * width, (i + 1) * width, entries) for i, entries in found.items()]

    @property
    def parts(self) -> list[PartSummary]:
        return self.graded[0].parts if self.graded else []

    def with_part(self, part: str) -> list[Entry]:
        """Those who answered a part at all."""
        return [e for e in self.graded if part not in [gone.name for gone in e.missing]]

    def rows(self, part: str) -> list[Row]:
        """The part's criteria that were judged, the one that most lost points on first."""
        of_name: dict[str, list[tuple[Entry, Criterion]]] = {}
        for entry in self.with_part(part):
            for criterion in entry.criteria:
                if criterion.part == part and criterion.verdict is not Verdict.FOR_REVIEW:
                    of_name.setdefault(criterion.name, []).append((entry, criterion))
        rows = [_row(found) for found in of_name.values()]
        return sorted(rows, key=lambda row: (-len(row.lost), -len(row.none)))

    @property
    def mistakes(self) -> list[tuple[Criterion, str, list[Entry]]]:
        """Each known mistake with its criterion and who made it, the most frequent first."""
        of_mistake: dict[tuple[str, str, str], list[Entry]] = {}
        for entry in self.graded:
            for mistake in entry.mistakes:
                of_mistake.setdefault(mistake, []).append(entry)
        named = {(c.part, c.name): c for e in self.graded for c in e.criteria}
        found = [(named[part, name], words, of) for (part, name, words), of in of_mistake.items()]
        return sorted(found, key=lambda each: -len(each[2]))

    @property
    def slowest(self) -> list[Slow]:
        """The longest runs, beside the median of the same place."""
        seconds: dict[str, list[float]] = {}
        for entry in self.graded:
            for run in entry.runs:
                seconds.setdefault(run.run.place, []).append(run.seconds)
        typical = {place: median(values) for place, values in seconds.items()}
        runs = [Slow(e, run, typical[run.run.place]) for e in self.graded for run in e.runs]
        return sorted(runs, key=lambda slow: -slow.run.seconds)[:SLOWEST]

    @property
    def failed(self) -> list[tuple[Entry, Outcome, list[RunRecord]]]:
        """Runs that did not complete: by submission and how they ended, most runs first."""
        of_kind: dict[tuple[str, Outcome], tuple[Entry, Outcome, list[RunRecord]]] = {}
        for entry in self.graded:
            for run in entry.failed:
                place = of_kind.setdefault((entry.name, run.outcome), (entry, run.outcome, []))
                place[2].append(run)
        return sorted(of_kind.values(), key=lambda each: -len(each[2]))

    @cached_property
    def outcomes(self) -> list[tuple[str, int]]:
        """`completed`, and whatever else befell runs, with how many."""
        ended = Counter(str(run.outcome) for entry in self.graded for run in entry.runs)
        return ended.most_common()

    @cached_property
    def pairs(self) -> list[Pair]:
        return pairs({entry.name: entry.features for entry in self.graded})

    @property
    def pairs_shown(self) -> list[Pair]:
        return self.pairs[:PAIRS]

    def named(self, name: str) -> Entry:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Entry]:
        return {entry.name: entry for entry in self.entries}

    def kind(self, feature: Feature) -> Kind:
        return KINDS[feature.kind]


def _row(found: list[tuple[Entry, Criterion]]) -> Row:
    """Return the criterion's line, from those who were asked it."""
    judged = [(e, c) for e, c in found if c.earned is not None and c.judged]
    return Row(
        criterion=found[0][1],
        whole=sum(not _lost(c) for _, c in judged),
        some=[e for e, c in judged if _lost(c) and c.earned],
        none=[e for e, c in judged if _lost(c) and not c.earned],
        other=len(found) - len(judged),
    )


def page(entries: Iterable[Entry], passed_over: Sequence[str] = ()) -> str:
    """The HTML page of a class; `passed_over` is what lay beside the submissions and is none."""
    return html.template("class.html.j2").render(view=ClassReport(entries, passed_over))


def table(entries: Iterable[Entry], passed_over: Sequence[str] = ()) -> str:
    """Return the same in short as Markdown: a line for each submission."""
    view = ClassReport(entries)
    rows = [
        f"| [{safe.markdown(e.name, 80)}]({e.href.removesuffix('html')}md) | {e.total} |"
        f" {safe.markdown(', '.join(e.lost[:5]) or '; '.join(e.not_graded))} |"
        for e in view.entries
    ]
    head = [f"# {safe.markdown(view.title)}: {len(view.entries)} submissions", "", view.spread, ""]
    if passed_over:
        rows += ["", *(f"- not looked at: {safe.markdown(words, 300)}" for words in passed_over)]
    return "\n".join([*head, "| submission | marks | lost on |", "|---|---:|---|", *rows, ""])
