"""Free-running answers: the model reads the question and its own words, never the right answer.

Greedy: the likeliest token is taken each time. Beams would cost more and, where one answer
is right and the model is sure of it, find the same.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from solution.reversal.tokenizer import BOS, EOS, PAD, decode, encode
from solution.transformer import EncoderOnly, Transformer


def generate(model: Transformer | EncoderOnly, sequence: list[int]) -> list[int]:
    """The model's answer to one sequence of integers.

    Raises ValueError for one longer than the model has positions, or with an integer below 0.
    """
    return generate_batch(model, [sequence])[0]


@torch.no_grad()
def generate_batch(
    model: Transformer | EncoderOnly,
    sequences: Sequence[list[int]],
    *,
    cache: bool = True,
    batch_size: int = 4096,
) -> list[list[int]]:
    """The answers to many sequences; they may differ in length.

    `cache=False` reads the whole answer so far again for each new token: slower, and the same.
    """
    answer = _choose(model, cache)
    answers: list[list[int]] = []
    for start in range(0, len(sequences), batch_size):
        answers += decode(answer(model, encode(sequences[start : start + batch_size])))
    return answers


def visible_tokens(source: Int[Tensor, "batch length"]) -> Bool[Tensor, "batch 1 length"] | None:
    """True at tokens, False at padding; None where nothing is padded, which costs less."""
    visible = source != PAD
    return None if visible.all() else visible.unsqueeze(1)


def _choose(model: Transformer | EncoderOnly, cache: bool) -> Callable:
    if isinstance(model, EncoderOnly):
        return _all_at_once
    return _one_by_one if cache else _one_by_one_without_cache


def _all_at_once(
    model: EncoderOnly, source: Int[Tensor, "batch length"]
) -> Int[Tensor, "batch length"]:
    visible = visible_tokens(source)
    return model(source, visible).argmax(dim=-1).masked_fill(source == PAD, PAD)


def _one_by_one(
    model: Transformer, source: Int[Tensor, "batch source_length"]
) -> Int[Tensor, "batch target_length"]:
    visible = visible_tokens(source)
    pasts, memories = model.decoder.start(model.encoder(source, visible))
    tokens = [torch.full((len(source), 1), BOS)]
    ended = torch.zeros(len(source), 1, dtype=torch.bool)
    while len(tokens) < model.config.max_length and not ended.all():
        x, pasts = model.decoder.step(tokens[-1], pasts, memories, visible)
        tokens.append(model.to_logits(x).argmax(dim=-1))
        ended |= tokens[-1] == EOS
    return torch.cat(tokens, dim=1)


def _one_by_one_without_cache(
    model: Transformer, source: Int[Tensor, "batch source_length"]
) -> Int[Tensor, "batch target_length"]:
    visible = visible_tokens(source)
    memory = model.encoder(source, visible)
    tokens = torch.full((len(source), 1), BOS)
    while tokens.size(1) < model.config.max_length and not (tokens == EOS).any(dim=1).all():
        newest = model.decoder(tokens, memory, visible)[:, -1:]
        tokens = torch.cat((tokens, model.to_logits(newest).argmax(dim=-1)), dim=1)
    return tokens
