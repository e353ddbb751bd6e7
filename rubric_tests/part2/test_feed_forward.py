"""The feed-forward network: the same bent function for every token by itself."""

import pytest

from rubric_tests.part2 import layer_checks

pytestmark = pytest.mark.criterion("feed-forward")


@pytest.mark.hint("the linear maps act on the last axis alone")
def test_each_token_by_itself(evidence, given):
    """A token's output depends on that token alone, and not on its place."""
    layer_checks.check_position_wise(evidence, given)


@pytest.mark.hint("two linear maps one after the other are one linear map")
def test_it_is_not_linear(evidence, given):
    """Between its two linear maps there is something that bends."""
    layer_checks.check_bent(evidence, given)
