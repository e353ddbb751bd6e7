"""What holds in part is shown as that, wherever a person looks: never as passed."""

import json
from collections.abc import Callable

import pytest
from lxml import etree

from assay.export import github, gradescope, junit
from assay.records import Criterion, Property, Result, Verdict
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
