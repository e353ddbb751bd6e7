"""Pairs: a row for each column of the matrix, two measurements of all seeds in it."""

from collections.abc import Iterator, Sequence

from assay.judge.statistics import mean_interval
from assay.records import Figure, Measurement
from assay.report import safe
from assay.report.plots import shapes
from assay.report.plots.frame import LETTER, RIGHT, Drawn, axes, below
from assay.report.plots.scales import Scale
from assay.report.view import Columns

BAND, NAME = 48, 36  # the height of a row, and the letters of the longest name beside it


def draw(figure: Figure, columns: Columns, others: Columns) -> Drawn:
    """Return every seed's two numbers, and their means with intervals."""
    names = [safe.plain(column, NAME) for column in columns]
    left = 20 + LETTER * max(map(len, names))
    x = Scale(*_ends(columns, others), left, RIGHT)
    y = Scale(0, len(names), 8 + BAND * len(names), 8)
    drawn = [*below(x, y, most=int((RIGHT - left) / 80)), *axes(x, y)]
    for row, (name, column) in enumerate(zip(names, columns, strict=True)):
        middle = 8 + BAND * (row + 0.5)
        drawn.append(shapes.line("grid", (left, middle), (RIGHT, middle)))
        drawn.append(shapes.words("end", (left - 8, middle), name))
        drawn += _strip(x, middle - 7, _values(others.get(column, [])), "grey")
        drawn += _strip(x, middle + 7, _values(columns[column]), "blue")
    drawn.append(shapes.words("label", (left, y.start + 35), figure.x_label))
    drawn += _legend(left, y.start + 58, {"blue": figure.measurement, "grey": figure.against})
    return round(y.start) + 72, drawn


MARKS = {"blue": shapes.disc, "grey": shapes.box}
"""Colours are told apart by their shape, too."""


def _strip(x: Scale, height: float, values: Sequence[float], colour: str) -> Iterator[str]:
    if not values:
        return
    mark, (mean, low, high) = MARKS[colour], mean_interval(values)
    for value in values:
        yield mark(f"{colour} seed", (x.at(value), height), 6)
    yield shapes.line(f"{colour} reach", (x.at(low), height), (x.at(high), height))
    yield mark(f"{colour} mean", (x.at(mean), height), 8)


def _legend(left: float, height: float, names: dict[str, str]) -> Iterator[str]:
    """What each colour is of, in one line."""
    room = int((RIGHT - left) / 2 / LETTER) - 6
    for colour, name in names.items():
        if name:
            short = safe.plain(name, room)
            yield MARKS[colour](f"{colour} mean", (left + 5, height), 8)
            yield shapes.words("label", (left + 16, height), short)
            left += LETTER * (len(short) + 6)


def _ends(columns: Columns, others: Columns) -> tuple[float, float]:
    """Return what all rows reach over, with some room; shares of a whole end right after 1."""
    groups = [values for of in (columns, others) for m in of.values() if (values := _values(m))]
    every = [number for values in groups for number in (*values, *mean_interval(values))]
    least, most = min(every, default=0.0), max(every, default=1.0)
    room = 0.05 * (most - least) or 0.05 * abs(most) or 0.5
    if least >= 0 and most <= 1:
        return min(max(least - room, -0.005), 0.95), 1.005
    return least - room, most + room


def _values(measurements: Sequence[Measurement]) -> list[float]:
    return [m.value for m in measurements if isinstance(m.value, float)]
