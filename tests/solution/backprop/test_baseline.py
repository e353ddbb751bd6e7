"""The logistic-regression baseline."""

import numpy as np
import pytest

from solution.backprop import DATA_SETS, fit_baseline, load, split, standardise


def scaled_split(name):
    data = load(name)
    X_train, X_test, y_train, y_test = split(data.X, data.y, random_state=0)
    return *standardise(X_train, X_test), y_train, y_test


@pytest.mark.parametrize("name", DATA_SETS)
def test_the_gradient_of_its_penalised_loss_is_zero(name):
    """It has converged: at its weights, the gradient of C * cross-entropy + |w|²/2 vanishes."""
    X, _, y, _ = scaled_split(name)
    model = fit_baseline(X, y)
    error = model.predict_proba(X)[:, 1] - y
    gradient = np.append(X.T @ error + model.coef_[0], error.sum())

    assert np.abs(gradient / len(y)).max() < 1e-3


@pytest.mark.parametrize(("name", "least"), [("breast_cancer", 0.95), ("digits_3_8", 0.95)])
def test_it_is_good_where_the_classes_are_nearly_linear(name, least):
    """On the two data sets that a plane nearly separates, at most one test row in 20 is wrong."""
    X_train, X_test, y_train, y_test = scaled_split(name)

    assert fit_baseline(X_train, y_train).score(X_test, y_test) >= least
