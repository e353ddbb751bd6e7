"""Part 2: what is changed in a component costs nothing of what is asked of a second model."""

from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.records import Verdict
from assay.submission.submission import Submission
from tests.mistakes.cases import Case, short_submission
from tests.mistakes.grading import ROOT, excuses, explain, lost
from tests.mistakes.part2 import shows_in
from tests.mistakes.test_part2 import ALL, runs

ONE_MODEL = [case for case in ALL if shows_in(case) == "sort-5"]


@pytest.mark.thorough
@pytest.mark.parametrize("case", ONE_MODEL, ids=lambda case: case.name)
def test_it_loses_its_own_criterion_where_a_second_model_is_trained(
    case: Case, store: Store, tmp_path: Path
):
    """As in `sort-5`, where it is graded for the kill matrix."""
    handed_in = Submission("mistaken", case.apply(short_submission(ROOT, "part2")))

    result = runs(handed_in, store, tmp_path, case.seeds)

    assert lost(result) == ({case.loses} if case.loses else set()), explain(result)
    assert excuses(result), explain(result)
    assert all(c.verdict is not Verdict.NOT_JUDGED for c in result.criteria), explain(result)
