"""What several tests of Part 2 ask: what was built, and which mistake came first."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import numpy as np
import pytest

from assay.rubric import (
    Check,
    ForReview,
    KnownMistake,
    Wrong,
    answered,
    assert_batch_independent,
    causes,
    follows_from,
    same,
)
from rubric_tests.nodes import nodes_of
from rubric_tests.syntax import definitions, trees_of


class NotRecognised(Exception):
    """There is nothing here that this check knows; the relations judge alone."""


CAUSES: dict[str, list[Check]] = {}
first_cause = partial(causes.first_cause, CAUSES)
after_marks_for = partial(causes.after_marks_for, CAUSES)


def cause_of_others(criterion: str) -> Callable[[Check], Check]:
    """Register a check: what fails it explains what fails elsewhere."""

    def register(check: Check) -> Check:
        marked = causes.explains(criterion)(check)
        CAUSES.setdefault(criterion, []).append(marked)
        return marked

    return register


HEADS_AS_DRAWN, NETWORK_AS_DRAWN = "multi-head/self-three", "feed-forward/sizes"
"""The questions whose answers have the parameters as well, as they are before training."""
COMPONENTS = {HEADS_AS_DRAWN: "multi-head attention", NETWORK_AS_DRAWN: "the feed-forward network"}


@contextmanager
def where_weights_are_drawn(evidence: Any, *questions: str) -> Iterator[None]:
    """Leave what fails to a person where the component begins with a last projection of zeros.

    Then its outputs say nothing of what is in it, until it is trained.
    """
    try:
        yield
    except AssertionError:
        for question in questions:
            if is_silent_at_first(evidence, question):
                raise ForReview(
                    f"a matrix of {COMPONENTS[question]} begins at zero, so nothing can be told "
                    "of it before it is trained: what it does has to be read"
                ) from None
        raise


def is_silent_at_first(evidence: Any, question: str) -> bool:
    """Whether one matrix begins at zero, others do not, and all outputs are the same row.

    What gives one row whatever its weights are has no such matrix. Where all are zero, or two,
    nothing is learned: neither has a gradient.
    """
    if not answered(evidence, question):
        return False
    out = evidence[question].out
    rows = out.reshape(-1, out.shape[-1])
    matrices = [
        array
        for name, array in evidence.partial(question).items()
        if name.startswith("parameter_") and np.ndim(array) > 1 and np.size(array) > len(array)
    ]
    zero = [not np.any(matrix) for matrix in matrices]
    return bool((rows == rows[:1]).all()) and len(zero) > 1 and sum(zero) == 1


def unless_silent_at_first(*questions: str) -> Callable[[Check], Check]:
    """The same for all that a check looks at."""

    def looked_at_so(check: Check) -> Check:
        @wraps(check)
        def looked_at(evidence: Any, given: Any) -> None:
            with where_weights_are_drawn(evidence, *questions):
                check(evidence, given)

        return looked_at

    return looked_at_so


@contextmanager
def after_marks_for_training(runs: list[Any]) -> Iterator[None]:
    """The same for the training loop: it is watched in one run, and explains what fails in any."""
    try:
        yield
    except Exception:
        for run in runs:
            if found := first_cause(run.evidence, run.given, "training"):
                follows_from(*found)
        raise


@contextmanager
def where_numbers_are_left(evidence: Any, question: str, runs: list[Any]) -> Iterator[None]:
    """Where training has left weights that are not finite, what is asked of them is marked there.

    So it is with a model that a known mistake of the training loop has driven off.
    """
    try:
        yield
    except Exception:
        with after_marks_for_training(runs):
            if not is_finite(evidence, question):
                raise
        raise


def is_finite(evidence: Any, question: str) -> bool:
    """Whether an answer, where there is one, is made of numbers."""
    try:
        return not getattr(evidence[question], "unsound", {})
    except Exception:
        return True


@contextmanager
def where_built(submission: Any, evidence: Any, name: str, instead: str) -> Iterator[None]:
    """Set the test aside where `name` was not built, and the question `instead` was answered.

    That it is not there is the kernel's word. A layer that the sources define was built, and a
    model that answers for source and target has both kinds of layer, whatever they are called.
    """
    try:
        yield
    except Exception as error:
        gone, other = (getattr(error, kind, "") == name for kind in ("absent", "lacks"))
        if (gone or other) and answered(evidence, instead):
            both = said(evidence, "model/form", "form") == "source, target"
            both = both and answered(evidence, "masks/model")
            if both or (gone and is_written(submission, name)):
                raise
            pytest.skip(f"not asked: there is no `{name}`, and there need not be")
        raise


def is_written(submission: Any, *names: str) -> bool:
    """Whether the sources define one of the names, wherever in a file."""
    return any(
        isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in names
        for tree in trees_of(submission).values()
        for node in nodes_of(tree)
    )


@contextmanager
def where_masks_are_taken(submission: Any, evidence: Any) -> Iterator[None]:
    """What is not answered, where attention has no argument for a mask, a person looks at.

    The masks are asked for: to leave them out is no way to be marked for less.
    """
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        if answered(evidence, "masks/taken") and evidence["masks/taken"].n_arguments < 4:
            raise ForReview(
                "`attention` takes no mask: whether the future and padding are hidden, and where, "
                "a person has to say"
            ) from None
        if is_inside_the_heads(submission, evidence, error):
            pytest.skip("not asked: there is no `attention` by itself, the heads are asked")
        raise


def is_inside_the_heads(submission: Any, evidence: Any, error: Exception) -> bool:
    """Whether attention exists as a part of multi-head attention alone.

    A function of that name at the top level of a source was written: deleting it hides nothing.
    """
    if getattr(error, "absent", "") != "attention" or not answered(evidence, "multi-head/self-one"):
        return False
    return not any(
        name == "attention" and not isinstance(statement, ast.Import | ast.ImportFrom)
        for tree in trees_of(submission).values()
        for name, statement in definitions(tree)
    )


def said(evidence: Any, question: str, name: str) -> str:
    """An answer in words; empty where there is none."""
    text = evidence[question].text if answered(evidence, question) else {}
    return text.string(name) if name in text else ""


def check_weights_are_seen(answer: Any, mistake: str) -> None:
    """Something is a softmax over places, or at least a part of the student's own is called."""
    if answer.n_weights:
        return
    if "parts" in answer.text and (parts := answer.text.string("parts")):
        raise ForReview(f"no weights of attention were seen in what is called: {parts}")
    raise KnownMistake(mistake, "none of its parts is called, no softmax over places is taken")


def where_asked(evidence: Any, question: str) -> None:
    """Set the test aside in the runs that do not put the question."""
    if question not in evidence.questions():
        pytest.skip("asked in the runs of another task")


def assert_same_items(out: np.ndarray, other: np.ndarray) -> None:
    """All items but the first and the last were the same in both batches."""
    reason = "a sequence's output changes with the other sequences of the batch"
    assert_batch_independent(out, other, reason=reason)


@contextmanager
def told_as_wrong() -> Iterator[None]:
    """What is not recognised here is wrong: nothing else is left to judge it by."""
    try:
        yield
    except NotRecognised as reason:
        raise Wrong(str(reason)) from None


def must_repeat(answer: Any) -> None:
    """Raise what explains nothing else where the model's logits are others the next time."""
    if not same(answer.logits, answer.again):
        raise NotRecognised("asked again, the model's logits are others")


def as_wide_as(out: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The part of the given rows that was used: as many channels as came back."""
    if not 0 < out.shape[-1] <= rows.shape[-1]:
        raise Wrong(f"the answer is {out.shape[-1]} wide")
    return rows[..., : out.shape[-1]]
