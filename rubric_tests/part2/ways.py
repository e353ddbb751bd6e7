"""In which way multi-head attention came to its output; where no name tells the projections apart,
thousands of ways are tried.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from assay.rubric import same
from rubric_tests.part2 import projections, reference
from rubric_tests.part2.reference import Cut, Join, Linear, Projections, Weigh

Layout = tuple[Cut, Join]
RIGHT_LAYOUTS: dict[str, Layout] = {
    "right": (reference.cut, reference.join),
    "in turn": (reference.cut_in_turn, reference.join_in_turn),
    "in turn, side by side": (reference.cut_in_turn, reference.join),
    "side by side, in turn": (reference.cut, reference.join_in_turn),
}
WRONG_LAYOUTS: dict[str, Layout] = {
    "the heads are split by `view`: transpose after it": (reference.cut_by_view, reference.join),
    "the heads are merged without the transpose": (reference.cut, reference.join_by_view),
    "the heads are averaged, not laid side by side": (
        reference.cut,
        lambda h: reference.join(np.repeat(h.mean(1, keepdims=True), h.shape[1], axis=1)),
    ),
    "every head's output is that of the first": (
        reference.cut,
        lambda h: reference.join(np.repeat(h[:, :1], h.shape[1], axis=1)),
    ),
    "the heads are put together backwards": (reference.cut, lambda h: reference.join(h[:, ::-1])),
    "the heads are put together from the second on, the first last": (
        reference.cut,
        lambda h: reference.join(np.roll(h, -1, axis=1)),
    ),
    "the heads are put together from the last on, then the first": (
        reference.cut,
        lambda h: reference.join(np.roll(h, 1, axis=1)),
    ),
    "the heads are split and merged by `view`: tokens and heads are mixed": (
        reference.cut_by_view,
        reference.join_by_view,
    ),
}
ANOTHER = 2e-3
"""Of the largest output: more than any tolerance, less than what other formulas differ by."""
AT_ONCE = 100_000
"""Numbers in the matrices that are put side by side: of wide heads, fewer readings."""


class Heads(NamedTuple):
    """What heads were asked, and what came out, (batch, length, channels)."""

    x: np.ndarray
    memory: np.ndarray
    n_heads: int
    out: np.ndarray


class Way(NamedTuple):
    """A formula, with each reading of the weights."""

    readings: Sequence[Projections]
    weigh: Weigh = reference.attention_weights
    layout: Layout = RIGHT_LAYOUTS["right"]
    visible: np.ndarray | None = None
    sentence: str = ""


Ways = Callable[[Sequence[Projections]], Iterable[Way]]
"""The ways in which some readings are tried."""
Found = tuple[Projections, str]
"""A reading that gives the output, and the sentence of the way."""


def that_give(heads: Heads, readings: Sequence[Projections], ways: Ways) -> Iterator[Found]:
    """The readings that give the output in one of the ways; what comes first is the reading."""
    width = heads.out.shape[-1]
    few = max(1, AT_ONCE // max(1, width**2))
    for begin in range(0, len(readings), few):
        some = readings[begin : begin + few]
        tried = [(way, may_give(heads, way)) for way in ways(some)]
        for number, reading in enumerate(some):
            for way, may in tried:
                if may[number] and gives(heads, way, number):
                    yield reading, way.sentence


def give(heads: Heads, readings: Sequence[Projections], ways: Ways) -> bool:
    """Whether any reading gives the output in one of the ways."""
    return any(True for _ in that_give(heads, readings, ways))


def may_give(heads: Heads, way: Way) -> np.ndarray:
    """Which readings may give the output, (readings,): nearly all are others by the first item.

    It is worked out of all readings at once: they take the place of the batch.
    """
    if way.weigh in reference.OF_ALL_ITEMS:
        return np.ones(len(way.readings), dtype=bool)
    first = Heads(heads.x[:1], heads.memory[:1], heads.n_heads, heads.out[:1])
    visible = None if way.visible is None else way.visible[:1]
    again = reference.multi_head(
        *first[:2], at_once(way.readings), heads.n_heads, way.weigh, *way.layout, visible
    )
    if again.shape[1:] != first.out.shape[1:]:
        return np.zeros(len(way.readings), dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):  # NaN says nothing here
        far = ANOTHER * (1 + np.abs(heads.out).max(initial=0))
        return np.asarray(~(np.abs(again - first.out).max(axis=(1, 2), initial=0) > far))


def at_once(readings: Sequence[Projections]) -> Projections:
    """Readings as one, of which each gives its own item of the batch."""

    def stacked(linears: Iterable[Linear]) -> Linear:
        matrices, biases = zip(*linears, strict=True)
        return Linear(np.stack(matrices), np.stack(biases)[:, None])

    q, k, v, o = zip(*readings, strict=True)
    outputs = stacked(each or projections.identity(q[0]) for each in o) if any(o) else None
    return Projections(stacked(q), stacked(k), stacked(v), outputs)


def gives(heads: Heads, way: Way, number: int) -> bool:
    """Whether this reading gives the whole output in this way."""
    reading = way.readings[number]
    x, memory, n_heads, out = heads
    again = reference.multi_head(x, memory, reading, n_heads, way.weigh, *way.layout, way.visible)
    return alike(out, again, way.weigh)


def alike(out: np.ndarray, again: np.ndarray, weigh: Weigh) -> bool:
    """The same numbers; of places less exactly, as tables of sines are kept in float32."""
    if weigh in reference.ALL_PLACED:
        return out.shape == again.shape and bool(np.allclose(out, again, atol=1e-5, rtol=1e-4))
    return same(out, again)


def in_any_order(
    weigh: Weigh = reference.attention_weights, visible: np.ndarray | None = None
) -> Ways:
    """The right ways: whichever channels are a head's, the projections learn them."""
    return lambda some: [Way(some, weigh, each, visible) for each in RIGHT_LAYOUTS.values()]


def mistaken(n_heads: int, visible: np.ndarray | None) -> Ways:
    """The ways of the known mistakes, and of some two at once."""
    formulas = reference.WRONG_WEIGHTS | {
        "the scores are divided by sqrt(d_model), not by the root of a head's width": (
            reference.scaled_by(lambda d: n_heads**-0.5)
        ),
        "the softmax runs over the heads": lambda q, k: reference.softmax(
            reference.scores(q, k), 1
        ),
    }

    def ways(readings: Sequence[Projections]) -> Iterator[Way]:
        for sentence, layout in WRONG_LAYOUTS.items():
            yield Way(readings, layout=layout, visible=visible, sentence=sentence)
        misread = [projections.misread(reading, n_heads) for reading in readings]
        for sentence in max(misread, key=len):
            # what has no output projection takes nothing from it: it stays what it is
            roles = [m.get(sentence, own) for m, own in zip(misread, readings, strict=True)]
            yield Way(roles, visible=visible, sentence=sentence)
        for sentence, weigh in formulas.items():
            yield Way(readings, weigh, visible=visible, sentence=sentence)
        for weigh in formulas.values():
            for sentence, layout in WRONG_LAYOUTS.items():
                yield Way(readings, weigh, layout, visible, sentence)

    return ways
