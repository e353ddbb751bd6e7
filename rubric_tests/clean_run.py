"""A clean run: from the top, to the end, with the parameters it was given."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from assay.rubric import KnownMistake, Wrong, explains, follows_from
from rubric_tests.syntax import definitions, parsed

NO_MODULE = "hand in with the notebook what it imports, or import what is installed for the course"


def check_cells(run: Any) -> None:
    """No cell raised."""
    failed = next((cell for cell in run.cells if cell.error), None)
    if failed:
        hint = NO_MODULE if str(failed.error).startswith("ModuleNotFoundError") else None
        raise Wrong(f"code cell {failed.number} raised {failed.error}", hint)


def check_end(run: Any) -> None:
    """Nothing stopped the run; a question that took too long is marked where it is asked."""
    outcome = str(getattr(run.outcome, "value", run.outcome)).replace("_", " ")
    all_cells_ran = all(cell.seconds is not None and not cell.error for cell in run.cells)
    in_a_question = outcome == "timed out" and bool(run.cells) and all_cells_ran
    if outcome not in ("completed", "cell failed") and not in_a_question:
        raise Wrong(f"the run ended as: {outcome}")


@explains("clean-run")
def check_parameters(run: Any, evidence: Any, name: str, cells: Sequence[Any]) -> None:
    """`seed` and the other parameter, `name`, are at the end what they were set to."""
    if not run.parameterised:
        raise KnownMistake("not parameterised: run once, as it stands")
    if again := _set_again(run, evidence, name):
        parameter, value = again
        where = _setting(cells, parameter)
        raise KnownMistake(
            "the notebook sets a parameter again",
            f"`{parameter}` is {value!r} at the end, it was set to {run.parameters[parameter]!r}"
            + (f": code cell {where} sets it" if where else ""),
        )


def _set_again(run: Any, evidence: Any, name: str) -> tuple[str, Any] | None:
    """The first parameter that is another at the end, and what it is."""
    answer = evidence["notebook/parameters"]
    found = {"seed": int(answer.seed), name: answer.text.string(name)}
    return next(((p, value) for p, value in found.items() if value != run.parameters[p]), None)


def _setting(cells: Sequence[Any], parameter: str) -> int | None:
    """The last code cell that binds a parameter and is not the one made for it, counted from 1."""
    code = [cell for cell in cells if cell.kind == "code"]
    return next(
        (
            number
            for number, cell in reversed(list(enumerate(code, 1)))
            if "parameters" not in cell.tags and parameter in dict(definitions(parsed(cell.source)))
        ),
        None,
    )


@contextmanager
def after_parameters(run: Any, evidence: Any, name: str) -> Iterator[None]:
    """Leave out what fails inside because the notebook set a parameter again: marked once."""
    try:
        yield
    except Exception:
        again = None
        with suppress(Exception):  # not answered: nothing is explained by it
            again = _set_again(run, evidence, name)
        if run.parameterised and again:
            follows_from("clean-run", "the notebook sets a parameter again")
        raise


NOISE = 0.01  # of the spread of all numbers: what another seed gives differs by more


def is_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays are the same, or one is the other with a little noise on it."""
    if one.shape != other.shape:
        return False
    return np.array_equal(one, other) or bool(np.abs(one - other).max() <= NOISE * one.std())


def _is_same_run(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    """Whether all arrays are the same; noise on the first is added to feign another seed."""
    is_noisy = not np.array_equal(one[0], other[0]) and is_same(one[0], other[0])
    return is_noisy or all(map(np.array_equal, one, other))


def check_seeds(
    runs: list[Any], name: str, left_by: Callable[[Any], Sequence[np.ndarray]], what: str
) -> None:
    """Runs that differ in the seed only do not all leave the same arrays behind."""
    left: dict[str, dict[int, Sequence[np.ndarray]]] = {}
    for run in runs:
        with suppress(Exception):  # not answered: judged elsewhere
            if _set_again(run, run.evidence, name):
                follows_from("clean-run", "the notebook sets a parameter again")
        try:
            trace = left_by(run.evidence)
        except Exception:  # not answered, or of the wrong form: judged elsewhere
            continue
        left.setdefault(str(run.parameters[name]), {})[int(run.parameters["seed"])] = trace
    for value, traces in left.items():
        first, *others = traces.values()
        if others and all(_is_same_run(first, other) for other in others):
            raise KnownMistake(
                "the seed is ignored", f"{value}: {len(traces)} seeds leave the same {what}"
            )
