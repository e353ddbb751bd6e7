"""Which mistake came first: one mistake is marked once.

A network whose gradients are wrong cannot converge. A test of convergence that fails is then left
out, naming the mistake it follows from. A test that holds in spite of the mistake counts as it
always does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, NoReturn, ParamSpec

import pytest

P = ParamSpec("P")
Check = Callable[[Any, Any], None]  # of a run's evidence and what it was given
Causes = Mapping[str, Sequence[Check]]
"""The checks by criterion that other criteria may follow from, in the order of looking."""


def explains(criterion: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Mark what a check raises: this mistake of the criterion explains what fails elsewhere."""

    def marking(check: Callable[P, None]) -> Callable[P, None]:
        @wraps(check)
        def marked(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                check(*args, **kwargs)
            except AssertionError as wrong:
                wrong.explains = {criterion, *getattr(wrong, "explains", ())}  # type: ignore[attr-defined]
                raise

        return marked

    return marking


def answered(evidence: Any, question: str) -> bool:
    """Whether a question has an answer, with numbers in it that one can be."""
    try:
        return not getattr(evidence[question], "unsound", {})
    except Exception:
        return False


@cache
def fault_of(check: Check, evidence: Any, given: Any) -> str | None:
    """The reason `check` fails for; None where it passes or has no answer to look at."""
    try:
        check(evidence, given)
    except AssertionError as wrong:
        return str(wrong).partition("\n")[0]
    except Exception:  # not answered: nothing is known, so nothing is explained by it
        return None
    return None


def first_cause(
    causes: Causes, evidence: Any, given: Any, *criteria: str
) -> tuple[str, str] | None:
    """The first of these criteria that has lost marks already, and why."""
    for criterion in criteria:
        for check in causes[criterion]:
            if reason := fault_of(check, evidence, given):
                return criterion, reason
    return None


class Follows(pytest.skip.Exception):
    """The test is set aside; `cause` is the criterion that marks the mistake it follows from."""

    def __init__(self, cause: str, reason: str) -> None:
        super().__init__(f"follows from {cause}: {reason}")
        self.cause = cause


def follows_from(criterion: str, reason: str) -> NoReturn:
    """Set the test aside: the report says what it follows from.

    No more points are excused so than the criterion has lost by checks that explain others.
    """
    raise Follows(criterion, reason)


@cache
def holds(check: Check, evidence: Any, given: Any) -> bool:
    """Whether `check` passes, or fails in a way that has a name: the work is there to be seen."""
    try:
        check(evidence, given)
    except AssertionError as wrong:
        return bool(getattr(wrong, "mistake", ""))
    except Exception:  # no answer: nothing is there
        return False
    return True


@contextmanager
def after_marks_for_any(causes: Causes, runs: Sequence[Any], *criteria: str) -> Iterator[None]:
    """The same for a test of all runs at once: the cause may show in any of them."""
    try:
        yield
    except Exception:
        for run in runs:
            if found := first_cause(causes, run.evidence, run.given, *criteria):
                follows_from(*found)
        raise


@contextmanager
def after_marks_for(causes: Causes, evidence: Any, given: Any, *criteria: str) -> Iterator[None]:
    """Leave out what fails inside, where one of these criteria already lost marks for its cause."""
    try:
        yield
    except Exception:
        if found := first_cause(causes, evidence, given, *criteria):
            follows_from(*found)
        raise
