"""Plots of measurements: one small style, colour-blind safe, the same bytes for the same data."""

import io
from collections.abc import Sequence
from threading import Lock
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from assay.judge.statistics import mean_interval
from assay.records import Figure, Measurement, PartSummary, Result

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#6b6b6b"  # from Okabe and Ito's palette
STYLE: dict[Any, Any] = {
    "figure.dpi": 120,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
}


_one_at_a_time = Lock()
"""pyplot's style belongs to the whole process."""


def figures(result: Result) -> dict[str, bytes]:
    """Every figure that the assignment asks for and that there are measurements for, as PNG."""
    drawn = {}
    with _one_at_a_time, plt.style.context("default"), plt.rc_context(STYLE):
        for part in result.parts:
            for figure in part.figures:
                columns = _by_column(result, part, figure.measurement)
                if columns:
                    draw = {"curves": _curves, "pairs": _pairs}[figure.kind]
                    drawn[f"{part.name}-{figure.name}.png"] = _png(draw(result, part, figure))
    return drawn


def _curves(result: Result, part: PartSummary, figure: Figure) -> Canvas:
    """One panel a column of the matrix, one line a seed."""
    columns = _by_column(result, part, figure.measurement)
    canvas, panels = _panels(len(columns))
    for panel, (column, measurements) in zip(panels, columns.items(), strict=False):
        for measurement in measurements:
            y = np.atleast_1d(measurement.value)
            x = np.arange(1, len(y) + 1) if measurement.x is None else np.asarray(measurement.x)
            panel.plot(x, y, color=BLUE, alpha=0.6, linewidth=1)
        panel.set_xscale("log")
        panel.set_ylim(bottom=0)
        panel.set_title(f"{column}  ({len(measurements)} seed{'s' * (len(measurements) > 1)})")
    _label(canvas, panels, figure)
    return canvas


def _pairs(result: Result, part: PartSummary, figure: Figure) -> Canvas:
    """One row a column of the matrix: every seed's two numbers, and their means with intervals."""
    columns = _by_column(result, part, figure.measurement)
    others = _by_column(result, part, figure.against)
    canvas, axes = plt.subplots(figsize=(7.2, 0.9 + 0.55 * len(columns)), layout="constrained")
    for row, column in enumerate(columns):
        _strip(axes, row - 0.14, _values(others.get(column, [])), GREY, "s")
        _strip(axes, row + 0.14, _values(columns[column]), BLUE, "o")
    axes.set_yticks(range(len(columns)), list(columns))
    axes.set_ylim(len(columns) - 0.5, -0.5)
    _end_at_one(
        axes, [v for column in (columns, others) for m in column.values() for v in _values(m)]
    )
    axes.set_xlabel(figure.x_label)
    axes.set_title(figure.title)
    for marker, color, name in (("o", BLUE, figure.measurement), ("s", GREY, figure.against)):
        axes.plot([], [], marker, color=color, label=name, markersize=5)
    canvas.legend(loc="outside lower center", ncols=2, frameon=False)
    return canvas


def _strip(axes: Axes, row: float, values: Sequence[float], color: str, marker: str) -> None:
    if not values:
        return
    mean, low, high = mean_interval(values)
    axes.plot(values, [row] * len(values), marker, color=color, alpha=0.3, markersize=4, mew=0)
    axes.plot([low, high], [row, row], color=color, linewidth=1.5)
    axes.plot([mean], [row], marker, color=color, markersize=5.5)


def _end_at_one(axes: Axes, values: Sequence[float]) -> None:
    """Shares of a whole: no room beyond 1, and enough below it to see that it is the end."""
    if values and min(values) >= 0 and max(values) <= 1:
        low, _ = axes.get_xlim()
        axes.set_xlim(min(low, 0.95), 1.005)


def _panels(count: int) -> tuple[Canvas, list[Axes]]:
    across = min(3, count)
    down = -(-count // across)
    canvas, axes = plt.subplots(
        down, across, figsize=(max(5.6, 2.6 * across + 0.4), 2.1 * down + 0.5), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for spare in axes.flat[count:]:
        spare.set_visible(False)
    return canvas, list(axes.flat[:count])


def _label(canvas: Canvas, panels: list[Axes], figure: Figure) -> None:
    canvas.suptitle(figure.title, x=0.01, ha="left", fontsize=10)
    canvas.supxlabel(figure.x_label, fontsize=9)
    canvas.supylabel(figure.y_label, fontsize=9)


def _by_column(result: Result, part: PartSummary, name: str) -> dict[str, list[Measurement]]:
    """The measurements of this name that belong to runs, by column of the matrix."""
    columns = {r.run.id: r.run.column for r in result.runs if r.run.part == part.name}
    found: dict[str, list[Measurement]] = {}
    for measurement in result.measurements:
        if measurement.name == name and measurement.run in columns:
            found.setdefault(columns[measurement.run], []).append(measurement)
    return found


def _values(measurements: list[Measurement]) -> list[float]:
    return [m.value for m in measurements if isinstance(m.value, float)]


def _png(canvas: Canvas) -> bytes:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(canvas)
    return buffer.getvalue()
