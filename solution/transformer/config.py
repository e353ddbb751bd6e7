"""The hyperparameters that fix a model's shape."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    """Everything that must be known to build a model; the defaults reverse five digits.

    `max_length` counts tokens and `d_hidden` is the width inside the feed-forward network.
    Two heads of sixteen channels learn as well as four of eight and cost less: torch multiplies
    the smallest matrices with a plain loop. There is no dropout: nothing is overfitted in steps
    that visit most training pairs at most once.
    `positions=False` leaves the positional encoding out, for the baseline that cannot know order.
    """

    vocab_size: int
    max_length: int
    d_model: int = 32
    n_heads: int = 2
    d_hidden: int = 64
    n_layers: int = 1
    positions: bool = True
