"""Scaled rows under names of their own: `X_train_scaled` beside an `X_train` that is as it came.

They are the split's rows where each of their columns is one of `X_train` shifted and stretched, and
where the network that was left has on them, and not on `X_train`, the loss with which its training
ended. So nothing can stand there that the notebook could not have called `X_train`.
"""

import copy
from contextlib import suppress

import numpy as np
from ask import student
from exam.network import is_network, labels, last_step

EXACT = 1e-5  # of a column's range: what float32 leaves
AT_END = 0.25  # of the loss at the end of the record: mini-batches make it jump
NEARER = 4  # times, than on any other table: features of one size may be scaled too
ROUNDING = 0.00501  # a claim may be rounded to two digits
FEW = 20  # tables of a part: a notebook that has more has other uses for them


def rows_taken(X_train, X_test, y_train, y_test):
    """The scaled tables that the notebook's network takes; None where it takes the split's own.

    Where one network was trained on each, it is the one whose accuracy was reported.
    """
    try:
        tables = [(X_train, X_test), *scaled_beside(X_train, X_test)]
        if len(tables) == 1:
            return None
        networks = [value for value in student.instances(object) if is_network(value)]
        claim = float(student.network_accuracy)
    except Exception:  # what is not there is asked elsewhere
        return None
    ends = {}
    for network in networks:
        with suppress(Exception):  # what a model does wrong is asked elsewhere
            end = trained_on(network, [train for train, _ in tables], y_train)
            if end is not None:
                right = np.mean(np.ravel(copy.deepcopy(network).predict(tables[end][1])) == y_test)
                ends[end] = ends.get(end, False) or bool(abs(right - claim) <= ROUNDING)
    others = [end for end in ends if end and (ends[end] or 0 not in ends)]
    return tables[max(others, key=ends.get)] if others else None


def trained_on(network, tables, targets):
    """Which of the tables a network was trained on; None where that is not seen.

    On that its weights have the loss with which its record ends.
    """
    if last_step(network) is not network:
        return None  # a pipeline scales its rows by itself
    curve = np.ravel(network.loss_curve_).astype(np.float64)
    ends = np.array([curve[-1], curve[-max(1, len(curve) // 10) :].mean()])
    gaps = [float(np.abs(loss_on(network, X, targets) - ends).min()) for X in tables]
    best, second = np.argsort(gaps)[:2]
    is_near = gaps[best] <= AT_END * abs(ends[1]) and NEARER * gaps[best] <= gaps[second]
    return int(best) if is_near else None


def loss_on(network, X, targets):
    return float(copy.deepcopy(network).loss_and_gradients(X.copy(), labels(targets))[0])


def scaled_beside(X_train, X_test):
    """The pairs of tables that are both parts scaled, by one scaler where there are several."""
    trains, tests = (scaled_versions(X) for X in (X_train, X_test))
    if len(trains) == len(tests) == 1:  # each part may have gone through a scaler of its own
        return [(trains[0][0], tests[0][0])]
    pairs = [(a, [b for b, like in tests if is_one_scaler(by, like)]) for a, by in trains]
    return [(a, beside[0]) for a, beside in pairs if beside]


def is_one_scaler(by, like):
    """Whether slopes and shifts are the same, of columns that move in both parts."""
    moves = (by[0] > 0) & (like[0] > 0)
    return bool(moves.any()) and np.allclose(by[:, moves], like[:, moves], rtol=1e-3, atol=1e-9)


def scaled_versions(X):
    """The tables that are X with its columns shifted and stretched, each with how."""
    found = []
    for value in student.instances(object):
        if type(value).__name__ not in ("ndarray", "DataFrame"):
            continue
        if getattr(value, "shape", None) != X.shape:
            continue
        try:
            table = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):  # of words
            continue
        with np.errstate(all="ignore"):
            how = scaling(X, table)
        if how is not None and not any(np.array_equal(table, other) for other, _ in found):
            found.append((table, how))
    return found[:FEW]


def scaling(X, table):
    """Slope and shift of each column, (2, d); None where it is another table, or X itself."""
    centre, spread = X.mean(axis=0), np.ptp(X, axis=0)
    moves = spread > 0
    slope = np.zeros(X.shape[1])
    moved = (X - centre)[:, moves]
    slope[moves] = (moved * table[:, moves]).sum(axis=0) / (moved**2).sum(axis=0)
    shift = table.mean(axis=0) - slope * centre
    error = np.abs(slope * X + shift - table).max(axis=0)
    size = np.where(moves, slope * spread, 1 + np.abs(shift))  # one that is constant stays so
    if not (slope[moves] > 0).all() or not (error <= EXACT * size).all():
        return None
    is_itself = np.allclose(slope[moves], 1) and np.allclose(shift, 0)
    return None if is_itself else np.stack([slope, shift])
