"""Two mistakes are never better than the worse of them: what one hides it has to pay for."""

import random
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from assay.judge.score import score
from assay.records import Check, Verdict
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
SLIPS = (
    ("part1", "input changed in place", "derivative of the hidden sigmoid left out"),
    ("part1", "all weights zero at the start", NEAREST),
    ("part1", "hidden width is not the number of features", NEAREST),
    ("part1", "input changed in place", ONE_COLUMN),
    ("part1", "both claims are swapped", ONE_COLUMN),
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
SEARCHED = 56
"""Mistakes of a part in the thorough round: `CASES`, and some of `MORE`, drawn anew each time."""


def made(part: str, cases: Sequence[Case]) -> tuple[Judge, list[Mistake]]:
    """Each mistake run once, with the reference's questions."""
    right = shared.right(part)
    files = right.submission.files
    runs = [(case, shared.make(part, Submission(case.name, case.apply(files)))) for case in cases]
    return Judge(part, right), [pairs.mistake(case, run, right) for case, run in runs]


def better_together(judge: Judge, mistakes: Sequence[Mistake]) -> list[str]:
    """The pairs whose mark is higher than the worse of the two has alone.

    Answers put together may be of a submission that cannot be: the training of one mistake beside
    the model of the other. So each pair that is found is run.
    """
    alone = {
        each.case.name: pairs.percent(judge.criteria(pairs.alone(judge, each))) for each in mistakes
    }
    files, found = judge.right.submission.files, []
    for one, other in combinations(mistakes, 2):
        if is_out_of_use(one.case, other.case) or not pairs.are_two(files, one.case, other.case):
            continue
        worse = min(alone[one.case.name], alone[other.case.name])
        mark = pairs.percent(judge.criteria(*pairs.together(judge, one, other)))
        if mark > worse + ROUNDING and (mark := run_together(judge, one, other)) > worse + ROUNDING:
            found.append(f"{one.case.name} + {other.case.name}: {worse:.1f} -> {mark:.1f} %")
    return found


def is_out_of_use(one: Case, other: Case) -> bool:
    """Whether a ready-made layer takes the place of the one that has the other mistake."""
    return any(b.loses in READY_MADE.get(a.name, ()) for a, b in ((one, other), (other, one)))


def run_together(judge: Judge, one: Mistake, other: Mistake) -> float:
    """The mark of a submission that has both."""
    files = pairs.both(judge.right.submission.files, one.case, other.case)
    run = shared.make(judge.part, Submission("pair", files))
    return pairs.percent(score(shared.part_of(judge.part), shared.judged(judge.part, run)))


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("part", CASES)
def test_no_second_mistake_raises_a_mark(part: str):
    """Of all pairs of many known mistakes."""
    always, more = ([case for case in of[part] if case.loses] for of in (CASES, MORE))
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
