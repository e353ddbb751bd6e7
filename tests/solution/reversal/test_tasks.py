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
    "add-3": ([3, 5, 8, PLUS, 4, 6, 7], [0, 8, 2, 5]),
}


@pytest.mark.parametrize("name", TASKS)
def test_the_worked_example_comes_out(name):
    """Each task answers its example as its documentation says."""
    source, target = WORKED[name]

    assert TASKS[name].answer(source) == target


@pytest.mark.parametrize("name", TASKS)
def test_the_two_sides_share_no_sequence(name):
    """No source appears twice, on one side or on both, and every target is the right one."""
    task = TASKS[name]
    data = split(task, np.random.default_rng(0), n_pairs=3001)
    sources = [tuple(source) for source in data.train_inputs + data.test_inputs]

    assert len(set(sources)) == len(sources) == 3001
    assert len(data.train_inputs) == 1500
    assert data.test_targets == [task.answer(source) for source in data.test_inputs]


@pytest.mark.parametrize("name", ["reverse-5", "sort-5"])
def test_all_five_digit_sequences_are_there(name):
    """Both sides together are all 59,049; at most 29,524 are to train on."""
    data = split(TASKS[name], np.random.default_rng(3))
    both = {tuple(source) for source in data.train_inputs + data.test_inputs}

    assert both == {tuple(sequence) for sequence in every_five_digits()}
    assert len(both) == 59_049
    assert len(data.train_inputs) == 29_524


@pytest.mark.parametrize("name", TASKS)
def test_data_are_drawn_from_the_rng(name):
    """The same seed draws the same pairs, another seed others."""
    first, again, other = (
        split(TASKS[name], np.random.default_rng(seed), n_pairs=200) for seed in (1, 1, 2)
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


def test_sums_have_four_digits():
    """The smallest sum and the largest."""
    assert add([1, 0, 0, PLUS, 1, 0, 0]) == [0, 2, 0, 0]
    assert add([9, 9, 9, PLUS, 9, 9, 9]) == [1, 9, 9, 8]
