"""Two mistakes are never better than the worse of them: what one hides it has to pay for."""

from collections.abc import Sequence
from itertools import combinations

import pytest

from assay.submission import Submission
from tests.mistakes import pairs, part1, part2, shared
from tests.mistakes.cases import Case
from tests.mistakes.pairs import Judge, Mistake

ROUNDING = 0.05
"""Percent: points are told to two digits."""
NEAREST = "labels by the nearest rows, not by the weights"
SLIPS = (
    ("input changed in place", "derivative of the hidden sigmoid left out"),
    ("all weights zero at the start", NEAREST),
    (
        "hidden width is not the number of features",
        NEAREST,
    ),
)
"""Pairs of which the first once hid the second."""
CASES = {"part1": part1.CASES, "part2": part2.CASES}


def made(part: str, cases: Sequence[Case]) -> tuple[Judge, list[Mistake]]:
    """Each mistake run once, with the reference's questions."""
    right = shared.make(part, shared.reference(part))
    files = right.submission.files
    runs = [(case, shared.make(part, Submission(case.name, case.apply(files)))) for case in cases]
    return Judge(part, right), [pairs.mistake(case, run, right) for case, run in runs]


def better_together(judge: Judge, mistakes: Sequence[Mistake]) -> list[str]:
    """The pairs whose mark is higher than the worse of the two has alone."""
    alone = {
        each.case.name: pairs.percent(judge.criteria(pairs.alone(judge, each))) for each in mistakes
    }
    found = []
    for one, other in combinations(mistakes, 2):
        worse = min(alone[one.case.name], alone[other.case.name])
        mark = pairs.percent(judge.criteria(*pairs.together(judge, one, other)))
        if mark > worse + ROUNDING:
            found.append(f"{one.case.name} + {other.case.name}: {worse:.1f} -> {mark:.1f} %")
    return found


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("part", CASES)
def test_no_second_mistake_raises_a_mark(part: str):
    """Of all pairs of known mistakes."""
    judge, mistakes = made(part, [case for case in CASES[part] if case.loses])

    assert not better_together(judge, mistakes)


@pytest.mark.parametrize("pair", SLIPS, ids=" + ".join)
def test_a_slip_hides_no_other(pair: tuple[str, str]):
    """Writing into an input costs little, and so it excuses little."""
    judge, mistakes = made("part1", [case for case in part1.CASES if case.name in pair])

    assert len(mistakes) == 2
    assert not better_together(judge, mistakes)
