"""Plots show what was measured, at the place where it belongs, and obey no text."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise
from math import isclose
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assay.judge.statistics import mean_interval
from assay.records import Figure, Measurement, Outcome, PartSummary, Result, Run, RunRecord
from assay.report import plots
from assay.report.plots import scales
from assay.report.plots.scales import Scale
from tests.toys.made import HOSTILE, made

SVG = "{http://www.w3.org/2000/svg}"
SHAPES = {"svg", "style", "rect", "g", "line", "polyline", "circle", "text", "tspan"}
Kind = Literal["curves", "pairs", "map"]
Measured = Callable[[int, str], dict[str, Any]]


def result(kind: Kind, measured: Measured, columns: tuple[str, ...], seeds: int = 2) -> Result:
    """What `measured(seed, column)` says of each run, by name; one figure of "ours" shows it."""
    runs = [
        RunRecord(
            run=Run(part="sums", parameters={"seed": seed, "column": column}),
            key="", outcome=Outcome.COMPLETED, reason="", seconds=1.0, cells=[], numerics={},
        )
        for column in columns
        for seed in range(seeds)
    ]  # fmt: skip
    found = [
        Measurement(part="sums", run=record.run.id, name=name, value=value, x=x)
        for record in runs
        for name, given in measured(record.run.seed, record.run.column).items()
        for value, x in [given if isinstance(given, tuple) else (given, None)]
    ]
    figure = Figure(
        kind=kind, name="f", title="F", measurement="ours", against="theirs",
        x_label="step", y_label="loss (nats)",
    )  # fmt: skip
    part = PartSummary(name="sums", title="Sums", notebook="sums.ipynb", figures=[figure])
    return made(parts=[part], runs=runs, measurements=found, criteria=[], tallies=[], drawings=[])


def drawn(
    kind: Kind, measured: Measured, columns: tuple[str, ...] = ("a",), seeds: int = 2
) -> ET.Element:
    """The one picture of such a result."""
    return ET.fromstring(plots.figures(result(kind, measured, columns, seeds))["sums-f.svg"])


def of_kind(picture: ET.Element, tag: str, kind: str = "") -> list[ET.Element]:
    found = picture.iter(SVG + tag)
    return [one for one in found if set(kind.split()) <= set(one.get("class", "").split())]


def words(picture: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in of_kind(picture, "text")]


def points(line: ET.Element) -> list[tuple[float, float]]:
    pairs = (point.split(",") for point in line.attrib["points"].split())
    return [(float(x), float(y)) for x, y in pairs]


# Scales


ends = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6)).map(lambda e: (e[0], e[0] + e[1]))
positive = st.tuples(st.floats(1e-3, 1e6), st.floats(10, 1e6)).map(lambda e: (e[0], e[0] * e[1]))


@given(ends, st.integers(2, 9))
def test_even_ticks_are_round_and_few(between: tuple[float, float], most: int):
    """At least one and no more than asked for, evenly apart, none beyond the ends."""
    low, high = between
    assume(high - low > 1e-9 * abs(high))
    values = scales.evenly(low, high, most)
    apart = {round((b - a) / (high - low), 6) for a, b in pairwise(values)}

    assert 1 <= len(values) <= most
    assert len(apart) <= 1
    assert all(low - 1e-8 * (high - low) <= v <= high + 1e-8 * (high - low) for v in values)


@given(st.tuples(st.floats(0, 1e4), st.floats(1e-2, 1e4)))
def test_a_tick_says_where_it_stands(between: tuple[float, float]):
    """The words of a tick are the number at its place, and no two are the same."""
    low, high = between[0], sum(between)
    scale = Scale(low, high, 0, 1000)
    ticks = scale.ticks()
    said = [scale.at(float(word.replace(",", ""))) for _, word in ticks]

    assert said == pytest.approx([place for place, _ in ticks], abs=0.5)
    assert len({word for _, word in ticks}) == len(ticks)


@given(positive)
def test_ticks_by_powers_never_touch(between: tuple[float, float]):
    """However many decades there are: their labels are apart, and there are always some."""
    scale = Scale(*between, 0, 190, by_powers=True)
    ticks = scale.ticks()

    assert ticks
    assert scales.fits(ticks)
    assert all(0 <= place <= 190 for place, _ in ticks)


measured = st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=5)


@given(measured, measured)
def test_every_number_that_a_measurement_keeps_can_be_drawn(ours: list[float], theirs: list[float]):
    """The least and the largest, in one plot: a student's numbers are no reason to stop."""
    shown: dict[Kind, Measured] = {
        "curves": lambda seed, _: {"ours": ours},
        "pairs": lambda seed, _: {"ours": ours[seed % len(ours)], "theirs": theirs[0]},
        "map": lambda seed, _: {"ours": [ours, ours], "theirs": [theirs]},
    }
    for kind, of in shown.items():
        text = ET.tostring(drawn(kind, of), encoding="unicode")
        assert "nan" not in text
        assert "inf" not in text


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 60, ["1", "2", "5", "10", "20", "50"]),
        (1, 541, ["1", "10", "100"]),
        (1, 9_000, ["1", "10", "100", "1,000"]),
        (1, 20_000, ["1", "100", "10,000"]),
        (1, 10_000_000, ["1", "100", "10,000", "1e6"]),
        (0.5, 10, ["0.5", "1", "2", "5", "10"]),
    ],
)
def test_steps_are_written_as_people_count_them(low: float, high: float, expected: list[str]):
    """1, 2, 5 where there is room, else powers of ten, else every second one."""
    assert [word for _, word in Scale(low, high, 0, 190, by_powers=True).ticks()] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([0.0, 500.0, 1000.0], ["0", "500", "1,000"]),
        ([0.0, 250_000.0, 1_000_000.0], ["0", "2.5e5", "1e6"]),
        ([0.0, 2.5e-7], ["0", "2.5e-7"]),
        ([0.0, 2e-15], ["0", "2e-15"]),
    ],
)
def test_numbers_of_one_axis_are_written_alike(values: list[float], expected: list[str]):
    """As many decimals as one of them needs; powers where they would be too long."""
    assert scales.with_decimals(values) == expected


def test_what_lies_beyond_an_end_is_drawn_at_the_end():
    """Nothing is ever drawn outside the axes."""
    scale = Scale(0, 1, 100, 200)

    assert [scale.at(value) for value in (-9, 0, 0.5, 1, 9)] == [100, 100, 150, 200, 200]


# The three kinds


def test_a_curve_is_a_line_for_each_seed():
    """A panel for each column; each line goes from its first number to its last."""
    picture = drawn("curves", lambda seed, _: {"ours": [2.0, 1.0 + seed, 0.0]}, ("a", "b", "c"))
    lines = [points(line) for line in of_kind(picture, "polyline")]
    zero = {line[-1][1] for line in lines}

    assert [len(line) for line in lines] == [3] * 6
    assert len(zero) == 1
    assert all(line[0][1] < line[1][1] < line[2][1] for line in lines[::2])
    assert [line[0][1] for line in lines] == [line[1][1] for line in lines[1::2] for _ in "ab"]
    assert {"a (2 seeds)", "b (2 seeds)", "c (2 seeds)", "step", "loss (nats)"} <= set(
        words(picture)
    )


def test_curves_may_be_of_a_step_or_of_nothing():
    """A single number is a dot; a series of which nothing was finite is not counted."""
    picture = drawn(
        "curves", lambda _, column: {"ours": [] if column == "a" else [5.0]}, ("a", "b")
    )

    assert not of_kind(picture, "polyline")
    assert len(of_kind(picture, "circle")) == 2
    assert {"a (0 seeds)", "b (2 seeds)"} <= set(words(picture))


def test_curves_below_zero_are_inside_their_panel():
    """The axis begins at the lowest of them."""
    picture = drawn("curves", lambda *_: {"ours": ([1.0, -3.0], [0.0, 100.0])}, seeds=1)
    [line] = of_kind(picture, "polyline")
    axis = [float(found.attrib["y1"]) for found in of_kind(picture, "line", "axis")]

    assert points(line)[1][1] == max(axis)


def test_a_long_curve_keeps_its_peaks_and_stays_small():
    """A spike among a hundred thousand steps is seen; no more points than pixels can show."""
    series = [1.0] * 100_000
    series[70_000] = 9.0
    [line] = of_kind(drawn("curves", lambda *_: {"ours": series}, seeds=1), "polyline")
    heights = [y for _, y in points(line)]

    assert len(heights) < 1500
    assert heights.count(min(heights)) == 1
    assert min(heights) < heights[0] - 100


def test_pairs_show_each_seed_the_mean_and_its_interval():
    """Where they stand is what they are: the axis is even, and one end of it is known."""
    picture = drawn("pairs", lambda seed, _: {"ours": 0.6 + 0.2 * seed, "theirs": 0.7})
    mean, low, high = (n for n in mean_interval([0.6, 0.8]))
    dots = [float(dot.attrib["cx"]) for dot in of_kind(picture, "circle", "blue seed")]
    [middle] = [
        float(dot.attrib["cx"])
        for dot in of_kind(picture, "circle", "blue mean")
        if float(dot.attrib["cy"]) < 60
    ]
    [reach] = of_kind(picture, "line", "blue reach")
    pixels = (dots[1] - dots[0]) / 0.2

    assert isclose(middle, dots[0] + pixels * (mean - 0.6), abs_tol=0.2)
    assert isclose(float(reach.attrib["x1"]), dots[0] + pixels * (low - 0.6), abs_tol=0.3)
    assert isclose(float(reach.attrib["x2"]), dots[0] + pixels * (high - 0.6), abs_tol=0.3)
    assert {"a", "ours", "theirs", "step"} <= set(words(picture))


def test_pairs_without_another_side_have_one_sign():
    """What was never measured is not drawn."""
    picture = drawn("pairs", lambda seed, _: {"ours": -3.25}, ("a", "b"))

    assert not of_kind(picture, "rect", "seed")
    assert len(of_kind(picture, "circle", "seed")) == 4


def test_a_map_has_a_tile_for_each_number():
    """With the number in it; the more, the darker; a series is one row, and nothing is no map."""
    matrix = [[0.0, 0.25, 1.0], [0.5, 0.5, 0.0]]
    picture = drawn("map", lambda *_: {"ours": matrix, "theirs": [1.0, 0.0]})
    tiles = [tile.attrib["fill"] for tile in of_kind(picture, "rect", "tile")]
    empty = drawn("map", lambda *_: {"ours": []})

    assert len(tiles) == 6 + 2
    assert tiles[2] == "#00314d"
    assert tiles[0] == tiles[5] == "#f3f7fa"
    assert words(picture).count("0.50") == 2
    assert not of_kind(empty, "rect", "tile")


def test_a_large_map_shows_shades_alone():
    """Numbers that would not fit are left out, and so are most of those at the sides."""
    picture = drawn("map", lambda *_: {"ours": [[0.5] * 64] * 48})

    assert len(of_kind(picture, "rect", "speck")) == 64 * 48
    assert len(words(picture)) < 30


def test_numbers_can_be_read_on_every_shade():
    """In black or white, each with the contrast that WCAG asks for."""
    for share in (n / 100 for n in range(101)):
        picture = drawn("map", lambda *_, value=share: {"ours": [[value]]})
        [tile] = of_kind(picture, "rect", "tile")
        light = luminance(tile.attrib["fill"])
        [number] = [text for text in of_kind(picture, "text") if text.text == f"{share:.2f}"]
        in_white = "on-dark" in number.attrib["class"]

        assert (1.05 / (light + 0.05) if in_white else (light + 0.05) / 0.05) >= 4.5


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


# What holds for all


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", ["curves", "pairs", "map"])
def test_text_in_a_plot_is_text(kind: Kind, text: str):
    """Names of columns, of measurements and of axes: XML stays whole, and nothing in it acts."""
    value: Any = {"curves": [1.0, 0.5], "pairs": 0.5, "map": [[1.0]]}[kind]
    shown = result(kind, lambda *_: {text: value, f"{text}2": value}, (text,))
    names = {"measurement": text, "against": f"{text}2", "x_label": text, "y_label": text}
    figure = shown.parts[0].figures[0].model_copy(update=names)
    parts = [shown.parts[0].model_copy(update={"figures": [figure]})]
    picture = ET.fromstring(plots.figures(shown.model_copy(update={"parts": parts}))["sums-f.svg"])

    assert {one.tag.removeprefix(SVG) for one in picture.iter()} <= SHAPES
    assert not any(
        name.startswith("on") or "href" in name for one in picture.iter() for name in one.attrib
    )


def test_plots_need_no_matplotlib():
    """It takes half a second to import, and half a second a submission."""
    program = "import assay.report.plots, sys; sys.exit('matplotlib' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
