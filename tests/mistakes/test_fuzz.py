"""Whatever an answer holds, a test of the rubric calls it right, wrong or no answer."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assay.judge.evidence_view import Sheets
from assay.records import Check, Verdict
from assay.rubric import causes
from rubric_tests.part2 import attention_checks
from tests.mistakes import fuzz, shared
from tests.mistakes.shared import MATRIX, Made
from tests.toys.toy import arrays, npz

FEW, MANY = 2, 2_000
"""Changed answers for each question: in the suite, and in the thorough round."""
SEED = 2026


@cache
def right(part: str) -> Made:
    """One real run of the reference; of a long table of answers only the first rows."""
    made = shared.right(part)
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
    sheets, submission = laid_out(part)
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


WORKS = "whether something works"
Looked = causes.Check | str
"""What a test may have looked at beside the answers themselves: a check, or `WORKS`."""


class Known:
    """What is known of the right answers: of a change, only what reads the changed one is new.

    Most tests read an answer through causes alone: they go by whether a check finds something, and
    what it finds is a text that they pass on. Such a test is judged once for every way in which
    the checks may end.
    """

    def __init__(self, part: str, question: str) -> None:
        self.part, self.made, self.question = part, right(part), question
        self.sheets, self.submission = laid_out(part)
        self.seen: dict[int, list[tuple[dict[Looked, Any], Check]]] = {}
        self.looked: dict[Looked, Any] = {}

    def judged(self, files: fuzz.Files, tests: Sequence[shared.Test]) -> Iterator[Check]:
        """The checks of these tests over an answer that was changed."""
        made = self.made.answering(files)
        shared.forget()
        self.run, self.works = self.laid(made), cache(self.ends)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(causes, "fault_of", self.fault_of)
            patch.setattr(attention_checks, "check_formula_of_heads", cached(formula_of_heads))
            patch.setattr(shared.PIECES[self.part], "something_works", self.something_works)
            for number, test in enumerate(tests):
                yield self.known(number) or self.judge(number, test, made)

    def laid(self, made: Made) -> shared.Run:
        return shared.laid(self.part, made, self.sheets)

    def known(self, number: int) -> Check | None:
        """What was made before of the same findings, by a test that goes by nothing else."""
        for looked, check in self.seen.setdefault(number, []):
            if all(self.look(what, self.run) == found for what, found in looked.items()):
                return check
        return None

    def judge(self, number: int, test: shared.Test, made: Made) -> Check:
        check = self.check(test, self.run)
        if self.question not in self.run.evidence.noted:
            again = self.laid(made)  # nothing of it is remembered: all that is read is noted
            self.check(test, again)
            if self.question not in again.evidence.noted:
                self.seen[number].append((self.looked, check))
        return check

    def check(self, test: shared.Test, run: shared.Run) -> Check:
        run.evidence.noted, self.looked = set(), {}
        return shared.check(test, run, self.submission)

    def look(self, what: Looked, run: shared.Run) -> Any:
        if isinstance(what, str):
            return repr(self.works(run))
        return bool(self.fault_of(what, run.evidence, run.given))

    def fault_of(self, check: causes.Check, evidence: shared.Noting, given: Any) -> str | None:
        """As the rubric's own, which is worked out anew where the changed answer is read."""
        found, read = remembered(self.part, check)
        if self.question not in read:
            return found
        noted, looked = evidence.noted, self.looked
        evidence.noted = set()
        found = fault_of(check, evidence, given)
        evidence.noted, self.looked = noted, looked | {check: bool(found)}
        return found

    def something_works(self, run: shared.Run) -> None:
        if self.question not in pieces_of(self.part):
            return
        wrong = self.works(run)
        self.looked[WORKS] = repr(wrong)
        if wrong:
            raise wrong

    def ends(self, run: shared.Run) -> Exception | None:
        """What the rubric says where nothing works."""
        noted, looked = run.evidence.noted, self.looked
        run.evidence.noted = set()
        try:
            something_works[self.part](run)
        except Exception as wrong:
            return wrong
        finally:
            run.evidence.noted, self.looked = noted, looked
        return None


fault_of = causes.fault_of
formula_of_heads = attention_checks.check_formula_of_heads


def cached(check: Callable[..., None]) -> Callable[..., None]:
    """The same check, made once of each evidence: what it read is noted each time it is asked."""
    made = dict[Any, tuple[Exception | None, set[str]]]()

    def ask(evidence: shared.Noting, given: Any, question: str) -> None:
        if (evidence, question) not in made:
            noted, evidence.noted = evidence.noted, set()
            wrong = None
            try:
                check(evidence, given, question)
            except Exception as error:
                wrong = error
            made[evidence, question] = wrong, evidence.noted
            evidence.noted = noted
        wrong, read = made[evidence, question]
        evidence.noted |= read
        if wrong:
            raise wrong

    return ask


something_works = {part: pieces.something_works for part, pieces in shared.PIECES.items()}


@cache
def laid_out(part: str) -> tuple[tuple[Sheets, Sheets], SimpleNamespace]:
    """The questions, and what was handed in."""
    made = right(part)
    return shared.sheets_of(part, made.workdir), shared.on_the_bench(part, made.submission)


@cache
def remembered(part: str, check: causes.Check) -> tuple[str | None, set[str]]:
    """What a check finds wrong of right answers, and which it reads."""
    whole = shared.laid(part, right(part), laid_out(part)[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(causes, "fault_of", fault_of)
        return fault_of(check, whole.evidence, whole.given), whole.evidence.noted


@cache
def pieces_of(part: str) -> set[str]:
    """The questions by which it is told whether there is something at all."""
    run = shared.laid(part, right(part))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(causes, "fault_of", fault_of)
        something_works[part](run)
    return run.evidence.noted


def fuzz_question(part: str, question: str, examples: int, rng: fuzz.Rng) -> Iterator[str]:
    """Judge changed answers to one question by every test that reads it."""
    known, tests = Known(part, question), readers(part)[question]
    for _ in range(examples):
        for check in known.judged(fuzz.changed(rng, known.made.files, question), tests):
            if check.stumbled or check.verdict is Verdict.NOT_JUDGED:
                yield f"{question}: {check.name}: {check.reason} {check.stumbled}"


SHARES = [pytest.param(MANY, i, 8, marks=pytest.mark.thorough) for i in range(8)]
"""The questions of the thorough round, dealt out: several processes may judge them."""


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy's, over numbers made to hurt
@pytest.mark.parametrize("part", MATRIX)
@pytest.mark.parametrize(("examples", "share", "of"), [(FEW, 0, 1), *SHARES])
def test_no_answer_makes_a_test_stumble(part: str, examples: int, share: int, of: int):
    """Other types, shapes, sizes and kinds, text for numbers and numbers for text."""
    found = [
        said
        for number, question in list(enumerate(sorted(readers(part))))[share::of]
        for said in fuzz_question(part, question, examples, np.random.default_rng([SEED, number]))
    ]

    assert not found, "\n".join(sorted(set(found))[:40])
