"""What a rubric is written with: questions, comparisons, named mistakes, causes, properties.

It needs NumPy alone and imports nothing else of assay, so `given.py`, `exam.py`, `names.py` and the
tests may all use it, and tests of your own outside of assay too.
"""

from assay.rubric.causes import (
    Causes,
    Check,
    after_marks_for,
    after_marks_for_any,
    answered,
    explains,
    fault_of,
    first_cause,
    follows_from,
    holds,
)
from assay.rubric.comparison import (
    assert_close,
    assert_comparable,
    assert_differs,
    assert_one_shape,
    assert_same,
    precision,
    same,
    same_numbers,
    tolerance,
)
from assay.rubric.mistakes import ForReview, KnownMistake, Wrong
from assay.rubric.names import Row, table
from assay.rubric.properties import (
    assert_batch_independent,
    assert_gradient,
    assert_monotone,
    assert_permuted,
    assert_rows_sum_to_one,
    assert_unchanged,
    slopes,
)
from assay.rubric.questions import SOME, Question, Shape

__all__ = [
    "SOME",
    "Causes",
    "Check",
    "ForReview",
    "KnownMistake",
    "Question",
    "Row",
    "Shape",
    "Wrong",
    "after_marks_for",
    "after_marks_for_any",
    "answered",
    "assert_batch_independent",
    "assert_close",
    "assert_comparable",
    "assert_differs",
    "assert_gradient",
    "assert_monotone",
    "assert_one_shape",
    "assert_permuted",
    "assert_rows_sum_to_one",
    "assert_same",
    "assert_unchanged",
    "explains",
    "fault_of",
    "first_cause",
    "follows_from",
    "holds",
    "precision",
    "same",
    "same_numbers",
    "slopes",
    "table",
    "tolerance",
]
