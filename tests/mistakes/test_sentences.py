"""What is said of a wrong answer: the sentence that fits every question, or else what was seen.

The answers are computed here, by a mistake that a student might make; nothing is run.
"""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from rubric_tests.checks import KnownMistake, Wrong
from rubric_tests.part2 import attention_checks, given, layer_checks, reference

Mask = Callable[[np.ndarray], np.ndarray]
Masked = Callable[[np.ndarray, np.ndarray], np.ndarray]


def said_of_masks(masked: Masked) -> str:
    """What is said first of an attention whose weights are `masked(scores, visible)`."""
    asked = given.masks(np.random.default_rng(0))
    questions = {name: SimpleNamespace(**q.shown) for name, q in asked.items()}
    answers = {}
    for name in ("masks/causal", "masks/padding", "masks/cross"):
        sheet = questions[name]
        scores = reference.scores(sheet.query, sheet.key)
        weights = masked(scores, sheet.visible)
        answers[name] = SimpleNamespace(weights=weights, free=reference.softmax(scores))
    for name in attention_checks.MASKS:
        try:
            attention_checks.check_mask(answers, questions, name)
        except Wrong as wrong:
            return str(wrong)
    return ""


def hidden_by(mask: Mask) -> Masked:
    return lambda scores, visible: reference.masked_weights(
        reference.softmax(scores), np.broadcast_to(mask(visible), visible.shape)
    )


WRONG_MASKS: dict[str, tuple[Mask, str]] = {
    "hidden from one, hidden from all": (
        lambda v: v.all(-2, keepdims=True),
        "a key that one query may not see is hidden from all",
    ),
    "the last query's row for all": (
        lambda v: v[:, -1:],
        "the mask of the last query is used for every query",
    ),
    "the first sequence's for all": (
        lambda v: v[:1],
        "the mask of the first sequence is used for the whole batch",
    ),
    "queries hidden": (lambda v: v.any(-1, keepdims=True), "the mask hides no key"),
    "square scores only": (
        lambda v: v if v.shape[-1] == v.shape[-2] else np.ones_like(v),
        "the mask is used only where there are as many queries as keys",
    ),
    "up to the number of queries": (
        lambda v: v | (np.arange(v.shape[-1]) >= v.shape[-2]),
        "only as many keys are masked as there are queries",
    ),
    "never used": (np.ones_like, "the mask hides no key"),
    "never for the first key": (
        lambda v: v | (np.arange(v.shape[-1]) == 0),
        "the first key is seen, whatever the mask says",
    ),
    "for the first sequence only": (
        lambda v: v | (np.arange(len(v)) > 0)[:, None, None],
        "the mask is used for the first sequence only",
    ),
}


@pytest.mark.parametrize("name", WRONG_MASKS)
def test_a_wrong_mask_has_the_name_that_fits_all_masks(name: str):
    mask, sentence = WRONG_MASKS[name]

    assert said_of_masks(hidden_by(mask)).startswith(sentence)


def test_a_mask_that_nobody_listed_is_told_in_words():
    """Which keys, for which queries, in how many sequences: and no bare number."""

    def third_key_for_the_second_query(visible: np.ndarray) -> np.ndarray:
        shown = visible.copy()
        shown[:, 1, 2] = True
        return shown

    found = said_of_masks(hidden_by(third_key_for_the_second_query))

    assert found.startswith("under a causal mask hidden keys weigh up to")
    assert found.endswith("in 6 of 6 sequences, queries 1, keys 2")


def test_a_right_mask_is_told_nothing_of():
    assert said_of_masks(hidden_by(lambda visible: visible)) == ""


RATES = {
    "one rate for all": (lambda p, i, d: p * 0.3 + 0 * i, "every channel has the same rate"),
    "another base": (lambda p, i, d: p * 500.0 ** (-2 * i / d), "the angles rise by 1, 0.211"),
    "places halved": (lambda p, i, d: p / 2 * 1e4 ** (-2 * i / d), "the places are multiplied by"),
    "counted from five": (lambda p, i, d: (p + 5) * 1e4 ** (-2 * i / d), "the angles of the sines"),
}


@pytest.mark.parametrize("name", RATES)
def test_a_wrong_table_of_sines_is_told_by_its_rates(name: str):
    angle, sentence = RATES[name]
    angles = angle(np.arange(5)[:, None], np.arange(4), 8)
    table = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(5, 8)

    found = layer_checks.table_in_words(table, reference.sinusoids(5, 8))

    assert found.startswith(sentence)


def test_positions_counted_along_the_batch_are_told_as_that():
    table = np.broadcast_to(reference.sinusoids(6, 8)[:, None], (6, 5, 8))
    answers = {"positions/added": SimpleNamespace(at_zero=table)}

    with pytest.raises(KnownMistake, match="along the batch"):
        layer_checks.check_distinct(answers, {})
