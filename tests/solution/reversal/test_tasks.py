from collections import Counter

import numpy as np
import pytest

from solution.reversal.tasks import PLUS, TASKS, add, every_five_digits, split

WORKED = {
    "reverse-5": ([3, 5, 2, 4, 1], [1, 4, 2, 5, 3]),
    "reverse-1-to-10": ([7, 7, 2], [2, 7, 7]),
    "sort-5": ([3, 5, 2, 4, 1], [1, 2, 3, 4, 5]),
    "reverse-20": (
        [*range(1, 10), *range(1, 10), 9, 9],
        [9, 9, *range(9, 0, -1), *range(9, 0, -1)],
    ),
    "add-3": ([3, 5, 8, PLUS, 4, 6, 7], [5, 1, 2, 1, 8, 0]),
}


@pytest.mark.parametrize("name", TASKS)
def test_the_worked_example_comes_out(name):
    """Each task answers its example as its documentation says."""
    source, target = WORKED[name]

    assert TASKS[name].answer(source) == target


@pytest.mark.parametrize("name", TASKS)
def test_the_two_sides_share_no_sequence(name):
    """No source is on both sides or tested twice, and every target is the right one."""
    task = TASKS[name]
    data = split(task, np.random.default_rng(0), n_train=1500)
    train, test = (list(map(tuple, side)) for side in (data.train_inputs, data.test_inputs))

    assert len(set(train) | set(test)) == len(set(train)) + len(test)
    assert data.train_targets == [task.answer(source) for source in data.train_inputs]
    assert data.test_targets == [task.answer(source) for source in data.test_inputs]


def test_all_five_digit_sequences_are_there():
    """Both sides together are all 59,049; at most 29,524 are to train on."""
    data = split(TASKS["reverse-5"], np.random.default_rng(3))
    both = {tuple(source) for source in data.train_inputs + data.test_inputs}

    assert both == {tuple(sequence) for sequence in every_five_digits()}
    assert len(both) == 59_049
    assert len(data.train_inputs) == 29_524


@pytest.mark.parametrize("name", ["reverse-1-to-10", "sort-5"])
def test_both_sides_hold_rare_and_frequent_sequences_in_the_same_shares(name):
    """Sources that came early, or often, are not all on one side: short ones, and those alike."""
    data = split(TASKS[name], np.random.default_rng(0))
    train = {tuple(source) for source in data.train_inputs}
    test = {tuple(source) for source in data.test_inputs}
    kind = len if name == "reverse-1-to-10" else lambda source: len(set(source))
    kinds = Counter(map(kind, train | test))
    shares = {n: Counter(map(kind, test))[n] / of_all for n, of_all in kinds.items() if of_all > 50}

    assert len(shares) >= 4
    assert all(0.03 < share < 0.3 for share in shares.values()), shares


def test_every_length_is_trained_on_as_often():
    """Each of ten lengths makes about a tenth of what is trained on; of length 1 there are nine."""
    data = split(TASKS["reverse-1-to-10"], np.random.default_rng(0))
    shares = np.bincount(list(map(len, data.train_inputs))) / len(data.train_inputs)

    assert shares[1:] == pytest.approx([0.1] * 10, abs=0.04)


def test_sequences_with_digits_alike_are_drawn_often():
    """A fifth of the questions to sort have five alike; of all sequences one in 6,561 has."""
    sources = TASKS["sort-5"].sources(np.random.default_rng(0), 5000)
    most_alike = [max(Counter(source).values()) for source in sources]

    assert min(Counter(most_alike)[n] for n in range(1, 6)) > 0.03 * 5000
    assert Counter(most_alike)[5] == pytest.approx(1000, abs=150)


@pytest.mark.parametrize("name", TASKS)
def test_data_are_drawn_from_the_rng(name):
    """The same seed draws the same pairs, another seed others."""
    first, again, other = (
        split(TASKS[name], np.random.default_rng(seed), n_train=100) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_sources_look_as_their_tasks_say():
    """Lengths and integers: 1 to 10 digits, twenty digits, and two numbers of three digits."""
    rng = np.random.default_rng(0)
    short, long, sums = (
        TASKS[name].sources(rng, 500) for name in ("reverse-1-to-10", "reverse-20", "add-3")
    )

    assert {len(source) for source in short} == set(range(1, 11))
    assert {len(source) for source in long} == {20}
    assert {number for source in short + long for number in source} == set(range(1, 10))
    assert all(len(source) == 7 and source[3] == PLUS for source in sums)
    assert all(source[0] and source[4] for source in sums)
    assert {number for source in sums for number in source} == set(range(11))


def test_a_carry_goes_over_to_the_next_column():
    """The smallest sum, the largest, one carry that makes another, and numbers of one digit."""
    assert add([1, 0, 0, PLUS, 1, 0, 0]) == [0, 0, 0, 0, 2, 0]
    assert add([9, 9, 9, PLUS, 9, 9, 9]) == [8, 1, 9, 1, 9, 1]
    assert add([5, 4, 7, PLUS, 1, 5, 3]) == [0, 1, 0, 1, 7, 0]
    assert add([8, PLUS, 7]) == [5, 1]
