"""Training: single steps, and whole fits on fresh splits."""

import inspect

import numpy as np
from ask import Missing, TimeUp, ask, student
from exam.network import gradients_of, labels, outputs, weights_of, write

MOMENTS = {  # name: (learning rate, iterations)
    "start": (1e-12, 1),
    "small": (1e-3, 1),
    "double": (2e-3, 1),
    "step": (0.5, 1),
    "later": (0.5, 5),
}


def after(given, learning_rate, max_iter):
    network = student.ScratchNetwork(learning_rate=learning_rate, max_iter=max_iter, random_state=0)
    network.fit(given.X.copy(), labels(given.y))
    return network


with ask("update/steps") as (given, answer):
    for moment, settings in MOMENTS.items():
        write(answer, weights_of(after(given, *settings)), "{}_" + moment)

with ask("start/again") as (given, answer):
    network = after(given, 0.5, 40)
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
        setattr(answer, name, int(network.n_iter_))

with ask("update/rounds") as (given, answer):
    answer.n_iter = int(after(given, 0.1, 3).n_iter_)

with ask("update/gradient") as (given, answer):
    network = after(given, *MOMENTS["start"])
    answer.outputs = outputs(network)
    write(answer, gradients_of(network, given.X, given.y)[1])

trained, faults = {}, {}


def fitted(k):
    """The network of one split; what its `fit` raised there is raised again."""
    if k in faults:
        raise faults[k]
    return trained[k]


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
        answer.labels = np.ravel(network.predict(given.X_test.copy()))
    with ask(f"parity/{k}/weights") as (given, answer):
        write(answer, weights_of(fitted(k)))


with ask("training/curve") as (given, answer):
    answer.loss_curve = np.ravel(fitted(0).loss_curve_)

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
        write(answer, weights_of(network), "{}_" + name)
    answer.loss_curve = np.ravel(network.loss_curve_)
