"""The position-wise feed-forward network (Vaswani et al. 2017, section 3.3)."""

from jaxtyping import Float
from torch import Tensor, nn


class FeedForward(nn.Module):
    """The same small network for every position by itself (equation 2).

    FFN(x) = max(0, x @ W_1 + b_1) @ W_2 + b_2
    """

    def __init__(self, d_model: int, d_hidden: int) -> None:
        super().__init__()
        self.w_1 = nn.Linear(d_model, d_hidden)
        self.w_2 = nn.Linear(d_hidden, d_model)

    def forward(
        self, x: Float[Tensor, "batch length d_model"]
    ) -> Float[Tensor, "batch length d_model"]:
        return self.w_2(self.w_1(x).relu())
