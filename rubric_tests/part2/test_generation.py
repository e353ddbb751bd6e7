"""Generation: free running, from a list of digits to a list of digits."""

import pytest

from assay.rubric import follows_from
from rubric_tests.part2 import answers
from rubric_tests.part2.judgement import (
    NotRecognised,
    after_marks_for,
    after_marks_for_training,
    is_written,
)

pytestmark = pytest.mark.criterion("generation")

EARLIER = (
    "attention",
    "masks",
    "multi-head",
    "embedding",
    "positions",
    "feed-forward",
    "layers",
)


@pytest.mark.hint(
    "`generate(model, [3, 5, 2, 4, 1])` returns a list of digits: no BOS, no EOS, no prompt"
)
def test_answers_are_lists_of_digits(evidence, given, kept, runs):
    """`generate` returns the digits of an answer, as many as there should be."""
    with (
        answers.of_a_trained_model(evidence, given, kept, runs),
        after_marks_for_training(runs),
        after_marks_for(evidence, given, *EARLIER),
    ):
        try:
            answers.check_answers_are_digits(evidence, given)
        except NotRecognised as reason:
            follows_from("reversal", str(reason))


@pytest.mark.hint("`model.eval()`, and the likeliest token each time")
def test_the_same_question_has_the_same_answer(evidence, given, kept, runs, submission):
    """Asked again, the model gives the same answers, in the notebook too."""
    with answers.of_a_trained_model(evidence, given, kept, runs):
        with after_marks_for(evidence, given, *EARLIER):
            answers.check_repeatable(evidence, given)
        answers.check_evaluation_mode(evidence, submission)


@pytest.mark.hint("the next token is the likeliest one of the logits at the last place")
def test_answers_are_the_models_own(evidence, given, kept, runs):
    """What `generate` returns is what the model's own logits say, step by step."""
    with (
        answers.of_a_trained_model(evidence, given, kept, runs),
        after_marks_for(evidence, given, *EARLIER),
    ):
        answers.check_answers_are_the_models(evidence, given)


@pytest.mark.hint("does a sequence see the padding that a longer one beside it needs?")
def test_answers_do_not_depend_on_the_batch(evidence, given, kept, runs, submission):
    """`generate_batch`, where there is one, answers like `generate`."""
    with (
        answers.of_a_trained_model(evidence, given, kept, runs),
        after_marks_for(evidence, given, *EARLIER),
    ):
        try:
            answers.check_together(evidence, given)
        except Exception as error:
            written = is_written(submission, "generate_batch")
            if getattr(error, "absent", "") == "generate_batch" and not written:
                pytest.skip("not asked: there is no `generate_batch`, and there need not be")
            raise
