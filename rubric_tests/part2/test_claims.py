"""Claims: the accuracy reported is the accuracy measured, free running."""

import numpy as np
import pytest

from assay.rubric import ForReview, KnownMistake, Wrong, answered, follows_from
from rubric_tests.part2 import answers
from rubric_tests.part2.judgement import after_marks_for

pytestmark = pytest.mark.criterion("claims")

ROUNDING = 0.00501  # a claim may be rounded to two digits
FEW = 50  # test sequences: of fewer, chance alone does not make a claim believable


@pytest.mark.hint("an accuracy is a share between 0 and 1")
def test_an_accuracy_is_reported(evidence, given, kept, runs):
    """`reversal_accuracy` is reported, as a share between 0 and 1."""
    check_there_is_something_to_claim(evidence, given, kept, runs)
    claim = float(evidence["claims/reversal"].accuracy)

    assert 0 <= claim <= 1, f"`reversal_accuracy` is {claim:g}"


@pytest.mark.hint("whole sequences, never trained on, answered free running")
def test_it_is_what_is_measured(evidence, given, kept, runs, measure, submission):
    """`reversal_accuracy` is the share of sequences that `generate` answers without a fault."""
    check_there_is_something_to_claim(evidence, given, kept, runs)
    with after_marks_for(evidence, given, "attention", "generation"):
        claim = float(evidence["claims/reversal"].accuracy)
        measure("accuracy claimed", claim)
        everything = answers.marked(evidence, given, kept)
        unseen = answers.never_seen(evidence, everything)

        n = len(evidence["data/test"].inputs) if answered(evidence, "data/test") else 1000
        allowed = reach(n, unseen)
        ways = everything, unseen, answers.each_once(unseen)
        off = min(abs(claim - marks.share) for marks in ways)
        if reach(FEW, unseen) < off <= allowed:
            raise ForReview(
                f"`reversal_accuracy` is {claim:.3f}, measured is {unseen.share:.3f}: of "
                f"so few test sequences ({n}) almost any share may be true"
            )
        if off > allowed:
            wrong = f"`reversal_accuracy` is {claim:.3f}, measured is {unseen.share:.3f}"
            if answers.evaluated_in_training_mode(evidence, submission):
                follows_from("generation", answers.IN_TRAINING_MODE)
            if abs(claim - unseen.share_of_digits) <= allowed:
                raise KnownMistake("the claim is the share of digits, not of sequences", wrong)
            raise Wrong(wrong)


def check_there_is_something_to_claim(evidence, given, kept, runs) -> None:
    """Of an untrained model any share is as good as another.

    Where `train` does train, and nothing was learned for all that, it is marked under `reversal`.
    """
    if reason := answers.is_untrained(runs):
        raise KnownMistake("there is nothing to report", reason)
    answers.follow_from_nothing_learned(evidence, given, kept)


def reach(n: int, marks: answers.Marked) -> float:
    """How far a claim may be off: its rounding, and what two random samples may differ by."""
    share = float(np.clip(marks.share, 0.01, 0.99))
    spread = np.sqrt(share * (1 - share) * (1 / max(n, 1) + 1 / max(len(marks.exact), 1)))
    return ROUNDING + 3.3 * float(spread)
