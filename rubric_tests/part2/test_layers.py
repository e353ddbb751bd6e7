"""Encoder and decoder layer: residuals and normalisation, before a sub-layer or after it."""

import pytest

from rubric_tests.part2 import layer_checks
from rubric_tests.part2.judgement import NotRecognised, after_marks_for, where_built

pytestmark = [
    pytest.mark.criterion("layers"),
    pytest.mark.parametrize("layer", layer_checks.LAYERS),
]

EARLIER = ("attention", "multi-head", "feed-forward")
BUILT = {
    "encoder-layer": ("EncoderLayer", "decoder-layer/tokens"),
    "decoder-layer": ("DecoderLayer", "encoder-layer/tokens"),
}


@pytest.mark.hint("x + sublayer(x), round every sub-layer")
def test_residuals(evidence, given, layer, submission):
    """What comes in is still there when all weights are zero, past every sub-layer."""
    judge(layer_checks.check_residual, evidence, given, layer, submission)


@pytest.mark.hint("x + sublayer(x), each of them once")
def test_sums(evidence, given, layer, submission):
    """Each sub-layer's output is added once to what goes past it."""
    judge(layer_checks.check_sums, evidence, given, layer, submission)


@pytest.mark.hint("(x - mean) / std over the channels of each token, times gain, plus shift")
def test_norms_by_themselves(evidence, given, layer, submission):
    """A normalisation gives each token mean 0 and deviation 1, then its gain and shift."""
    judge(layer_checks.check_norms, evidence, given, layer, submission)


@pytest.mark.hint(
    "is every part called and its output added? are `n_heads` and `d_hidden` handed on?"
)
def test_sizes_are_used(evidence, given, layer, submission):
    """Another number of heads, or another width inside, makes another layer."""
    judge(layer_checks.check_sizes, evidence, given, layer, submission)


@pytest.mark.hint("which axis has the channels? each token is normalised by itself")
def test_normalisation(evidence, given, layer, submission):
    """Each token is normalised over its channels, before its sub-layers or after them."""
    judge(layer_checks.check_normalisation, evidence, given, layer, submission)


@pytest.mark.hint("is anything normalised over axis 0?")
def test_batch_items_do_not_touch(evidence, given, layer, submission):
    """A sequence has the same output whatever else is in the batch."""
    judge(layer_checks.check_batch_of_layer, evidence, given, layer, submission)


@pytest.mark.hint(
    "is attention's output used? does anything go by a token's place, or by a mask of its own?"
)
def test_tokens_learn_of_each_other(evidence, given, layer, submission):
    """Another first token changes the output at the last."""
    judge(layer_checks.check_tokens_meet, evidence, given, layer, submission)


@pytest.mark.hint("keys and values of cross-attention come from the memory")
def test_memory_is_used(evidence, given, layer, submission):
    """In the decoder layer another memory gives another output."""
    if layer == "encoder-layer":
        pytest.skip("an encoder layer has no memory")
    judge(
        lambda e, g, _: layer_checks.check_memory_is_used(e, g), evidence, given, layer, submission
    )


def judge(check, evidence, given, layer: str, submission) -> None:
    with (
        after_marks_for(evidence, given, *EARLIER),
        where_built(submission, evidence, *BUILT[layer]),
    ):
        try:
            layer_checks.judge(check, evidence, given, layer)
        except NotRecognised as reason:
            pytest.skip(f"{reason}: the relations judge")
