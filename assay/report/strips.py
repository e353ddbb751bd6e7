"""Numbers over seeds as strips: where each value, their mean, its interval and a threshold lie."""

from collections.abc import Iterable
from dataclasses import dataclass

from assay.judge.statistics import mean_interval
from assay.records import Estimate, Property
from assay.report.view import View

EDGE = 0.04  # of a strip's width, left free at either end
WIDE = 240  # of a strip, in its own units


@dataclass(frozen=True)
class Strip:
    """One row: a mean with its interval, and the values that it is of."""

    label: str
    values: tuple[float, ...]
    mean: float
    low: float
    high: float
    verdict: str = ""


@dataclass(frozen=True)
class Strips:
    """Rows on one scale; `claims` say in words what each of the `thresholds` is for."""

    title: str
    rows: tuple[Strip, ...]
    thresholds: tuple[float, ...] = ()
    claims: tuple[str, ...] = ()

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest number that is drawn."""
        numbers = [n for row in self.rows for n in (*row.values, row.low, row.high)]
        numbers += self.thresholds
        return min(numbers), max(numbers)

    def at(self, value: float) -> float:
        """Return where on the strip a value lies."""
        low, high = self.ends
        share = (value - low) / (high - low) if high > low else 0.5
        return round(WIDE * (EDGE + (1 - 2 * EDGE) * share), 1)


def measured(view: View, part: str) -> list[Strips]:
    """Return every number that the judge measured in runs, with the thresholds that claims name."""
    properties = [p for criterion in view.criteria(part) for p in criterion.properties]
    rows: dict[str, list[Strip]] = {}
    for name, column, values in view.groups(part):
        rows.setdefault(name, []).append(_strip(column, values))
    return [
        Strips(name, tuple(of_name), *_claimed(properties, name)) for name, of_name in rows.items()
    ]


def compared(view: View, part: str) -> list[Strips]:
    """Return every paired difference that a verdict rests on, with its decision's interval."""
    properties = [p for criterion in view.criteria(part) for p in criterion.properties]
    return [_difference(prop) for prop in properties if prop.estimates and not prop.claim]


def _strip(column: str, values: list[float]) -> Strip:
    mean, low, high = mean_interval(values)
    return Strip(column, tuple(values), mean, low, high)


def _claimed(
    properties: Iterable[Property], name: str
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Return the thresholds of all claims on a measurement, and those claims in words."""
    claims = [p.claim for p in properties if p.claim and p.claim.measure == name]
    found = {
        bound: f"{words} {bound:g} in {claim.share:.0%} of seeds"
        for claim in claims
        for words, bound in (("at least", claim.at_least), ("at most", claim.at_most))
        if bound is not None
    }
    return tuple(found), tuple(found.values())


def _difference(prop: Property) -> Strips:
    thresholds = {e.threshold for e in prop.estimates if e.threshold is not None}
    rows = tuple(_estimate(estimate) for estimate in prop.estimates)
    return Strips(prop.title, rows, tuple(sorted(thresholds)))


def _estimate(found: Estimate) -> Strip:
    low = found.value if found.low is None else found.low
    high = found.value if found.high is None else found.high
    return Strip(found.column, (), found.value, low, high, str(found.verdict))
