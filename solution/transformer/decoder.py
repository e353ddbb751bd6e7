"""The decoder: each token looks at those before it and at the encoder's output.

`forward` reads a whole sequence at once, as training does. `step` reads the newest token
only and remembers the keys and values of the earlier ones, as generation does.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from solution.transformer.attention import KeysAndValues, MultiHeadAttention, causal
from solution.transformer.config import Config
from solution.transformer.embedding import PositionalEncoding, TokenEmbedding
from solution.transformer.feed_forward import FeedForward


class DecoderLayer(nn.Module):
    """Self-attention, then cross-attention, then feed-forward, each on a residual path.

    x = x + SelfAttention(Norm(x))
    x = x + CrossAttention(Norm(x), memory)
    x = x + FeedForward(Norm(x))
    """

    def __init__(self, d_model: int, n_heads: int, d_hidden: int) -> None:
        super().__init__()
        self.norm_self = nn.LayerNorm(d_model, bias=False)
        self.self_attention = MultiHeadAttention(d_model, n_heads)
        self.norm_cross = nn.LayerNorm(d_model, bias=False)
        self.cross_attention = MultiHeadAttention(d_model, n_heads)
        self.norm_feed = nn.LayerNorm(d_model, bias=False)
        self.feed_forward = FeedForward(d_model, d_hidden)

    def forward(
        self,
        x: Float[Tensor, "batch length d_model"],
        memory: Float[Tensor, "batch keys d_model"],
        visible: Bool[Tensor, "*#batch #length length"] | None = None,
        memory_visible: Bool[Tensor, "*#batch #length keys"] | None = None,
    ) -> Float[Tensor, "batch length d_model"]:
        normed = self.norm_self(x)
        x = x + self.self_attention(normed, normed, visible)
        x = x + self.cross_attention(self.norm_cross(x), memory, memory_visible)
        return x + self.feed_forward(self.norm_feed(x))

    def step(
        self,
        x: Float[Tensor, "batch 1 d_model"],
        past: KeysAndValues,
        memory: KeysAndValues,
        memory_visible: Bool[Tensor, "*#batch 1 keys"] | None = None,
    ) -> tuple[Float[Tensor, "batch 1 d_model"], KeysAndValues]:
        """`forward` for the newest token, and the past with that token added to it."""
        normed = self.norm_self(x)
        keys, values = self.self_attention.keys_and_values(normed)
        seen = torch.cat((past[0], keys), dim=2), torch.cat((past[1], values), dim=2)
        x = x + self.self_attention.attend(self.self_attention.queries(normed), *seen)[0]
        looking_for = self.cross_attention.queries(self.norm_cross(x))
        x = x + self.cross_attention.attend(looking_for, *memory, memory_visible)[0]
        return x + self.feed_forward(self.norm_feed(x)), seen


class Decoder(nn.Module):
    """Embed the tokens, add positions, pass through the layers, normalise once more."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        c = config
        self.embedding = TokenEmbedding(c.vocab_size, c.d_model)
        self.positions = PositionalEncoding(c.max_length, c.d_model) if c.positions else None
        self.layers = nn.ModuleList(
            DecoderLayer(c.d_model, c.n_heads, c.d_hidden) for _ in range(c.n_layers)
        )
        self.norm = nn.LayerNorm(c.d_model, bias=False)

    def forward(
        self,
        tokens: Int[Tensor, "batch length"],
        memory: Float[Tensor, "batch keys d_model"],
        memory_visible: Bool[Tensor, "*#batch #length keys"] | None = None,
    ) -> Float[Tensor, "batch length d_model"]:
        """No token sees a later one."""
        x = self.embedding(tokens)
        if self.positions is not None:
            x = self.positions(x)
        past_only = causal(tokens.size(1))
        for layer in self.layers:
            x = layer(x, memory, past_only, memory_visible)
        return self.norm(x)

    def start(
        self, memory: Float[Tensor, "batch keys d_model"]
    ) -> tuple[list[KeysAndValues], list[KeysAndValues]]:
        """For `step`: each layer's past, still empty, and its keys and values of the memory."""
        memories = [layer.cross_attention.keys_and_values(memory) for layer in self.layers]
        pasts = [(keys[:, :, :0], values[:, :, :0]) for keys, values in memories]
        return pasts, memories

    def step(
        self,
        token: Int[Tensor, "batch 1"],
        pasts: list[KeysAndValues],
        memories: list[KeysAndValues],
        memory_visible: Bool[Tensor, "*#batch 1 keys"] | None = None,
    ) -> tuple[Float[Tensor, "batch 1 d_model"], list[KeysAndValues]]:
        """`forward` for the newest token only, and the pasts with that token added."""
        x = self.embedding(token)
        if self.positions is not None:
            x = self.positions(x, start=pasts[0][0].size(2))
        seen = []
        for layer, past, memory in zip(self.layers, pasts, memories, strict=True):
            x, with_newest = layer.step(x, past, memory, memory_visible)
            seen.append(with_newest)
        return self.norm(x), seen
