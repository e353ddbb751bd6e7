"""Reversal, or what the task is: free running, on sequences that were never trained on."""

from collections.abc import Callable
from functools import partial

import pytest

from rubric_tests.part2 import answers
from rubric_tests.part2.answers import ENOUGH
from rubric_tests.part2.judgement import after_marks_for, after_marks_for_training

pytestmark = pytest.mark.criterion("reversal")

EARLIER = (
    *("attention", "masks", "multi-head", "embedding", "positions", "feed-forward", "layers"),
    *("model", "generation"),
)


@pytest.mark.claim("digits right", at_least=0.5)
@pytest.mark.hint("let the model answer a few sequences, and look at the answers by position")
def test_digits_are_right(evidence, given, kept, runs, measure, claim):
    """Most digits are right, on sequences never trained on."""
    answers.check_there_is_a_trained_model(evidence, given, runs)
    with (
        answers.reviewed_last(*it_is_attention(evidence, given, kept)),
        after_marks_for_training(runs),
        after_marks_for(evidence, given, *EARLIER),
    ):
        answers.check_alone_as_together(evidence, given, "reversal/answers")
        answers.check_asked_in_turns(evidence, kept["reversal/answers"].right, "reversal")
        marks = answers.never_seen(evidence, answers.marked(evidence, given, kept))
        shares = marks.by_position
        measure(claim.measure, marks.share_of_digits)
        measure("digits right by position", shares, x=range(1, len(shares) + 1))

        if marks.share_of_digits < claim.at_least:
            answers.check_share(marks, 1.0)


@pytest.mark.claim("never-seen sequences right", at_least=0.5)
@pytest.mark.hint("is the loss still falling when training ends?")
def test_half_of_the_sequences_are_right(evidence, given, kept, runs, measure, claim):
    """At least half of the sequences never trained on are right from end to end."""
    answers.check_there_is_a_trained_model(evidence, given, runs)
    with (
        answers.reviewed_last(*it_is_attention(evidence, given, kept)),
        after_marks_for_training(runs),
        after_marks_for(evidence, given, *EARLIER),
    ):
        answers.check_alone_as_together(evidence, given, "reversal/answers")
        answers.check_asked_in_turns(evidence, kept["reversal/answers"].right, "reversal")
        everything = answers.marked(evidence, given, kept)
        marks = answers.never_seen(evidence, everything)
        measure("sequences answered", len(everything.exact))
        measure("sequences right", everything.share)
        measure(claim.measure, marks.share)

        answers.check_share(marks, claim.at_least)


@pytest.mark.claim("never-seen sequences right", at_least=ENOUGH)
@pytest.mark.hint("train longer, or look at which position fails")
def test_nearly_all_sequences_are_right(evidence, given, kept, runs, claim):
    """At least 95 % of the sequences never trained on are right from end to end."""
    answers.check_there_is_a_trained_model(evidence, given, runs)
    with (
        answers.reviewed_last(*it_is_attention(evidence, given, kept)),
        after_marks_for_training(runs),
        after_marks_for(evidence, given, *EARLIER),
    ):
        answers.check_alone_as_together(evidence, given, "reversal/answers")
        answers.check_asked_in_turns(evidence, kept["reversal/answers"].right, "reversal")
        marks = answers.never_seen(evidence, answers.marked(evidence, given, kept))

        answers.check_share(marks, claim.at_least)


def it_is_attention(evidence, given, kept) -> list[Callable[[], None]]:
    """That the answers come from the model's weights, and from its attention.

    It is asked first: what is no transformer earns nothing here, whatever else was lost before.
    """
    right = kept["reversal/answers"].right
    return [
        partial(answers.check_it_is_the_model, evidence, right, "reversal"),
        partial(answers.check_answers_are_said, evidence, given, "reversal/answers", right),
        partial(answers.check_attention_answers, evidence, right, "reversal"),
        partial(answers.check_layers_decide, evidence, given, "reversal"),
        partial(answers.check_answers_in_turns, evidence, "reversal"),
    ]
