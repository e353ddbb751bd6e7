"""How good the notebook's logistic regression is, beside the judge's own on the same rows."""

from contextlib import suppress
from typing import Any

import numpy as np

from assay.rubric import Wrong, answered
from rubric_tests.part1.judgement import models_of, split_of
from rubric_tests.reference import accuracy, logistic_labels

TOLERANCE = 0.03  # other penalties and solvers move a few rows; three rows are always allowed


def reached(evidence: Any) -> float:
    """The accuracy of the baseline on the test part: measured where the notebook left the model.

    The claim alone may tell against it; who left no model earns nothing by it (`check_left`).
    """
    split = split_of(evidence)
    measured = [accuracy(row, split.y_test) for row in models_of(evidence, "baselines").labels]
    if measured and not answered(evidence, "claims/logistic"):  # its absence is marked above
        return max(measured)
    claim = float(evidence["claims/logistic"].accuracy)
    return min(measured, key=lambda one: abs(one - claim), default=claim)


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
