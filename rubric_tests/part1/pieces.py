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
    y, tested = found.y_train, found.y_test
    spread = np.where(found.X_train.std(axis=0) > 0, found.X_train.std(axis=0), 1)
    answers = [reference.neighbours(found.X_train / spread, y, found.X_test / spread)]
    with suppress(ArithmeticError, ValueError):
        answers.append(reference.logistic_labels(found.X_train, y, found.X_test))
    commoner = max(np.mean(tested == label) for label in np.unique(tested))
    best = max(reference.accuracy(labels, tested) for labels in answers)
    if best < commoner + TOLD * (1 - commoner) - 1e-9 or commoner == 1:
        raise Wrong("the labels have nothing to do with the features")
    right = run.kept["notebook/split"].y
    if run.parameterised and not np.isin(np.concatenate([y, tested]), right).all():
        raise Wrong("the labels are not those of the data set")


PIECES = (forward, gradients, network, split)
ASKED = ("forward/weights", "gradients/square", "parity/0", "notebook/split")
"""What the pieces are read from."""
