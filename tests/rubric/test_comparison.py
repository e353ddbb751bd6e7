"""Comparisons hold for what is right, and say where and by how much for what is not."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from assay.rubric import (
    KnownMistake,
    Wrong,
    assert_close,
    assert_comparable,
    assert_differs,
    assert_one_shape,
    assert_same,
    precision,
    same,
    same_numbers,
    tolerance,
)

FINITE = arrays.arrays(
    np.float64,
    arrays.array_shapes(min_dims=0, max_dims=3, max_side=4),
    elements=st.floats(-1e6, 1e6),
)


def reason(check, *args, **kwargs) -> str:
    """What a check says of wrong answers."""
    with pytest.raises(Wrong) as wrong:
        check(*args, **kwargs)
    return str(wrong.value)


@given(FINITE)
def test_what_is_equal_is_close(array: np.ndarray):
    assert_close(array, array.copy())


@given(FINITE.filter(lambda a: a.size), st.data())
def test_the_entry_that_is_furthest_off_is_named(array: np.ndarray, data: st.DataObject):
    """Its index, what it is and what it should be."""
    place = tuple(data.draw(st.integers(0, n - 1)) for n in array.shape)
    wrong = array.copy()
    wrong[place] += 10.0
    where = f" at [{', '.join(map(str, place))}]" if place else ""

    said = reason(assert_close, wrong, array, what="it")

    assert said == f"it is {wrong[place]:.6g}{where}, expected {array[place]:.6g}"


def test_a_shape_is_compared_first():
    """Nothing is broadcast: a column is no row, and one number is no series of it."""
    said = reason(assert_close, np.ones((3, 1)), np.ones(3), what="dW")

    assert said == "dW has shape (3, 1), expected (3,)"
    assert "shape ()" in reason(assert_close, 1.0, np.ones(3))


def test_a_known_mistake_is_named_before_the_difference():
    """By its sentence, which reports count; one that fits by broadcasting is none."""
    x, y = np.array([1.0, 2.0]), np.array([3.0, 3.0])
    mistakes = {"it is one number": np.array(-2.0), "it subtracts": x - y, "it also": x - y}

    with pytest.raises(Wrong, match=r"^the sum: it subtracts$") as wrong:
        assert_close(x - y, x + y, what="the sum", known_mistakes=mistakes, hint="the sign?")

    assert (wrong.value.mistake, wrong.value.hint) == ("it subtracts", "the sign?")


def test_a_mistake_that_is_not_made_is_not_named():
    with pytest.raises(Wrong) as wrong:
        assert_close([0.0], [1.0], known_mistakes={"it doubles": np.array([2.0])})

    assert wrong.value.mistake == ""


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_furthest_off(bad: float):
    """NaN is close to nothing, itself included."""
    assert reason(assert_close, [9.0, bad], [1.0, 1.0]) == f"the answer is {bad} at [1], expected 1"
    if np.isnan(bad):
        assert "nan at [0]" in reason(assert_close, [bad], [bad])


def test_infinite_numbers_that_agree_are_not_the_difference():
    """The place that differs is named."""
    said = reason(assert_close, [np.inf, 1.0], [np.inf, 2.0])

    assert said == "the answer is 1 at [1], expected 2"


@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32, np.complex128])
def test_every_kind_of_number_can_be_told(kind: type):
    """Also those that NumPy cannot subtract, or that wrap where they are subtracted."""
    said = reason(assert_close, np.array([0, 1], kind), np.array([1, 1], kind))

    assert said.startswith("the answer is 0")
    assert "at [0], expected 1" in said


def test_an_empty_answer_is_close_to_an_empty_one_alone():
    assert_close(np.empty((0, 2)), np.empty((0, 2)))

    assert "shape (0, 2)" in reason(assert_close, np.empty((0, 2)), np.empty((2, 0)))


@given(FINITE, FINITE)
def test_same_numbers_are_those_that_are_close(one: np.ndarray, other: np.ndarray):
    """The two say the same of any pair."""
    try:
        assert_close(one, other, atol=1e-6)
    except Wrong:
        assert not same_numbers(one, other, atol=1e-6)
    else:
        assert same_numbers(one, other, atol=1e-6)


def test_single_precision_is_less_exact():
    single, double = np.ones(3, np.float32), np.ones(3)

    assert precision(double) < precision(single) == precision(double, single)
    assert same(single, np.float32(1 + 1e-5) * single)
    assert not same(double, (1 + 1e-5) * double)


def test_one_huge_number_excuses_no_other():
    """A tolerance goes by most entries, not by the largest."""
    x = np.array([1.0, 2.0, 3.0, 1e12])

    assert tolerance(x) < 1e-5
    assert tolerance(np.empty(0)) == precision(np.empty(0))


def test_two_answers_that_agree_or_differ():
    x = np.array([1.0, 2.0, 4.0])

    assert_same(x, x + 1e-9, "it changes")
    assert_differs(x, x + 1, "it does not change")

    assert (
        reason(assert_same, x, x + np.array([0, 0, 0.25]), "it changes")
        == "it changes (by up to 0.25)"
    )
    assert reason(assert_differs, x, x + 1e-9, "it does not change") == "it does not change"


@pytest.mark.parametrize("check", [assert_same, assert_differs])
@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (np.empty(0), np.empty(0), "the answer is empty"),
        (np.zeros(3), np.zeros(3), "every number of the answer is the same"),
        (np.arange(3.0), np.ones(3), "every number of the answer is the same"),
        (np.ones(3, bool), np.ones(3, bool), "every number of the answer is the same"),
        (np.arange(3.0), np.arange(4.0), "answers of different shapes: (3,), (4,)"),
    ],
)
def test_what_says_nothing_is_not_compared(check, one: np.ndarray, other: np.ndarray, said: str):
    """A constant function passes no relation, and an answer that is not there neither."""
    assert reason(check, one, other, "whatever") == said


def test_nan_agrees_with_nothing():
    x = np.array([1.0, np.nan])

    assert reason(assert_same, x, x, "it changes").startswith("it changes")
    assert_differs(x, x, "it does not change")


def test_booleans_can_differ():
    one, other = np.array([True, False]), np.array([False, True])

    assert reason(assert_same, one, other, "they flip") == "they flip (by up to 1)"


def test_shapes_and_constants_by_themselves():
    assert_comparable(np.arange(2.0), np.arange(2.0))
    assert_comparable(np.array(3.0), np.array(4.0))  # one number is not the same as itself twice
    assert_one_shape(np.ones(2), np.zeros(2))

    assert "different shapes" in reason(assert_one_shape, np.ones(2), np.ones(3))


def test_a_known_mistake_is_the_same_sentence_in_every_run():
    """What was found in this run stands behind it, and is not counted."""
    mistake = KnownMistake("it is a sum", "69 for 100 rows", hint="how many rows?")

    assert (str(mistake), mistake.mistake) == ("it is a sum: 69 for 100 rows", "it is a sum")
    assert mistake.hint == "how many rows?"
    assert str(KnownMistake("it is a sum")) == "it is a sum"


@pytest.mark.parametrize("huge", [np.inf, 1e308])
def test_huge_answers_do_not_make_everything_the_same(huge: float):
    """A tolerance is finite, so that two answers that differ are never taken for one."""
    one, other = np.array([huge, -huge, 1.0]), np.array([huge, -huge, 2.0])

    assert np.isfinite(tolerance(one, other))
    assert not same(one, other)
    assert reason(assert_same, one, other, "it changes").startswith("it changes (by up to")


def test_lists_and_numbers_are_compared_too():
    """In a test of a rubric's own."""
    assert_same([1.0, 2.0], [1.0, 2.0], "it changes")
    assert_differs(1.0, 2.0, "it does not change")

    assert reason(assert_same, [1, 2], [1, 4], "it changes") == "it changes (by up to 2)"
    assert reason(assert_one_shape, [1, 2], 3) == "answers of different shapes: (2,), ()"


@pytest.mark.parametrize(
    "mistakes", [["it doubles"], {"it doubles": lambda x: 2 * x}], ids=["a list", "a function"]
)
def test_a_known_mistake_that_can_never_be_met(mistakes: Any):
    """It is told over a right answer, before a student makes the mistake."""
    with pytest.raises(TypeError, match="known"):
        assert_close([1.0], [1.0], known_mistakes=mistakes)
