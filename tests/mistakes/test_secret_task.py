"""The secret task of Part 2: what content does not decide for, or cannot, does not learn it."""

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from assay.rubric import KnownMistake, Question, Wrong
from rubric_tests.part2 import given
from rubric_tests.part2.answers import Marked
from rubric_tests.part2.test_secret_variant import check

SEEDS = range(12)
Predictor = Callable[[Question, np.random.Generator], np.ndarray]


@cache
def drawn(seed: int) -> Question:
    return given.secret(np.random.default_rng(seed))["secret/answers"]


def by_places(task: Question, rng: np.random.Generator) -> np.ndarray:
    """The best table that gives each place of the answer one place of the question, and names."""
    x, y = task.shown["inputs"], task.shown["targets"]
    answer = np.empty_like(task.shown["sequences"])
    for i in range(5):
        counts = np.zeros((5, 10, 10), dtype=int)
        for j in range(5):
            np.add.at(counts[j], (x[:, j], y[:, i]), 1)
        best = counts.max(axis=2).sum(axis=1).argmax()
        answer[:, i] = counts[best].argmax(axis=1)[task.shown["sequences"][:, best]]
    return answer


def by_counting(task: Question, rng: np.random.Generator) -> np.ndarray:
    """All the right digits of every answer, in an order that only their number decides."""
    return np.sort(task.kept["right"][:, :5], axis=1)


def by_the_past(task: Question, rng: np.random.Generator) -> np.ndarray:
    """What can be known at each place from the tokens up to it, and a guess for the rest."""
    kept, place = task.kept, np.arange(5)
    answer = rng.integers(1, 10, size=(len(kept["right"]), 5))
    other = kept["places"].copy()
    other[kept["differ"]] = kept["places"][kept["differ"][::-1]]
    names = np.zeros(10, dtype=int)
    x, y = task.shown["inputs"], task.shown["targets"]
    alike = np.setdiff1d(place, kept["differ"])[0]
    names[x[:, kept["places"][alike]]] = y[:, alike]
    for i in place:
        for source in (other[i], kept["places"][i]):
            if source <= i:
                answer[:, i] = names[task.shown["sequences"][:, source]]
    return answer


def judge(task: Question, answer: np.ndarray, needed: float) -> None:
    wide = np.full((len(answer), 7), -1)
    wide[:, : answer.shape[1]] = answer
    marks = Marked(task.shown["sequences"][: len(answer)], wide, task.kept["right"][: len(answer)])
    check(marks, {"secret/answers": SimpleNamespace(**task.kept)}, needed)


@pytest.mark.parametrize("predictor", [by_places, by_counting, by_the_past])
def test_no_shortcut_gets_half_by_either_order(predictor: Predictor):
    """A table of places, a count, or what is known of the past alone loses all of it."""
    for seed in SEEDS:
        task = drawn(seed)
        answer = predictor(task, np.random.default_rng(seed))

        with pytest.raises(Wrong):
            judge(task, answer, 0.5)


def test_a_table_of_places_is_told_as_one():
    for seed in SEEDS:
        task = drawn(seed)

        with pytest.raises(KnownMistake, match="content never decides"):
            judge(task, by_places(task, np.random.default_rng(seed)), 0.5)


def test_who_sees_the_past_is_told_so():
    for seed in SEEDS:
        task = drawn(seed)

        with pytest.raises(KnownMistake, match="a causal mask where none belongs"):
            judge(task, by_the_past(task, np.random.default_rng(seed)), 0.5)


def test_a_place_that_was_not_learned_is_bad_luck():
    """One of the three places that both orders agree on may be missing, in few answers too."""
    for seed in SEEDS:
        task = drawn(seed)
        answer = task.kept["right"][:500, :5].copy()
        judge(task, answer, 0.75)
        place = np.setdiff1d(np.arange(5), task.kept["differ"])[seed % 3]
        answer[:, place] = 1

        judge(task, answer, 0.75)


def test_both_orders_come_often_and_none_is_the_reversal():
    for seed in SEEDS:
        task = drawn(seed)
        right, asked = task.kept["right"][:, :5], task.shown["sequences"]

        assert 0.35 < task.kept["chosen"].mean() < 0.55
        assert not (right == asked[:, ::-1]).all(axis=1).mean() > 0.1


def test_an_order_that_is_half_learned_is_bad_luck():
    """A right model of 200 steps had 82 % by one order and 28 % by the other."""
    for seed in SEEDS:
        task = drawn(seed)
        answer = task.kept["right"][:500, :5].copy()
        missed = (
            np.random.default_rng(seed).random(500)
            < np.array([0.18, 0.7])[task.kept["chosen"][:500]]
        )
        answer[missed, task.kept["differ"][0]] = 1 + answer[missed, task.kept["differ"][0]] % 9

        judge(task, answer, 0.75)
