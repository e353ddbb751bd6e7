"""A pytest plugin that judges nothing: it lists the tests of a rubric, and what is wrong with them.

It is loaded beside the judge's own plugin, so that fixtures and markers are those of a judgement.
"""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from assay import rubric
from assay.judge.plugin import BENCH, MARKERS

FILE = "collected.json"
ONE_TEXT = {"criterion", "hint"}

READS = {"run", "evidence", "given", "kept", "runs", "submission"}
"""What a test can know a submission by."""
OF_PYTEST = ("skip", "xfail")

FAULTS = pytest.StashKey[list[dict[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FAULTS] = []


def pytest_exception_interact(
    node: pytest.Item | pytest.Collector, call: "pytest.CallInfo[Any]"
) -> None:
    """A file that cannot be collected: where, and why."""
    if call.excinfo is None:
        return
    root = node.config.rootpath
    error = call.excinfo.value
    cause = error.__cause__ if isinstance(error, pytest.Collector.CollectError) else None
    error = cause or error
    where = rubric.place_of(error, root) or f"{_relative(node.path, root)}:1"
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    kind = "" if isinstance(error, pytest.fail.Exception) else f"{type(error).__name__}: "
    _add(node.config, where, f"{kind}{message}".split("\n")[0])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write down every test, by its function: what its markers say, which fixtures are missing."""
    tests: dict[str, dict[str, Any]] = {}
    for item in session.items:
        tests.setdefault(item.nodeid.partition("[")[0], _described(item))
    found = {"tests": list(tests.values()), "faults": session.config.stash[FAULTS]}
    folder = session.config.stash[BENCH].folder
    (folder / FILE).write_text(json.dumps(found, default=repr), encoding="utf-8")


def _described(item: pytest.Item) -> dict[str, Any]:
    root = item.config.rootpath
    function = getattr(item, "function", None)
    line = _line(function) if function else (item.location[1] or 0) + 1
    where = f"{_relative(item.path, root)}:{line}"
    found: dict[str, Any] = {"name": getattr(item, "originalname", item.name), "where": where}
    for marker in MARKERS:
        name = marker.partition("(")[0]
        first = item.get_closest_marker(name)
        if first:
            found[name] = {"args": list(first.args), "kwargs": dict(first.kwargs)}
    found["left_out"] = [
        name for name in OF_PYTEST if any(map(_is_written, item.iter_markers(name)))
    ]
    info = getattr(item, "_fixtureinfo", None)
    if info is not None:
        found["reads"] = bool({*READS, "request"} & set(info.names_closure))
        known = {*info.name2fixturedefs, "request", *_parameters(item)}
        found["unknown"] = [name for name in info.names_closure if name not in known]
    return found


def _is_written(marker: pytest.Mark) -> bool:
    """Whether the course says it: pytest skips what has no runs by itself, as here."""
    return not str(marker.kwargs.get("reason", "")).startswith("got empty parameter set")


def _line(function: Any) -> int:
    """The line of `def`, which is below its decorators."""
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return int(function.__code__.co_firstlineno)
    offset = next((i for i, line in enumerate(lines) if line.lstrip().startswith("def ")), 0)
    return first + offset


def _parameters(item: pytest.Item) -> set[str]:
    callspec = getattr(item, "callspec", None)
    return set(callspec.params) if callspec else set()


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _add(config: pytest.Config, where: str, said: str) -> None:
    fault = {"where": where, "said": said}
    if fault not in config.stash[FAULTS]:
        config.stash[FAULTS].append(fault)
