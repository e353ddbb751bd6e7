"""What `train` was handed is read wherever the notebook calls it, or not at all."""

from collections.abc import Callable
from types import ModuleType, SimpleNamespace

import pytest

TRAIN = "def train(inputs, targets, *, seed): return 0"
READ = {
    "a statement": "model = train(one + two, 0, seed=0)",
    "a function": "def run():\n    return train(one + two, 0, seed=0)\nmodel = run()",
    "a local name": "def run(a, b):\n    both = a + b\n    made = train(both, 0, seed=0)\n"
    "    return made\nmodel = run(one, b=two)",
    "a function of a function": "def inner(rows):\n    return train(rows, 0, seed=0)\n"
    "def run(rows):\n    print(rows)\n    return inner(rows + two)\nmodel = run(one)",
    "a keyword": "def run():\n    return train(targets=0, inputs=[*one, *two], seed=0)\n"
    "model = run()",
    "with": "with open('x') as file:\n    model = train(one + two, 0, seed=0)",
    "try": "try:\n    model = train(one + two, 0, seed=0)\nexcept OSError:\n    pass",
}
NOT_READ = {
    "a list that grows": "def run():\n    both = list(one)\n    both.extend(two)\n"
    "    return train(both, 0, seed=0)\nmodel = run()",
    "a name bound twice": "def run():\n    both = one\n    both = shuffled(both)\n"
    "    return train(both, 0, seed=0)\nmodel = run()",
    "a loop": "def run():\n    for both in (one, two):\n        pass\n"
    "    return train(both, 0, seed=0)\nmodel = run()",
    "a choice": "def run():\n    if one:\n        return train(one, 0, seed=0)\n"
    "    return train(two, 0, seed=0)\nmodel = run()",
    "a default": "def run(rows=one):\n    return train(rows, 0, seed=0)\nmodel = run()",
    "a parameter that is changed": "def run(rows):\n    rows = rows[:1]\n"
    "    return train(rows, 0, seed=0)\nmodel = run(one)",
    "itself": "def run(rows):\n    return run(rows)\nmodel = run(one)",
    "what is bound later": "def run():\n    return train(one, 0, seed=0)\nmodel = run()\none = two",
    "a branch": "if one:\n    model = train(one, 0, seed=0)",
}


@pytest.fixture
def handed(exam_module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch):
    """What is found for the code of a notebook that has run, with two sequences under names."""
    names = {"one": [[1, 2]], "two": [[3, 4]], "train": object()}

    def found(code: str) -> list[list[int]]:
        student = SimpleNamespace(In=["", TRAIN, code], has=lambda *n: set(n) <= set(names))
        vars(student).update(names)
        module = exam_module("handed")
        monkeypatch.setattr(module, "student", student)
        return module.handed_to_train()

    return found


@pytest.mark.parametrize("code", READ.values(), ids=READ)
def test_a_call_of_train_is_read_where_it_is(handed, code: str):
    """At the top level, inside functions, under local names."""
    assert handed(code) == [[1, 2], [3, 4]]


@pytest.mark.parametrize("code", NOT_READ.values(), ids=NOT_READ)
def test_what_may_have_been_another_is_not_read(handed, code: str):
    """Nobody is accused by a guess."""
    assert handed(code) == []
