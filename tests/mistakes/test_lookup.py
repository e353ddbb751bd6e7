"""Known data sets: no label of a fresh split can be looked up in the data set that is published."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from rubric_tests.part1.given import data_set, draw
from rubric_tests.part1.rows import scaled
from rubric_tests.part1.test_parity import unlike
from rubric_tests.reference import N_SPLITS, accuracy
from solution.backprop import DATA_SETS

Shown = dict[str, np.ndarray]
Attack = Callable[[Shown, np.ndarray, np.ndarray], np.ndarray]
"""What the kernel is shown, and the published rows with their labels: the labels it answers."""


def nearest(of: np.ndarray, among: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return labels[cdist(of, among).argmin(axis=1)]


def by_exact_row(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The published row that is nearest once both are scaled: exact where rows are the same."""
    return nearest(shown["X_test"], scaled(X), y)


def by_rounded_row(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same after rounding."""
    return nearest(shown["X_test"].round(1), scaled(X).round(1), y)


def by_sorted_features(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whatever the order of the features is."""
    return nearest(np.sort(shown["X_test"], axis=1), np.sort(scaled(X), axis=1), y)


def by_norm(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A rotation changes no row's length."""
    lengths = (np.linalg.norm(rows, axis=1)[:, None] for rows in (shown["X_test"], scaled(X)))
    return nearest(*lengths, y)


def by_leverage(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """No linear map changes a row's length once the features are decorrelated."""
    everything = np.vstack([shown["X_test"], shown["X_train"]])
    n = len(shown["X_test"])
    return nearest(leverage(everything)[:n] * len(everything), leverage(X) * len(X), y)


def leverage(X: np.ndarray) -> np.ndarray:
    left = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[0]
    return np.sum(left**2, axis=1)[:, None]


def by_distances(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A rotation changes no distance: each row is known by those to all others."""
    levels = np.linspace(0, 1, 40)
    profiles = (
        np.quantile(cdist(rows, rows), levels, axis=1).T
        for rows in (np.vstack([shown["X_test"], shown["X_train"]]), scaled(X))
    )
    mine, published = profiles
    return nearest(mine[: len(shown["X_test"])], published, y)


def by_ranks(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """No rising map of a single feature changes the order of its rows."""
    everything = np.vstack([shown["X_test"], shown["X_train"]])
    return nearest(ranks(everything)[: len(shown["X_test"])], ranks(X), y)


def ranks(X: np.ndarray) -> np.ndarray:
    return X.argsort(axis=0).argsort(axis=0) / len(X)


def by_matching_columns(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whatever the order and the sign of the features is: columns are matched by quantiles."""
    levels = np.linspace(0, 1, 50)
    mine = np.quantile(shown["X_train"], levels, axis=0).T
    theirs = [np.quantile(sign * scaled(X), levels, axis=0).T for sign in (1, -1)]
    costs = np.stack([cdist(mine, columns) for columns in theirs])
    order = linear_sum_assignment(costs.min(axis=0))[1]
    signs = np.where(costs.argmin(axis=0)[np.arange(len(order)), order], -1, 1)
    return nearest(shown["X_test"], scaled(X)[:, order] * signs, y)


def by_the_splits_state(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The split is made again from the only random state that is shown."""
    state = int(shown["random_state"])
    labels = train_test_split(X, y, test_size=0.2, stratify=y, random_state=state)[3]
    return np.resize(labels, len(shown["X_test"]))


def by_training_elsewhere(shown: Shown, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A strong model that was trained on all of the published rows."""
    model = HistGradientBoostingClassifier(random_state=0, max_iter=50).fit(scaled(X), y)
    return np.asarray(model.predict(shown["X_test"]))


ATTACKS: tuple[Attack, ...] = (
    by_exact_row,
    by_rounded_row,
    by_sorted_features,
    by_norm,
    by_leverage,
    by_distances,
    by_ranks,
    by_matching_columns,
    by_the_splits_state,
    by_training_elsewhere,
)


def splits(dataset: str, seed: int = 0) -> list[tuple[Shown, np.ndarray]]:
    """What is shown of each fresh split, and the labels that stay with the judge."""
    rng = np.random.default_rng([2026, seed])
    questions = draw(rng, {"seed": seed, "dataset": dataset})
    asked = [questions[f"parity/{k}"] for k in range(N_SPLITS)]
    return [(question.shown, question.kept["y_test"]) for question in asked]


def right(attack: Attack, shown: Shown, truth: np.ndarray, dataset: str) -> float:
    return float(accuracy(attack(shown, *data_set(dataset)), truth))


@pytest.mark.parametrize("dataset", DATA_SETS)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_a_label_cannot_be_looked_up(attack: Attack, dataset: str):
    """Looking rows up is no better than a model that has learnt from the training rows shown."""
    found = [
        (right(attack, shown, truth, dataset), accuracy(learnt(shown), truth))
        for shown, truth in splits(dataset)
    ]
    looked_up, by_learning = np.mean(found, axis=0)

    assert looked_up < by_learning - 0.01, f"{looked_up:.3f}, by learning {by_learning:.3f}"


def learnt(shown: Shown) -> np.ndarray:
    """The labels of a model that knows the training rows and no others."""
    model = SVC(C=10).fit(shown["X_train"], shown["y_train"])
    return np.asarray(model.predict(shown["X_test"]))


@pytest.mark.parametrize("dataset", DATA_SETS)
def test_the_attack_works_on_a_split_of_the_published_rows(dataset: str):
    """Or the tests above would show nothing."""
    X, y = data_set(dataset)
    X_test, truth = scaled(X)[::5], y[::5]

    assert accuracy(by_exact_row({"X_test": X_test}, X, y), truth) == 1.0


@pytest.mark.parametrize("dataset", DATA_SETS)
def test_no_published_row_is_shown(dataset: str):
    """Not even in other directions: lengths of decorrelated rows would be the same."""
    X, _ = data_set(dataset)
    for shown, _ in splits(dataset):
        everything = np.vstack([shown["X_train"], shown["X_test"]])
        assert len(everything) != len(X)
        assert not np.isclose(cdist(everything, scaled(X)).min(), 0, atol=1e-6)


@pytest.mark.parametrize("dataset", DATA_SETS)
def test_what_is_shown_is_scaled(dataset: str):
    """As a student's own split is: on the training part."""
    for shown, _ in splits(dataset):
        np.testing.assert_allclose(shown["X_train"].mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(shown["X_train"].std(axis=0), 1, atol=1e-9)


def test_weights_that_decide_nothing_give_every_row_one_label():
    """Labels from elsewhere beside weights of zero; a bound that rounding has moved is none."""
    labels, nothing = np.arange(40) % 2, np.zeros(40)
    learned = np.linspace(-0.01, 0.01, 40)

    assert unlike(labels, nothing) == 20
    assert unlike(np.zeros(40), nothing) == unlike(np.ones(40), nothing) == 0
    assert unlike(learned > 1e-3, learned) == 0
