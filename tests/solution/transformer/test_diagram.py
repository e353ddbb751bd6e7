import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch

from solution.transformer import Config, EncoderOnly, Transformer
from solution.transformer.diagram import MEMORY, diagram, draw
from solution.transformer.trace import Step, trace

SVG = "{http://www.w3.org/2000/svg}"
CONFIG = Config(vocab_size=13, max_length=16, d_model=24, n_heads=3, d_hidden=40, n_layers=2)
TOKENS = {"source": torch.full((4, 7), 5), "target": torch.full((4, 9), 5)}
CASES = {
    "Transformer": (Transformer(CONFIG), (TOKENS["source"], TOKENS["target"])),
    "EncoderOnly": (EncoderOnly(CONFIG), (TOKENS["source"],)),
}


@pytest.fixture(params=CASES)
def picture(request):
    model, tokens = CASES[request.param]
    return ElementTree.fromstring(diagram(model, *tokens))


def words(picture):
    return ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]


def test_the_trace_has_every_step_with_its_shapes():
    """In the order of the pass: what cross-attention was given, and what the logits are."""
    model, tokens = CASES["Transformer"]
    steps = {step.name: step for step in trace(model, *tokens)}

    assert next(iter(steps)) == "encoder.embedding"
    assert steps["encoder.embedding"].inputs == ((4, 7),)
    assert steps["decoder.layers.1.cross_attention"].inputs == ((4, 9, 24), (4, 7, 24))
    assert steps["to_logits"].output == (4, 9, 13)
    assert len(steps) == 2 * 3 + 2 * 4 + 2 * 6 + 1


def test_the_trace_leaves_no_hooks():
    """Afterwards the model is as it was, even if the pass failed."""
    model, _ = CASES["EncoderOnly"]
    with pytest.raises(ValueError, match="positions"):
        trace(model, torch.zeros(1, 99, dtype=torch.long))

    assert not any(module._forward_hooks for module in model.modules())


def test_the_picture_shows_the_shapes_that_were_seen(picture):
    """A step with another output shape is drawn with that one: nothing is worked out."""
    steps = [
        Step("encoder.embedding", ((1, 3),), (1, 3, 77), "x"),
        Step("to_logits", ((1, 3, 77),), (1, 3, 88), "y"),
    ]
    drawn = draw(steps, "none", 0)

    assert "(batch, 3, 77)" in drawn
    assert "(batch, 3, 88)" in drawn
    assert "(batch, 7, 24)" in words(picture)


def test_each_layer_has_its_frame(picture):
    """Both layers of a stack are labelled."""
    assert {"encoder layer 1 of 2", "encoder layer 2 of 2"} <= set(words(picture))


def test_blocks_do_not_overlap(picture):
    """No two of the coloured blocks share a pixel, and all lie inside the picture."""
    _, ceiling, _, height = map(float, picture.get("viewBox").split())
    blocks = [
        tuple(float(block.get(name)) for name in ("x", "y", "width", "height"))
        for block in picture.iter(f"{SVG}rect")
        if block.get("rx") == "8"
    ]
    tops = sorted((x, y, y + h) for x, y, _, h in blocks)

    assert len(blocks) in (3 * 1 + 2 * 4 + 1, 2 * 3 + 2 * 4 + 2 * 6 + 1)
    for (x, _, bottom), (next_x, top, _) in pairwise(tops):
        assert x != next_x or bottom + 20 < top
    assert all(ceiling < y < bottom < ceiling + height for _, y, bottom in tops)


def test_columns_are_aligned_from_the_tokens_up():
    """Embedding, positions and self-attention of both halves stand side by side."""
    model, tokens = CASES["Transformer"]
    drawn = diagram(model, *tokens)
    at = {
        label: {float(y) for y in re.findall(rf'y="(-?[\d.]+)"[^>]*>{label}<', drawn)}
        for label in ("token embedding", "add positions")
    }

    assert all(len(heights) == 1 for heights in at.values())
    assert drawn.count(">add positions<") == 2


def test_the_picture_can_be_read_aloud(picture):
    """It has a title and a description for those who cannot see it."""
    assert picture.get("role") == "img"
    assert picture.find(f"{SVG}title").text.startswith("Architecture of the model")
    assert "parameters" in picture.find(f"{SVG}desc").text


def test_it_leaves_other_pictures_alone(picture):
    """On a page of several pictures it styles none of them, and its ids are its own."""
    named = [part.get("id") for part in picture.iter() if part.get("id")]

    assert list(picture.iter(f"{SVG}style")) == []
    assert not any(part.get("class") for part in picture.iter())
    assert len(named) == 2
    assert all(name.startswith("transformer-") for name in named)


def test_every_arrow_has_its_tip(picture):
    """The tips that lines refer to are defined, in the colour of the line."""
    lines = [part for part in picture.iter(f"{SVG}path") if part.get("marker-end")]
    tips = {tip.get("id"): tip[0].get("fill") for tip in picture.iter(f"{SVG}marker")}

    assert lines
    for line in lines:
        assert tips[line.get("marker-end")[5:-1]] == line.get("stroke")


def test_the_memory_reaches_every_cross_attention():
    """One line for each layer of the decoder ends at the left edge of its cross-attention."""
    model, tokens = CASES["Transformer"]
    picture = ElementTree.fromstring(diagram(model, *tokens))
    lines = [p.get("d") for p in picture.iter(f"{SVG}path") if p.get("stroke") == MEMORY]
    ends = {float(line.split()[-1]) for line in lines}
    middles = {
        float(t.get("y")) + 3 for t in picture.iter(f"{SVG}text") if t.text == "cross-attention"
    }

    assert ends == middles
    assert len(ends) == 2


def test_words_are_escaped():
    """A model whose name looks like markup stays text."""
    steps = [Step("encoder.embedding", ((1, 3),), (1, 3, 4), "<b>")]

    assert "<script" not in draw(steps, "<script>", 0)
    assert "<b>" not in draw(steps, "t", 0)
