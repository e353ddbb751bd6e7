"""A network with one hidden layer, by hand: forward, backward, gradient descent.

    hidden = sigmoid(X W1 + b1)      logit = hidden W2 + b2      P(y = 1) = sigmoid(logit)

Rows are examples. The gradients follow Rumelhart, Hinton and Williams (1986), "Learning
representations by back-propagating errors", Nature 323; the momentum Nesterov (1983), restarted
as in O'Donoghue and Candès (2015), "Adaptive restart for accelerated gradient schemes".
"""

import warnings
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

Array = np.ndarray


def sigmoid(
    z: Float[Array, "rows units"], out: Float[Array, "rows units"] | None = None
) -> Float[Array, "rows units"]:
    """1 / (1 + exp(-z)), written into `out` if given.

    For very negative z, exp(-z) overflows to infinity and 1 / infinity is 0: the right answer.
    """
    with np.errstate(over="ignore", under="ignore"):
        out = np.exp(np.negative(z, out=out), out=out)
    out += 1
    return np.reciprocal(out, out=out)


def forward(
    X: Float[Array, "rows features"],
    W1: Float[Array, "features hidden"],
    W2: Float[Array, "hidden 1"],
    b1: Float[Array, " hidden"],
    b2: Float[Array, " 1"],
    out: Float[Array, "rows hidden"] | None = None,
) -> tuple[Float[Array, "rows hidden"], Float[Array, "rows 1"]]:
    """The hidden layer, written into `out` if given, and the logit.

    hidden = sigmoid(X W1 + b1)                       logit = hidden W2 + b2
    """
    hidden = np.matmul(X, W1, out=out)
    hidden += b1
    sigmoid(hidden, out=hidden)
    return hidden, hidden @ W2 + b2


def backpropagate(
    X: Float[Array, "rows features"],
    y: Float[Array, "rows 1"],
    W1: Float[Array, "features hidden"],
    W2: Float[Array, "hidden 1"],
    b1: Float[Array, " hidden"],
    b2: Float[Array, " 1"],
    workspace: list[Float[Array, "rows hidden"]],
) -> tuple[float, list[Float[Array, "_ _"]], list[Float[Array, " _"]]]:
    """The mean cross-entropy of the n rows, and its gradients [dW1, dW2], [db1, db2].

        loss   = mean of  -y log p - (1 - y) log(1 - p),        p = sigmoid(logit)
               = mean of  log(1 + exp(±logit)),                 - where y = 1, + where y = 0

        delta2 = dloss/dlogit = (p - y) / n                     sigmoid' and log' cancel
        dW2    = hiddenᵀ delta2                                 db2 = sum of delta2 over rows
        delta1 = delta2 W2ᵀ * hidden * (1 - hidden)             sigmoid' = sigmoid (1 - sigmoid)
        dW1    = Xᵀ delta1                                      db1 = sum of delta1 over rows

    The second form of the loss never takes log(0). `workspace` is overwritten: see `allocate`.
    """
    hidden, slope, delta1 = workspace
    _, logit = forward(X, W1, W2, b1, b2, out=hidden)
    loss = np.logaddexp(0, (1 - 2 * y) * logit).mean()

    delta2 = (sigmoid(logit) - y) / len(X)
    dW2 = hidden.T @ delta2

    np.multiply(hidden, hidden, out=slope)
    np.subtract(hidden, slope, out=slope)
    np.multiply(delta2, W2.T, out=delta1)
    delta1 *= slope
    dW1 = X.T @ delta1
    return float(loss), [dW1, dW2], [delta1.sum(axis=0), delta2.sum(axis=0)]


def allocate(n_rows: int, n_hidden: int) -> list[Float[Array, "rows hidden"]]:
    """Memory for hidden, slope and delta1, used again in every iteration instead of asked for anew.

    In Fortran order the rows lie side by side, so NumPy's inner loops are long even when there
    are only two hidden units.
    """
    return [np.empty((n_rows, n_hidden), order="F") for _ in range(3)]


def norm(gradients: list[Float[Array, "..."]]) -> float:
    """The length of the whole gradient: the root of the sum of all its squares."""
    return float(np.sqrt(sum(np.vdot(gradient, gradient) for gradient in gradients)))


def descend(
    weights: list[Float[Array, "..."]],
    gradients: list[Float[Array, "..."]],
    landings: list[Float[Array, "..."]],
    learning_rate: float,
    momentum: float,
) -> None:
    """One step of gradient descent with Nesterov's momentum, in place.

    landing = weight - learning_rate * gradient
    weight  = landing + momentum * (landing - previous landing)
    """
    for weight, gradient, previous in zip(weights, gradients, landings, strict=True):
        landing = weight - learning_rate * gradient
        weight[...] = landing + momentum * (landing - previous)
        previous[...] = landing


def overwrite(arrays: list[Float[Array, "..."]], values: list[Float[Array, "..."]]) -> None:
    """Put the values into the arrays, in place."""
    for array, value in zip(arrays, values, strict=True):
        array[...] = value


class ScratchNetwork(ClassifierMixin, BaseEstimator):
    """A binary classifier with one sigmoid hidden layer, as wide as the input, trained by hand.

    Give it features of about equal scale, as `standardise` makes them. Everything is float64.

    Parameters
    ----------
    learning_rate : length of the first step, in units of the gradient; above 0.
    max_iter : most steps of gradient descent, each over all rows; at least 1.
    tol : training has converged when the norm of the whole gradient is at most this. At a
        minimum the gradient is zero; and unlike "the loss has hardly changed", it does not
        depend on how long the steps happen to be.
    random_state : int, RandomState or None; draws the initial weights.

    Attributes
    ----------
    coefs_ : [W1 (n_features, n_hidden), W2 (n_hidden, 1)]
    intercepts_ : [b1 (n_hidden,), b2 (1,)]
    loss_curve_ : the mean cross-entropy, in nats, before each step; where a step is taken back,
        the loss of the weights that are gone back to
    n_iter_ : number of times the gradient was computed, the length of `loss_curve_`
    classes_ : the two labels; P(y = 1) is the probability of the second
    n_features_in_ : number of features
    """

    @no_type_check  # scikit-learn asks that anything be taken here; `fit` is where it is checked
    def __init__(
        self,
        learning_rate: float = 2.0,
        max_iter: int = 5000,
        tol: float = 1e-3,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def initialise(self, n_features: int) -> "ScratchNetwork":
        """Draw fresh random weights, without training: W ~ N(0, 1 / inputs of the unit), b = 0.

        Every unit then starts with an input of variance about 1, where the sigmoid is not flat,
        and no two hidden units start alike (they would stay alike for ever). Until `fit` learns
        other labels, the classes are 0 and 1.
        """
        rng = check_random_state(self.random_state)
        n_hidden = n_features
        self.coefs_ = [
            rng.normal(scale=n_features**-0.5, size=(n_features, n_hidden)),
            rng.normal(scale=n_hidden**-0.5, size=(n_hidden, 1)),
        ]
        self.intercepts_ = [np.zeros(n_hidden), np.zeros(1)]
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = n_features
        return self

    def fit(self, X: Any, y: Any) -> "ScratchNetwork":
        """Train on X (rows, features) and y (rows), which holds two different labels.

        Raises ValueError for a learning rate or number of iterations that is not positive, and for
        data scikit-learn would refuse. Warns with ConvergenceWarning if `max_iter` ends it.
        """
        if not 0 < self.learning_rate < np.inf:
            raise ValueError(f"learning_rate must be above 0; it is {self.learning_rate!r}")
        if not self.max_iter >= 1:
            raise ValueError(f"max_iter must be at least 1; it is {self.max_iter!r}")
        X, y = validate_data(self, X, y, dtype=np.float64)
        classes = two_classes(y)
        self.initialise(X.shape[1])
        self.classes_ = classes
        self._descend(X, self._targets(y))
        return self

    def _descend(self, X: Float[Array, "rows features"], y: Float[Array, "rows 1"]) -> None:
        """Gradient descent from the current weights, changed in place, until the gradient is zero.

        Momentum grows with the number t of steps, as t / (t + 1), so the first step is plain
        gradient descent. When the loss rises, the steps have become too long: momentum starts over
        at t = 0, and the learning rate loses a tenth. Where the loss is even higher than at the
        start, the last step is taken back, and the learning rate halved.
        """
        weights = [*self.coefs_, *self.intercepts_]
        before, landings = ([weight.copy() for weight in weights] for _ in range(2))
        workspace = allocate(len(X), len(self.intercepts_[0]))
        learning_rate, t = float(self.learning_rate), 0
        losses: list[float] = []

        for _ in range(self.max_iter):
            loss, dW, db = backpropagate(X, y, *weights, workspace)
            if losses and not loss <= losses[0]:  # NaN included
                overwrite([*weights, *landings], [*before, *before])
                learning_rate, t = learning_rate / 2, 0
                losses.append(losses[-1])
                continue
            if losses and loss > losses[-1]:
                learning_rate, t = 0.9 * learning_rate, 0
            losses.append(loss)
            if norm(dW + db) <= self.tol:
                break
            overwrite(before, weights)
            descend(weights, dW + db, landings, learning_rate, momentum=t / (t + 1))
            t += 1
        else:
            warn_not_converged(self.tol, self.max_iter)
        self.loss_curve_, self.n_iter_ = losses, len(losses)

    def loss_and_gradients(
        self, X: ArrayLike, y: ArrayLike
    ) -> tuple[float, list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """(loss, [dW1, dW2], [db1, db2]) of these rows for the current weights; changes nothing.

        The loss is the mean cross-entropy in nats. The weights may be set by hand through `coefs_`
        and `intercepts_`, with any number of hidden units. Raises ValueError for an unknown label.
        """
        check_is_fitted(self)
        X = np.asarray(X, dtype=np.float64)
        workspace = allocate(len(X), len(self.intercepts_[0]))
        return backpropagate(X, self._targets(y), *self.coefs_, *self.intercepts_, workspace)

    def _targets(self, y: ArrayLike) -> Float[Array, "rows 1"]:
        """1 for the second class and 0 for the first, as a column of floats."""
        y = np.asarray(y).reshape(-1, 1)
        if not np.isin(y, self.classes_).all():
            raise ValueError(f"y holds labels other than {self.classes_.tolist()}")
        return (y == self.classes_[1]).astype(np.float64)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """The logit of each row, shape (rows,): above 0 the second class is the likelier."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        _, logit = forward(X, *self.coefs_, *self.intercepts_)
        return logit[:, 0]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, shape (rows, 2)."""
        logit = self.decision_function(X)
        return sigmoid(np.column_stack([-logit, logit]))

    def predict(self, X: Any) -> NDArray[Any]:
        """The likelier class of each row, shape (rows,)."""
        second = self.decision_function(X) > 0
        return self.classes_[second.astype(int)]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def two_classes(y: NDArray[Any]) -> NDArray[Any]:
    """The two different labels in y, sorted. Raises ValueError if there are more or fewer."""
    classes = np.unique(y)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of y is {kind}.")
    if len(classes) != 2:
        raise ValueError(f"y must hold two classes; it holds one class, {classes.tolist()}")
    return classes


def warn_not_converged(tol: float, max_iter: int) -> None:
    """Tell the caller of `fit` that the iterations ran out before the gradient was small."""
    message = f"after max_iter={max_iter} steps the gradient was not yet as short as tol={tol}"
    warnings.warn(message, ConvergenceWarning, stacklevel=4)
