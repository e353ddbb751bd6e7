"""Positions: the same pattern for every sequence, another for every place, added to the tokens."""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from assay.rubric import ForReview, KnownMistake, Wrong, answered
from rubric_tests import clean_run
from rubric_tests.nodes import nodes_of
from rubric_tests.part2 import attention_checks, layer_checks, reference
from rubric_tests.part2.judgement import (
    NotRecognised,
    after_marks_for,
    after_marks_for_training,
    where_numbers_are_left,
)
from rubric_tests.syntax import trees_of

pytestmark = pytest.mark.criterion("positions")

EARLIER = (
    *("attention", "masks", "multi-head", "embedding"),
    *("feed-forward", "layers", "model", "generation"),
)


@contextmanager
def where_added(evidence: Any, given: Any, runs: list[Any]) -> Iterator[None]:
    """Set the test aside where nothing is added, because the heads tell places apart."""
    try:
        with where_numbers_are_left(evidence, "positions/added", runs):
            yield
    except Exception as error:
        absent = getattr(error, "absent", "") == "PositionalEncoding"
        if absent and (found := attention_checks.at_places(evidence, given)):
            if wrong := attention_checks.sentence_of(found, reference.WRONGLY_TURNED):
                raise KnownMistake(wrong) from None
            pytest.skip("not asked: the heads tell places apart by themselves")
        if absent:
            attention_checks.leave_places_to_a_person(evidence, given)
            if any(
                layer_checks.goes_by_places_itself(evidence, given, layer)
                for layer in layer_checks.LAYERS
            ):
                raise ForReview(layer_checks.TOLD_IN_LAYERS) from None
        raise


@pytest.mark.hint("x + positions")
def test_positions_are_added(evidence, given, runs):
    """Positions are added to what comes in, whatever it is."""
    with where_added(evidence, given, runs):
        layer_checks.check_added(evidence, given)


@pytest.mark.hint("print the rows of a short sequence")
def test_every_position_has_its_own_row(evidence, given, runs):
    """No two positions have the same row."""
    with where_added(evidence, given, runs):
        layer_checks.check_distinct(evidence, given)


@pytest.mark.hint("how long is the table, and how many channels tell one place from another?")
def test_every_place_that_was_asked_for(evidence, given, runs):
    """There are `max_length` positions, told apart by most channels."""
    with where_added(evidence, given, runs):
        try:
            layer_checks.check_full_length(evidence, given)
        except NotRecognised as reason:
            pytest.skip(f"not asked: {reason}")


@pytest.mark.hint("the table has an axis for positions; on which axis of x is it laid?")
def test_every_sequence_has_the_same_positions(evidence, given, runs):
    """A position's row does not depend on the place in the batch."""
    with where_added(evidence, given, runs):
        layer_checks.check_same_for_every_item(evidence, given)


@pytest.mark.hint(
    "sine in the even channels, cosine in the odd ones, of position / 10000^(2i / d_model); "
    "compare two rows by hand"
)
def test_sinusoidal_formula(evidence, given, runs, submission):
    """Where positions are sines and cosines, they are those of the formula."""
    with where_added(evidence, given, runs):
        answer = evidence["positions/added"]
    claimed = calls_a_sine(submission)
    if answer.learned or not claimed:
        pytest.skip("not asked: the positions are not sines and cosines")
    found = answer.at_zero[0]
    if not found.size:
        raise Wrong(f"what comes back is empty: its shape is {answer.at_zero.shape}")
    size = max(float(np.abs(found).max()), 1e-6)
    rows = found / size if size > 1.001 else found
    right = reference.sinusoid_variants(*rows.shape)

    if not any(np.allclose(rows, table, atol=1e-4) for table in right):
        wrong = reference.wrong_sinusoids(*rows.shape)
        for sentence, table in wrong.items():
            if np.allclose(rows, table, atol=1e-4):
                raise KnownMistake(sentence)
        raise Wrong(layer_checks.table_in_words(rows, right[0]))


def calls_a_sine(submission) -> bool:
    """Whether the sources call a sine, however it is written."""
    nodes = (node for tree in trees_of(submission).values() for node in nodes_of(tree))
    named = (
        node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in nodes
    )
    return not {"sin", "sin_", "cos", "cos_", "polar"}.isdisjoint(named)


@pytest.mark.hint("are the positions added in the model that was trained?")
def test_the_model_knows_the_order(evidence, given, run, runs):
    """The trained model tells the order of its tokens."""
    with after_marks_for(
        evidence, given, "attention", "multi-head", "embedding", "layers", "model"
    ):
        if answered(evidence, "positions/model"):
            layer_checks.check_order_reaches_the_logits(evidence, given)
    if "positions/order" not in evidence.questions():
        return  # the task's answers do not depend on the order
    with (
        clean_run.after_parameters(run, evidence, "task"),
        after_marks_for_training(runs),
        after_marks_for(evidence, given, *EARLIER),
    ):
        layer_checks.check_order_matters(evidence, given)
