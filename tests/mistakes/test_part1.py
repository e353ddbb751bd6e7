"""Part 1: each mistake loses its own criterion and no other; what is right loses none."""

from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.records import Result, Verdict
from assay.submission import submission
from assay.submission.submission import Submission
from tests.mistakes.cases import Case, parameters, short_submission
from tests.mistakes.grading import ROOT, Note, excuses, explain, graded, lost, one_part, record
from tests.mistakes.kinds1 import CASES as MORE
from tests.mistakes.part1 import CASES


def one_run(
    handed_in: Submission, store: Store, reports: Path, seeds: tuple[int, ...] | None = (0,)
) -> Result:
    """One seed and one data set: a mistake shows in every run."""
    small = one_part("part1", seeds, {"dataset": ["penguins"]})
    return graded(small, handed_in, store, reports)


@pytest.mark.parametrize("case", parameters([*CASES, *MORE]))
def test_a_mistake_loses_its_own_criterion(
    case: Case, store: Store, tmp_path: Path, record_property: Note
):
    """What the diff breaks is marked once, under its own name."""
    handed_in = Submission("mistaken", case.apply(short_submission(ROOT, "part1")))

    result = one_run(handed_in, store, tmp_path, case.seeds)
    record(record_property, result, case.name, case.loses)

    assert lost(result) == ({case.loses} if case.loses else set()), explain(result)
    assert excuses(result), explain(result)
    assert all(c.verdict is not Verdict.NOT_JUDGED for c in result.criteria), explain(result)


def test_the_reference_loses_nothing(store: Store, tmp_path: Path, record_property: Note):
    """The real notebook, with the whole `solution`, earns every point that can be judged."""
    result = one_run(submission.read(ROOT), store, tmp_path)
    record(record_property, result, "the reference", None)

    assert result.earned == result.judged_points > 0, explain(result)
    assert result.points_set_aside == 0


def test_the_short_notebook_loses_nothing(store: Store, tmp_path: Path):
    """Without a diff, the notebook that the diffs are made to earns every point too."""
    result = one_run(Submission("short", short_submission(ROOT, "part1")), store, tmp_path)

    assert result.earned == result.judged_points > 0, explain(result)
