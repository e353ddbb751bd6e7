"""The five data sets, the split and the scaling."""

import numpy as np
import pytest

from solution.backprop import DATA_SETS, load, split, standardise

SHAPES = {
    "penguins": (333, 4),
    "breast_cancer": (569, 30),
    "digits_3_8": (357, 64),
    "gaussian_quantiles": (1000, 5),
    "ten_digits": (2000, 10),
}
every_data_set = pytest.mark.parametrize("name", DATA_SETS)


def test_penguins_is_the_default():
    """`load()` gives the penguins."""
    assert load().name == "penguins"


@every_data_set
def test_the_shape_is_as_described(name):
    """Rows, features and labels have the sizes the assignment states."""
    data = load(name)

    assert (data.X.shape, data.y.shape) == (SHAPES[name], SHAPES[name][:1])


@every_data_set
def test_values_are_finite_floats_and_labels_are_0_and_1(name):
    """X is finite float64, y holds exactly the labels 0 and 1."""
    data = load(name)

    assert data.X.dtype == np.float64
    assert np.isfinite(data.X).all()
    assert set(data.y) == {0, 1}


@every_data_set
def test_every_feature_has_a_name_and_a_unit(name):
    """One distinct name and one unit for each column."""
    data = load(name)

    assert len(set(data.feature_names)) == len(data.units) == data.X.shape[1]
    assert all(data.units)


@every_data_set
def test_the_description_is_complete(name):
    """The data set knows its own name and says what it is, asks, means and where it is from."""
    data = load(name)

    assert data.name == name
    assert all([data.title, data.description, data.question, data.source, data.licence])
    assert len(set(data.target_names)) == 2


@every_data_set
def test_classes_are_balanced(name):
    """The second class is about half of the rows; only breast cancer is further off."""
    low, high = (0.60, 0.65) if name == "breast_cancer" else (0.48, 0.52)

    assert low <= load(name).y.mean() <= high


@every_data_set
def test_the_rows_never_change(name):
    """Loading twice gives the same bits: only the split and the start depend on a seed."""
    assert load(name).X.tobytes() == load(name).X.tobytes()


def test_male_penguins_are_the_heavier_class():
    """Label 1 is male: males are heavier than females."""
    data = load("penguins")
    mass = data.X[:, data.feature_names.index("body mass")]

    assert data.target_names[1] == "male"
    assert mass[data.y == 1].mean() > mass[data.y == 0].mean() + 500


def test_missing_penguins_stay_visible():
    """Eleven birds were dropped: eleven without sex, two of them without any measurement."""
    data = load("penguins")

    assert data.n_rows_dropped == 11
    assert data.n_missing["sex"] == 11
    assert data.n_missing["bill_length_mm"] == 2


def test_benign_tumours_are_the_smaller_class():
    """Label 1 is benign: the nuclei are smaller than in malignant tumours."""
    data = load("breast_cancer")
    area = data.X[:, data.feature_names.index("mean area")]

    assert data.units[data.feature_names.index("mean area")] == "pixels²"
    assert area[data.y == 1].mean() < area[data.y == 0].mean()


def test_an_eight_closes_on_the_left():
    """Label 1 is the 8, which has ink on its left side where a 3 is open."""
    data = load("digits_3_8")
    left = data.X.reshape(-1, 8, 8)[:, 2:6, :3].sum(axis=(1, 2))

    assert left[data.y == 1].mean() > 1.5 * left[data.y == 0].mean()


def test_gaussian_quantiles_are_split_by_the_distance():
    """Label 1 is the outer half: one radius separates the classes."""
    data = load("gaussian_quantiles")
    radius = np.linalg.norm(data.X, axis=1)

    assert radius[data.y == 0].max() <= radius[data.y == 1].min()


def test_ten_digits_labels_are_true():
    """Label 1 stands exactly where the second half is the first read backwards."""
    data = load("ten_digits")
    reversed_ = [list(row[:5]) == list(row[:4:-1]) for row in data.X]

    assert reversed_ == data.y.astype(bool).tolist()


def test_both_halves_of_ten_digits_hold_the_same_digits():
    """A shuffle keeps the digits: counting them does not give the class away."""
    X = load("ten_digits").X

    np.testing.assert_array_equal(np.sort(X[:, :5]), np.sort(X[:, 5:]))


def test_an_unknown_name_lists_the_known_ones():
    """A wrong name is a ValueError that says what may be chosen."""
    with pytest.raises(ValueError, match=r"'titanic'.*penguins, breast_cancer, .*ten_digits"):
        load("titanic")


@every_data_set
def test_the_split_is_80_to_20_and_stratified(name):
    """A fifth of the rows is for testing, and each class is split alike."""
    data = load(name)
    _, X_test, y_train, y_test = split(data.X, data.y, random_state=0)

    assert len(X_test) == len(y_test) == np.ceil(0.2 * len(data.y))
    assert abs(y_test.sum() - 0.2 * data.y.sum()) <= 1
    assert len(y_train) + len(y_test) == len(data.y)


def test_no_row_is_on_both_sides():
    """Training and test rows together are all rows, each once."""
    X = np.arange(100.0)[:, None]
    X_train, X_test, _, _ = split(X, np.arange(100) % 2, random_state=0)

    assert sorted([*X_train[:, 0], *X_test[:, 0]]) == X[:, 0].tolist()


def test_labels_stay_with_their_rows():
    """Row i keeps label i through the split."""
    X, y = np.arange(100.0)[:, None], np.arange(100) % 2
    X_train, X_test, y_train, y_test = split(X, y, random_state=0)

    np.testing.assert_array_equal(X_train[:, 0] % 2, y_train)
    np.testing.assert_array_equal(X_test[:, 0] % 2, y_test)


def test_the_seed_decides_the_split():
    """The same random_state gives the same split, another one a different split."""
    data = load("penguins")
    test_rows = [split(data.X, data.y, random_state=seed)[1] for seed in (0, 0, 1)]

    np.testing.assert_array_equal(test_rows[0], test_rows[1])
    assert not np.array_equal(test_rows[0], test_rows[2])


def test_training_features_get_mean_0_and_deviation_1():
    """After scaling, every training column has mean 0 and standard deviation 1."""
    rng = np.random.default_rng(0)
    scaled, _ = standardise(rng.normal(5, 3, size=(50, 4)), rng.normal(size=(10, 4)))

    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1)


def test_the_test_rows_do_not_move_the_scale():
    """The scaled training rows are the same whatever the test rows are."""
    rng = np.random.default_rng(0)
    X_train, X_test = rng.normal(size=(50, 4)), rng.normal(size=(10, 4))

    np.testing.assert_array_equal(
        standardise(X_train, X_test)[0], standardise(X_train, 100 * X_test)[0]
    )


def test_test_rows_are_scaled_like_training_rows():
    """A row is scaled to the same values on either side."""
    X = np.random.default_rng(0).normal(size=(50, 4))
    scaled_train, scaled_test = standardise(X, X[:7])

    np.testing.assert_array_equal(scaled_train[:7], scaled_test)


def test_a_constant_feature_becomes_0():
    """A feature with a single value is not divided by its standard deviation, rounding or not."""
    X = np.full((30, 1), 0.1)

    np.testing.assert_allclose(standardise(X, X)[0], 0, atol=1e-12)


@every_data_set
def test_standardised_data_are_finite(name):
    """No feature of any data set, not even a pixel that is never inked, gives NaN or infinity."""
    data = load(name)
    X_train, X_test, _, _ = split(data.X, data.y, random_state=0)

    assert all(np.isfinite(X).all() for X in standardise(X_train, X_test))
