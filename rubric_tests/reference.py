"""The judge's own network and its own logistic regression, written apart from `solution`.

Everything is float64. Gradients are sums over single rows, spelt out with einsum, so that they
share neither code nor shape tricks with the solution; `slopes` measures the same thing without
any calculus, and tests/ holds the two against each other.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from assay import rubric

NEWTON_STEPS = 50
TELLS = 0.985  # of the rows: no single feature of a problem worth learning tells as many
N_SPLITS = 3  # fresh splits on which the network and logistic regression are compared


class Weights(NamedTuple):
    """W1 (d, h), b1 (h,), W2 (h, 1), b2 (1,): a network's weights, or the gradient of each."""

    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray
    b2: np.ndarray

    def flat(self) -> np.ndarray:
        return np.concatenate([part.ravel() for part in self])

    def moved(self, direction: np.ndarray) -> "Weights":
        """These weights plus `direction`, one number for every weight in the order of `flat`."""
        ends = np.cumsum([part.size for part in self])[:-1]
        steps = np.split(direction, ends)
        return Weights(
            *(part + step.reshape(part.shape) for part, step in zip(self, steps, strict=True))
        )


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), written with tanh, which cannot overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(z, dtype=np.float64)))


class Form(NamedTuple):
    """What a network of one hidden layer computes, and the loss that it goes down."""

    hidden: str = "sigmoid"
    loss: str = "cross-entropy"
    biases: tuple[bool, bool] = (True, True)
    """Whether the hidden and the output biases are added."""


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "ReLU": lambda z: np.maximum(z, 0.0),
    "leaky ReLU": lambda z: np.where(z > 0, z, 0.01 * z),
    "identity": lambda z: z,
}
SLOPES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "sigmoid": lambda z, a: a * (1 - a),
    "tanh": lambda z, a: 1 - a**2,
    "ReLU": lambda z, a: (z > 0).astype(np.float64),
    "leaky ReLU": lambda z, a: np.where(z > 0, 1.0, 0.01),
    "identity": lambda z, a: np.ones_like(z),
}
"""The derivative of each activation, of its input `z` and its output `a`."""
LOSSES = ("cross-entropy", "squared error", "half squared error")
BIASES = ((True, True), (False, True), (True, False), (False, False))
FORMS = [Form(hidden, loss, b) for b in BIASES for loss in LOSSES for hidden in ACTIVATIONS]
PLAIN = Form()


def forward(X: np.ndarray, weights: Weights, form: Form = PLAIN) -> tuple[np.ndarray, np.ndarray]:
    """The hidden activations (n, h) and the logits (n,) of one hidden layer."""
    b1, b2 = (b if added else 0 for b, added in zip(weights[1::2], form.biases, strict=True))
    hidden = ACTIVATIONS[form.hidden](X @ weights.W1 + b1)
    return hidden, (hidden @ weights.W2 + b2)[:, 0]


def probabilities(X: np.ndarray, weights: Weights, form: Form = PLAIN) -> np.ndarray:
    """P(y = 1 | x), shape (n,)."""
    return sigmoid(forward(X, weights, form)[1])


def loss_of(X: np.ndarray, y: np.ndarray, weights: Weights, form: Form = PLAIN) -> float:
    """The loss of a form, a mean over the rows."""
    logits = forward(X, weights, form)[1]
    if form.loss == "cross-entropy":
        return float(np.mean(np.logaddexp(0, logits) - y * logits))
    squared = float(np.mean((sigmoid(logits) - y) ** 2))
    return squared / 2 if form.loss == "half squared error" else squared


def used(weights: Weights, form: Form) -> np.ndarray:
    """1 for each weight that the form computes with and 0 for the others, as in `flat`."""
    adds = (True, form.biases[0], True, form.biases[1])
    return np.concatenate([np.full(w.size, float(a)) for w, a in zip(weights, adds, strict=True)])


def output_error(logits: np.ndarray, y: np.ndarray, loss: str) -> np.ndarray:
    """The slope of each row's loss along its logit, shape (n,)."""
    p = sigmoid(logits)
    factor = {
        "cross-entropy": 1.0,
        "squared error": 2 * p * (1 - p),
        "half squared error": p * (1 - p),
    }
    return (p - y) * factor[loss]


def backward(
    X: np.ndarray, error: np.ndarray, hidden: np.ndarray, hidden_slope: np.ndarray, W2: np.ndarray
) -> Weights:
    """Send each row's output error back, with a given slope of the hidden layer, and average."""
    sent_back = np.einsum("n,h,nh->nh", error, W2[:, 0], hidden_slope)
    return Weights(
        W1=np.einsum("nd,nh->dh", X, sent_back) / len(X),
        b1=np.einsum("nh->h", sent_back) / len(X),
        W2=np.einsum("nh,n->h", hidden, error)[:, None] / len(X),
        b2=np.array([np.mean(error)]),
    )


def gradients(X: np.ndarray, y: np.ndarray, weights: Weights, form: Form = PLAIN) -> Weights:
    """The gradient of the mean loss (Rumelhart, Hinton and Williams 1986)."""
    hidden, logits = forward(X, weights, form)
    slope = SLOPES[form.hidden](X @ weights.W1 + form.biases[0] * weights.b1, hidden)
    whole = backward(X, output_error(logits, y, form.loss), hidden, slope, weights.W2)
    return whole._replace(b1=form.biases[0] * whole.b1, b2=form.biases[1] * whole.b2)


def slopes(
    X: np.ndarray, y: np.ndarray, weights: Weights, form: Form = PLAIN, step: float = 1e-5
) -> np.ndarray:
    """Central differences of the loss along every single weight, in the order of `Weights.flat`."""

    def loss(moved_by: np.ndarray) -> float:
        return loss_of(X, y, weights.moved(moved_by), form)

    return rubric.slopes(loss, np.zeros(weights.flat().size), step)


def known_mistakes(
    X: np.ndarray, y: np.ndarray, weights: Weights, form: Form = PLAIN
) -> dict[str, Weights]:
    """The gradients that common mistakes give, by the sentence that says which."""
    z = X @ weights.W1 + form.biases[0] * weights.b1
    hidden, logits = forward(X, weights, form)
    error, slope = output_error(logits, y, form.loss), SLOPES[form.hidden](z, hidden)
    right, p = gradients(X, y, weights, form), sigmoid(logits)

    def with_slope(wrong: np.ndarray) -> Weights:
        return backward(X, error, hidden, wrong, weights.W2)

    def with_error(wrong: np.ndarray) -> Weights:
        return backward(X, wrong, hidden, slope, weights.W2)

    layer = "sigmoid" if form.hidden == "sigmoid" else form.hidden
    mistakes = {
        "the sign is flipped": Weights(*(-part for part in right)),
        "the sum over the batch is not divided by the number of rows": Weights(
            *(part * len(X) for part in right)
        ),
        "it is divided by the number of rows twice": Weights(*(part / len(X) for part in right)),
        f"the derivative of the hidden {layer} is left out": with_slope(np.ones_like(hidden)),
        f"the derivative of the hidden {layer} is taken at its output, not at its input": (
            with_slope(SLOPES[form.hidden](hidden, ACTIVATIONS[form.hidden](hidden)))
        ),
        "the derivative of the output sigmoid is applied on top of the cross-entropy's": (
            with_error((p - y) * p * (1 - p))
        ),
        "the matrix is transposed": right._replace(W1=right.W1.T),
        "the error is not sent back through W2": backward(
            X, error, hidden, slope, np.ones_like(weights.W2)
        ),
        "only the last row counts": Weights(
            *(
                part / len(X)
                for part in backward(X[-1:], error[-1:], hidden[-1:], slope[-1:], weights.W2)
            )
        ),
    }
    for label in (0, 1):
        mistakes[f"the rows of label {label} are left out"] = with_error(error * (y != label))
    for sentence, kept in some_rows(len(X)).items():
        of_all = with_error(error * kept)
        mistakes[sentence] = of_all
        mistakes[f"{sentence}, over their own number"] = Weights(*(p / kept.mean() for p in of_all))
    for least in (1e-3, 0.01, 0.05, 0.1, 0.2, 0.25, 0.3):
        limit = np.log((1 - least) / least)
        mistakes[f"the probabilities in it are cut off at {least:g} and {1 - least:g}"] = (
            with_error(output_error(np.clip(logits, -limit, limit), y, form.loss))
        )
    mistakes |= {
        "the derivative of the hidden layer stands where its output belongs": right._replace(
            W2=backward(X, error, slope, slope, weights.W2).W2
        ),
        "the input of the hidden layer's activation stands where its output belongs": (
            right._replace(W2=backward(X, error, z, slope, weights.W2).W2)
        ),
        "the hidden biases get the gradient of the output bias": right._replace(
            b1=np.full_like(right.b1, right.b2[0])
        ),
        "the error of the output is not multiplied in": right._replace(
            W2=backward(X, np.ones_like(error), hidden, slope, weights.W2).W2
        ),
        "it is divided by the number of hidden units as well": Weights(
            *(part / hidden.shape[1] for part in right)
        ),
        "it is divided by the number of features as well": Weights(
            *(part / X.shape[1] for part in right)
        ),
    }
    if form.hidden == "sigmoid":
        mistakes["`a * (1 - a)` is taken of the sigmoid's input, not of its output"] = with_slope(
            z * (1 - z)
        )
    for loss in LOSSES:
        if loss != form.loss and not (form.loss == LOSSES[0] and loss == "half squared error"):
            mistakes[f"it is the gradient of the {loss}, while the loss is the {form.loss}"] = (
                gradients(X, y, weights, form._replace(loss=loss))
            )
    for other in SLOPES:
        if other != form.hidden and other != "identity":
            mistakes[f"the slope of the hidden layer is that of a {other}"] = with_slope(
                SLOPES[other](z, hidden)
            )
    return mistakes


def some_rows(n: int) -> dict[str, np.ndarray]:
    """Which of n rows are counted where some are forgotten, 1 or 0 for each."""
    row = np.arange(n)
    kept = {
        "every second row is left out": row % 2 == 0,
        "every second row, from the first on, is left out": row % 2 == 1,
        "the first row is left out": row > 0,
        "the last row is left out": row < n - 1,
        "only the first row counts": row == 0,
        "only the first half of the rows counts": row < n // 2,
        "only the second half of the rows counts": row >= n // 2,
    }
    return {sentence: rows.astype(np.float64) for sentence, rows in kept.items() if rows.any()}


def by_relation(found: np.ndarray, right: np.ndarray, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Wrong gradients with a constant in them that is read off the answer; few numbers fit any."""
    if found.shape != right.shape or right.size < 4 or not found.any():
        return {}
    factor = np.vdot(found, right) / np.vdot(right, right)
    penalty = np.vdot(found - right, weight) / np.vdot(weight, weight)
    limit = np.abs(found).max()
    return {
        f"it is the gradient times {factor:.3g}": factor * right,
        "a multiple of the weights is added to it, and the loss has no such penalty": (
            right + penalty * weight
        ),
        "it is clipped at a limit": np.clip(right, -limit, limit),
    }


def telling_features(X: np.ndarray, y: np.ndarray) -> list[int]:
    """The columns of X that tell the label by themselves: one threshold parts nearly all rows."""
    if len(np.unique(y)) != 2:
        return []
    told = [parted_by_one(column, y == y.max()) for column in X.T]
    return [k for k, share in enumerate(told) if share > TELLS]


def parted_by_one(column: np.ndarray, second: np.ndarray) -> float:
    """The largest share of rows whose label a threshold in this column gives."""
    order = np.argsort(column, kind="stable")
    ends = np.flatnonzero(np.diff(column[order])) + 1  # equal values are on one side
    right = np.cumsum(np.where(second[order], -1, 1))[ends - 1] + second.sum()
    if not len(ends):
        return float(max(second.mean(), 1 - second.mean()))
    return float(max(right.max(), len(second) - right.min())) / len(second)


def logistic_labels(
    X_train: np.ndarray, y_train: np.ndarray, X_test: np.ndarray, *, as_they_are: bool = False
) -> np.ndarray:
    """Labels, 0 or 1, of the test rows by the judge's own logistic regression.

    On scaled features, or on features as they are, and with half the squared weights as the
    penalty, as scikit-learn's defaults are; by Newton's method (Bishop 2006, 4.3.3), which takes
    a tenth of the time.
    """
    mean, spread = X_train.mean(axis=0), X_train.std(axis=0)
    if as_they_are:
        mean, spread = np.zeros_like(mean), np.ones_like(spread)
    varies = spread > 1e-10 * np.abs(mean)
    scaled = [(X - mean) / np.where(varies, spread, 1) for X in (X_train, X_test)]
    train, test = (np.column_stack([np.ones(len(X)), X]) for X in scaled)
    penalty = np.r_[0.0, np.ones(X_train.shape[1])]  # the intercept has none
    w = np.zeros(train.shape[1])
    for _ in range(NEWTON_STEPS):
        p = sigmoid(train @ w)
        slope = train.T @ (p - y_train) + penalty * w
        curvature = (train.T * (p * (1 - p))) @ train + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        w -= step
        if np.abs(step).max() < 1e-9:
            return (test @ w > 0).astype(int)
    raise ArithmeticError("the judge's own logistic regression did not converge")


def neighbours(X_train: np.ndarray, y_train: np.ndarray, X_test: np.ndarray) -> np.ndarray:
    """The label of each test row's nearest training row."""
    squares = (X_train**2).sum(axis=1)
    return y_train[(squares - 2 * X_test @ X_train.T).argmin(axis=1)]


def accuracy(labels: np.ndarray, truth: np.ndarray) -> float:
    """The share of labels that are right."""
    return float(np.mean(np.asarray(labels) == np.asarray(truth)))
