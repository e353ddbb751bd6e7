"""Mistakes and right variants of Part 2, by kind; each mistake shows in one place."""

from tests.mistakes.kinds import attention, layers
from tests.mistakes.part2 import hardly_trained

MISTAKES = [*attention.CASES, *layers.CASES]
RIGHT = [*attention.RIGHT, *layers.RIGHT]
CASES = [*map(hardly_trained, MISTAKES), *layers.HARMLESS_IN_TRAINING, *RIGHT]
