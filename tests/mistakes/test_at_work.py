"""Attention is seen at work in whatever way a model is asked, however its softmax is written."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

VOCABULARY = 12


@pytest.fixture
def at_work(exam_module: Callable[[str], ModuleType]) -> ModuleType:
    return exam_module("at_work")


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize(
    "softmax",
    [
        lambda scores: scores.softmax(-1),
        lambda scores: torch.nn.functional.softmax(scores, dim=-1),
        lambda scores: torch.special.softmax(scores, -1),
        torch.nn.Softmax(dim=-1),
        lambda scores: scores.exp() / scores.exp().sum(-1, keepdim=True),
    ],
)
def test_weights_are_seen_and_changed(at_work: ModuleType, mode: Any, softmax: Callable[..., Any]):
    """In `torch.inference_mode` as well, where operators come under other names."""
    scores = torch.randn(2, 3, 5, 5)

    def work() -> torch.Tensor:
        with mode():
            return softmax(scores)

    found, seen = at_work.with_weights(work, VOCABULARY, at_work.equal)

    assert seen >= 1
    assert torch.allclose(found, torch.full_like(scores, 0.2))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_softmax_over_the_vocabulary_is_no_attention(at_work: ModuleType, mode: Any):
    def work() -> torch.Tensor:
        with mode():
            return torch.randn(2, 5, VOCABULARY).softmax(-1).log_softmax(-1)

    _, seen = at_work.with_weights(work, VOCABULARY, None)

    assert seen == 0


def test_weights_that_are_dropped_are_no_logits(at_work: ModuleType):
    """Over as many places as there are tokens they have the shape of logits."""

    class Dropped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dropout, self.said = torch.nn.Dropout(0.1), torch.nn.Linear(4, 12)

        def step(self, x: Any) -> Any:
            return self.said(self.dropout(torch.rand(1, 12, 12))[..., :4] + x)

    with at_work.Choices(model := Dropped().eval(), 12) as choices:
        model.step(torch.ones(1, 12, 4))

    assert [part for part, _ in choices.calls] == [model.said]


def test_parts_are_counted_until_all_of_them_are_called(
    at_work: ModuleType, monkeypatch: pytest.MonkeyPatch
):
    """Then nothing is watched any more, and what was watched before is watched again."""

    def attention() -> int:
        return 1

    class Student:
        pass

    monkeypatch.setattr(Student, "attention", staticmethod(attention), raising=False)
    monkeypatch.setattr(at_work, "student", Student)
    before = sys.getprofile()
    with at_work.Parts() as parts:
        watched = sys.getprofile()
        attention()
        after = sys.getprofile()

    assert parts.called == {"attention"}
    assert watched == parts.note
    assert after is sys.getprofile() is before
