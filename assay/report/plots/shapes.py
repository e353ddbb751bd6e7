"""The shapes that plots are made of, one line of SVG each; templates/plot.svg.j2 gives them looks.

A shape is of one or several `kinds`, which are the classes of that style.
"""

from collections.abc import Iterable

from markupsafe import Markup, escape

from assay.report import safe

Point = tuple[float, float]


def line(kinds: str, start: Point, end: Point) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{kinds}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def curve(points: Iterable[Point]) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="curve" points="{places}"/>'


def disc(kinds: str, middle: Point, size: float) -> str:
    x, y = middle
    return f'<circle class="{kinds}" cx="{x:.1f}" cy="{y:.1f}" r="{size / 2:.1f}"/>'


def box(kinds: str, middle: Point, size: float) -> str:
    x, y = middle[0] - size / 2, middle[1] - size / 2
    return f'<rect class="{kinds}" x="{x:.1f}" y="{y:.1f}" width="{size:.1f}" height="{size:.1f}"/>'


def tile(colour: str, corner: Point, width: float, height: float) -> str:
    """A box of a colour of its own, which small ones need all of: they have no edge."""
    x, y = corner
    kind = "tile" if min(width, height) >= 12 else "speck"
    sides = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" fill="{colour}" x="{x:.1f}" y="{y:.1f}" {sides}/>'


def words(kinds: str, place: Point, text: str, aside: str = "") -> str:
    """Text with its middle at this height, and more in small print: no tag in it is one."""
    x, y = place
    more = f' <tspan class="aside">{_escaped(aside)}</tspan>' if aside else ""
    return f'<text class="{kinds}" x="{x:.1f}" y="{y:.1f}" dy=".35em">{_escaped(text)}{more}</text>'


def upwards(kinds: str, place: Point, text: str) -> str:
    """Return the same, turned to be read from below."""
    x, y = place
    turned = f'<g transform="translate({x:.1f} {y:.1f}) rotate(-90)">'
    return f"{turned}{words(kinds, (0, 0), text)}</g>"


def _escaped(text: str) -> Markup:
    return escape(safe.xml(safe.plain(text)))


def markup(shapes: Iterable[str]) -> Markup:
    """For a template that must not escape them again."""
    return Markup("\n".join(shapes))
