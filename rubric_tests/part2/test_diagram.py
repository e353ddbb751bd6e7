"""The architecture diagram, and whether its dimensions are those of the model.

What is left under the name `diagram` is read as text. Without it a drawing is looked for in the
notebook, in whatever form; what cannot be read there, or does not fit, a person looks at.
"""

import re
from typing import NamedTuple

import pytest

from assay.rubric import ForReview, Wrong, answered
from rubric_tests.part2 import drawings
from rubric_tests.part2.tasks import TASKS

pytestmark = pytest.mark.criterion("diagram")

MARKUP = re.compile(r"<[^<>]*>")
CURVES = re.compile(r"<!-- (.{1,300}?) -->")
"""Matplotlib draws the letters in an SVG as curves, and notes beside them what they say."""
SHAPE = re.compile(r"\(([^()\n]{1,60},\s*)(\d+)\s*,?\)|[×x]\s*(\d+)\b")
READABLE = 40
"""Characters of a text that may say anything: less is the name of an object."""


class Diagram(NamedTuple):
    """What is to be read in it, and whether it was left under the name that is asked for."""

    text: str
    is_named: bool


@pytest.mark.hint("leave the source of the diagram, SVG or Mermaid, under the name `diagram`")
def test_there_is_a_diagram(evidence, submission, drawing):
    """The notebook shows the architecture in a diagram."""
    if answered(evidence, "diagram/text") and source(evidence).strip():
        drawing("The model, as the notebook draws it", source(evidence))
        is_shown = any(one.is_sure for one in drawings.found(submission))
        if not (drawings.is_drawing(source(evidence)) or is_shown):
            raise ForReview("`diagram` is a text in which no drawing is recognised")
        if drawings.is_drawing(source(evidence)):
            check_it_names_parts(plain(source(evidence)))
        return

    found = drawings.found(submission)
    if not found:
        source(evidence)  # raises where there is no `diagram` either
        raise Wrong("`diagram` is empty, and no drawing was found in the notebook")
    if not found[0].is_sure:
        raise ForReview(
            f"no drawing was recognised, but {found[0].form}; looked for: `diagram`, a picture, "
            "SVG, Mermaid, a drawing made of text, calls that draw"
        )


@pytest.mark.hint("write the shape at each step into the diagram: (batch, length, d_model)")
def test_it_gives_the_widths_of_the_model(evidence, submission):
    """At least two of the model's widths are written in it."""
    diagram, widths = read(evidence, submission), live_widths(evidence)
    given = {int(number) for number in re.findall(r"\d{1,9}", diagram.text)} & widths

    if len(given) < min(2, len(widths)):
        said = f"of the model's widths {sorted(widths)} it gives {sorted(given)}"
        if names := drawings.named_dimensions(diagram.text):
            raise ForReview(f"{said}, others by name: {', '.join(names[:6])}")
        raise Wrong(said) if diagram.is_named else ForReview(said)


@pytest.mark.hint("print the shapes while the model runs, and compare")
def test_its_dimensions_are_true(evidence, run, submission):
    """Every shape in it ends with a width the model has, or with a length."""
    diagram, widths = read(evidence, submission), live_widths(evidence)
    lengths = set(range(2 * TASKS[run.parameters["task"]].length + 3))
    shares = {width // k for width in widths for k in range(1, 17) if width % k == 0}

    for match in SHAPE.finditer(diagram.text):
        last = int((match[2] or match[3])[:9])
        if last not in widths | lengths | shares:
            said = f"it says {match[0].strip()}, but the model has no width {last}"
            raise Wrong(said) if diagram.is_named else ForReview(said)


def source(evidence) -> str:
    return evidence["diagram/text"].text.string("text")


def read(evidence, submission) -> Diagram:
    """What is to be read in the diagram; a picture is for a person to look at.

    The numbers of the drawing itself do not count: they are taken out with the markup.
    """
    if answered(evidence, "diagram/text") and len(source(evidence)) >= READABLE:
        text = plain(source(evidence))
        check_it_names_parts(text)
        return Diagram(text, is_named=True)
    found = drawings.found(submission)
    if not found:
        if source(evidence).strip():  # raises where there is no `diagram` either
            raise ForReview(f"`diagram` is {source(evidence).strip()}, which cannot be read")
        raise Wrong("`diagram` is empty, and no drawing was found in the notebook")
    text = "\n".join(each.text for each in found if each.is_sure == found[0].is_sure)
    if not text.strip():
        raise ForReview(f"{found[0].form} cannot be read: are the dimensions in it?")
    check_it_names_parts(plain(text))
    return Diagram(plain(text), is_named=False)


def check_it_names_parts(text: str) -> None:
    """Boxes and numbers alone may be of anything."""
    if len(drawings.components(text)) < 2:
        raise ForReview("the drawing names none of a transformer's parts: what does it show?")


def plain(text: str) -> str:
    if "Matplotlib" in text and "<text" not in text:
        text = CURVES.sub(r" \1 ", text)
    return MARKUP.sub(" ", without(without(text, "style"), "script"))


def without(text: str, element: str) -> str:
    """The text with every such element taken out, from its start to its end."""
    before, *rest = text.split(f"<{element}")
    return before + "".join(part.partition(f"</{element}>")[2] for part in rest)


def live_widths(evidence) -> set[int]:
    """The sizes of the model's weight matrices; without a model a person looks."""
    if not answered(evidence, "diagram/widths"):
        raise ForReview("no `model` is there to compare its dimensions with")
    return {int(width) for width in evidence["diagram/widths"].widths if width > 1}
