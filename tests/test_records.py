"""What records say of themselves: verdicts in groups, and the place of a run."""

import re
from pathlib import Path

import pytest

from assay.records import Check, Estimate, Run, Verdict, place_of

ASSAY = Path(__file__).parents[1] / "assay"
AT_MOST = 25


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_that_is_held_costs_nothing(verdict: Verdict):
    """Each is held, lost, or neither for a reason: left out, or waiting for somebody to judge."""
    held_or_lost = verdict.is_held + verdict.is_lost

    assert held_or_lost == 1 or (held_or_lost == 0 and verdict.is_left_out)
    assert not (verdict.is_lost and (verdict.is_left_out or verdict.is_waiting))


def test_the_groups_of_verdicts():
    """By name, so that a new verdict is thought of."""
    groups = {
        name: {verdict.value for verdict in Verdict if getattr(verdict, name)}
        for name in ("is_held", "is_lost", "is_waiting", "is_left_out")
    }

    assert groups == {
        "is_held": {"passed", "for review", "undecided"},
        "is_lost": {"failed", "not answered"},
        "is_waiting": {"for review", "not judged"},
        "is_left_out": {"set aside", "not asked", "not judged"},
    }


@pytest.mark.parametrize("dataset", ["a", "2024/autumn", "x/seed-1", "a, b"])
def test_the_place_of_a_run_is_found_by_its_id(dataset: str):
    """A data set may be called anything."""
    run = Run(part="sums", parameters={"seed": 12, "dataset": dataset})
    check = Check(
        part="sums",
        criterion="add",
        name="test_sums.test_add",
        title="It adds.",
        run=run.id,
        verdict=Verdict.PASSED,
    )

    assert place_of(run.id) == run.place
    assert check.place == run.place
    assert check.model_copy(update={"run": None}).place == "sums"


@pytest.mark.parametrize(
    ("place", "column"),
    [("sums/a", "a"), ("sums/2024/autumn", "2024/autumn"), ("sums", "sums")],
    ids=["a column", "a slash in it", "all runs"],
)
def test_an_estimate_names_the_column_of_its_place(place: str, column: str):
    """Whole, for a reader who looks for it in the assignment."""
    estimate = Estimate(place=place, n=1, value=1.0, low=None, high=None, verdict=Verdict.PASSED)

    assert estimate.column == column


def test_types_say_what_is_in_a_mapping():
    """`dict[str, Any]` is for what may hold anything: another's function, a student's names."""
    files = sorted(ASSAY.rglob("*.py"))
    found = [path.name for path in files for _ in re.findall(r"dict\[str, Any\]", path.read_text())]

    assert len(files) > 100
    assert len(found) <= AT_MOST, found
