"""Training: single steps, and whole fits on fresh splits."""

import inspect

import numpy as np
from ask import Missing, TimeUp, ask, student
from exam.network import gradients_of, labels, labels_of, needs, outputs, weights_of, write

MOMENTS = {  # name: (learning rate, iterations)
    "start": (1e-12, 1),
    "small": (1e-3, 1),
    "double": (2e-3, 1),
    "step": (0.5, 1),
    "later": (0.5, 5),
    # one more iteration: some code counts the loss of the start as the first
    "small_next": (1e-3, 2),
    "double_next": (2e-3, 2),
    "step_next": (0.5, 2),
    "later_next": (0.5, 6),
}


def after(given, learning_rate, max_iter):
    network = student.ScratchNetwork(learning_rate=learning_rate, max_iter=max_iter, random_state=0)
    network.fit(given.X.copy(), labels(given.y))
    return network


def rounds_of(network):
    """How many iterations there were; one loss is recorded for each."""
    if not hasattr(network, "n_iter_") and hasattr(network, "loss_curve_"):
        return len(network.loss_curve_)
    needs(network, "n_iter_")
    return int(network.n_iter_)


with ask("update/steps") as (given, answer):
    for moment, settings in MOMENTS.items():
        write(answer, weights_of(after(given, *settings)), "{}_" + moment)

with ask("start/again") as (given, answer):
    network = after(given, 0.5, 40)
    needs(network, "loss_curve_")
    answer.first = float(network.loss_curve_[0])
    write(answer, weights_of(network))
    network.fit(given.X.copy(), labels(given.y))
    answer.again = float(network.loss_curve_[0])

with ask("training/tol") as (given, answer):
    answer.taken = "tol" in inspect.signature(student.ScratchNetwork).parameters
    answer.loose = answer.strict = -1
    for name, tol in (("loose", 0.9), ("strict", 1e-9)) if answer.taken else ():
        network = student.ScratchNetwork(max_iter=300, tol=tol, random_state=0)
        network.fit(given.X.copy(), labels(given.y))
        setattr(answer, name, rounds_of(network))

with ask("update/rounds") as (given, answer):
    network = after(given, 0.1, 3)
    needs(network, "n_iter_")
    answer.n_iter = int(network.n_iter_)

with ask("update/gradient") as (given, answer):
    network = after(given, *MOMENTS["start"])
    answer.outputs = outputs(network)
    write(answer, gradients_of(network, given.X, given.y)[1])

trained, faults = {}, {}


def fitted(k):
    """The network of one split; what its `fit` raised there is raised again."""
    if k in faults:
        raise faults[k]
    if k not in trained:
        raise Missing("the network of a few iterations was not trained to its end")
    return trained[k]


def answers_of(network, X):
    """The labels as `predict` gives them; without it, by the probabilities."""
    return (
        np.ravel(network.predict(X)) if hasattr(network, "predict") else labels_of(network, X, ())
    )


for k in range(3):
    with ask(f"parity/{k}") as (given, answer):
        try:
            network = student.ScratchNetwork(random_state=int(given.random_state))
            network.fit(given.X_train.copy(), labels(given.y_train))
        except TimeUp:  # how far it came would depend on speed
            faults[k] = Missing(f"the network of fresh split {k} was not trained to its end")
            raise
        except BaseException as fault:
            faults[k] = fault
            raise
        trained[k] = network
        answer.labels = answers_of(network, given.X_test.copy())
    with ask(f"parity/{k}/weights") as (given, answer):
        write(answer, weights_of(fitted(k)))


with ask("training/curve") as (given, answer):
    network = fitted(0)
    needs(network, "loss_curve_")
    answer.loss_curve = np.ravel(network.loss_curve_)

with ask("training/weights") as (given, answer):
    write(answer, weights_of(fitted(0)))

with ask("training/short") as (given, answer):
    state = int(given.random_state)  # the rows and the state of the first split
    fresh = {"learning_rate": 1e-12, "max_iter": 1}
    settings = {
        "other": {"random_state": state ^ 1} | fresh,
        "fresh": {"random_state": state} | fresh,
        "before": {"random_state": state, "max_iter": 7},
        "short": {"random_state": state, "max_iter": 8},
    }
    for name, parameters in settings.items():
        network = student.ScratchNetwork(**parameters)
        network.fit(given.X_train.copy(), labels(given.y_train))
        trained[name] = network
        write(answer, weights_of(network), "{}_" + name)

with ask("training/short-curve") as (given, answer):
    network = fitted("short")
    needs(network, "loss_curve_")
    answer.loss_curve = np.ravel(network.loss_curve_)
