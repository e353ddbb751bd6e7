"""What need not be trained is told by what it does: a table of places, in whatever form."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from solution.transformer.embedding import sinusoids

WIDTH, LONGEST = 16, 12
GIVEN = SimpleNamespace(source=torch.tensor([[3, 1, 2, 8, 5], [4, 4, 7, 1, 6]]))


@pytest.fixture
def may_stay(exam_module: Callable[[str], Any]) -> Any:
    return exam_module("places").may_stay


def fixed(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)


class Plain(nn.Module):
    """An encoder by itself: one layer, and whatever tells its places."""

    length: int | None = None
    """The one length that it takes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tokens = nn.Embedding(12, WIDTH)
        self.queries, self.keys, self.values = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.norm = nn.LayerNorm(WIDTH)
        self.pos_ffn = nn.Parameter(torch.randn(WIDTH, 24))
        self.composer = nn.Parameter(torch.randn(24, WIDTH))
        self.to_logits = nn.Linear(WIDTH, 12)
        self.told()

    def told(self) -> None:
        pass

    def forward(self, source: Tensor) -> Tensor:
        if self.length and source.size(1) != self.length:
            raise ValueError(f"a sequence of {source.size(1)} tokens")
        x = self.placed(self.tokens(source))
        q, k, v = self.turned(self.queries(x)), self.turned(self.keys(x)), self.values(x)
        weights = (self.scored(q @ k.transpose(1, 2) / 4)).softmax(-1)
        x = self.norm(x + weights @ v)
        return self.to_logits(x + (x @ self.pos_ffn).relu() @ self.composer)

    def placed(self, x: Tensor) -> Tensor:
        return x

    def turned(self, x: Tensor) -> Tensor:
        return x

    def scored(self, scores: Tensor) -> Tensor:
        return scores


class Table(Plain):
    def told(self) -> None:
        self.fixed = fixed(sinusoids(LONGEST, WIDTH))

    def placed(self, x: Tensor) -> Tensor:
        return x + self.fixed[: x.size(1)]


class Offset(Table):
    def placed(self, x: Tensor) -> Tensor:
        return x + self.fixed[2 : 2 + x.size(1)]


class WithPadding(Table):
    """Row 0 is that of padding, and of zeros."""

    def told(self) -> None:
        rows = torch.cat([torch.zeros(1, WIDTH), sinusoids(400, WIDTH)])
        self.fixed = nn.Embedding.from_pretrained(rows, padding_idx=0)

    def placed(self, x: Tensor) -> Tensor:
        return x + self.fixed(1 + torch.arange(x.size(1)))


class FromTheEnd(Table):
    def placed(self, x: Tensor) -> Tensor:
        return x + self.fixed[-x.size(1) :].detach()


class Columns(Table):
    """A column for each place, with axes of 1 before it."""

    def told(self) -> None:
        self.fixed = fixed(sinusoids(LONGEST, WIDTH).T[None, None])

    def placed(self, x: Tensor) -> Tensor:
        return x + self.fixed[0, 0, :, : x.size(1)].T


class OneLength(Table):
    length = 5

    def told(self) -> None:
        self.pos_table = fixed(sinusoids(5, WIDTH))

    def placed(self, x: Tensor) -> Tensor:
        return x + self.pos_table


class OneLengthUnnamed(OneLength):
    def told(self) -> None:
        self.fixed = fixed(sinusoids(5, WIDTH))

    def placed(self, x: Tensor) -> Tensor:
        return x + self.fixed


class Turned(Plain):
    """Queries and keys are turned by angles that grow with their place."""

    def told(self) -> None:
        self.fixed = fixed(10_000.0 ** (-torch.arange(0, WIDTH, 2) / WIDTH))

    def turned(self, x: Tensor) -> Tensor:
        angles = torch.arange(1, x.size(1) + 1)[:, None] * self.fixed
        one, other = x.chunk(2, dim=-1)
        cos, sin = angles.cos(), angles.sin()
        return torch.cat([one * cos - other * sin, one * sin + other * cos], dim=-1)


class Sloped(Plain):
    """Places further away count less, in each of four heads by a slope of its own."""

    def told(self) -> None:
        self.fixed = fixed(2.0 ** -torch.arange(1, 5)[None, :, None, None])

    def scored(self, scores: Tensor) -> Tensor:
        places = torch.arange(scores.size(1))
        away = (places[:, None] - places).abs()
        return scores - (self.fixed[0] * away).mean(0)


class ByDistance(Plain):
    """A number for each distance, the middle one for none."""

    def told(self) -> None:
        self.fixed = fixed(torch.linspace(-3, 3, 2 * LONGEST - 1)[None] ** 2)

    def scored(self, scores: Tensor) -> Tensor:
        places = torch.arange(scores.size(1))
        return scores - self.fixed[0, LONGEST - 1 + places[:, None] - places]


class Scaled(Plain):
    def told(self) -> None:
        self.fixed = fixed(torch.tensor(math.sqrt(WIDTH)))

    def placed(self, x: Tensor) -> Tensor:
        return x * self.fixed


TABLES = [Table, Offset, WithPadding, FromTheEnd, Columns, Turned, Sloped, ByDistance, Scaled]


@pytest.mark.parametrize(
    "kind", [*TABLES, OneLength, OneLengthUnnamed], ids=lambda kind: kind.__name__
)
def test_what_is_fixed_for_places_may_stay(may_stay: Any, kind: type[Plain]):
    """Tables in all forms, frequencies, slopes, and a number that scales."""
    model = kind().eval()
    [(name, part)] = [p for p in model.named_parameters() if not p[1].requires_grad]

    with torch.no_grad():
        assert may_stay(model, name, part, GIVEN)


@pytest.mark.parametrize("kind", [Plain, *TABLES], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("frozen", [False, True])
def test_weights_may_not_stay(may_stay: Any, kind: type[Plain], frozen: bool):
    """Neither under names that hold `pos`, nor where somebody has said that they need no gradient.

    A bias of the queries works between places alone, as frequencies do; it was drawn, though.
    """
    model = kind().eval()
    weights = [name for name, part in model.named_parameters() if part.requires_grad]
    model.requires_grad_(not frozen)
    parts = dict(model.named_parameters())

    with torch.no_grad():
        stay = {name for name in weights if may_stay(model, name, parts[name], GIVEN)}

    assert stay == set()


def test_weights_of_a_model_for_one_length_may_not_stay(may_stay: Any):
    """Names are read by whole words, and what no table is has no row for each place."""
    model = OneLength().eval().requires_grad_(False)

    with torch.no_grad():
        stay = {n for n, part in model.named_parameters() if may_stay(model, n, part, GIVEN)}

    assert stay == {"pos_table"}
