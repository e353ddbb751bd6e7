"""The judge's own tasks, written apart from `solution`: what is asked, and what is right.

reverse-5         [3, 5, 2, 4, 1] -> [1, 4, 2, 5, 3], digits from 1 to 9
reverse-1-to-10   the same for 1 to 10 digits
sort-5            [3, 5, 2, 4, 1] -> [1, 2, 3, 4, 5]
reverse-20        twenty digits
add-3             358 + 467: [3, 5, 8, 10, 4, 6, 7] -> [5, 1, 2, 1, 8, 0], where 10 is the plus
                  sign: units first, the digit and the carry of each column
"""

from dataclasses import dataclass
from itertools import chain, product

import numpy as np

PLUS = 10
SAMPLE = 4096  # sequences asked: how many are right is then known within a percent
NOTHING = -1  # fills a table where a sequence has ended

Sequence = list[int]


@dataclass(frozen=True)
class Task:
    """How long its sequences and its answers are at most."""

    name: str
    length: int
    answer_length: int


TASKS = {
    "reverse-5": Task("reverse-5", 5, 5),
    "reverse-1-to-10": Task("reverse-1-to-10", 10, 10),
    "sort-5": Task("sort-5", 5, 5),
    "reverse-20": Task("reverse-20", 20, 20),
    "add-3": Task("add-3", 7, 6),
}

FIVE_DIGITS = np.array(list(product(range(1, 10), repeat=5)))


def questions(task: str, rng: np.random.Generator) -> list[Sequence]:
    """Return a random sample of the task's sequences: of five digits, each at most once."""
    if task.endswith("-5"):
        chosen: list[Sequence] = FIVE_DIGITS[rng.permutation(len(FIVE_DIGITS))[:SAMPLE]].tolist()
        return chosen
    return [draw(task, rng) for _ in range(SAMPLE)]


def draw(task: str, rng: np.random.Generator) -> Sequence:
    """One random sequence of the task."""
    if task == "add-3":
        left, right = rng.integers(100, 1000, size=2)
        return [*digits(left), PLUS, *digits(right)]
    longest = TASKS[task].length
    length = rng.integers(1, 11) if task == "reverse-1-to-10" else longest
    return [int(digit) for digit in rng.integers(1, 10, size=length)]


def answer(task: str, sequence: Sequence) -> Sequence:
    """The right answer to one sequence."""
    if task == "add-3":
        return columns(number(sequence[:3]), number(sequence[4:]))
    if task == "sort-5":
        return sorted(sequence)
    return list(reversed(sequence))


def columns(left: int, right: int) -> Sequence:
    """Of the units, tens and hundreds: the digit of the sum, and what goes over to the next."""
    written = []
    for ten in (10, 100, 1000):
        total = left % ten + right % ten
        written += [total % ten * 10 // ten, total // ten]
    return written


def digits(n: int) -> Sequence:
    return [int(digit) for digit in str(n)]


def number(sequence: Sequence) -> int:
    return int("".join(str(digit) for digit in sequence))


def table(sequences: list[Sequence], width: int) -> np.ndarray:
    """One row for each sequence, shape (n, width), filled up with NOTHING."""
    filled = np.full((len(sequences), width), NOTHING, dtype=np.int16)
    lengths = np.array([len(sequence) for sequence in sequences], dtype=int)
    filled[np.arange(width) < lengths[:, None]] = [*chain.from_iterable(sequences)]
    return filled


def sequences(rows: np.ndarray) -> list[Sequence]:
    """The sequences of a table, without what filled them up."""
    return [[int(entry) for entry in row if entry != NOTHING] for row in rows]
