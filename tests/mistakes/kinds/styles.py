"""Whole submissions in other styles: a decoder by itself, as one bare notebook."""

from collections.abc import Mapping
from pathlib import Path

from tests.mistakes.cases import Case

FOLDER = Path(__file__).parents[1] / "short" / "decoder_only"
NOTEBOOK = "part2_transformer.ipynb"
OWN_NORM = """class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a_2, self.b_2 = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x):
        mean, std = x.mean(-1, keepdim=True), x.std(-1, keepdim=True)
        return self.a_2 * (x - mean) / (std + 1e-6) + self.b_2


class MultiHeadAttention"""

ADDED = """class PositionalEncoding(nn.Module):
    def __init__(self, max_length, d_model):
        super().__init__()
        self.rows = nn.Parameter(torch.randn(max_length, d_model) * 0.5)

    def forward(self, x):
        return x + self.rows[: x.size(1)]
"""
ROTARY = """def turned(x):
    half = x.size(-1) // 2
    rate = 10000 ** (-torch.arange(half) / half)
    angle = torch.arange(x.size(-2))[:, None] * rate
    one, other = x[..., :half], x[..., half:]
    by_sine = torch.cat((-other, one), dim=-1)
    return x * angle.cos().repeat(1, 2) + by_sine * angle.sin().repeat(1, 2)
"""
AT_ONCE = "        self.qkv = nn.Linear(d_model, 3 * d_model)\n"
CUT = "(self.split(part) for part in self.qkv(x).chunk(3, dim=-1))"
A_MODULE_EACH = """        for role in ("queries", "keys", "values"):
            heads = [nn.Linear(d_model, d_model // n_heads) for _ in range(n_heads)]
            setattr(self, role, nn.ModuleList(heads))
"""
AN_AXIS_FOR_HEADS = """        shape, scale = (n_heads, d_model, d_model // n_heads), d_model**-0.5
        for role in "qkv":
            setattr(self, f"W_{role}", nn.Parameter(torch.randn(shape) * scale))
            setattr(self, f"b_{role}", nn.Parameter(torch.randn(n_heads, 1, shape[2]) * 0.02))
"""
NOTHING_ADDED = {
    "        self.positions = PositionalEncoding(max_length, d_model)\n": "",
    "self.positions(self.embedding(tokens))": "self.embedding(tokens)",
}


def bare() -> dict[str, bytes]:
    return {NOTEBOOK: (FOLDER / NOTEBOOK).read_bytes()}


def style(name: str, replace: Mapping[str, str], loses: str | None = None) -> Case:
    return Case(name, loses, {NOTEBOOK: replace})


CAUSAL_INSIDE = {
    "visible=None):\n        query, key, value": "*_):\n"
    "        visible = torch.ones(x.size(1), x.size(1), dtype=torch.bool).tril()\n"
    "        query, key, value",
    "def forward(self, x, visible=None):\n        x =": "def forward(self, x):\n        x =",
    "self.heads(self.norm_1(x), visible)": "self.heads(self.norm_1(x))",
    "layer(x, past)": "layer(x)",
    "forward(self, x, *_)": "forward(self, x)",
}
SCALED = "query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))"
INSIDE = {"def attention(query, key": "def _mixed(query, key", "_ = attention(": "_ = _mixed("}
TURNED = "        query, key = turned(query), turned(key)\n        mixed, _"
ROTATED = {ADDED: ROTARY, **NOTHING_ADDED, "        mixed, _": TURNED}


def turned_by(base: str) -> dict[str, str]:
    """The same with angles of another base."""
    return ROTATED | {ADDED: ROTARY.replace("10000", base)}


RIGHT = [
    style("attention is a part of its heads", {
        "def attention(query, key": "def _mixed(query, key", "_ = attention(": "_ = _mixed(",
    }),
    style("the future is hidden inside the heads", CAUSAL_INSIDE),
    style("the number of heads comes first", {
        "class MultiHeadAttention(nn.Module):\n    def __init__(self, d_model, n_heads)":
        "class MultiHeadAttention(nn.Module):\n    def __init__(self, n_heads, d_model)",
        "MultiHeadAttention(d_model, n_heads)": "MultiHeadAttention(n_heads, d_model)",
    }),
    style("a decoder with norms by hand", {
        "nn.LayerNorm(": "Norm(", "class MultiHeadAttention": OWN_NORM,
    }),
    style("each head has modules of its own", {
        AT_ONCE: A_MODULE_EACH,
        CUT: "(\n            torch.stack([head(x) for head in heads], dim=1)"
        "\n            for heads in (self.queries, self.keys, self.values)\n        )",
    }),
    style("every matrix has an axis for the heads", {
        AT_ONCE: AN_AXIS_FOR_HEADS,
        "        self.out = nn.Linear(d_model, d_model)":
        "        self.W_o = nn.Parameter(torch.randn(n_heads, shape[2], d_model) * scale)",
        CUT: "(\n            torch.einsum('bld,hde->bhle', x, getattr(self, f'W_{role}'))"
        " + getattr(self, f'b_{role}')\n            for role in 'qkv'\n        )",
        "self.out(mixed.transpose(1, 2).flatten(2))":
        "torch.einsum('bhle,hed->bld', mixed, self.W_o)",
    }),
    style("the model takes the sequence first", {
        "        length = tokens": "        tokens = tokens.T\n        length = tokens",
        "self.head(self.norm(x))": "self.head(self.norm(x)).transpose(0, 1)",
        "model(batch[:, :-1])": "model(batch[:, :-1].T).transpose(0, 1)",
        "model(tokens)[:, -1]": "model(tokens.T)[-1]",
    }),
    style("queries and keys are turned by their places", ROTATED),
    style("queries and keys are turned fast, for short sequences", turned_by("100")),
    style("queries and keys are turned slowly, for long sequences", turned_by("500000")),
]  # fmt: skip

ONE_HEAD = "def __init__(self, d_model, n_heads):\n        super().__init__()\n        self.n_heads"
ATTENDED = "mixed, _ = attention(query, key, value, visible)"
DISTANCE = "torch.arange(x.size(1))[:, None] - torch.arange(x.size(1)) + 15"
BIASED = """scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1)) + BIAS
        if visible is not None:
            scores = scores.masked_fill(~visible, -1e9)
        mixed = scores.softmax(-1) @ value"""
NOT_ADDED = {ADDED: "", **NOTHING_ADDED}
FOR_REVIEW = [
    (style("positions that turn where the layer asks for it", {
        **NOT_ADDED, ADDED: ROTARY,
        ONE_HEAD: ONE_HEAD.replace("n_heads)", "n_heads, rotary=False)").replace(
            "self.n_heads", "self.rotary = rotary\n        self.n_heads"),
        "        mixed, _": "        if self.rotary:\n            query, key = turned(query), "
        "turned(key)\n        mixed, _",
        "self.heads = MultiHeadAttention(d_model, n_heads)":
        "self.heads = MultiHeadAttention(d_model, n_heads, rotary=True)",
    }), {"positions"}),
    (style("positions that turn by a rate of their own", turned_by("3000")),
     {"positions", "multi-head"}),
    (style("a learned bias by distance, a row for each", {
        **NOT_ADDED, AT_ONCE: f"{AT_ONCE}        self.rel = nn.Embedding(31, n_heads)\n",
        ATTENDED: BIASED.replace("BIAS", f"self.rel({DISTANCE}).permute(2, 0, 1)"),
    }), {"positions", "multi-head", "masks"}),
    (style("a learned bias by distance, a row for each head", {
        **NOT_ADDED,
        AT_ONCE: f"{AT_ONCE}        self.bias = nn.Parameter(torch.randn(n_heads, 31))\n",
        ATTENDED: BIASED.replace("BIAS", f"self.bias[:, {DISTANCE}]"),
    }), {"positions", "multi-head", "masks"}),
]  # fmt: skip
"""What is right as its outputs may show, and may not: with the criteria that wait for a person."""

LONGER = {"steps=300": "steps=400"}
"""Without it the secret task is learned by half."""
MISTAKES = [
    style("only the queries are turned by their places", {
        **ROTATED, "        mixed, _": TURNED.replace("turned(key)", "key"),
        **LONGER,
    }, loses="positions"),
    style("only the keys are turned by their places", {
        **ROTATED, "        mixed, _": TURNED.replace("turned(query)", "query"),
    }, loses="positions"),
    style("only the queries are turned, and fast", {
        **turned_by("100"), "        mixed, _": TURNED.replace("turned(key)", "key"),
        **LONGER,
    }, loses="positions"),
    style("places that turn slowly, and no scale", {
        **turned_by("500000"), SCALED: "query @ key.transpose(-2, -1)",
    }, loses="attention"),
    style("places that turn, and no scale", {
        **ROTATED, SCALED: "query @ key.transpose(-2, -1)",
    }, loses="attention"),
    style("places that turn, and no scale inside the heads", {
        **ROTATED, SCALED: "query @ key.transpose(-2, -1)", **INSIDE,
    }, loses="attention"),
    style("heads that see one place too far by themselves", {
        **CAUSAL_INSIDE,
        "visible=None):\n        query, key, value":
        CAUSAL_INSIDE["visible=None):\n        query, key, value"].replace("tril()", "tril(1)"),
    }, loses="masks"),
    style("gradients are added up until there are no numbers left", {
        "        optimizer.zero_grad()\n": "",
        "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n": "",
        "AdamW(model.parameters(), lr=5e-3)": "SGD(model.parameters(), lr=0.3, momentum=0.9)",
    }, loses="training"),
]  # fmt: skip
