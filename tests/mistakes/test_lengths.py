"""Where sequences have several lengths, a slip in a short one is one slip, however often asked."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assay.rubric import Wrong
from rubric_tests.part2 import test_claims, test_data
from rubric_tests.part2.answers import each_once
from rubric_tests.part2.tasks import NOTHING

Array = np.ndarray


def drawn(rng: np.random.Generator, n: int) -> Array:
    """Sequences (n, 10) of one to ten digits, filled up."""
    digits = rng.integers(1, 10, (n, 10))
    lengths = rng.integers(1, 11, n)
    return np.where(np.arange(10) < lengths[:, None], digits, NOTHING).astype(np.int16)


def reversed_(sequences: Array) -> Array:
    answers = np.full_like(sequences, NOTHING)
    for row, sequence in zip(answers, sequences, strict=True):
        digits = sequence[sequence != NOTHING]
        row[: len(digits)] = digits[::-1]
    return answers


class Answers(dict[str, Any]):
    """Evidence of a model that is wrong where it is said to be."""

    def __init__(self, is_wrong: Any, claim: float | None = None) -> None:
        rng = np.random.default_rng(5)
        unique = np.unique(drawn(rng, 32_000), axis=0)
        rng.shuffle(unique)
        asked = drawn(rng, 4096)
        right = reversed_(asked)
        answers = np.where(is_wrong(asked)[:, None], 9 - right, right).astype(np.int16)
        answers = np.where(right == NOTHING, NOTHING, answers)
        super().__init__({
            "data/test": SimpleNamespace(inputs=unique[:3000]),
            "data/train": SimpleNamespace(inputs=unique[3000:]),
            "reversal/answers": SimpleNamespace(answers=answers),
            "claims/reversal": SimpleNamespace(accuracy=claim),
        })  # fmt: skip
        self.given = {"reversal/answers": SimpleNamespace(sequences=asked)}
        self.kept = {"reversal/answers": SimpleNamespace(right=right)}


def of_one_digit(digit: int) -> Any:
    return lambda asked: (asked[:, 0] == digit) & (asked[:, 1] == NOTHING)


@pytest.mark.parametrize("digit", range(1, 10))
def test_one_short_sequence_that_is_wrong_makes_no_half_the_easier_one(digit: int):
    evidence = Answers(of_one_digit(digit))

    test_data.test_the_halves_are_alike(evidence, evidence.given, evidence.kept)


def test_a_half_that_is_the_easier_one_is_still_found():
    evidence = Answers(lambda asked: (asked != NOTHING).sum(axis=1) > 3)
    long = (evidence["data/test"].inputs != NOTHING).sum(axis=1) > 3
    evidence["data/test"] = SimpleNamespace(inputs=evidence["data/test"].inputs[~long])

    with pytest.raises(Wrong, match="the halves are not drawn alike"):
        test_data.test_the_halves_are_alike(evidence, evidence.given, evidence.kept)


def test_a_claim_may_hold_for_each_sequence_once():
    """Of 4,096 that are asked some forty are one digit of nine; of a test half, one or none."""
    evidence = Answers(of_one_digit(7))
    marks = test_claims.answers.marked(evidence, evidence.given, evidence.kept)

    assert marks.share < 0.995
    assert each_once(marks).share > 0.998


def test_an_easy_test_half_makes_no_claim_true():
    """What is wrong of long sequences is wrong, whichever the test half holds."""
    evidence = Answers(lambda asked: (asked != NOTHING).sum(axis=1) > 7)
    marks = test_claims.answers.marked(evidence, evidence.given, evidence.kept)

    assert each_once(marks).share < 0.75
