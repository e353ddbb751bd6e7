"""The network by hand: its gradients against measured slopes, its steps, its training."""

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_gaussian_quantiles
from sklearn.exceptions import ConvergenceWarning, NotFittedError, SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator

from solution.backprop import DATA_SETS, ScratchNetwork, fit_baseline, load, split, standardise

sizes = st.integers(1, 9)


def network_of_size(n_features, n_hidden, seed=0):
    """A network with random weights and biases of any width, set by hand."""
    rng = np.random.default_rng(seed)
    network = ScratchNetwork().initialise(n_features)
    network.coefs_ = [rng.normal(size=(n_features, n_hidden)), rng.normal(size=(n_hidden, 1))]
    network.intercepts_ = [rng.normal(size=n_hidden), rng.normal(size=1)]
    return network


def some_rows(n_rows, n_features, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_rows, n_features)), rng.integers(0, 2, size=n_rows)


def measured_slopes(network, X, y, weights, width=1e-2):
    """The slope of the loss along each weight, from four losses nearby (error of order width^4)."""
    slopes = np.empty_like(weights)
    for i in np.ndindex(weights.shape):
        old, losses = weights[i], {}
        for k in (-2, -1, 1, 2):
            weights[i] = old + k * width
            losses[k] = network.loss_and_gradients(X, y)[0]
        weights[i] = old
        slopes[i] = (8 * (losses[1] - losses[-1]) - (losses[2] - losses[-2])) / (12 * width)
    return slopes


def quickly_fitted(X, y, **parameters):
    """A network fitted without complaint about too few steps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return ScratchNetwork(**parameters).fit(X, y)


@pytest.fixture(scope="module")
def rings():
    """A ball in a shell, 300 x 3: not linear, quick to learn."""
    return make_gaussian_quantiles(n_samples=300, n_features=3, n_classes=2, random_state=0)


def test_it_keeps_every_convention_of_scikit_learn():
    """All checks of `check_estimator` pass, none is expected to fail.

    The only one that may be skipped needs a switch in the environment: SCIPY_ARRAY_API.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        results = check_estimator(ScratchNetwork())

    assert len(results) > 40
    assert {r["check_name"] for r in results if r["status"] != "passed"} <= {
        "check_array_api_input"
    }


@settings(deadline=None, max_examples=15)
@given(n_rows=sizes, n_features=sizes, n_hidden=sizes, seed=st.integers(0, 1000))
def test_gradients_are_the_measured_slopes(n_rows, n_features, n_hidden, seed):
    """Each of the four gradients equals the slope of the loss to 1e-7 of its length."""
    network = network_of_size(n_features, n_hidden, seed)
    X, y = some_rows(n_rows, n_features, seed)
    _, dW, db = network.loss_and_gradients(X, y)

    weights = network.coefs_ + network.intercepts_
    for gradient, slopes in zip(
        dW + db, [measured_slopes(network, X, y, w, 1e-3) for w in weights], strict=True
    ):
        assert gradient.shape == slopes.shape
        assert np.linalg.norm(gradient - slopes) <= 1e-7 * np.linalg.norm(slopes) + 1e-11


def test_the_loss_is_the_mean_cross_entropy():
    """The loss is the mean of -log(probability of the true class), written out."""
    network, (X, y) = network_of_size(4, 6), some_rows(20, 4)
    probability = network.predict_proba(X)[np.arange(20), y]

    assert network.loss_and_gradients(X, y)[0] == pytest.approx(-np.log(probability).mean())


def test_gradients_do_not_grow_with_the_number_of_rows():
    """Every row twice: the same mean loss and the same gradients."""
    network, (X, y) = network_of_size(4, 3), some_rows(10, 4)
    once = network.loss_and_gradients(X, y)
    twice = network.loss_and_gradients(np.vstack([X, X]), np.append(y, y))

    for a, b in zip(once[1] + once[2], twice[1] + twice[2], strict=True):
        np.testing.assert_allclose(a, b)


def test_asking_for_gradients_changes_nothing():
    """Rows, labels and weights keep every bit, and a second answer equals the first."""
    network, (X, y) = network_of_size(4, 4), some_rows(10, 4)
    before = [a.copy() for a in (X, y, *network.coefs_, *network.intercepts_)]
    first, second = (network.loss_and_gradients(X, y) for _ in range(2))

    for a, b in zip(before, (X, y, *network.coefs_, *network.intercepts_), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first[1] + first[2], second[1] + second[2], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("label", "loss"), [(1, 0.0), (0, 1000.0)])
def test_extreme_logits_give_exact_finite_losses(label, loss):
    """A logit of 1000 costs nothing if right and 1000 nats if wrong; no warning, no NaN."""
    network = network_of_size(1, 1)
    network.coefs_, network.intercepts_ = [np.ones((1, 1)), np.zeros((1, 1))], [np.ones(1)] * 2
    network.intercepts_[1] = np.array([1000.0])
    measured, dW, db = network.loss_and_gradients([[-1e5], [1e5]], [label, label])

    assert measured == loss
    assert all(np.isfinite(gradient).all() for gradient in dW + db)


def test_extreme_logits_give_probabilities_0_and_1():
    """Logits of -1000 and 1000 are probabilities of exactly 0 and 1, without a warning."""
    network = network_of_size(1, 1)
    network.coefs_ = [np.full((1, 1), 1e6), np.full((1, 1), 2000.0)]
    network.intercepts_ = [np.zeros(1), np.array([-1000.0])]

    assert network.predict_proba([[-1.0], [1.0]]).tolist() == [[1, 0], [0, 1]]


def test_an_unknown_label_is_refused():
    """A label that is neither of the two classes is a ValueError that names them."""
    network, (X, y) = network_of_size(2, 2), some_rows(5, 2)

    with pytest.raises(ValueError, match=r"other than \[0, 1\]"):
        network.loss_and_gradients(X, y + 7)


def test_gradients_of_a_fitted_network_take_its_own_labels(rings):
    """After fit on words, the loss of those words is that of the same rows labelled 0 and 1."""
    X, y = rings
    words = np.array(["inside", "outside"])[y]
    by_word, by_number = (quickly_fitted(X, t, max_iter=5, random_state=0) for t in (words, y))

    assert by_word.loss_and_gradients(X, words)[0] == by_number.loss_and_gradients(X, y)[0]


def test_gradients_need_weights():
    """Without weights there is no gradient: NotFittedError."""
    with pytest.raises(NotFittedError):
        ScratchNetwork().loss_and_gradients([[0.0]], [0])


@pytest.mark.parametrize("n_features", [1, 2, 7])
def test_the_hidden_layer_is_as_wide_as_the_input(n_features):
    """The weights are (d, d) and (d, 1), the biases (d,) and (1,), all float64."""
    network = ScratchNetwork(random_state=0).initialise(n_features)

    assert [W.shape for W in network.coefs_] == [(n_features, n_features), (n_features, 1)]
    assert [b.shape for b in network.intercepts_] == [(n_features,), (1,)]
    assert {a.dtype for a in network.coefs_ + network.intercepts_} == {np.dtype(np.float64)}


def test_no_two_hidden_units_start_alike():
    """Random weights break the symmetry between hidden units."""
    W1, _ = ScratchNetwork(random_state=0).initialise(6).coefs_

    assert len(np.unique(W1, axis=1).T) == 6


def test_hidden_units_start_with_inputs_of_variance_1():
    """Standard normal rows give every unit an input in the sigmoid's steep part."""
    W1, _ = ScratchNetwork(random_state=0).initialise(100).coefs_
    inputs = np.random.default_rng(0).normal(size=(500, 100)) @ W1

    assert inputs.var() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("learning_rate", [0.5, 3.0])
def test_the_first_step_is_plain_gradient_descent(rings, learning_rate):
    """After one step from the initial weights, W = W0 - learning_rate * dW, bit for bit."""
    X, y = rings
    parameters = {"learning_rate": learning_rate, "max_iter": 1, "random_state": 3}
    start = ScratchNetwork(**parameters).initialise(3)
    _, dW, db = start.loss_and_gradients(X, y)
    network = quickly_fitted(X, y, **parameters)

    for new, old, gradient in zip(
        network.coefs_ + network.intercepts_,
        start.coefs_ + start.intercepts_,
        dW + db,
        strict=True,
    ):
        np.testing.assert_array_equal(new, old - learning_rate * gradient)


def replay(X, y, steps, learning_rate, random_state):
    """The update rule as the docstrings state it, on top of `loss_and_gradients`."""
    network = ScratchNetwork(random_state=random_state).initialise(X.shape[1])
    weights = network.coefs_ + network.intercepts_
    landings, losses, t = [w.copy() for w in weights], [], 0
    before, taken_back = list(weights), 0
    for _ in range(steps):
        loss, dW, db = network.loss_and_gradients(X, y)
        if losses and loss > losses[0]:
            weights, landings = list(before), list(before)
            network.coefs_, network.intercepts_ = weights[:2], weights[2:]
            learning_rate, t, taken_back = learning_rate / 2, 0, taken_back + 1
            losses.append(losses[-1])
            continue
        before = list(weights)
        if losses and loss > losses[-1]:
            learning_rate, t = 0.9 * learning_rate, 0
        losses.append(loss)
        for i, gradient in enumerate(dW + db):
            landing = weights[i] - learning_rate * gradient
            weights[i] = landing + t / (t + 1) * (landing - landings[i])
            landings[i] = landing
        network.coefs_, network.intercepts_ = weights[:2], weights[2:]
        t += 1
    return network, losses, taken_back


def test_training_follows_the_stated_rule(rings):
    """Sixty steps replayed from `loss_and_gradients` give the same weights.

    Among them are one after which the loss rose, and one that was taken back.
    """
    X, y = rings
    replayed, losses, taken_back = replay(X, y, 60, learning_rate=8.0, random_state=0)
    network = quickly_fitted(X, y, max_iter=60, learning_rate=8.0, random_state=0)

    assert taken_back > 0
    assert (np.diff(losses) > 0).any()
    np.testing.assert_allclose(network.loss_curve_, losses, rtol=1e-12)
    for a, b in zip(network.coefs_, replayed.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_the_same_random_state_gives_the_same_bits(rings):
    """Two fits agree in every bit; another random_state gives other weights."""
    X, y = rings
    one, same, other = (quickly_fitted(X, y, max_iter=20, random_state=s) for s in (0, 0, 1))

    assert one.coefs_[0].tobytes() == same.coefs_[0].tobytes()
    assert one.coefs_[0].tobytes() != other.coefs_[0].tobytes()


def test_training_leaves_its_input_alone(rings):
    """Rows and labels keep every bit."""
    X, y = (a.copy() for a in rings)
    quickly_fitted(X, y, max_iter=5)

    np.testing.assert_array_equal(X, rings[0])
    np.testing.assert_array_equal(y, rings[1])


def test_converged_means_the_gradient_is_shorter_than_tol(rings):
    """At the weights that fit leaves, the whole gradient is at most `tol` long, and the last loss
    of the curve is the loss there."""
    X, y = rings
    network = ScratchNetwork(tol=2e-3, random_state=0).fit(X, y)
    loss, dW, db = network.loss_and_gradients(X, y)

    assert np.linalg.norm(np.concatenate([g.ravel() for g in dW + db])) <= 2e-3
    assert network.loss_curve_[-1] == loss
    assert network.n_iter_ == len(network.loss_curve_) < network.max_iter


def test_running_out_of_steps_is_told(rings):
    """`max_iter` steps without convergence end in a ConvergenceWarning that names the limit."""
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        network = ScratchNetwork(max_iter=3).fit(*rings)

    assert network.n_iter_ == len(network.loss_curve_) == 3


def test_a_learning_rate_far_too_long_still_converges(rings):
    """Steps that are far too long are taken back and grow shorter, so the loss falls anyway."""
    X, y = rings
    network = ScratchNetwork(learning_rate=30.0, random_state=0).fit(X, y)

    assert max(network.loss_curve_) == network.loss_curve_[0]
    assert network.loss_curve_[-1] < 0.6 * network.loss_curve_[0]


@pytest.mark.parametrize("learning_rate", [0, -1.0, float("nan"), float("inf")])
def test_a_learning_rate_must_be_positive(rings, learning_rate):
    """Zero, negative and NaN learning rates are ValueErrors that say so."""
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        ScratchNetwork(learning_rate=learning_rate).fit(*rings)


def test_at_least_one_step_is_needed(rings):
    """max_iter=0 is a ValueError."""
    with pytest.raises(ValueError, match="max_iter must be at least 1"):
        ScratchNetwork(max_iter=0).fit(*rings)


@pytest.mark.parametrize(("y", "reason"), [([1, 1, 1], "one class"), ([0, 1, 2], "Only binary")])
def test_exactly_two_classes_are_needed(y, reason):
    """One class or three are ValueErrors with the reason."""
    with pytest.raises(ValueError, match=reason):
        ScratchNetwork().fit(np.eye(3), y)


def test_probabilities_decisions_and_predictions_agree(rings):
    """The second class is predicted where its logit is above 0 and its probability above 1/2."""
    X, y = rings
    network = quickly_fitted(X, np.array(["no", "yes"])[y], max_iter=50, random_state=0)
    says_yes = network.predict(X) == "yes"

    np.testing.assert_array_equal(says_yes, network.decision_function(X) > 0)
    np.testing.assert_array_equal(says_yes, network.predict_proba(X)[:, 1] > 0.5)
    np.testing.assert_allclose(network.predict_proba(X).sum(axis=1), 1)
    assert 0 < says_yes.sum() < len(X)


@pytest.mark.parametrize("name", DATA_SETS)
def test_it_holds_its_own_on_every_data_set(name):
    """Over three seeds it converges, is at most 0.05 below logistic regression in the mean, and
    where no plane separates the classes at least 0.2 above it every time."""
    data, gains = load(name), []
    for seed in range(3):
        X_train, X_test, y_train, y_test = split(data.X, data.y, random_state=seed)
        X_train, X_test = standardise(X_train, X_test)
        network = ScratchNetwork(random_state=seed).fit(X_train, y_train)
        baseline = fit_baseline(X_train, y_train)
        gains.append(network.score(X_test, y_test) - baseline.score(X_test, y_test))

    assert np.mean(gains) >= -0.05
    if name in ("gaussian_quantiles", "ten_digits"):
        assert min(gains) >= 0.2


def test_the_network_is_numpy_alone():
    """The module uses neither torch nor a ready-made network."""
    source = inspect.getsource(inspect.getmodule(ScratchNetwork))

    assert "torch" not in source
    assert "neural_network" not in source
