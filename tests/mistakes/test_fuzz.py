"""Whatever an answer holds, a test of the rubric calls it right, wrong or no answer."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

from assay.records import Check, Verdict
from assay.rubric import causes
from tests.mistakes import fuzz, shared
from tests.mistakes.shared import MATRIX, Made
from tests.toys.toy import arrays, npz

FEW, MANY = 4, 2_000
"""Changed answers for each question: in the suite, and in the thorough round."""
SEED = 2026


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
    """The tests that read each question, where every answer is right.

    Every test asks whether there is something at all: of questions read for that alone, one does.
    """
    made, found = right(part), dict[str, list[shared.Test]]()
    sheets = shared.sheets_of(part, made.workdir)
    submission = shared.on_the_bench(part, made.submission)
    for test in shared.tests_of(part):
        shared.forget()
        run = shared.laid(part, made, sheets)
        shared.PIECES[part].something_works(run)
        for question in run.evidence.noted:
            found.setdefault(question, [test])
        run.evidence.noted.clear()
        shared.check(test, run, submission)
        for question in run.evidence.noted:
            found[question] = [*found.get(question, []), test]
    return found


class Known:
    """What is known of the right answers: of a change, only what reads the changed one is new."""

    def __init__(self, part: str, question: str) -> None:
        self.part, self.made, self.question = part, right(part), question
        self.sheets = shared.sheets_of(part, self.made.workdir)
        self.submission = shared.on_the_bench(part, self.made.submission)
        self.faults, self.pieces = remembered(part), pieces_of(part)

    def fault_of(self, check: causes.Check, evidence: shared.Noting, given: Any) -> str | None:
        """As the rubric's own, which is worked out anew where the changed answer is read."""
        if check not in self.faults:
            whole = shared.laid(self.part, self.made, self.sheets)
            self.faults[check] = fault_of(check, whole.evidence, whole.given), whole.evidence.noted
        found, read = self.faults[check]
        evidence.noted |= read
        return fault_of(check, evidence, given) if self.question in read else found

    def something_works(self, run: shared.Run) -> None:
        if self.question in self.pieces:
            something_works[self.part](run)

    def judged(self, files: fuzz.Files, tests: Sequence[shared.Test]) -> Iterator[Check]:
        """The checks of these tests over an answer that was changed."""
        shared.forget()
        run = shared.laid(self.part, self.made.answering(files), self.sheets)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(causes, "fault_of", self.fault_of)
            patch.setattr(shared.PIECES[self.part], "something_works", self.something_works)
            yield from (shared.check(test, run, self.submission) for test in tests)


fault_of = causes.fault_of
something_works = {part: pieces.something_works for part, pieces in shared.PIECES.items()}


@cache
def remembered(part: str) -> dict[causes.Check, tuple[str | None, set[str]]]:
    """By check: what it finds wrong of right answers, and which it reads."""
    return {}


@cache
def pieces_of(part: str) -> set[str]:
    """The questions by which it is told whether there is something at all."""
    shared.forget()
    run = shared.laid(part, right(part))
    something_works[part](run)
    return run.evidence.noted


def fuzz_part(part: str, examples: int, seed: int) -> list[str]:
    """What was found that is neither right, wrong nor no answer."""
    rng = np.random.default_rng(seed)
    return [
        found
        for question, tests in sorted(readers(part).items())
        for found in fuzz_question(part, question, tests, examples, rng)
    ]


def fuzz_question(
    part: str, question: str, tests: Sequence[shared.Test], examples: int, rng: fuzz.Rng
) -> Iterator[str]:
    """Judge changed answers to one question by every test that reads it."""
    known = Known(part, question)
    for _ in range(examples):
        for check in known.judged(fuzz.changed(rng, known.made.files, question), tests):
            if check.stumbled or check.verdict is Verdict.NOT_JUDGED:
                yield f"{question}: {check.name}: {check.reason} {check.stumbled}"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, over numbers made to hurt
@pytest.mark.parametrize("part", MATRIX)
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.thorough)])
def test_no_answer_makes_a_test_stumble(part: str, examples: int):
    """Other types, shapes, sizes and kinds, text for numbers and numbers for text."""
    found = fuzz_part(part, examples, SEED)

    assert not found, "\n".join(sorted(set(found))[:40])
