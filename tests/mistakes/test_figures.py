"""What is read of a figure that Matplotlib drew: what is written in it, and nothing else."""

import ast
import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

FILE = Path(__file__).parents[2] / "rubric_tests/part2/exam/notebook.py"


@pytest.fixture
def as_text() -> Any:
    """The exam's own functions; the module around them asks as it is imported."""
    tree = ast.parse(FILE.read_text())
    tree.body = [node for node in tree.body if getattr(node, "name", "") in ("as_text", "texts_in")]
    names: dict[str, Any] = {"contextlib": contextlib}
    exec(compile(tree, FILE, "exec"), names)
    return names["as_text"]


@pytest.mark.parametrize("axis", ["on", "off"])
def test_numbers_at_the_axes_are_no_text_of_a_diagram(as_text: Any, axis: str):
    """Nobody wrote the 32 at a tick: it is no width of the model."""
    figure = Figure()
    axes = figure.subplots()
    axes.set_xlim(0, 64)
    axes.text(1, 1, "attention: (batch, length, 16)")
    axes.set_title("the model")
    axes.axis(axis)
    figure.canvas.draw()

    assert set(as_text(figure).split("\n")) == {
        "attention: (batch, length, 16)",
        "the model",
    }


def test_a_figure_that_shows_a_picture_is_for_a_person_to_look_at(as_text: Any):
    """What a picture says is not read: its title alone is not the diagram."""
    figure = Figure()
    axes = figure.subplots()
    axes.imshow(np.eye(3))
    axes.set_title("Encoder-decoder transformer with multi-head attention")

    assert as_text(figure) == "<Figure>"
