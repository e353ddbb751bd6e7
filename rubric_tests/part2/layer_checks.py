"""What is right of embedding, positions, feed-forward network and layers."""

from typing import Any

import numpy as np

from rubric_tests.checks import KnownMistake, Wrong
from rubric_tests.part2.judgement import (
    alike,
    as_wide_as,
    assert_differs,
    assert_same,
    cause_of_others,
    same,
    tolerance,
)

LAYERS = ("encoder-layer", "decoder-layer")


@cause_of_others("embedding")
def check_rows(evidence: Any, given: Any) -> None:
    """One row for each token, wherever it stands; another token has another row."""
    out, tokens = evidence["embedding/rows"].out, given["embedding/rows"].tokens
    for token in np.unique(tokens):
        rows = out[tokens == token]
        if not same(rows, np.broadcast_to(rows[0], rows.shape)):
            raise KnownMistake("the same token has different rows at different places")
    one_each = [out[tokens == token][0] for token in np.unique(tokens)]
    if len(np.unique(np.round(one_each, 6), axis=0)) < len(one_each):
        raise Wrong("different tokens have the same row")


# Positions ------------------------------------------------------------------------------------


@cause_of_others("positions")
def check_added(evidence: Any, given: Any) -> None:
    """The answer is what came in, scaled or not, plus something that does not depend on it."""
    answer = evidence["positions/added"]
    alike(answer.out, answer.at_zero)
    x, rest = as_wide_as(answer.out, given["positions/added"].x), answer.out - answer.at_zero
    factor = float(np.sum(rest * x) / np.sum(x * x))
    if same(answer.out, answer.at_zero):
        raise Wrong("the positions come back alone: what went in is not part of the answer")
    if not np.abs(answer.at_zero).max() > 1e-6:
        raise KnownMistake("no positions are added")
    if factor <= 0 or not np.allclose(rest, factor * x, atol=1e-4 * max(1.0, factor)):
        raise Wrong("what is added to a token depends on the token")


@cause_of_others("positions")
def check_distinct(evidence: Any, given: Any) -> None:
    """No two positions have the same row."""
    rows = evidence["positions/added"].at_zero[0]
    for i in range(1, len(rows)):
        if any(np.allclose(rows[i], rows[j], atol=1e-6) for j in range(i)):
            raise KnownMistake("different positions have the same row")


@cause_of_others("positions")
def check_same_for_every_item(evidence: Any, given: Any) -> None:
    """A position has one row, whatever the sequence."""
    table = evidence["positions/added"].at_zero
    if not same(table, np.broadcast_to(table[:1], table.shape)):
        axis_swapped = same(table[1, 0], table[1, 1])
        where = ": they are counted along the batch" if axis_swapped else ""
        raise KnownMistake("the sequences of a batch have different positions", where)


@cause_of_others("positions")
def check_order_matters(evidence: Any, given: Any) -> None:
    """With two tokens swapped, the answer is neither the same nor swapped in the same places."""
    answer, sequences = evidence["positions/order"], given["positions/order"].sequences
    telling = (sequences[:, 0] != sequences[:, 1]) & (sequences[:, 2] >= 0)
    before, after = answer.answers[telling], answer.moved[telling]
    swapped = before[:, [1, 0, *range(2, before.shape[1])]]
    blind = (before == after).all(axis=1) | (swapped == after).all(axis=1)
    constant = len(np.unique(before, axis=0)) < 2  # tells nothing of order
    if telling.sum() >= 8 and not constant and blind.mean() > 0.9:
        raise KnownMistake("the model answers as if its tokens had no order")


# Feed-forward ---------------------------------------------------------------------------------


@cause_of_others("feed-forward")
def check_position_wise(evidence: Any, given: Any) -> None:
    """A token's output depends on that token alone, and not on where it stands."""
    answer, order = evidence["feed-forward/alone"], given["feed-forward/alone"].order
    alone = answer.out[0, 0], answer.out_other[0, 0]
    assert_same(*alone, "a token's output changes with the other tokens")
    reason = "the same token gives another output in another place"
    assert_same(answer.out[:, order], answer.out_permuted, reason)


@cause_of_others("feed-forward")
def check_bent(evidence: Any, given: Any) -> None:
    """f(x + d) + f(x - d) is not 2 f(x), as it would be for a linear function."""
    answer = evidence["feed-forward/bent"]
    alike(answer.out, answer.ahead, answer.behind)
    assert_differs(answer.ahead + answer.behind, 2 * answer.out, "it is linear: nothing bends it")
    assert_differs(answer.ahead, answer.out, "the output does not depend on what goes in")


# Layers ---------------------------------------------------------------------------------------


def check_residual(evidence: Any, given: Any, layer: str) -> None:
    """With every weight matrix zero, the input is what is left, normalised or not."""
    out = evidence[f"{layer}/silent"].out
    x = as_wide_as(out, given[f"{layer}/silent"].x)
    out, x = (rows - rows.mean(axis=-1, keepdims=True) for rows in (out, x))
    lengths = np.linalg.norm(out, axis=-1) * np.linalg.norm(x, axis=-1)
    cosine = np.sum(out * x, axis=-1) / (lengths + 1e-12)
    if cosine.mean() < 0.8:
        raise KnownMistake(
            "with its weights at zero, nothing of the input is left: a residual is missing"
        )


def check_normalisation(evidence: Any, given: Any, layer: str) -> None:
    """Each token is normalised over its own channels, before a sub-layer or after it.

    After it (post-norm) every row comes out as long as every other. Before it (pre-norm) what is
    added to a token stays the same when that token, long already, is made longer.
    """
    answer, sheet = evidence[f"{layer}/scaled"], given[f"{layer}/scaled"]
    alike(answer.out, answer.out_other)
    x, longer = as_wide_as(answer.out, sheet.x), as_wide_as(answer.out, sheet.other)
    added, added_longer = answer.out - x, answer.out_other - longer
    spread = answer.out.std(axis=-1)
    if spread.max() < 1.02 * spread.min() or nearly(added, added_longer):
        return
    if not nearly(answer.out, answer.out_other):
        raise KnownMistake(
            "no normalisation of each token over its channels, before or after a sub-layer"
        )


def nearly(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal but for the small number that a normalisation adds to the variance."""
    return bool(np.allclose(one, other, atol=2e-2 * max(1e-6, float(np.abs(one).max()))))


def check_batch_of_layer(evidence: Any, given: Any, layer: str) -> None:
    answer = evidence[f"{layer}/batch"]
    assert_same(answer.out[0], answer.out_other[0], "the output changes with the rest of the batch")


def check_tokens_meet(evidence: Any, given: Any, layer: str) -> None:
    """Another first token changes what comes out at the last."""
    answer = evidence[f"{layer}/tokens"]
    assert_differs(answer.out[:, -1], answer.out_other[:, -1], "no token learns of any other")


@cause_of_others("layers")
def check_memory_is_used(evidence: Any, given: Any) -> None:
    answer = evidence["decoder-layer/memory"]
    assert_differs(answer.out, answer.out_other, "another memory gives the same output")


CHECKS = (check_residual, check_normalisation, check_batch_of_layer, check_tokens_meet)
for _layer in LAYERS:
    for _check in CHECKS:
        cause_of_others("layers")(
            lambda evidence, given, check=_check, layer=_layer: check(evidence, given, layer)
        )


@cause_of_others("model")
def check_batch_of_model(evidence: Any, given: Any) -> None:
    answer = evidence["model/batch"]
    one, other = answer.logits[0], answer.logits_other[0]
    alike(one, other)
    if not np.allclose(one, other, atol=100 * tolerance(one, other)):
        raise Wrong("the logits of a sequence change with the rest of the batch")


@cause_of_others("model")
def check_by_heart(evidence: Any, given: Any) -> None:
    """Sixty steps on one batch of random answers leave less than half of the loss."""
    losses = evidence["training/batch"].losses
    if not len(losses) or losses[-1] > 0.5 * losses[0]:
        raise Wrong(f"the losses go from {losses[:1]} to {losses[-1:]}")
