"""The feed-forward network: the same bent function for every token by itself."""

import numpy as np
import pytest

from assay.rubric import Wrong
from rubric_tests.part2 import layer_checks
from rubric_tests.part2.judgement import NotRecognised

pytestmark = pytest.mark.criterion("feed-forward")


@pytest.mark.public
@pytest.mark.hint("print the shape after each step, for 6 sequences of 5 tokens")
def test_shape(evidence):
    """Rows of shape `(batch, length, d_model)` give finite rows of the same shape."""
    answer = evidence["feed-forward/alone"]

    if not (np.isfinite(answer.out).all() and np.isfinite(answer.one).all()):
        raise Wrong("`FeedForward` gives numbers that are not finite")


@pytest.mark.hint("the linear maps act on the last axis alone")
def test_each_token_by_itself(evidence, given):
    """A token's output depends on that token alone, and not on its place."""
    layer_checks.check_position_wise(evidence, given)


@pytest.mark.hint("two linear maps one after the other are one linear map")
def test_it_is_not_linear(evidence, given):
    """Between its two linear maps there is something that bends."""
    layer_checks.check_bent(evidence, given)


@pytest.mark.hint("Linear, then ReLU or its kin, then Linear")
def test_the_bend_is_in_the_middle(evidence, given):
    """What bends stands between the two linear maps, and nowhere else."""
    judge(layer_checks.check_place_of_the_bend, evidence, given)


@pytest.mark.hint("the non-linearity goes over all `d_hidden` numbers of a token")
def test_every_unit_bends(evidence, given):
    """Every unit between the two linear maps is bent, and adds something."""
    judge(layer_checks.check_every_unit_bends, evidence, given)


@pytest.mark.hint("Linear(d_model, d_hidden), Linear(d_hidden, d_model)")
def test_the_inner_width_is_used(evidence, given):
    """`d_hidden` is the width between the two linear maps."""
    judge(layer_checks.check_inner_width, evidence, given)


def judge(check, evidence, given) -> None:
    try:
        check(evidence, given)
    except NotRecognised as reason:
        pytest.skip(f"{reason}: the relations judge")
