"""What is right of attention, its masks and its heads."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from rubric_tests.checks import KnownMistake, Wrong, assert_close, largest_difference
from rubric_tests.part2 import projections, reference
from rubric_tests.part2.judgement import assert_same, cause_of_others, first_cause, same, tolerance
from rubric_tests.part2.reference import Projections, Weigh

SWAPPED = "K and V are swapped"
HEADS = ("one", "two", "three", "four")  # the settings of given.HEADS


@cause_of_others("attention")
def check_rows_sum_to_one(evidence: Any, given: Any) -> None:
    """Each query's weights are shares: none below 0, together 1."""
    sheet, weights = given["attention/weights"], evidence["attention/weights"].weights
    atol = 10 * tolerance(weights)
    if same(weights, reference.swapped_weights(sheet.query, sheet.key)):
        raise KnownMistake(SWAPPED)
    if not np.allclose(weights.sum(axis=-1), 1, atol=atol):
        for axis, what in ((-2, "queries"), (0, "batch")):
            if np.allclose(weights.sum(axis=axis), 1, atol=atol):
                raise KnownMistake(f"the weights sum to one over the {what}, not over the keys")
        furthest = max(weights.sum(axis=-1).ravel(), key=lambda total: abs(total - 1))
        raise Wrong(f"a query's weights sum to {furthest:.4g}, not to 1")
    if weights.min() < -atol:
        raise Wrong(f"a weight is negative: {weights.min():.3g}")


@cause_of_others("attention")
def check_weights(evidence: Any, given: Any) -> None:
    """The weights are softmax(q k' / sqrt(d_k))."""
    sheet, weights = given["attention/weights"], evidence["attention/weights"].weights
    wrong = {
        sentence: weigh(sheet.query, sheet.key)
        for sentence, weigh in reference.WRONG_WEIGHTS.items()
    }
    wrong[SWAPPED] = reference.swapped_weights(sheet.query, sheet.key)
    assert_close(
        weights,
        reference.attention_weights(sheet.query, sheet.key),
        atol=tolerance(weights),
        what="the weights",
        known_mistakes=wrong,
    )


@cause_of_others("attention")
def check_output(evidence: Any, given: Any) -> None:
    """The output is the values, mixed by the weights that the same function gives."""
    sheet, answer = given["attention/output"], evidence["attention/output"]
    assert_close(
        answer.out,
        answer.weights @ sheet.value,
        atol=10 * tolerance(answer.out, answer.weights),
        what="the output",
    )


@cause_of_others("attention")
def check_batch_of_attention(evidence: Any, given: Any) -> None:
    """What else is in the batch does not matter."""
    answer = evidence["attention/batch"]
    assert_same(answer.out[0], answer.out_other[0], "the output changes with the rest of the batch")


@cause_of_others("masks")
def check_causal_mask(evidence: Any, given: Any) -> None:
    check_mask(evidence, given, "causal")


@cause_of_others("masks")
def check_padding_mask(evidence: Any, given: Any) -> None:
    check_mask(evidence, given, "padding")


def check_mask(evidence: Any, given: Any, name: str) -> None:
    """A mask makes of the weights what it must, whatever they were without it."""
    answer, visible = evidence[f"masks/{name}"], given[f"masks/{name}"].visible
    assert_close(
        answer.weights,
        reference.masked_weights(answer.free, visible),
        atol=100 * tolerance(answer.weights),
        what="the weights under the mask",
        known_mistakes=reference.wrongly_masked(answer.free, visible),
    )


@cause_of_others("masks")
def check_mask_of_heads(evidence: Any, given: Any) -> None:
    """In multi-head attention the first three tokens are left alone by those after them."""
    answer = evidence["masks/multi-head"]
    reason = "under a causal mask, outputs at 0-2 change with tokens 3-4"
    assert_same(answer.out[:, :3], answer.out_other[:, :3], reason)


@cause_of_others("masks")
def check_mask_of_encoder_layer(evidence: Any, given: Any) -> None:
    answer = evidence["masks/encoder-layer"]
    reason = "under a causal mask, the layer's outputs at 0-2 change with tokens 3-4"
    assert_same(answer.out[:, :3], answer.out_other[:, :3], reason)


@cause_of_others("masks")
def check_mask_of_decoder_layer(evidence: Any, given: Any) -> None:
    answer = evidence["masks/decoder-layer"]
    reason = "the future is visible: the layer's outputs at 0-2 change with tokens 3-4"
    assert_same(answer.out[:, :3], answer.out_other[:, :3], reason)


@cause_of_others("masks")
def check_mask_of_memory(evidence: Any, given: Any) -> None:
    answer = evidence["masks/memory"]
    assert_same(answer.out, answer.out_other, "hidden places of the memory change the output")


@cause_of_others("masks")
def check_mask_of_model(evidence: Any, given: Any) -> None:
    """Other tokens from the fourth on leave the first three places alone."""
    answer = evidence["masks/model"]
    reason = "the future is visible: the logits at 0-2 change with the target's tokens 3-4"
    assert_same(answer.logits[:, :3], answer.logits_other[:, :3], reason)


# Heads ----------------------------------------------------------------------------------------


class NotRecognised(Exception):
    """The weights cannot be told apart; the relations judge alone."""


@cause_of_others("multi-head")
def check_heads(evidence: Any, given: Any) -> None:
    """Multi-head attention of a sequence with itself, for every number of heads asked."""
    for name in HEADS:
        check_formula_of_heads(evidence, given, f"multi-head/self-{name}")


@cause_of_others("multi-head")
def check_order_of_heads(evidence: Any, given: Any) -> None:
    answer, order = evidence["multi-head/order"], given["multi-head/order"].order
    reason = "tokens in another order do not give the same outputs in that order"
    assert_same(answer.out[:, order], answer.out_other, reason)


@cause_of_others("multi-head")
def check_batch_of_heads(evidence: Any, given: Any) -> None:
    answer = evidence["multi-head/batch"]
    assert_same(answer.out[0], answer.out_other[0], "the output changes with the rest of the batch")


def check_formula_of_heads(evidence: Any, given: Any, question: str) -> None:
    """The output is that of the module's own weights, computed once more by the judge."""
    answer, sheet = evidence[question], given[question]
    parts = projections.linears(answer, evidence.partial(question))
    n_heads, out = int(answer.n_heads), answer.out
    if n_heads < 1 or not out.shape[-1] or out.shape[-1] % n_heads:
        raise Wrong(f"{n_heads} heads do not share {out.shape[-1]} channels equally")
    readings = projections.candidates(parts, n_heads, width=out.shape[-1])
    if not readings:
        raise NotRecognised("the weights of the projections are not recognised")
    x = sheet.x[..., : out.shape[-1]]
    memory = getattr(sheet, "memory", sheet.x)[..., : out.shape[-1]]

    def gives(reading: Projections, weigh: Weigh, layout: str = "right") -> bool:
        return same(out, reference.multi_head(x, memory, reading, n_heads, weigh, *LAYOUTS[layout]))

    for right in readings:
        if any(gives(right, weigh) for weigh in own_weights(evidence, given)):
            return check_projections(right)
    for sentence in recognised(readings, gives, n_heads):
        raise KnownMistake(sentence)
    named = answer.text.strings("names")
    if any(right.o is None for right in readings) or len(parts) * 2 < len(named):
        raise NotRecognised("there are weights of another kind beside the projections")
    expected = reference.multi_head(x, memory, readings[0], n_heads)
    raise Wrong(largest_difference(out, expected, f"with {n_heads} heads the output"))


LAYOUTS = {
    "right": (reference.cut, reference.join),
    "the heads are split by `view`: transpose after it": (reference.cut_by_view, reference.join),
    "the heads are merged without the transpose": (reference.cut, reference.join_by_view),
    "the heads are split and merged by `view`: tokens and heads are mixed": (
        reference.cut_by_view,
        reference.join_by_view,
    ),
}


def own_weights(evidence: Any, given: Any) -> list[Weigh]:
    """Right attention; and where the student's own is wrong, which is marked there, any other."""
    wrong = first_cause(evidence, given, "attention")
    others = list(reference.WRONG_WEIGHTS.values()) if wrong else []
    return [reference.attention_weights, *others]


def check_projections(right: Projections) -> None:
    """Even where the numbers agree: four projections, and each with weights of its own."""
    if right.o is None:
        raise KnownMistake("there is no output projection after the heads")
    if sentence := projections.shared(right):
        raise KnownMistake(sentence)


def recognised(readings: list[Projections], gives: Any, n_heads: int) -> Iterator[str]:
    """The sentences of the known mistakes that give the same numbers."""
    right_weights = reference.attention_weights
    formulas = reference.WRONG_WEIGHTS | {
        "the scores are divided by sqrt(d_model), not by the root of a head's width": (
            reference.scaled_by(lambda d: n_heads**-0.5)
        ),
        "the softmax runs over the heads": lambda q, k: reference.softmax(
            reference.scores(q, k), 1
        ),
    }
    for right in readings:
        yield from (name for name in LAYOUTS if gives(right, right_weights, name))
        wrong_roles = projections.misread(right).items()
        yield from (name for name, roles in wrong_roles if gives(roles, right_weights))
        yield from (name for name, weigh in formulas.items() if gives(right, weigh))
        for weigh in formulas.values():
            yield from (name for name in LAYOUTS if gives(right, weigh, name))
