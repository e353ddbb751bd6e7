"""One hidden layer, as wide as the input."""

import pytest

from rubric_tests.part1.judgement import check_hidden_layer

pytestmark = pytest.mark.criterion("hidden-layer")


@pytest.mark.hint("the assignment says how many hidden units there are for how many features")
def test_as_many_hidden_units_as_features(evidence, given):
    """There is one hidden layer, and it has as many units as the data have features."""
    check_hidden_layer(evidence, given)
