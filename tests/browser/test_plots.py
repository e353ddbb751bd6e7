"""Plots in a real browser: every word is inside the picture, and none lies on another."""

from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("playwright", reason="`pip install -e '.[browser]'` brings it")

from playwright.sync_api import Browser

from assay.records import Result
from assay.report import plots
from tests.report.test_plots import Kind, result

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "results.json"
BOXES = """() => [...document.querySelectorAll("text")].filter(one => one.textContent).map(one => {
  const box = one.getBoundingClientRect();
  return [one.textContent, box.left, box.top, box.right, box.bottom];
})"""
SIZE = "() => ['width', 'height'].map(side => document.documentElement[side].baseVal.value)"
LONG = ("gaussian_quantiles_with_noise, 0.001", "gaussian_quantiles_with_noise, 0.01")
FEW, MANY = ("a",), ("penguins", "breast_cancer", "gaussian_quantiles", "digits_3_8", "d", "e", "f")
RANDOM = Random(0)


def falling(steps: int, scale: float) -> Any:
    return lambda *_: {"ours": [scale * (1 + RANDOM.random()) / (n + 1) for n in range(steps)]}


def numbers(scale: float, start: float = 0.0) -> Any:
    return lambda *_: {name: start + scale * RANDOM.random() for name in ("ours", "theirs")}


def square(rows: int, columns: int) -> Any:
    matrix = [[RANDOM.random() for _ in range(columns)] for _ in range(rows)]
    return lambda *_: {"ours": matrix, "theirs": matrix}


CASES: dict[str, tuple[Kind, Any, tuple[str, ...]]] = {
    "curves, one": ("curves", falling(50, 1), FEW),
    "curves, long names": ("curves", falling(3000, 1e-6), LONG),
    "curves, many": ("curves", falling(90, 1), MANY),
    "curves, large numbers": ("curves", falling(20_000, 1e6), MANY),
    "curves, thousands": ("curves", falling(300, 12_000), MANY),
    "pairs, one": ("pairs", numbers(1), FEW),
    "pairs, long names": ("pairs", numbers(1), LONG),
    "pairs, large numbers": ("pairs", numbers(1e3, 5e6), MANY),
    "pairs, small numbers": ("pairs", numbers(-1e-5, 0.0), MANY),
    "map, one": ("map", square(1, 1), FEW),
    "map, eight": ("map", square(8, 8), FEW),
    "map, flat": ("map", square(3, 9), FEW),
    "map, large": ("map", square(64, 48), FEW),
}
PICTURES = {
    **plots.figures(Result.model_validate_json(EXAMPLE.read_bytes())),
    **{name: plots.figures(result(*case))["sums-f.svg"] for name, case in CASES.items()},
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_words_are_inside_and_apart(browser: Browser, tmp_path: Path, picture: bytes):
    """No label is cut at an edge of the picture, and no two overlap."""
    path = tmp_path / "a.svg"
    path.write_bytes(picture)
    page = browser.new_page()
    page.goto(path.as_uri())
    boxes = page.evaluate(BOXES)
    size = page.evaluate(SIZE)
    page.close()

    assert boxes
    assert [one for one in boxes if not inside(one, size)] == []
    assert [(a[0], b[0]) for a, b in combinations(boxes, 2) if overlap(a, b)] == []


def inside(box: list[Any], size: list[float]) -> bool:
    _, left, top, right, bottom = box
    return left >= 0 and top >= 0 and right <= size[0] and bottom <= size[1]


def overlap(one: list[Any], other: list[Any]) -> bool:
    """Of the boxes of two words; a line's height has two pixels above and below its letters."""
    _, left, top, right, bottom = one
    return left < other[3] and other[1] < right and top + 4 < other[4] and other[2] + 4 < bottom
