"""A picture of a model with the dimensions at each step, measured while the model runs.

From the tokens at the bottom up to the logits, as SVG. No dimension is worked out here: what the
picture says is what `trace` saw in one real forward pass.
"""

from dataclasses import dataclass
from html import escape
from itertools import pairwise

from torch import Tensor, nn

from solution.transformer.trace import Shape, Step, trace

COLOURS = {
    "embedding": "#fbdfe3",
    "positions": "#e6e0f3",
    "norm": "#f6f2cf",
    "attention": "#fde3c4",
    "feed_forward": "#d3e9f5",
    "to_logits": "#d9efdc",
}
WIDTH, TALL, SHORT, GAP, RADIUS = 216, 46, 26, 34, 11  # of blocks and the arrows between, in px
INK, SOFT, LINE = "#22303c", "#5b6b78", "#74838f"


@dataclass(frozen=True)
class Placed:
    """A step, and where its block is drawn: x of the middle, y of the top."""

    step: Step
    x: int
    y: int
    height: int

    @property
    def bottom(self) -> int:
        return self.y + self.height


def diagram(model: nn.Module, *inputs: Tensor) -> str:
    """The SVG of a `Transformer` (give it source and target) or an `EncoderOnly` (source)."""
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    return draw(trace(model, *inputs), type(model).__name__, n_parameters)


def draw(steps: list[Step], title: str, n_parameters: int) -> str:
    """Two columns, or one where nothing was decoded."""
    decoded = any(step.name.startswith("decoder.") for step in steps)
    columns = [[step for step in steps if step.name.startswith("encoder.")]]
    if decoded:
        columns.append([step for step in steps if step.name.startswith("decoder.")])
    columns[-1] += [step for step in steps if step.name == "to_logits"]
    floor = max(map(_height, columns)) + 118
    placed = [_place(column, 200 + 420 * i, floor) for i, column in enumerate(columns)]
    body = [_column(blocks, left=i == 0) for i, blocks in enumerate(placed)]
    if decoded:
        body.append(_memory(*placed))
    return _page(title, n_parameters, 820 if decoded else 400, floor + 74, "".join(body))


def _kind(step: Step) -> str:
    last = step.name.split(".")[-1]
    return next((kind for kind in COLOURS if kind in last), last)


def _is_sublayer(step: Step) -> bool:
    return _kind(step) in ("attention", "feed_forward")


def _block_height(step: Step) -> int:
    return TALL if step.detail else SHORT


def _rise(step: Step) -> int:
    """From the bottom of a block to the bottom of the next: an addition follows a sublayer."""
    return _block_height(step) + GAP + (_is_sublayer(step) and 2 * RADIUS + 14)


def _extra(step: Step) -> int:
    """Room for the frame of a layer, below its first block."""
    return 22 if step.name.endswith("norm_self") else 0


def _height(column: list[Step]) -> int:
    return sum(_rise(step) + _extra(step) for step in column)


def _place(column: list[Step], x: int, floor: int) -> list[Placed]:
    placed, y = [], floor
    for step in column:
        height = _block_height(step)
        y -= _extra(step)
        placed.append(Placed(step, x, y - height, height))
        y -= _rise(step)
    return placed


def _column(blocks: list[Placed], left: bool) -> str:
    """Frames behind, then arrows with their shapes, then blocks; the tokens enter below."""
    tokens = "source tokens" if left else "target tokens so far"
    x, floor = blocks[0].x, blocks[0].bottom
    parts = [_frames(blocks, left)]
    parts += [_arrow(x, floor + GAP, floor), _shape(blocks[0].step.inputs[0], x, floor + GAP, left)]
    parts.append(_text(x, floor + GAP + 18, tokens, "word"))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        parts += [_block(block), _leaving(block, following, left)]
    parts += [_residual(*pair, left) for pair in pairwise(blocks)]
    return "".join(parts)


def _block(block: Placed) -> str:
    kind = _kind(block.step)
    name = _title(block.step)
    middle = block.y + block.height // 2
    parts = [
        f'<rect x="{block.x - WIDTH // 2}" y="{block.y}" width="{WIDTH}" height="{block.height}" '
        f'rx="8" fill="{COLOURS[kind]}" stroke="{LINE}"/>'
    ]
    if not block.step.detail:
        return parts[0] + _text(block.x, middle + 5, name, "word")
    return parts[0] + (
        _text(block.x, middle - 3, name, "word") + _text(block.x, middle + 14, block.step.detail)
    )


def _title(step: Step) -> str:
    match step.name.split(".")[-1]:
        case "embedding":
            return "token embedding"
        case "positions":
            return "add positions"
        case "self_attention":
            return ("masked " if step.name.startswith("decoder") else "") + "self-attention"
        case "cross_attention":
            return "cross-attention"
        case "feed_forward":
            return "feed-forward"
        case "to_logits":
            return "linear to logits"
    return "layer norm"


def _leaving(block: Placed, following: Placed | None, left: bool) -> str:
    """The arrow out of a block, through the addition if there is one, to the next."""
    x, y = block.x, block.y
    parts = []
    if _is_sublayer(block.step):
        centre = y - 14 - RADIUS
        parts += [_arrow(x, y, centre + RADIUS), _plus(x, centre)]
        y = centre - RADIUS
    if following or block.step.name == "to_logits":
        end = following.bottom if following else y - GAP
        parts += [_arrow(x, y, end), _shape(block.step.output, x, y, left)]
    if block.step.name == "to_logits":
        parts.append(_text(x, y - GAP - 10, "logits: one for each token", "word"))
    return "".join(parts)


def _residual(norm: Placed, sublayer: Placed, left: bool) -> str:
    """Round a norm and its sublayer, into the addition: x + sublayer(norm(x))."""
    if not _is_sublayer(sublayer.step):
        return ""
    out = -1 if left else 1
    side = norm.x + out * (WIDTH // 2 + 20)
    start, end = norm.bottom + 13, sublayer.y - 14 - RADIUS
    turn = -12 * out
    return (
        f'<path d="M{norm.x} {start} H{side + turn} q{-turn} 0 {-turn} -12 V{end + 12} '
        f'q0 -12 {turn} -12 H{norm.x + out * (RADIUS + 2)}" class="line" marker-end="url(#tip)"/>'
    )


def _frames(blocks: list[Placed], left: bool) -> str:
    """A rounded frame round each layer."""
    inner = [block for block in blocks if ".layers." in block.step.name]
    names = sorted({block.step.name.split(".")[2] for block in inner}, key=int)
    layers = [[block for block in inner if f".layers.{name}." in block.step.name] for name in names]
    what = "encoder" if left else "decoder"
    return "".join(
        _frame(layer, f"{what} layer {i} of {len(layers)}", left)
        for i, layer in enumerate(layers, 1)
    )


def _frame(layer: list[Placed], label: str, left: bool) -> str:
    width, bottom, top = WIDTH + 72, layer[0].bottom + 26, layer[-1].y - 2 * RADIUS - 21
    x = layer[0].x - width // 2
    at = x - 8 if left else x + width + 17
    return (
        f'<rect x="{x}" y="{top}" width="{width}" height="{bottom - top}" rx="16" '
        f'fill="#ffffff" stroke="#c5ced6"/><text class="small" text-anchor="middle" '
        f'transform="translate({at} {(top + bottom) // 2}) rotate(-90)">{label}</text>'
    )


def _memory(encoder: list[Placed], decoder: list[Placed]) -> str:
    """From the top of the encoder to every cross-attention, along a line between the columns."""
    top, bus = encoder[-1], (encoder[0].x + decoder[0].x) // 2
    crest = top.y - 24
    start = f"M{top.x} {top.y} V{crest + 12} q0 -12 12 -12 H{bus - 12} q12 0 12 12"
    parts = [
        f'<path d="{start}" class="line memory"/>',
        _text((top.x + bus) // 2 + 4, crest - 8, f"memory {_words(top.step.output)}"),
    ]
    for block in decoder:
        if block.step.name.endswith("cross_attention"):
            y = block.y + block.height // 2
            turn = 12 if y > crest else -12
            branch = (
                f"M{bus} {crest + 12} V{y - turn} q0 {turn} 12 {turn} H{block.x - WIDTH // 2 - 2}"
            )
            parts.append(f'<path d="{branch}" class="line memory" marker-end="url(#tip)"/>')
    return "".join(parts)


def _arrow(x: int, start: int, end: int) -> str:
    return f'<path d="M{x} {start} V{end + 2}" class="line" marker-end="url(#tip)"/>'


def _plus(x: int, y: int) -> str:
    return (
        f'<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="#fff" stroke="{LINE}"/>'
        f'<path d="M{x - 5} {y} H{x + 5} M{x} {y - 5} V{y + 5}" stroke="{INK}" stroke-width="1.5"/>'
    )


def _shape(shape: Shape, x: int, arrow_start: int, left: bool) -> str:
    """Beside an arrow, on the side where no residual path runs."""
    anchor, shift = ("start", 9) if left else ("end", -9)
    return _text(x + shift, arrow_start - GAP // 2 + 2, _words(shape), "small", anchor)


def _words(shape: Shape) -> str:
    return f"({', '.join(['batch', *map(str, shape[1:])])})"


def _text(x: int, y: int, words: str, look: str = "small", anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{y}" class="{look}" text-anchor="{anchor}">{escape(words)}</text>'


def _page(title: str, n_parameters: int, width: int, height: int, body: str) -> str:
    about = f"{n_parameters:,} parameters; shapes measured in a forward pass"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
width="{width}" height="{height}" role="img" aria-labelledby="title about">
<title id="title">Architecture of the model {escape(title)}</title>
<desc id="about">Blocks from the tokens at the bottom to the logits at the top, each arrow \
labelled with the shape of the tensor that passes. {about}.</desc>
<style>
text {{ font-family: system-ui, "DejaVu Sans", sans-serif; fill: {INK}; }}
.title {{ font-size: 20px; font-weight: 600; }} .word {{ font-size: 14px; }}
.small {{ font-size: 12px; fill: {SOFT}; }}
.line {{ fill: none; stroke: {LINE}; stroke-width: 1.4; }} .memory {{ stroke: #c2761b; }}
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" \
orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{LINE}"/></marker></defs>
<rect width="{width}" height="{height}" fill="#fbfbf9"/>
{_text(width // 2, 34, title, "title")}{_text(width // 2, 55, about)}
{body}
</svg>
"""
