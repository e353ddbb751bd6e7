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


def bare() -> dict[str, bytes]:
    return {NOTEBOOK: (FOLDER / NOTEBOOK).read_bytes()}


def style(name: str, replace: Mapping[str, str]) -> Case:
    return Case(name, None, {NOTEBOOK: replace})


RIGHT = [
    style("attention is a part of its heads", {
        "def attention(query, key": "def _mixed(query, key", "_ = attention(": "_ = _mixed(",
    }),
    style("the future is hidden inside the heads", {
        "visible=None):\n        query, key, value": "*_):\n"
        "        visible = torch.ones(x.size(1), x.size(1), dtype=torch.bool).tril()\n"
        "        query, key, value",
        "def forward(self, x, visible=None):\n        x = x + self.heads(self.norm_1(x), visible)":
        "def forward(self, x):\n        x = x + self.heads(self.norm_1(x))",
        "layer(x, past)": "layer(x)",
        "forward(self, x, *_)": "forward(self, x)",
    }),
    style("the number of heads comes first", {
        "class MultiHeadAttention(nn.Module):\n    def __init__(self, d_model, n_heads)":
        "class MultiHeadAttention(nn.Module):\n    def __init__(self, n_heads, d_model)",
        "MultiHeadAttention(d_model, n_heads)": "MultiHeadAttention(n_heads, d_model)",
    }),
    style("a decoder with norms by hand", {
        "nn.LayerNorm(": "Norm(", "class MultiHeadAttention": OWN_NORM,
    }),
]  # fmt: skip
