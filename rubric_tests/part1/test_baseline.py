"""The baseline: a logistic regression that was given a fair chance."""

import numpy as np
import pytest

from rubric_tests.checks import KnownMistake, Wrong
from rubric_tests.part1.judgement import after_marks_for, first_cause
from rubric_tests.reference import accuracy, logistic_labels

pytestmark = pytest.mark.criterion("baseline")

TOLERANCE = 0.03  # other penalties and solvers move a few rows; three rows are always allowed


def judged_accuracy(evidence) -> float:
    """The judge's own logistic regression, fitted on the notebook's training part."""
    split = evidence["notebook/split"]
    labels = logistic_labels(split.X_train, split.y_train, split.X_test)
    return accuracy(labels, split.y_test)


@pytest.mark.hint("an accuracy is a share between 0 and 1")
def test_a_baseline_is_reported(evidence):
    """`logistic_accuracy` is reported, as a share between 0 and 1."""
    claim = float(evidence["claims/logistic"].accuracy)

    assert 0 <= claim <= 1, f"`logistic_accuracy` is {claim:g}"


@pytest.mark.hint("fit the logistic regression until it has converged, on the scaled training part")
def test_the_baseline_does_what_a_logistic_regression_can(evidence, given, measure):
    """The reported baseline is as good as a logistic regression fitted by the judge."""
    claim, own = float(evidence["claims/logistic"].accuracy), judged_accuracy(evidence)
    measure("logistic accuracy, the notebook's split", own)
    with after_marks_for(evidence, given, "inputs", "split"):
        allowed = max(TOLERANCE, 3 / len(evidence["notebook/split"].y_test))
        if abs(claim - own) > allowed + 1e-9:
            raise Wrong(f"`logistic_accuracy` is {claim:.3f}, the judge's own reaches {own:.3f}")


@pytest.mark.hint("did scikit-learn warn that it stopped too early?")
def test_the_baseline_has_converged(evidence):
    """The logistic regression went on until it had converged."""
    models = evidence["notebook/baselines"]

    if models.found and (models.rounds >= models.max_iter).all():
        raise KnownMistake(
            "logistic regression was not trained to its end",
            f"it was stopped after max_iter={int(models.max_iter[0])} iterations",
        )


@pytest.mark.hint("compare your baseline with scikit-learn's, on the same split")
def test_the_baseline_is_fair_on_average(runs, measure):
    """Over all runs, the baseline is not weaker than the judge's logistic regression."""
    gaps = [gap for run in runs if (gap := claim_less_own(run)) is not None]
    if gaps:
        measure("baseline less the judge's", float(np.mean(gaps)))

    if gaps and np.mean(gaps) < -0.02:
        raise Wrong(f"on average {-np.mean(gaps):.3f} below the judge's logistic regression")


def claim_less_own(run) -> float | None:
    """The claim less the judge's accuracy; None where one is missing or the split is at fault."""
    try:
        if first_cause(run.evidence, run.given, "inputs", "split"):
            return None
        return float(run.evidence["claims/logistic"].accuracy) - judged_accuracy(run.evidence)
    except Exception:  # judged run by run in the tests above
        return None
