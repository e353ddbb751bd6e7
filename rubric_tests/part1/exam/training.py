"""Training: single steps, and whole fits on fresh splits."""

import sys

import numpy as np
from ask import Missing, TimeUp, ask, student
from exam.network import gradients_of, weights_of, write

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


def trained_on(k):
    if k not in trained:
        raise Missing(f"the network of fresh split {k} was not trained to its end")
    return trained[k]


for k in range(3):
    with ask(f"parity/{k}") as (given, answer):
        network = student.ScratchNetwork(random_state=int(given.random_state))
        try:
            network.fit(given.X_train.copy(), given.y_train.copy())
        finally:
            if not isinstance(sys.exception(), TimeUp):  # how far it came would depend on speed
                trained[k] = network
        answer.labels = np.ravel(network.predict(given.X_test.copy()))
    with ask(f"parity/{k}/weights") as (given, answer):
        write(answer, weights_of(trained_on(k)))


with ask("training/curve") as (given, answer):
    answer.loss_curve = np.ravel(trained_on(0).loss_curve_)

with ask("training/weights") as (given, answer):
    write(answer, weights_of(trained_on(0)))
    fresh = student.ScratchNetwork(random_state=0)
    fresh.initialise(trained_on(0).coefs_[0].shape[0])
    write(answer, weights_of(fresh), "{}_start")
