"""Part 2 asks as much as a criterion needs, of every task, and what it keeps takes little room."""

import zlib
from collections.abc import Callable
from itertools import product
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from rubric_tests.part2 import given, tasks

MATRIX = ("reverse-5", "reverse-1-to-10", "sort-5", "reverse-20")


@pytest.mark.parametrize("task", MATRIX)
@pytest.mark.parametrize("seed", range(5))
def test_a_changed_model_is_asked_sixty_digits(task: str, seed: int):
    """A guess has a ninth of them, and is told from more than half; more of them tell no more."""
    questions = given.answers(np.random.default_rng(seed), tasks.TASKS[task])
    for name in ("reversal/attention", "reversal/without-weights"):
        if name in questions:
            sequences = questions[name].shown["sequences"]
            n = int((sequences != tasks.NOTHING).sum())

            assert 60 <= n < 60 + tasks.TASKS[task].length


def test_which_model_is_asked_is_drawn():
    """Each sequence is put to the changed models and to the model itself, in an order of its own.

    So are the places of the sequences that are asked once more, alone.
    """
    questions = [
        given.answers(np.random.default_rng(seed), tasks.TASKS["reverse-5"])
        | given.secret(np.random.default_rng(seed))
        for seed in range(3)
    ]
    for task, way in product(("reversal", "secret"), ("attention", "without-weights")):
        asked = [each[f"{task}/{way}"] for each in questions]
        turns = np.concatenate([question.shown["turns"] for question in asked])

        assert all("unchanged" in question.answers for question in asked)
        ways = turns.shape[1]
        assert (np.sort(turns, axis=1) == np.arange(ways)).all()
        assert len(np.unique(turns, axis=0)) >= 6
    for task in ("reversal", "secret"):
        places = [each[f"{task}/answers"].shown["places"] for each in questions]

        assert len({tuple(some[:24]) for some in places}) == 3
        assert all((np.sort(some) == np.arange(len(some))).all() for some in places)


@pytest.mark.parametrize("task", MATRIX)
def test_a_partner_is_another_question_that_is_as_long(task: str):
    """One that has no partner is its own."""
    question = given.answers(np.random.default_rng(0), tasks.TASKS[task])[
        "reversal/without-weights"
    ]
    lengths = (question.shown["sequences"] != tasks.NOTHING).sum(axis=1)
    partners = question.shown["partners"]

    assert (lengths[partners] == lengths).all()
    for i, partner in enumerate(partners[: given.N_EXCHANGED]):
        assert (partner == i) == ((lengths == lengths[i]).sum() == 1)


@pytest.mark.parametrize("task", MATRIX)
@pytest.mark.parametrize("seed", range(20))
def test_enough_sequences_tell_whether_order_matters(task: str, seed: int):
    """Eight of those that are asked with two digits swapped begin with two different ones."""
    questions = given.answers(np.random.default_rng(seed), tasks.TASKS[task])
    asked = questions["generation/again"].shown["sequences"]
    telling = (asked[:, 0] != asked[:, 1]) & (asked[:, 2] != tasks.NOTHING)

    assert telling.sum() >= 8


def test_what_a_sorted_answer_cannot_tell_is_not_asked():
    """It stays as it is when two digits change places: that explains nothing that fails elsewhere.

    Neither does it matter where attention looks, as long as all is counted.
    """
    sorting, reversing = (
        given.answers(np.random.default_rng(0), tasks.TASKS[task])
        for task in ("sort-5", "reverse-20")
    )

    assert {"positions/order", "reversal/attention"}.isdisjoint(sorting)
    assert {"positions/order", "reversal/attention"} <= set(reversing)


@pytest.fixture
def sequences(exam_module: Callable[[str], ModuleType]) -> ModuleType:
    return exam_module("sequences")


def test_pairs_are_written_down_sorted(sequences: ModuleType):
    """In the order in which they were drawn they take twice the room; each keeps its target."""
    inputs = tasks.FIVE_DIGITS[np.random.default_rng(0).permutation(9**5)[:20_000]].astype("i2")
    rows, targets = sequences.in_order(inputs, inputs[:, ::-1])

    assert set(map(tuple, rows)) == set(map(tuple, inputs))
    assert (rows[:, ::-1] == targets).all()
    assert room(rows) < 0.5 * room(inputs)


def room(rows: np.ndarray) -> int:
    """Bytes of the columns, one after the other, as the store lays them out."""
    return len(zlib.compress(rows.astype("i1").T.tobytes(), 6))


def test_halves_of_pairs_that_do_not_match_stay_as_they_are(sequences: ModuleType):
    rows, targets = sequences.in_order(np.array([[2], [1]]), np.array([[1], [2], [3]]))

    assert (rows.tolist(), targets.tolist()) == ([[2], [1]], [[1], [2], [3]])


@pytest.mark.parametrize(
    "lists",
    [
        [[1, 2, 3], [4], [], [5, 6, 7, 8, 9, 10]],
        [[-5, 70_000], [2**40]],
        [[1, 2], [3.0]],
        [[1, True], [2]],
        [[], []],
        [],
    ],
    ids=repr,
)
def test_lists_that_are_read_at_once_are_read_alike(sequences: ModuleType, lists: list):
    """As many as a notebook trains on are not read one by one; what they hold is the same."""
    one_by_one = [sequences.table([row], 4) for row in lists]

    found = sequences.table(lists, 4)

    assert found.dtype == np.int16
    assert found.tolist() == [row for (row,) in map(np.ndarray.tolist, one_by_one)]


def test_each_answer_has_operators_of_its_own(sequences: ModuleType):
    """What comes to no end is broken off, in the mode in which its attention is changed too."""
    import torch
    from torch import nn

    asked = []

    def generate(model: nn.Module, sequence: list[int]) -> list[int]:
        asked.append(sequence)
        for _ in range(sequence[0]):
            torch.ones(2).neg()
        return sequence

    sequences.student._notebook = {"generate": generate}
    model, given_ = (
        nn.Linear(1, 1),
        SimpleNamespace(
            sequences=np.array([[5], [5], [5]]),
            width=np.array(1),
            vocabulary=np.array(12),
            turns=np.tile(np.arange(3), (3, 1)),
        ),
    )
    answer = SimpleNamespace()
    sequences.answer_with_equal_weights(answer, model, given_)
    assert answer.answers.tolist() == answer.moved.tolist() == [[5], [5], [5]]

    given_.sequences[1] = 9_000  # 18,000 operators, where the first has ten
    sequences.answer_with_equal_weights(answer, model, given_)
    assert answer.answers.tolist() == answer.moved.tolist() == [[-1], [-1], [-1]]
