"""Gradescope's results.json: https://gradescope-autograders.readthedocs.io/en/latest/specs/"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict

from assay.export import score
from assay.records import Criterion, Result, Verdict
from assay.report import safe, summary
from assay.version import __version__

KINDS = {".svg": "image/svg+xml"}
MAX_PICTURES = 2_000_000
"""Characters of pictures beyond which a results.json goes without them."""


class Marks(TypedDict, total=False):
    """The marks of a test; none if it is not judged."""

    score: float
    max_score: float
    status: str


class Test(Marks):
    """A test as Gradescope lists it: a criterion, or the pictures."""

    name: str
    name_format: str
    output: str
    output_format: str
    tags: list[str]
    number: NotRequired[str]
    extra_data: NotRequired[dict[str, float]]


class Totals(TypedDict):
    """What Gradescope keeps and does not show: what the one score was made of."""

    assay: str
    digest: str
    signature: str
    earned: float
    judged: float
    for_review: float
    set_aside: float
    not_asked: float
    not_judged: float


class Results(TypedDict):
    """What results.json holds."""

    score: float
    execution_time: int
    output: str
    output_format: str
    test_output_format: str
    test_name_format: str
    visibility: str
    stdout_visibility: str
    extra_data: Totals
    tests: list[Test]


def results_json(result: Result, visibility: str, pictures: Mapping[str, bytes]) -> str:
    """One test a criterion; the total is the gradebook's, with points set aside counted.

    Text of a student goes into fields of format `text`, which Gradescope escapes; the one field
    of HTML, for the report's pictures, holds none.
    """
    tests = [*_tests(result), *_pictures(result, pictures)]
    found: Results = {
        "score": score.score(result).points,
        "execution_time": round(sum(record.seconds for record in result.runs)),
        "output": safe.lines("\n".join([_headline(result), *score.remarks(result)])),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "extra_data": {
            "assay": __version__,
            "digest": result.digest,
            "signature": result.receipt.signature if result.receipt else "",
            "earned": result.earned,
            "judged": result.judged_points,
            "for_review": result.review_points,
            "set_aside": result.points_set_aside,
            "not_asked": result.points_not_asked,
            "not_judged": result.unjudged_points,
        },
        "tests": tests,
    }
    return json.dumps(found, indent=1) + "\n"


def _headline(result: Result) -> str:
    if result.not_graded:
        return "It could not be graded as it is:"
    return f"{summary.totals(result)}. {summary.matrix_in_words(result)}."


def _tests(result: Result) -> Iterator[Test]:
    for i, part in enumerate(result.parts, 1):
        of_part = [c for c in result.criteria if c.part == part.name]
        for j, criterion in enumerate(of_part, 1):
            yield _test(criterion, f"{i}.{j}")


def _test(criterion: Criterion, number: str) -> Test:
    return {
        **_marks(criterion),
        "name": safe.plain(criterion.title),
        "name_format": "text",
        "output": safe.lines("\n".join(_output(criterion))),
        "output_format": "text",
        "tags": [criterion.part, criterion.name, summary.state(criterion)],
        "extra_data": {"points": criterion.points},
        "number": number,
    }


def _marks(criterion: Criterion) -> Marks:
    """No marks if it is not judged: Gradescope then shows no zero that looks like a mark.

    What holds in part is neither passed nor failed: Gradescope has no third word.
    """
    if criterion.earned is None and not criterion.unexcused:
        return {}
    marks: Marks = {"score": criterion.earned or 0.0, "max_score": criterion.counted}
    if summary.state(criterion) != "partly":
        marks["status"] = "failed" if summary.lost(criterion) else "passed"
    return marks


def _output(criterion: Criterion) -> Iterator[str]:
    points = summary.points(criterion.points)
    if criterion.verdict is Verdict.FOR_REVIEW:
        yield f"For review: a person gives these {points} points."
    elif criterion.verdict is Verdict.NOT_JUDGED:
        yield f"Not judged, and not your fault: {points} points wait."
    elif criterion.for_review:
        waiting = summary.points(criterion.for_review)
        yield f"{waiting} of {points} points are for review: a person gives them."
    if criterion.set_aside:
        aside = summary.points(criterion.set_aside)
        yield f"{aside} of {points} points are set aside: they hang on a mistake marked elsewhere."
    if criterion.not_asked:
        silent = summary.points(criterion.not_asked)
        yield f"{silent} of {points} points were not asked: what they are for need not be there."
    if why := summary.excuse(criterion):
        yield f"{why}."
    for reason, hint in score.shortcomings(criterion):
        yield f"- {reason}"
        yield from [f"  hint: {hint}"] if hint else []
    held = [p for p in criterion.properties if p.verdict is Verdict.PASSED]
    yield from [f"{len(held)} of {len(criterion.properties)} properties held."]


def _pictures(result: Result, pictures: Mapping[str, bytes]) -> Iterator[Test]:
    """The report's plots, as Gradescope shows pictures: in HTML, by data addresses."""
    figures = [(f"{part.name}-{f.name}", f.title) for part in result.parts for f in part.figures]
    shown = [
        _figure(title, kind, pictures[name + ending])
        for name, title in figures
        for ending, kind in KINDS.items()
        if name + ending in pictures
    ]
    if shown and sum(map(len, shown)) <= MAX_PICTURES:
        yield {
            "name": "What was measured",
            "name_format": "text",
            "output": "\n".join(shown),
            "output_format": "html",
            "tags": ["figures"],
        }


def _figure(title: str, kind: str, content: bytes) -> str:
    encoded = base64.b64encode(content).decode()
    shown = safe.html(title)
    return f'<p>{shown}</p>\n<img alt="{shown}" src="data:{kind};base64,{encoded}">'
