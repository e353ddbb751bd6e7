"""What is put to a submission: arrays it is shown, answers it owes, what the judge keeps."""

from dataclasses import dataclass, field

import numpy as np

Shape = tuple[int | str | None, ...]
"""The shape of an answer, axis by axis: a length, `None` for any length, `SOME` for any but none,
or a name for any but none that is the same in all arrays of the answer."""
SOME = -1
"""Of a shape: any length but none."""


@dataclass(frozen=True)
class Question:
    """Hold one question of an exam, as `draw` in `given.py` returns it.

    Attributes
    ----------
    shown
        Arrays of any shape that are handed into the student's kernel, by name.
    answers
        The shape of every numeric answer, by name. Answers in words are not listed.
    kept
        Arrays that never enter the kernel: the judge compares with them.
    largest
        What the numbers stay below in an honest answer, where that is not the judge's own bound.
    seconds
        How long the student's code may compute, where it is not as usual.

    Examples
    --------
    >>> x, y = np.ones(5), np.arange(5.0)
    >>> question = Question(shown={"x": x, "y": y}, answers={"out": (5,)}, kept={"sum": x + y})
    >>> question.answers["out"], question.kept["sum"][-1].item()
    ((5,), 5.0)
    """

    shown: dict[str, np.ndarray]
    answers: dict[str, Shape]
    kept: dict[str, np.ndarray] = field(default_factory=dict)
    largest: float | None = None
    seconds: float | None = None
