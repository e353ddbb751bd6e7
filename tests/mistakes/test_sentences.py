"""What is said of a wrong answer: the sentence that fits every question, or else what was seen.

The answers are computed here, by a mistake that a student might make; nothing is run.
"""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from assay.rubric import KnownMistake, Wrong
from rubric_tests import reference as reference1
from rubric_tests.part1 import judgement
from rubric_tests.part2 import answers as said_answers
from rubric_tests.part2 import attention_checks, given, layer_checks, reference
from rubric_tests.part2.judgement import NotRecognised

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


# Gradients -----------------------------------------------------------------------------------


def said_of_gradient(change: Callable[[reference1.Weights], reference1.Weights]) -> str:
    """What is said first of gradients that are wrong in this way."""
    rng = np.random.default_rng(0)
    shapes = ((5, 3), (3,), (3, 1), (1,))
    now = reference1.Weights(*(rng.normal(size=shape) for shape in shapes))
    X, y = rng.normal(size=(11, 5)), np.arange(11) % 2
    parts = dict(zip(reference1.Weights._fields, now, strict=True))
    sheet = SimpleNamespace(X=X, y=y, **parts)
    found = change(reference1.gradients(X, y, now))
    gradients = {f"d{name}": part for name, part in found._asdict().items()}
    answer = SimpleNamespace(loss=reference1.loss_of(X, y, now), **gradients)
    questions = {"gradients/square": sheet}
    try:
        judgement.check_gradient(
            {"gradients/square": answer}, questions, "gradients/square", ("W2", "b2", "W1", "b1")
        )
    except Wrong as wrong:
        return str(wrong)
    return ""


GRADIENTS: dict[str, tuple[Callable[[reference1.Weights], reference1.Weights], str]] = {
    "one number for all units": (
        lambda right: right._replace(W2=np.full_like(right.W2, right.W2[1, 0])),
        "`dW2` is one number",
    ),
    "two units swapped": (
        lambda right: right._replace(W2=right.W2[[1, 0, 2]]),
        "`dW2` is not the slope of the loss: it points",
    ),
    "the same for every feature": (
        lambda right: right._replace(W1=np.tile(right.W1[:1], (5, 1))),
        "`dW1` is the same for every feature",
    ),
    "transposed": (lambda right: right._replace(W1=right.W1.T), "`dW1` is transposed"),
    "b1 gets b2's": (
        lambda right: right._replace(b1=np.full_like(right.b1, right.b2[0])),
        "`db1`: the hidden biases get the gradient of the output bias",
    ),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_wrong_gradient_is_told_by_its_kind(name: str):
    change, sentence = GRADIENTS[name]

    assert said_of_gradient(change).startswith(sentence)


def test_what_is_right_beside_a_wrong_gradient_is_said():
    """It tells where not to look."""
    found = said_of_gradient(lambda right: right._replace(W2=right.W2[[1, 0, 2]]))

    assert found.endswith("right are `dW1`, `db1`, `db2`")


def test_a_right_gradient_is_told_nothing_of():
    assert said_of_gradient(lambda right: right) == ""


# Normalisation -------------------------------------------------------------------------------


NORMS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "the whole sequence's mean": (
        lambda x: (x - x.mean((1, 2), keepdims=True)) / x.std(-1, keepdims=True),
        "a normalisation takes the mean over the whole sequence at once",
    ),
    "the batch's deviation": (
        lambda x: (x - x.mean(-1, keepdims=True)) / x.std(0, keepdims=True),
        "a normalisation takes the mean over a token's channels, the deviation over the batch",
    ),
    "over the sequence": (
        lambda x: (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True),
        "a normalisation runs over the sequence",
    ),
    "a third of its gain": (
        lambda x: layer_checks.standardised(x) / 3,
        "a normalisation's gain does not begin at 1: its rows have a deviation of 0.333",
    ),
    "a large number beside the deviation": (
        lambda x: (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + 0.7),
        "the epsilon that a normalisation adds to the deviation it divides by is not small: "
        "about 0.7",
    ),
    "a large number beside the variance": (
        lambda x: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 2),
        "the epsilon that a normalisation adds to the variance it divides by is not small: about 2",
    ),
}


@pytest.mark.parametrize("name", NORMS)
def test_a_wrong_normalisation_is_told_by_its_axes_and_numbers(name: str):
    normed, sentence = NORMS[name]
    x = 3 * np.random.default_rng(0).normal(size=(6, 5, 24)) + 5
    fresh = normed(x)

    found = layer_checks.name_the_norm(fresh, x, layer_checks.standardised(fresh))

    assert str(found).startswith(sentence)


# The mask of the future ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ([2], "the mask of the future is shifted: a place sees some tokens after its own"),
        ([0], "the mask of the future is shifted: the first place may see nothing"),
        ([0, 1, 2], "the future is visible: the logits at 0-2 change"),
    ],
)
def test_a_shifted_mask_of_the_future_is_told_by_the_places_that_change(
    places: list[int], sentence: str
):
    logits = np.random.default_rng(0).normal(size=(4, 5, 11))
    other = logits.copy()
    other[:, [*places, 3, 4]] += 1
    answers = {"masks/model": SimpleNamespace(logits=logits, logits_other=other, again=logits)}

    with pytest.raises(Wrong) as wrong:
        attention_checks.check_mask_of_model(answers, {})

    assert str(wrong.value).startswith(sentence)


@pytest.mark.parametrize("axis", [0, 1, (1, 2)])
def test_a_root_mean_square_over_another_axis_is_named(axis: int | tuple[int, ...]):
    """Not a bare row of means and deviations: over which axis it runs."""
    x = 3 * np.random.default_rng(0).normal(size=(6, 5, 24)) + 5
    fresh = x / np.sqrt((x**2).mean(axis, keepdims=True))

    said = layer_checks.name_the_norm(fresh, x, layer_checks.standardised(fresh))

    over = {0: "the batch", 1: "the sequence", (1, 2): "the whole sequence at once"}[axis]
    assert f"by the root mean square runs over {over}, not over" in str(said)


ASKED = np.random.default_rng(3).integers(1, 10, size=(200, 5))


def fault_of_digits(digits: np.ndarray, losses: list[float] | None) -> Exception | None:
    """What is raised of these answers to ASKED; the losses are those of a training, where seen."""
    table = np.full((len(ASKED), 7), -1)
    table[:, : digits.shape[1]] = digits
    sheets = {"generation/again": SimpleNamespace(answers=table)}
    if losses is not None:
        sheets["training/steps"] = SimpleNamespace(losses=np.array(losses), costs=np.zeros(0))
    asked = {"generation/again": SimpleNamespace(sequences=ASKED)}
    try:
        said_answers.check_answers_are_digits(sheets, asked)
    except (Wrong, NotRecognised) as fault:
        return fault
    return None


START = "does the decoder start from the same token in training?"
AT_CHANCE = np.random.default_rng(5).integers(1, 10, size=(200, 4))


@pytest.mark.parametrize("losses", [None, [2.4] * 20], ids=["not seen", "as it began"])
def test_short_answers_of_a_model_that_hardly_learned_are_no_fault_of_generation(losses):
    """Where no place is learned, nothing is known of the token that the decoder starts from."""
    fault = fault_of_digits(AT_CHANCE, losses)

    assert isinstance(fault, NotRecognised)
    assert START not in str(fault)
    assert "hardly learned" in str(fault)


def test_the_start_is_named_where_the_other_places_are_learned():
    """The first digit is left out, and the others are right."""
    assert START in str(fault_of_digits(ASKED[:, ::-1][:, 1:], None))
    assert START in str(fault_of_digits(np.sort(ASKED, axis=1)[:, 1:], [2.4] * 20))


def test_the_start_is_named_where_only_what_runs_free_is_wrong():
    """The loss came down in training, and the answers are at chance."""
    assert START in str(fault_of_digits(AT_CHANCE, [2.4] * 20 + [0.1] * 20))


def test_the_start_is_not_named_where_the_last_digit_is_missing():
    """The first digits are right: the decoder starts well, and ends too early."""
    fault = fault_of_digits(ASKED[:, ::-1][:, :4], None)

    assert isinstance(fault, Wrong)
    assert START not in str(fault)


@pytest.mark.parametrize("ends", ["positions/full", "positions/long"])
def test_a_table_of_places_that_ends_too_early_is_named(ends: str):
    """It is said how many places were asked for, and how many there are."""
    questions, answers = {}, {}
    for name, length in (("positions/full", 16), ("positions/long", 301)):
        table = reference.sinusoid_variants(length - 3 * (name == ends), 16)[0]
        questions[name] = SimpleNamespace(length=np.array(length))
        answers[name] = SimpleNamespace(at_zero=np.stack([table, table]), as_asked=np.array(1))

    with pytest.raises(KnownMistake, match="ends before the largest length") as told:
        layer_checks.check_full_length(answers, questions)

    length = int(questions[ends].length)
    assert f"built for {length} positions, it takes {length - 3}" in str(told.value)
