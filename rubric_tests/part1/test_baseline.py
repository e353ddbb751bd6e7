"""The baseline: a logistic regression that was given a fair chance."""

import numpy as np
import pytest

from assay.rubric import KnownMistake, Wrong, after_marks_for_any, explains, follows_from
from rubric_tests.part1.baseline import allowed, gap, judged_accuracies, reached
from rubric_tests.part1.belonging import after_labels, fault_of_labels, nothing_to_learn
from rubric_tests.part1.judgement import (
    CAUSES,
    after_marks_for,
    check_left,
    check_same_rows,
    models_of,
    split_of,
)

pytestmark = pytest.mark.criterion("baseline")

FEW = 5  # rows of a label: fewer are set apart by a feature that has nothing to do with it


@pytest.mark.hint("an accuracy is a share between 0 and 1")
def test_a_baseline_is_reported(evidence):
    """`logistic_accuracy` is reported, as a share between 0 and 1."""
    claim = float(evidence["claims/logistic"].accuracy)

    if 1 < claim <= 100:
        raise KnownMistake("`logistic_accuracy` is in percent, not a share", f"{claim:g}")
    assert 0 <= claim <= 1, f"`logistic_accuracy` is {claim:g}, expected a share from 0 to 1"


@pytest.mark.hint("fit the logistic regression until it has converged, on the scaled training part")
def test_the_baseline_does_what_a_logistic_regression_can(run, evidence, given, measure):
    """The reported baseline is as good as a logistic regression fitted by the judge."""
    found, own = reached(evidence), judged_accuracies(evidence)[0]
    measure("logistic accuracy, the notebook's split", own)
    with after_labels([run]), after_marks_for(evidence, given, "inputs", "split"):
        check_reach(evidence, found, own)
        models = models_of(evidence, "baselines")
        if models.found and fault_of_labels(run):  # by wrong labels, most are alike
            check_same_rows(models)
    check_left(models_of(evidence, "baselines"), "logistic regression")
    if reason := nothing_to_learn(run):
        follows_from("split", reason)


@explains("baseline")
def check_reach(evidence, found: float, own: float) -> None:
    """The baseline is as good as the judge's own, on the same rows."""
    if abs(gap(evidence)) <= allowed(evidence):
        return
    seen = f"the baseline reaches {found:.3f}, the judge's own {own:.3f}"
    if gives_one_label(evidence):
        raise KnownMistake("the baseline gives every row the same label", seen)
    if taken := features_left_out(evidence):
        raise KnownMistake("the baseline is fitted on a part of the features", taken)
    if (feature := only_feature(evidence)) is not None:
        raise KnownMistake(f"the baseline looks at feature {feature} alone", seen)
    if gap(evidence) < 0:
        raise Wrong(f"the baseline is held back: {seen}, on the same rows")
    raise Wrong(f"the baseline is too good: {seen}")


def features_left_out(evidence) -> str:
    """How many features the baselines take, where each takes fewer than there are; else nothing."""
    taken = models_of(evidence, "baselines").features
    n_features = split_of(evidence).X_train.shape[1]
    if not len(taken) or not ((taken > 0) & (taken < n_features)).all():
        return ""
    return f"it takes {int(taken.max())} of {n_features}"


def only_feature(evidence) -> int | None:
    """The feature by which alone all test rows can be put in order of a baseline's labels."""
    rows = split_of(evidence).X_test
    for labels in models_of(evidence, "baselines").labels:
        for feature, values in enumerate(rows.T):
            ones, zeros = values[labels > 0.5], values[labels <= 0.5]
            if ones.size and zeros.size:
                apart = max(zeros) < min(ones) or max(ones) < min(zeros)
                if apart and min(ones.size, zeros.size) >= FEW:
                    return feature
    return None


def gives_one_label(evidence) -> bool:
    """Whether each baseline that the notebook left answers all test rows alike."""
    labels = models_of(evidence, "baselines").labels
    return labels.size > 1 and not np.ptp(labels, axis=-1).any()


@pytest.mark.hint("did scikit-learn warn that it stopped too early?")
def test_the_baseline_has_converged(evidence):
    """The logistic regression went on until it had converged."""
    models = models_of(evidence, "baselines")

    check_left(models, "logistic regression")
    if (models.rounds >= models.max_iter).all():
        raise KnownMistake(
            "logistic regression was not trained to its end",
            f"it was stopped after max_iter={int(models.max_iter[0])} iterations",
        )


@pytest.mark.hint("compare your baseline with scikit-learn's, on the same split")
def test_the_baseline_is_fair_on_average(runs, measure):
    """Over all runs, the baseline is not weaker than the judge's logistic regression."""
    gaps = {run.id: found for run in runs if (found := less_own(run)) is not None}
    if not gaps:
        gap(runs[0].evidence)  # says why
    noise = {run.id: reason for run in runs if (reason := nothing_to_learn(run))}
    compared = [found for name, found in gaps.items() if name not in noise]
    if not compared:
        follows_from("split", next(iter(noise.values())))
    measure("baseline less the judge's", float(np.mean(compared)))

    with after_labels(runs), after_marks_for_any(CAUSES, runs, "inputs", "split"):
        if np.mean(compared) < -0.02:
            below = -np.mean(compared)
            raise Wrong(f"on average {below:.3f} below the judge's logistic regression")
    for run in runs:
        if less_own(run) is not None:
            check_left(models_of(run.evidence, "baselines"), "logistic regression")


def less_own(run) -> float | None:
    """The baseline less the judge's; None where one is missing."""
    try:
        return gap(run.evidence)
    except Exception:  # judged run by run in the tests above
        return None
