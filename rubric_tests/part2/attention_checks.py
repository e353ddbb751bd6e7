"""What is right of attention, its masks and its heads."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from assay.rubric import (
    ForReview,
    KnownMistake,
    Wrong,
    answered,
    assert_close,
    assert_comparable,
    assert_permuted,
    assert_same,
    causes,
    holds,
    same,
    tolerance,
)
from rubric_tests.part2 import projections, reference, ways
from rubric_tests.part2.judgement import (
    HEADS_AS_DRAWN,
    NotRecognised,
    assert_same_items,
    cause_of_others,
    first_cause,
    must_repeat,
    said,
    unless_silent_at_first,
)
from rubric_tests.part2.reference import Linear, Projections, Weigh
from rubric_tests.part2.ways import RIGHT_LAYOUTS, Heads, Way, Ways, in_any_order

SWAPPED = "K and V are swapped"
HEADS = ("one", "two", "three", "four")  # the settings of given.HEADS


def causal_by_itself(evidence: Any, given: Any) -> bool:
    """Whether attention hides the future without being told to, as a decoder by itself may."""
    if not answered(evidence, "attention/square"):
        return False
    sheet, weights = given["attention/square"], evidence["attention/square"].weights
    past = np.tri(weights.shape[-1], dtype=bool)
    return (
        np.abs(weights[..., ~past]).max() < 1e-6
        and np.abs(weights[..., past]).min() > 0
        and not answered(evidence, "decoder-layer/memory")
        and bool(np.isfinite(sheet.query).all())
    )


def shown_to(evidence: Any, given: Any, question: str) -> np.ndarray:
    """What a query may see where no mask is given: everything, or the past alone."""
    sheet = given[question]
    shape = len(sheet.query), sheet.query.shape[1], sheet.key.shape[1]
    causal = causal_by_itself(evidence, given)
    return np.broadcast_to(np.tri(*shape[1:], dtype=bool) if causal else np.True_, shape)


def settings(evidence: Any, given: Any) -> list[str]:
    """Queries and keys as many or not: where only the first is answered, that is judged."""
    causal = causal_by_itself(evidence, given)
    return ["attention/square"] if causal else ["attention/weights", "attention/output"]


BY_CHANCE = "asked again, it gives another output: dropout outside of training"
TRAINING_ALONE = "dropout belongs to training alone: `nn.Dropout`, or `training=self.training`"


@cause_of_others("attention")
def check_repeats(evidence: Any, given: Any) -> None:
    """Asked again, it gives the same output."""
    answer = evidence["attention/output"]
    assert_comparable(answer.out, answer.again)
    if not same(answer.out, answer.again):
        raise KnownMistake(BY_CHANCE, hint=TRAINING_ALONE)


@cause_of_others("attention")
def check_rows_sum_to_one(evidence: Any, given: Any) -> None:
    """Each query's weights are shares: none below 0, together 1."""
    for question in settings(evidence, given):
        check_shares(given[question], evidence[question].weights)


def check_shares(sheet: Any, weights: np.ndarray) -> None:
    atol = 10 * tolerance(weights)
    if sheet.key.shape[-1] == sheet.key.shape[-2] and same(
        weights, reference.swapped_weights(sheet.query, sheet.key)
    ):
        raise KnownMistake(SWAPPED)
    if not np.allclose(weights.sum(axis=-1), 1, atol=atol):
        for sentence, weigh in reference.WRONG_WEIGHTS.items():
            if same(weights, weigh(sheet.query, sheet.key)):
                raise KnownMistake(sentence)
        for axis, what in ((-2, "queries"), (0, "batch")):
            if np.allclose(weights.sum(axis=axis), 1, atol=atol):
                raise KnownMistake(f"the weights sum to one over the {what}, not over the keys")
        furthest = max(weights.sum(axis=-1).ravel(), key=lambda total: abs(total - 1))
        raise Wrong(f"a query's weights sum to {furthest:.4g}, not to 1")
    if weights.min() < -atol:
        raise Wrong(f"a weight is negative: {weights.min():.3g}")


@cause_of_others("attention")
def check_weights(evidence: Any, given: Any) -> None:
    """The weights are softmax(q k' / sqrt(d_k)), whatever the sizes."""
    for question in settings(evidence, given):
        check_formula(
            given[question],
            evidence[question].weights,
            shown_to(evidence, given, question),
        )


def check_formula(sheet: Any, weights: np.ndarray, visible: np.ndarray) -> None:
    d_key, weighers = sheet.key.shape[-1], reference.WRONG_WEIGHTS
    wrong = {name: weigh(sheet.query, sheet.key) for name, weigh in weighers.items()}
    if d_key == sheet.key.shape[-2]:
        wrong[SWAPPED] = reference.swapped_weights(sheet.query, sheet.key)
    right = reference.attention_weights(sheet.query, sheet.key)
    assert_close(
        weights,
        reference.masked_weights(right, visible),
        atol=tolerance(weights),
        what="the weights",
        known_mistakes=wrong,
    )


@cause_of_others("attention")
def check_output(evidence: Any, given: Any) -> None:
    """The output is the values, mixed by the weights that the same function gives."""
    sheet, answer = given["attention/output"], evidence["attention/output"]
    right = answer.weights @ sheet.value
    assert_close(
        answer.out,
        right,
        atol=10 * tolerance(answer.out, answer.weights),
        what="the output",
        known_mistakes={
            "the values of the first sequence are used for the whole batch": (
                answer.weights @ sheet.value[:1]
            ),
            "the values of the last sequence are used for the whole batch": (
                answer.weights @ sheet.value[-1:]
            ),
        },
    )


@cause_of_others("attention")
def check_attention_of_heads(evidence: Any, given: Any) -> None:
    """Where there is no `attention` by itself: that of a single head, by its own weights."""
    if answered(evidence, "attention/weights"):
        return
    try:
        evidence["attention/weights"]
    except Exception as error:
        if getattr(error, "absent", "") != "attention":
            raise
    question = "multi-head/self-one"
    answer, sheet = evidence[question], given[question]
    x = sheet.x[..., : answer.out.shape[-1]]
    parts = projections.linears(answer, evidence.partial(question))
    readings = projections.candidates(parts, 1, width=x.shape[-1])
    visible = np.broadcast_to(past_of_heads(evidence, x), (len(x), x.shape[1], x.shape[1]))
    placed = at_places(evidence, given)
    if sentence := sentence_of(placed, reference.WRONGLY_SCALED):
        raise KnownMistake(sentence)
    heads = Heads(x, x, 1, answer.out)
    for weigh in (reference.attention_weights, *placed):
        if ways.give(heads, readings, lambda some, w=weigh: [Way(some, w, visible=visible)]):
            return
    for sentence, weigh in reference.WRONG_WEIGHTS.items():
        if ways.give(heads, readings, lambda some, w=weigh: [Way(some, w)]):
            raise KnownMistake(sentence)
    raise NotRecognised("the weights of the projections are not recognised")


@cause_of_others("attention")
def check_large_scores(evidence: Any, given: Any) -> None:
    """Scores in the thousands overflow where the largest of a row is not taken off first."""
    try:
        weights = evidence["attention/large"].weights
    except AssertionError as wrong:
        found = str(wrong)
        if "holds" not in found:
            raise
        raise KnownMistake("large scores overflow", found) from None
    if not np.abs(weights).sum() > 0:
        raise Wrong("of large scores all weights are 0")


@cause_of_others("attention")
def check_one_row(evidence: Any, given: Any) -> None:
    """One query of one sequence: no axis is lost, and the formula holds."""
    sheet = given["attention/one"]
    try:
        answer = evidence["attention/one"]
    except AssertionError as wrong:
        raise KnownMistake("one row of one sequence loses an axis", str(wrong)) from None
    right = reference.attention_weights(sheet.query, sheet.key) @ sheet.value
    if answer.out.shape != right.shape or not same(answer.out, right):
        not_elsewhere(evidence, given)
    assert_close(answer.out, right, atol=10 * tolerance(answer.out), what="of one row the output")


def not_elsewhere(evidence: Any, given: Any) -> None:
    """Raise the reason for which the formula fails: rows and arguments are not to blame."""
    for check in (check_rows_sum_to_one, check_weights, check_output):
        check(evidence, given)


@cause_of_others("attention")
def check_itself(evidence: Any, given: Any) -> None:
    """The same tensor as query, key and value gives what copies of it give."""
    x, out = given["attention/itself"].x, evidence["attention/itself"].out
    visible = np.tri(x.shape[1], dtype=bool) if causal_by_itself(evidence, given) else np.True_
    weights = reference.attention_weights(x, x)
    right = reference.masked_weights(weights, np.broadcast_to(visible, weights.shape)) @ x
    if not same(out, right) and answered(evidence, "attention/output"):
        not_elsewhere(evidence, given)
        raise KnownMistake(
            "an argument is changed in place",
            "with one tensor as query, key and value the output is not that of three copies",
        )


@cause_of_others("attention")
def check_returned_weights(evidence: Any, given: Any) -> None:
    """What comes back beside the output are the weights that mixed the values."""
    check_returned(evidence, "attention/output")


def check_returned(evidence: Any, question: str) -> None:
    answer = evidence[question]
    returned = evidence.partial(question).get("returned")
    if returned is None:
        raise NotRecognised("the output comes back alone")
    assert_comparable(returned)
    weights = answer.weights
    if returned.shape == weights.shape and np.allclose(
        returned, weights, atol=10 * tolerance(returned, weights)
    ):
        return
    sentence = "what comes back beside the output are not the weights that mixed the values"
    if returned.shape == weights.mT.shape and same(returned.mT, weights):
        raise KnownMistake(f"{sentence}", "they are the other way round, keys by queries")
    if returned.shape != weights.shape:
        raise KnownMistake(sentence, f"their shape is {returned.shape}, not {weights.shape}")
    total = returned.sum(axis=-1).ravel()
    raise KnownMistake(sentence, f"a row of them sums to {total[np.abs(total - 1).argmax()]:.4g}")


@cause_of_others("attention")
def check_batch_of_attention(evidence: Any, given: Any) -> None:
    """What else is in the batch does not matter."""
    answer = evidence["attention/batch"]
    assert_same_items(answer.out, answer.out_other)


@cause_of_others("masks")
def check_causal_mask(evidence: Any, given: Any) -> None:
    check_mask(evidence, given, "causal")


@cause_of_others("masks")
def check_padding_mask(evidence: Any, given: Any) -> None:
    check_mask(evidence, given, "padding")


@cause_of_others("masks")
def check_mask_of_every_query(evidence: Any, given: Any) -> None:
    check_mask(evidence, given, "cross")


@cause_of_others("masks")
def check_mask_of_one_query(evidence: Any, given: Any) -> None:
    """A query by itself obeys its mask, as the last one does while an answer is written."""
    check_padding_mask(evidence, given)
    answer, visible = evidence["masks/one"], given["masks/one"].visible
    right, close = reference.masked_weights(answer.free, visible), 100 * tolerance(answer.weights)
    if not np.allclose(answer.weights, right, atol=close):
        found = in_words(answer.weights, right, visible, close)
        raise KnownMistake("one query by itself does not obey its mask", found)


def check_rows_beside_nowhere(evidence: Any, given: Any) -> None:
    """A query that may look nowhere has no right weights; those of the others are right.

    No cause of others: few models have such a query.
    """
    check_causal_mask(evidence, given)
    try:
        answer = evidence["masks/nowhere"]
        weights = answer.weights
    except AssertionError as wrong:
        if "holds" not in str(wrong):
            raise
        raise KnownMistake(
            "one query that may look nowhere spoils the weights of others", str(wrong)
        ) from None
    visible = given["masks/nowhere"].visible
    right = reference.masked_weights(answer.free, visible)[visible.any(axis=-1)]
    close = 100 * tolerance(weights)
    if not np.allclose(weights, right, atol=close):
        n_others = (np.abs(weights - right) > close).any(axis=-1).sum()
        raise KnownMistake(
            "one query that may look nowhere spoils the weights of others",
            f"those of {n_others} of {len(right)} others are not what their masks make of them",
        )


@cause_of_others("masks")
def check_weights_returned_under_a_mask(evidence: Any, given: Any) -> None:
    check_returned(evidence, "masks/causal")
    check_returned(evidence, "masks/cross")


MASKS = ("causal", "padding", "cross")


def check_mask(evidence: Any, given: Any, name: str) -> None:
    """A mask makes of the weights what it must, whatever they were without it."""
    answer, visible = evidence[f"masks/{name}"], given[f"masks/{name}"].visible
    right = reference.masked_weights(answer.free, visible)
    weights, close = answer.weights, 100 * tolerance(answer.weights)
    if np.allclose(weights, right, atol=close):
        return
    fitting = sentences_that_fit(evidence, given, name)
    others = [
        sentences_that_fit(evidence, given, other)
        for other in MASKS
        if answered(evidence, f"masks/{other}")
    ]
    for sentence in fitting:  # what explains one mask, and not another, is not what was done
        if all(sentence in other for other in others):
            raise KnownMistake(sentence)
    step = reference.lowered_by(weights, answer.free, visible)
    if step is not None and abs(step) > 1e-3:
        raise KnownMistake(
            "hidden scores are only lowered a little",
            f"by {step:.3g}: large scores are seen in spite of the mask",
        )
    raise Wrong(f"under a {name} mask {in_words(weights, right, visible, close)}")


def sentences_that_fit(evidence: Any, given: Any, name: str) -> list[str]:
    """The known mistakes that give the weights that came back under this mask."""
    answer, sheet = evidence[f"masks/{name}"], given[f"masks/{name}"]
    scores = reference.scores(sheet.query, sheet.key)
    wrong = reference.wrongly_masked(answer.free, sheet.visible, scores)
    close = 100 * tolerance(answer.weights)
    return [name for name, its in wrong.items() if np.allclose(answer.weights, its, atol=close)]


def in_words(weights: np.ndarray, right: np.ndarray, visible: np.ndarray, close: float) -> str:
    """Which keys are seen that should not be, or not seen that should."""
    shown = visible | ~visible.any(axis=-1, keepdims=True)
    seen, lost = ~shown & (weights > close), shown & (weights <= close) & (right > close)
    if seen.any():
        return f"hidden keys weigh up to {weights[seen].max():.2g}: {where(seen)}"
    if lost.any():
        return f"keys that may be seen weigh nothing: {where(lost)}"
    other = np.abs(weights - right) > close
    return f"the keys that may be seen have other shares than before: {where(other)}"


def where(marked: np.ndarray) -> str:
    """In how many sequences, and at which queries and keys, counted from 0."""
    items, queries, keys = (
        np.flatnonzero(marked.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)
    )
    return (
        f"in {len(items)} of {len(marked)} sequences, "
        f"queries {', '.join(map(str, queries))}, keys {', '.join(map(str, keys))}"
    )


@cause_of_others("masks")
@unless_silent_at_first(HEADS_AS_DRAWN)
def check_mask_of_heads(evidence: Any, given: Any) -> None:
    """In multi-head attention the first three tokens are left alone by those after them."""
    answer = evidence["masks/multi-head"]
    if places := seen_ahead(evidence):
        raise KnownMistake(
            "the mask of the future is shifted: a place sees some tokens after its own, not all",
            f"in multi-head attention it sees {places} more than itself and those before",
        )
    reason = "in multi-head attention, under a causal mask, outputs at 0-2 change with tokens 3-4"
    assert_same(answer.out[:, :3], answer.out_other[:, :3], reason)


@cause_of_others("masks")
def check_masks_of_heads(evidence: Any, given: Any) -> None:
    """Under a mask for every query of every item the output is that of the formula."""
    alone = said(evidence, "multi-head/form", "form") == "one input"
    for way in ("self",) if alone else ("self", "cross"):
        check_masked_heads(evidence, given, f"masks/heads-{way}")


def check_masked_heads(evidence: Any, given: Any, question: str) -> None:
    if causal_heads(evidence):
        return
    answer, sheet = evidence[question], given[question]
    n_heads, out = 3, answer.out
    parts = projections.linears(answer, evidence.partial(question))
    readings = projections.candidates(parts, n_heads, width=out.shape[-1])
    x = sheet.x[..., : out.shape[-1]]
    memory = getattr(sheet, "memory", sheet.x)[..., : out.shape[-1]]

    heads = Heads(x, memory, n_heads, out)
    weighers = [reference.attention_weights, *at_places(evidence, given)]

    def under(masks: Mapping[str, np.ndarray]) -> Ways:
        return lambda some: (
            Way(some, weigh, layout, mask, sentence)
            for sentence, mask in masks.items()
            for weigh in weighers
            for layout in RIGHT_LAYOUTS.values()
        )

    if ways.give(heads, readings, under({"right": sheet.visible})):
        return
    masks = reference.wrong_masks(sheet.visible) | masks_of_some_heads(sheet.visible, n_heads)
    for _, sentence in ways.that_give(heads, readings, under(masks)):
        raise KnownMistake(f"with several heads: {sentence}")
    if not readings or not recognised_without_mask(evidence, given):
        raise NotRecognised("the weights of the projections are not recognised")
    expected = reference.multi_head(x, memory, readings[0], n_heads, visible=sheet.visible)
    other = ~np.isclose(out, expected, atol=tolerance(out, expected)).all(axis=(1, 2))
    among = "a memory" if hasattr(sheet, "memory") else "itself"
    raise Wrong(
        f"the heads, right without a mask, do not obey one: looking at {among} with {n_heads} "
        f"heads, {other.sum()} of {len(out)} sequences differ from the formula"
    )


def masks_of_some_heads(visible: np.ndarray, n_heads: int) -> dict[str, np.ndarray]:
    """Masks that some heads obey and others do not, (batch, heads, queries, keys)."""
    heads = np.arange(n_heads)[:, None, None]
    all_heads = visible[:, None]
    return {
        "only the first head is masked": all_heads | (heads > 0),
        "only the last head is masked": all_heads | (heads < n_heads - 1),
        "the first head is not masked": all_heads | (heads == 0),
        "the last head is not masked": all_heads | (heads == n_heads - 1),
        "sequences and heads are taken for each other in the mask": visible[
            np.arange(len(visible) * n_heads) % len(visible)
        ].reshape(len(visible), n_heads, *visible.shape[1:]),
    }


def recognised_without_mask(evidence: Any, given: Any) -> bool:
    """Whether the heads give what their weights say where nothing is hidden."""
    try:
        check_formula_of_heads(evidence, given, "multi-head/self-three")
    except (AssertionError, NotRecognised):
        return False
    return True


@cause_of_others("masks")
def check_mask_of_encoder_layer(evidence: Any, given: Any) -> None:
    answer = evidence["masks/encoder-layer"]
    reason = "in the encoder layer, outputs at places 0-2 change with tokens that its mask hides"
    assert_same(answer.out[:, :3], answer.out_other[:, :3], reason)


@cause_of_others("masks")
def check_padding_of_encoder_layer(evidence: Any, given: Any) -> None:
    """In every item of the batch what its own mask hides makes no difference to the rest."""
    if causal_heads(evidence):
        return
    answer, seen = evidence["masks/encoder-padding"], given["masks/encoder-padding"].visible[:, 0]
    reason = "in the encoder layer hidden tokens change the outputs at those that are not hidden"
    assert_same(answer.out[seen], answer.out_other[seen], reason)


@cause_of_others("masks")
def check_mask_of_decoder_layer(evidence: Any, given: Any) -> None:
    answer = evidence["masks/decoder-layer"]
    reason = (
        "in the decoder layer the future is visible: outputs at places 0-2 change with tokens 3-4"
    )
    assert_same(answer.out[:, :3], answer.out_other[:, :3], reason)


@cause_of_others("masks")
def check_mask_of_memory(evidence: Any, given: Any) -> None:
    answer = evidence["masks/memory"]
    reason = "in the decoder layer hidden places of the memory change the output"
    assert_same(answer.out, answer.out_other, reason)


@cause_of_others("masks")
def check_mask_of_model(evidence: Any, given: Any) -> None:
    """Other tokens from the fourth on leave the first three places alone."""
    answer = evidence["masks/model"]
    if getattr(answer, "unsound", {}):
        raise NotRecognised("the model's logits are not finite")
    must_repeat(answer)
    early, other = answer.logits[:, :3], answer.logits_other[:, :3]
    assert_comparable(early, other)
    if same(early, other) or is_hidden_in_training(evidence):
        return
    changed = ~np.isclose(early, other, atol=tolerance(early, other)).all(axis=(0, 2))
    if changed.any() and not changed[0]:
        raise KnownMistake(
            "the mask of the future is shifted: a place sees some tokens after its own, not all",
            f"the logits at {changed.argmax()} change with tokens 3-4 of the target, at 0 not",
        )
    if changed[0] and not changed[1:].any():
        raise KnownMistake(
            "the mask of the future is shifted: the first place may see nothing, not even itself",
            "its logits change with the target's tokens 3-4, those at 1 and 2 do not",
        )
    reason = "the future is visible: the logits at 0-2 change with the target's tokens 3-4"
    assert_same(early, other, reason)


def is_hidden_in_training(evidence: Any) -> bool:
    """Whether a model that reads the target shows no later token while it trains.

    Some hide the future only then: an answer is given token by token, where there is none.
    """
    if not answered(evidence, "masks/training"):
        return False
    answer = evidence["masks/training"]
    logits, other = answer.logits, answer.logits_other
    return same(logits[:, :3], other[:, :3]) and not same(logits[:, 3:], other[:, 3:])


# Heads ----------------------------------------------------------------------------------------


@cause_of_others("multi-head")
@unless_silent_at_first(HEADS_AS_DRAWN)
def check_heads(evidence: Any, given: Any) -> None:
    """Multi-head attention with itself and with a memory, for every number of heads asked."""
    alone = said(evidence, "multi-head/form", "form") == "one input"
    for way in ("self",) if alone else ("self", "cross"):
        for name in HEADS:
            check_formula_of_heads(evidence, given, f"multi-head/{way}-{name}")


@cause_of_others("multi-head")
@unless_silent_at_first(HEADS_AS_DRAWN)
def check_order_of_heads(evidence: Any, given: Any) -> None:
    answer, order = evidence["multi-head/order"], given["multi-head/order"].order
    if causal_heads(evidence) or at_places(evidence, given):
        return
    leave_places_to_a_person(evidence, given)
    reason = "tokens in another order do not give the same outputs in that order"
    assert_permuted(answer.out, answer.out_other, order, reason=reason)


@cause_of_others("multi-head")
@unless_silent_at_first(HEADS_AS_DRAWN)
def check_heads_are_used(evidence: Any, given: Any) -> None:
    """The same weights in one head and in three give different outputs."""
    answer = evidence["multi-head/heads"]
    if same(answer.out, answer.out_other):
        raise KnownMistake(
            "the number of heads is not used", "one head and three give the same output"
        )


@cause_of_others("multi-head")
@unless_silent_at_first(HEADS_AS_DRAWN)
def check_one_row_of_heads(evidence: Any, given: Any) -> None:
    answer = evidence["multi-head/one"]
    reason = "one row of one sequence has another output than in a batch"
    assert_same(answer.out, answer.out_other[:1], reason)


@cause_of_others("multi-head")
@unless_silent_at_first(HEADS_AS_DRAWN)
def check_heads_reach_everywhere(evidence: Any, given: Any) -> None:
    """Whichever place of the memory changes, every query's output changes."""
    answer = evidence["multi-head/reach"]
    if not same(answer.out, answer.again):
        raise KnownMistake(BY_CHANCE, hint=TRAINING_ALONE)
    if causal_heads(evidence):
        return
    length = answer.out.shape[1]  # the i-th item has another row at its i-th place
    still = np.isclose(answer.out, answer.out_other, atol=1e-12).all(axis=(1, 2))[:length]
    if still.any():
        raise Wrong(f"nothing at place {still.argmax()} of the memory changes the output")


@cause_of_others("multi-head")
@unless_silent_at_first(HEADS_AS_DRAWN)
def check_batch_of_heads(evidence: Any, given: Any) -> None:
    answer = evidence["multi-head/batch"]
    assert_same_items(answer.out, answer.out_other)


@causes.explains("multi-head")
def check_formula_of_heads(evidence: Any, given: Any, question: str) -> None:
    """The output is that of the module's own weights, computed once more by the judge."""
    answer, sheet = evidence[question], given[question]
    parts = projections.linears(answer, evidence.partial(question))
    out, (_, asked) = answer.out, sheet.sizes.tolist()
    width = out.shape[-1]
    x, memory = sheet.x[..., :width], getattr(sheet, "memory", sheet.x)[..., :width]
    past = past_of_heads(evidence, x) if causal_heads(evidence) else None
    visible = None if past is None else np.broadcast_to(past, (len(x), *past.shape))
    heads = Heads(x, memory, asked, out)
    # one whose sizes are its own has as many heads as its numbers say
    for n_heads in [asked] if answer.as_asked else divisors(width):
        readings = projections.candidates(parts, n_heads, width=width)
        so_many = heads._replace(n_heads=n_heads)
        for weigh in own_weights(evidence, given):
            for right, _ in ways.that_give(so_many, readings, in_any_order(weigh, visible)):
                return check_projections(right, parts, answer)
    n_heads = asked if width % asked == 0 else 1
    readings = projections.candidates(parts, n_heads, width=width)
    if not readings:
        raise NotRecognised("the weights of the projections are not recognised")
    for others in divisors(width) if answer.as_asked else []:
        readings_so = projections.candidates(parts, others, width=width)
        so_many = heads._replace(n_heads=others)
        if ways.give(so_many, readings_so, lambda some: [Way(some, visible=visible)]):
            asked_for = f"{n_heads} {'is' if n_heads == 1 else 'are'} asked"
            found = f"it works with {others} where {asked_for}"
            raise KnownMistake("the number of heads is not used", found)
    heads = heads._replace(n_heads=n_heads)
    for _, sentence in ways.that_give(heads, readings, ways.mistaken(n_heads, visible)):
        raise KnownMistake(sentence)
    if ways.give(heads._replace(out=out - x), readings, lambda some: [Way(some)]):
        raise KnownMistake("the input is added inside the heads: that is for the layer to do")
    if may_tell_places(evidence, given):
        raise NotRecognised("the heads go by places in a way that is not recognised")
    named = answer.text.strings("names")
    told_apart = projections.are_named(parts) and len(parts) * 2 >= len(named)
    if not told_apart and not is_of_its_weights(evidence, given, looking_at_itself(question)):
        raise NotRecognised("the weights of the projections are not recognised")
    raise Wrong(where_heads_differ(evidence, given))


def looking_at_itself(question: str) -> str:
    """The question with as many heads whose memory is the input: what is right there is known."""
    return question.replace("cross", "self")


def where_heads_differ(evidence: Any, given: Any) -> str:
    """In which settings the output is not that of the weights: it tells where to look."""
    held = {
        way: [
            name for name in HEADS if is_of_its_weights(evidence, given, f"multi-head/{way}-{name}")
        ]
        for way in ("self", "cross")
    }
    if held["self"] == [*HEADS]:
        return (
            "looking at a memory the output is not that of its weights, looking at itself it is: "
            "keys and values come from the memory, queries from the other input"
        )
    if held["self"] == ["one"]:
        return (
            "with several heads the output is not that of its weights, with one head it is: "
            "what happens where the channels are cut into heads, and where they are put together?"
        )
    return "the output is not that of its weights, whatever the number of heads"


def is_of_its_weights(evidence: Any, given: Any, question: str) -> bool:
    """Whether some reading of the weights gives the output, by the formula."""
    if not answered(evidence, question):
        return False
    answer, sheet = evidence[question], given[question]
    width, n_heads = answer.out.shape[-1], int(sheet.sizes[1])
    x, memory = sheet.x[..., :width], getattr(sheet, "memory", sheet.x)[..., :width]
    parts = projections.linears(answer, evidence.partial(question))
    readings = projections.candidates(parts, n_heads, width=width)
    heads = Heads(x, memory, n_heads, answer.out)
    return ways.give(heads, readings, in_any_order())


def divisors(width: int) -> list[int]:
    return [n for n in range(1, width + 1) if width % n == 0]


def causal_heads(evidence: Any) -> bool:
    """Whether heads hide the future without being told to, as those of a decoder by itself may.

    How well they do is marked under masks: whatever they hide, they go by places.
    """
    return seen_ahead(evidence) is not None


def seen_ahead(evidence: Any) -> int | None:
    """How many places after its own each place sees, in heads that hide the rest by themselves."""
    if not answered(evidence, "multi-head/reach") or answered(evidence, "decoder-layer/memory"):
        return None
    if said(evidence, "multi-head/form", "form") != "one input":
        return None
    answer = evidence["multi-head/reach"]
    changed = ~np.isclose(answer.out, answer.out_other, atol=1e-9).all(axis=-1)
    changed = changed[: changed.shape[1]]  # the i-th item has another row at its i-th place
    items, places = np.indices(changed.shape)
    ahead = items - places
    if not changed[ahead > 0].any() and changed.any():
        return 0
    shifted = (n for n in range(1, changed.shape[1] - 1) if (changed == (ahead <= n)).all())
    return next(shifted, None)


def past_of_heads(evidence: Any, x: np.ndarray) -> Any:
    """What each place sees where no mask is given: everything, or what the heads do not hide."""
    ahead = seen_ahead(evidence)
    return np.True_ if ahead is None else np.tri(x.shape[1], k=ahead, dtype=bool)


def at_places(evidence: Any, given: Any) -> list[Weigh]:
    """How heads weigh that tell places apart by themselves: rotary positions, a bias by distance.

    None where they do not, or where it is not recognised. A known mistake is recognised as well:
    it is marked with the positions, or with attention.
    """
    if not answered(evidence, "multi-head/self-three") or not go_by_places(evidence, given):
        return []
    try:
        hash((evidence, given))
    except TypeError:  # plain dicts, of which none can be told from another
        return _at_places(evidence, given)
    return _at_places_once(evidence, given)


def _at_places(evidence: Any, given: Any) -> list[Weigh]:
    question = "multi-head/self-three"
    answer, sheet = evidence[question], given[question]
    n_heads, width = int(sheet.sizes[1]), answer.out.shape[-1]
    x = sheet.x[..., :width]
    parts = projections.linears(answer, evidence.partial(question))
    visible = np.broadcast_to(past_of_heads(evidence, x), (len(x), x.shape[1], x.shape[1]))
    right = reference.PLACED_WEIGHTS
    readings = projections.candidates(parts, n_heads, width=width)
    heads = Heads(x, x, n_heads, answer.out)
    for weighers in (right, reference.ALL_PLACED.difference(right)):
        found = [
            weigh for weigh in weighers if ways.give(heads, readings, in_any_order(weigh, visible))
        ]
        if found:
            return found
    return []


def go_by_places(evidence: Any, given: Any) -> bool:
    """Whether heads give other outputs to tokens in another order."""
    if not answered(evidence, "multi-head/order"):
        return False
    moved, order = evidence["multi-head/order"], given["multi-head/order"].order
    return not same(moved.out[:, order], moved.out_other)


def may_tell_places(evidence: Any, given: Any) -> bool:
    """Whether heads go by places in a way that is not recognised, and that may be right.

    Either they hold a table beside their projections, as a learned bias by distance is. Or the
    submission has no `PositionalEncoding`, and one head by itself gives something else than its
    weights say: one of those that are cut or put together in a wrong order gives what they say.
    """
    if not go_by_places(evidence, given):
        return False
    if causal_heads(evidence) or at_places(evidence, given):
        return False
    return has_table_of_places(evidence) or (
        adds_no_positions(evidence)
        and answered(evidence, "multi-head/self-one")
        and not is_of_its_weights(evidence, given, "multi-head/self-one")
    )


def adds_no_positions(evidence: Any) -> bool:
    """Whether there is no `PositionalEncoding`, by the kernel's word."""
    try:
        evidence["positions/added"]
    except Exception as error:
        return getattr(error, "absent", "") == "PositionalEncoding"
    return False


def has_table_of_places(evidence: Any) -> bool:
    """Whether heads hold numbers by the distance, for each head or for each channel of a head.

    A projection has an axis as wide as the input; a gain has no axis but those for the heads and
    their channels.
    """
    question = "multi-head/self-three"
    if not answered(evidence, question):
        return False
    n_heads, width = 3, evidence[question].out.shape[-1]
    of_heads = {n_heads, width // n_heads}
    shapes = (
        set(array.shape) - {1}
        for name, array in evidence.partial(question).items()
        if name.startswith("parameter_")
    )
    return any(width not in sizes and sizes & of_heads and sizes - of_heads for sizes in shapes)


def check_three_heads(evidence: Any, given: Any) -> None:
    check_formula_of_heads(evidence, given, "multi-head/self-three")


def leave_places_to_a_person(evidence: Any, given: Any) -> None:
    """Raise ForReview where heads may rightly go by places; a known mistake is marked as such."""
    if may_tell_places(evidence, given) and not holds(check_three_heads, evidence, given):
        raise ForReview(
            "the heads go by places in a way that is not recognised: "
            "whether it is by the distance has to be read"
        )


def sentence_of(found: list[Weigh], known: dict[str, tuple[Weigh, ...]]) -> str | None:
    """The sentence of the mistake by which the heads weigh, where it is one of these."""
    ways = known.items()
    return next((name for name, weighers in ways for weigh in found if weigh in weighers), None)


_at_places_once = cache(_at_places)  # every reading of the weights asks


def own_weights(evidence: Any, given: Any) -> Iterator[Weigh]:
    """Right attention; and where the student's own is wrong, which is marked there, any other."""
    yield reference.attention_weights
    yield from at_places(evidence, given)
    if first_cause(evidence, given, "attention"):
        yield from reference.WRONG_WEIGHTS.values()


def check_projections(right: Projections, parts: dict[str, Linear], answer: Any) -> None:
    """Even where the numbers agree: four projections, and each with weights of its own."""
    if right.o is None:
        raise KnownMistake("there is no output projection after the heads")
    if sentence := projections.shared(right, parts, answer):
        raise KnownMistake(sentence)
