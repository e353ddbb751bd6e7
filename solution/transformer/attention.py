"""Scaled dot-product attention and its multi-head form (Vaswani et al. 2017, section 3.2)."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

KeysAndValues = tuple[
    Float[Tensor, "batch heads _ d_head"], Float[Tensor, "batch heads _ d_head"]
]  # `_` instead of `keys`: a signature may hold several, of different lengths


def attention(
    query: Float[Tensor, "*batch queries d_k"],
    key: Float[Tensor, "*batch keys d_k"],
    value: Float[Tensor, "*batch keys d_v"],
    visible: Bool[Tensor, "*#batch #queries keys"] | None = None,
) -> tuple[Float[Tensor, "*batch queries d_v"], Float[Tensor, "*batch queries keys"]]:
    """Mix the values, each weighted by how well its key matches the query (equation 1).

        weights = softmax(query @ key.T / sqrt(d_k))        output = weights @ value

    `visible` is True where a query may look. One that may look nowhere looks
    everywhere alike: with -inf its row, and every gradient, would be NaN.
    """
    # One column for each query: torch's softmax runs faster down short columns than along rows.
    scores = key @ query.transpose(-2, -1) / math.sqrt(query.size(-1))
    if visible is not None:
        scores = scores.masked_fill(~visible.transpose(-2, -1), torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-2).transpose(-2, -1)
    return weights @ value, weights


def causal(length: int) -> Bool[Tensor, "length length"]:
    """The mask of a decoder: position i may look at positions 0 to i."""
    return torch.ones(length, length, dtype=torch.bool).tril()


class MultiHeadAttention(nn.Module):
    """Attention in several heads at once, each over its own d_model / n_heads channels.

        output = concat(head_1, ..., head_h) @ W_o
        head_i = attention(query @ W_q_i, memory @ W_k_i, memory @ W_v_i)

    All the narrow projections lie below one another in one matrix, first every W_q_i, then
    every W_k_i, then every W_v_i, so that self-attention needs one product and not 3h.

    Raises ValueError if `n_heads` does not divide `d_model`.
    """

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} does not divide into {n_heads} equal heads")
        self.n_heads = n_heads
        self.w_qkv = nn.Linear(d_model, 3 * d_model, bias=False)
        self.w_o = nn.Linear(d_model, d_model, bias=False)

    def forward(
        self,
        query: Float[Tensor, "batch queries d_model"],
        memory: Float[Tensor, "batch keys d_model"],
        visible: Bool[Tensor, "*#batch #queries keys"] | None = None,
    ) -> Float[Tensor, "batch queries d_model"]:
        """Self-attention if memory is query, cross-attention if it is the encoder's output."""
        return self.attend(*self._project(query, memory), visible)[0]

    def weights(
        self,
        query: Float[Tensor, "batch queries d_model"],
        memory: Float[Tensor, "batch keys d_model"],
        visible: Bool[Tensor, "*#batch #queries keys"] | None = None,
    ) -> Float[Tensor, "batch heads queries keys"]:
        """How much each query looks at each key in each head: what an attention map shows."""
        return self.attend(*self._project(query, memory), visible)[1]

    def queries(
        self, query: Float[Tensor, "batch queries d_model"]
    ) -> Float[Tensor, "batch heads queries d_head"]:
        """What each head looks for."""
        w_q, _ = self._matrices()
        return self._split(F.linear(query, w_q))[0]

    def keys_and_values(self, memory: Float[Tensor, "batch keys d_model"]) -> KeysAndValues:
        """What each head looks at; generation keeps them."""
        _, w_kv = self._matrices()
        return self._split(F.linear(memory, w_kv))

    def attend(
        self,
        queries: Float[Tensor, "batch heads queries d_head"],
        keys: Float[Tensor, "batch heads keys d_head"],
        values: Float[Tensor, "batch heads keys d_head"],
        visible: Bool[Tensor, "*#batch #queries keys"] | None = None,
    ) -> tuple[Float[Tensor, "batch queries d_model"], Float[Tensor, "batch heads queries keys"]]:
        """Attention in every head, the heads laid side by side and mixed; and the weights."""
        for_all_heads = None if visible is None else visible.unsqueeze(-3)
        heads, weights = attention(queries, keys, values, for_all_heads)
        return self.w_o(heads.transpose(1, 2).flatten(-2)), weights

    def _project(
        self,
        query: Float[Tensor, "batch queries d_model"],
        memory: Float[Tensor, "batch keys d_model"],
    ) -> tuple[Float[Tensor, "batch heads _ d_head"], ...]:
        """Queries, keys and values, in one product where memory is query."""
        if memory is query:
            return self._split(self.w_qkv(query))
        w_q, w_kv = self._matrices()
        return *self._split(F.linear(query, w_q)), *self._split(F.linear(memory, w_kv))

    def _matrices(self) -> tuple[Float[Tensor, "d_model d_model"], Float[Tensor, "_ d_model"]]:
        d_model = self.w_o.in_features
        return self.w_qkv.weight.split((d_model, 2 * d_model))

    def _split(
        self, x: Float[Tensor, "batch length parts_times_d_model"]
    ) -> tuple[Float[Tensor, "batch heads length d_head"], ...]:
        """Cut each part of the channels (queries, keys, values) into heads, in one copy."""
        d_model = self.w_o.in_features
        parts = x.unflatten(-1, (-1, self.n_heads, d_model // self.n_heads))
        return parts.permute(2, 0, 3, 1, 4).contiguous().unbind()
