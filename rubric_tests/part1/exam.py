# Runs in the student's kernel, after the student's last cell.
# It asks and writes down. It compares nothing: the judging happens elsewhere.

import copy
import sys
import warnings

import numpy as np
from ask import ask, student

warnings.simplefilter("ignore")  # a warning is not an answer, and must not become an exception

PARTS = ("W1", "b1", "W2", "b2")


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


def set_weights(network, W1, b1, W2, b2):
    """Put weights in place, both into the arrays that are there and as arrays of their own."""
    for old, new in zip([*network.coefs_, *network.intercepts_], [W1, W2, b1, b2], strict=False):
        if np.shape(old) == np.shape(new):
            old[...] = new
    network.coefs_ = [W1.copy(), W2.copy()]
    network.intercepts_ = [b1.copy(), b2.copy()]
    return network


def weights_of(network):
    """W1, b1, W2, b2, copied: what is trained in place must not change what was written down."""
    W1, W2 = network.coefs_
    b1, b2 = network.intercepts_
    return dict(zip(PARTS, (np.array(part) for part in (W1, b1, W2, b2)), strict=True))


def write(answer, arrays, pattern="{}"):
    for name, array in arrays.items():
        setattr(answer, pattern.format(name), array)


def gradients_of(network, X, y):
    """The loss, then the gradients by name."""
    loss, (dW1, dW2), (db1, db2) = network.loss_and_gradients(X.copy(), y.copy())
    named = {"dW1": dW1, "dW2": dW2, "db1": as_row(db1), "db2": as_row(db2)}
    return float(loss), {name: np.array(part) for name, part in named.items()}


def as_row(bias):
    """(1, h) is as good as (h,)."""
    bias = np.asarray(bias)
    return bias[0] if bias.ndim == 2 and len(bias) == 1 else bias


def columns(probabilities):
    """(n,), (n, 1) and (n, 2) all as columns."""
    return np.asarray(probabilities).reshape(len(probabilities), -1)


# What the notebook left behind ---------------------------------------------------------------


def split():
    """The notebook's split: rows as float64, labels as 0, 1, ... in their sorted order."""
    X_train, X_test = (np.asarray(X, dtype=np.float64) for X in (student.X_train, student.X_test))
    y_train, y_test = (np.asarray(y).ravel() for y in (student.y_train, student.y_test))
    names = np.unique(np.concatenate([y_train, y_test]))
    return X_train, X_test, y_train, y_test, names


with ask("notebook/split") as (given, answer):
    answer.X_train, answer.X_test, y_train, y_test, names = split()
    answer.y_train, answer.y_test = (np.searchsorted(names, y) for y in (y_train, y_test))

with ask("notebook/parameters") as (given, answer):
    answer.seed, answer.dataset = student.seed, str(student.dataset)

with ask("claims/logistic") as (given, answer):
    answer.accuracy = float(student.logistic_accuracy)

with ask("claims/network") as (given, answer):
    answer.accuracy = float(student.network_accuracy)


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
    again = copy.deepcopy(model)
    again = again.fit(X_train.copy(), y_train.copy()) or again
    return {
        "labels": np.searchsorted(names, np.ravel(model.predict(X_test.copy()))),
        "labels_train": np.searchsorted(names, np.ravel(model.predict(X_train.copy()))),
        "probabilities": columns(model.predict_proba(X_test.copy()))[:, -1],
        "refit_probabilities": columns(again.predict_proba(X_test.copy()))[:, -1],
    } | describe(model, again)


def describe_network(model, again):
    state = getattr(model, "random_state", None)
    return {
        "repeatable": isinstance(state, (int, np.integer)),
        "loss": float(model.loss_curve_[0]),
        "refit_loss": float(again.loss_curve_[0]),
    }


def describe_baseline(model, again):
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    return {"rounds": int(np.max(last.n_iter_)), "max_iter": int(last.max_iter)}


def interview(answer, models, describe, names):
    """Ask each model; one that cannot answer (made for other data, say) is passed over."""
    told = []
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


PREDICTED = ("labels", "labels_train", "probabilities", "refit_probabilities")

with ask("notebook/networks") as (given, answer):
    interview(
        answer, models_left(is_network), describe_network, ("repeatable", "loss", "refit_loss")
    )

with ask("notebook/baselines") as (given, answer):
    interview(answer, models_left(is_baseline), describe_baseline, ("rounds", "max_iter"))


# The network, piece by piece -----------------------------------------------------------------

with ask("forward/own") as (given, answer):
    table = columns(ready(given.X.shape[1]).predict_proba(given.X.copy()))
    answer.first, answer.last, answer.columns = table[:, 0], table[:, -1], table.shape[1]

with ask("forward/weights") as (given, answer):
    network = set_weights(ready(given.X.shape[1]), *(vars(given)[part] for part in PARTS))
    answer.last = columns(network.predict_proba(given.X.copy()))[:, -1]
    answer.labels = np.ravel(network.predict(given.X.copy()))

with ask("gradients/own") as (given, answer):
    network = ready(given.X.shape[1])
    answer.loss = float(network.loss_and_gradients(given.X.copy(), given.y.copy())[0])

for shape in ("square", "narrower", "wider"):
    with ask(f"gradients/{shape}") as (given, answer):
        flat = [vars(given)[part] for part in PARTS]
        network = set_weights(ready(given.X.shape[1]), *flat)
        answer.loss, parts = gradients_of(network, given.X, given.y)
        write(answer, parts)
        write(answer, weights_of(network), "{}_after")
        answer.kinds = sorted({str(part.dtype) for part in parts.values()})
        twice = gradients_of(network, np.vstack([given.X] * 2), np.concatenate([given.y] * 2))
        write(answer, twice[1], "{}_twice")
        for name, sign in (("ahead", 1), ("behind", -1)):
            measured = []
            for direction in given.directions:
                steps = np.split(sign * direction, np.cumsum([part.size for part in flat])[:-1])
                moved = [
                    part + step.reshape(part.shape) for part, step in zip(flat, steps, strict=True)
                ]
                set_weights(network, *moved)
                measured.append(gradients_of(network, given.X, given.y)[0])
            setattr(answer, name, measured)

with ask("gradients/confident") as (given, answer):
    network = set_weights(ready(given.X.shape[1]), *(vars(given)[part] for part in PARTS))
    answer.loss, parts = gradients_of(network, given.X, given.y)
    write(answer, parts)

for call in ("fit", "predict", "loss"):
    with ask(f"inputs/{call}") as (given, answer):
        network = ready(given.X.shape[1])
        if call == "fit":
            network.fit(given.X, given.y)
        elif call == "predict":
            network.predict(given.X), network.predict_proba(given.X)
        else:
            network.loss_and_gradients(given.X, given.y)
        answer.X, answer.y = given.X, given.y

with ask("start/widths") as (given, answer):
    for d in given.widths:
        fresh = student.ScratchNetwork(random_state=0)
        fresh.initialise(int(d))
        shapes = {"fresh": [list(np.shape(part)) for part in fresh.coefs_]}
        trained = ready(int(d))
        shapes["trained"] = [list(np.shape(part)) for part in trained.coefs_]
        setattr(answer, f"features_{d}", shapes)

with ask("start/weights") as (given, answer):
    for name, state in (("W1", 0), ("W1_again", 0), ("W1_other", 1)):
        fresh = student.ScratchNetwork(random_state=state)
        fresh.initialise(5)
        setattr(answer, name, np.array(fresh.coefs_[0]))


# Training ------------------------------------------------------------------------------------

MOMENTS = {  # name: (learning rate, iterations)
    "start": (1e-12, 1),
    "small": (1e-3, 1),
    "double": (2e-3, 1),
    "step": (0.5, 1),
    "later": (0.5, 5),
}


def after(given, learning_rate, max_iter):
    network = student.ScratchNetwork(learning_rate=learning_rate, max_iter=max_iter, random_state=0)
    network.fit(given.X.copy(), given.y.copy())
    return network


with ask("update/steps") as (given, answer):
    for moment, settings in MOMENTS.items():
        write(answer, weights_of(after(given, *settings)), "{}_" + moment)

with ask("update/rounds") as (given, answer):
    answer.n_iter = int(after(given, 0.1, 3).n_iter_)

with ask("update/gradient") as (given, answer):
    write(answer, gradients_of(after(given, *MOMENTS["start"]), given.X, given.y)[1])

trained = {}
for k in range(3):
    with ask(f"parity/{k}") as (given, answer):
        trained[k] = student.ScratchNetwork(random_state=int(given.random_state))
        trained[k].fit(given.X_train.copy(), given.y_train.copy())
        answer.labels = np.ravel(trained[k].predict(given.X_test.copy()))

with ask("training/curve") as (given, answer):
    answer.loss_curve = np.ravel(trained[0].loss_curve_)

with ask("training/weights") as (given, answer):
    write(answer, weights_of(trained[0]))
    fresh = student.ScratchNetwork(random_state=0)
    fresh.initialise(trained[0].coefs_[0].shape[0])
    write(answer, weights_of(fresh), "{}_start")


# From scratch: whose code runs when the network works ----------------------------------------


def modules_at_work(work):
    """The modules whose functions are called while `work` runs, found by the profiler."""
    seen = set()

    def note(frame, event, called):
        if event == "call":
            seen.add(frame.f_globals.get("__name__"))
        elif event == "c_call":
            owner = getattr(called, "__self__", None)
            seen.add(getattr(called, "__module__", None))
            seen.add(getattr(owner if isinstance(owner, type) else type(owner), "__module__", None))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return sorted(name for name in seen if isinstance(name, str))


def held_by(thing, depth=2):
    """The modules of the types of an object's attributes, and of what those hold."""
    values = vars(thing).values() if hasattr(thing, "__dict__") else ()
    if isinstance(thing, (list, tuple, set)):
        values = list(thing)[:50]
    elif isinstance(thing, dict):
        values = list(thing.values())[:50]
    found = {type(thing).__module__}
    for value in values if depth else ():
        found |= held_by(value, depth - 1)
    return found


with ask("source/class") as (given, answer):
    answer.module = student.ScratchNetwork.__module__
    answer.ancestors = [base.__module__ for base in student.ScratchNetwork.__mro__]

with ask("source/work") as (given, answer):
    network = student.ScratchNetwork(max_iter=3, random_state=0)

    def use_it():
        network.fit(given.X.copy(), given.y.copy())
        network.predict_proba(given.X.copy())

    answer.at_work = modules_at_work(use_it)
    answer.holds = sorted(held_by(network))

with ask("source/gradients") as (given, answer):
    network = ready(given.X.shape[1])
    call = network.loss_and_gradients
    answer.at_work = modules_at_work(lambda: call(given.X.copy(), given.y.copy()))
