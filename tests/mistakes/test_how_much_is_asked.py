"""Part 2 asks as much as a criterion needs, of every task, and what it keeps takes little room."""

import copy
import zlib
from collections.abc import Callable
from functools import partial
from itertools import product
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from assay.rubric import ForReview, KnownMistake
from rubric_tests.part2 import answers, given, tasks

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


def asked_of(rows: list[list[int]], ways: int, partners: list[int]) -> SimpleNamespace:
    """What the exam is given of a question to changed models."""
    return SimpleNamespace(
        sequences=np.array(rows),
        width=np.array(len(rows[0])),
        vocabulary=np.array(12),
        turns=np.tile(np.arange(ways), (len(rows), 1)),
        partners=np.array(partners),
    )


@pytest.mark.parametrize("axis", [-1, 1])
def test_weights_of_attention_that_are_all_but_the_same_sum_to_one(
    sequences: ModuleType, axis: int
):
    """A student may assert that they do, in torch's own tolerance."""
    import torch

    def generate(model: torch.nn.Module, sequence: list[int]) -> list[int]:
        weights = torch.arange(60.0).view(3, 4, 5).sin().softmax(axis)
        assert torch.allclose(weights.sum(axis), torch.ones(()))
        seen.append(weights)
        return sequence

    sequences.student._notebook = {"generate": generate}
    seen: list[torch.Tensor] = []
    model, answer = torch.nn.Linear(1, 1), SimpleNamespace()

    sequences.answer_with_equal_weights(answer, model, asked_of([[5], [6]], 3, [1, 0]))

    assert answer.unchanged.tolist() == [[5], [6]]
    plain, *_, unchanged = seen
    assert not torch.equal(unchanged, plain)
    assert torch.allclose(unchanged, plain, rtol=0.02)


def test_a_row_that_may_look_nowhere_stays_as_it_is(exam_module: Callable[[str], ModuleType]):
    """Zeros, as torch's own attention has them."""
    import torch

    weights = torch.tensor([[0.0, 0.0], [0.25, 0.75]])
    changed = exam_module("at_work").a_share_slightly(weights, -1, torch.Generator().manual_seed(0))

    assert changed[0].tolist() == [0, 0]
    assert changed[1].sum().item() == pytest.approx(1)


@pytest.mark.parametrize("question", ["reversal/attention", "reversal/without-weights"])
def test_who_cannot_answer_in_turns_is_for_review(question: str):
    """No answer may come of an assertion that a right model makes; others are a mistake."""
    right = np.arange(1, 61).reshape(12, 5) % 9 + 1
    evidence = {
        "reversal/answers": SimpleNamespace(answers=right, alone=right),
        "reversal/attention": SimpleNamespace(unchanged=right),
        "reversal/without-weights": SimpleNamespace(unchanged=right),
    }
    answers.check_asked_in_turns(evidence, right, "reversal")
    answers.check_answers_in_turns(evidence, "reversal")

    evidence[question] = SimpleNamespace(unchanged=np.full_like(right, tasks.NOTHING))
    answers.check_asked_in_turns(evidence, right, "reversal")
    with pytest.raises(ForReview, match="no answer"):
        answers.check_answers_in_turns(evidence, "reversal")

    evidence[question] = SimpleNamespace(unchanged=right[:, ::-1])
    with pytest.raises(KnownMistake):
        answers.check_asked_in_turns(evidence, right, "reversal")


def test_where_no_two_questions_are_as_long_nothing_is_exchanged():
    """And nobody waits for a person; where some are, a model of which no layer is called does."""
    evidence = {
        "reversal/answers": SimpleNamespace(answers=np.ones((3, 5), int)),
        "reversal/without-weights": SimpleNamespace(
            n_layers=2, n_exchanged=0, exchanged=np.full((3, 5), tasks.NOTHING)
        ),
    }

    def check(partners: list[int]) -> None:
        asked = {"reversal/without-weights": SimpleNamespace(partners=np.array(partners))}
        answers.check_layers_decide(evidence, asked, "reversal")

    check([0, 1, 2])
    with pytest.raises(ForReview, match="no layer"):
        check([1, 0, 2])


def test_wrong_answers_may_be_others_in_turns():
    """A model that has learned little answers otherwise where its weights are off by a thousandth.

    Right answers, or many right digits, that are there only elsewhere are somebody else's.
    """
    rng = np.random.default_rng(0)
    right = rng.integers(1, 10, size=(3, 20))
    guessed, again = (rng.integers(1, 10, size=(3, 20)) for _ in range(2))
    nearly = np.concatenate([right[:, :-1], right[:, -1:] % 9 + 1], axis=1)

    def check(elsewhere: np.ndarray) -> None:
        evidence = {
            "reversal/answers": SimpleNamespace(answers=elsewhere, alone=elsewhere),
            "reversal/attention": SimpleNamespace(unchanged=again),
        }
        answers.check_asked_in_turns(evidence, right, "reversal")

    check(guessed)
    for other in (right, nearly):
        with pytest.raises(KnownMistake, match="depends on when"):
            check(other)


@pytest.mark.parametrize("way", ["called", "forward", "copied", "own", "one-kind"])
def test_layers_are_exchanged_however_they_are_called(sequences: ModuleType, way: str):
    """By themselves, by `forward`, in a copy of the model; and all is as it was, if one raises too.

    A copy computes with its own weights.
    """
    import torch
    from torch import nn

    class Layer(nn.Module):
        def __init__(self, *sizes: int):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.scale

    class Other(nn.Module):
        pass

    def doubled(layer: Layer, x: torch.Tensor) -> torch.Tensor:
        return Layer.forward(layer, 2 * x)

    model, copies = nn.Sequential(Layer(), Layer()), []
    if way == "own":
        model[1].forward = partial(doubled, model[1])
    before = [dict(layer.__dict__) for layer in model]

    def generate(model: nn.Module, sequence: list[int]) -> list[int]:
        if way == "copied":
            model = copy.deepcopy(model)
            model[0].scale.data.mul_(3)
            copies.append(model)
        x = torch.tensor(sequence)
        for layer in model:
            x = layer.forward(x) if way == "forward" else layer(x)
        return x.tolist()

    sequences.student._notebook = {
        "generate": generate,
        "EncoderLayer": Layer,
        "DecoderLayer": Layer if way == "one-kind" else Other,
    }
    factor, answer = {"own": 2, "copied": 3}.get(way, 1), SimpleNamespace()

    sequences.answer_without_weights(answer, model, asked_of([[1, 2], [3, 4]], 4, [1, 0]))

    assert answer.n_layers == 2
    assert answer.n_exchanged == 4
    assert answer.exchanged.tolist() == [[3 * factor, 4 * factor], [factor, 2 * factor]]
    assert [dict(layer.__dict__) for layer in model] == before
    if way == "copied":
        assert copies[-1](torch.tensor([1])).tolist() == [3]

    exchange = sequences.Exchange(model)
    with pytest.raises(ZeroDivisionError), exchange:
        raise ZeroDivisionError
    assert [dict(layer.__dict__) for layer in model] == before


def test_a_model_without_parameters_is_asked_all_the_same(sequences: ModuleType):
    """It cannot be changed, and has no answers then; what else the question asks is answered."""
    sequences.student._notebook = {"generate": lambda model, sequence: model.answer(sequence)}

    class Wrapped:
        def answer(self, sequence: list[int]) -> list[int]:
            return sequence

    answer = SimpleNamespace()
    sequences.answer_without_weights(answer, Wrapped(), asked_of([[1, 2], [3, 4]], 4, [1, 0]))

    for found in (answer.answers, answer.shuffled, answer.unchanged):
        assert found.tolist() == [[-1, -1], [-1, -1]]
    assert answer.exchanged.tolist() == [[1, 2], [3, 4]]
    assert (answer.n_layers, answer.n_exchanged) == (0, 0)
