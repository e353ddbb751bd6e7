"""Weights of whatever shape are read as projections, or not: none makes a test stumble."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.evidence.answers import Evidence
from assay.rubric import Wrong
from rubric_tests.part2 import layer_checks, reference
from rubric_tests.part2.judgement import NotRecognised
from rubric_tests.part2.projections import candidates, linears
from rubric_tests.part2.reference import Linear
from tests.toys.toy import npz

WIDTH, HEADS = 24, 8
LENGTHS = (3, 8, 12, 24, 36, 48, 72)
"""A width, its half, its double, and what else a head or a fused matrix may have."""
STEMS = ("w_q", "w_k", "w_v", "w_o", "heads.0.q", "heads.1.q", "kv", "qkv", "one", "two")


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(STEMS),
        st.tuples(st.sampled_from(LENGTHS), st.sampled_from(LENGTHS)),
        max_size=5,
    )
)
def test_whatever_is_read_can_be_computed(shapes: dict[str, tuple[int, int]]):
    parts = {stem: Linear(np.ones(s), np.zeros(s[0])) for stem, s in shapes.items()}
    x = np.ones((2, 3, WIDTH))

    for reading in candidates(parts, HEADS, WIDTH):
        assert reference.multi_head(x, x, reading, HEADS).shape == x.shape


@pytest.mark.parametrize(
    "shapes",
    [
        {"kv": (24, 12), "w_q": (24, 24), "w_o": (24, 24)},
        {"heads.0.q": (8, 24), "heads.1.q": (24, 8), "w_k": (24, 24), "w_v": (24, 24)},
        {"qkv": (24, 8), "w_o": (24, 24)},
    ],
    ids=str,
)
def test_matrices_that_take_another_width_in_are_no_projections(
    shapes: dict[str, tuple[int, int]],
):
    parts = {stem: Linear(np.ones(s), np.zeros(s[0])) for stem, s in shapes.items()}

    assert candidates(parts, HEADS, WIDTH) == []


def test_the_usual_layouts_are_read():
    """Of three matrices, of one for all, of one for two, and of one for each head."""
    square, third = (24, 24), (3, 24)
    for shapes in (
        {"w_q": square, "w_k": square, "w_v": square, "w_o": square},
        {"qkv": (72, 24), "w_o": square},
        {"kv": (48, 24), "w_q": square, "w_o": square},
        {f"heads.{i}.{role}": third for i in range(8) for role in "qkv"},
    ):
        parts = {stem: Linear(np.ones(s), np.zeros(s[0])) for stem, s in shapes.items()}
        assert candidates(parts, HEADS, WIDTH)


def biased(rng: np.random.Generator, own: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Weights and biases of three heads of 8 channels; `own` is the order of axes."""
    found: dict[str, np.ndarray] = {"W_o": rng.normal(size=(3, 8, 24))}
    for role in "qkv":
        found[f"W_{role}"] = rng.normal(size=(3, 24, 8)).transpose(own)
        found[f"b_{role}"] = rng.normal(size=(3, 1, 8))
    return found


@pytest.mark.parametrize("own", [(0, 1, 2), (1, 0, 2)], ids=["heads first", "heads second"])
def test_matrices_with_an_axis_for_the_heads_are_read_with_their_biases(own: tuple[int, ...]):
    """(heads, d_model, d_head) or (d_model, heads, d_head), and the way back: all one layout."""
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(2, 5, 24)), biased(rng, own)
    heads = {
        role: np.einsum("ble,hed->bhld", x, weights[f"W_{role}"].transpose(own))
        + weights[f"b_{role}"]
        for role in "qkv"
    }
    mixed = reference.attention_weights(heads["q"], heads["k"]) @ heads["v"]
    out = np.einsum("bhld,hde->ble", mixed, weights["W_o"])
    answer = SimpleNamespace(text=SimpleNamespace(strings=lambda name: list(weights)))

    parts = linears(answer, {f"parameter_{i}": one for i, one in enumerate(weights.values())})

    (right,) = candidates(parts, 3, 24)
    assert np.allclose(out, reference.multi_head(x, x, right, 3))


@pytest.mark.parametrize("weigh", reference.PLACED_WEIGHTS)
def test_heads_that_tell_places_apart_go_by_the_distance(weigh: reference.Weigh):
    """One step on for all of them is the same to right heads, and another order is not."""
    rng = np.random.default_rng(0)
    query, key = rng.normal(size=(2, 2, 3, 5, 8))

    moved = weigh(np.roll(query, 1, axis=-2), np.roll(key, 1, axis=-2))[..., 1:, 1:]
    ratio = moved / weigh(query, key)[..., :-1, :-1]

    assert np.allclose(ratio, ratio[..., :1])
    assert not np.allclose(weigh(query, key), reference.attention_weights(query, key), atol=1e-3)


FIRST, SECOND = (3, 8), (8, 3)
"""The shapes of the two matrices of a feed-forward network, 8 wide and 3 inside."""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        *((first, SECOND) for first in ((3, 560), (3, 1), (8, 3))),
        *((FIRST, second) for second in ((8, 4), (8, 1), (3, 8))),
        *(((3, 560), (8, 4)), (SECOND, FIRST)),
    ],
)
def test_a_feed_forward_network_of_other_shapes_is_not_recognised(
    first: tuple[int, int], second: tuple[int, int]
):
    """Only two matrices that fit each other and the width are computed once more."""
    x = np.random.default_rng(0).normal(size=(2, 5, 8))
    note = {"status": "answered", "text": {"names": ["a.weight", "b.weight"]}}
    files = {
        "evidence/feed-forward/sizes.npz": npz(
            out=x + 1, as_asked=True, parameter_0=np.ones(first), parameter_1=np.ones(second)
        ),
        "evidence/feed-forward/sizes.json": json.dumps(note).encode(),
    }
    shapes = {"feed-forward/sizes": {"out": (2, 5, None), "as_asked": ()}}
    evidence = Evidence(files, shapes, "completed")

    with pytest.raises(NotRecognised):
        layer_checks.check_place_of_the_bend(evidence, {"feed-forward/sizes": SimpleNamespace(x=x)})


@pytest.mark.parametrize("inside", [5, [[5, 7]], np.zeros(0)], ids=str)
def test_the_widths_inside_may_come_in_any_shape(inside: object):
    files = {
        "evidence/feed-forward/sizes.npz": npz(
            out=np.ones((2, 5, 8)), as_asked=True, numbers_3=1, numbers_19=2, inside_3=inside
        ),
        "evidence/feed-forward/sizes.json": b'{"status": "answered"}',
    }
    shapes = dict.fromkeys(("as_asked", "numbers_3", "numbers_19"), ()) | {"out": (2, 5, None)}
    evidence = Evidence(files, {"feed-forward/sizes": shapes}, "completed")

    with pytest.raises(Wrong, match="no weight matrix is 3 wide"):
        layer_checks.check_inner_width(evidence, {})
