"""An answer of whole numbers is right in whatever form it comes; nothing else passes for one."""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from assay.rubric import Wrong
from rubric_tests.part2 import layer_checks


@pytest.fixture
def sequences(exam_module: Callable[[str], ModuleType]) -> ModuleType:
    return exam_module("sequences")


@pytest.mark.parametrize(
    "answer",
    [
        [3, 2, 1],
        (3, 2, 1),
        [3.0, 2.0, 1.0],
        [np.int64(3), np.float64(2), 1],
        np.array([3, 2, 1], dtype=np.uint8),
        np.array([3.0, 2.0, 1.0], dtype=np.float16),
        torch.tensor([3, 2, 1], dtype=torch.int16),
        torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64),
        torch.tensor([3.0, 2.0, 1.0], dtype=torch.bfloat16),
        torch.tensor([3.0, 2.0, 1.0], requires_grad=True),
        torch.tensor([[3, 2, 1]]),
        [torch.tensor(3), torch.tensor(2), torch.tensor(1)],
        [torch.tensor(3.0, requires_grad=True), torch.tensor(2), 1],
        [torch.tensor([3]), torch.tensor([2]), torch.tensor([1])],
        [[3, 2, 1]],
        [[3], [2], [1]],
    ],
    ids=lambda answer: repr(answer).replace("\n", "")[:60],
)
def test_right_values_in_any_form(sequences: ModuleType, answer: Any):
    """Where torch's default is float64, or a student's tokens are floats, the values are right."""
    assert sequences.table([answer, [4]], 5).tolist() == [[3, 2, 1, -1, -1], [4, -1, -1, -1, -1]]


@pytest.mark.parametrize(
    "answer",
    [[3.5, 2], [float("nan")], [float("inf")], ["3", "2"], "321", {"a": 1}, [True, False], [None]],
    ids=repr,
)
def test_what_is_no_list_of_whole_numbers(sequences: ModuleType, answer: Any):
    with pytest.raises((TypeError, ValueError)):
        sequences.table([answer], 5)


def test_an_empty_answer_is_one(sequences: ModuleType):
    assert sequences.table([[], torch.tensor([])], 2).tolist() == [[-1, -1], [-1, -1]]


@pytest.mark.parametrize("place", [0, 3])
def test_a_row_of_zeros_for_padding_is_right(place: int):
    """`nn.Embedding(11, 16, padding_idx=0)`, wherever the token of padding is drawn."""
    table = np.random.default_rng(0).normal(size=(11, 16))
    table[0] = 0
    tokens = np.roll(np.arange(11), place).reshape(1, 11)
    answer = SimpleNamespace(out=table[tokens], one=table[tokens[:1, :1]], as_asked=True)
    given = SimpleNamespace(tokens=tokens)
    names = ("embedding/rows", "embedding/all", "embedding/more")

    layer_checks.check_rows(dict.fromkeys(names, answer), dict.fromkeys(names, given))
    answer.one = answer.one + 1
    with pytest.raises(Wrong, match="by itself"):
        layer_checks.check_rows(dict.fromkeys(names, answer), dict.fromkeys(names, given))


class Masked(torch.nn.Module):
    """A model that takes its masks beside the tokens, as the Annotated Transformer's."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.table, self.said = torch.nn.Embedding(vocabulary, 8), torch.nn.Linear(8, vocabulary)
        self.wide = torch.nn.Linear(8, 32)

    def forward(self, source: Any, target: Any, visible: Any, past: Any) -> Any:
        return self.said(self.table(target))


def test_a_model_that_takes_masks_has_the_vocabulary_that_it_embeds(sequences: ModuleType):
    """Its logits were looked for among as many tokens as the assignment has, and never found."""
    given = SimpleNamespace(sequences=np.ones((2, 5), dtype=np.int16), vocabulary=np.array(12))

    assert sequences.vocabulary_of(Masked(13), given) == 13
    assert sequences.vocabulary_of(torch.nn.Linear(3, 3), given) == 12
