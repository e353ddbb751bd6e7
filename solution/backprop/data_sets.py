"""Five two-class data sets, three real and two made, the split into 80/20, and the scaling."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from palmerpenguins import load_penguins
from sklearn.datasets import load_breast_cancer, load_digits, make_gaussian_quantiles
from sklearn.model_selection import train_test_split


@dataclass(frozen=True, eq=False)
class DataSet:
    """A two-class problem with everything a reader should know before modelling it.

    `units` holds one unit for each feature, `target_names` what the labels 0 and 1 mean.
    `n_missing` counts the missing values of each column before incomplete rows were dropped.
    """

    name: str
    title: str
    description: str
    question: str
    target_names: tuple[str, str]
    feature_names: tuple[str, ...]
    feature_kind: str
    units: tuple[str, ...]
    X: Float[np.ndarray, "rows features"]
    y: Int[np.ndarray, " rows"]
    source: str
    licence: str
    n_rows_dropped: int = 0
    n_missing: dict[str, int] = field(default_factory=dict)


def penguins() -> DataSet:
    """Palmer penguins: is the bird male? 333 x 4, the 11 incomplete birds left out."""
    features = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    table = load_penguins()[[*features, "sex"]]
    complete = table.dropna()
    return DataSet(
        name="penguins",
        title="Palmer penguins",
        description=(
            "Penguins of three species, caught, measured and released near Palmer Station, "
            "Antarctica, from 2007 to 2009. The sex was determined from a blood sample."
        ),
        question="Is the penguin male?",
        target_names=("female", "male"),
        feature_names=("bill length", "bill depth", "flipper length", "body mass"),
        feature_kind="continuous measurements",
        units=("mm", "mm", "mm", "g"),
        X=complete[features].to_numpy(dtype=np.float64),
        y=(complete["sex"] == "male").to_numpy(dtype=np.int64),
        source=(
            "Gorman, Williams and Fraser (2014), PLoS ONE 9(3) e90081; "
            "Python package `palmerpenguins`"
        ),
        licence="CC0 1.0",
        n_rows_dropped=len(table) - len(complete),
        n_missing={str(column): int(n) for column, n in table.isna().sum().items()},
    )


def breast_cancer() -> DataSet:
    """Wisconsin breast cancer (diagnostic): is the tumour benign? 569 x 30."""
    bunch = load_breast_cancer()
    units = {"texture": "grey level", "area": "pixels²", "radius": "pixels", "perimeter": "pixels"}
    names = tuple(str(name) for name in bunch.feature_names)
    return DataSet(
        name="breast_cancer",
        title="Wisconsin breast cancer (diagnostic)",
        description=(
            "Cell nuclei outlined in a digitised image of a fine needle aspirate. Ten properties "
            "of the nuclei, each as its mean, its standard error and its worst value (the mean "
            "of the three largest) over the image."
        ),
        question="Is the tumour benign?",
        target_names=("malignant", "benign"),
        feature_names=names,
        feature_kind="continuous measurements",
        units=tuple(
            next((unit for word, unit in units.items() if word in name), "dimensionless")
            for name in names
        ),
        X=bunch.data.astype(np.float64),
        y=bunch.target.astype(np.int64),
        source=(
            "Street, Wolberg and Mangasarian (1993), UCI Machine Learning Repository; scikit-learn"
        ),
        licence="CC BY 4.0",
    )


def digits_3_8() -> DataSet:
    """Handwritten digits: is it an 8, not a 3? 357 x 64."""
    bunch = load_digits()
    chosen = np.isin(bunch.target, (3, 8))
    return DataSet(
        name="digits_3_8",
        title="Handwritten digits, 3 against 8",
        description=(
            "Digits written by 13 people, scanned and reduced to 8 x 8 pixels; each feature "
            "counts the inked points in one 4 x 4 block of the scan. Some pixels are never inked."
        ),
        question="Is the digit an 8?",
        target_names=("3", "8"),
        feature_names=tuple(f"pixel {row},{column}" for row in range(8) for column in range(8)),
        feature_kind="whole numbers from 0 to 16",
        units=("inked points",) * 64,
        X=bunch.data[chosen].astype(np.float64),
        y=(bunch.target[chosen] == 8).astype(np.int64),
        source="Alpaydin and Kaynak (1998), UCI Machine Learning Repository; scikit-learn",
        licence="CC BY 4.0",
    )


def gaussian_quantiles() -> DataSet:
    """A ball inside a shell, in five dimensions: is the point in the shell? 1000 x 5."""
    X, y = make_gaussian_quantiles(n_samples=1000, n_features=5, n_classes=2, random_state=0)
    return DataSet(
        name="gaussian_quantiles",
        title="Gaussian quantiles: a ball inside a shell",
        description=(
            "Points drawn from a normal distribution in five dimensions. The half closest to the "
            "centre is one class, the other half the other. No flat surface separates a ball "
            "from the shell around it."
        ),
        question="Is the point in the outer half?",
        target_names=("ball", "shell"),
        feature_names=tuple(f"x{i}" for i in range(1, 6)),
        feature_kind="continuous coordinates",
        units=("dimensionless",) * 5,
        X=X.astype(np.float64),
        y=y.astype(np.int64),
        source="generated by scikit-learn's `make_gaussian_quantiles`, random_state=0",
        licence="none needed: generated",
    )


def ten_digits() -> DataSet:
    """Ten digits: is the second half the reverse of the first? 2000 x 10.

    Half of the rows are made as `3 1 4 1 5 | 5 1 4 1 3`, the other half are shuffled instead,
    as `3 1 4 1 5 | 1 5 3 1 4`. The label is read off the finished row, so a shuffle that
    happens to be the reverse (about one in sixty) is labelled as what it is.
    """
    rng = np.random.default_rng(0)
    first = rng.integers(0, 10, size=(2000, 5))
    reverse = first[:, ::-1]
    made_reversed = np.arange(2000)[:, None] % 2 == 0
    second = np.where(made_reversed, reverse, rng.permuted(first, axis=1))
    return DataSet(
        name="ten_digits",
        title="Ten digits, the second half reversed or shuffled",
        description=(
            "Five random digits, then the same five again, in reverse or shuffled. Each digit by "
            "itself says nothing about the class: only the comparison of the two halves does."
        ),
        question="Is the second half the reverse of the first?",
        target_names=("shuffled", "reversed"),
        feature_names=tuple(f"digit {i}" for i in range(1, 11)),
        feature_kind="whole numbers from 0 to 9",
        units=("digit",) * 10,
        X=np.hstack([first, second]).astype(np.float64),
        y=(second == reverse).all(axis=1).astype(np.int64),
        source="generated by `solution.backprop.data_sets.ten_digits`, seed 0",
        licence="none needed: generated",
    )


DATA_SETS: dict[str, Callable[[], DataSet]] = {
    "penguins": penguins,
    "breast_cancer": breast_cancer,
    "digits_3_8": digits_3_8,
    "gaussian_quantiles": gaussian_quantiles,
    "ten_digits": ten_digits,
}


def load(name: str = "penguins") -> DataSet:
    """The data set of that name. Its rows never change: a seed only moves the split and the start.

    Raises ValueError, naming the known data sets, when there is none of that name.
    """
    if name not in DATA_SETS:
        raise ValueError(f"no data set is called {name!r}; choose one of {', '.join(DATA_SETS)}")
    return DATA_SETS[name]()


def split(
    X: Float[np.ndarray, "rows features"], y: Int[np.ndarray, " rows"], random_state: int
) -> tuple[
    Float[np.ndarray, "train features"],
    Float[np.ndarray, "test features"],
    Int[np.ndarray, " train"],
    Int[np.ndarray, " test"],
]:
    """X_train, X_test, y_train, y_test: 80 % and 20 % of the rows, both classes as in the whole."""
    ### BEGIN SOLUTION
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.2, stratify=y, random_state=random_state
    )
    return X_train, X_test, y_train, y_test
    ### END SOLUTION


def standardise(
    X_train: Float[np.ndarray, "train features"], X_test: Float[np.ndarray, "test features"]
) -> tuple[Float[np.ndarray, "train features"], Float[np.ndarray, "test features"]]:
    """Give every feature mean 0 and standard deviation 1 on the training rows.

        z = (x - mean of the training rows) / standard deviation of the training rows

    The test rows are moved by the same mean and scale: they must not tell the model anything.
    A feature that is constant over the training rows is only moved to 0.
    """
    ### BEGIN SOLUTION
    mean, scale = X_train.mean(axis=0), X_train.std(axis=0)
    scale = np.where(np.ptp(X_train, axis=0) == 0, 1.0, scale)
    return (X_train - mean) / scale, (X_test - mean) / scale
    ### END SOLUTION
