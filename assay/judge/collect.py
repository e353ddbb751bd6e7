"""A pytest plugin that judges nothing: it lists the tests of a rubric, and what is wrong with them.

It is loaded beside the judge's own plugin, so that fixtures and markers are those of a judgement.
"""

import faulthandler
import inspect
import json
import re
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from pluggy import PluginValidationError

from assay.course import rubric
from assay.judge import fixtures
from assay.judge.evidence_view import Collected, Listed
from assay.judge.plugin import MARKERS, PER_RUN, VIEW, no_end

FILE = "collected.json"
ONE_TEXT = {"criterion", "hint"}

READS = {"run", "evidence", "given", "kept", "runs", "submission"}
"""What a test can know a submission by."""
OF_PYTEST = ("skip", "skipif", "xfail")
SECONDS = 60.0
"""Of processor time, until what a file does while it is imported is interrupted."""
ENDS = (KeyboardInterrupt, SystemExit, pytest.exit.Exception)
"""What would end pytest with no word about the file that raised it."""

FAULTS = pytest.StashKey[list[dict[str, str]]]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """From here on the course's code is imported: what never ends, or ends us, has a place too."""
    faulthandler.enable(all_threads=False)  # pytest's own begins after the first conftest.py
    signal.signal(signal.SIGPROF, _time_up)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)
    with no_end():
        try:
            yield
        except PluginValidationError as error:
            place = _of_hook(error, early_config.rootpath)
            raise pytest.UsageError(f"\n{place}\nE   {_in_a_line(error)}") from None
        except ENDS as error:
            place = rubric.place_of(error, early_config.rootpath)
            raise pytest.UsageError(f"\n{place}\nE   {type(error).__name__}: {error}") from None


def _in_a_line(error: PluginValidationError) -> str:
    """Return what pluggy says, without the plugin, which is a file that is named already."""
    said = re.sub(r" in plugin <.*|^Plugin .* for ", "", " ".join(str(error).split()))
    return f"PluginValidationError: {said}"


def _time_up(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"took longer than {SECONDS:g} s")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that ends pytest while it is collected, or has itself left out."""
    root = collector.config.rootpath
    try:
        with no_end():
            report = yield
    except ENDS as error:
        where = rubric.place_of(error, root) or f"{_relative(collector.path, root)}:1"
        _add(collector.config, where, f"{type(error).__name__}: {error}")
        return pytest.CollectReport(collector.nodeid, "failed", str(error), [])
    if report.skipped and isinstance(report.longrepr, tuple):
        file, line, reason = report.longrepr
        said = f"the file is left out, and its tests judge no submission: {reason}"
        _add(collector.config, f"{_relative(Path(file), root)}:{line}", said)
    return report


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
    where = rubric.place_of(error, root) or _named_in(str(error), node.path, root)
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    kind = "" if isinstance(error, pytest.fail.Exception) else f"{type(error).__name__}: "
    _add(node.config, where, f"{kind}{message}".split("\n")[0])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config) -> Generator[None]:
    """A hook of the course's that chooses among the tests."""
    try:
        yield
    except Exception as error:
        place = rubric.place_of(error, config.rootpath)
        _add(config, place or "conftest.py:1", f"{type(error).__name__}: {error}")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None]:
    """Hooks that pytest does not know are found after all files are read."""
    try:
        yield
    except PluginValidationError as error:
        _add(session.config, _of_hook(error, session.config.rootpath), _in_a_line(error))
    _write(session)


def _of_hook(error: PluginValidationError, root: Path) -> str:
    """Return the line of a hook that pytest does not take as it is."""
    found = re.search(r"hook '(\w+)'", str(error))
    path = Path(getattr(error.plugin, "__file__", None) or root / "conftest.py")
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    number = (n for n, line in enumerate(lines, 1) if found and f"def {found[1]}(" in line)
    return f"{_relative(path, root)}:{next(number, 1)}"


def _write(session: pytest.Session) -> None:
    """Write down every test, by its function: what its markers say, which fixtures are missing."""
    tests: dict[str, Listed] = {}
    for item in session.items:
        tests.setdefault(item.nodeid.partition("[")[0], _described(item))
        if info := getattr(item, "_fixtureinfo", None):
            for path, line, said in fixtures.faults(info.initialnames, info.name2fixturedefs):
                _add(session.config, f"{_relative(path, item.config.rootpath)}:{line}", said)
    found: Collected = {"tests": list(tests.values()), "faults": session.config.stash[FAULTS]}
    folder = session.config.stash[VIEW].folder
    (folder / FILE).write_text(json.dumps(found, default=repr), encoding="utf-8")


def _described(item: pytest.Item) -> Listed:
    root = item.config.rootpath
    function = getattr(item, "function", None)
    line = _line(function) if function else (item.location[1] or 0) + 1
    where = f"{_relative(item.path, root)}:{line}"
    names = [marker.partition("(")[0] for marker in MARKERS]
    first = {name: mark for name in names if (mark := item.get_closest_marker(name))}
    found: Listed = {
        "name": getattr(item, "originalname", item.name),
        "where": where,
        "markers": {n: {"args": [*m.args], "kwargs": {**m.kwargs}} for n, m in first.items()},
        "left_out": [n for n in OF_PYTEST if any(map(_is_written, item.iter_markers(n)))],
    }
    info = getattr(item, "_fixtureinfo", None)
    if info is not None:
        found["repeated"] = [name for name in names if _own(function).count(name) > 1]
        found["once"] = not PER_RUN & set(info.names_closure)
        found["collects"] = "written" in info.names_closure
        found["reads"] = bool({*READS, "request"} & set(info.names_closure))
        known = {*info.name2fixturedefs, "request", *_parameters(item)}
        found["unknown"] = [name for name in info.names_closure if name not in known]
    return found


def _own(function: Any) -> list[str]:
    """Return the names of the markers that stand at the test itself."""
    return [marker.name for marker in getattr(function, "pytestmark", [])]


def _is_written(marker: pytest.Mark) -> bool:
    """Return whether the course says it: pytest skips what has no runs by itself, as here."""
    if marker.name == "skipif" and not (marker.args and marker.args[0] is True):
        return False
    return not str(marker.kwargs.get("reason", "")).startswith("got empty parameter set")


def _line(function: Any) -> int:
    """Return the line of `def`, which is below its decorators."""
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


def _named_in(said: str, path: Path, root: Path) -> str:
    """The line of the test that a message of pytest's own names, or the first of its file."""
    lines = (
        path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    )
    for name in re.findall(r"\btest_\w+", said):
        for number, line in enumerate(lines, 1):
            if re.match(rf"\s*(async )?def {name}\b", line):
                return f"{_relative(path, root)}:{number}"
    return f"{_relative(path, root)}:1"


def _add(config: pytest.Config, where: str, said: str) -> None:
    fault = {"where": where, "said": said}
    if fault not in config.stash[FAULTS]:
        config.stash[FAULTS].append(fault)
