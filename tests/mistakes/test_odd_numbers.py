"""Answers of Part 1 in odd shapes and sizes are wrong, or right: none makes a test stumble."""

from types import SimpleNamespace

import numpy as np
import pytest

from assay.rubric import Wrong
from rubric_tests.part1 import test_split, test_start


class Answers(dict[str, SimpleNamespace]):
    """Answers by question, remembered by identity as those of a run are."""

    __hash__ = object.__hash__  # type: ignore[assignment]


def test_two_starts_of_different_shapes():
    answer = SimpleNamespace(W1_fresh=np.ones((3, 4)), W1_other=np.ones((4, 4)))

    with pytest.raises(Wrong, match="different shapes"):
        test_start.test_fit_begins_with_weights_drawn(
            Answers({"training/short": answer}), Answers()
        )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("spread", [5e-324, 1e-300, 1e-200])
def test_a_feature_that_hardly_varies(spread: float):
    """Its deviation is rounding: nothing is divided by it."""
    rows = np.random.default_rng(0).normal(size=(20, 3))
    rows[:, 0] *= spread
    other = rows[:5] + 1e11
    split = SimpleNamespace(X_train=rows, X_test=other)

    test_split.check_parts_are_apart(split, None)

    split.X_test = rows[:5]
    with pytest.raises(Wrong, match="training rows too"):
        test_split.check_parts_are_apart(split, None)
