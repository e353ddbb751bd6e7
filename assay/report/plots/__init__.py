"""Plots of measurements: one small style, colour-blind safe, the same bytes for the same data.

They are SVG: sharp on a page, on paper and in Markdown, and dark where their reader is. Everything
is placed by hand, in pixels of a page on a wide screen.
"""

from collections.abc import Sequence

from assay.records import Result
from assay.report.html import template
from assay.report.plots import curves, maps, pairs, shapes
from assay.report.plots.frame import WIDTH
from assay.report.view import by_column

DRAW = {"curves": curves.draw, "pairs": pairs.draw, "map": maps.draw}


def figures(result: Result) -> dict[str, bytes]:
    """Every figure that the assignment asks for and that there are measurements for, as SVG."""
    drawn = {}
    for part in result.parts:
        for figure in part.figures:
            columns = by_column(result, part, figure.measurement)
            if columns:
                others = by_column(result, part, figure.against)
                height, found = DRAW[figure.kind](figure, columns, others)
                drawn[f"{part.name}-{figure.name}.svg"] = _svg(height, found)
    return drawn


def _svg(height: int, found: Sequence[str]) -> bytes:
    page = template("plot.svg.j2")
    return page.render(width=WIDTH, height=height, shapes=shapes.markup(found)).encode()
