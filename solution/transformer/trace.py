"""What goes into and comes out of every part of a model, noted while it runs."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from solution.transformer.attention import MultiHeadAttention
from solution.transformer.embedding import PositionalEncoding, TokenEmbedding
from solution.transformer.feed_forward import FeedForward

Shape = tuple[int, ...]
SHOWN = (TokenEmbedding, PositionalEncoding, nn.LayerNorm, MultiHeadAttention, FeedForward)


@dataclass(frozen=True)
class Step:
    """What one module was given and what it gave back in a forward pass."""

    name: str
    inputs: tuple[Shape, ...]
    output: Shape
    detail: str


@torch.no_grad()
def trace(model: nn.Module, *inputs: Tensor) -> list[Step]:
    """Run `model(*inputs)` once and note every embedding, normalisation, attention and so on.

    The steps come in the order in which they ran. The model is left as it was.
    """
    steps: list[Step] = []

    def note(name: str) -> Callable[[nn.Module, tuple, Tensor], None]:
        def hook(module: nn.Module, given: tuple, output: Tensor) -> None:
            shapes = tuple(tuple(x.shape) for x in given if isinstance(x, Tensor))
            steps.append(Step(name, shapes, tuple(output.shape), _detail(module)))

        return hook

    hooks = [
        module.register_forward_hook(note(name))
        for name, module in model.named_modules()
        if isinstance(module, SHOWN) or name == "to_logits"
    ]
    try:
        model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return steps


def _detail(module: nn.Module) -> str:
    """The small second line in a block."""
    match module:
        case TokenEmbedding():
            return f"{module.table.num_embeddings} tokens × {module.table.embedding_dim}"
        case PositionalEncoding():
            return f"sines and cosines, up to {len(module.table)}"
        case MultiHeadAttention():
            n_heads, d_model = module.n_heads, module.w_o.in_features
            return f"{n_heads} heads × {d_model // n_heads} channels"
        case FeedForward():
            return (
                f"{module.w_1.in_features} → {module.w_1.out_features} → {module.w_2.out_features}"
            )
        case nn.Linear():
            return f"{module.in_features} → {module.out_features}"
    return ""
