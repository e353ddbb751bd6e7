"""Between lists of integers and padded tensors of tokens.

Three tokens are special; the integer n is token n + 3. The vocabulary is therefore as large
as the largest integer asks for, and nothing has to be remembered to decode.

    [3, 5, 2]  <->  [BOS, 6, 8, 5, EOS]  ->  BOS, 6, 8, 5, EOS, PAD, PAD in a longer batch
"""

from collections.abc import Sequence
from itertools import chain

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn import functional as F

PAD, BOS, EOS = range(3)
N_SPECIAL = 3


def vocab_size(largest: int) -> int:
    """How many tokens there are when integers go from 0 to `largest`."""
    return N_SPECIAL + largest + 1


def encode(sequences: Sequence[Sequence[int]]) -> Int[Tensor, "batch length"]:
    """Sources: no BOS, no EOS, padded at the end to the longest. ValueError below 0."""
    numbers = torch.tensor(list(chain.from_iterable(sequences)), dtype=torch.long)
    if (numbers < 0).any():
        raise ValueError(f"{numbers.min()} is negative; sequences hold integers from 0 upwards")
    lengths = [len(sequence) for sequence in sequences]
    there = torch.arange(max(lengths, default=0)) < torch.tensor(lengths).unsqueeze(1)
    return torch.full(there.shape, PAD).masked_scatter(there, numbers + N_SPECIAL)


def encode_target(sequences: Sequence[Sequence[int]]) -> Int[Tensor, "batch length"]:
    """Targets: BOS in front, EOS behind, padded at the end to the longest."""
    tokens = F.pad(encode(sequences), (1, 1), value=PAD)
    tokens[:, 0] = BOS
    ends = (tokens != PAD).sum(dim=1)
    return tokens.scatter(1, ends.unsqueeze(1), EOS)


def decode(tokens: Int[Tensor, "batch length"]) -> list[list[int]]:
    """The integers of each row, up to EOS; PAD and BOS are passed over."""
    return [_integers(row) for row in tokens.tolist()]


def name(token: int) -> str:
    """How a token is written on a figure."""
    return ("PAD", "BOS", "EOS")[token] if token < N_SPECIAL else str(token - N_SPECIAL)


def _integers(row: list[int]) -> list[int]:
    until_eos = row[: row.index(EOS)] if EOS in row else row
    return [token - N_SPECIAL for token in until_eos if token >= N_SPECIAL]
