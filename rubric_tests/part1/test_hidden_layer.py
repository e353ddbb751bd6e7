"""One hidden layer, as wide as the input."""

import pytest

from assay.rubric import KnownMistake, Wrong
from rubric_tests.part1.judgement import after_marks_for, check_hidden_layer

pytestmark = pytest.mark.criterion("hidden-layer")


@pytest.mark.hint("the assignment says how many hidden units there are for how many features")
def test_as_many_hidden_units_as_features(evidence, given):
    """There is one hidden layer, and it has as many units as the data have features."""
    check_hidden_layer(evidence, given)


@pytest.mark.hint("does the width depend on anything but the number of features?")
def test_the_network_that_is_trained_is_as_wide(evidence, given):
    """Trained on rows like the data set's, it has as many hidden units as features too."""
    with after_marks_for(evidence, given, "gradients", "update"):
        shape = evidence["parity/0/weights"].W1.shape
        d = given["parity/0"].X_train.shape[1]

        if shape != (d, d):
            if shape[0] == d:
                raise KnownMistake(
                    f"the hidden layer has {shape[1]} units where there are {d} features, "
                    "not as many",
                    f"trained on {len(given['parity/0'].X_train)} rows",
                )
            raise Wrong(f"trained on {d} features, `coefs_[0]` has the shape {shape}")
