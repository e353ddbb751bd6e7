"""The judge's own network and its own logistic regression, written apart from `solution`.

Everything is float64. Gradients are sums over single rows, spelt out with einsum, so that they
share neither code nor shape tricks with the solution; `slopes` measures the same thing without
any calculus, and tests/ holds the two against each other.
"""

from typing import NamedTuple

import numpy as np

NEWTON_STEPS = 50
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


def forward(X: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """The hidden activations (n, h) and the logits (n,) of one hidden sigmoid layer."""
    hidden = sigmoid(X @ weights.W1 + weights.b1)
    return hidden, (hidden @ weights.W2 + weights.b2)[:, 0]


def probabilities(X: np.ndarray, weights: Weights) -> np.ndarray:
    """P(y = 1 | x), shape (n,)."""
    return sigmoid(forward(X, weights)[1])


def losses(X: np.ndarray, y: np.ndarray, weights: Weights) -> dict[str, float]:
    """The losses a network may honestly go down, each a mean over the rows."""
    logits = forward(X, weights)[1]
    squared = np.mean((sigmoid(logits) - y) ** 2)
    return {
        "cross-entropy": float(np.mean(np.logaddexp(0, logits) - y * logits)),
        "squared error": float(squared),
        "half squared error": float(squared / 2),
    }


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
    """Send each row's output error back, with a given slope of the hidden sigmoid, and average."""
    sent_back = np.einsum("n,h,nh->nh", error, W2[:, 0], hidden_slope)
    return Weights(
        W1=np.einsum("nd,nh->dh", X, sent_back) / len(X),
        b1=np.einsum("nh->h", sent_back) / len(X),
        W2=np.einsum("nh,n->h", hidden, error)[:, None] / len(X),
        b2=np.array([np.mean(error)]),
    )


def gradients(
    X: np.ndarray, y: np.ndarray, weights: Weights, loss: str = "cross-entropy"
) -> Weights:
    """The gradient of the mean loss (Rumelhart, Hinton and Williams 1986)."""
    hidden, logits = forward(X, weights)
    return backward(X, output_error(logits, y, loss), hidden, hidden * (1 - hidden), weights.W2)


def slopes(
    X: np.ndarray, y: np.ndarray, weights: Weights, loss: str, step: float = 1e-5
) -> np.ndarray:
    """Central differences of the loss along every single weight, in the order of `Weights.flat`."""
    directions = step * np.eye(weights.flat().size)

    def at(direction: np.ndarray) -> float:
        return losses(X, y, weights.moved(direction))[loss]

    return np.array([(at(way) - at(-way)) / (2 * step) for way in directions])


def known_mistakes(X: np.ndarray, y: np.ndarray, weights: Weights, loss: str) -> dict[str, Weights]:
    """The gradients that common mistakes give, by the sentence that says which."""
    hidden, logits = forward(X, weights)
    error, slope = output_error(logits, y, loss), hidden * (1 - hidden)
    right, p = gradients(X, y, weights, loss), sigmoid(logits)
    z = X @ weights.W1 + weights.b1

    def with_slope(wrong: np.ndarray) -> Weights:
        return backward(X, error, hidden, wrong, weights.W2)

    return {
        "the sign is flipped": Weights(*(-part for part in right)),
        "the sum over the batch is not divided by the number of rows": Weights(
            *(part * len(X) for part in right)
        ),
        "the derivative of the hidden sigmoid is left out": with_slope(np.ones_like(hidden)),
        "the derivative of the hidden sigmoid is taken at its output, not at its input": with_slope(
            sigmoid(hidden) * (1 - sigmoid(hidden))
        ),
        "`a * (1 - a)` is taken of the sigmoid's input, not of its output": with_slope(z * (1 - z)),
        "the derivative of the output sigmoid is applied on top of the cross-entropy's": backward(
            X, error * p * (1 - p), hidden, slope, weights.W2
        ),
        "the matrix is transposed": right._replace(W1=right.W1.T),
    }


def logistic_labels(X_train: np.ndarray, y_train: np.ndarray, X_test: np.ndarray) -> np.ndarray:
    """Labels, 0 or 1, of the test rows by the judge's own logistic regression.

    On scaled features and with half the squared weights as the penalty, as scikit-learn's
    defaults are; by Newton's method (Bishop 2006, 4.3.3), which takes a tenth of the time.
    """
    mean, spread = X_train.mean(axis=0), X_train.std(axis=0)
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


def accuracy(labels: np.ndarray, truth: np.ndarray) -> float:
    """The share of labels that are right."""
    return float(np.mean(np.asarray(labels) == np.asarray(truth)))
