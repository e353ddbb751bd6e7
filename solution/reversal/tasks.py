"""Sequence tasks as data sets: the assignment's, and four harder ones.

A task's sources are all different before they are cut into a training half and a test half,
so the two are disjoint by construction.

    reverse-5         [3, 5, 2, 4, 1] -> [1, 4, 2, 5, 3]
    reverse-1-to-10   [7, 7, 2] -> [2, 7, 7]
    sort-5            [3, 5, 2, 4, 1] -> [1, 2, 3, 4, 5]
    reverse-20        [1, 2, 3, ..., 8, 9, 9, 9] -> [9, 9, 9, 8, ..., 3, 2, 1]
    add-3             358 + 467 = 825:  [3, 5, 8, PLUS, 4, 6, 7] -> [0, 8, 2, 5]
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

Sequence = list[int]
PLUS = 10
N_PAIRS = 9**5


@dataclass(frozen=True)
class Task:
    """A rule and its questions: `sources(rng, n)` draws n different ones, `answer` is the rule."""

    name: str
    sources: Callable[[np.random.Generator, int], list[Sequence]]
    answer: Callable[[Sequence], Sequence]


@dataclass(frozen=True)
class Split:
    """Pairs to train on and pairs that are never trained on."""

    train_inputs: list[Sequence]
    train_targets: list[Sequence]
    test_inputs: list[Sequence]
    test_targets: list[Sequence]


def split(task: Task, rng: np.random.Generator, n_pairs: int = N_PAIRS) -> Split:
    """Draw `n_pairs` different sources; the first half (rounded down) is to train on.

    Of the 59,049 sequences of five digits that is 29,524 to train on, and every other to test.
    """
    inputs = task.sources(rng, n_pairs)
    targets = [task.answer(source) for source in inputs]
    half = n_pairs // 2
    return Split(inputs[:half], targets[:half], inputs[half:], targets[half:])


def every_five_digits() -> list[Sequence]:
    """All 59,049 sequences of five integers from 1 to 9."""
    return [list(sequence) for sequence in product(range(1, 10), repeat=5)]


def reverse(source: Sequence) -> Sequence:
    """[3, 5, 2, 4, 1] -> [1, 4, 2, 5, 3]."""
    return source[::-1]


def add(source: Sequence) -> Sequence:
    """[3, 5, 8, PLUS, 4, 6, 7] -> [0, 8, 2, 5]: the sum, always in four digits."""
    plus = source.index(PLUS)
    left, right = (int("".join(map(str, part))) for part in (source[:plus], source[plus + 1 :]))
    return [int(digit) for digit in f"{left + right:04d}"]


def five_digits(rng: np.random.Generator, n: int) -> list[Sequence]:
    """Any n of the 59,049, in random order; ValueError if n is more."""
    universe = every_five_digits()
    return [universe[i] for i in rng.choice(len(universe), size=n, replace=False)]


def one_to_ten_digits(rng: np.random.Generator, n: int) -> list[Sequence]:
    """Every length is drawn as often, but only nine sequences of length 1 are different."""
    return _different(n, lambda: rng.integers(1, 10, size=rng.integers(1, 11)))


def twenty_digits(rng: np.random.Generator, n: int) -> list[Sequence]:
    return _different(n, lambda: rng.integers(1, 10, size=20))


def two_three_digit_numbers(rng: np.random.Generator, n: int) -> list[Sequence]:
    """Both from 100 to 999, with PLUS between them."""
    return _different(n, lambda: np.insert(rng.integers([1, 0, 0] * 2, 10), 3, PLUS))


def _different(n: int, draw: Callable[[], np.ndarray]) -> list[Sequence]:
    seen: dict[tuple[int, ...], None] = {}  # a set that keeps its order
    while len(seen) < n:
        seen[tuple(draw().tolist())] = None
    return [list(sequence) for sequence in seen]


TASKS = {
    task.name: task
    for task in (
        Task("reverse-5", five_digits, reverse),
        Task("reverse-1-to-10", one_to_ten_digits, reverse),
        Task("sort-5", five_digits, sorted),
        Task("reverse-20", twenty_digits, reverse),
        Task("add-3", two_three_digit_numbers, add),
    )
}
