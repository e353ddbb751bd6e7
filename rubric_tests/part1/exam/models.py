"""The models that the notebook left: what they say of its split, beside copies fitted once more."""

import copy
import sys

import numpy as np
from ask import ask, student
from exam.network import labels_of, outputs_of, without_memory
from exam.notebook import split

PREDICTED = ("labels", "labels_train", "probabilities", "refit_probabilities")


def models_left(is_wanted):
    """The first few models the notebook left under a name, each once, that take its test rows."""
    found = {id(value): value for value in student.instances(object) if is_wanted(value)}
    return list(found.values())[:8]


def is_network(value):
    return isinstance(value, student.ScratchNetwork)


def is_baseline(value):
    last = value.steps[-1][1] if type(value).__name__ == "Pipeline" else value
    return type(last).__name__ == "LogisticRegression"


def answers_of(model, describe):
    """What one model says of the notebook's split, beside a copy of it fitted there once more."""
    X_train, X_test, y_train, _, names = split()
    again = without_memory(copy.deepcopy(model))
    again = again.fit(X_train.copy(), y_train.copy()) or again
    return {
        "labels": labels_of(model, X_test.copy(), names),
        "labels_train": labels_of(model, X_train.copy(), names),
        "probabilities": outputs_of(model, X_test.copy())[:, -1],
        "refit_probabilities": outputs_of(again, X_test.copy())[:, -1],
    } | describe(model, again)


def describe_network(model, again):
    state = getattr(model, "random_state", None)
    return {
        "repeatable": isinstance(state, (int, np.integer)),
        "loss": first_loss(model),
        "refit_loss": first_loss(again),
    }


def first_loss(model):
    """Where its training began; without a record, a number that another training would change."""
    if hasattr(model, "loss_curve_"):
        return float(model.loss_curve_[0])
    return float(outputs_of(model, split()[0])[:, -1].mean())


def describe_baseline(model, again):
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    return {"rounds": int(np.max(last.n_iter_)), "max_iter": int(last.max_iter)}


def interview(answer, models, describe, names):
    """Ask each model; one that cannot answer (made for other data, say) is passed over.

    Without the notebook's split none can, and that is no fault of theirs.
    """
    told, _ = [], split()
    for model in models:
        try:
            told.append(answers_of(model, describe))
        except Exception:
            continue
    answer.found = len(told)
    for name in PREDICTED:
        setattr(answer, name, np.array([one[name] for one in told]) if told else np.zeros((0, 0)))
    for name in names:
        setattr(answer, name, np.array([one[name] for one in told]))


with ask("notebook/networks") as (given, answer):
    interview(
        answer, models_left(is_network), describe_network, ("repeatable", "loss", "refit_loss")
    )

with ask("notebook/baselines") as (given, answer):
    baselines = models_left(is_baseline)
    interview(answer, baselines, describe_baseline, ("rounds", "max_iter"))
    answer.features = np.array([getattr(model, "n_features_in_", 0) for model in baselines])

with ask("source/loaded") as (given, answer):  # after everything that the student's code has done
    answer.modules = sorted(name for name in list(sys.modules) if isinstance(name, str))
