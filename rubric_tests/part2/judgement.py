"""How two answers compare, and which mistake came first.

One mistake is marked once. Where attention itself is wrong, a layer built on it cannot be right:
a test of the layer that fails is then left out, naming what it follows from. A test that holds in
spite of the mistake counts as it always does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from rubric_tests.checks import Wrong, fault_of, follows_from, same_numbers

Check = Callable[[Any, Any], None]  # of a run's evidence and what it was given
CAUSES: dict[str, list[Check]] = {}
"""The checks by criterion that other criteria may follow from, in the order of the list."""


def cause_of_others(criterion: str) -> Callable[[Check], Check]:
    """Register a check: what fails it explains what fails elsewhere."""

    def register(check: Check) -> Check:
        CAUSES.setdefault(criterion, []).append(check)
        return check

    return register


def fault(evidence: Any, given: Any, criterion: str) -> str | None:
    """The first thing found wrong for a criterion; None where there is nothing."""
    reasons = (fault_of(lambda check=check: check(evidence, given)) for check in CAUSES[criterion])
    return next((reason for reason in reasons if reason), None)


@contextmanager
def after_marks_for(evidence: Any, given: Any, *criteria: str) -> Iterator[None]:
    """Leave out what fails inside, where one of these criteria already lost marks for its cause."""
    try:
        yield
    except Exception:
        for criterion in criteria:
            if reason := fault(evidence, given, criterion):
                follows_from(criterion, reason)
        raise


@contextmanager
def after_marks_for_training(runs: list[Any]) -> Iterator[None]:
    """The same for the training loop, which is watched in one run and is the same in all."""
    try:
        yield
    except Exception:
        for run in runs:
            if reason := fault(run.evidence, run.given, "training"):
                follows_from("training", reason)
        raise


@contextmanager
def where_built(evidence: Any, name: str, instead: str) -> Iterator[None]:
    """Set the test aside where `name` does not exist, and the question `instead` was answered."""
    try:
        yield
    except Exception as error:
        if f"expected `{name}`" in str(error) and answered(evidence, instead):
            pytest.skip(f"not asked: there is no `{name}`, and there need not be")
        raise


@contextmanager
def where_masks_are_taken(evidence: Any) -> Iterator[None]:
    """Set aside what is not answered, where attention has no argument for a mask."""
    try:
        yield
    except AssertionError:
        raise
    except Exception:
        if answered(evidence, "masks/taken") and evidence["masks/taken"].n_arguments < 4:
            pytest.skip("not asked: `attention` takes no mask")
        raise


def answered(evidence: Any, question: str) -> bool:
    try:
        evidence[question]
    except Exception:
        return False
    return True


def said(evidence: Any, question: str, name: str) -> str:
    """An answer in words; empty where there is none."""
    return str(evidence[question].text.get(name, "")) if answered(evidence, question) else ""


def asked_once(evidence: Any, question: str) -> None:
    """Set the test aside in the runs that do not put the question."""
    if question not in evidence.questions():
        pytest.skip("asked once for each submission, in another run")


def tolerance(*arrays: np.ndarray) -> float:
    """How far apart right answers may be: single precision is less exact than double."""
    single = any(array.dtype == np.float32 for array in arrays)
    size = max(1.0, *(float(np.abs(array).max(initial=0)) for array in arrays))
    return (1e-4 if single else 1e-7) * size


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return same_numbers(one, other, atol=tolerance(one, other))


def assert_same(one: np.ndarray, other: np.ndarray, reason: str) -> None:
    """Two answers that have to agree; `reason` says what it means that they do not."""
    alike(one, other)
    if not same(one, other):
        raise Wrong(f"{reason} (by up to {np.abs(one - other).max():.2g})")


def assert_differs(one: np.ndarray, other: np.ndarray, reason: str) -> None:
    alike(one, other)
    if same(one, other):
        raise Wrong(reason)


def alike(*arrays: np.ndarray) -> None:
    """Answers that are compared have one shape."""
    if len({array.shape for array in arrays}) > 1:
        raise Wrong(f"answers of different shapes: {', '.join(str(a.shape) for a in arrays)}")


def as_wide_as(out: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The part of the given rows that was used: as many channels as came back."""
    if not 0 < out.shape[-1] <= rows.shape[-1]:
        raise Wrong(f"the answer is {out.shape[-1]} wide")
    return rows[..., : out.shape[-1]]
