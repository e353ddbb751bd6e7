"""What plots have in common: how wide they are, and their axes."""

from collections.abc import Iterator

from assay.report.plots import shapes
from assay.report.plots.scales import DIGIT, Scale

WIDTH = 752  # of every plot: as wide as its place on a page
LEFT, RIGHT = 72, 736  # where axes begin, if no names stand before them, and where they end
LETTER = 7.8  # how wide a letter may be: the reader's font is not known

Drawn = tuple[int, list[str]]
"""The height of a plot, and its shapes."""


def below(x: Scale, y: Scale, most: int = 5) -> Iterator[str]:
    """The numbers below a plot, each with a line up from it."""
    for place, word in x.ticks(most):
        yield shapes.line("grid", (place, y.start), (place, y.stop))
        yield shapes.line("axis", (place, y.start), (place, y.start + 4))
        inside = min(place, WIDTH - DIGIT * len(word) / 2)
        yield shapes.words("middle", (inside, y.start + 14), word)


def beside(x: Scale, y: Scale) -> Iterator[str]:
    """The numbers on the left of a plot, each with a line across from it."""
    for place, word in y.ticks():
        yield shapes.line("grid", (x.start, place), (x.stop, place))
        yield shapes.line("axis", (x.start - 4, place), (x.start, place))
        yield shapes.words("end", (x.start - 7, place), word)


def axes(x: Scale, y: Scale) -> Iterator[str]:
    """The two lines that hold the numbers: over those, and under what is drawn."""
    yield shapes.line("axis", (x.start, y.start), (x.stop, y.start))
    yield shapes.line("axis", (x.start, y.start), (x.start, y.stop))
