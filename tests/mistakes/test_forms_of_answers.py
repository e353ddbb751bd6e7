"""An answer of whole numbers is right in whatever form it comes; nothing else passes for one."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from assay.sandbox.inside import ask

FILE = Path(__file__).parents[2] / "rubric_tests/part2/exam/sequences.py"


@pytest.fixture
def sequences(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The exam's own module, beside the `ask` that it finds in a kernel."""
    exam = ModuleType("exam")
    exam.__path__ = [str(FILE.parent)]
    monkeypatch.setitem(sys.modules, "ask", ask)
    monkeypatch.setitem(sys.modules, "exam", exam)
    spec = importlib.util.spec_from_file_location("sequences", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
