"""The judge's own attention, in NumPy and float64, right and in the ways it is known to go wrong.

Arrays are (..., length, channels). Nothing here shares code with `solution`: heads are cut out
channel by channel, where the solution reshapes.
"""

from collections.abc import Callable
from itertools import chain
from math import sqrt
from typing import NamedTuple

import numpy as np

Weigh = Callable[[np.ndarray, np.ndarray], np.ndarray]
Cut = Callable[[np.ndarray, int], np.ndarray]
Join = Callable[[np.ndarray], np.ndarray]


def softmax(scores: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp(s) / sum(exp(s)), shifted by the largest score, which cannot overflow."""
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def scores(query: np.ndarray, key: np.ndarray) -> np.ndarray:
    """query @ key' over sqrt(d_k), shape (..., queries, keys)."""
    products = np.einsum("...qd,...kd->...qk", query, key)
    return products / sqrt(query.shape[-1])


def attention_weights(query: np.ndarray, key: np.ndarray) -> np.ndarray:
    """softmax(query @ key' / sqrt(d_k)) (Vaswani et al. 2017, equation 1)."""
    return softmax(scores(query, key))


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def scaled_by(factor: Callable[[int], float]) -> Weigh:
    """Attention weights whose scaled scores are multiplied once more, by a function of d_k."""
    return lambda query, key: softmax(factor(query.shape[-1]) * scores(query, key))


def turned(rows: np.ndarray, sign: int, in_turn: bool, base: float = 10_000.0) -> np.ndarray:
    """Pairs of channels turned by an angle that grows with the place (Su et al. 2021).

    A pair is two channels side by side, or one of each half.
    """
    width = rows.shape[-1] - rows.shape[-1] % 2
    rate = base ** (-np.arange(0, width, 2) / max(width, 1))
    angle = sign * np.arange(rows.shape[-2])[:, None] * rate
    one, other = slice(0, width // 2), slice(width // 2, width)
    if in_turn:
        one, other = slice(0, width, 2), slice(1, width, 2)
    found = rows.copy()
    found[..., one] = rows[..., one] * np.cos(angle) - rows[..., other] * np.sin(angle)
    found[..., other] = rows[..., one] * np.sin(angle) + rows[..., other] * np.cos(angle)
    return found


def rotary(
    sign: int,
    in_turn: bool,
    base: float,
    weigh: Weigh = attention_weights,
    turns: tuple[bool, bool] = (True, True),
) -> Weigh:
    """Attention weights of queries and keys that are turned by their places, or one of them."""

    def weigh_turned(query: np.ndarray, key: np.ndarray) -> np.ndarray:
        return weigh(
            turned(query, sign, in_turn, base) if turns[0] else query,
            turned(key, sign, in_turn, base) if turns[1] else key,
        )

    return weigh_turned


def slopes(n_heads: int) -> np.ndarray:
    """A power of two for each head, the first one steepest (Press et al. 2022)."""
    return 2.0 ** (-8.0 * np.arange(1, n_heads + 1) / n_heads)


def slopes_as_published(n_heads: int) -> np.ndarray:
    """The same; a number of heads that is no power of two takes some of twice as many."""
    fewer = 2 ** int(np.log2(n_heads))
    return np.concatenate([slopes(fewer), slopes(2 * fewer)[::2][: n_heads - fewer]])


def less_by_distance(
    slopes: Callable[[int], np.ndarray], size: Callable[[np.ndarray], np.ndarray]
) -> Weigh:
    """Attention weights whose scores fall with the distance, in each head by another slope.

    Heads are on axis 1.
    """

    def weigh(query: np.ndarray, key: np.ndarray) -> np.ndarray:
        distance = np.arange(query.shape[-2])[:, None] - np.arange(key.shape[-2])
        return softmax(scores(query, key) - slopes(query.shape[1])[:, None, None] * size(distance))

    return weigh


BASES = (10_000.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1e3, 2e3, 5e3, 2e4, 5e4, 1e5, 5e5, 1e6)
"""Of the angles' rates: 10,000 as published, less for short sequences, more for long ones.

Any is as right; heads that turn by another are not recognised, and a person reads them.
"""
TURNS = [(sign, in_turn, base) for base in BASES for sign in (1, -1) for in_turn in (False, True)]

PLACED_WEIGHTS: tuple[Weigh, ...] = (
    *(rotary(*way) for way in TURNS),
    # Distances to what comes later may be negative: under a causal mask they are hidden.
    *(
        less_by_distance(of_heads, size)
        for of_heads in (slopes, slopes_as_published)
        for size in (np.abs, np.asarray)
    ),
)
"""Right as well: heads that tell places apart by themselves, where no positions are added."""

WRONGLY_TURNED: dict[str, tuple[Weigh, ...]] = {
    f"only the {what} are turned by their places: the scores do not go by the distance": tuple(
        rotary(*way, turns=turns) for way in TURNS
    )
    for what, turns in (("queries", (True, False)), ("keys", (False, True)))
}
"""Places that are told apart in a wrong way, by the sentence."""

WRONG_WEIGHTS: dict[str, Weigh] = {
    "the scores are not divided by sqrt(d_k)": scaled_by(sqrt),
    "the scores are multiplied by sqrt(d_k), not divided": scaled_by(float),
    "the scores are divided by d_k, not by its root": scaled_by(lambda d: d**-0.5),
    "the softmax runs over the queries, not over the keys": lambda q, k: softmax(scores(q, k), -2),
    "the softmax runs over the batch, not over the keys": lambda q, k: softmax(scores(q, k), 0),
    "there is no softmax": scores,
    "the scores are divided by the root of the keys' number, or the values' width": lambda q, k: (
        softmax(scores(q, k) * sqrt(q.shape[-1] / k.shape[-2]))
    ),
    "the scores are divided by the root of the number of queries, not by that of d_k": (
        lambda q, k: softmax(scores(q, k) * sqrt(q.shape[-1] / q.shape[-2]))
    ),
    "the softmax's sum runs over the whole sequence or batch, not over a row's keys": (
        lambda q, k: np.exp(scores(q, k)) / np.exp(scores(q, k)).sum()
    ),
    "the weights are a sigmoid's, not a softmax's": lambda q, k: 1 / (1 + np.exp(-scores(q, k))),
    "the queries and keys are made of length one: cosines, not dot products": lambda q, k: softmax(
        np.einsum("...qd,...kd->...qk", unit(q), unit(k))
    ),
    "the scores are multiplied by 2": scaled_by(lambda d: 2.0),
    "the scores are halved": scaled_by(lambda d: 0.5),
    "the division by sqrt(d_k) comes after the softmax": lambda q, k: (
        softmax(scores(q, k) * sqrt(q.shape[-1])) / sqrt(q.shape[-1])
    ),
}
"""What common mistakes give instead of the weights, by the sentence that says which."""

OF_ALL_ITEMS = frozenset(
    WRONG_WEIGHTS[sentence]
    for sentence in (
        "the softmax runs over the batch, not over the keys",
        "the softmax's sum runs over the whole sequence or batch, not over a row's keys",
    )
)
"""Those by which an item of the batch has other weights than it has alone."""

WRONGLY_SCALED: dict[str, tuple[Weigh, ...]] = {
    sentence: tuple(rotary(*way, weigh) for way in TURNS)
    for sentence, weigh in WRONG_WEIGHTS.items()
    if "sqrt(d_k)" in sentence or "d_k," in sentence
}
"""The same of places that are told apart: what is wrong is attention's scale."""

ALL_PLACED = frozenset(chain(PLACED_WEIGHTS, *WRONGLY_TURNED.values(), *WRONGLY_SCALED.values()))
"""All ways to weigh that go by places, right or wrong."""


def swapped_weights(query: np.ndarray, key: np.ndarray) -> np.ndarray:
    """What comes out where the identity is given as values and taken for the keys."""
    identity = np.broadcast_to(np.eye(key.shape[-2]), key.shape)
    return attention_weights(query, identity) @ key


def masked_weights(free: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """What a mask must make of weights that were there without it: hidden ones 0, the rest scaled.

    It follows from any softmax over keys, whatever the scale of the scores. A row that may look
    nowhere is even.
    """
    nowhere = ~visible.any(axis=-1, keepdims=True)
    shown = np.where(nowhere, 1.0, free * visible)
    return shown / shown.sum(axis=-1, keepdims=True)


def wrong_masks(visible: np.ndarray) -> dict[str, np.ndarray]:
    """The masks that common mistakes make of one, (..., queries, keys), by the sentence."""
    n_queries, n_keys = visible.shape[-2:]
    queries, keys = np.arange(n_queries)[:, None], np.arange(n_keys)
    everything = np.ones_like(visible)
    masks = {
        "the mask hides no key: each weighs what it weighs without a mask": everything,
        "the mask is used only where there are as many queries as keys": (
            visible if n_queries == n_keys else everything
        ),
        "the mask is used only where there are more keys than queries": (
            visible if n_queries < n_keys else everything
        ),
        "the mask is inverted: what may be seen is hidden": ~visible,
        "the mask is off by one: the next token can be seen": one_more(visible),
        "the mask is off by one: the last token that may be seen is hidden": one_less(visible),
        "the mask is off by one: a token cannot see itself": visible & (queries != keys),
        "a query sees its own place, whatever the mask says": visible | (queries == keys),
        "the mask of the first sequence is used for the whole batch": visible[:1],
        "the mask of the last sequence is used for the whole batch": visible[-1:],
        "the mask of the next sequence is used": np.roll(visible, -1, axis=0),
        "the mask of the sequence before is used": np.roll(visible, 1, axis=0),
        "the mask of the first query is used for every query": visible[..., :1, :],
        "the mask of the last query is used for every query": visible[..., -1:, :],
        "a key that one query may not see is hidden from all": visible.all(-2, keepdims=True),
        "a key that one query may see is shown to all": visible.any(-2, keepdims=True),
        "a key that is hidden in one sequence is hidden in all": visible.all(0, keepdims=True),
        "a key that is shown in one sequence is shown in all": visible.any(0, keepdims=True),
        "the mask of each query is upside down: the first has that of the last": (
            visible[..., ::-1, :]
        ),
        "the mask is mirrored: the first key has that of the last": visible[..., ::-1],
        "the mask is not used: a causal one is, whatever is given": np.broadcast_to(
            queries >= keys, visible.shape
        ),
        "a causal mask is used beside the one that is given": visible & (queries >= keys),
        "only as many keys are masked as there are queries: the others are seen": (
            visible | (keys >= n_queries)
        ),
        "only as many keys are seen as there are queries: the others are hidden": (
            visible & (keys < n_queries)
        ),
        "the mask is used for the first sequence only": following(visible, 0),
        "the mask is used for the first query only": following(visible, -2),
        "the first key is seen, whatever the mask says": visible | (keys == 0),
        "the last key is seen, whatever the mask says": visible | (keys == n_keys - 1),
        "the first key is hidden, whatever the mask says": visible & (keys > 0),
        "the last key is hidden, whatever the mask says": visible & (keys < n_keys - 1),
    }
    if n_queries == n_keys:
        masks["the mask lies the other way round: rows are queries"] = visible.mT
    return {name: np.broadcast_to(mask, visible.shape) for name, mask in masks.items()}


def following(visible: np.ndarray, axis: int) -> np.ndarray:
    """The first entry along an axis as it is, all the others with nothing hidden."""
    shown = np.ones_like(visible)
    first = [slice(None)] * visible.ndim
    first[axis] = slice(0, 1)
    shown[tuple(first)] = visible[tuple(first)]
    return shown


def wrongly_masked(
    free: np.ndarray, visible: np.ndarray, scores: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """The weights under the known mistakes; `scores` are those before the softmax, where known."""
    masks = wrong_masks(visible)
    wrong = {name: masked_weights(free, mask) for name, mask in masks.items()}
    raised, lowered = free * np.exp(1.0 * visible), free * np.exp(-1.0 * visible)
    wrong |= {
        "the mask is added to the scores as 0 and 1": shares(raised),
        "the mask is taken from the scores as 0 and 1": shares(lowered),
        "the weights are set to 0 after the softmax, and no longer sum to one": free * visible,
    }
    if scores is not None:
        wrong |= {
            "the scores are multiplied by the mask: hidden ones become 0, not minus infinity": (
                softmax(np.where(visible, scores, 0))
            ),
            "hidden scores become the smallest of their row, which still weighs something": (
                softmax(np.where(visible, scores, scores.min(axis=-1, keepdims=True)))
            ),
            "hidden scores become the mean of their row, which still weighs something": (
                softmax(np.where(visible, scores, scores.mean(axis=-1, keepdims=True)))
            ),
        }
        wrong |= {
            f"hidden scores become {number:g}, which still weighs something": softmax(
                np.where(visible, scores, number)
            )
            for number in (-1.0, 1.0, -5.0, -10.0, -2.0, -3.0)
        }
    return wrong


def shares(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=-1, keepdims=True)


def lowered_by(weights: np.ndarray, free: np.ndarray, visible: np.ndarray) -> float | None:
    """By how much hidden scores were lowered, where it is the same number for all of them."""
    mixed = visible.any(axis=-1) & ~visible.all(axis=-1)
    if (weights <= 0).any() or (free <= 0).any() or not mixed.any():
        return None
    ratio = np.log(weights) - np.log(free)
    shown = np.where(visible, ratio, np.nan)[mixed]
    hidden = np.where(visible, np.nan, ratio)[mixed]
    steps = np.nanmean(shown, axis=-1) - np.nanmean(hidden, axis=-1)
    even = max(np.nanmax(np.nanstd(rows, axis=-1)) for rows in (shown, hidden))
    return float(steps.mean()) if even < 1e-3 and np.ptp(steps) < 1e-3 else None


def one_more(visible: np.ndarray) -> np.ndarray:
    """One key more than each row could see."""
    return np.concatenate([visible[..., :1], visible[..., :-1]], axis=-1)


def one_less(visible: np.ndarray) -> np.ndarray:
    """One key less than each row could see."""
    return np.concatenate([visible[..., 1:], np.zeros_like(visible[..., :1])], axis=-1)


class Linear(NamedTuple):
    """x @ matrix.T + bias, shapes (out, in) and (out,); of several, one for each item of x."""

    matrix: np.ndarray
    bias: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x @ self.matrix.mT + self.bias


class Projections(NamedTuple):
    """The four projections of multi-head attention; `o` is None where nothing mixes the heads."""

    q: Linear
    k: Linear
    v: Linear
    o: Linear | None


def cut(x: np.ndarray, n_heads: int) -> np.ndarray:
    """(batch, length, d_model) -> (batch, heads, length, d_head): head i has the i-th channels."""
    width = x.shape[-1] // n_heads
    return np.stack([x[..., i * width : (i + 1) * width] for i in range(n_heads)], axis=1)


def join(heads: np.ndarray) -> np.ndarray:
    """The heads side by side again, (batch, length, d_model)."""
    return np.concatenate([heads[:, i] for i in range(heads.shape[1])], axis=-1)


def cut_in_turn(x: np.ndarray, n_heads: int) -> np.ndarray:
    """Head i has every n-th channel from the i-th on: as right, the projections learn either."""
    return np.stack([x[..., i::n_heads] for i in range(n_heads)], axis=1)


def join_in_turn(heads: np.ndarray) -> np.ndarray:
    in_turn = np.stack([heads[:, i] for i in range(heads.shape[1])], axis=-1)
    return in_turn.reshape(len(heads), heads.shape[2], -1)


def cut_by_view(x: np.ndarray, n_heads: int) -> np.ndarray:
    batch, length, d_model = x.shape
    return x.reshape(batch, n_heads, length, d_model // n_heads)


def join_by_view(heads: np.ndarray) -> np.ndarray:
    batch, n_heads, length, d_head = heads.shape
    return heads.reshape(batch, length, n_heads * d_head)


def multi_head(
    query: np.ndarray,
    memory: np.ndarray,
    projections: Projections,
    n_heads: int,
    weigh: Weigh = attention_weights,
    cut: Cut = cut,
    join: Join = join,
    visible: np.ndarray | None = None,
) -> np.ndarray:
    """Multi-head attention, (batch, queries, d_model) (Vaswani et al. 2017, section 3.2.2)."""
    q, k, v, o = projections
    q_heads, k_heads, v_heads = (cut(part, n_heads) for part in (q(query), k(memory), v(memory)))
    weights = weigh(q_heads, k_heads)
    if visible is not None:
        of_heads = visible if visible.ndim == 4 else visible[:, None]
        weights = masked_weights(weights, np.broadcast_to(of_heads, weights.shape))
    mixed = join(np.einsum("...qk,...kd->...qd", weights, v_heads))
    return o(mixed) if o else mixed


def sinusoids(length: int, d_model: int, first: int = 0) -> np.ndarray:
    """sin and cos of position / 10000^(2i / d_model) in turn, shape (length, d_model)."""
    position = np.arange(first, first + length)[:, None]
    rate = 10_000.0 ** (-np.arange(0, d_model, 2) / d_model)
    table = np.empty((length, d_model))
    table[:, 0::2] = np.sin(position * rate)
    table[:, 1::2] = np.cos(position * rate)[:, : d_model // 2]
    return table


def sinusoid_variants(length: int, d_model: int) -> list[np.ndarray]:
    """Forms that are as right: sines before cosines, counted from one, the exponent taken twice."""
    i = np.arange(d_model)
    position = np.arange(length)[:, None]
    steep = position / 10_000.0 ** (2 * i / d_model)
    gentle = position / 10_000.0 ** (i / d_model)
    tables = [sinusoids(length, d_model), sinusoids(length, d_model, first=1)]
    in_halves = [np.hstack([table[:, 0::2], table[:, 1::2]]) for table in tables]
    in_turn = [np.where(i % 2, np.cos(angle), np.sin(angle)) for angle in (steep, gentle)]
    # tensor2tensor spreads the rates so that the last one is 10000 exactly
    halves = max(d_model // 2 - 1, 1)
    angle = position * 10_000.0 ** (-np.arange(d_model // 2) / halves)
    return [*tables, *in_halves, *in_turn, np.hstack([np.sin(angle), np.cos(angle)])]


def wrong_sinusoids(length: int, d_model: int) -> dict[str, np.ndarray]:
    """Tables that common mistakes give."""
    right = sinusoids(length, d_model)
    swapped = right.copy()
    swapped[:, 0::2], swapped[:, 1::2] = right[:, 1::2], right[:, 0::2]
    position, i = np.arange(length)[:, None], np.arange(d_model) // 2
    rates = {
        "every channel has the same rate": 0.0 * i + 1e-4,
        "every channel has the rate of the first": 0.0 * i + 1.0,
        "the rates rise with the channel": 10_000.0 ** (2 * i / d_model),
        "the base is 100, not 10000": 100.0 ** (-2 * i / d_model),
        "the base is 1000, not 10000": 1000.0 ** (-2 * i / d_model),
        "the rates fall half as fast as they should": 10_000.0 ** (-i / d_model),
    }
    in_turn = np.arange(d_model) % 2
    known = {
        sentence: np.where(in_turn, np.cos(position * rate), np.sin(position * rate))
        for sentence, rate in rates.items()
    }
    return known | ({"sine and cosine are swapped": swapped} if d_model % 2 == 0 else {})
