"""The student's network: how it is made ready, and how its weights are set and read."""

import numpy as np
from ask import Missing, student

PARTS = ("W1", "b1", "W2", "b2")


def labels(y):
    """Whole numbers, as labels are, where those of the notebook's own rows are not floats.

    Code may count with them, and it may take rows by them: `np.eye(2)[y]`.
    """
    try:
        own = np.asarray(student.y_train).dtype
    except Exception:  # what the notebook's split is like is asked elsewhere
        own = np.dtype(int)
    return y.astype(np.float64 if own.kind == "f" else np.int64)


def needs(network, *names):
    """Say which of these the network has not: one missing name is charged once."""
    for name in names:
        if not hasattr(network, name):
            raise Missing(f"expected `ScratchNetwork` to have `{name}`", lacks=name)


def ready(n_features, **parameters):
    """A network that has seen one iteration; one that cannot be fitted is only initialised."""
    network = student.ScratchNetwork(max_iter=1, random_state=0, **parameters)
    X, y = np.linspace(-1, 1, 8 * n_features).reshape(8, n_features), np.arange(8) % 2
    try:
        network.fit(X, y)
    except Exception:  # what `fit` does wrong is asked elsewhere
        network.initialise(n_features)
        network.classes_ = np.array([0, 1])
    return network


def outputs(network):
    """1, or 2 where a softmax of two outputs stands for the sigmoid of their difference."""
    needs(network, "coefs_", "intercepts_")
    return 2 if np.shape(network.coefs_[1])[1:] == (2,) else 1


def set_weights(network, W1, b1, W2, b2):
    """Put weights in place: where the network keeps its own, and as attributes.

    `coefs_` may be a list of the arrays that it computes with, or a property that reads them out of
    a net within, where nothing can be assigned.
    """
    if outputs(network) == 2:
        W2, b2 = np.hstack([-W2 / 2, W2 / 2]), np.concatenate([-b2 / 2, b2 / 2])
    new = [np.array(part) for part in (W1, W2, b1, b2)]
    for before, after in zip([*network.coefs_, *network.intercepts_], new, strict=False):
        before = np.asarray(before)
        if before.shape == after.shape and before.flags.writeable:
            before[...] = after
        replace(network, before, after, set())
    for name, parts in (("coefs_", new[:2]), ("intercepts_", new[2:])):
        try:
            setattr(network, name, parts)
        except AttributeError:
            if not same(getattr(network, name), parts):
                raise
    return network


def same(there, wanted):
    return len(there) == len(wanted) and all(map(np.array_equal, map(as_row, there), wanted))


def replace(holder, before, after, seen, depth=5):
    """Have every list, dictionary and object below hold the one array where it holds the other.

    It may hold it turned, or a bias as a row or a column.
    """
    if id(holder) in seen or depth == 0:
        return
    seen.add(id(holder))
    if isinstance(holder, dict):
        places, keep = list(holder.items()), holder.__setitem__
    elif isinstance(holder, list | tuple):
        places, keep = list(enumerate(holder)), getattr(holder, "__setitem__", None)
    elif isinstance(getattr(holder, "__dict__", None), dict) and not callable(holder):
        replace(vars(holder), before, after, seen, depth)
        return
    else:
        return
    for key, value in places:
        if not isinstance(value, np.ndarray):
            replace(value, before, after, seen, depth - 1)
        elif keep is not None and is_of(value, before):
            keep(key, formed(after, value, before))


def is_of(value, before):
    """Whether an array is another one, in this form or a form of the same numbers."""
    at = [array.__array_interface__["data"][0] for array in (value, before)]
    return before.size > 0 and value.size == before.size and at[0] == at[1]


def formed(after, value, before):
    """An array in the form in which another was held."""
    if before.ndim == 2 == value.ndim:
        turned = value.strides != before.strides and value.shape == before.shape[::-1]
        return after.T if turned else after
    if value.ndim == 2 and before.ndim == 1:
        return after.reshape((-1, 1) if value.shape[1] == 1 else (1, -1))
    return after


def weights_of(network):
    """W1, b1, W2, b2, copied: what is trained in place must not change what was written down."""
    two = outputs(network) == 2
    W1, W2 = network.coefs_
    b1, b2 = network.intercepts_
    if two:  # their difference is the logit
        W2, b2 = np.diff(W2), np.diff(np.ravel(b2))
    return dict(
        zip(PARTS, (np.array(part) for part in (W1, as_row(b1), W2, as_row(b2))), strict=True)
    )


def write(answer, arrays, pattern="{}"):
    for name, array in arrays.items():
        setattr(answer, pattern.format(name), array)


def gradients_of(network, X, y):
    """The loss, then the gradients by name."""
    needs(network, "loss_and_gradients")
    return by_name(network, network.loss_and_gradients(X.copy(), labels(y)))


def by_name(network, said):
    """What `loss_and_gradients` says: the loss, then the gradients by name."""
    loss, (dW1, dW2), (db1, db2) = said
    if outputs(network) == 2:  # the weights set were half of it, once with each sign
        dW2, db2 = np.diff(dW2) / 2, np.diff(np.ravel(db2)) / 2
    named = {"dW1": dW1, "dW2": dW2, "db1": as_row(db1), "db2": as_row(db2)}
    return float(loss), {name: np.array(part) for name, part in named.items()}


def as_row(bias):
    """(1, h) is as good as (h,)."""
    bias = np.asarray(bias)
    return bias[0] if bias.ndim == 2 and len(bias) == 1 else bias


def columns(probabilities):
    """(n,), (n, 1) and (n, 2) all as columns."""
    return np.asarray(probabilities).reshape(len(probabilities), -1)


def outputs_of(model, X):
    """What a model says of rows: its probabilities, or its labels where it gives no others."""
    return columns(model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X))


def labels_of(model, X, names):
    """The place of each label among the sorted names; without `predict`, by the probabilities."""
    if hasattr(model, "predict"):
        return np.searchsorted(names, np.ravel(model.predict(X)))
    return (outputs_of(model, X)[:, -1] > 0.5).astype(int)


def without_memory(model):
    """Take away what `fit` left, by scikit-learn's convention: attributes that end with `_`."""
    for name in [name for name in vars(model) if name.endswith("_") and name[0] != "_"]:
        delattr(model, name)
    return model


def last_step(value):
    """The model itself, which is the last step of a pipeline."""
    return value.steps[-1][1] if type(value).__name__ == "Pipeline" else value


def is_network(value):
    return isinstance(last_step(value), student.ScratchNetwork)
