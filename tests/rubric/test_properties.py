"""Each property holds for a right function, and says what is wrong with a wrong one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.rubric import (
    KnownMistake,
    Wrong,
    assert_batch_independent,
    assert_gradient,
    assert_monotone,
    assert_permuted,
    assert_rows_sum_to_one,
    assert_unchanged,
    slopes,
)

SEEDS = st.integers(0, 2**32 - 1)


def reason(check, *args, **kwargs) -> str:
    with pytest.raises(Wrong) as wrong:
        check(*args, **kwargs)
    return str(wrong.value)


def softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


# --- a gradient is the slope of the loss


@given(SEEDS, st.sampled_from([(), (3,), (2, 3), (2, 1, 2)]))
def test_the_gradient_of_a_known_function_is_its_slope(seed: int, shape: tuple[int, ...]):
    """d/dx sum(sin(x) + x^3) = cos(x) + 3 x^2, in any shape."""
    x = np.random.default_rng(seed).normal(size=shape)
    measured = slopes(lambda x: float((np.sin(x) + x**3).sum()), x)

    assert measured.shape == shape
    assert_gradient(np.cos(x) + 3 * x**2, measured)


@given(SEEDS, st.data())
def test_one_wrong_entry_is_found_and_named(seed: int, data: st.DataObject):
    x = np.random.default_rng(seed).normal(size=(2, 3)) + 3
    right = slopes(lambda x: float((x**2).sum()), x)
    wrong, i, j = right.copy(), data.draw(st.integers(0, 1)), data.draw(st.integers(0, 2))
    wrong[i, j] *= 1.001

    assert f"at [{i}, {j}] it is" in reason(assert_gradient, wrong, right)
    assert "along W1[4]" not in reason(assert_gradient, wrong, right)
    named = reason(assert_gradient, wrong, right, name=lambda k: f"w{k}")
    assert f"along w{3 * i + j} it is {wrong[i, j]:.3g}" in named


def test_the_function_may_keep_and_change_what_it_is_handed():
    """Each call has an array of its own, in float64 whatever was given."""
    kept = []

    def loss(x: np.ndarray) -> float:
        kept.append(x)
        value = float((x**2).sum())
        x[:] = 0
        return value

    x = np.array([1, 2])

    assert slopes(loss, x).round(6).tolist() == [2, 4]
    assert x.tolist() == [1, 2]
    assert len({id(array) for array in kept}) == 4


def test_a_gradient_of_another_shape_or_of_no_numbers():
    slope = np.ones((2, 3))

    assert reason(assert_gradient, slope.T, slope) == (
        "the gradient has shape (3, 2), expected (2, 3)"
    )
    assert "at [0, 0] it is nan" in reason(assert_gradient, np.full((2, 3), np.nan), slope)
    assert "slope of the loss: it is 2" in reason(assert_gradient, 2.0, 1.0)


def test_where_nothing_slopes_only_zero_is_right():
    assert_gradient(np.zeros(2), slopes(lambda x: 1.0, np.zeros(2)))

    assert_gradient([0, 1e-17], [0.0, 0.0])  # rounding
    assert "it is 1e-09, the loss rises by 0" in reason(assert_gradient, [0, 1e-9], [0.0, 0.0])


def test_slopes_that_are_no_numbers_accuse_nobody():
    """They are the judge's own: the exception is none of a verdict."""
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="`measured` holds slopes that are no numbers"):
            assert_gradient([1.0, 2.0], [1.0, bad])


# --- rows sum to one


@given(SEEDS, st.sampled_from([(4,), (2, 4), (2, 3, 4)]), st.sampled_from([np.float32, float]))
def test_a_softmax_over_the_last_axis_has_shares(seed: int, shape: tuple[int, ...], kind: type):
    scores = np.random.default_rng(seed).normal(size=shape).astype(kind)

    assert_rows_sum_to_one(softmax(scores))


def test_the_row_that_does_not_sum_to_one_is_named():
    weights = softmax(np.arange(24.0).reshape(2, 3, 4) % 5)
    weights[1, 2] *= 0.9

    said = reason(assert_rows_sum_to_one, weights, over="the keys")

    assert said == "the weights sum to 0.9 over the keys at [1, 2], expected 1"


def test_a_softmax_over_another_axis_is_recognised():
    """Only over the axes that are named; their order is that of looking."""
    scores = np.random.default_rng(0).normal(size=(2, 3, 4))
    axes = {-2: "queries", 0: "batch"}

    for axis, name in axes.items():
        said = reason(
            assert_rows_sum_to_one, softmax(scores, axis), over="the keys", other_axes=axes
        )
        assert said == f"the weights sum to one over the {name}, not over the keys"
    with pytest.raises(KnownMistake):
        assert_rows_sum_to_one(softmax(scores, 0), other_axes=axes)


def test_shares_are_none_below_zero():
    said = reason(assert_rows_sum_to_one, [[0.5, 0.5], [1.5, -0.5]], what="the probabilities")

    assert said == "the probabilities hold -0.5 at [1, 1], expected none below 0"


@pytest.mark.parametrize("empty", [np.empty((0, 3)), np.empty((3, 0)), np.float64(1.0)])
def test_no_rows_are_no_right_rows(empty: np.ndarray):
    assert "expected rows of numbers" in reason(assert_rows_sum_to_one, empty)


def test_a_row_of_nan_is_the_furthest():
    weights = np.array([[0.5, 0.4], [np.nan, 0.5]])

    assert "sum to nan over the last axis at [1]" in reason(assert_rows_sum_to_one, weights)
    assert "sum to inf over the last axis at [0]" in reason(
        assert_rows_sum_to_one, [[np.inf, 1.0, np.inf], [0.5, 0.25, 0.25]]
    )


# --- another order


@given(SEEDS, st.permutations(range(5)).filter(lambda order: order != list(range(5))))
def test_a_function_of_each_item_and_of_the_set_knows_no_order(seed: int, order: list[int]):
    x = np.random.default_rng(seed).normal(size=(2, 5, 3))

    def right(x: np.ndarray) -> np.ndarray:
        return softmax(x @ x.swapaxes(1, 2)) @ x

    assert_permuted(right(x), right(x[:, order]), order)
    assert_permuted(right(x).swapaxes(1, 2), right(x[:, order]).swapaxes(1, 2), order, axis=-1)
    for wrong in (
        lambda x: x.cumsum(1),
        lambda x: x + np.arange(5.0)[:, None],
        lambda x: right(x).reshape(2, 3, 5).swapaxes(1, 2),
    ):
        assert reason(assert_permuted, wrong(x), wrong(x[:, order]), order, reason="no").startswith(
            "no (by up to"
        )


def test_an_order_that_can_show_nothing_is_a_fault_of_the_course():
    """Of the rubric, not of the answer: neither is a verdict."""
    x = np.arange(6.0).reshape(1, 3, 2)

    with pytest.raises(ValueError, match="leaves everything in its place"):
        assert_permuted(x, x, [0, 1, 2])
    with pytest.raises(ValueError, match="no permutation of 0 to 2"):
        assert_permuted(x, x, [0, 0, 1])
    with pytest.raises(ValueError, match="no permutation"):
        assert_permuted(x, x, [[2, 0, 1]])


def test_an_answer_without_these_items_is_wrong():
    said = reason(assert_permuted, np.ones((1, 4)), np.ones((1, 4)), [2, 0, 1])

    assert said == "the answer has shape (1, 4), expected 3 items along axis 1"
    assert "expected 3 items along axis 1" in reason(
        assert_permuted, np.ones(3), np.ones(3), [2, 0, 1]
    )


# --- the rest of the batch


@given(SEEDS)
def test_items_of_a_batch_do_not_touch(seed: int):
    x, ends = np.random.default_rng(seed).normal(size=(2, 4, 3, 2))
    other = np.concatenate([ends[:1], x[1:-1], ends[-1:]])

    assert_batch_independent(softmax(x), softmax(other))
    assert_batch_independent(softmax(x), softmax(other), shared=slice(2, 3))
    for wrong in (
        lambda x: softmax(x, 0),
        lambda x: x - x.mean(0),
        lambda x: np.roll(x, 1, axis=0),
    ):
        assert reason(assert_batch_independent, wrong(x), wrong(other)).startswith(
            "an item's answer changes with the other items of the batch (by up to"
        )


def test_a_batch_without_shared_items_shows_nothing():
    x = np.arange(4.0).reshape(2, 2)

    with pytest.raises(ValueError, match="2 items share none"):  # the question's mistake
        assert_batch_independent(x, x)
    assert reason(assert_batch_independent, x[:0], x) == "the answer is empty"
    assert "different shapes" in reason(assert_batch_independent, x, x[:, :1], shared=slice(2))
    assert "a single number" in reason(assert_batch_independent, 1.0, 1.0)


# --- a loss that falls


@given(st.lists(st.floats(1e-3, 10), min_size=1, max_size=20))
def test_a_loss_that_falls_by_any_steps_is_monotone(falls: list[float]):
    losses = 500 - np.cumsum([0.0, *falls])

    assert_monotone(losses)
    assert "rises" in reason(assert_monotone, losses[::-1])


def test_the_largest_rise_is_named():
    losses = [1.0, 0.5, 0.6, 0.2, 0.9, 0.1]

    said = reason(assert_monotone, losses, what="the cross-entropy")

    assert said == "the cross-entropy rises from 0.2 at [3] to 0.9 at [4], expected it to fall"
    assert_monotone(losses, slack=0.7 + 1e-9)


def test_a_loss_that_stands_still_does_not_fall():
    said = reason(assert_monotone, [0.7, 0.7, 0.7])

    assert said == "the loss goes from 0.7 to 0.7, expected it to end lower"


@pytest.mark.parametrize("losses", [[], [0.7], 0.7, [[0.7, 0.6]]])
def test_one_loss_is_no_series(losses: object):
    assert "expected a series of two or more" in reason(assert_monotone, losses)


def test_losses_are_real_numbers():
    assert reason(assert_monotone, [2 + 1j, 1.0]) == (
        "the loss holds complex128, expected real numbers"
    )
    assert "rises from -1e+308" in reason(assert_monotone, [1e308, -1e308, 1e308])


def test_a_loss_that_is_no_number_is_named():
    said = reason(assert_monotone, [0.7, np.nan, np.inf])

    assert said == "the loss is nan at [1], expected a number"


# --- what was given


@given(SEEDS, st.integers(1, 6))
def test_an_entry_that_was_changed_is_found(seed: int, count: int):
    rng = np.random.default_rng(seed)
    before, after = (np.arange(12.0).reshape(3, 4) for _ in range(2))
    before[0, 0] = after[0, 0] = np.nan
    assert_unchanged(before, after, "X")

    after.flat[rng.choice(12, count, replace=False)] = 99

    said = reason(assert_unchanged, before, after, "X")
    assert said == f"the input is changed in place: `X`, {count / 12:.0%} of its entries"


def test_nan_that_came_or_went_is_a_change():
    assert "`X`" in reason(assert_unchanged, [1.0, 2.0], [1.0, np.nan], "X")
    assert "`y`" in reason(assert_unchanged, [1.0, np.nan], [1.0, 2.0], "y")
    assert "different shapes" in reason(assert_unchanged, [1.0, 2.0], [[1.0, 2.0]], "X")
    assert_unchanged([True, False], [True, False], "visible")
