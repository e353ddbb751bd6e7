"""Plots of measurements: one small style, colour-blind safe, the same bytes for the same data.

They are SVG: sharp on a page, on paper and in Markdown, and dark where their reader is.
Everything is placed by hand: matplotlib's own layout takes two thirds of the time.
"""

import io
from collections.abc import Sequence
from threading import Lock
from typing import Any

import matplotlib
import numpy as np
from matplotlib import style, ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas

from assay.judge.statistics import mean_interval
from assay.records import Figure, Measurement, Result
from assay.report.view import Columns, by_column

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#6b6b6b"  # from Okabe and Ito's palette
INK, GRID, PAPER = "#1a222c", "#e3e6ea", "#ffffff"
IN_THE_DARK = {
    BLUE: "#6cbcf0", ORANGE: "#ff9d5c", GREY: "#a3b0bd", INK: "#e3e8ee",
    GRID: "#2b3641", PAPER: "#11161c",
}  # fmt: skip
FONT = "DejaVu Sans"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "assay",
    "font.size": 9,
    "font.family": [FONT],
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.facecolor": PAPER,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "figure.facecolor": PAPER,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}
WIDTH = 7.2  # of every plot, in inches: text of 9 points is 12 pixels at the width of a page
SHADES = LinearSegmentedColormap.from_list("shades", ["#f3f7fa", BLUE, "#00314d"])

_one_at_a_time = Lock()
"""matplotlib's style belongs to the whole process."""


def figures(result: Result) -> dict[str, bytes]:
    """Every figure that the assignment asks for and that there are measurements for, as SVG."""
    drawn = {}
    with _one_at_a_time, style.context("default"), matplotlib.rc_context(STYLE):
        for part in result.parts:
            for figure in part.figures:
                columns = by_column(result, part, figure.measurement)
                if columns:
                    others = by_column(result, part, figure.against)
                    canvas = DRAW[figure.kind](figure, columns, others)
                    drawn[f"{part.name}-{figure.name}.svg"] = _svg(canvas)
    return drawn


def _curves(figure: Figure, columns: Columns, _: Columns) -> Canvas:
    """One panel a column of the matrix, one line a seed."""
    canvas, panels = _panels(len(columns), figure)
    for panel, (column, measurements) in zip(panels, columns.items(), strict=True):
        lines = [np.column_stack(_points(measurement)) for measurement in measurements]
        panel.add_collection(LineCollection(lines, colors=BLUE, alpha=0.6, linewidths=1.1))
        every = np.concatenate(lines)
        last = max(10.0, float(every[:, 0].max()))
        panel.set_xscale("log")
        panel.set_xlim(max(float(every[:, 0].min()), 0.5), last)
        panel.set_ylim(0, 1.05 * max(float(every[:, 1].max()), 1e-9))
        panel.xaxis.set_major_locator(ticker.FixedLocator(_decades(last)))
        panel.xaxis.set_minor_locator(ticker.NullLocator())
        panel.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        panel.yaxis.set_major_locator(ticker.MaxNLocator(4))
        panel.set_title(f"{column}  ({len(lines)} seed{'s' * (len(lines) > 1)})", color=INK)
    return canvas


def _points(measurement: Measurement) -> tuple[Any, Any]:
    y = np.atleast_1d(np.asarray(measurement.value, dtype=float))
    x = np.arange(1, len(y) + 1) if measurement.x is None else np.asarray(measurement.x)
    return x, y


def _decades(last: float) -> list[float]:
    """1, 10, 100 … up to the last; every second one where there are many."""
    powers = [10.0**k for k in range(int(np.log10(last)) + 1)]
    return powers if len(powers) < 5 else powers[::2]


def _pairs(figure: Figure, columns: Columns, others: Columns) -> Canvas:
    """One row a column of the matrix: every seed's two numbers, and their means with intervals."""
    height = 0.9 + 0.46 * len(columns)
    canvas = Canvas(figsize=(WIDTH, height))
    left = min(0.3, 0.03 + 0.0112 * max(map(len, columns)))
    axes = canvas.add_axes((left, 0.78 / height, 0.985 - left, 1 - 0.86 / height))
    rows = range(len(columns))
    for row, column in zip(rows, columns, strict=True):
        _strip(axes, row - 0.15, _values(others.get(column, [])), GREY, "s")
        _strip(axes, row + 0.15, _values(columns[column]), BLUE, "o")
    axes.set_yticks(list(rows), list(columns))
    axes.set_ylim(len(columns) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    _end_at_one(
        axes, [v for found in (columns, others) for m in found.values() for v in _values(m)]
    )
    canvas.text(left, 0.43 / height, figure.x_label, va="center")
    for x, marker, color, name in (
        (left, "o", BLUE, figure.measurement),
        (left + 0.35, "s", GREY, figure.against),
    ):
        axes.plot(
            [x + 0.008], [0.17 / height], marker, color=color, markersize=5,
            transform=canvas.transFigure, clip_on=False,
        )  # fmt: skip
        canvas.text(x + 0.022, 0.17 / height, name, va="center")
    return canvas


def _strip(axes: Axes, row: float, values: Sequence[float], color: str, marker: str) -> None:
    if not values:
        return
    mean, low, high = mean_interval(values)
    axes.plot(values, [row] * len(values), marker, color=color, alpha=0.3, markersize=4, mew=0)
    axes.plot([low, high], [row, row], color=color, linewidth=1.6)
    axes.plot([mean], [row], marker, color=color, markersize=5.5)


def _end_at_one(axes: Axes, values: Sequence[float]) -> None:
    """Shares of a whole: no room beyond 1, and enough below it to see that it is the end."""
    if values and min(values) >= 0 and max(values) <= 1:
        low, _ = axes.get_xlim()
        axes.set_xlim(min(low, 0.95), 1.005)


def _map(figure: Figure, columns: Columns, others: Columns) -> Canvas:
    """The matrix of the first run that has one, beside the one it is held against."""
    shown = [(name, _matrix(found)) for name, found in
             ((figure.measurement, columns), (figure.against, others)) if found]  # fmt: skip
    size = 2.5
    height = size + 0.8
    canvas = Canvas(figsize=(WIDTH, height))
    for place, (name, matrix) in enumerate(shown):
        width = size / WIDTH
        box = (0.085 + place * (width + 0.11), 0.5 / height, width, size / height)
        _squares(canvas.add_axes(box), matrix, name, figure)
    return canvas


def _squares(axes: Axes, matrix: Any, name: str, figure: Figure) -> None:
    """Every number as a square of its shade, with the number in it."""
    rows, across = matrix.shape
    top = max(float(matrix.max()), 1.0)
    axes.grid(False)
    axes.pcolormesh(matrix, cmap=SHADES, vmin=0, vmax=top, edgecolors=PAPER, linewidth=1.5)
    if matrix.size <= 100:
        for (row, column), value in np.ndenumerate(matrix):
            color = PAPER if value > 0.4 * top else INK
            axes.text(
                column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=7.5,
                color={PAPER: "#fffffe", INK: "#1a222d"}[color],
            )  # fmt: skip
    axes.set_xlim(0, across)
    axes.set_ylim(rows, 0)
    axes.set_xticks(np.arange(across) + 0.5, [str(n) for n in range(across)])
    axes.set_yticks(np.arange(rows) + 0.5, [str(n) for n in range(rows)])
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_title(name, color=INK)
    axes.set_xlabel(figure.x_label)
    axes.set_ylabel(figure.y_label)


def _matrix(columns: Columns) -> Any:
    first = next(iter(columns.values()))[0]
    return np.atleast_2d(np.asarray(first.value, dtype=float))


DRAW = {"curves": _curves, "pairs": _pairs, "map": _map}


def _panels(count: int, figure: Figure) -> tuple[Canvas, list[Axes]]:
    """Three panels a row, with room for a title above each and numbers below."""
    across = min(3, count)
    down = -(-count // across)
    height = 0.4 + 1.85 * down
    canvas = Canvas(figsize=(WIDTH, height))
    share = 0.93 / max(across, 2)
    panels = []
    for place in range(count):
        row, column = divmod(place, across)
        bottom = (height - 1.85 * (row + 1) + 0.27) / height
        box = (0.085 + share * column, bottom, share - 0.07, 1.35 / height)
        panels.append(canvas.add_axes(box))
    canvas.text(0.085, 0.2 / height, figure.x_label, va="center")
    canvas.text(0.02, 0.5, figure.y_label, va="center", ha="center", rotation=90)
    return canvas, panels


def _values(measurements: list[Measurement]) -> list[float]:
    return [m.value for m in measurements if isinstance(m.value, float)]


def _svg(canvas: Canvas) -> bytes:
    """The picture, with a second set of colours for readers in the dark."""
    buffer = io.StringIO()
    FigureCanvasSVG(canvas).print_svg(buffer, metadata={"Date": None, "Creator": None})
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in IN_THE_DARK.items()
        for what in ("fill", "stroke")
    )
    look = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    svg = buffer.getvalue().replace(f"'{FONT}'", f"system-ui, '{FONT}', sans-serif")
    return svg.replace("<defs>", f"{look}\n <defs>", 1).encode()
