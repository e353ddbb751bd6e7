"""The final mark: automatic + by hand - late, each step as data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal

from pydantic import JsonValue

from assay.classroom.gradebook.models import CriterionRow, Decision, GradingResult, Mark


@dataclass(frozen=True)
class Step:
    """One line of the arithmetic. `points` are added; an override or an excuse replaces the sum."""

    kind: str
    """`automatic`, `by hand`, `late`, `override` or `excuse`."""
    label: str
    points: Decimal | None
    by: str = ""
    reason: str = ""

    def plain(self) -> dict[str, JsonValue]:
        """Return it as JSON can hold it."""
        return asdict(self) | {"points": None if self.points is None else str(self.points)}


@dataclass(frozen=True)
class FinalMark:
    """A person's mark for an assignment, how it came about, and what still needs a person."""

    points: Decimal | None
    """None if there is nothing to mark, or if the person is excused."""
    maximum: Decimal
    steps: list[Step]
    needs: list[str] = field(default_factory=list)
    """Criteria without a mark that counts: never marked, or marked on an answer since changed."""
    attempt_id: int | None = None
    excused: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing in it waits for a person."""
        return not self.needs and (self.points is not None or self.excused)


def decimal(value: Decimal | float | str) -> Decimal:
    """Return a number as the decimal digits it is written with."""
    return Decimal(str(value))


def final_mark(
    result: GradingResult | None,
    marks: Mapping[str, Mark],
    decisions: Mapping[str, Decision],
) -> FinalMark:
    """Work out the mark from the newest of everything.

    A mark by hand replaces the automatic points of its criterion, if it was given for the answer
    that the result holds. Late takes points, as `late` worked them out; never below zero.
    """
    criteria: Sequence[CriterionRow] = result.criteria if result else []
    maximum = sum((decimal(c["points"]) for c in criteria), Decimal())
    steps: list[Step] = []
    needs: list[str] = []
    if result:
        earned = {c["name"]: decimal(c["earned"]) for c in criteria}
        steps.append(Step("automatic", "automatic", sum(earned.values(), Decimal())))
        for criterion in criteria:
            name, mark = criterion["name"], marks.get(criterion["name"])
            if mark and mark.points is not None and mark.answer == criterion["answer"]:
                difference = mark.points - earned[name]
                steps.append(Step("by hand", name, difference, mark.by, mark.reason))
            elif mark and mark.points is not None:
                needs.append(f"{name}: the answer has changed since {mark.by} marked it")
            elif criterion["waits"]:
                needs.append(f"{name}: waits for a mark by hand")
        names = {c["name"] for c in criteria}
        needs += [
            f"{name}: marked by {mark.by}, and no longer a criterion"
            for name, mark in marks.items()
            if name not in names and mark.points is not None
        ]
    total = sum((s.points for s in steps if s.points is not None), Decimal()) if steps else None
    late = decisions.get("late")
    if total is not None and late and late.value:
        lost = min(max(decimal(late.value["points"]), Decimal()), max(total, Decimal()))
        steps.append(Step("late", late.value.get("arithmetic", "late"), -lost, late.by))
        total -= lost
    override = decisions.get("override")
    if override and override.value:
        total = decimal(override.value["points"])
        steps.append(Step("override", "override", total, override.by, override.reason))
        needs = []
    excuse = decisions.get("excuse")
    if excuse and excuse.value is not None:
        steps.append(Step("excuse", "excused", None, excuse.by, excuse.reason))
        total, needs = None, []
    excused = bool(excuse and excuse.value is not None)
    attempt = result.attempt_id if result else None
    return FinalMark(total, maximum, steps, needs, attempt, excused)
