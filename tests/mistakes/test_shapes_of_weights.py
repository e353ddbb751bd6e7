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
from rubric_tests.part2.projections import candidates
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
