"""The kill matrix: which criteria each mistake loses, as a page and as pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from matplotlib import colors, rc_context
from matplotlib.figure import Figure

TITLES = {"part1": "Part 1: a network by hand", "part2": "Part 2: a transformer by hand"}
CAUGHT, STRAY, UNHARMED = "#0072b2", "#d55e00", "#e6e6e6"


@dataclass(frozen=True)
class Row:
    """One submission: the criterion it should lose (None: nothing), and those that it lost."""

    part: str
    name: str
    loses: str | None
    lost: list[str]
    said: str = ""
    """What its report says first."""
    named: bool = False
    """Whether that calls a mistake by its name."""

    @property
    def right(self) -> bool:
        return self.lost == ([self.loses] if self.loses else [])


def only_killer(rows: Sequence[Row], criterion: tuple[str, str]) -> int:
    """How many mistakes this criterion alone catches."""
    return sum((row.part, *row.lost) == criterion for row in rows)


def idle(rows: Sequence[Row], criteria: Mapping[str, Sequence[str]]) -> list[str]:
    """The criteria that are the only killer of no mistake: nothing shows that they are needed."""
    every = [(part, name) for part, names in criteria.items() for name in names]
    return ["/".join(criterion) for criterion in every if not only_killer(rows, criterion)]


def page(rows: Sequence[Row], criteria: Mapping[str, Sequence[str]]) -> str:
    """The matrix in Markdown: the counts, the pictures, and a table of all mistakes."""
    mistakes = [row for row in rows if row.loses]
    variants = [row for row in rows if not row.loses]
    named = [row for row in mistakes if row.named]
    lines = [
        "# Kill matrix",
        "",
        "Every submission of `tests/mistakes`, run and judged for real, by `nox -s rubric`.",
        "",
        f"- {sum(row.right for row in mistakes)} of {len(mistakes)} mistakes lose their own "
        "criterion and no other.",
        f"- {sum(row.right for row in variants)} of {len(variants)} right submissions lose "
        "nothing: the references and the variants that are just as right.",
        f"- {len(named)} mistakes are called by their name in the first sentence of the report.",
        "",
    ]
    for part, names in criteria.items():
        lines += [f"## {TITLES[part]}", "", f"![Mistakes by criteria](kill-matrix-{part}.svg)", ""]
        lines += ["| criterion | mistakes that it alone catches |", "|---|---:|"]
        lines += [f"| {name} | {only_killer(rows, (part, name))} |" for name in names]
        lines += ["", "| mistake | loses | what its report says first |", "|---|---|---|"]
        lines += [_line(row) for row in mistakes if row.part == part]
        right = ", ".join(row.name for row in variants if row.part == part)
        lines += ["", f"Right, and unharmed: {right}.", ""]
    return "\n".join(lines)


def _line(row: Row) -> str:
    lost = ", ".join(row.lost) or "nothing"
    wrong = "" if row.right else f" (expected {row.loses})"
    return f"| {row.name} | {lost}{wrong} | {row.said.replace('|', '/')} |"


def picture(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Rows are mistakes, then right submissions; columns are criteria. SVG, the same every time."""
    ordered = sorted(rows, key=lambda row: names.index(row.loses) if row.loses else len(names))
    cells = np.array([[_cell(row, name) for name in names] for row in ordered]).reshape(
        len(ordered), len(names)
    )
    height = 0.17 * len(ordered)  # inches; above it there is room for the names of the criteria
    figure = Figure(figsize=(2.9 + 0.34 * len(names), height + 1.3))
    axes = figure.add_axes((0.42, 0.1 / (height + 1.3), 0.51, height / (height + 1.3)))
    palette = colors.ListedColormap([UNHARMED, CAUGHT, STRAY])
    axes.pcolormesh(cells, cmap=palette, vmin=0, vmax=2, edgecolors="white", linewidth=1)
    axes.invert_yaxis()
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(len(names)) + 0.5, names, rotation=60, ha="left", fontsize=7)
    axes.set_yticks(np.arange(len(ordered)) + 0.5, [row.name for row in ordered], fontsize=6.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    n_mistakes = sum(bool(row.loses) for row in ordered)
    axes.axhline(n_mistakes, color="black", linewidth=1)
    buffer = BytesIO()
    with rc_context({"svg.hashsalt": "assay", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _cell(row: Row, criterion: str) -> int:
    """0: nothing lost; 1: lost as it should be; 2: lost or kept against expectation."""
    expected, found = row.loses == criterion, criterion in row.lost
    return 0 if not expected and not found else 1 if expected and found else 2
