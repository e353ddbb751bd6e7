"""What is put to a submission: arrays it is shown, answers it owes, what the judge keeps."""

from dataclasses import dataclass, field

import numpy as np

Shape = tuple[int | str | None, ...]
SOME = -1
"""Of a shape: any length but none; None is any length, a name one that an answer has throughout."""


@dataclass(frozen=True)
class Question:
    """One question of an exam.

    `shown` is handed into the student's kernel. `answers` promises the shape of every numeric
    answer (None is any length, SOME any but none, and a name any but none that is the same in all
    arrays of the answer); text answers are not listed.
    `kept` never enters the kernel. `largest` is what the numbers stay below in an honest answer,
    where that is not the judge's own bound.
    `seconds` is how long the student's code may compute for it, where it is not as usual.
    """

    shown: dict[str, np.ndarray]
    answers: dict[str, Shape]
    kept: dict[str, np.ndarray] = field(default_factory=dict)
    largest: float | None = None
    seconds: float | None = None
