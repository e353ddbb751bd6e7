"""All readings of the heads' weights are tried at once; each by itself would find the same."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from rubric_tests.part2 import reference, ways
from rubric_tests.part2.projections import candidates
from rubric_tests.part2.reference import Linear, Projections
from rubric_tests.part2.ways import Found, Heads, Way

WIDTH, N_HEADS = 12, 3
SQUARES = (1, 1, 1, 1)
WEIGHTS: dict[str, tuple[int, ...]] = {
    "four that no name tells apart": SQUARES,
    "three, of which one serves two roles, or none comes last": SQUARES[:3],
    "two, of which one serves three roles": SQUARES[:2],
    "all roles in one": (3, 1),
    "all roles in one, and none comes last": (3,),
    "two roles in one": (2, 1, 1),
}
"""What a module may hold, by how many widths are in each matrix."""


def read(sizes: Sequence[int], rng: np.random.Generator, width: int) -> list[Projections]:
    parts = {
        f"part{i}": Linear(rng.normal(size=(n * width, width)) / 3, rng.normal(size=n * width))
        for i, n in enumerate(sizes)
    }
    return candidates(parts, N_HEADS, width)


def one_by_one(heads: Heads, readings: Sequence[Projections]) -> Iterator[Found]:
    """The same, slowly: each reading by itself, compared as a whole."""
    for reading in readings:
        for way in ways.mistaken(N_HEADS, None)([reading]):
            if ways.gives(heads, way, 0):
                yield reading, way.sentence


@pytest.mark.parametrize("weights", WEIGHTS)
def test_it_finds_the_same_mistake(weights: str):
    rng = np.random.default_rng(0)
    readings = read(WEIGHTS[weights], rng, WIDTH)
    x, memory = rng.normal(size=(2, 4, 5, WIDTH))
    known = [
        (way, n) for way in ways.mistaken(N_HEADS, None)(readings) for n in range(len(readings))
    ]

    for number in rng.choice(len(known), 4, replace=False):
        way, of = known[number]
        out = reference.multi_head(x, memory, way.readings[of], N_HEADS, way.weigh, *way.layout)
        heads = Heads(x, memory, N_HEADS, out)
        found, sentence = next(ways.that_give(heads, readings, ways.mistaken(N_HEADS, None)))
        slowly, right = next(one_by_one(heads, readings))

        assert found is slowly
        assert sentence == right


@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_right_reading_is_found(weights: str):
    """In every right order of channels; what is near in the first item alone is none."""
    rng = np.random.default_rng(1)
    readings = read(WEIGHTS[weights], rng, WIDTH)
    x = rng.normal(size=(4, 5, WIDTH))

    for right in (readings[0], readings[-1]):
        for layout in ways.RIGHT_LAYOUTS.values():
            out = reference.multi_head(x, x, right, N_HEADS, reference.attention_weights, *layout)
            heads = Heads(x, x, N_HEADS, out)
            found, _ = next(ways.that_give(heads, readings, ways.in_any_order()))
            again = [ways.gives(heads, way, 0) for way in ways.in_any_order()([found])]
            other = out.copy()
            other[-1] += 0.1

            assert any(again)
            assert not ways.give(heads._replace(out=other), readings, ways.in_any_order())


def test_what_looks_across_the_batch_is_found():
    """The first item alone tells nothing there."""
    rng = np.random.default_rng(2)
    readings = read(SQUARES, rng, WIDTH)
    x = rng.normal(size=(4, 5, WIDTH))

    for weigh in reference.OF_ALL_ITEMS:
        out = reference.multi_head(x, x, readings[5], N_HEADS, weigh)
        heads = Heads(x, x, N_HEADS, out)

        assert ways.give(heads, readings, lambda some, w=weigh: [Way(some, w)])


def test_wide_heads_are_tried_some_at_a_time(monkeypatch: pytest.MonkeyPatch):
    """Thousands of wide matrices side by side would take a judge's memory."""
    rng = np.random.default_rng(3)
    readings = read(SQUARES, rng, WIDTH)
    x = rng.normal(size=(2, 5, WIDTH))
    out = reference.multi_head(x, x, readings[-1], N_HEADS)
    monkeypatch.setattr(ways, "AT_ONCE", 5 * WIDTH**2)
    seen: list[int] = []

    def some_ways(some: Sequence[Projections]) -> list[Way]:
        seen.append(len(some))
        return [Way(some)]

    found = list(ways.that_give(Heads(x, x, N_HEADS, out), readings, some_ways))

    assert [reading is readings[-1] for reading, _ in found] == [True]
    assert seen == [5, 5, 5, 5, 4]
