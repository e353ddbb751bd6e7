"""What is right of embedding, positions, feed-forward network and layers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, ndtr

from assay.rubric import (
    ForReview,
    KnownMistake,
    Wrong,
    answered,
    assert_comparable,
    assert_differs,
    assert_one_shape,
    assert_permuted,
    assert_same,
    explains,
    same,
    tolerance,
)
from rubric_tests.part2.attention_checks import (
    adds_no_positions,
    at_places,
    causal_heads,
    go_by_places,
    leave_places_to_a_person,
)
from rubric_tests.part2.judgement import (
    HEADS_AS_DRAWN,
    NETWORK_AS_DRAWN,
    NotRecognised,
    as_wide_as,
    assert_same_items,
    cause_of_others,
    check_weights_are_seen,
    must_repeat,
    said,
    unless_silent_at_first,
    where_weights_are_drawn,
)
from rubric_tests.part2.projections import linears

LAYERS = ("encoder-layer", "decoder-layer")


@cause_of_others("embedding")
def check_rows(evidence: Any, given: Any) -> None:
    """One row for each token, wherever it stands; another token has another row."""
    for question in ("rows", "all", "more"):
        with no_row_is_missing():
            answer = evidence[f"embedding/{question}"]
        sheet = given[f"embedding/{question}"]
        if question == "rows" or answer.as_asked:  # one of fixed size knows the digits only
            check_row_of_each(answer.out, sheet.tokens)
            if not same(answer.one, answer.out[:1, :1]):  # that of padding is zero, which is right
                raise Wrong("one token by itself has another row than among others")


@contextmanager
def no_row_is_missing() -> Iterator[None]:
    """Call it a mistake that explains others where a lookup left the table."""
    try:
        yield
    except Exception as error:
        _, raised, found = str(error).partition("your code raised IndexError: ")
        if raised:
            raise KnownMistake("a token of the vocabulary has no row", found) from None
        raise


def check_row_of_each(out: np.ndarray, tokens: np.ndarray) -> None:
    for token in np.unique(tokens):
        rows = out[tokens == token]
        if not same(rows, np.broadcast_to(rows[0], rows.shape)):
            raise KnownMistake("the same token has different rows at different places")
    one_each = np.round([out[tokens == token][0] for token in np.unique(tokens)], 6)
    _, first, count = np.unique(one_each, axis=0, return_index=True, return_counts=True)
    if len(first) < len(one_each):
        alike = np.unique(tokens)[(one_each == one_each[first[count.argmax()]]).all(axis=1)]
        raise KnownMistake(
            "different tokens have the same row", f"tokens {alike[0]} and {alike[1]}"
        )


# Positions ------------------------------------------------------------------------------------


def check_repeats(evidence: Any, given: Any) -> None:
    answer = evidence["positions/added"]
    if not same(answer.at_zero, answer.again):
        raise KnownMistake("asked again, the positions are others")


@cause_of_others("positions")
def check_added(evidence: Any, given: Any) -> None:
    """The answer is what came in, scaled or not, plus something that does not depend on it."""
    answer = evidence["positions/added"]
    check_repeats(evidence, given)
    is_nothing = answer.at_zero.size and not np.abs(answer.at_zero).max() > 1e-6
    assert_comparable(answer.out, *([] if is_nothing else [answer.at_zero]))
    assert_one_shape(answer.out, answer.at_zero)
    x, rest = as_wide_as(answer.out, given["positions/added"].x), answer.out - answer.at_zero
    factor = float(np.sum(rest * x) / np.sum(x * x))
    if same(answer.out, answer.at_zero):
        raise Wrong("the positions come back alone: what went in is not part of the answer")
    if is_nothing:
        if not np.allclose(rest, factor * x, atol=1e-4 * max(1.0, abs(factor))):
            raise KnownMistake("the positions are multiplied with the token, not added to it")
        raise KnownMistake("no positions are added")
    if factor <= 0 or not np.allclose(rest, factor * x, atol=1e-4 * max(1.0, factor)):
        raise Wrong("what is added to a token depends on the token")
    assert_one_shape(answer.one, answer.at_zero[:1, :1])
    if not same(answer.one, answer.at_zero[:1, :1]):
        raise Wrong("one token by itself has another row than in a batch")


@cause_of_others("positions")
def check_full_length(evidence: Any, given: Any) -> None:
    """As many places as were asked for, no two alike, and not told by a channel or two."""
    for question in ("positions/full", "positions/long"):
        answer = evidence[question]
        rows, length = answer.at_zero[0], int(given[question].length)
        if len(rows) != length:
            raise KnownMistake(
                "the table of positions ends before the largest length that is asked for",
                f"built for {length} positions, it takes {len(rows)}",
            )
        if not answer.as_asked or not np.abs(rows).max(initial=0) > 1e-6:
            raise NotRecognised("the size is its own, or the rows are all zero to begin with")
        gaps = np.abs(rows[:, None] - rows[None]).max(axis=-1) + np.eye(len(rows))
        if gaps.min() < 1e-6:
            i, j = sorted(np.unravel_index(gaps.argmin(), gaps.shape))
            raise KnownMistake("different positions have the same row", f"{i} and {j}")
        telling = np.ptp(rows, axis=0) > 1e-9
        if telling.mean() < 0.5:
            found = f"{telling.sum()} of {len(telling)} channels"
            raise KnownMistake("most channels are the same at every position", found)
        between = rows - rows.mean(axis=-1, keepdims=True)
        if np.ptp(between, axis=0).max() < 1e-6:
            raise KnownMistake(
                "a position is one number in all channels: a normalisation takes it away"
            )


@cause_of_others("positions")
def check_distinct(evidence: Any, given: Any) -> None:
    """No two positions have the same row."""
    table = evidence["positions/added"].at_zero
    alike = np.abs(table[:, :, None] - table[:, None]).max(axis=(0, -1)) < 1e-6
    if alike.all():
        if np.abs(table - table[:1]).max() > 1e-6:
            raise KnownMistake("the positions are counted along the batch, not along the sequence")
        raise KnownMistake("every position has the same row")
    for i in range(1, len(alike)):
        if alike[i, :i].any():
            raise KnownMistake(
                "different positions have the same row", f"{alike[i].argmax()} and {i}"
            )


def is_sine_and_cosine(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether each channel of one is the sine of what a channel of the other is the cosine of."""
    return bool(np.allclose(one**2 + other**2, 1, atol=1e-4))


def table_in_words(rows: np.ndarray, right: np.ndarray) -> str:
    """What a table of sines and cosines has instead of the formula, read off its own rows.

    Sines may stand beside all cosines, in the first half of the channels: it is read by turns.
    """
    half = rows.shape[1] // 2
    if rows.shape[1] % 2 == 0 and is_sine_and_cosine(rows[:, :half], rows[:, half:]):
        rows = np.stack([rows[:, :half], rows[:, half:]], axis=-1).reshape(rows.shape)
    sines, cosines = rows[:, 0::2], rows[:, 1::2]
    if cosines.size and np.ptp(sines, axis=1).max() < 1e-4 and np.ptp(cosines, axis=1).max() < 1e-4:
        return "every channel has the same rate: the exponent does not change with the channel"
    pairs = cosines.shape[1]
    first, second = np.arctan2(sines[:2, :pairs], cosines[:2])
    rates, place = second - first, np.arange(len(rows))[:, None]
    angles = first + place * rates
    wave = np.allclose(np.sin(angles), sines[:, :pairs], atol=1e-4)
    expected = np.arctan2(right[1, 0::2][:pairs], right[1, 1::2])
    if not wave or not np.allclose(np.cos(angles), cosines, atol=1e-4):
        other = ~np.isclose(rows, right, atol=1e-4)
        channels = ", ".join(map(str, np.flatnonzero(other.any(axis=0))))
        first_place = other.any(axis=1).argmax()
        return f"the table is not the formula's from place {first_place} on, in channels {channels}"
    if np.abs(first).max() > 1e-4:
        starts, steps = (", ".join(f"{x:.3g}" for x in part) for part in (first, rates))
        return (
            f"the angles of the sines begin at {starts} and not at 0, and rise by {steps} a place"
        )
    if np.allclose(rates, rates[0] * expected, rtol=1e-3):
        return f"the places are multiplied by {rates[0]:.3g} before sine and cosine are taken"
    found, wanted = (", ".join(f"{rate:.3g}" for rate in part) for part in (rates, expected))
    return f"the angles rise by {found} a place, expected {wanted}: how does the exponent fall?"


@cause_of_others("positions")
def check_same_for_every_item(evidence: Any, given: Any) -> None:
    """A position has one row, whatever the sequence."""
    table = evidence["positions/added"].at_zero
    if not same(table, np.broadcast_to(table[:1], table.shape)):
        axis_swapped = same(table[1, 0], table[1, 1])
        where = "they are counted along the batch" if axis_swapped else ""
        raise KnownMistake("the sequences of a batch have different positions", where)


@cause_of_others("positions")
def check_order_reaches_the_logits(evidence: Any, given: Any) -> None:
    """Tokens in another order change the logits, by more than rounding does."""
    answer, order = evidence["positions/model"], given["positions/model"].order
    before, after = answer.logits, answer.logits_other
    assert_comparable(before, after)
    close = 1e-4 * float(np.ptp(before))  # rounding; what a position adds is a hundred times that
    moved = before[:, order] if before.shape[1] == len(order) else before
    if np.allclose(before, after, atol=close) or np.allclose(moved, after, atol=close):
        raise KnownMistake("the model answers as if its tokens had no order")


@cause_of_others("positions")
def check_order_matters(evidence: Any, given: Any) -> None:
    """With two tokens swapped, the answer is neither the same nor swapped in the same places.

    Only of a model that learned which digits belong in an answer: one that never learned
    anything tells nothing of order.
    """
    sequences, unmoved = given["generation/again"].sequences, evidence["generation/again"].again
    telling = (sequences[:, 0] != sequences[:, 1]) & (sequences[:, 2] >= 0)
    before, after = unmoved[telling], evidence["positions/order"].moved[telling]
    asked = sequences[telling]
    there = before >= 0
    taken = (
        (before[:, :, None] == asked[:, None, :]).any(axis=-1)[there].mean() if there.any() else 0
    )
    swapped = before[:, [1, 0, *range(2, before.shape[1])]]
    blind = (before == after).all(axis=1) | (swapped == after).all(axis=1)
    constant = len(np.unique(before, axis=0)) < 2  # tells nothing of order
    if telling.sum() >= 8 and not constant and taken > 0.9 and blind.mean() > 0.9:
        raise KnownMistake("the model answers as if its tokens had no order")


# Feed-forward ---------------------------------------------------------------------------------


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ReLU": lambda z: np.maximum(z, 0),
    "GELU": lambda z: z * ndtr(z),
    "tanh's GELU": lambda z: z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))) / 2,
    "SiLU": lambda z: z * expit(z),
    "tanh": np.tanh,
    "sigmoid": expit,
    "leaky ReLU": lambda z: np.where(z > 0, z, 0.01 * z),
    "ELU": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "softplus": lambda z: np.logaddexp(0, z),
}
BENDS_LITTLE = 0.01  # of what a step changes; ReLU and its kin bend a tenth or more


@cause_of_others("feed-forward")
@unless_silent_at_first(NETWORK_AS_DRAWN)
def check_position_wise(evidence: Any, given: Any) -> None:
    """A token's output depends on that token alone, and not on where it stands."""
    try:
        answer, order = evidence["feed-forward/alone"], given["feed-forward/alone"].order
    except AssertionError as wrong:
        if "`one`" not in str(wrong):
            raise
        raise KnownMistake("one token of one sequence loses an axis", str(wrong)) from None
    if not same(answer.out, answer.again):
        raise KnownMistake("asked again, it gives another output: dropout outside of training")
    alone = answer.out[0, 0], answer.out_other[0, 0]
    assert_same(*alone, "a token's output changes with the other tokens")
    reason = "the same token gives another output in another place"
    assert_permuted(answer.out, answer.out_permuted, order, reason=reason)
    reason = "one token of one sequence gives another output than in a batch"
    assert_same(answer.one, answer.out[:1, :1], reason)


@cause_of_others("feed-forward")
@unless_silent_at_first(NETWORK_AS_DRAWN)
def check_bent(evidence: Any, given: Any) -> None:
    """f(x + d) + f(x - d) is not 2 f(x), as it would be for a linear function.

    Nor is f(x + d) + f(x + e) the same as f(x + d + e) + f(x), for channels d and other
    channels e: the bend comes after a matrix has mixed them.
    """
    answer = evidence["feed-forward/bent"]
    assert_comparable(answer.out, answer.ahead, answer.behind)
    assert_differs(answer.ahead, answer.out, "the output does not depend on what goes in")
    change = np.abs(answer.ahead - answer.out).mean()
    bend = np.abs(answer.ahead + answer.behind - 2 * answer.out).mean()
    if bend < BENDS_LITTLE * change:
        raise KnownMistake("it is linear: nothing bends it")
    mixed = np.abs(answer.both + answer.out - answer.one - answer.other).mean()
    if mixed < BENDS_LITTLE * change:
        raise KnownMistake("the bend comes before the first matrix: no channels are mixed in it")


@cause_of_others("feed-forward")
def check_inner_width(evidence: Any, given: Any) -> None:
    """`d_hidden` numbers inside, whichever number that is."""
    answer = evidence["feed-forward/sizes"]
    if not answer.as_asked:
        raise NotRecognised("the sizes are its own")
    if answer.out.shape[-1] != 8:
        raise KnownMistake(
            "the output is not as wide as the input", f"8 numbers give {answer.out.shape[-1]}"
        )
    if answer.numbers_3 == answer.numbers_19:
        raise KnownMistake("`d_hidden` is not used", "3 and 19 give networks of the same size")
    for width in (3, 19):
        inside = evidence.partial("feed-forward/sizes").get(f"inside_{width}", width)
        if not np.isin(inside, [width, 2 * width]).any():
            raise Wrong(f"no weight matrix is {width} wide where `d_hidden` is {width}")


@cause_of_others("feed-forward")
@unless_silent_at_first(NETWORK_AS_DRAWN)
def check_place_of_the_bend(evidence: Any, given: Any) -> None:
    """Where its two matrices are known: bent between them, and only there."""
    question = "feed-forward/sizes"
    answer = evidence[question]
    parts = list(linears(answer, evidence.partial(question)).values())
    assert_comparable(answer.out)
    x, width = as_wide_as(answer.out, given[question].x), answer.out.shape[-1]
    if not answer.as_asked or [part.matrix.shape for part in parts] != [(3, width), (width, 3)]:
        raise NotRecognised("the feed-forward network is of another kind")
    first, second = parts

    def gives(out: np.ndarray) -> bool:
        return same(answer.out, out)

    for act in ACTIVATIONS.values():
        if gives(second(act(first(x)))):
            return
    for act in ACTIVATIONS.values():
        if gives(act(second(first(x)))):
            raise KnownMistake("the bend comes after both matrices, which are then one")
        if gives(act(second(act(first(x))))):
            raise KnownMistake("it is bent once more after the second matrix")
        if gives(second(first(act(x)))):
            raise KnownMistake("the bend comes before the first matrix, and none between the two")
        if gives(x + second(act(first(x)))) and a_layer_adds(evidence, given):
            raise KnownMistake("its input is added inside it, and once more by the layer")


def a_layer_adds(evidence: Any, given: Any) -> bool:
    """Whether a layer adds what goes past its sub-layers by itself."""
    for layer in LAYERS:
        try:
            check_sums(evidence, given, layer)
        except Exception:  # another sum, no such layer, or one of another kind
            continue
        return True
    return False


@cause_of_others("feed-forward")
@unless_silent_at_first(NETWORK_AS_DRAWN)
def check_every_unit_bends(evidence: Any, given: Any) -> None:
    """Where its two matrices are known: each unit between them is bent, and none is dead.

    The output is a sum over the units, each bent, straight or both. With the matrices known,
    least squares say how much of each; only a sum that is exact says anything.
    """
    question = "feed-forward/units"
    answer = evidence[question]
    parts = list(linears(answer, evidence.partial(question)).values())
    assert_comparable(answer.out)
    x, width = as_wide_as(answer.out, given[question].x), answer.out.shape[-1]
    units = 19
    if not answer.as_asked or [p.matrix.shape for p in parts] != [(units, width), (width, units)]:
        raise NotRecognised("the feed-forward network is of another kind")
    first, second = parts
    inside = first(x).reshape(-1, units)
    for act in ACTIVATIONS.values():
        bent = act(inside)
        terms = np.concatenate([second.matrix[None] * part[:, None] for part in (bent, inside)], -1)
        terms = terms.reshape(-1, 2 * units)
        found, *_ = np.linalg.lstsq(terms, (answer.out - second.bias).ravel(), rcond=None)
        if same((terms @ found).reshape(answer.out.shape) + second.bias, answer.out):
            name_the_units(found[:units], found[units:], np.ptp(bent, axis=0) > 0)
            return
    raise NotRecognised("what bends it is of another kind")


def name_the_units(bent: np.ndarray, straight: np.ndarray, alive: np.ndarray) -> None:
    """Say which units are not bent; a few that are silent by chance, as ReLU's may be, are right.

    Raises
    ------
    KnownMistake
        If some are straight, or a quarter gives the same number for every token.
    """
    is_straight = alive & (np.abs(bent) < 1e-3) & (np.abs(straight) > 1e-3)
    is_dead = ~alive | ((np.abs(bent) < 1e-3) & (np.abs(straight) < 1e-3))
    if is_straight.any():
        raise KnownMistake(
            "only a part of its units is bent",
            f"{is_straight.sum()} of {len(bent)} go on as they are",
        )
    if is_dead.mean() > 0.25:
        raise KnownMistake(
            "a part of its units is dead", f"{is_dead.sum()} of {len(bent)} add nothing"
        )


# Layers ---------------------------------------------------------------------------------------


def check_residual(evidence: Any, given: Any, layer: str) -> None:
    """With every weight matrix zero, the input is what is left, normalised or not."""
    answer, x = evidence[f"{layer}/silent"], given[f"{layer}/silent"].x
    x = as_wide_as(answer.out, x)
    try:
        check_is_left(answer.out, x)
    except KnownMistake:
        told_first(check_sums, evidence, given, layer)
        raise
    size = float(np.sum(answer.silent * x) / np.sum(x * x))
    scaled = np.allclose(answer.silent, size * x, atol=1e-4 * max(1.0, abs(size)))
    if scaled and abs(size - 1) > 1e-3:
        told_first(check_sums, evidence, given, layer)
        raise KnownMistake(
            "a residual is scaled", f"with its weights at zero the layer gives {size:.3g} times x"
        )


def told_first(check: Callable[..., None], evidence: Any, given: Any, layer: str) -> None:
    """Raise what another check says, where it says something: it knows more of the place."""
    try:
        check(evidence, given, layer)
    except Wrong:
        raise
    except Exception:  # not answered, or of another kind
        return


def check_is_left(out: np.ndarray, x: np.ndarray) -> None:
    out, x = (rows - rows.mean(axis=-1, keepdims=True) for rows in (out, x))
    lengths = np.linalg.norm(out, axis=-1) * np.linalg.norm(x, axis=-1)
    cosine = np.sum(out * x, axis=-1) / (lengths + 1e-12)
    if cosine.mean() < 0.8:
        raise KnownMistake(
            "with its weights at zero, nothing of the input is left: a residual is missing"
        )


def check_sums(evidence: Any, given: Any, layer: str) -> None:
    """Each sub-layer's output is added, once, to what goes past it.

    The parts of the layer are watched while it works: where they are norms and sub-layers in
    turn, every sum is computed once more. Of other layers the relations judge.
    """
    answer = evidence[f"{layer}/steps"]
    steps = steps_of(answer, evidence.partial(f"{layer}/steps"))
    norms, subs = ([s for s in steps if s.is_norm is kind] for kind in (True, False))
    in_turn = all(one.is_norm is not other.is_norm for one, other in pairwise(steps))
    if not in_turn or len(norms) != len(subs) or len(subs) < 2:
        raise NotRecognised("the layer's parts are not norms and sub-layers in turn")
    with where_weights_are_drawn(evidence, HEADS_AS_DRAWN, NETWORK_AS_DRAWN):
        assert_comparable(answer.out, *(step.out for step in steps))
    assert_one_shape(answer.out, *(norm.into for norm in norms))
    x = as_wide_as(answer.out, given[f"{layer}/steps"].x)
    if steps[0].is_norm:
        past = [norm.into for norm in norms]
        sums = [*past[1:], answer.out]
    else:
        past = [x, *(norm.out for norm in norms[:-1])]
        sums = [norm.into for norm in norms]
    for i, (stream, step, total, norm) in enumerate(zip(past, subs, sums, norms, strict=True), 1):
        if not same(total, stream + step.out):
            around = f"around its {step.kind}, part {i} of {len(subs)}"
            name_the_sum(total, stream, step.out, norm.out, around)


class Step(NamedTuple):
    """One part of a layer at work: what goes in, and what comes out."""

    kind: str
    is_norm: bool
    into: np.ndarray
    out: np.ndarray


def steps_of(answer: Any, arrays: Mapping[str, np.ndarray]) -> list[Step]:
    """The norms and sub-layers in the order of their work; dropout, which is idle, apart."""
    kinds = answer.text.strings("kinds") if "kinds" in answer.text else []
    return [
        Step(kind, "norm" in kind.lower(), arrays[f"into_{i}"], arrays[f"from_{i}"])
        for i, kind in enumerate(kinds)
        if {f"into_{i}", f"from_{i}"} <= arrays.keys()
        and "drop" not in kind.lower()
        and "identity" not in kind.lower()
    ]


def name_the_sum(
    total: np.ndarray, stream: np.ndarray, sub: np.ndarray, normed: np.ndarray, around: str
) -> None:
    """Say what was summed where it can be told; where it cannot, the relations judge."""
    for past, of in ((stream, "what came in"), (normed, "its normalised input")):
        terms = np.stack([past.ravel(), sub.ravel()], axis=1)
        (a, b), *_ = np.linalg.lstsq(terms, total.ravel(), rcond=None)
        if not same(total, a * past + b * sub):
            continue
        if abs(a) < 1e-6:
            raise KnownMistake(f"a residual is missing {around}", "its output goes on alone")
        if abs(b) < 1e-6:
            raise KnownMistake(f"nothing is added {around}", "its output is not used")
        found = f"{a:.3g} times {of} plus {b:.3g} times the sub-layer's output goes on"
        if past is normed and normed is not stream:
            raise KnownMistake(f"a residual starts behind the normalisation {around}", found)
        raise KnownMistake(f"a residual is scaled {around}", found)


def check_norms(evidence: Any, given: Any, layer: str) -> None:
    """Each normalisation gives mean 0 and deviation 1, or mean square 1; then come its gains."""
    question = f"{layer}/norms"
    text, arrays = evidence[question].text, evidence.partial(question)
    if not any(name.startswith("fresh_") for name in arrays):
        if answered(evidence, f"{layer}/steps"):
            check_norms_between(evidence, given, layer)
        raise NotRecognised("no part of the layer is a normalisation by name")
    for i in range(len(text.strings("kinds"))):
        fresh = arrays.get(f"fresh_{i}")
        if fresh is None or fresh.shape[:-1] != given[question].x.shape[:-1]:
            continue
        x = 3 * as_wide_as(fresh, given[question].x) + 5
        rows = standardised(fresh)
        if not any(np.allclose(fresh, its, atol=ADDED, rtol=ADDED) for its in right_norms(x)):
            raise name_the_norm(fresh, x, rows)
        gains = [arrays[f"changed_{i}_{j}"] for j in (0, 1) if f"changed_{i}_{j}" in arrays]
        assert_one_shape(fresh, *gains)
        if gains and same(gains[0], fresh):
            raise KnownMistake("a normalisation does not use its gain")
        if gains:
            gain = given[question].memory[0, 0, : fresh.shape[-1]]
            pairs = (gains[0], fresh * gain), (gains[0], fresh + gain)
            if not any(np.allclose(one, other, atol=0.05 * 8) for one, other in pairs):
                if np.allclose(gains[0], fresh * gain**2, atol=0.05 * 8):
                    raise KnownMistake("a normalisation's gain is squared")
                raise Wrong("a normalisation's gain does not multiply its channels")
    if answered(evidence, f"{layer}/steps"):
        check_norms_between(evidence, given, layer)


def check_norms_between(evidence: Any, given: Any, layer: str) -> None:
    """The same of what is written between the parts, and is none: seen in what the parts are given.

    What is no multiple, token by token, of what went in before may be anything, and passes.
    """
    steps = steps_of(evidence[f"{layer}/steps"], evidence.partial(f"{layer}/steps"))
    out, x = evidence[f"{layer}/steps"].out, given[f"{layer}/steps"].x
    parts = [step for step in steps if not step.is_norm]
    if not parts or any(rows.shape != out.shape for s in parts for rows in (s.into, s.out)):
        return
    x = as_wide_as(out, x)
    if same(parts[0].into, x):  # normalised after each part
        summed = [part.into + part.out for part in parts]
        found = zip([*(part.into for part in parts[1:]), out], summed, strict=True)
    else:
        streams = accumulate((part.out for part in parts[:-1]), initial=x)
        found = zip((part.into for part in parts), streams, strict=True)
    for rows, before in found:
        if is_scaled_by_token(rows, before) and not is_norm_of(rows, before):
            deviations = rows.std(axis=-1)
            raise KnownMistake(
                "a normalisation does not give every token the same deviation",
                f"that of what a part is given goes from {deviations.min():.3g} to "
                f"{deviations.max():.3g}: is more than a small number added to what it divides by?",
            )


def is_scaled_by_token(rows: np.ndarray, before: np.ndarray) -> bool:
    """Whether each token is what it was, or that without its mean, by a factor of its own."""
    if is_multiple(rows, before, axis=None):  # the same for all: no normalisation
        return False
    centred = before - before.mean(axis=-1, keepdims=True)
    return any(is_multiple(rows, its, axis=-1) for its in (before, centred))


def is_norm_of(rows: np.ndarray, before: np.ndarray) -> bool:
    """Whether they are normalised, up to one factor for all."""
    return any(is_multiple(rows, its, axis=None, slack=ADDED) for its in right_norms(before))


def is_multiple(rows: np.ndarray, of: np.ndarray, axis: int | None, slack: float = 1e-5) -> bool:
    factor = (rows * of).sum(axis, keepdims=True) / ((of * of).sum(axis, keepdims=True) + 1e-12)
    return bool(factor.min() > 0 and np.allclose(rows, factor * of, atol=slack, rtol=slack))


ADDED = 2e-3
"""What a small number added to variance or deviation may change: right ones are 1e-3 at most.

The rows asked have a deviation near 3: 1e-3 changes them by 3e-4, and 0.05 by more than this.
"""


def right_norms(x: np.ndarray) -> list[np.ndarray]:
    """Layer norm by either divisor, that of `torch.std` being one less; the root mean square."""
    layer_norm, n = standardised(x), x.shape[-1]
    return [layer_norm, layer_norm * np.sqrt((n - 1) / n), unit_square(x)]


def standardised(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / (centred.std(axis=-1, keepdims=True) + 1e-12)


def unit_square(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-12)


def name_the_norm(fresh: np.ndarray, x: np.ndarray, rows: np.ndarray) -> Exception:
    centred, deviation = x - x.mean(-1, keepdims=True), x.std(-1, keepdims=True)
    known = {
        "a normalisation divides by the variance, not by its root": centred / deviation**2,
        "a normalisation divides without taking off the mean": x / deviation,
        "a normalisation takes off the mean and does not divide": centred,
        "a normalisation takes off the mean once more after dividing": x / deviation
        - x.mean(-1, keepdims=True),
    } | over_other_axes(x)
    off = {
        sentence: float(np.nan_to_num(np.abs(fresh - its), nan=np.inf).max())
        / max(1.0, float(np.abs(its).max()) / 4)
        for sentence, its in known.items()
    }
    nearest = min(off, key=lambda sentence: off[sentence])
    if off[nearest] < 0.05:  # of a deviation of 1: a sample's deviation is less than that away
        return KnownMistake(nearest)
    if np.allclose(rows, standardised(x), atol=0.05):
        return name_the_size(fresh.std(axis=-1), x.std(axis=-1))
    spread = fresh.std(axis=-1)
    return KnownMistake(
        "a normalisation does not give each token mean 0 and deviation 1 over its channels",
        f"means {fresh.mean(-1).min():.3g} to {fresh.mean(-1).max():.3g}, "
        f"deviations {spread.min():.3g} to {spread.max():.3g}",
    )


def name_the_size(found: np.ndarray, deviation: np.ndarray) -> Exception:
    """Rows that are right but for their size: by a gain, or by a number that is not small."""
    readings = {
        "gain": found,
        "deviation": deviation / found - deviation,
        "variance": (deviation / found) ** 2 - deviation**2,
    }
    uneven = {name: np.ptp(read) / np.abs(read.mean()) for name, read in readings.items()}
    reading = min(uneven, key=lambda name: float(uneven[name]))
    value = float(readings[reading].mean())
    if reading == "gain":
        return KnownMistake(
            "a normalisation's gain does not begin at 1",
            f"its rows have a deviation of {value:.3g}",
        )
    return KnownMistake(
        f"the epsilon that a normalisation adds to the {reading} it divides by is not small",
        f"about {value:.2g}",
    )


def over_other_axes(x: np.ndarray) -> dict[str, np.ndarray]:
    """What mean and deviation give that are taken over other axes, (batch, length, channels)."""
    axes: dict[str, int | tuple[int, ...]] = {
        "a token's channels": -1,
        "the sequence": 1,
        "the batch": 0,
        "the whole sequence at once": (1, 2),
        "the batch and the sequence at once": (0, 1),
        "the batch and the channels at once": (0, 2),
        "everything at once": (0, 1, 2),
    }
    halves = {"half of the channels": x[..., : x.shape[-1] // 2]}
    means = {name: x.mean(axis, keepdims=True) for name, axis in axes.items()}
    spreads = {name: x.std(axis, keepdims=True) for name, axis in axes.items()}
    means |= {name: part.mean(-1, keepdims=True) for name, part in halves.items()}
    spreads |= {name: part.std(-1, keepdims=True) for name, part in halves.items()}
    found = {}
    for over, mean in means.items():
        for across, spread in spreads.items():
            if over == across == "a token's channels":
                continue
            sentence = (
                f"a normalisation runs over {over}, not over each token's channels"
                if over == across
                else f"a normalisation takes the mean over {over}, the deviation over {across}"
            )
            found[sentence] = (x - mean) / spread
    return found | {
        f"a normalisation by the root mean square runs over {over}, not over a token's channels": (
            x / np.sqrt((x**2).mean(axis, keepdims=True))
        )
        for over, axis in axes.items()
        if axis != -1
    }


def check_normalisation(evidence: Any, given: Any, layer: str) -> None:
    """Each token is normalised over its own channels, before a sub-layer or after it.

    After it (post-norm) every row comes out as long as every other. Before it (pre-norm) what is
    added to a token stays the same when that token, long already, is made longer.
    """
    answer, sheet = evidence[f"{layer}/scaled"], given[f"{layer}/scaled"]
    assert_comparable(answer.out, answer.out_other)
    x, longer = as_wide_as(answer.out, sheet.x), as_wide_as(answer.out, sheet.other)
    added, added_longer = answer.out - x, answer.out_other - longer
    spread = answer.out.std(axis=-1)
    if spread.max() < 1.02 * spread.min() or nearly(added, added_longer):
        return
    if not nearly(answer.out, answer.out_other):
        name_a_normalised_path(evidence, layer)
        raise KnownMistake(
            "no normalisation of each token over its channels, before or after a sub-layer"
        )


def name_a_normalised_path(evidence: Any, layer: str) -> None:
    """Say where what goes past a sub-layer is normalised, and what goes into it is not."""
    if not answered(evidence, f"{layer}/steps"):
        return
    answer = evidence[f"{layer}/steps"]
    steps = steps_of(answer, evidence.partial(f"{layer}/steps"))
    totals = [answer.out, *(step.into for step in steps)]
    subs = [step for step in steps if not step.is_norm]
    for i, sub in enumerate(subs, 1):
        around = f"around its {sub.kind}, part {i} of {len(subs)}"
        for norm in (step for step in steps if step.is_norm and same(step.into, sub.into)):
            if any(same(total, norm.out + sub.out) for total in totals):
                raise KnownMistake(
                    f"a residual starts behind the normalisation {around}",
                    "its normalised input plus the sub-layer's output goes on, "
                    "and what goes into the sub-layer is not normalised",
                )


def nearly(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal but for the small number that a normalisation adds to the variance."""
    return bool(np.allclose(one, other, atol=2e-2 * max(1e-6, float(np.abs(one).max()))))


def check_batch_of_layer(evidence: Any, given: Any, layer: str) -> None:
    answer = evidence[f"{layer}/batch"]
    if not same(answer.out, answer.again):
        raise KnownMistake("asked again, it gives another output: dropout outside of training")
    assert_same_items(answer.out, answer.out_other)
    one = evidence[f"{layer}/one"]
    reason = "one token of one sequence has another output than in a batch"
    assert_same(one.out, one.out_other[:1], reason)


def check_tokens_meet(evidence: Any, given: Any, layer: str) -> None:
    """Another first token changes what comes out at the last."""
    answer = evidence[f"{layer}/tokens"]
    with where_weights_are_drawn(evidence, HEADS_AS_DRAWN):
        assert_differs(answer.out[:, -1], answer.out_other[:, -1], "no token learns of any other")
    if at_places(evidence, given) or looks_at_the_past_alone(evidence, given, layer):
        return
    answer, order = evidence[f"{layer}/order"], given[f"{layer}/order"].order
    if not same(answer.out[:, order], answer.out_other):
        leave_places_to_a_person(evidence, given)
        if goes_by_places_itself(evidence, given, layer):
            raise ForReview(TOLD_IN_LAYERS)
    reason = (
        "without a mask, tokens in another order do not give the same outputs in that order: "
        "it goes by their places, or looks at some of them only"
    )
    assert_permuted(answer.out, answer.out_other, order, reason=reason)


TOLD_IN_LAYERS = (
    "no positions are added, and a layer goes by places where heads by themselves do not: "
    "what tells the places apart in it has to be read"
)


def goes_by_places_itself(evidence: Any, given: Any, layer: str) -> bool:
    """Whether a layer goes by places where heads by themselves do not, and nothing is added.

    So does one that builds its heads with rotary positions, which they do not have unless told
    to. Which positions it has, or which mistake, its outputs do not say.
    """
    questions = "multi-head/order", f"{layer}/order"
    if not all(answered(evidence, question) for question in questions):
        return False
    if go_by_places(evidence, given) or not adds_no_positions(evidence):
        return False
    answer, order = evidence[f"{layer}/order"], given[f"{layer}/order"].order
    if same(answer.out[:, order], answer.out_other):
        return False
    if layer == "encoder-layer":  # of a decoder's layer by itself, no outputs say what it hides
        return not causal_heads(evidence)
    return not looks_at_the_past_alone(evidence, given, layer)


def looks_at_the_past_alone(evidence: Any, given: Any, layer: str) -> bool:
    """Whether a layer hides the future by itself, as that of a decoder may."""
    if causal_heads(evidence):
        return True
    answer, order = evidence[f"{layer}/order"], given[f"{layer}/order"].order
    if same(answer.out[:, order], answer.out_other):
        return False
    if layer == "decoder-layer":
        causal = evidence["masks/decoder-layer"]
    elif not answered(evidence, "decoder-layer/memory"):
        causal = evidence["masks/encoder-layer"]
    else:
        return False
    alone = evidence[f"{layer}/tokens"]
    return same(causal.out[:, :3], causal.out_other[:, :3]) and not same(
        alone.out[:, 1:], alone.out_other[:, 1:]
    )


def check_sizes(evidence: Any, given: Any, layer: str) -> None:
    """The number of heads and the width inside are those asked for."""
    with where_weights_are_drawn(evidence, HEADS_AS_DRAWN, NETWORK_AS_DRAWN):
        check_sizes_as_drawn(evidence, given, layer)
    answer = evidence[f"{layer}/sizes"]
    if answer.numbers_20 == answer.numbers_37:
        if answer.numbers_20 < 2 * 20 * answer.out.shape[-1]:  # of two matrices, with no attention
            raise NotRecognised("most of the layer's parameters are registered nowhere")
        raise KnownMistake("`d_hidden` is not used", "20 and 37 give layers of the same size")


def check_sizes_as_drawn(evidence: Any, given: Any, layer: str) -> None:
    answer = evidence[f"{layer}/sizes"]
    if not answer.as_asked:
        raise NotRecognised("the layer's sizes are fixed")
    if same(answer.out, answer.out_other):
        told_first(check_what_is_seen, evidence, given, layer)
        raise KnownMistake(
            "the number of heads is not used", "one head and three give the same output"
        )
    arrays = evidence.partial(f"{layer}/sizes")
    for name in (name for name in arrays if name.startswith("one_head_")):
        three = arrays.get(name.replace("one_head", "three_heads"))
        if three is not None and same(arrays[name], three):
            raise KnownMistake(
                "the number of heads is not used", "in one of its attentions it makes no difference"
            )
    if unused := said(evidence, f"{layer}/sizes", "unused"):
        told_first(check_what_is_seen, evidence, given, layer)
        raise KnownMistake("a part of the layer is not used", f"`{unused.split(', ')[0]}`")


@cause_of_others("layers")
@unless_silent_at_first(HEADS_AS_DRAWN)
def check_memory_is_used(evidence: Any, given: Any) -> None:
    """Another row at any place of the memory changes the output of its sequence."""
    answer = evidence["decoder-layer/memory"]
    assert_comparable(answer.out, answer.out_other)
    if same(answer.out, answer.out_other):
        raise KnownMistake("the memory is not used", "another one gives the same output")
    still = np.isclose(answer.out, answer.out_other, atol=1e-12).all(axis=(1, 2))
    if (~still).sum() == 1:
        place = (~still).argmax()
        raise KnownMistake(
            f"only place {place} of the memory is looked at",
            "what stands at the other places does not change the output",
        )
    if still.any():
        places = ", ".join(map(str, np.flatnonzero(still)))
        raise Wrong(f"what stands in the memory at {places} does not change the output")


def check_what_is_seen(evidence: Any, given: Any, layer: str) -> None:
    """Who looks at one place alone has no use for heads, nor for queries and keys."""
    if layer == "decoder-layer":
        check_memory_is_used(evidence, given)
    check_tokens_meet(evidence, given, layer)


@explains("layers")
def judge(check: Callable[..., None], evidence: Any, given: Any, layer: str) -> None:
    """What a check finds wrong, told with the layer in which it is."""
    try:
        check(evidence, given, layer)
    except Wrong as wrong:
        where = f"in the {layer.replace('-', ' ')} {wrong}"
        raise Wrong(where, wrong.hint, wrong.mistake) from None


CHECKS = (
    *(check_residual, check_sums, check_norms, check_normalisation),
    *(check_batch_of_layer, check_tokens_meet, check_sizes),
)
for _layer in LAYERS:
    for _check in CHECKS:
        cause_of_others("layers")(
            lambda evidence, given, check=_check, layer=_layer: judge(check, evidence, given, layer)
        )


@cause_of_others("model")
def check_attention_is_in_the_model(evidence: Any, given: Any) -> None:
    """The parts that were asked for are what the model is made of; or attention of any form."""
    if answered(evidence, "model/attention"):
        check_weights_are_seen(evidence["model/attention"], "no attention is at work in the model")


@cause_of_others("model")
def check_layers_are_in_the_model(evidence: Any, given: Any) -> None:
    """Each kind of layer that the model holds, and each layer of it, makes a difference."""
    text = evidence["model/parts"].text
    if unused := text.string("unused"):
        raise KnownMistake(
            "layers of the model are never used",
            f"with any weights of its {unused} it says the same",
        )
    if unused := text.string("alone"):
        names = ", ".join(f"`{name}`" for name in unused.split(", "))
        raise KnownMistake(
            "a layer of the model is not used", f"with any weights of {names} it says the same"
        )
    if unused := text.string("apart"):
        raise ForReview(
            f"with any weights of `{unused.split(', ')[0]}` the model says the same: it may be "
            "left out, serve another output, or be what other layers are copies of"
        )


@cause_of_others("model")
def check_batch_of_model(evidence: Any, given: Any) -> None:
    answer = evidence["model/batch"]
    must_repeat(answer)
    one, other = answer.logits[1:-1], answer.logits_other[1:-1]
    assert_comparable(one, other)
    if not np.allclose(one, other, atol=100 * tolerance(one, other)):
        raise Wrong("the logits of a sequence change with the rest of the batch")


@cause_of_others("model")
def check_source_is_read(evidence: Any, given: Any) -> None:
    """Another token at any place of the source changes the logits of some of the sequences."""
    answer, place = evidence["model/source"], given["model/source"].place
    must_repeat(answer)
    assert_one_shape(answer.logits, answer.logits_other)
    least = 1e-6 * float(np.ptp(answer.logits))
    moved = np.abs(answer.logits - answer.logits_other).max(axis=(1, 2)) > least
    read = np.array([moved[place == each].any() for each in np.unique(place)])
    if not read.any():
        raise KnownMistake(
            "the source is not read: whatever it says, the logits are the same",
            "it is not used, or one from before is kept",
        )
    if read.sum() == 1:
        raise KnownMistake(
            f"only token {read.argmax()} of the source is read",
            "another one at any other place changes no logit",
        )
    if not read.all():
        places = ", ".join(map(str, np.flatnonzero(~read)))
        raise KnownMistake("a part of the source is not read", f"the tokens at {places}")


@cause_of_others("model")
def check_one_softmax(evidence: Any, given: Any) -> None:
    """What goes into the cross-entropy, which has a softmax of its own, went through none."""
    assert_comparable(evidence["model/logits"].logits)
    check_softmax_in_training(evidence)


def check_softmax_in_training(evidence: Any) -> None:
    """What training was seen to hand to the cross-entropy is no shares."""
    if answered(evidence, "training/steps") and evidence["training/steps"].of_shares:
        raise KnownMistake("the softmax comes twice: the cross-entropy has one of its own")


@cause_of_others("model")
def check_by_heart(evidence: Any, given: Any) -> None:
    """Sixty steps on one batch of random answers leave less than half of the loss."""
    losses = evidence["training/batch"].losses
    if not len(losses) or not losses[-1] < 0.5 * losses[0]:
        raise Wrong(f"the losses go from {losses[:1]} to {losses[-1:]}")
