"""A task that no student has seen: the digits change places and names, by rules drawn for this run.

Digits are counted here, not sequences: one place that a single training run did not get to is
bad luck, and how well a model is trained is marked under `reversal`.

One digit of the question says which of two orders applies. They differ at two places of the
answer, which stand before that digit: a table of places follows one order alone, and a model that
sees the past alone cannot know which. So by either order both of these digits have to be right
more often than such a model gets them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

from assay.rubric import KnownMistake, Wrong, answered, follows_from
from rubric_tests.part2 import answers
from rubric_tests.part2.judgement import after_marks_for, where_asked
from rubric_tests.part2.test_reversal import EARLIER

pytestmark = pytest.mark.criterion("secret-variant")

WITHOUT_CONTENT = 0.15
"""By one of the orders, a table of places has both digits right in 1 of 81 answers, who sees the
past alone in 1 of 9. Right models of 200 steps: 0.28 at least, in 41 draws.
"""


@pytest.mark.claim("secret task: digits right", at_least=0.5)
@pytest.mark.hint("what in the code knows that the answer is the question reversed?")
def test_a_new_task_is_learned(evidence, given, kept, runs, measure, claim):
    """Trained on another task, the model gives at least half of the digits of new sequences."""
    where_asked(evidence, "secret/answers")
    answers.check_there_is_a_trained_model(evidence, given, runs)
    with (
        answers.reviewed_last(*it_is_the_model(evidence, given, kept)),
        after_marks_for_reversal(evidence, given, kept, claim.at_least),
    ):
        answers.check_alone_as_together(evidence, given, "secret/answers")
        answers.check_asked_in_turns(evidence, kept["secret/answers"].right, "secret")
        marks = answers.marked(evidence, given, kept, "secret/answers")
        measure(claim.measure, marks.share_of_digits)
        measure("secret task: right by the harder order", min(shares_by_order(marks, kept)))
        measure("secret task: sequences right", marks.share)

        check(marks, kept, claim.at_least)


@pytest.mark.claim("secret task: digits right", at_least=0.75)
@pytest.mark.hint("is `train` made for one rule, in its steps or in its model?")
def test_it_is_learned_well(evidence, given, kept, runs, claim):
    """Trained on another task, the model gives at least three quarters of the digits."""
    where_asked(evidence, "secret/answers")
    answers.check_there_is_a_trained_model(evidence, given, runs)
    with (
        answers.reviewed_last(*it_is_the_model(evidence, given, kept)),
        after_marks_for_reversal(evidence, given, kept, claim.at_least),
    ):
        answers.check_alone_as_together(evidence, given, "secret/answers")
        answers.check_asked_in_turns(evidence, kept["secret/answers"].right, "secret")
        check(answers.marked(evidence, given, kept, "secret/answers"), kept, claim.at_least)


def it_is_the_model(evidence, given, kept) -> list[Callable[[], None]]:
    """A table of what train has seen answers as well without the model's weights, or attention."""
    right = kept["secret/answers"].right
    return [
        partial(answers.check_it_is_the_model, evidence, right, "secret"),
        partial(answers.check_answers_are_said, evidence, given, "secret/answers", right),
        partial(answers.check_attention_answers, evidence, right, "secret"),
        partial(answers.check_layers_decide, evidence, given, "secret"),
        partial(answers.check_answers_in_turns, evidence, "secret"),
    ]


def check(marks: answers.Marked, kept, needed: float) -> None:
    """Like any task; answers by another rule than the question's are reported as that."""
    reversed_anyway = (marks.answers[:, :5] == marks.asked[:, ::-1]).all(axis=1).mean()
    if reversed_anyway > 0.5:
        raise KnownMistake("trained on another task, it still reverses: the answer is not learned")
    check_both_orders(marks, kept)
    if marks.share_of_digits < needed:
        raise Wrong(answers.in_words(marks))


def check_the_future_is_read(marks: answers.Marked, kept) -> None:
    """A model whose places see the past alone knows some digits of every answer, and few answers.

    Which digits those are follows from the order: those that stand in the question no later
    than in the answer. Where the orders differ, all that is known stands too late.
    """
    task = kept["secret/answers"]
    alike = np.setdiff1d(np.arange(5), task.differ)
    later = task.places[alike] > alike
    shares = marks.by_position[:5][alike]
    if shares[later].max() < 0.4 and shares[~later].min() > 0.8:
        raise KnownMistake(
            "each place knows only the tokens up to it: a causal mask where none belongs",
            answers.in_words(marks),
        )


def check_both_orders(marks: answers.Marked, kept) -> None:
    """Content decides: where the orders differ, both are followed, beyond what chance explains."""
    pairs = pairs_by_order(marks, kept)
    if all(answers.interval(int(hit.sum()), len(hit))[0] > WITHOUT_CONTENT for hit in pairs):
        return
    check_the_future_is_read(marks, kept)
    shares = shares_by_order(marks, kept)
    found = (
        f"right where the orders differ: {shares[0]:.0%} by the one, {shares[1]:.0%} by the other"
    )
    if max(shares) > 0.8 and min(shares) < 0.2:
        raise KnownMistake(
            "one order of places is followed, whatever the question says: content never decides",
            found,
        )
    hint = None if max(shares) > 0.5 else "was it trained long enough for a task that is harder?"
    raise Wrong(f"{found}; {answers.in_words(marks)}", hint)


def shares_by_order(marks: answers.Marked, kept) -> list[float]:
    return [float(right.mean()) if len(right) else 0.0 for right in pairs_by_order(marks, kept)]


def pairs_by_order(marks: answers.Marked, kept) -> list[np.ndarray]:
    """For each order, and each sequence it applies to: whether the digits it decides are right."""
    task = kept["secret/answers"]
    hits = (marks.answers == marks.right)[:, task.differ].all(axis=1)
    return [hits[task.chosen[: len(hits)] == order] for order in (0, 1)]


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
