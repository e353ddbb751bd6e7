"""Training, watched while `train` learns a task that was drawn for this submission."""

from contextlib import suppress

import numpy as np
import pytest

from assay.rubric import ForReview, Wrong
from rubric_tests.part2 import answers
from rubric_tests.part2.judgement import NotRecognised, where_asked

pytestmark = pytest.mark.criterion("training")


@pytest.mark.hint("large first losses come from large first weights: scale the last layer down")
def test_the_first_loss_is_that_of_guessing(evidence, given, measure):
    """Before the first step the loss is near ln(vocabulary): no answer is preferred."""
    answer = watched(evidence, given)
    if not len(answer.losses):
        pytest.skip("not seen: no cross-entropy that torch reduced to one number")
    first, guessing = float(answer.losses[0]), float(np.log(answer.vocabulary))
    measure("first loss", first)

    if first >= 3 * guessing and answers.late_loss(answer.losses) < guessing:
        raise ForReview(  # so does an output tied to an embedding of variance one, which learns
            f"the first loss is {first:.2f}, far above that of guessing, {guessing:.2f}, and comes "
            "down below it: whether the first weights are meant to be so large has to be read"
        )
    if not 0.4 * guessing < first < 3 * guessing:
        raise Wrong(f"the first loss is {first:.2f}, that of guessing would be {guessing:.2f}")


@pytest.mark.hint("call `optimizer.zero_grad()` once for every step")
def test_gradients_start_from_zero(evidence, given):
    """After each step the gradients are set back before the next."""
    watched(evidence, given)
    answers.check_gradients_start_from_zero(evidence, given)


@pytest.mark.hint("`zero_grad()` belongs before `backward()`, not after it")
def test_steps_have_gradients(evidence, given):
    """A step follows the gradients of its own batch, in which the next token is asked for."""
    watched(evidence, given)
    answers.check_targets_are_shifted(evidence, given)
    judge(answers.check_steps_have_gradients, evidence, given)


@pytest.mark.hint("which parameters were given to the optimizer, and which have a gradient?")
def test_everything_is_trained(evidence, given):
    """Every parameter that the answers depend on is changed by training."""
    watched(evidence, given)
    judge(answers.check_everything_is_trained, evidence, given)


@pytest.mark.hint("print the learning rate of every hundredth step")
def test_the_learning_rate_stays_alive(evidence, given):
    """The learning rate is not spent long before training ends."""
    watched(evidence, given)
    judge(answers.check_rate_stays_alive, evidence, given)


@pytest.mark.claim("late training loss over the first", at_most=0.9)
@pytest.mark.hint("plot the loss of every step")
def test_the_loss_falls(evidence, given, measure, claim):
    """The loss at the end is below that at the start."""
    losses = answers.losses_of(watched(evidence, given))
    if not len(losses):
        pytest.skip("not seen: no loss that is one number")
    every = max(1, -(-len(losses) // 200))
    measure("training loss", losses[::every], x=np.arange(len(losses))[::every])
    measure(claim.measure, answers.late_loss(losses) / losses[0])
    answers.check_loss_falls(evidence, given, claim.at_most)


def judge(check, evidence, given) -> None:
    try:
        check(evidence, given)
    except NotRecognised as reason:
        pytest.skip(f"not seen: {reason}")


def watched(evidence, given):
    """What was seen of the training, whatever its loss is called."""
    where_asked(evidence, "training/steps")
    answer = evidence["training/steps"]
    if "secret/answers" in evidence.questions():
        try:
            _ = evidence["secret/answers"]  # raises where `train` came to no end
        except Exception:
            answers.check_gradients_start_from_zero(evidence, given)  # it may be why
            raise
    answers.check_something_is_trained(evidence, None)
    with suppress(ForReview):
        answers.check_a_transformer_is_trained(evidence, None)
    return answer
