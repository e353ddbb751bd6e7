"""The network, piece by piece."""

import numpy as np
from ask import ask, student
from exam.network import (
    PARTS,
    columns,
    gradients_of,
    labels,
    needs,
    ready,
    set_weights,
    weights_of,
    write,
)
from exam.watching import watched_gradients

with ask("forward/own") as (given, answer):
    network = ready(given.X.shape[1])
    needs(network, "predict_proba")
    table = columns(network.predict_proba(given.X.copy()))
    answer.first, answer.last, answer.columns = table[:, 0], table[:, -1], table.shape[1]

with ask("forward/weights") as (given, answer):
    network = set_weights(ready(given.X.shape[1]), *(vars(given)[part] for part in PARTS))
    needs(network, "predict_proba")
    answer.last = columns(network.predict_proba(given.X.copy()))[:, -1]

with ask("forward/labels") as (given, answer):
    network = set_weights(ready(given.X.shape[1]), *(vars(given)[part] for part in PARTS))
    needs(network, "predict")
    answer.labels = np.ravel(network.predict(given.X.copy()))

with ask("gradients/own") as (given, answer):
    network = ready(given.X.shape[1])
    needs(network, "loss_and_gradients")
    answer.loss = float(network.loss_and_gradients(given.X.copy(), labels(given.y))[0])


def losses_along(network, given, weights, sign):
    """The loss with all weights moved a step along each direction given, or against it."""
    ends, losses = np.cumsum([part.size for part in weights])[:-1], []
    for direction in given.directions:
        steps = np.split(sign * direction, ends)
        set_weights(network, *(w + s.reshape(w.shape) for w, s in zip(weights, steps, strict=True)))
        losses.append(gradients_of(network, given.X, given.y)[0])
    return losses


for shape in ("square", "narrower", "wider"):
    with ask(f"gradients/{shape}") as (given, answer):
        weights = [vars(given)[part] for part in PARTS]
        network = set_weights(ready(given.X.shape[1]), *weights)
        answer.loss, parts = watched_gradients(answer, network, given.X, given.y)
        write(answer, parts)
        write(answer, weights_of(network), "{}_after")
        answer.kinds = sorted({str(part.dtype) for part in parts.values()})
        doubled = np.vstack([given.X] * 2), np.concatenate([given.y] * 2)
        twice = watched_gradients(answer, network, *doubled)
        write(answer, twice[1], "{}_twice")
        answer.ahead = losses_along(network, given, weights, 1)
        answer.behind = losses_along(network, given, weights, -1)

for weights in ("confident", "real"):
    with ask(f"gradients/{weights}") as (given, answer):
        network = set_weights(ready(given.X.shape[1]), *(vars(given)[part] for part in PARTS))
        answer.loss, parts = watched_gradients(answer, network, given.X, given.y)
        write(answer, parts)

for call in ("fit", "predict", "loss"):
    with ask(f"inputs/{call}") as (given, answer):
        network, given.y = ready(given.X.shape[1]), labels(given.y)
        if call == "fit":
            network.fit(given.X, given.y)
        elif call == "predict":
            there = [name for name in ("predict", "predict_proba") if hasattr(network, name)]
            needs(network, *([] if there else ["predict"]))
            for name in there:
                getattr(network, name)(given.X)
        else:
            needs(network, "loss_and_gradients")
            network.loss_and_gradients(given.X, given.y)
        answer.X, answer.y = given.X, given.y

with ask("start/widths") as (given, answer):
    for d in given.widths:
        shapes, fresh = {}, student.ScratchNetwork(random_state=0)
        if hasattr(fresh, "initialise"):  # its absence is marked where fresh weights are
            fresh.initialise(int(d))
            needs(fresh, "coefs_")
            shapes["fresh"] = [list(np.shape(part)) for part in fresh.coefs_]
        trained = ready(int(d))
        needs(trained, "coefs_")
        shapes["trained"] = [list(np.shape(part)) for part in trained.coefs_]
        setattr(answer, f"features_{d}", shapes)

with ask("start/weights") as (given, answer):
    for name, state in (("W1", 0), ("W1_again", 0), ("W1_other", 1)):
        fresh = student.ScratchNetwork(random_state=state)
        needs(fresh, "initialise")
        fresh.initialise(5)
        needs(fresh, "coefs_")
        setattr(answer, name, np.array(fresh.coefs_[0]))
