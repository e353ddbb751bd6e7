"""A task that nobody has seen: the digits change places and names, by rules drawn for this run.

Digits are counted here, not sequences: one place that a single training run did not get to is
bad luck, and how well a model is trained is marked under `reversal`. A model that cannot see
what stands later is told by the places at which it fails.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from rubric_tests.causes import follows_from
from rubric_tests.checks import KnownMistake, Wrong
from rubric_tests.part2 import answers
from rubric_tests.part2.judgement import after_marks_for, answered, where_asked
from rubric_tests.part2.test_reversal import EARLIER

pytestmark = pytest.mark.criterion("secret-variant")


@pytest.mark.claim("secret task: digits right", at_least=0.5)
@pytest.mark.hint("what in the code knows that the answer is the question reversed?")
def test_a_new_task_is_learned(evidence, given, kept, measure, claim):
    """Trained on another task, the model gives at least half of the digits of new sequences."""
    where_asked(evidence, "secret/answers")
    check_it_is_the_model(evidence, kept)
    with after_marks_for_reversal(evidence, given, kept, claim.at_least):
        marks = answers.marked(evidence, given, kept, "secret/answers")
        measure(claim.measure, marks.share_of_digits)
        measure("secret task: sequences right", marks.share)

        check_the_future_is_read(marks, kept)
        check(marks, claim.at_least)


@pytest.mark.claim("secret task: digits right", at_least=0.75)
@pytest.mark.hint("is `train` made for one rule, in its steps or in its model?")
def test_it_is_learned_well(evidence, given, kept, claim):
    """Trained on another task, the model gives at least three quarters of the digits."""
    where_asked(evidence, "secret/answers")
    check_it_is_the_model(evidence, kept)
    with after_marks_for_reversal(evidence, given, kept, claim.at_least):
        marks = answers.marked(evidence, given, kept, "secret/answers")
        check_the_future_is_read(marks, kept)
        check(marks, claim.at_least)


def check_it_is_the_model(evidence, kept) -> None:
    """A table of what train has seen answers as well without the model's weights.

    The task is a permutation: counting solves it, and so does a table that is learned. It is
    asked for of a transformer, in which attention finds the place.
    """
    right = kept["secret/answers"].right
    answers.check_it_is_the_model(evidence, right, "secret")
    answers.check_attention_answers(evidence, right, "secret")


def check_the_future_is_read(marks: answers.Marked, kept) -> None:
    """A model whose places see the past alone knows some digits of every answer, and few answers.

    Which digits those are follows from the rule: those that stand in the question no later
    than in the answer.
    """
    later = kept["secret/answers"].places > np.arange(5)
    shares = marks.by_position[:5]
    if len(shares) == 5 and shares[later].max() < 0.4 and shares[~later].min() > 0.8:
        raise KnownMistake(
            "each place knows only the tokens up to it: a causal mask where none belongs",
            answers.in_words(marks),
        )


def check(marks: answers.Marked, needed: float) -> None:
    """Like any task; a model that still reverses is told so."""
    reversed_anyway = (marks.answers[:, :5] == marks.asked[:, ::-1]).all(axis=1).mean()
    if reversed_anyway > 0.5:
        raise KnownMistake("trained on another task, it still reverses: the answer is not learned")
    if marks.share_of_digits < needed:
        raise Wrong(answers.in_words(marks))


@contextmanager
def after_marks_for_reversal(evidence, given, kept, needed: float) -> Iterator[None]:
    """What keeps the model from reversing keeps it from this task too, and is marked there."""
    try:
        with after_marks_for(evidence, given, "training", *EARLIER):
            yield
    except AssertionError:
        if answered(evidence, "reversal/answers"):
            share = answers.marked(evidence, given, kept).share_of_digits
            if share < needed:
                follows_from("reversal", f"there, too, only {share:.0%} of the digits are right")
        raise
