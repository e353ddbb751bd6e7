"""Which mistake came first: one mistake is marked once.

A network whose gradients are wrong cannot converge. A test of convergence that fails is then set
aside, naming the mistake it follows from. A test that holds in spite of the mistake counts as it
always does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
Check = Callable[[Any, Any], None]
"""A function of a run's `evidence` and what was `given`, which raises AssertionError."""
Causes = Mapping[str, Sequence[Check]]
"""The checks by criterion that other criteria may follow from, in the order of looking."""

_FORGETTING: list[Callable[[], None]] = []


def explains(criterion: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Mark what a check raises: this mistake of the criterion explains what fails elsewhere.

    Examples
    --------
    >>> @explains("gradients")
    ... def check_gradient(evidence, given):
    ...     assert evidence["gradient"].out == 1, "the gradient is wrong"
    """

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


def _once(find: Callable[[Check, Any, Any], T]) -> Callable[[Check, Any, Any], T]:
    """Look once for each run; each time where a run cannot be told from another, as plain dicts."""
    kept = cache(find)
    _FORGETTING.append(kept.cache_clear)

    @wraps(find)
    def found(check: Check, evidence: Any, given: Any) -> T:
        try:
            hash((check, evidence, given))
        except TypeError:
            return find(check, evidence, given)
        return kept(check, evidence, given)

    return found


def forget() -> None:
    """Forget what was found of runs, in a process that judges many one after the other."""
    for clear in _FORGETTING:
        clear()


def answered(evidence: Any, question: str) -> bool:
    """Return whether a question has an answer, with numbers in it that one can be.

    Examples
    --------
    >>> answered({"sum": object()}, "sum"), answered({}, "sum")
    (True, False)
    """
    try:
        return not getattr(evidence[question], "unsound", {})
    except Exception:
        return False


@_once
def fault_of(check: Check, evidence: Any, given: Any) -> str | None:
    """Return the reason that a check fails for; None if it passes, or has no answer to look at.

    `evidence` and `given` are those of the fixtures, by which the check runs once for each run;
    in a test of your own, plain dicts do.

    Examples
    --------
    >>> def check_sum(evidence, given):
    ...     assert False, "it subtracts"
    >>> fault_of(check_sum, evidence=None, given=None)
    'it subtracts'
    """
    try:
        check(evidence, given)
    except AssertionError as wrong:
        return str(wrong).partition("\n")[0]
    except Exception:  # not answered: nothing is known, so nothing is explained by it
        return None
    return None


@_once
def holds(check: Check, evidence: Any, given: Any) -> bool:
    """Return whether a check passes, or fails in a way that has a name: work is there to be seen.

    Examples
    --------
    >>> def check_sum(evidence, given):
    ...     assert False, "nothing is known of it"
    >>> holds(check_sum, evidence=None, given=None)
    False
    """
    try:
        check(evidence, given)
    except AssertionError as wrong:
        return bool(getattr(wrong, "mistake", ""))
    except Exception:  # no answer: nothing is there
        return False
    return True


def first_cause(
    causes: Causes, evidence: Any, given: Any, *criteria: str
) -> tuple[str, str] | None:
    """Return the first of these criteria that has lost marks already, and why; None if none has.

    Raises
    ------
    KeyError
        If a criterion is none of the causes.

    Examples
    --------
    >>> def check_sum(evidence, given):
    ...     assert False, "it subtracts"
    >>> first_cause({"start": [], "sum": [check_sum]}, None, None, "start", "sum")
    ('sum', 'it subtracts')
    """
    for criterion in criteria:
        for check in causes[criterion]:
            if reason := fault_of(check, evidence, given):
                return criterion, reason
    return None


def follows_from(criterion: str, reason: str) -> NoReturn:
    """Set the test aside: the report says which criterion marks what it follows from.

    No more points are excused so than the criterion has lost by checks that explain others.

    Raises
    ------
    pytest.skip.Exception
        Always; its `cause` is the criterion.

    Examples
    --------
    >>> import pytest
    >>> with pytest.raises(pytest.skip.Exception) as aside:
    ...     follows_from("gradients", "`dW1` is transposed")
    >>> aside.value.cause, str(aside.value)
    ('gradients', 'follows from gradients: `dW1` is transposed')
    """
    import pytest  # only where tests run: an exam has no need of it

    aside = pytest.skip.Exception(f"follows from {criterion}: {reason}")
    aside.cause = criterion  # type: ignore[attr-defined]
    raise aside


@contextmanager
def after_marks_for(causes: Causes, evidence: Any, given: Any, *criteria: str) -> Iterator[None]:
    """Set aside what fails inside if one of these criteria has already lost marks for its cause.

    Raises
    ------
    pytest.skip.Exception
        If something fails inside and one of the criteria has lost marks; its `cause` is that one.

    Examples
    --------
    >>> import pytest
    >>> @explains("gradients")
    ... def check_gradient(evidence, given):
    ...     assert False, "`dW1` is transposed"
    >>> with pytest.raises(pytest.skip.Exception, match="follows from gradients: `dW1`"):
    ...     with after_marks_for({"gradients": [check_gradient]}, None, None, "gradients"):
    ...         assert False, "training has not converged"
    """
    try:
        yield
    except Exception:
        if found := first_cause(causes, evidence, given, *criteria):
            follows_from(*found)
        raise


@contextmanager
def after_marks_for_any(causes: Causes, runs: Sequence[Any], *criteria: str) -> Iterator[None]:
    """Do the same for a test of all runs at once: the cause may show in any of them.

    Each run has `evidence` and `given`, as those of the fixture `runs` have.

    Examples
    --------
    >>> with after_marks_for_any({"gradients": []}, [], "gradients"):
    ...     assert True, "nothing fails, so nothing is set aside"
    """
    try:
        yield
    except Exception:
        for run in runs:
            if found := first_cause(causes, run.evidence, run.given, *criteria):
                follows_from(*found)
        raise
