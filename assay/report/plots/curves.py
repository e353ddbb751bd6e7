"""Curves: a panel for each column of the matrix, a line for each seed."""

from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter

from assay.records import Figure, Measurement
from assay.report import safe
from assay.report.plots import shapes
from assay.report.plots.frame import LEFT, LETTER, RIGHT, Drawn, axes, below, beside
from assay.report.plots.scales import Scale
from assay.report.plots.shapes import Point
from assay.report.view import Columns
from assay.words import counted

PANEL, ROW, GAP = 140, 196, 54  # the height of a panel, what a row of them takes, between two


def draw(figure: Figure, columns: Columns, _: Columns) -> Drawn:
    """Three panels a row, two where names are long: a title above each, numbers at its sides."""
    across = 3 if len(columns) > 2 and max(map(len, columns)) <= 20 else 2
    share = (RIGHT + GAP - LEFT) / across
    down = -(-len(columns) // across)
    height = ROW * down + 24
    upwards = safe.plain(figure.y_label, int(height / LETTER))
    found = [
        shapes.words("label", (LEFT, height - 14), figure.x_label),
        shapes.upwards("label middle", (12, height / 2), upwards),
    ]
    for place, (column, measurements) in enumerate(columns.items()):
        row, rank = divmod(place, across)
        found += _panel((LEFT + share * rank, ROW * row + 12), share - GAP, column, measurements)
    return height, found


def _panel(
    corner: Point, width: float, column: str, measurements: Sequence[Measurement]
) -> Iterator[str]:
    left, top = corner
    lines = [points for points in map(_points, measurements) if points]
    x, y = _scales(lines, (left, top + 16), width)
    name = safe.plain(column, int(width / LETTER))
    yield shapes.words("label", corner, name, f"({counted(len(lines), 'seed')})")
    yield from chain(below(x, y), beside(x, y), axes(x, y))
    for points in lines:
        yield _line([(x.at(step), y.at(value)) for step, value in points])


def _line(points: Sequence[Point]) -> str:
    return shapes.curve(_thinned(points)) if points[1:] else shapes.disc("blue seed", points[0], 6)


def _points(measurement: Measurement) -> list[Point]:
    """A series as steps and values; a single number is one of a single step."""
    value = measurement.value
    series = value if isinstance(value, list) else [value]
    values = [number for number in series if isinstance(number, float)]
    return list(zip(measurement.x or range(1, len(values) + 1), values, strict=True))


def _scales(lines: Sequence[Sequence[Point]], corner: Point, width: float) -> tuple[Scale, Scale]:
    """Steps by powers of ten, as most happens early; values from zero on, or from below it."""
    xs = [step for points in lines for step, _ in points]
    ys = [value for points in lines for _, value in points]
    last, low, high = max([10.0, *xs]), min([0.0, *ys]), max([0.0, *ys])
    first = min(max(min(xs, default=1.0), 0.5), last / 10)
    left, top = corner
    return (
        Scale(first, last, left, left + width, by_powers=True),
        Scale(low, high + (0.05 * (high - low) or 1.0), top + PANEL, top),
    )


def _thinned(points: Sequence[Point]) -> Iterator[Point]:
    """Of the points over one pixel the first, the extremes and the last: no more can be seen."""
    for _, group in groupby(points, lambda point: round(point[0])):
        over = list(group)
        if len(over) > 4:
            extremes = (min(over, key=itemgetter(1)), max(over, key=itemgetter(1)))
            over = [over[0], *sorted(extremes), over[-1]]
        yield from over
