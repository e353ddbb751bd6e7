"""The split: four fifths to learn from, one fifth to be judged by."""

import numpy as np
import pytest
from scipy.spatial import KDTree

from assay.rubric import ForReview, KnownMistake, Wrong
from rubric_tests import clean_run, reference
from rubric_tests.part1.belonging import check_labels
from rubric_tests.part1.judgement import (
    after_marks_for,
    check_same_split,
    columns_of,
    models_of,
    split_of,
)

ALIKE = 1e-4  # standard deviations: rows that near are one row, rounded or moved a little

pytestmark = pytest.mark.criterion("split")


@pytest.mark.hint("look at `test_size`, and at how many rows the four arrays hold")
def test_a_fifth_is_set_apart(run, evidence, kept):
    """The test part holds 20 % of the rows."""
    split = split_of(evidence)
    n_test, n = len(split.y_test), len(split.y_train) + len(split.y_test)

    if abs(n_test - 0.2 * n) > 1:
        check_parts_are_apart(split, rows_of_data_set(run, kept))
        raise Wrong(f"the test part holds {n_test} of {n} rows, {n_test / n:.1%}")


@pytest.mark.hint("were rows lost, or used twice, before or after the split?")
def test_the_whole_data_set_is_used(run, evidence, kept):
    """Training and test part together are the data set, every row once."""
    if not run.parameterised:
        pytest.skip("not parameterised: the notebook brings a data set of its own")
    split = split_of(evidence)
    found, expected = len(split.y_train) + len(split.y_test), len(kept["notebook/split"].y)

    with clean_run.after_parameters(run, evidence, "dataset"):
        if abs(found - expected) > 0.03 * expected:
            raise Wrong(f"the two parts hold {found} rows, the data set has {expected}")


@pytest.mark.hint("where do the rows of `X_train` come from?")
def test_the_rows_are_those_of_the_data_set(run, evidence, kept):
    """Some feature is one of the data set's, however it was scaled, and so are the labels."""
    if not run.parameterised:
        pytest.skip("not parameterised: the notebook brings a data set of its own")
    split, right = split_of(evidence), kept["notebook/split"]
    y = np.concatenate([split.y_train, split.y_test])
    shares = [np.mean(y == label) for label in np.unique(right.y)]
    expected = [np.mean(right.y == label) for label in np.unique(right.y)]

    with clean_run.after_parameters(run, evidence, "dataset"):
        if np.abs(np.subtract(shares, expected)).max() > 0.05:
            raise Wrong(f"label 1 has {shares[-1]:.0%} of the rows, {expected[-1]:.0%} of the data")
        X = np.vstack([split.X_train, split.X_test])
        if not any(is_same(column, raw) for column in X.T for raw in right.X.T):
            raise ForReview("no feature is recognised as one of the data set's")


def is_same(column: np.ndarray, raw: np.ndarray) -> bool:
    """Whether nearly all values are those of a raw feature, shifted and stretched."""
    low, high, first, last = column.min(), column.max(), raw.min(), raw.max()
    if high - low < 1e-12 or last - first < 1e-12:
        return False
    for way in (1, -1):  # a feature may be turned round
        begin = first if way == 1 else last
        mapped = begin + way * (column - low) / (high - low) * (last - first)
        values = np.unique(raw)
        place = np.clip(np.searchsorted(values, mapped), 1, len(values) - 1)
        gaps = np.minimum(np.abs(values[place] - mapped), np.abs(values[place - 1] - mapped))
        if np.mean(gaps < 1e-6 * (last - first)) > 0.95:
            return True
    return False


@pytest.mark.hint("follow X and y from the data set to each part: has every row still its label?")
def test_rows_and_labels_belong_together(run, evidence, given, kept):
    """Each part has as many labels as rows, which are their own, and both have the same features.

    Whose label a row has is told where it is found in the data set.
    """
    split = split_of(evidence)

    if len(split.X_train) != len(split.y_train) or len(split.X_test) != len(split.y_test):
        raise Wrong("a part has rows without labels, or labels without rows")
    if split.X_train.shape[1] != split.X_test.shape[1]:
        raise Wrong("training and test part have different features")
    if run.parameterised:  # else the notebook brings a data set of its own
        with (
            clean_run.after_parameters(run, evidence, "dataset"),
            after_marks_for(evidence, given, "inputs"),
        ):
            check_labels(split, kept["notebook/split"])


@pytest.mark.hint("how do you make sure that a small test part is not one-sided by bad luck?")
def test_both_parts_are_balanced_alike(evidence):
    """The split is stratified: each label has the same share in both parts, to within one row."""
    split = split_of(evidence)
    y = np.concatenate([split.y_train, split.y_test])

    for label in np.unique(y):
        expected = np.mean(y == label) * len(split.y_test)
        found = int(np.sum(split.y_test == label))
        if abs(found - expected) > 1:
            raise Wrong(f"label {label:.0f}: {found} test rows, {expected:.1f} would be its share")


@pytest.mark.hint("can the same row be drawn twice?")
def test_no_row_is_in_both_parts(run, evidence, given, kept):
    """No row of the test part was seen in training."""
    split = split_of(evidence)
    with after_marks_for(evidence, given, "inputs"):
        check_parts_are_apart(split, rows_of_data_set(run, kept))


def rows_of_data_set(run, kept) -> np.ndarray | None:
    """The rows (n, d) that the notebook was given; None where it brings a data set of its own."""
    return kept["notebook/split"].X if run.parameterised else None


def check_parts_are_apart(split, rows: np.ndarray | None) -> None:
    deviation = split.X_train.std(axis=0)
    spread = np.where(deviation > 1e-12, deviation, 1)  # less is rounding
    test = np.unique(split.X_test / spread, axis=0)
    shared = int(np.sum(KDTree(split.X_train / spread).query(test)[0] < ALIKE))

    # real data may hold two rows alike; a leak shows as many
    if shared > 0.02 * len(test):
        X = np.vstack([split.X_train, split.X_test])
        if rows is not None and holds_every_row_once(X, rows):
            return  # of a few features many rows are alike, and each is in one part only
        if are_alike_anyway(split.X_train / spread, shared / len(test)):
            raise ForReview(
                f"{shared} of {len(test)} test rows are like training rows, and training rows like "
                "each other, as its features have few values: whether a row is in both parts "
                "cannot be told"
            )
        raise KnownMistake(
            "rows of the test part are in the training part too",
            f"{shared} of {len(test)} test rows are training rows too",
        )


def are_alike_anyway(X: np.ndarray, share: float) -> bool:
    """Whether rows of few values are like each other about as often as those of the two parts.

    Numbers that were measured have more values: rows of them that are alike were drawn twice.
    """
    if any(len(np.unique(column)) > 0.1 * len(X) for column in X.T):
        return False
    nearest = KDTree(X).query(X, k=2)[0][:, 1]  # the nearest of all is the row itself
    return bool(np.mean(nearest < ALIKE) > 0.5 * share)


def holds_every_row_once(X: np.ndarray, rows: np.ndarray) -> bool:
    """Whether X holds the data set's rows, each as often as it is there, in some of its features.

    A row that is copied from one part to the other is there more often, or another one less.
    """
    if len(X) != len(rows):
        return False
    found, expected, free = columns_of(X), columns_of(rows), set(range(rows.shape[1]))
    places, chosen = np.empty(X.shape, dtype=int), []
    for k in range(X.shape[1]):
        alike = [j for j in sorted(free) if np.allclose(found[:, k], expected[:, j], atol=1e-6)]
        if not alike:
            return False
        chosen.append(alike[0])
        free.remove(alike[0])
        # in the order of its values a scaled feature holds the same values as the raw one
        places[X[:, k].argsort(), k] = np.sort(levels(rows[:, alike[0]]))
    raw = np.column_stack([levels(rows[:, j]) for j in chosen])
    return all(
        np.array_equal(one, other)
        for one, other in zip(in_order(places), in_order(raw), strict=True)
    )


def levels(column: np.ndarray) -> np.ndarray:
    """The place of each value among those that occur."""
    return np.unique(column, return_inverse=True)[1]


def in_order(table: np.ndarray) -> np.ndarray:
    """The rows of a table, sorted."""
    return table[np.lexsort(table.T)]


@pytest.mark.hint(
    "follow `X_train` from the split to each `fit`; where the scaled rows have names of their own, "
    "one line at the end hands them over: `X_train, X_test = X_train_scaled, X_test_scaled`"
)
def test_both_models_learn_from_the_same_rows(evidence, given):
    """Network and logistic regression were fitted on the same training part."""
    with after_marks_for(evidence, given, "inputs", "start"):
        check_same_split(evidence, given)


@pytest.mark.hint("print one row of `X_train`: which of its numbers would not be known beforehand?")
def test_no_feature_tells_the_label(run, evidence, kept):
    """No single feature tells the label of every row, where none of the data set's does."""
    split = split_of(evidence)
    X, y = np.vstack([split.X_train, split.X_test]), np.concatenate([split.y_train, split.y_test])
    found = reference.telling_features(X, y)
    expected = int(kept["notebook/split"].telling) if run.parameterised else 0

    if len(found) > expected and len(y) >= 20:
        raise KnownMistake(
            "the label is among the features", f"feature {found[-1]} tells it for all {len(y)} rows"
        )


@pytest.mark.hint("follow `seed` from the parameters to the split")
def test_another_seed_splits_otherwise(runs):
    """Another seed gives another split."""
    splits: dict[str, dict[int, np.ndarray]] = {}
    others: dict[str, set[bytes]] = {}
    for run in runs:
        try:
            if run.evidence["notebook/parameters"].seed != run.parameters["seed"]:
                continue  # a seed that is set again is marked as that
            split, networks = split_of(run.evidence), models_of(run.evidence, "networks")
        except Exception:  # not answered: marked run by run
            continue
        splits.setdefault(run.place, {})[run.parameters["seed"]] = columns_of(split.X_test)
        seed_or_loss = networks.loss.tobytes() if networks.found else str(run.parameters).encode()
        others.setdefault(run.place, set()).add(seed_or_loss)
    if not splits:
        split_of(runs[0].evidence)  # says why, where no run has one
    for place, by_seed in splits.items():
        first, *further = by_seed.values()
        is_alike = all(clean_run.is_same(first, other) for other in further)
        if further and is_alike and len(others[place]) > 1:
            raise KnownMistake("the split is the same for every seed", f"{len(by_seed)} seeds")
