"""A picture of a model with the dimensions at each step, measured while the model runs.

From the tokens at the bottom up to the logits, as SVG. No dimension is worked out here: what the
picture says is what `trace` saw in one real forward pass. It has no style sheet, which would reach
every other picture on the same page.
"""

from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise
from math import hypot

from torch import Tensor, nn

from solution.transformer.trace import Shape, Step, trace

Point = tuple[int, int]

KINDS = {  # how the last part of a step's name begins: what it is called, its colour
    "norm": ("layer norm", "#f6f2cf"),
    "embedding": ("token embedding", "#fbdfe3"),
    "positions": ("add positions", "#e6e0f3"),
    "self_attention": ("self-attention", "#fde3c4"),
    "cross_attention": ("cross-attention", "#fde3c4"),
    "feed_forward": ("feed-forward", "#d3e9f5"),
    "to_logits": ("linear to logits", "#d9efdc"),
}
INK, SOFT, LINE, MEMORY = "#22303c", "#5b6b78", "#74838f", "#c2761b"
TITLE, WORD = 'font-size="20" font-weight="600"', 'font-size="14"'
SMALL = f'font-size="12" fill="{SOFT}"'
WIDTH, TALL, SHORT, GAP = 216, 46, 26, 34  # of blocks and the arrows between, in px
RADIUS, STEM, ROUND = 11, 14, 12  # of an addition, of the arrow into it, of a line's corners


@dataclass(frozen=True)
class Block:
    """A step as it is drawn; `outside` is the way to the nearer edge of the page, -1 or 1."""

    step: Step
    x: int  # of the middle
    bottom: int
    outside: int

    @property
    def top(self) -> int:
        return self.bottom - (TALL if self.step.detail else SHORT)

    @property
    def middle(self) -> int:
        return (self.top + self.bottom) // 2

    @property
    def is_sublayer(self) -> bool:
        return self.step.name.endswith(("attention", "feed_forward"))

    @property
    def addition(self) -> int:
        """The middle of the addition that follows a sublayer."""
        return self.top - STEM - RADIUS

    @property
    def exit(self) -> int:
        """Where the arrow to the next block begins."""
        return self.addition - RADIUS if self.is_sublayer else self.top


def diagram(model: nn.Module, *inputs: Tensor) -> str:
    """The SVG of a `Transformer` (give it source and target) or an `EncoderOnly` (source)."""
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    return draw(trace(model, *inputs), type(model).__name__, n_parameters)


def draw(steps: list[Step], title: str, n_parameters: int) -> str:
    """Two columns, or one where nothing was decoded."""
    encoder, decoder = (
        [step for step in steps if step.name.startswith(half)] for half in ("encoder.", "decoder.")
    )
    (decoder or encoder).extend(step for step in steps if step.name == "to_logits")
    columns = [_place(encoder, 200, -1)] + ([_place(decoder, 620, 1)] if decoder else [])
    body = "".join(_column(blocks) for blocks in columns)
    if decoder:
        body += _memory(*columns)
    top = min(blocks[-1].top for blocks in columns) - 152
    return _page(title, n_parameters, 820 if decoder else 400, top, body)


def _place(steps: list[Step], x: int, outside: int) -> list[Block]:
    """From y = 0 upwards, with room for the frame of a layer below its first block."""
    blocks, y = [], 0
    for step in steps:
        y -= 22 if step.name.endswith("norm_self") else 0
        blocks.append(Block(step, x, y, outside))
        y = blocks[-1].exit - GAP
    return blocks


def _column(blocks: list[Block]) -> str:
    """Frames behind, then blocks and what runs between them; the tokens enter below."""
    first, last, pairs = blocks[0], blocks[-1], list(pairwise(blocks))
    tokens = "source tokens" if first.outside < 0 else "target tokens so far"
    parts = [_text(first.x, GAP + 18, tokens, WORD), *_frames(blocks), *map(_block, blocks)]
    parts.append(_arrow(first, GAP, first.bottom, first.step.inputs[0]))
    parts += [_arrow(block, block.exit, after.bottom, block.step.output) for block, after in pairs]
    parts += [_residual(norm, sublayer) for norm, sublayer in pairs if sublayer.is_sublayer]
    if last.step.name == "to_logits":
        parts.append(_arrow(last, last.top, last.top - GAP, last.step.output))
        parts.append(_text(last.x, last.top - GAP - 10, "logits: one for each token", WORD))
    return "".join(parts)


def _block(block: Block) -> str:
    path, detail = block.step.name.split("."), block.step.detail
    called, colour = next(look for kind, look in KINDS.items() if path[-1].startswith(kind))
    if path[0] == "decoder" and path[-1] == "self_attention":
        called = f"masked {called}"
    return (
        f'<rect x="{block.x - WIDTH // 2}" y="{block.top}" width="{WIDTH}" '
        f'height="{block.bottom - block.top}" rx="8" fill="{colour}" stroke="{LINE}"/>'
        + _text(block.x, block.middle + (-3 if detail else 5), called, WORD)
        + (_text(block.x, block.middle + 14, detail) if detail else "")
    )


def _arrow(block: Block, start: int, end: int, shape: Shape) -> str:
    """Up along a block's middle, with its shape on the side where no residual path runs."""
    anchor = "end" if block.outside > 0 else "start"
    label = _text(block.x - 9 * block.outside, start - GAP // 2 + 2, _words(shape), SMALL, anchor)
    return _line((block.x, start), (block.x, end)) + label


def _residual(norm: Block, sublayer: Block) -> str:
    """Round a norm and its sublayer, into the addition: x + sublayer(norm(x))."""
    x, y, start = sublayer.x, sublayer.addition, norm.bottom + 13
    side = x + sublayer.outside * (WIDTH // 2 + 20)
    return (
        _line((x, sublayer.top), (x, y + RADIUS))
        + _line((x, start), (side, start), (side, y), (x + sublayer.outside * RADIUS, y))
        + f'<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="#fff" stroke="{LINE}"/>'
        f'<path d="M{x - 5} {y} h10 m-5 -5 v10" stroke="{INK}" stroke-width="1.5"/>'
    )


def _frames(blocks: list[Block]) -> list[str]:
    """A rounded frame round each layer."""
    inner = [block for block in blocks if ".layers." in block.step.name]
    layers = [list(layer) for _, layer in groupby(inner, lambda b: b.step.name.split(".")[2])]
    half = blocks[0].step.name.split(".")[0]
    return [
        _frame(layer[0], layer[-1], f"{half} layer {i} of {len(layers)}")
        for i, layer in enumerate(layers, 1)
    ]


def _frame(first: Block, last: Block, label: str) -> str:
    width, bottom, top = WIDTH + 72, first.bottom + 26, last.exit - 7
    x = first.x + first.outside * (width // 2 + 12)
    words = _text(0, 4, label)
    return (
        f'<rect x="{first.x - width // 2}" y="{top}" width="{width}" height="{bottom - top}" '
        f'rx="16" fill="#fff" stroke="#c5ced6"/>'
        f'<g transform="translate({x} {(top + bottom) // 2}) rotate(-90)">{words}</g>'
    )


def _memory(encoder: list[Block], decoder: list[Block]) -> str:
    """From the top of the encoder to every cross-attention, along a line between the columns."""
    top, bus = encoder[-1], (encoder[0].x + decoder[0].x) // 2
    crest = top.top - 24
    trunk = (top.x, top.top), (top.x, crest), (bus, crest)
    asking = [block for block in decoder if block.step.name.endswith("cross_attention")]
    lines = [
        _line(*trunk, (bus, b.middle), (b.x - WIDTH // 2, b.middle), colour=MEMORY) for b in asking
    ]
    words = _text((top.x + bus) // 2, crest - 8, f"memory {_words(top.step.output)}")
    return "".join(lines) + words


def _line(*points: Point, colour: str = LINE) -> str:
    """An arrow along these points, with round corners."""
    path = "M{} {}".format(*points[0])
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        begin, end = _towards(corner, before, ROUND), _towards(corner, after, ROUND)
        path += " L{} {} Q{} {} {} {}".format(*begin, *corner, *end)
    path += " L{} {}".format(*_towards(points[-1], points[-2], 2))
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.4" '
        f'marker-end="url(#transformer-tip-{colour[1:]})"/>'
    )


def _towards(point: Point, other: Point, distance: int) -> Point:
    """So far from one point towards another, and at most half way."""
    (x, y), (dx, dy) = point, (other[0] - point[0], other[1] - point[1])
    share = min(distance / max(hypot(dx, dy), 1), 0.5)
    return round(x + share * dx), round(y + share * dy)


def _words(shape: Shape) -> str:
    return f"({', '.join(['batch', *map(str, shape[1:])])})"


def _text(x: int, y: int, words: str, look: str = SMALL, anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{y}" {look} text-anchor="{anchor}">{escape(words)}</text>'


def _page(title: str, n_parameters: int, width: int, top: int, body: str) -> str:
    about = f"{n_parameters:,} parameters; shapes measured in a forward pass"
    height = GAP + 40 - top
    tips = "".join(
        f'<marker id="transformer-tip-{colour[1:]}" viewBox="0 0 8 8" refX="6" refY="4" '
        f'markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{colour}"/></marker>'
        for colour in (LINE, MEMORY)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {top} {width} {height}" \
width="{width}" height="{height}" role="img" fill="{INK}" \
font-family="system-ui, 'DejaVu Sans', sans-serif">
<title>Architecture of the model {escape(title)}</title>
<desc>Blocks from the tokens at the bottom to the logits at the top, each arrow labelled with the \
shape of the tensor that passes. {about}.</desc>
<defs>{tips}</defs>
<rect y="{top}" width="{width}" height="{height}" fill="#fbfbf9"/>
{_text(width // 2, top + 34, title, TITLE)}{_text(width // 2, top + 55, about)}
{body}
</svg>
"""
