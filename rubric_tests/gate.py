"""That nothing bad was found counts only where there is something.

Many properties hold of any numbers of the right shape. So a test that holds, or that is left out,
is looked at once more: where no piece of the part works, it has nothing to say. A test that fails
or is not answered keeps its own reason.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any

import pytest

from assay.rubric import ForReview

Works = Callable[[Any], None]
"""Raises where no piece of the part works in a run."""
LOOK = pytest.StashKey[Callable[[], None]]()


def keep(request: pytest.FixtureRequest, works: Works) -> None:
    """Keep for the end of a test how to find out whether there is something."""
    if "run" in request.fixturenames:
        run = request.getfixturevalue("run")
        request.node.stash[LOOK] = lambda: works(run)
    elif not request.node.get_closest_marker("review"):
        runs = request.getfixturevalue("runs")
        request.node.stash[LOOK] = lambda: in_any(runs, works)


def look_once_more(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let the test run; where it holds or is left out, find out whether there is something."""
    try:
        result = yield
    except (ForReview, pytest.skip.Exception):
        look(item)
        raise
    look(item)
    return result


def look(item: pytest.Item) -> None:
    if LOOK in item.stash:
        item.stash[LOOK]()


def in_any(runs: Sequence[Any], works: Works) -> None:
    """Raise where it is so in every run."""
    for run in runs[1:]:
        try:
            return works(run)
        except AssertionError:
            continue
    works(runs[0])
