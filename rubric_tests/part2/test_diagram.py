"""The architecture diagram, and whether its dimensions are those of the model."""

import re

import pytest

from rubric_tests.checks import Wrong
from rubric_tests.part2.judgement import answered
from rubric_tests.part2.tasks import TASKS

pytestmark = pytest.mark.criterion("diagram")

PICTURE = re.compile(r"```mermaid|<svg|!\[[^\]\[]{0,300}\]\(|<img|attachment:", re.IGNORECASE)
MARKUP = re.compile(r"<[^<>]*>")
SHAPE = re.compile(r"\(([^()\n]{1,60},\s*)(\d+)\s*,?\)|[×x]\s*(\d+)\b")


@pytest.mark.hint("leave the source of the diagram, SVG or Mermaid, under the name `diagram`")
def test_there_is_a_diagram(evidence, submission, drawing):
    """The notebook shows the architecture in a diagram."""
    if answered(evidence, "diagram/text"):
        drawing("The model, as the notebook draws it", source(evidence))

    assert in_a_cell(submission) or source(evidence).strip(), "`diagram` is empty"


@pytest.mark.hint("write the shape at each step into the diagram: (batch, length, d_model)")
def test_it_gives_the_widths_of_the_model(evidence, submission):
    """At least two of the model's widths are written in it."""
    text, widths = words(evidence, submission), live_widths(evidence)
    given = {int(number) for number in re.findall(r"\d{1,9}", text)} & widths

    if len(given) < min(2, len(widths)):
        raise Wrong(f"of the model's widths {sorted(widths)} it gives {sorted(given)}")


@pytest.mark.hint("print the shapes while the model runs, and compare")
def test_its_dimensions_are_true(evidence, run, submission):
    """Every shape in it ends with a width the model has, or with a length."""
    text, widths = words(evidence, submission), live_widths(evidence)
    lengths = set(range(2 * TASKS[run.parameters["task"]].length + 3))
    shares = {width // k for width in widths for k in range(1, 17) if width % k == 0}

    for match in SHAPE.finditer(text):
        last = int((match[2] or match[3])[:9])
        if last not in widths | lengths | shares:
            raise Wrong(f"it says {match[0].strip()}, but the model has no width {last}")


def in_a_cell(submission) -> bool:
    return any(PICTURE.search(cell.source) for cell in submission.cells if cell.kind == "markdown")


def source(evidence) -> str:
    return evidence["diagram/text"].text.string("text")


def words(evidence, submission) -> str:
    """What is to be read in the diagram; set aside where it is a picture, for a person to look at.

    The numbers of the drawing itself do not count: they are taken out with the markup.
    """
    if not in_a_cell(submission):
        source(evidence)  # raises where there is none at all
    try:
        text = source(evidence)
    except Exception:
        text = ""
    if len(text) < 40:
        pytest.skip("not asked: the diagram is a picture, not text")
    return MARKUP.sub(" ", without(without(text, "style"), "script"))


def without(text: str, element: str) -> str:
    """The text with every such element taken out, from its start to its end."""
    before, *rest = text.split(f"<{element}")
    return before + "".join(part.partition(f"</{element}>")[2] for part in rest)


def live_widths(evidence) -> set[int]:
    """The sizes of the model's weight matrices."""
    return {int(width) for width in evidence["diagram/text"].widths if width > 1}
