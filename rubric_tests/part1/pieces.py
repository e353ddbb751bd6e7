"""Is there anything at all? Pieces of Part 1 that only work can have made."""

from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from assay.rubric import Wrong, answered, holds
from rubric_tests import reference
from rubric_tests.part1 import judgement

LEARNT = 0.8  # of the labels are what neighbours, or a straight line, give
TOLD = 0.25  # of the labels that the commoner one does not give
BY_LUCK = 1e-6  # probability, at most, with which labels drawn by lot are so well predicted


@cache  # every test asks
def something_works(run: Any) -> None:
    """Some piece of the part is right, or wrong in a way that has a name.

    Many properties hold of any numbers of the right shape, and that nothing bad was found says
    something only where there is something. So nothing counts where none of the pieces is there;
    where nothing was answered at all, nothing is called wrong either.
    """
    for piece in PIECES:
        with suppress(Exception):
            return piece(run)
    if not any(answered(run.evidence, question) for question in ASKED):
        run.evidence[ASKED[0]]  # raises: what is not answered, for want of a name, is not wrong
    raise Wrong("no piece of this part is there and right: there is nothing to judge")


def forward(run: Any) -> None:
    """Probabilities that follow from weights set by hand."""
    sheet, found = run.given["forward/weights"], run.evidence["forward/weights"].last
    right = reference.probabilities(sheet.X, judgement.weights(sheet))
    if not min(np.abs(found - right).max(), np.abs(found - 1 + right).max()) < 1e-5:
        raise Wrong("the probabilities do not follow from the weights")


def gradients(run: Any) -> None:
    """The gradients of one layer at least, right or wrong in a known way."""
    if not (
        holds(_of_output, run.evidence, run.given) or holds(_of_hidden, run.evidence, run.given)
    ):
        raise Wrong("no gradient is right")


def _of_output(evidence: Any, given: Any) -> None:
    judgement.check_gradient(evidence, given, "gradients/square", ("W2", "b2"))


def _of_hidden(evidence: Any, given: Any) -> None:
    judgement.check_gradient(evidence, given, "gradients/square", ("W1", "b1"))


def network(run: Any) -> None:
    """Trained, it labels fresh rows as their neighbours are, or as a straight line does."""
    sheet, labels = run.given["parity/0"], run.evidence["parity/0"].labels
    nearest = reference.neighbours(sheet.X_train, sheet.y_train, sheet.X_test)
    straight = reference.logistic_labels(sheet.X_train, sheet.y_train, sheet.X_test)
    agreed = max(reference.accuracy(labels, other) for other in (nearest, straight))
    if agreed < LEARNT or not np.ptp(labels):
        raise Wrong("nothing was learnt")


def split(run: Any) -> None:
    """A data set that was split: its features tell of its labels, which are those of the data."""
    found = judgement.split_of(run.evidence)
    training, test = (found.X_train, found.y_train), (found.X_test, found.y_test)
    told = told_share(*training, *test)
    commoner = commoner_share(found.y_test)
    if told < commoner + TOLD * (1 - commoner) - 1e-9 or commoner == 1:
        raise Wrong("the labels have nothing to do with the features")
    if not (by_skill(told, found.y_test) or by_skill(told_share(*test, *training), found.y_train)):
        raise Wrong("the features tell no more of the labels than luck does")
    right = run.kept["notebook/split"].y
    labels = np.concatenate([found.y_train, found.y_test])
    if run.parameterised and not np.isin(labels, right).all():
        raise Wrong("the labels are not those of the data set")


def told_share(X: np.ndarray, y: np.ndarray, X_new: np.ndarray, y_new: np.ndarray) -> float:
    """The share of new labels that neighbours, or a straight line, tell."""
    spread = np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    answers = [reference.neighbours(X / spread, y, X_new / spread)]
    with suppress(ArithmeticError, ValueError):
        answers.append(reference.logistic_labels(X, y, X_new))
    return max(reference.accuracy(labels, y_new) for labels in answers)


def commoner_share(y: np.ndarray) -> float:
    return float(max(np.mean(y == label) for label in np.unique(y)))


def by_skill(told: float, y: np.ndarray) -> bool:
    """Whether luck tells that share of the labels too rarely (the bound of Chernoff 1952)."""
    luck = commoner_share(y)
    if told <= luck or luck == 1:
        return False
    missed = (1 - told) * np.log((1 - told) / (1 - luck)) if told < 1 else 0.0
    return bool(len(y) * (told * np.log(told / luck) + missed) > -np.log(BY_LUCK))


PIECES = (forward, gradients, network, split)
ASKED = ("forward/weights", "gradients/square", "parity/0", "notebook/split")
"""What the pieces are read from."""
