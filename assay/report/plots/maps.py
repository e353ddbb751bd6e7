"""Maps: a matrix as tiles, the darker the more."""

from collections.abc import Iterator
from itertools import chain
from math import ceil

from assay.records import Figure
from assay.report import safe
from assay.report.plots import shapes
from assay.report.plots.frame import LEFT, Drawn
from assay.report.plots.shapes import Point
from assay.report.view import Columns

SIDE = 260  # of a matrix
SHADES = ((243, 247, 250), (0, 114, 178), (0, 49, 77))

Matrix = list[list[float]]


def draw(figure: Figure, columns: Columns, others: Columns) -> Drawn:
    """The matrix of the first run that has one, beside the one it is held against."""
    found = [(figure.measurement, _matrix(columns)), (figure.against, _matrix(others))]
    drawn: list[str] = []
    for place, (name, matrix) in enumerate(pair for pair in found if pair[1]):
        left, top = LEFT + place * (SIDE + 92), 32
        drawn.append(shapes.words("label", (left, top - 16), safe.plain(name, 36)))
        drawn.append(
            shapes.words("label middle", (left + SIDE / 2, top + SIDE + 34), figure.x_label)
        )
        drawn.append(shapes.upwards("label middle", (left - 36, top + SIDE / 2), figure.y_label))
        drawn += _tiles((left, top), matrix)
    return SIDE + 78, drawn


def _tiles(corner: Point, matrix: Matrix) -> Iterator[str]:
    """Every number as a tile of its shade, with the number in it where there is room."""
    left, top = corner
    width, height = SIDE / len(matrix[0]), SIDE / len(matrix)
    darkest = max(1.0, *chain(*matrix))
    roomy = width >= 8 * len(f"{darkest:.2f}") and height >= 16
    for row, values in enumerate(matrix):
        for column, value in enumerate(values):
            share = min(max(value / darkest, 0.0), 1.0)
            x, y = left + width * column, top + height * row
            yield shapes.tile(_shade(share), (x, y), width, height)
            if roomy:
                kinds = f"middle {'on-dark' if share > 0.46 else 'on-light'}"
                yield shapes.words(kinds, (x + width / 2, y + height / 2), f"{value:.2f}")
    yield from _counted(corner, width, height, matrix)


def _counted(corner: Point, width: float, height: float, matrix: Matrix) -> Iterator[str]:
    """Return the numbers of columns and rows; of small tiles, only some."""
    left, top = corner
    for column in range(0, len(matrix[0]), ceil(20 / width)):
        yield shapes.words("middle", (left + width * (column + 0.5), top + SIDE + 14), str(column))
    for row in range(0, len(matrix), ceil(20 / height)):
        yield shapes.words("end", (left - 8, top + height * (row + 0.5)), str(row))


def _matrix(columns: Columns) -> Matrix:
    """Return the first of them, or nothing; a series is a matrix of one row."""
    value = next((m.value for of in columns.values() for m in of), [])
    rows = value if isinstance(value, list) else [value]
    within = [row for row in rows if isinstance(row, list)]
    alone = [number for number in rows if isinstance(number, float)]
    return [row for row in within or [alone] if row]


def _shade(share: float) -> str:
    """From the lightest over the middle to the darkest."""
    light, dark = SHADES[:2] if share < 0.5 else SHADES[1:]
    part = 2 * share if share < 0.5 else 2 * share - 1
    mixed = (round(a + (b - a) * part) for a, b in zip(light, dark, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
