"""Sequence tasks as data sets: the assignment's, and four harder ones.

Each different source belongs to one side of a split, so that what is trained on and what is
tested have none in common by construction.

    reverse-5         [3, 5, 2, 4, 1] -> [1, 4, 2, 5, 3]
    reverse-1-to-10   [7, 7, 2] -> [2, 7, 7]
    sort-5            [3, 5, 2, 4, 1] -> [1, 2, 3, 4, 5]
    reverse-20        [1, 2, 3, ..., 8, 9, 9, 9] -> [9, 9, 9, 8, ..., 3, 2, 1]
    add-3             [3, 5, 8, PLUS, 4, 6, 7] -> [5, 1, 2, 1, 8, 0], digits with their carries
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

Sequence = list[int]
PLUS = 10
N_TRAIN = 29_524  # half of the 59,049 sequences of five digits, rounded down
N_TEST = 4_096  # where there are more questions than can be asked


@dataclass(frozen=True)
class Task:
    """A rule and its questions: `sources(rng, n)` draws n of them, `answer` is the rule."""

    name: str
    sources: Callable[[np.random.Generator, int], list[Sequence]]
    answer: Callable[[Sequence], Sequence]
    n_test: int = N_TEST


@dataclass(frozen=True)
class Split:
    """Pairs to train on and pairs that are never trained on."""

    train_inputs: list[Sequence]
    train_targets: list[Sequence]
    test_inputs: list[Sequence]
    test_targets: list[Sequence]


def split(task: Task, rng: np.random.Generator, n_train: int = N_TRAIN) -> Split:
    """Draw `n_train` + `task.n_test` sources, and deal out the different ones at random.

    One that was drawn several times, as short ones are, is trained on as often, or tested once.
    So where some are alike, `n_train` is met on average, and there are fewer to test. Of the
    59,049 sequences of five digits 29,524 are to train on, and every other to test.
    """
    ### BEGIN SOLUTION
    n = n_train + task.n_test
    drawn = task.sources(rng, n)
    different = list(dict.fromkeys(map(tuple, drawn)))
    order = rng.permutation(len(different))
    cut = len(different) * n_train // n
    to_train = {different[i] for i in order[:cut]}
    train = [source for source in drawn if tuple(source) in to_train]
    test = [list(different[i]) for i in order[cut:]]
    return Split(train, list(map(task.answer, train)), test, list(map(task.answer, test)))
    ### END SOLUTION


def every_five_digits() -> list[Sequence]:
    """All 59,049 sequences of five integers from 1 to 9."""
    return [list(sequence) for sequence in product(range(1, 10), repeat=5)]


def reverse(source: Sequence) -> Sequence:
    """[3, 5, 2, 4, 1] -> [1, 4, 2, 5, 3]."""
    return source[::-1]


def add(source: Sequence) -> Sequence:
    """[3, 5, 8, PLUS, 4, 6, 7] -> [5, 1, 2, 1, 8, 0]: digit and carry of each column, units first.

    As on paper. Each column then needs its own two digits and the carry that was written just
    before; with the sum alone, a carry that nobody wrote down would have to be found again.
    """
    plus = source.index(PLUS)
    written, carry = [], 0
    for left, right in zip(source[plus - 1 :: -1], source[:plus:-1], strict=True):
        carry, digit = divmod(left + right + carry, 10)
        written += [digit, carry]
    return written


def five_digits(rng: np.random.Generator, n: int) -> list[Sequence]:
    """Any n of the 59,049, in random order; ValueError if n is more."""
    universe = every_five_digits()
    return [universe[i] for i in rng.choice(len(universe), size=n, replace=False)]


def five_digits_some_alike(rng: np.random.Generator, n: int) -> list[Sequence]:
    """One digit stands there at least once, twice, ... five times: each is drawn as often.

    Of all sequences 0.6 % have four or five alike, too few to learn how to sort them.
    """
    digits = rng.integers(1, 10, size=(n, 5))
    alike = np.arange(5) < rng.integers(1, 6, size=(n, 1))
    return rng.permuted(np.where(alike, digits[:, :1], digits), axis=1).tolist()


def one_to_ten_digits(rng: np.random.Generator, n: int) -> list[Sequence]:
    """Every length as often, so that the nine sequences of length 1 come many times."""
    lengths = rng.integers(1, 11, size=n)
    return [rng.integers(1, 10, size=length).tolist() for length in lengths]


def twenty_digits(rng: np.random.Generator, n: int) -> list[Sequence]:
    return rng.integers(1, 10, size=(n, 20)).tolist()


def two_three_digit_numbers(rng: np.random.Generator, n: int) -> list[Sequence]:
    """Both from 100 to 999, with PLUS between them."""
    return np.insert(rng.integers([1, 0, 0] * 2, 10, size=(n, 6)), 3, PLUS, axis=1).tolist()


TASKS = {
    task.name: task
    for task in (
        Task("reverse-5", five_digits, reverse, 9**5 - N_TRAIN),
        Task("reverse-1-to-10", one_to_ten_digits, reverse),
        Task("sort-5", five_digits_some_alike, sorted),
        Task("reverse-20", twenty_digits, reverse),
        Task("add-3", two_three_digit_numbers, add),
    )
}
