"""The plots of docs/benchmarks.md, in the colours of the reports."""

import io
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#6b6b6b"  # from Okabe and Ito's palette
COLOURS = (BLUE, ORANGE, GREY)
INK, GRID, PAPER = "#1a222c", "#e3e6ea", "#ffffff"
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": ["DejaVu Sans"],
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


def drawn(results: Mapping[str, Any]) -> dict[str, bytes]:
    """Each picture for which there are numbers, as PNG by its name."""
    found = {}
    with plt.style.context("default"), plt.rc_context(STYLE):
        if {"sweep", "graders"} <= results.keys():
            found["benchmarks.png"] = png(compared(results["sweep"], results["graders"]))
        if "memory" in results:
            found["benchmarks-memory.png"] = png(over_runs(results["memory"]["samples"]))
    return found


def compared(sweep: Mapping[str, Any], graders: Mapping[str, Any]) -> Figure:
    canvas, (left, right) = plt.subplots(
        1, 2, figsize=(8.6, 2.5), gridspec_kw={"width_ratios": (1.5, 1)}, layout="constrained"
    )
    bars(left, sweep["seconds"], f"A sweep of {sweep['runs']} runs: seconds", ".0f")
    further = {tool: of["further"] for tool, of in graders["cpu"].items()}
    bars(right, further, "A further submission: CPU seconds", ".2f")
    return canvas


def bars(axes: Axes, found: Mapping[str, Sequence[float]], title: str, form: str) -> None:
    """The median of each, with its range; assay's own in blue."""
    middles = [statistics.median(values) for values in found.values()]
    ends = np.array(
        [[m - min(v), max(v) - m] for m, v in zip(middles, found.values(), strict=True)]
    )
    colours = [BLUE if name.startswith("assay") else GREY for name in found]
    rows = np.arange(len(found))
    axes.barh(rows, middles, color=colours, height=0.6, xerr=ends.T, ecolor="black", capsize=2)
    for row, middle, values in zip(rows, middles, found.values(), strict=True):
        axes.annotate(
            f"{middle:{form}}", (max(values), row), (5, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(rows, list(found))
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.grid(False, axis="y")
    axes.set_axisbelow(True)
    axes.set_title(title)


def over_runs(samples: Sequence[Mapping[str, float]]) -> Figure:
    canvas, axes = plt.subplots(figsize=(7.2, 2.6), layout="constrained")
    names = [name for name in samples[-1] if name not in ("runs", "seconds")]
    for name, colour in zip(names, COLOURS, strict=False):
        having = [sample for sample in samples if name in sample]
        runs, megabytes = [s["runs"] for s in having], [s[name] for s in having]
        axes.plot(runs, megabytes, color=colour, label=name, linewidth=1.5)
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.set_xlabel("runs that have ended")
    axes.set_title("Resident memory, MB")
    canvas.legend(loc="outside right upper", frameon=False)
    return canvas


def png(canvas: Figure) -> bytes:
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(canvas)
    return buffer.getvalue()
