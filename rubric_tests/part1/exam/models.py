"""The models that the notebook left: what they say of its split, beside copies fitted once more."""

import copy
import inspect
import sys

import numpy as np
from ask import ask, student
from exam.network import (
    is_network,
    labels,
    labels_of,
    last_step,
    outputs_of,
    without_memory,
)
from exam.notebook import split

END = ("left", "last", "before", "least")
OF_NETWORKS = ("repeatable", "loss", "refit_loss", *END, *(f"refit_{name}" for name in END))
PREDICTED = ("labels", "labels_train", "probabilities", "refit_probabilities")


def models_left(is_wanted):
    """The first few models the notebook left under a name, each once, that take its test rows."""
    left = [best_of(value) for value in student.instances(object)]
    found = {id(value): value for value in left if is_wanted(value)}
    return list(found.values())[:8]


def best_of(value):
    """Of a search the model that it answers with: to search again would take its time again."""
    if type(value).__name__ in ("GridSearchCV", "RandomizedSearchCV"):
        return getattr(value, "best_estimator_", None)
    return value


def is_baseline(value):
    last = last_step(value)
    kinds = {kind.__name__ for kind in type(last).__mro__}
    by_steps = "SGDClassifier" in kinds and getattr(last, "loss", "") in ("log_loss", "log")
    return "LogisticRegression" in kinds or by_steps


def fitted(model):
    """The same model, fitted on the notebook's training part; what it had learnt is taken away."""
    rows, y_train = rows_for(model, "X_train"), split()[2]
    without_memory(last_step(without_memory(model)))
    return model.fit(rows, y_train.copy()) or model


def rows_for(model, name):
    """The rows of a part; the table that the notebook left, for a model that knows its columns."""
    X = split()[("X_train", "X_test").index(name)]
    if hasattr(model, "feature_names_in_"):
        own, columns = getattr(student, name), list(model.feature_names_in_)
        is_table = type(own) is getattr(sys.modules.get("pandas"), "DataFrame", None)
        if is_table and set(columns) <= set(own.columns) and np.array_equal(own.to_numpy(), X):
            return own[columns].copy()
    return X.copy()


def answers_of(model, refit, describe):
    """What one model says of the notebook's split, beside one like it that is fitted there."""
    names, again = split()[-1], refit(model)
    return {
        "labels": labels_of(model, rows_for(model, "X_test"), names),
        "labels_train": labels_of(model, rows_for(model, "X_train"), names),
        "probabilities": outputs_of(model, rows_for(model, "X_test"))[:, -1],
        "refit_probabilities": outputs_of(again, rows_for(again, "X_test"))[:, -1],
    } | describe(model, again)


def copied(model):
    return fitted(copy.deepcopy(model))


def begun_alike(model):
    """A copy fitted again; or a new one, where only that one begins as this one began.

    A generator made in `__init__` goes on in a copy: its second `fit` draws other numbers than
    its first, and only a new object draws the same.
    """
    again = copied(model)
    if not is_begun_alike(model, again):
        try:
            new = fitted(made_anew(model))
        except Exception:  # its arguments are not known
            return again
        if is_begun_alike(model, new):
            return new
    return again


def made_anew(model):
    """A new object with the same arguments, as scikit-learn's `clone` makes one."""
    if last_step(model) is not model:
        new = copy.deepcopy(model)
        new.steps[-1] = (new.steps[-1][0], made_anew(model.steps[-1][1]))
        return new
    names = inspect.signature(type(model)).parameters
    own = {name: copy.deepcopy(getattr(model, name)) for name in names if hasattr(model, name)}
    return type(model)(**own)


def is_begun_alike(model, other):
    return bool(np.isclose(first_loss(model), first_loss(other), rtol=1e-6))


def describe_network(model, again):
    return {
        "repeatable": is_repeatable(model, again),
        "loss": first_loss(model),
        "refit_loss": first_loss(again),
        **end_of(model, ""),
        **end_of(again, "refit_"),
    }


def is_repeatable(model, again):
    """Whether a number says where it begins, and two fits of one object come out alike."""
    if not isinstance(getattr(last_step(model), "random_state", None), (int, np.integer)):
        return False
    return is_alike(model, again) or is_alike(again, copied(again))


def is_alike(model, other):
    outputs = [outputs_of(one, rows_for(one, "X_test"))[:, -1] for one in (model, other)]
    return is_begun_alike(model, other) and bool(np.allclose(*outputs, rtol=0, atol=1e-3))


def end_of(model, prefix):
    """The loss of the weights left, on the training part, and where the recorded losses end."""
    try:
        _, _, y_train, _, names = split()
        targets = np.searchsorted(names, y_train)
        network, rows = last_step(model), rows_for(model, "X_train")
        rows = rows if network is model else model[:-1].transform(rows)
        left = float(network.loss_and_gradients(rows, labels(targets))[0])
        before, last = (float(loss) for loss in np.ravel(network.loss_curve_)[-2:])
        least = float(np.min(network.loss_curve_))
    except Exception:  # no such names: marked where they are asked for
        left = last = before = least = -1.0
    told = (left, last, before, least)
    if not np.isfinite(told).all():
        told = (-1.0,) * len(END)
    return {f"{prefix}{name}": value for name, value in zip(END, told, strict=True)}


def first_loss(model):
    """Where its training began; without a record, a number that another training would change."""
    if hasattr(last_step(model), "loss_curve_"):
        return float(last_step(model).loss_curve_[0])
    return float(outputs_of(model, rows_for(model, "X_train"))[:, -1].mean())


def describe_baseline(model, again):
    last = last_step(model)
    # of a cross-validation the least, since it tries penalties with which none is ready in time
    most = np.min if hasattr(last, "Cs_") else np.max
    return {
        "rounds": int(most(last.n_iter_)),
        "max_iter": int(last.max_iter),
        "spread": spread_of(model, again),
    }


def spread_of(model, again):
    """How far two fits of it are apart, where it is another one than the first of them."""
    found, fit = (outputs_of(one, rows_for(one, "X_test"))[:, -1] for one in (model, again))
    if np.allclose(found, fit, rtol=0, atol=0.01):
        return 0.0
    other = copied(model)
    apart = float(np.abs(fit - outputs_of(other, rows_for(other, "X_test"))[:, -1]).max())
    return apart if np.isfinite(apart) else 0.0


def interview(answer, models, refit, describe, names):
    """Ask each model; one that cannot answer (made for other data, say) is passed over.

    Without the notebook's split none can, and that is no fault of theirs.
    """
    told, _ = [], split()
    for model in models:
        try:
            told.append(answers_of(model, refit, describe))
        except Exception:
            continue
    answer.found = len(told)
    for name in PREDICTED:
        setattr(answer, name, np.array([one[name] for one in told]) if told else np.zeros((0, 0)))
    for name in names:
        setattr(answer, name, np.array([one[name] for one in told]))


with ask("notebook/networks") as (given, answer):
    interview(answer, models_left(is_network), begun_alike, describe_network, OF_NETWORKS)

with ask("notebook/baselines") as (given, answer):
    baselines = models_left(is_baseline)
    interview(answer, baselines, copied, describe_baseline, ("rounds", "max_iter", "spread"))
    answer.features = np.array([getattr(model, "n_features_in_", 0) for model in baselines])

with ask("source/loaded") as (given, answer):  # after everything that the student's code has done
    answer.modules = sorted(name for name in list(sys.modules) if isinstance(name, str))
