"""Is there anything at all? Pieces of Part 2 that only work can have made."""

from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from assay.rubric import Wrong, answered, holds
from rubric_tests.part2 import attention_checks, layer_checks, tasks
from rubric_tests.part2.answers import spread


@cache  # every test asks
def something_works(run: Any) -> None:
    """Some piece of the part is right, or wrong in a way that has a name.

    Many relations hold of any numbers of the right shape, and that nothing bad was found says
    something only where there is something. So nothing counts where none of the pieces is there;
    where nothing was answered at all, nothing is called wrong either.
    """
    for piece in PIECES:
        with suppress(Exception):
            return piece(run)
    if not any(answered(run.evidence, question) for question in ASKED):
        run.evidence[ASKED[0]]  # raises: what is not answered, for want of a name, is not wrong
    raise Wrong("no piece of this part is there and right: there is nothing to judge")


def attention(run: Any) -> None:
    """The weights are those of the formula, or of one that is known to be wrong."""
    formula(run, attention_checks.check_weights, run.evidence["attention/weights"].weights)


def heads(run: Any) -> None:
    """The same of several heads."""
    formula(run, attention_checks.check_heads, run.evidence["multi-head/self-two"].out)


def formula(run: Any, check: Any, answer: np.ndarray) -> None:
    if not np.ptp(answer) or not holds(check, run.evidence, run.given):
        raise Wrong("the numbers are those of no formula")


def embedding(run: Any) -> None:
    """Every token has its own row."""
    layer_checks.check_rows(run.evidence, run.given)


def pairs(run: Any) -> None:
    """Some pairs of the training half are right, and not all alike."""
    found, task = run.evidence["data/train"], str(run.parameters["task"])
    some = spread(min(len(found.inputs), len(found.targets)), 20)
    inputs, targets = (tasks.sequences(part[some]) for part in (found.inputs, found.targets))
    right = [tasks.answer(task, sequence) for sequence in inputs]
    if right != targets or len({tuple(sequence) for sequence in inputs}) < min(10, len(inputs)):
        raise Wrong("the pairs of the training half are not right")
    if all(sequence == target for sequence, target in zip(inputs, targets, strict=True)):
        raise Wrong("every answer is its question")


def answers(run: Any) -> None:
    """At least half of the digits that the model answers are right."""
    found = run.evidence["reversal/answers"].answers
    right = run.kept["reversal/answers"].right[: len(found)]
    if not np.mean((found == right)[right != tasks.NOTHING]) > 0.5:
        raise Wrong("most digits are wrong")


def learning(run: Any) -> None:
    """The model learns a batch of random answers by heart."""
    layer_checks.check_by_heart(run.evidence, run.given)
    losses = run.evidence["training/batch"].losses
    if losses.min() < 0 or np.mean(np.diff(losses) < 0) < 0.7:
        raise Wrong("the losses are not those of a model that learns")


PIECES = (attention, heads, embedding, learning, pairs, answers)
ASKED = (
    *("attention/weights", "multi-head/self-two", "embedding/rows", "training/batch"),
    *("data/train", "reversal/answers"),
)
"""What the pieces are read from."""
