"""How good the notebook's logistic regression is, beside the judge's own on the same rows."""

from contextlib import suppress
from typing import Any

import numpy as np

from assay.rubric import Wrong, answered
from rubric_tests.part1.judgement import models_of, split_of
from rubric_tests.reference import accuracy, logistic_labels

TOLERANCE = 0.03  # other penalties and solvers move a few rows; three rows are always allowed
ROUNDING = 0.00501  # a claim may be rounded to two digits


def reached(evidence: Any) -> float:
    """The accuracy of the baseline on the test part: measured where the notebook left the model.

    The claim alone may tell against it; who left no model earns nothing by it (`check_left`).
    """
    split = split_of(evidence)
    measured = [accuracy(row, split.y_test) for row in models_of(evidence, "baselines").labels]
    if measured and not answered(evidence, "claims/logistic"):  # its absence is marked above
        return max(measured)
    claim = float(evidence["claims/logistic"].accuracy)
    if not measured and are_swapped(evidence, claim):
        return float(evidence["claims/network"].accuracy)
    return min(measured, key=lambda one: abs(one - claim), default=claim)


def are_swapped(evidence: Any, claim: float) -> bool:
    """Whether a baseline of fewer features is claimed to reach what the network does.

    And the network's claim is not the network's: what the baseline reached is claimed there.
    """
    if not features_left_out(evidence) or not answered(evidence, "claims/network"):
        return False
    y_test, networks = split_of(evidence).y_test, models_of(evidence, "networks").labels
    measured = [accuracy(row, y_test) for row in networks]
    other = float(evidence["claims/network"].accuracy)

    def is_measured(one: float) -> bool:
        return any(abs(one - value) <= ROUNDING for value in measured)

    return is_measured(claim) and not is_measured(other)


def features_left_out(evidence: Any) -> str:
    """How many features the baselines take, where each takes fewer than there are; else nothing."""
    taken = models_of(evidence, "baselines").features
    n_features = split_of(evidence).X_train.shape[1]
    if not len(taken) or not ((taken > 0) & (taken < n_features)).all():
        return ""
    return f"it takes {int(taken.max())} of {n_features}"


def judged_accuracies(evidence: Any) -> list[float]:
    """The judge's own logistic regression on the notebook's split: features scaled, or as they are.

    How features are scaled decides what the penalty holds down; either is fair.
    """
    split = split_of(evidence)
    found = []
    for as_they_are in (False, True):
        with suppress(ArithmeticError, np.linalg.LinAlgError):  # of numbers far apart
            labels = logistic_labels(
                split.X_train, split.y_train, split.X_test, as_they_are=as_they_are
            )
            found.append(accuracy(labels, split.y_test))
    if not found:
        raise Wrong("no logistic regression can be fitted to `X_train`, `y_train`")
    return found


def gap(evidence: Any) -> float:
    """How far the baseline is above the judge's own, or below it; 0 between the two of them."""
    found, own = reached(evidence), judged_accuracies(evidence)
    return min(0.0, found - min(own)) + max(0.0, found - max(own))


def allowed(evidence: Any) -> float:
    """How far apart the two may be."""
    return max(TOLERANCE, 3 / len(split_of(evidence).y_test)) + 1e-9
