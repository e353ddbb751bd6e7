"""Preparation: whatever is learnt from the data is learnt from the training part."""

import numpy as np
import pytest

from assay.rubric import ForReview, KnownMistake
from rubric_tests.part1.belonging import apart
from rubric_tests.part1.judgement import after_marks_for, split_of

pytestmark = [
    pytest.mark.criterion("preparation"),
    pytest.mark.hint("which rows does the scaler see when it is fitted?"),
]


def is_scaled(X: np.ndarray) -> bool:
    """Whether these very rows were used to scale: by mean, range, quartiles or largest value."""
    X = X[:, X.std(axis=0) > 1e-12]  # a constant feature shows nothing
    if not X.size or len(X) < 3:
        return False
    ends = [
        np.allclose(X.min(axis=0), low, atol=1e-9) and np.allclose(X.max(axis=0), 1, atol=1e-9)
        for low in (0, -1)
    ]
    return bool(is_standardised(X) or any(ends) or has_unit_quartiles(X) or has_unit_maxima(X))


def is_standardised(X: np.ndarray) -> bool:
    """Whether every feature that varies has the mean 0 and the standard deviation 1."""
    X = X[:, X.std(axis=0) > 1e-12]
    return (
        X.size > 0
        and np.allclose(X.mean(axis=0), 0, atol=1e-6)
        and any(np.allclose(X.std(axis=0, ddof=ddof), 1, atol=1e-6) for ddof in (0, 1))
    )


def has_its_own_mean_or_spread(X: np.ndarray) -> bool:
    """Whether every feature that varies has the mean 0, or every one the standard deviation 1."""
    X = X[:, X.std(axis=0) > 1e-12]
    spreads = [X.std(axis=0, ddof=ddof) for ddof in (0, 1)]
    own = [X.mean(axis=0), *(spread - 1 for spread in spreads)]
    return X.shape[1] > 1 and any(np.allclose(one, 0, atol=1e-6) for one in own)


def has_unit_quartiles(X: np.ndarray) -> bool:
    """Whether every median is 0 and the quartiles are 1 apart, as scikit-learn's RobustScaler does.

    Where the quartiles of a feature are one number, its scale is left; not so in most features.
    """
    low, middle, high = np.percentile(X, (25, 50, 75), axis=0)
    one, none = np.isclose(high - low, 1, atol=1e-6), np.isclose(high - low, 0, atol=1e-6)
    centred = np.allclose(middle, 0, atol=1e-6)
    return bool(centred and np.all(one | none) and np.mean(one) >= 0.5)


def has_unit_maxima(X: np.ndarray) -> bool:
    """Whether the largest absolute value of every feature is 1.

    Features that are cut off at -1 and 1 are not scaled so: several of their rows are at a bound.
    """
    sizes = np.abs(X)
    at_bound = np.isclose(sizes, 1, rtol=0, atol=1e-9)
    cut_off = (X.min(axis=0) < 0) & (at_bound.sum(axis=0) > 1)
    return bool(np.allclose(sizes.max(axis=0), 1, rtol=0, atol=1e-9) and not cut_off.any())


def on_one_grid(X: np.ndarray, others: np.ndarray) -> bool:
    """Whether the numbers of X are among the other rows' too: counts, which were scaled alike.

    One in ten need not be: a count may be in the smaller part alone. Where the parts were scaled
    apart, k / 15 and k / 16 share their ends.
    """
    return all(
        np.mean(apart(np.unique(values), np.unique(known)) < 1e-9) >= 0.9
        for values, known in zip(X.T, others.T, strict=True)
        if np.ptp(known) > 1e-12
    )


def centred_better(X: np.ndarray, others: np.ndarray) -> bool:
    """Whether the means of X are much nearer to zero than those of the other rows."""
    varied = X.std(axis=0) > 1e-12
    means, other_means = (np.abs(rows.mean(axis=0)[varied]) for rows in (X, others))
    return bool(varied.any()) and bool(np.median(means) < 0.01 * np.median(other_means))


@pytest.mark.hint("print mean and standard deviation of each feature: are they of one size?")
def test_features_are_scaled(run, evidence, kept):
    """Features of very different size were brought to one."""
    split = split_of(evidence)
    X, raw = np.vstack([split.X_train, split.X_test]), kept["notebook/split"].X
    as_they_come = run.parameterised and all(
        any(np.isin(np.unique(column), other).all() for other in raw.T) for column in X.T
    )
    spread = X.std(axis=0)[X.std(axis=0) > 1e-12]
    if as_they_come and spread.size and spread.max() > 3 * spread.min():
        raise ForReview(
            f"the features are as they come: their standard deviations go from {spread.min():.3g} "
            f"to {spread.max():.3g}"
        )


def test_features_are_numbers(evidence):
    """Every feature is a finite number in both parts, and not all of them are constant."""
    split = split_of(evidence)

    assert split.X_train.std(axis=0).any(), "every feature of `X_train` is constant"


def test_test_rows_do_not_shape_the_scaling(evidence, given):
    """The scaling was not fitted on training and test part together."""
    split = split_of(evidence)
    with after_marks_for(evidence, given, "inputs"):
        everything = np.vstack([split.X_train, split.X_test])
        by_all = is_scaled(everything) or centred_better(everything, split.X_train)
        if by_all and not is_scaled(split.X_train):
            raise KnownMistake(
                "the scaler was fitted on all rows, those of the test part among them"
            )


def test_test_part_is_scaled_like_the_training_part(evidence, given):
    """The test part went through the scaler of the training part, not through one of its own."""
    split = split_of(evidence)
    with after_marks_for(evidence, given, "inputs"):
        # counts of the same range in both parts are scaled alike, whichever part it is taken from;
        # their mean and deviation are never the same
        train, test = split.X_train, split.X_test
        own = is_scaled(test) or (is_standardised(train) and has_its_own_mean_or_spread(test))
        if is_standardised(test) or (own and not on_one_grid(test, train)):
            raise KnownMistake("the test part was scaled by its own mean and spread")
