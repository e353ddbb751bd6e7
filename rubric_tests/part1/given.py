"""Fresh inputs for Part 1: drawn anew for every submission and run, and repeatable."""

from functools import cache

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from assay.rubric import SOME, Question, Shape
from rubric_tests.part1.rows import fresh_rows, turned
from rubric_tests.reference import N_SPLITS, Weights, telling_features
from rubric_tests.reference import forward as logits_of
from solution.backprop import load

ROWS = 12  # of the small data sets on which gradients are asked
SHAPES = {"square": (4, 4), "narrower": (5, 3), "wider": (3, 5)}  # (features, hidden units)
WIDTHS = (2, 3, 7)
WIDE = 768  # features: so many weights that to move each of them alone takes minutes
COUNTED = (3, 24)  # features with which the lines that are executed, and the memory, are counted
TRAIN_SECONDS = 60  # for what fits networks to whole data sets
RAW = 1e18  # what data as they come are counted in: nanoseconds at most
ENDS = ("left", "last", "before", "least")  # the loss of the weights left, and of the record
OF_NETWORKS = ("repeatable", "loss", "refit_loss", *ENDS, *(f"refit_{end}" for end in ENDS))
OF_BASELINES = ("rounds", "max_iter", "spread")
ANY_WEIGHTS: dict[str, Shape] = {
    "W1": (SOME, SOME),
    "b1": (SOME,),
    "W2": (SOME, SOME),
    "b2": (SOME,),
}


def draw(rng: np.random.Generator, parameters: dict) -> dict[str, Question]:
    """Every question of Part 1; parameters are the run's `seed` and `dataset`."""
    shown = public(rng, parameters)
    X, y = data_set(parameters["dataset"])
    return (
        shown
        | notebook(X, y)
        | forward(rng)
        | {f"gradients/{name}": gradients(rng, *shape) for name, shape in SHAPES.items()}
        | {
            "gradients/real": at_width(rng, X.shape[1]),
            "gradients/confident": confident(rng),
            "gradients/own": batch(rng, {"loss": ()}),
        }
        | {f"inputs/{call}": inputs(rng) for call in ("fit", "predict", "loss")}
        | start()
        | update(rng)
        | going_on(rng)
        | parity(rng, parameters["dataset"], X, y)
        | training()
        | {"source/class": Question({}, {})}
        | source(rng, len(X), X.shape[1])
    )


def public(rng: np.random.Generator, parameters: dict) -> dict[str, Question]:
    """The questions that students may put themselves: rows for the network's own weights."""
    X = rng.normal(size=(9, 5))
    return {"forward/own": Question({"X": X}, {"first": (9,), "last": (9,), "columns": ()})}


@cache
def data_set(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The run's data as plain float64 arrays, labels as 0 and 1; read once, written by nobody."""
    data = load(name)
    labels = np.unique(np.asarray(data.y), return_inverse=True)[1]
    X, y = np.array(data.X, dtype=np.float64), labels.astype(np.float64)
    X.flags.writeable = y.flags.writeable = False
    return X, y


def notebook(X: np.ndarray, y: np.ndarray) -> dict[str, Question]:
    """What the notebook leaves behind: its split, its two claims, its fitted models."""
    split: dict[str, Shape] = {
        "X_train": (SOME, SOME),
        "X_test": (SOME, SOME),
        "y_train": (SOME,),
        "y_test": (SOME,),
    }
    on_test: dict[str, Shape] = {
        "found": (),
        "labels": (None, None),
        "labels_train": (None, None),
        "probabilities": (None, None),
        "refit_probabilities": (None, None),
    }
    telling = np.array(len(telling_features(X, y)))
    network: dict[str, Shape] = dict.fromkeys(OF_NETWORKS, (None,))
    baseline: dict[str, Shape] = dict.fromkeys(OF_BASELINES, (None,))
    return {
        "notebook/split": Question(
            {}, split, kept={"X": X, "y": y, "telling": telling}, largest=RAW
        ),
        "notebook/parameters": Question({}, {"seed": ()}),
        "claims/logistic": Question({}, {"accuracy": ()}),
        "claims/network": Question({}, {"accuracy": ()}),
        # one that does not begin alike is fitted up to three times
        "notebook/networks": Question({}, on_test | network, seconds=3 * TRAIN_SECONDS),
        "notebook/baselines": Question(
            {}, on_test | baseline | {"features": (None,)}, seconds=TRAIN_SECONDS
        ),
    }


def forward(rng: np.random.Generator) -> dict[str, Question]:
    """Rows never seen, for weights set by hand."""
    more = rng.normal(size=(80, 5))
    own = weights(rng, 5, 5)
    own["b2"] = own["b2"] - np.median(logits_of(more, Weights(**own))[1])  # both labels, half each
    return {
        "forward/weights": Question(own | {"X": more}, {"last": (len(more),)}),
        "forward/labels": Question(own | {"X": more}, {"labels": (len(more),)}),
    }


def batch(rng: np.random.Generator, answers: dict[str, Shape]) -> Question:
    """A small batch for a question about the network's own weights."""
    X, y = rows(rng, ROWS, 4)
    return Question({"X": X, "y": y}, answers)


def inputs(rng: np.random.Generator) -> Question:
    """Arrays that the network must leave as they are; they come back as it left them."""
    X, y = rows(rng, int(rng.integers(24, 200)), 3)
    return Question({"X": X + 1, "y": y}, {"X": X.shape, "y": y.shape})


def gradients(rng: np.random.Generator, n_features: int, n_hidden: int) -> Question:
    """Weights set by hand, a batch, and directions along which to measure the loss."""
    X, y = rows(rng, ROWS, n_features)
    shown = weights(rng, n_features, n_hidden) | {"X": X, "y": y}
    n_weights = sum(part.size for part in shown.values()) - X.size - y.size
    shown["directions"] = 1e-4 * rng.normal(size=(5, n_weights))
    parts = gradient_shapes(n_features, n_hidden)
    after = {f"{name[1:]}_after": shape for name, shape in parts.items()}
    twice = {f"{name}_twice": shape for name, shape in parts.items()}
    return Question(shown, {"loss": (), "ahead": (5,), "behind": (5,)} | parts | after | twice)


def at_width(rng: np.random.Generator, d: int) -> Question:
    """Weights set by hand and a batch, as wide as the data set."""
    X, y = rows(rng, ROWS, d)
    shown = {name: part / np.sqrt(d) for name, part in weights(rng, d, d).items()}
    return Question(shown | {"X": X, "y": y}, {"loss": ()} | gradient_shapes(d, d))


def confident(rng: np.random.Generator) -> Question:
    """Weights so large that the output is 0 or 1 to the last bit, and half the labels disagree."""
    X, y = rows(rng, ROWS, 4)
    large = weights(rng, 4, 4)
    large["W2"] = np.array([[1000.0], [-1000.0], [2000.0], [-2000.0]])
    return Question(large | {"X": X, "y": y}, {"loss": ()} | gradient_shapes(4, 4))


def start() -> dict[str, Question]:
    """Fresh weights: for several widths, and twice with one random state, once with another."""
    names = ("W1", "W1_again", "W1_other")
    return {
        "start/widths": Question({"widths": np.array(WIDTHS)}, {}),
        "start/weights": Question({}, dict.fromkeys(names, (SOME, SOME))),
    }


def update(rng: np.random.Generator) -> dict[str, Question]:
    """A small batch, for steps with several learning rates."""
    X, y = rows(rng, 40, 3)
    y = (X[:, 0] + 0.5 * rng.normal(size=40) > 0).astype(np.float64)
    moved = ("small", "double", "step", "later")
    moments = ("start", *moved, *(f"{moment}_next" for moment in moved))
    steps = {f"{name}_{moment}": shape for moment in moments for name, shape in ANY_WEIGHTS.items()}
    own = {f"d{name}": shape for name, shape in ANY_WEIGHTS.items()}
    return {
        "update/steps": Question({"X": X, "y": y}, steps),
        "update/rounds": Question({"X": X, "y": y}, {"n_iter": ()}),
        "update/gradient": Question({"X": X, "y": y}, own | {"outputs": ()}),
    }


def going_on(rng: np.random.Generator) -> dict[str, Question]:
    """A small batch that can be learned: for a second `fit`, and for when training stops."""
    X = rng.normal(size=(30, 4))
    y = (X @ rng.normal(size=4) > 0).astype(np.float64)
    y[:2] = 0, 1
    again: dict[str, Shape] = {"first": (), "again": ()}
    return {
        "start/again": Question({"X": X, "y": y}, again | ANY_WEIGHTS),
        "training/tol": Question({"X": X, "y": y}, dict.fromkeys(("taken", "loose", "strict"), ())),
    }


def fresh_split(
    rng: np.random.Generator, name: str, X: np.ndarray, y: np.ndarray
) -> dict[str, np.ndarray]:
    """A stratified 80/20 split of fresh rows, scaled on its training part."""
    X, y = turned(rng, *fresh_rows(rng, name, X, y))
    parts = train_test_split(X, y, test_size=0.2, stratify=y, random_state=draw_state(rng))
    X_train, X_test, y_train, y_test = parts
    scaler = StandardScaler().fit(X_train)
    return {
        "X_train": scaler.transform(X_train),
        "y_train": y_train,
        "X_test": scaler.transform(X_test),
        "y_test": y_test,
    }


def parity(
    rng: np.random.Generator, name: str, X: np.ndarray, y: np.ndarray
) -> dict[str, Question]:
    """Fresh splits whose test labels stay here, and the weights that each was answered with."""
    asked = {}
    for k in range(N_SPLITS):
        split = fresh_split(rng, name, X, y)
        y_test = split.pop("y_test")
        shown = split | {"random_state": np.array(draw_state(rng))}  # says nothing of the split
        asked[f"parity/{k}"] = Question(
            shown, {"labels": y_test.shape}, kept={"y_test": y_test}, seconds=TRAIN_SECONDS
        )
        asked[f"parity/{k}/weights"] = Question({}, ANY_WEIGHTS)
    of_first = {name: asked["parity/0"].shown[name] for name in ("X_train", "y_train")}
    state = {"random_state": asked["parity/0"].shown["random_state"]}
    begun = {
        f"{part}_{moment}": shape
        for moment in ("other", "fresh", "before", "short")
        for part, shape in ANY_WEIGHTS.items()
    }
    asked["training/short"] = Question(of_first | state, begun, seconds=TRAIN_SECONDS)
    asked["training/short-curve"] = Question({}, {"loss_curve": (SOME,)})
    return asked


def source(rng: np.random.Generator, n: int, d: int) -> dict[str, Question]:
    """Rows as many and as wide as those of the data set, and gradients to be watched at work."""
    X, y = rows(rng, n, d)
    counted = {width: at_width(rng, width).shown for width in COUNTED}
    return {
        "source/work": Question(
            {"X": X, "y": y}, dict.fromkeys(("unwatched", "once_more", "seen"), y.shape)
        ),
        "source/gradients": Question(at_width(rng, 4).shown, {}),
        "source/loaded": Question({}, {}),
        "source/wide": wide(rng),
    } | {
        f"source/lines/{width}": Question(shown, {"lines": (2,)})
        for width, shown in counted.items()
    }


def wide(rng: np.random.Generator) -> Question:
    """Four rows for a network of 600,000 weights, those of W1 as the product of two vectors."""
    X, y = rows(rng, 4, WIDE)
    left, right, across = rng.normal(size=(3, WIDE)) / np.sqrt(WIDE)
    shown = {"X": X, "y": y, "left": left, "right": right, "across": across}
    shown |= {"b1": rng.normal(size=WIDE), "W2": rng.normal(size=(WIDE, 1)) / np.sqrt(WIDE)}
    shown["b2"] = rng.normal(size=1)
    answers = {"across": (WIDE,), "dW2": (WIDE, 1), "db1": (WIDE,), "db2": (1,)}
    return Question(shown, dict[str, Shape](answers))


def draw_state(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def training() -> dict[str, Question]:
    """How the network of parity/0 was trained: its loss curve and its weights."""
    return {
        "training/curve": Question({}, {"loss_curve": (SOME,)}),
        "training/weights": Question({}, ANY_WEIGHTS),
    }


def rows(rng: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal rows (n, d) and as many labels 1 as 0 (n,)."""
    return rng.normal(size=(n, d)), rng.permutation(np.arange(n) % 2).astype(np.float64)


def weights(rng: np.random.Generator, d: int, h: int) -> dict[str, np.ndarray]:
    """Weights of unit size, so that every factor of the gradient shows."""
    shapes = {"W1": (d, h), "b1": (h,), "W2": (h, 1), "b2": (1,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def gradient_shapes(d: int, h: int) -> dict[str, Shape]:
    return {"dW1": (d, h), "db1": (h,), "dW2": (h, 1), "db2": (1,)}
