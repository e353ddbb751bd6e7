"""Two mistakes are never better than the worse of them: what one hides it has to pay for."""

import random
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest

from assay.judge.score import score
from assay.records import Check, Criterion, Verdict
from assay.rubric import Wrong
from assay.submission.submission import Submission
from rubric_tests.part2.answers import Marked, check_something_is_learned
from rubric_tests.part2.tasks import NOTHING
from tests.mistakes import kinds, kinds1, pairs, part1, part2, shared
from tests.mistakes.cases import Case
from tests.mistakes.pairs import Judge, Mistake

ROUNDING = 0.05
"""Percent: points are told to two digits."""
ONE_COLUMN = "a baseline fitted on one column"
NEAREST = "labels by the nearest rows, not by the weights"
SHUFFLED = "training rows are shuffled without their labels"
SLIPS = (
    ("part1", "input changed in place", "derivative of the hidden sigmoid left out"),
    ("part1", "all weights zero at the start", NEAREST),
    ("part1", "hidden width is not the number of features", NEAREST),
    ("part1", "input changed in place", ONE_COLUMN),
    ("part1", "both claims are swapped", ONE_COLUMN),
    ("part1", "step up the gradient", "training ends long before it has converged"),
    ("part1", "test labels are sorted", "a search that is fitted on the first dozen rows"),
    ("part1", "crippled logistic regression", SHUFFLED),
    ("part1", "a baseline fitted on the first dozen rows", SHUFFLED),
    pytest.param("part2", "decoder target without BOS", "undertrained", marks=pytest.mark.thorough),
)
"""By part, pairs of which the first once hid the second, or cost more alone than with it."""
CASES = {"part1": part1.CASES, "part2": part2.CASES}
MORE = {"part1": kinds1.CASES, "part2": kinds.CASES}
HEADS = {"attention", "masks", "multi-head"}
READY_MADE = {
    "nn.MultiheadAttention inside": HEADS,
    "nn.TransformerEncoderLayer inside": HEADS | {"feed-forward", "layers"},
}
"""Layers of torch's, and the criteria of one's own layers that they put out of use."""
TWO_FEATURES = "two features, "
"""Cases that begin so bring a right choice along: with two features no regression reaches more."""
SEARCHED = 56
"""Mistakes of a part in the thorough round: `CASES`, and some of `MORE`, drawn anew each time."""


class Marks(NamedTuple):
    """In percent: of what counts, and of all, where what waits for a person is not there yet."""

    percent: float
    before: float

    @classmethod
    def of(cls, criteria: Sequence[Criterion]) -> "Marks":
        return cls(pairs.percent(criteria), pairs.before_a_person_looks(criteria))

    def beat(self, others: Sequence["Marks"]) -> bool:
        """Whether both are higher than the worst of others."""
        percent, before = (min(marks) for marks in zip(*others, strict=True))
        return self.percent > percent + ROUNDING and self.before > before + ROUNDING


def made(part: str, cases: Sequence[Case]) -> tuple[Judge, list[Mistake]]:
    """Each mistake run once, with the reference's questions."""
    right = shared.right(part)
    files = right.submission.files
    runs = [(case, shared.make(part, Submission(case.name, case.apply(files)))) for case in cases]
    return Judge(part, right), [pairs.mistake(case, run, right) for case, run in runs]


def better_together(judge: Judge, mistakes: Sequence[Mistake]) -> list[str]:
    """The pairs whose mark is higher than the worse of the two has alone, whatever a person gives.

    That is, both without what waits for a person and with nothing for it: one alone is higher too
    where the second mistake only makes more wait, or less.
    Answers put together may be of a submission that cannot be: the training of one mistake beside
    the model of the other. So each pair that is found is run.
    """
    alone = {m.case.name: Marks.of(judge.criteria(pairs.alone(judge, m))) for m in mistakes}
    files, found = judge.right.submission.files, []
    for one, other in combinations(mistakes, 2):
        if is_out_of_use(one.case, other.case) or not pairs.are_two(files, one.case, other.case):
            continue
        both = [alone[one.case.name], alone[other.case.name]]
        marks = Marks.of(judge.criteria(*pairs.together(judge, one, other)))
        if marks.beat(both) and (marks := run_together(judge, one, other)).beat(both):
            worse = min(mark.percent for mark in both)
            found.append(
                f"{one.case.name} + {other.case.name}: {worse:.1f} -> {marks.percent:.1f} %"
            )
    return found


def is_out_of_use(one: Case, other: Case) -> bool:
    """Whether a ready-made layer takes the place of the one that has the other mistake."""
    return any(b.loses in READY_MADE.get(a.name, ()) for a, b in ((one, other), (other, one)))


def run_together(judge: Judge, one: Mistake, other: Mistake) -> Marks:
    """The marks of a submission that has both."""
    files = pairs.both(judge.right.submission.files, one.case, other.case)
    run = shared.make(judge.part, Submission("pair", files))
    return Marks.of(score(shared.part_of(judge.part), shared.judged(judge.part, run)))


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("part", CASES)
def test_no_second_mistake_raises_a_mark(part: str):
    """Of all pairs of many known mistakes."""
    always, more = ([case for case in of[part] if case.loses] for of in (CASES, MORE))
    more = [case for case in more if not case.name.startswith(TWO_FEATURES)]
    drawn = random.SystemRandom().sample(more, SEARCHED - len(always))
    judge, mistakes = made(part, [*always, *drawn])

    assert not better_together(judge, mistakes), [case.name for case in drawn]


@pytest.mark.parametrize(("part", "one", "other"), SLIPS)
def test_a_slip_hides_no_other(part: str, one: str, other: str):
    """Writing into an input costs little, and so it excuses little."""
    known = [*CASES[part], *MORE[part]]
    judge, mistakes = made(part, [case for case in known if case.name in (one, other)])

    assert len(mistakes) == 2
    assert not better_together(judge, mistakes)


def test_answers_that_begin_a_place_early_were_learned():
    """A wrong first token costs generation; what else holds of the model still counts."""
    rng = np.random.default_rng()
    right = rng.integers(1, 10, size=(20_000, 5)).astype(np.int16)
    early, late = (np.roll(right, by, axis=1) for by in (-1, 1))
    early[:, -1] = NOTHING

    for answers in (right, early, late):
        check_something_is_learned(Marked(right[:, ::-1], answers, right))
    for answers in (rng.permuted(right, axis=0), np.full_like(right, 4)):
        with pytest.raises(Wrong, match="nothing was learned"):
            check_something_is_learned(Marked(right[:, ::-1], answers, right))


def test_of_two_losses_the_one_that_explains_nothing_is_the_worse():
    """It excuses nothing of what follows, whichever of the two mistakes it is."""

    def check(verdict: Verdict, *, explains: bool = False) -> Check:
        about = {"part": "p", "criterion": "c", "name": "n", "title": "t", "run": "r"}
        return Check(verdict=verdict, explains=explains, **about)

    silent, told = check(Verdict.NOT_ANSWERED), check(Verdict.FAILED, explains=True)
    aside, held = check(Verdict.SET_ASIDE), check(Verdict.PASSED)

    assert pairs.worst([held, told, silent, aside]) is silent
    assert pairs.worst([held, told, aside]) is told
    assert pairs.worst([held, aside]) is aside


def test_two_diffs_that_share_a_line_are_both_applied_elsewhere():
    """Where both change one line the first change stays, and the rest of the second is there."""
    one = Case("one", None, {"a.py": {"steps = 1": "steps = 2"}})
    other = Case("other", None, {"a.py": {"steps = 1": "steps = 3", "x = 1": "x = 2"}})

    files = pairs.both({"a.py": b"steps = 1\nx = 1\n"}, one, other)

    assert files == {"a.py": b"steps = 2\nx = 2\n"}
