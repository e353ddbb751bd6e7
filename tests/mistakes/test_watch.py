"""What is watched of a loss: that of the right tokens, however labels are smoothed."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.rubric import KnownMistake
from rubric_tests.part2 import answers

RIGHT = torch.tensor([1, 2, 3, 0])


@pytest.fixture
def watch(exam_module: Callable[[str], Any]) -> Any:
    return exam_module("watch").Watch()


def shares() -> Tensor:
    return 0.9 * F.one_hot(RIGHT, 5) + 0.02


def none_and_mean(logits: Tensor, **smoothed: Any) -> Tensor:
    return F.cross_entropy(logits, RIGHT, reduction="none", **smoothed).mean()


SMOOTHED: dict[str, Callable[[Tensor], Tensor]] = {
    "an argument": lambda x: F.cross_entropy(x, RIGHT, label_smoothing=0.1),
    "shares": lambda x: F.cross_entropy(x, shares()),
    "shares, summed": lambda x: F.cross_entropy(x, shares(), reduction="sum") / 4,
    "shares, averaged by hand": lambda x: F.cross_entropy(x, shares(), reduction="none").mean(),
    "averaged by hand": lambda x: none_and_mean(x, label_smoothing=0.1),
    "all by hand": lambda x: -(shares() * x.log_softmax(1)).sum(1).mean(),
}
PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "torch's": lambda x: F.cross_entropy(x, RIGHT),
    "averaged by hand": none_and_mean,
    "shares that are whole": lambda x: F.cross_entropy(x, F.one_hot(RIGHT, 5).float()),
}


def trained(watch: Any, loss: Callable[[Tensor], Tensor], rates: np.ndarray) -> Any:
    """What is seen of a training with these rates."""
    logits = torch.zeros(4, 5, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=1.0)
    with watch:
        for rate in rates:
            optimizer.param_groups[0]["lr"] = float(rate)
            optimizer.zero_grad()
            loss(logits).backward()
            optimizer.step()
    noted = {name: np.array(getattr(watch, name)) for name in ("rates", "losses", "costs")}
    return {"training/steps": SimpleNamespace(**noted, to_zero=watch.to_zero)}


@pytest.mark.parametrize("loss", [*SMOOTHED.values(), *PLAIN.values()])
def test_a_rate_that_fades_when_all_is_learned_is_alive(watch: Any, loss: Any):
    """Smoothed labels keep a loss away from 0: it is no sign that too little was learned."""
    answers.check_rate_stays_alive(trained(watch, loss, 30 * 0.97 ** np.arange(300)), None)


@pytest.mark.parametrize("loss", PLAIN.values(), ids=PLAIN)
def test_a_rate_that_fades_before_is_not(watch: Any, loss: Any):
    """Most of the loss is still there."""
    with pytest.raises(KnownMistake, match="dies"):
        answers.check_rate_stays_alive(trained(watch, loss, 0.5 * 0.97 ** np.arange(300)), None)


@pytest.mark.parametrize("kind", ["an argument", "shares", "shares, summed"])
def test_the_loss_of_smoothed_labels_is_that_of_the_right_tokens(watch: Any, kind: str):
    """At the beginning it is that of guessing, at the end all but 0."""
    losses = trained(watch, SMOOTHED[kind], np.full(300, 4.0))["training/steps"].losses

    assert losses[0] == pytest.approx(np.log(5))
    assert losses[-1] < 0.25


def test_what_a_loss_is_a_function_of_is_noted_wherever_it_is_kept(watch: Any):
    """In a list, or made after the first loss and copied; not what no gradient comes to."""
    kept, unused = [torch.ones(3, requires_grad=True)], torch.ones(3, requires_grad=True)
    with watch:
        (kept[0] * 2).sum().backward()
        later = torch.nn.Linear(3, 1, bias=False)
        later(kept[0].clone()).sum().backward()
    noted = {id(part) for part, _ in watch.learning.values()}

    assert noted == {id(kept[0]), id(later.weight)}
    assert id(unused) not in noted
