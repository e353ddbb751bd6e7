"""A network of functions is asked with its weights in the form in which it gives them."""

import runpy
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.mistakes.shared import ROOT

FALLBACK = ROOT / "rubric_tests" / "part1" / "fallback.py"
WIDTH = 3


def as_tuple(W1, b1, W2, b2):
    return W1, b1, W2, b2


def as_list(W1, b1, W2, b2):
    return [W1, b1, W2, b2]


def as_dictionary(W1, b1, W2, b2):
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def matrices_first(W1, b1, W2, b2):
    return {"W1": W1, "W2": W2, "b1": b1, "b2": b2, "n_layers": 2}


def functions(form, biases) -> Any:
    """A network as functions; its weights have only the form it gives them, as students' have."""

    def initialise(n_features, random_state=0):
        rng = np.random.default_rng(random_state)
        W1, W2 = rng.normal(size=(n_features, WIDTH)), rng.normal(size=(WIDTH, 1))
        return form(W1, np.ones(WIDTH).reshape(biases), W2, np.ones((1, 1)))

    def parts(weights):
        assert type(weights) is type(initialise(2))
        if isinstance(weights, dict):
            return (weights[name] for name in ("W1", "b1", "W2", "b2"))
        return weights

    def predict_proba(weights, X):
        W1, b1, W2, b2 = parts(weights)
        assert b1.shape == np.empty(WIDTH).reshape(biases).shape
        return np.tanh(X @ W1 + b1.reshape(-1)) @ W2 + b2[0, 0]

    def fit(X, y, **parameters):
        return initialise(X.shape[1], parameters.get("random_state", 0)), [0.5]

    def loss_and_gradients(weights, X, y):
        return 0.5, form(*parts(weights))

    return SimpleNamespace(
        initialise=initialise,
        fit=fit,
        predict_proba=predict_proba,
        loss_and_gradients=loss_and_gradients,
        has=lambda *names: True,
    )


@pytest.mark.parametrize("biases", [(-1,), (1, -1), (-1, 1)], ids=["plain", "row", "column"])
@pytest.mark.parametrize("form", [as_tuple, as_list, as_dictionary, matrices_first])
def test_functions_get_their_weights_in_the_form_in_which_they_gave_them(
    form, biases, monkeypatch: pytest.MonkeyPatch
):
    """A dictionary stays one, with its keys and what else it holds; a bias keeps its shape."""
    ask = ModuleType("ask")
    ask.student = functions(form, biases)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ask", ask)
    network = runpy.run_path(str(FALLBACK))["ScratchNetwork"](random_state=1)
    network.initialise(2)
    X, W1, b1 = np.ones((4, 2)), np.full((2, WIDTH), 0.5), np.full(WIDTH, -1.0)

    network.coefs_, network.intercepts_ = [W1, np.ones((WIDTH, 1))], [b1, np.array([2.0])]
    _, (dW1, dW2), (db1, db2) = network.loss_and_gradients(X, np.zeros(4))

    assert network.predict_proba(X) == pytest.approx(2.0)  # WIDTH * tanh(0) + 2
    assert (dW1 == W1).all()
    assert dW2.shape == (WIDTH, 1)
    assert (np.ravel(db1) == b1).all()
    assert np.ravel(db2) == [2.0]


@pytest.mark.parametrize("biases", ["plain", "column"])
@pytest.mark.parametrize("form", [as_tuple, as_dictionary])
def test_functions_may_have_examples_in_columns(form, biases, monkeypatch: pytest.MonkeyPatch):
    """W1 is (hidden, features) then, and W2 (1, hidden), before and after they are set."""
    ask = ModuleType("ask")
    ask.student = by_columns(form, (-1, 1) if biases == "column" else (-1,))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ask", ask)
    network = runpy.run_path(str(FALLBACK))["ScratchNetwork"](random_state=1)
    network.initialise(WIDTH)
    fresh = [np.shape(part) for part in (*network.coefs_, *network.intercepts_)]
    X, W1, b1 = np.eye(WIDTH), np.arange(9.0).reshape(WIDTH, WIDTH), np.arange(3.0)
    W2 = np.array([[1.0], [10.0], [100.0]])

    network.coefs_, network.intercepts_ = [W1, W2], [b1, np.array([2.0])]
    _, (dW1, dW2), (db1, db2) = network.loss_and_gradients(X, np.zeros(WIDTH))

    assert fresh == [(WIDTH, WIDTH), (WIDTH, 1), (WIDTH,), (1,)]
    assert network.predict_proba(X) == pytest.approx((W1 + b1) @ W2[:, 0] + 2)
    assert (dW1 == W1).all()
    assert (dW2 == W2).all()
    assert (db1 == b1).all()
    assert db2 == [2.0]


def by_columns(form, biases) -> Any:
    """The same with every example as a column, and no hidden unit bent."""

    def initialise(n_features, random_state=0):
        W1, W2 = np.ones((n_features, n_features)), np.ones((1, n_features))
        return form(W1, np.ones(n_features).reshape(biases), W2, np.ones(1).reshape(biases))

    def parts(weights):
        names = ("W1", "b1", "W2", "b2") if isinstance(weights, dict) else range(4)
        return [weights[name] for name in names]

    def predict_proba(weights, X):
        W1, b1, W2, b2 = parts(weights)
        return (W2 @ (W1 @ X.T + b1.reshape(-1, 1)) + b2.reshape(-1, 1)).ravel()

    return SimpleNamespace(
        initialise=initialise,
        fit=lambda X, y, **parameters: (initialise(X.shape[1]), [0.5]),
        predict_proba=predict_proba,
        loss_and_gradients=lambda weights, X, y: (0.5, form(*parts(weights))),
        has=lambda *names: True,
    )
