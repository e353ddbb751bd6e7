"""A student's own try says of a public criterion what grading says, of each known mistake."""

import json
from pathlib import Path

import pytest

from assay.evidence import packing
from assay.evidence.store import Store
from assay.handout import attempt, public
from assay.handout.tried import FOLDER
from assay.records import Property, Result
from assay.submission.submission import Submission
from tests.mistakes import kinds, part1, part2
from tests.mistakes.cases import Case, parameters, short_submission
from tests.mistakes.grading import ROOT, explain, graded, one_part

MATRIX = {"part1": {"dataset": ["penguins"]}, "part2": {"task": ["sort-5"]}}
FORWARD = [case for case in part1.CASES if case.loses == "forward"]
COMPONENTS = [
    case for case in [*part2.CASES, *kinds.CASES] if case.loses in ("embedding", "feed-forward")
]


def properties(result: Result) -> dict[tuple[str, str], Property]:
    return {(c.name, p.title): p for c in result.criteria for p in c.properties}


def said(content: bytes) -> object:
    """Arrays as they are; of a note, all but where files stand: other lines, another folder."""
    if not content.startswith(b"{"):
        return content
    note = json.loads(content)
    put = {key: value for key, value in note.pop("put", {}).items() if key != "line"}
    return {key: value for key, value in note.items() if key != "traceback"} | put


@pytest.mark.parametrize(
    ("part", "case"),
    [
        pytest.param(part, *chosen.values, id=chosen.id, marks=chosen.marks)
        for part, cases in (("part1", FORWARD), ("part2", COMPONENTS))
        for chosen in parameters(cases)
    ],
)
def test_a_try_finds_the_same(part: str, case: Case, store: Store, tmp_path: Path):
    """The same verdict, sentence and hint; the same answers, bit for bit."""
    course = one_part(part, [0], MATRIX[part])
    handed_in = Submission("mistaken", case.apply(short_submission(ROOT, part)))
    there = graded(course, handed_in, store, tmp_path / "reports")
    folder, scratch = tmp_path / "tried", tmp_path / "scratch"
    packing.write(handed_in.files | public.files(course), folder)
    scratch.mkdir()
    here = attempt.attempt(folder, folder / FOLDER, scratch).result
    found, expected = properties(here), properties(there)

    assert found
    for key, prop in found.items():
        other = expected[key]
        assert (prop.verdict, prop.reason, prop.hint, prop.mistake) == (
            *(other.verdict, other.reason, other.hint, other.mistake),
        ), explain(there)
    [ours], [theirs] = here.runs, there.runs
    tried = Store(scratch / "store").files(ours.key)
    graded_files = store.whole(theirs, course)
    answers = [n for n in tried if n.startswith(("given/", "kept/")) or "/answers/" in n]
    answers += [n for n in tried if n.startswith("evidence/") and n.count("/") > 1]
    assert len(answers) > 2
    for name in answers:
        assert said(tried[name]) == said(graded_files[name]), name
