"""Part 1's rows, labels, scalers and curves, judged as they are: no notebook is run for it."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from assay.rubric import ForReview, KnownMistake
from rubric_tests.part1.belonging import check_labels, other_labels
from rubric_tests.part1.test_convergence import is_put_in_order
from rubric_tests.part1.test_preparation import (
    has_unit_maxima,
    is_scaled,
    is_standardised,
    on_one_grid,
)
from solution.backprop import load

Rows = tuple[np.ndarray, np.ndarray]
Change = Callable[[np.ndarray, np.ndarray, np.random.Generator], Rows]
NAMES = ("penguins", "breast_cancer", "digits_3_8", "gaussian_quantiles", "ten_digits")


def data(name: str) -> SimpleNamespace:
    found = load(name)
    return SimpleNamespace(X=np.array(found.X, float), y=np.array(found.y, float))


def split(X: np.ndarray, y: np.ndarray) -> SimpleNamespace:
    """Rows in another order, scaled on the first four fifths of them."""
    order = np.random.default_rng(1).permutation(len(y))
    X, y, n = X[order], y[order], len(y) * 4 // 5
    spread = X[:n].std(axis=0)
    X = (X - X[:n].mean(axis=0)) / np.where(spread > 0, spread, 1)
    return SimpleNamespace(X_train=X[:n], X_test=X[n:], y_train=y[:n], y_test=y[n:])


RIGHT: dict[str, Change] = {
    "as they are": lambda X, y, rng: (X, y),
    "float32": lambda X, y, rng: (X.astype(np.float32).astype(float), y),
    "labels renamed": lambda X, y, rng: (X, 1 - y),
    "rows drawn again": lambda X, y, rng: (X[rows := rng.integers(len(y), size=len(y))], y[rows]),
    "rows dropped": lambda X, y, rng: (X[7:], y[7:]),
    "features turned round": lambda X, y, rng: (-3 * X + 1, y),
    "features in another order": lambda X, y, rng: (X[:, ::-1], y),
    "features left out": lambda X, y, rng: (X[:, X.std(axis=0) > 0][:, 1:4], y),
    "a feature constructed": lambda X, y, rng: (np.column_stack([X, X[:, 0] * X[:, 1]]), y),
    "directions of their own": lambda X, y, rng: (X @ rng.normal(size=(X.shape[1], 3)), y),
    "numbers filled in": lambda X, y, rng: (np.where(rng.uniform(size=X.shape) < 0.02, 0, X), y),
}
WRONG: dict[str, Change] = {
    "labels shuffled": lambda X, y, rng: (X, rng.permutation(y)),
    "labels moved on": lambda X, y, rng: (X, np.roll(rng.permutation(y), 1)),
    "labels sorted": lambda X, y, rng: (rng.permutation(X), np.sort(y)),
    "rows shuffled": lambda X, y, rng: (rng.permutation(X)[:, 1:], y),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", RIGHT.values(), ids=RIGHT)
def test_labels_of_their_own_rows_lose_nothing(name: str, change: Change):
    right = data(name)
    check_labels(split(*change(right.X, right.y, np.random.default_rng(0))), right)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_labels_of_other_rows_are_seen(name: str, change: Change):
    right = data(name)
    with pytest.raises(KnownMistake, match="labels do not belong to their rows"):
        check_labels(split(*change(right.X, right.y, np.random.default_rng(0))), right)


def test_rows_alike_with_both_labels_tell_nothing():
    """What such a row's label is, the data set does not say."""
    right = data("penguins")
    right.X = np.vstack([right.X, right.X])
    right.y = np.concatenate([right.y, 1 - right.y])
    found = other_labels(split(right.X, right.y), right)
    assert found is not None
    assert [len(other) for other in found.values()] == [0, 0]


def test_a_part_with_the_labels_swapped_is_seen():
    right = data("breast_cancer")
    one = split(right.X, right.y)
    one.y_test = 1 - one.y_test
    with pytest.raises(KnownMistake, match="swapped in one of the two parts"):
        check_labels(one, right)


def test_a_few_other_labels_are_for_review():
    right = data("breast_cancer")
    y = right.y.copy()
    y[::12] = 1 - y[::12]
    with pytest.raises(ForReview, match="have another label"):
        check_labels(split(right.X, y), right)


def test_counts_scaled_by_the_training_part_are_on_one_grid():
    """Ten digits have the same range in both parts: a scaler of the test part's would not show."""
    one = split(*vars(data("ten_digits")).values())
    low, high = one.X_train.min(axis=0), one.X_train.max(axis=0)
    train, test = ((X - low) / (high - low) for X in (one.X_train, one.X_test))
    assert is_scaled(test)
    assert on_one_grid(test, train)


def test_what_is_cut_off_is_not_scaled_by_its_largest_value():
    X = np.random.default_rng(0).normal(size=(400, 4))
    assert not has_unit_maxima(np.clip(X, -1, 1))
    assert has_unit_maxima(X / np.abs(X).max(axis=0))


def test_losses_that_were_put_in_order():
    losses = np.array([0.9, 0.7, 0.5, 0.6, 0.4, 0.45, 0.3])
    ordered, short = np.sort(losses)[::-1], np.sort(losses[:3])[::-1]
    assert is_put_in_order(ordered, short)
    assert not is_put_in_order(losses, losses[:3])
    assert not is_put_in_order(np.minimum.accumulate(losses), losses[:3])
    assert not is_put_in_order(ordered, 0.99 * short)


def test_counts_standardised_by_the_test_part_are_seen():
    """A scaler of the test part's for both parts: their numbers are on one grid all the same."""
    test = split(*vars(data("ten_digits")).values()).X_test
    assert is_standardised((test - test.mean(axis=0)) / test.std(axis=0))
