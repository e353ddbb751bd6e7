"""What the notebook left behind."""

import contextlib

from ask import student
from exam.asking import asked, first_that_works
from exam.handed import handed_to_train
from exam.sequences import dropout_seen, in_order, lists, one_at_a_time, table


@asked("notebook/parameters")
def _(given, answer):
    answer.seed, answer.task = student.seed, str(student.task)


@asked("notebook/trace")
def _(given, answer):
    answer.weights = [float(part.double().abs().sum()) for part in student.model.parameters()]


@asked("data/train", "data/test")
def _(given, answer):
    half = str(given.half)
    inputs = table(getattr(student, f"{half}_inputs"), given.widths[0])
    targets = table(getattr(student, f"{half}_targets"), given.widths[1])
    answer.inputs, answer.targets = in_order(inputs, targets)


@asked("data/handed")
def _(given, answer):
    (answer.inputs,) = in_order(table(handed_to_train(), given.widths[0]))


@asked("generation/as-left")
def _(given, answer):
    """Before anything else has set the model to evaluation."""
    with dropout_seen() as seen:
        one_at_a_time(student.model, lists(given.sequences)[:4], given.width)
    answer.dropped = len(seen)


@asked("claims/reversal")
def _(given, answer):
    answer.accuracy = float(student.reversal_accuracy)


def as_text(diagram):
    """The source of a diagram, or what kind of thing it is where there is none."""
    if isinstance(diagram, str):
        return diagram
    for name in ("_repr_svg_", "_repr_html_", "_repr_markdown_"):
        with contextlib.suppress(Exception):
            if isinstance(shown := getattr(diagram, name)(), str):  # a figure has None for HTML
                return shown
    text = getattr(diagram, "data", None)
    return text if isinstance(text, str) else texts_in(diagram) or f"<{type(diagram).__name__}>"


def texts_in(figure):
    """What is written in a figure of Matplotlib's; a picture of it would hold no letters.

    Nothing, where it shows a picture: what that says is not read. Numbers at the axes are no text
    of the diagram's.
    """
    with contextlib.suppress(Exception):
        if figure.findobj(lambda part: hasattr(part, "make_image")):
            return ""
        scales = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
        at_scales = {id(part) for axis in scales for part in axis.findobj()}
        texts = figure.findobj(lambda part: hasattr(part, "get_text") and part.get_visible())
        written = [text.get_text() for text in texts if id(text) not in at_scales]
        return "\n".join(filter(None, written))
    return ""


@asked("diagram/text")
def _(given, answer):
    answer.text = as_text(student.diagram)[:200_000]


@asked("diagram/widths")
def _(given, answer):
    shapes = [part.shape for part in student.model.parameters() if part.ndim > 1]
    answer.widths = sorted({int(width) for shape in shapes for width in shape})


@asked("tokenizer/round-trip")
def _(given, answer):
    """A tokenizer is an object, or two functions, and takes one sequence or many.

    One that is there and raises is not looked for elsewhere: its error is the answer.
    """
    sequences = lists(given.sequences)
    if student.has("tokenizer") and hasattr(student.tokenizer, "encode"):
        encode, decode = student.tokenizer.encode, student.tokenizer.decode
    else:
        encode, decode = student.encode, student.decode
    answer.back = first_that_works(
        lambda: table([decode(encode(sequence)) for sequence in sequences], given.width),
        lambda: table(decode(encode(sequences)), given.width),
    )
