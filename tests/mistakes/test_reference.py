"""The judge's own models: right by other means than their own."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rubric_tests import reference
from rubric_tests.reference import Weights
from solution.backprop import DATA_SETS, load


@pytest.mark.parametrize("form", reference.FORMS, ids=str)
def test_gradients_are_the_measured_slopes(form: reference.Form):
    """Calculus and central differences agree in every direction."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 4)), rng.integers(2, size=9)
    shapes = ((4, 3), (3,), (3, 1), (1,))
    weights = Weights(*(rng.normal(size=shape) for shape in shapes))

    measured = reference.slopes(X, y, weights, form)

    ours = reference.gradients(X, y, weights, form).flat()
    np.testing.assert_allclose(ours, measured, atol=1e-7)


def test_a_gradient_with_a_constant_in_it_is_named():
    """Whatever the constant is; and numbers drawn at random have no such name."""
    rng = np.random.default_rng(0)
    right, weight = rng.normal(size=(2, 4, 4))
    wrong = (0.3 * right, right + 0.01 * weight, right.clip(-0.5, 0.5), rng.normal(size=(4, 4)))

    named = [
        [
            sentence
            for sentence, fits in reference.by_relation(found, right, weight).items()
            if np.allclose(found, fits)
        ]
        for found in wrong
    ]

    assert [len(sentences) for sentences in named] == [1, 1, 1, 0]
    assert named[0] != named[1] != named[2]
    assert not reference.by_relation(np.ones(1), np.ones(1), np.ones(1))


@pytest.mark.parametrize("name", DATA_SETS)
@pytest.mark.parametrize("seed", range(3))
def test_logistic_regression_is_scikit_learns_once_converged(name: str, seed: int):
    """The same label for every row that neither has seen."""
    data = load(name)
    parts = train_test_split(data.X, data.y, test_size=0.2, stratify=data.y, random_state=seed)
    X_train, X_test, y_train, _ = parts
    theirs = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000, tol=1e-12))

    ours = reference.logistic_labels(X_train, y_train, X_test)

    np.testing.assert_array_equal(ours, theirs.fit(X_train, y_train).predict(X_test))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1.0])
def test_a_feature_that_never_varies_is_left_out_of_account(constant: float):
    """Its spread is 0, or what rounding makes of it; the other feature decides."""
    X = np.column_stack([np.full(40, constant), np.r_[-np.ones(20), np.ones(20)]])

    labels = reference.logistic_labels(X, np.repeat([0, 1], 20), X[[0, 39]])

    assert labels.tolist() == [0, 1]
