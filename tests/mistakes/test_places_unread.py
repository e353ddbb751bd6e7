"""Which heads may rightly go by places, where nobody recognises how: told from known mistakes."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assay.rubric import ForReview, Wrong
from rubric_tests.part2 import attention_checks, judgement, reference, ways
from rubric_tests.part2.judgement import HEADS_AS_DRAWN, unless_silent_at_first
from rubric_tests.part2.reference import Linear, Projections, Weigh
from rubric_tests.part2.ways import Layout

ORDER = np.array([3, 0, 4, 1, 2])
RIGHT, BY_VIEW = ways.RIGHT_LAYOUTS["right"], (reference.cut_by_view, reference.join)
MERGED = (reference.cut, reference.join_by_view)


class Missing(Exception):
    """What the kernel says of a name that is not there."""

    absent = "PositionalEncoding"


class Answers(dict[str, Any]):
    """Evidence by question; where positions are missing, asking for them raises."""

    def __missing__(self, question: str) -> Any:
        raise Missing(question) if question == "positions/added" else KeyError(question)

    def partial(self, question: str) -> dict[str, np.ndarray]:
        return vars(self[question])


class Texts(dict[str, list[str]]):
    def strings(self, name: str) -> list[str]:
        return self[name]


def heads_of(
    weigh: Weigh = reference.attention_weights,
    layout: Layout = RIGHT,
    table: tuple[int, ...] | None = None,
    positions: bool = False,
) -> tuple[Answers, dict[str, Any]]:
    """What heads of this kind answer, with one head and with three, and what they were given."""
    rng = np.random.default_rng(0)
    evidence, given = Answers(), dict[str, Any]()
    if positions:
        evidence["positions/added"] = SimpleNamespace(out=rng.normal(size=(2, 5, 8)))
    for name, n_heads, width in (("one", 1, 8), ("three", 3, 24)):
        x = 2 * rng.normal(size=(6, 5, width))
        matrices = rng.normal(size=(4, width, width)) / width**0.5
        zero = np.zeros(width)
        right = Projections(*(Linear(matrix, zero) for matrix in matrices))

        def mixed(
            rows: np.ndarray, right: Projections = right, n_heads: int = n_heads
        ) -> np.ndarray:
            return reference.multi_head(rows, rows, right, n_heads, weigh, *layout)

        names = [f"w_{role}.weight" for role in "qkvo"]
        arrays = dict(enumerate(matrices))
        if table:
            names, arrays = [*names, "rel"], arrays | {4: rng.normal(size=table)}
        given[f"multi-head/self-{name}"] = SimpleNamespace(x=x, sizes=np.array([width, n_heads]))
        evidence[f"multi-head/self-{name}"] = SimpleNamespace(
            out=mixed(x),
            as_asked=np.array(True),
            text=Texts(names=names, one_and_the_same=names),
            **{f"parameter_{i}": array for i, array in arrays.items()},
        )
        given["multi-head/order"] = SimpleNamespace(x=x, order=ORDER)
        evidence["multi-head/order"] = SimpleNamespace(out=mixed(x), out_other=mixed(x[:, ORDER]))
    return evidence, given


def turned(base: float) -> Weigh:
    return reference.rotary(1, False, base)


def biased(query: np.ndarray, key: np.ndarray) -> np.ndarray:
    """A number for each distance, drawn once, beside the scores of every head."""
    drawn = np.random.default_rng(7).normal(size=2 * key.shape[-2])
    distance = np.arange(query.shape[-2])[:, None] - np.arange(key.shape[-2])
    return reference.softmax(reference.scores(query, key) + drawn[distance])


@pytest.mark.parametrize("base", [10.0, 100.0, 10_000.0, 500_000.0])
def test_turned_heads_are_recognised_by_their_base(base: float):
    evidence, given = heads_of(turned(base))

    assert attention_checks.at_places(evidence, given)
    assert not attention_checks.may_tell_places(evidence, given)


@pytest.mark.parametrize("base", [100.0, 500_000.0])
@pytest.mark.parametrize("known", [reference.WRONGLY_TURNED, reference.WRONGLY_SCALED])
def test_a_mistake_of_turned_heads_is_named_whatever_the_base(
    base: float, known: dict[str, tuple[Weigh, ...]]
):
    place = reference.TURNS.index((1, True, base))

    for sentence, weighers in known.items():
        if "after the softmax" in sentence:  # no shares, which is told of attention by itself
            continue
        found = attention_checks.at_places(*heads_of(weighers[place]))
        assert attention_checks.sentence_of(found, known) == sentence


@pytest.mark.parametrize(
    "heads",
    [
        lambda: heads_of(turned(3_000.0)),
        lambda: heads_of(biased),
        lambda: heads_of(biased, table=(65, 3), positions=True),
        lambda: heads_of(biased, table=(3, 31), positions=True),
        lambda: heads_of(biased, table=(17, 8), positions=True),
    ],
    ids=["another base", "a bias", "a row a distance", "a row a head", "channels of a head"],
)
def test_what_is_not_recognised_is_for_a_person(heads: Callable[[], Any]):
    evidence, given = heads()

    with pytest.raises(ForReview, match="by the distance has to be read"):
        attention_checks.check_order_of_heads(evidence, given)


@pytest.mark.parametrize(
    "heads",
    [
        lambda: heads_of(layout=BY_VIEW),
        lambda: heads_of(layout=MERGED),
        lambda: heads_of(layout=MERGED, positions=True),
        lambda: heads_of(biased, positions=True),
        lambda: heads_of(layout=BY_VIEW, table=(3, 8), positions=True),
        lambda: heads_of(layout=BY_VIEW, table=(64, 64), positions=True),
    ],
    ids=["split", "merged", "with positions", "beside positions", "a gain", "a mask"],
)
def test_heads_in_disorder_are_wrong(heads: Callable[[], Any]):
    """What one head does right goes by places by mistake; so does what has its positions."""
    evidence, given = heads()

    with pytest.raises(Wrong, match="tokens in another order"):
        attention_checks.check_order_of_heads(evidence, given)


def begun(*zero: int, out: np.ndarray | None = None) -> Answers:
    """Heads of four matrices, of which some are zero, and one row for all tokens."""
    rng = np.random.default_rng(1)
    matrices = {f"parameter_{i}": rng.normal(size=(24, 24)) * (i not in zero) for i in range(4)}
    matrices["parameter_4"] = np.zeros(24)
    same = np.broadcast_to(rng.normal(size=24), (6, 5, 24)) if out is None else out
    return Answers({HEADS_AS_DRAWN: SimpleNamespace(out=same, **matrices)})


@unless_silent_at_first(HEADS_AS_DRAWN)
def fails(evidence: Any, given: Any) -> None:
    raise Wrong("every number of the answer is the same")


@pytest.mark.parametrize("zero", [3, 2])
def test_what_begins_at_zero_is_for_a_person(zero: int):
    with pytest.raises(ForReview, match="begins at zero"):
        fails(begun(zero), None)


@pytest.mark.parametrize(
    "evidence",
    [
        begun(),
        begun(2, 3),
        begun(0, 1, 2, 3),
        begun(3, out=np.random.default_rng(2).normal(size=(6, 5, 24))),
    ],
    ids=["nothing", "two", "everything", "rows that differ"],
)
def test_what_says_nothing_otherwise_is_wrong(evidence: Answers):
    """One row for all is no excuse by itself, nor is a zero; two zeros learn nothing."""
    assert not judgement.is_silent_at_first(evidence, HEADS_AS_DRAWN)
    with pytest.raises(Wrong):
        fails(evidence, None)
