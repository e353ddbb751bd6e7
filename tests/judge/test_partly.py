"""What holds in part is shown as that, wherever a person looks: never as passed."""

import json
from collections.abc import Callable

import pytest
from lxml import etree

from assay.classroom.grade import criteria_of
from assay.course.assignment import Assignment, CriterionSpec
from assay.export import github, gradescope, junit
from assay.judge.score import score
from assay.records import Check, Criterion, Property, Result, Verdict
from assay.report import html, markdown, summary
from tests.toys.made import criterion, made

HELD = Property(name="t", title="It adds", verdict=Verdict.PASSED, held=1, judged=1)
UNEXCUSED = {"points": 8.0, "judged": 0.62, "earned": 0.62, "unexcused": 7.38}
ASIDE = {"points": 8.0, "judged": 0.62, "earned": 0.62}
WHOLE = {"points": 8.0, "judged": 8.0, "earned": 8.0}


def lone(**points: float) -> Criterion:
    return criterion(Verdict.PASSED, 2.0, HELD).model_copy(update=points | {"title": "Addition"})


def terminal(result: Result) -> str:
    return next(
        line.split()[0] for line in summary.summary(result, "x").splitlines() if "Addition" in line
    )


def github_page(result: Result) -> str:
    return next(
        line.split("|")[1].strip()
        for line in github.job_summary([result]).splitlines()
        if "| Addition |" in line
    )


def gradescope_tags(result: Result) -> str:
    (test,) = json.loads(gradescope.results_json(result, "hidden", {}))["tests"]
    assert (test.get("status") == "passed") is ("passed" in test["tags"])
    return str(test["tags"][-1])


def junit_words(result: Result) -> str:
    (case,) = etree.fromstring(junit.xml([result]).encode()).iter("testcase")
    return "partly" if "partly" in "".join(case.itertext()) else "passed"


def web_page(result: Result) -> str:
    page = html.page(result, {})
    return "partly" if 'class="criterion partly"' in page else page.split('class="criterion ')[1]


def text_page(result: Result) -> str:
    page = markdown.pages(result, [])["index.md"]
    return next(line.split("|")[1] for line in page.splitlines() if "| Addition |" in line)


SURFACES: list[tuple[Callable[[Result], str], str, str]] = [
    (terminal, "◐", "✓"),
    (github_page, "◐", "✓"),
    (gradescope_tags, "partly", "passed"),
    (junit_words, "partly", "passed"),
    (web_page, "partly", "passed"),
    (text_page, "◐", "✓"),
]
shown = pytest.mark.parametrize(("shown", "partly", "passed"), SURFACES)


@shown
@pytest.mark.parametrize("points", [UNEXCUSED, ASIDE])
def test_a_share_of_a_criterion_is_partly(
    shown: Callable[[Result], str], partly: str, passed: str, points: dict[str, float]
):
    """0.62 of 8 points: on the terminal, in every report and in every export."""
    seen = shown(made(criteria=[lone(**points)]))

    assert partly in seen
    assert passed not in seen


@shown
def test_all_of_a_criterion_is_passed(shown: Callable[[Result], str], partly: str, passed: str):
    """Every point of it was judged, and earned."""
    seen = shown(made(criteria=[lone(**WHOLE)]))

    assert passed in seen
    assert partly not in seen


def test_what_is_for_review_beside_what_is_lost_waits_for_a_person():
    """Its points are no more earned than set aside: a mark is out when they have been given."""
    waits = HELD.model_copy(update={"verdict": Verdict.FOR_REVIEW, "held": 0, "reason": "who?"})
    failed = HELD.model_copy(update={"verdict": Verdict.FAILED, "held": 0})
    one = criterion(Verdict.FAILED, 0.0, failed, waits)
    one = one.model_copy(update={"points": 2.0, "judged": 1.0, "earned": 0.0})
    result = made(criteria=[one, lone(**WHOLE)])

    assert (one.for_review, one.set_aside, result.review_points) == (1.0, 0.0, 1.0)
    first, _ = criteria_of(result)
    assert first["waits"]
    assert first["earned"] == 0
    assert "1 for review" in summary.totals(result)
    (test, _) = json.loads(gradescope.results_json(result, "hidden", {}))["tests"]
    assert "1 of 2 points are for review" in test["output"]


@pytest.mark.parametrize(
    ("first", "points", "waits"),
    [
        ("passed failed", (0.32, 0.16), 3.68),
        ("passed not-answered", (0.32, 0.16), 3.68),
        ("failed failed", (0.32, 0.0), 3.68),
    ],
)
def test_runs_that_wait_for_a_person_are_neither_earned_nor_lost_for_those_that_were_judged(
    toy: Assignment, first: str, points: tuple[float, float], waits: float
):
    """One run that passed and one that failed speak for two of 25; the page says who waits."""
    verdicts = [Verdict(name.replace("-", " ")) for name in first.split()]
    runs = [*verdicts, *[Verdict.FOR_REVIEW] * 23]
    about = {"part": "sums", "criterion": "sum", "name": "t", "title": "It adds"}
    checks = [Check(run=f"a/seed-{i}", verdict=v, **about) for i, v in enumerate(runs)]
    spec = CriterionSpec(name="sum", title="Addition", points=4.0)

    (one,) = score(toy.part[0].model_copy(update={"criterion": [spec]}), checks)

    assert (one.judged, one.earned) == points
    assert one.for_review == pytest.approx(waits, abs=0.02)
    assert one.set_aside == one.not_asked == 0.0
    assert "; 23 for review" in html.page(made(criteria=[one]), {})
    assert "; 23 for review" in markdown.pages(made(criteria=[one]), [])["index.md"]
