"""A question, a mistake and a row are plain records, which the harness reads by their names."""

import dataclasses

import numpy as np
import pytest

from assay.rubric import ForReview, Question, Row, Wrong, table


def test_a_question_keeps_nothing_if_nothing_is_said():
    """Each has a dict of its own."""
    one, other = (Question(shown={"x": np.ones(2)}, answers={"out": (2,)}) for _ in range(2))

    assert (one.kept, one.largest, one.seconds) == ({}, None, None)
    assert one.kept is not other.kept
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.seconds = 3.0  # type: ignore[misc]


def test_a_row_without_a_call_is_a_value():
    rows = [Row(("W1", "W2"), "", "weights"), Row(("fit",), "(X, y)", "trains", optional=True)]

    assert table(rows).splitlines()[2:] == [
        "| `W1, W2` | weights |",
        "| `fit(X, y)` | trains (optional) |",
    ]
    assert table([]).splitlines() == ["| name | meaning |", "|---|---|"]


def test_what_a_person_looks_at_is_no_failure():
    """`AssertionError` is *failed*; what is for review is none."""
    assert not issubclass(ForReview, AssertionError)
    assert ForReview("why").for_review
    assert issubclass(Wrong, AssertionError)
