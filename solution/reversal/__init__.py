"""Sequence tasks for the transformer: data, tokens, training, generation, evaluation."""

from solution.reversal.generation import generate, generate_batch
from solution.reversal.training import train

__all__ = ["generate", "generate_batch", "train"]
