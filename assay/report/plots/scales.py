"""Where numbers lie along an axis, and which round ones are written there."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

DIGIT, APART = 7.0, 6.0  # how wide a digit may be, and what stays free between labels, in pixels
LONG = 6  # characters of a label: longer ones are written as 2.5e6

Ticks = list[tuple[float, str]]


@dataclass(frozen=True)
class Scale:
    """The numbers from `low` to `high`, over the pixels from `start` to `stop`.

    What lies beyond an end is drawn at the end. `by_powers`: each power of ten takes as much room
    as the next.
    """

    low: float
    high: float
    start: float
    stop: float
    by_powers: bool = False

    def at(self, value: float) -> float:
        """Where a number is drawn."""
        inside = min(max(value, self.low), self.high)
        if self.by_powers:
            share = log10(inside / self.low) / log10(self.high / self.low)
        else:
            share = (inside - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def ticks(self, most: int = 5) -> Ticks:
        """Where each round number is drawn, and in what words; of even steps there are `most`."""
        if not self.by_powers:
            values = evenly(self.low, self.high, most)
            return self._placed(values, with_decimals(values))
        choices = [self._placed(of, list(map(shortly, of))) for of in powers(self.low, self.high)]
        return next(filter(fits, choices), [])

    def _placed(self, values: Sequence[float], words: Sequence[str]) -> Ticks:
        return [(self.at(value), word) for value, word in zip(values, words, strict=True)]


def evenly(low: float, high: float, most: int) -> list[float]:
    """The multiples of 1, 2, 2.5 or 5 times a power of ten between two ends, up to a number."""
    power = 10.0 ** floor(log10(max(high / most - low / most, 1e-300)))
    for step in (size * power for size in (1, 2, 2.5, 5, 10, 20)):
        first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
        if last - first < most:
            break
    return [step * count for count in range(first, last + 1)]


def powers(low: float, high: float) -> list[list[float]]:
    """1, 2, 5, 10 … between two ends; then coarser: 1, 10, 100 …, every second of these, …"""
    exponents = range(floor(log10(low)), ceil(log10(high)) + 1)
    fine = [size * 10.0**exponent for exponent in exponents for size in (1, 2, 5)]
    whole = [10.0**e for e in exponents if low <= 10.0**e <= high]
    coarser = [whole[::every] for every in range(1, len(whole) + 1)]
    return [[value for value in fine if low <= value <= high], *coarser]


def with_decimals(values: Sequence[float]) -> list[str]:
    """Return the numbers of an axis, all with as many decimals as one of them needs."""
    near = 1e-9 * max(map(abs, values), default=0.0)
    needed = (d for d in range(LONG) if all(abs(round(v, d) - v) <= near for v in values))
    decimals = next(needed, LONG)
    words = [f"{value:,.{decimals}f}" for value in values]
    return words if max(map(len, words), default=0) <= LONG else list(map(as_power, values))


def shortly(value: float) -> str:
    """A number by itself: 1,000 and 1e6."""
    word = f"{value:,.9g}"
    return as_power(value) if "e" in word or len(word) > LONG else word


def as_power(value: float) -> str:
    """2.5e6, and 0 where it is none."""
    digits, exponent = f"{value:.9e}".split("e")
    return f"{float(digits):.9g}e{int(exponent)}" if value else "0"


def fits(ticks: Ticks) -> bool:
    """No label is so near to the next one that the two could touch."""
    return all(
        abs(right - left) >= DIGIT * (len(word) + len(other)) / 2 + APART
        for (left, word), (right, other) in pairwise(ticks)
    )
