"""What is set aside for a mistake: over whatever verdicts, a second mistake never raises a mark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from assay.course.assignment import Assignment, CriterionSpec, Part
from assay.judge.score import score
from assay.records import Check, Criterion, Property, Verdict
from assay.report.view import View
from tests.report.test_class_report import result

NAMES = ("one", "two", "three", "four")
ROUNDING = 0.05
"""Percent: points are told to two digits."""


@dataclass(frozen=True)
class Cell:
    """One property: `explains` where it failed for what others follow from."""

    criterion: str
    verdict: Verdict = Verdict.PASSED
    explains: bool = False
    follows: str = ""

    def failed(self, *, explains: bool) -> "Cell":
        return Cell(self.criterion, Verdict.FAILED, explains)

    def aside(self, cause: str) -> "Cell":
        return Cell(self.criterion, Verdict.SET_ASIDE, follows=cause)


Table = tuple[Cell, ...]


def explaining(table: Sequence[Cell]) -> set[str]:
    """The criteria of which some mistake explains others."""
    return {cell.criterion for cell in table if cell.explains}


def losing(table: Sequence[Cell]) -> set[str]:
    """The criteria that something may be said to follow from."""
    return {cell.criterion for cell in table if cell.verdict is Verdict.FAILED}


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Verdicts as a rubric gives them: what follows, follows from a mistake that is there."""
    sizes = [draw(st.integers(1, 4)) for _ in NAMES]
    whole = tuple(Cell(name) for name, size in zip(NAMES, sizes, strict=True) for _ in range(size))
    wrong = draw(st.sets(st.sampled_from(range(len(whole)))))
    table = [
        cell.failed(explains=draw(st.booleans())) if i in wrong else cell
        for i, cell in enumerate(whole)
    ]
    return _some_follow(draw, table, losing(table), also_failed=True)


def _some_follow(
    draw: st.DrawFn, table: Sequence[Cell], causes: set[str], *, also_failed: bool
) -> Table:
    """Any cell that explains nothing may follow from a cause; one that failed, where it may."""
    found = list(table)
    for i, cell in enumerate(table):
        possible = sorted(causes - {cell.criterion})
        may = also_failed or cell.verdict is Verdict.PASSED
        if possible and may and not cell.explains and draw(st.booleans()):
            found[i] = cell.aside(draw(st.sampled_from(possible)))
    return tuple(found)


@st.composite
def with_one_more(draw: st.DrawFn, before: Table) -> Table:
    """The same with another mistake.

    It fails some of what held, for a reason that explains others or not, and some of what was set
    aside for one that explains nothing: what explains would have been set aside itself.
    What failed or was set aside before may follow from it where its criterion lost or explained
    nothing until now: a test that failed beside an explanation did not take it, and does not now.
    What held may follow from any.
    """
    held = [i for i, cell in enumerate(before) if cell.verdict is Verdict.PASSED]
    aside = [i for i, cell in enumerate(before) if cell.follows]
    wrong = draw(st.sets(st.sampled_from(held), min_size=1)) if held else set()
    own = draw(st.sets(st.sampled_from(aside))) if aside else set()
    table = [
        cell.failed(explains=i in wrong and draw(st.booleans())) if i in wrong | own else cell
        for i, cell in enumerate(before)
    ]
    new = (explaining(table) - explaining(before)) | (losing(table) - losing(before))
    after = _some_follow(draw, table, new, also_failed=True)
    return _some_follow(draw, after, losing(after), also_failed=False)


@pytest.fixture
def part(toy: Assignment) -> Iterator[Part]:
    points = (3.0, 8.0, 12.0, 24.0)
    specs = [
        CriterionSpec(name=name, title=name, points=each)
        for name, each in zip(NAMES, points, strict=True)
    ]
    return toy.part[0].model_copy(update={"criterion": specs})


def marked(part: Part, table: Table) -> list[Criterion]:
    return score(part, [_check(i, cell) for i, cell in enumerate(table)])


def _check(number: int, cell: Cell) -> Check:
    name = f"test_{number}"
    return Check(
        part="sums", criterion=cell.criterion, name=name, title=name, run="r",
        verdict=cell.verdict, explains=cell.explains, follows=cell.follows,
    )  # fmt: skip


def percent(criteria: Sequence[Criterion]) -> float:
    counted = sum(c.counted for c in criteria)
    return 100 * sum(c.earned or 0.0 for c in criteria) / counted if counted else 0.0


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_second_mistake_never_raises_a_mark(part: Part, data: st.DataObject):
    """Whatever failed before, and whatever the second mistake is said to explain."""
    before = data.draw(tables())
    after = data.draw(with_one_more(before))
    event(f"more is set aside: {_aside(after) > _aside(before)}")

    assert percent(marked(part, after)) <= percent(marked(part, before)) + ROUNDING


def _aside(table: Table) -> int:
    return sum(bool(cell.follows) for cell in table)


def test_a_slip_beside_other_losses_excuses_what_it_cost(part: Part):
    """Half of `one` was lost for another reason: that excuses nothing of what the slip explains."""
    lost = Cell("one").failed(explains=False)
    slip = Cell("one").failed(explains=True)
    wrong, right = Cell("two").failed(explains=False), Cell("three")
    rest = (right, Cell("four"))
    before = marked(part, (lost, Cell("one"), wrong, *rest))
    after = marked(part, (lost, slip, wrong.aside("one"), *rest))

    assert after[1].set_aside == 1.5  # what the slip cost, and not 3
    assert percent(after) <= percent(before)


def test_a_mistake_with_what_follows_costs_the_larger_of_the_two(part: Part):
    """It is not charged twice: of 8 points that follow, the 3 that it cost itself are left out."""
    table = (Cell("one").failed(explains=True), Cell("two").aside("one"), Cell("three"))

    one, two, *_ = marked(part, (*table, Cell("four")))

    assert (one.earned, two.set_aside, two.unexcused) == (0.0, 3.0, 5.0)


@pytest.mark.parametrize("reason", [Verdict.FAILED, Verdict.NOT_ANSWERED])
def test_what_a_criterion_lost_for_another_reason_excuses_nothing(part: Part, reason: Verdict):
    """Not even where it lost nothing else: until then it may have followed from an earlier one."""
    mask = Cell("one").failed(explains=True)
    before = (mask, Cell("two").aside("one"), Cell("three").aside("one"), Cell("four"))
    lost = replace(Cell("two"), verdict=reason)
    after = (mask, lost, Cell("three").aside("two"), Cell("four"))

    _, _, three, _ = marked(part, after)

    assert (three.set_aside, three.unexcused) == (0.0, 12.0)
    assert percent(marked(part, after)) <= percent(marked(part, before))


def test_the_cause_is_told_and_not_what_follows_from_it(part: Part):
    """More is lost by what follows than by the mistake itself: the report names the mistake."""
    slip = Cell("one").failed(explains=True)
    criteria = marked(part, (slip, Cell("two").aside("one"), Cell("three"), Cell("four")))
    told = [c.model_copy(update={"properties": [_said(p) for p in c.properties]}) for c in criteria]

    (loss,) = View(result().model_copy(update={"criteria": told})).losses()

    assert (loss.property.verdict, loss.property.reason) == (Verdict.FAILED, "why one failed")
    assert loss.points == 8.0


def test_the_cause_of_what_follows_in_turn_is_told(part: Part):
    """The root, where all that the nearer cause missed was set aside too."""
    slip, second = Cell("one").failed(explains=True), Cell("two").aside("one")
    criteria = marked(part, (slip, second, Cell("three").aside("one"), Cell("four")))
    third = criteria[2].properties[0].model_copy(update={"follows": "two"})
    criteria[2] = criteria[2].model_copy(update={"properties": [third]})
    told = [c.model_copy(update={"properties": [_said(p) for p in c.properties]}) for c in criteria]

    (loss,) = View(result().model_copy(update={"criteria": told})).losses()

    assert loss.property.reason == "why one failed"


def _said(prop: Property) -> Property:
    said = "why one failed" if prop.verdict is Verdict.FAILED else "follows from one"
    return prop.model_copy(update={"reason": said})
