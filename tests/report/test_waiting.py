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


@pytest.mark.parametrize("other", [Verdict.PASSED, Verdict.SET_ASIDE, Verdict.NOT_ASKED])
def test_a_result_of_before_waits_as_it_did(other: Verdict):
    """Then nothing was judged of such a criterion."""
    of = {"name": "n", "title": "t", "held": 1, "judged": 1}
    both = [Property(verdict=verdict, **of) for verdict in (other, Verdict.FOR_REVIEW)]
    criterion = Criterion(
        part="p", name="c", title="c", points=8, judged=0, earned=None,
        verdict=Verdict.FOR_REVIEW, properties=both,
    )  # fmt: skip

    assert (criterion.for_review, criterion.set_aside, criterion.not_asked) == (8, 0, 0)


def test_a_doubt_leaves_the_rest_as_it_is(toy: Assignment):
    """Whether hardly anything was asked is the same with a doubt in the place of what held."""
    names = [str(number) for number in range(4)]
    spec = toy.part[0].criterion[0]
    specs = [spec.model_copy(update={"name": name, "points": 10.0}) for name in names]
    part = toy.part[0].model_copy(update={"criterion": specs})

    def mark(verdict: Verdict) -> tuple[float, float, float]:
        checks = [
            check(f"{name}-{i}", each).model_copy(update={"criterion": name})
            for name in names
            for i, each in enumerate([verdict, *[Verdict.NOT_ASKED] * (3 if name < "3" else 0)])
        ]
        found = score(part, checks)
        return (
            sum(c.earned or 0.0 for c in found),
            sum(c.counted for c in found),
            sum(c.for_review for c in found),
        )

    assert mark(Verdict.PASSED) == (17.5, 40, 0)
    assert mark(Verdict.FOR_REVIEW) == (0, 22.5, 17.5)
