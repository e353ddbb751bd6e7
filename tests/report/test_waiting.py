"""Of a criterion that waits in part, the rest counts, and every text adds up."""

import pytest

from assay.course.assignment import Assignment
from assay.judge.score import score
from assay.records import Check, Criterion, Property, Verdict
from assay.report import summary


def check(name: str, verdict: Verdict, **more: str) -> Check:
    about = {"part": "sums", "criterion": "add", "title": name, "run": "r"}
    return Check(name=name, verdict=verdict, **about, **more)


def test_what_held_counts_beside_what_waits(toy: Assignment):
    """Its mark is of what counts, and the rest is for review."""
    specs = [toy.part[0].criterion[0].model_copy(update={"name": "add", "points": 8.0})]
    part = toy.part[0].model_copy(update={"criterion": specs})
    doubt = check("b", Verdict.FOR_REVIEW, reason="two fits differ")
    criterion = score(part, [check("a", Verdict.PASSED), doubt])[0]

    assert (criterion.judged, criterion.earned, criterion.for_review) == (4, 4, 4)
    assert (criterion.verdict, criterion.set_aside) == (Verdict.FOR_REVIEW, 0)
    assert (summary.mark(criterion), summary.sign(criterion)) == ("4/4", "…")


@pytest.mark.parametrize("held", [True, False])
def test_a_result_of_before_waits_as_it_did(held: bool):
    """Then nothing was judged of such a criterion."""
    of = {"name": "n", "title": "t", "held": 1, "judged": 1}
    doubt = Property(verdict=Verdict.FOR_REVIEW, **of)
    sure = [Property(verdict=Verdict.PASSED, **of)] if held else []
    criterion = Criterion(
        part="p", name="c", title="c", points=8, judged=0, earned=None,
        verdict=Verdict.FOR_REVIEW, properties=[*sure, doubt],
    )  # fmt: skip

    assert (criterion.for_review, criterion.set_aside, criterion.not_asked) == (8, 0, 0)
