"""Attention as a student would write it: one projection each for queries, keys and values."""

import math

import torch
from torch import nn


def attention(query, key, value, visible=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if visible is not None:
        scores = scores.masked_fill(~visible, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


def causal(length):
    return torch.ones(length, length, dtype=torch.bool).tril()


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.n_heads = n_heads
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)

    def forward(self, query, memory, visible=None):
        return self.attend(self.queries(query), *self.keys_and_values(memory), visible)[0]

    def queries(self, query):
        return self.split(self.w_q(query))

    def keys_and_values(self, memory):
        return self.split(self.w_k(memory)), self.split(self.w_v(memory))

    def attend(self, queries, keys, values, visible=None):
        for_all_heads = None if visible is None else visible.unsqueeze(-3)
        heads, weights = attention(queries, keys, values, for_all_heads)
        return self.w_o(self.merge(heads)), weights

    def split(self, x):
        return x.reshape(x.size(0), x.size(1), self.n_heads, -1).transpose(1, 2)

    def merge(self, x):
        return x.transpose(1, 2).reshape(x.size(0), x.size(2), -1)


KeysAndValues = tuple
