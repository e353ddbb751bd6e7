"""Verdicts over seeds: right but unlucky keeps its marks, subtly worse loses them."""

from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.records import Criterion, Result
from assay.submission.submission import Submission
from tests.mistakes.cases import Case, short_submission
from tests.mistakes.grading import ROOT, explain, lost, one_part
from tests.toys import toy as toys

pytestmark = pytest.mark.thorough

NETWORK = "solution/backprop/network.py"
DRAWS = "rng = check_random_state(self.random_state)"
UNLUCKY = Case(
    "one start in ten is drawn far too wide: right, and now and then a seed gets stuck",
    None,
    {
        NETWORK: {
            DRAWS: f"{DRAWS}\n        wide = 100 if rng.random() < 0.1 else 1",
            "scale=n_features**-0.5": "scale=wide * n_features**-0.5",
            "scale=n_hidden**-0.5": "scale=wide * n_hidden**-0.5",
        }
    },
)
WORSE = Case(
    "predicts in batches of 100, and forgets the rows after the last full one",
    "parity",
    {
        NETWORK: {
            "self.decision_function(X) > 0": (
                "self.decision_function(X) > 0\n"
                "        second[max(1, len(X) // 100) * 100 :] = False"
            )
        }
    },
)


def over_seeds(case: Case, dataset: str, folder: Path) -> Result:
    """Graded on five seeds, and on more where a verdict is undecided: twenty at most."""
    course = one_part("part1", [0, 1, 2, 3, 4], {"dataset": [dataset]})
    part = course.part[0].model_copy(update={"max_seeds": 20})
    course = course.model_copy(update={"part": [part]})
    lucky = Submission("lucky", case.apply(short_submission(ROOT, "part1")))
    return toys.session(course, Store(folder / "store"), folder, jobs=2).grade(lucky)


def criterion(result: Result, name: str) -> Criterion:
    return next(c for c in result.criteria if c.name == name)


def test_right_but_unlucky_loses_nothing(tmp_path: Path):
    """A seed gets stuck; more seeds show that most do not, and the marks are whole."""
    result = over_seeds(UNLUCKY, "ten_digits", tmp_path)
    missed = [p for p in criterion(result, "convergence").properties if p.held < p.judged]

    assert missed, "no seed was unlucky: this shows nothing"
    assert len(result.runs) > 5
    assert not lost(result), explain(result)


def test_subtly_worse_than_logistic_regression_fails(tmp_path: Path):
    """What five seeds leave open, more seeds decide: parity is lost, and nothing else."""
    result = over_seeds(WORSE, "breast_cancer", tmp_path)

    assert lost(result) == {"parity"}, explain(result)
