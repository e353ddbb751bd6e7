"""`--kill-matrix FOLDER` writes what became of every mistake, whichever process graded it.

`--runs FOLDER` keeps the runs of mistakes there: what is in it is judged, and not run again.
"""

import json
import sys
from collections.abc import Callable, Generator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from assay.course.assignment import read
from assay.evidence.store import Store
from assay.judge.plugin import MARKERS
from assay.sandbox.inside import ask
from tests.mistakes import matrix
from tests.mistakes.grading import ROOT
from tests.toys.once import shared

UNJUDGED = {"exploration", "comparison", "self-learning", "overview", "commentary"}
"""What a person marks: nothing here can lose it."""


@pytest.fixture(scope="session")
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One for all processes that test: what two tests grade is run once."""
    kept: Path | None = request.config.getoption("--runs")
    return Store(kept or shared(tmp_path_factory) / "mistakes")


@pytest.fixture
def exam_module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """A module of a part's exam by its name, fresh, beside the `ask` that it finds in a kernel."""

    def loaded(name: str, part: str = "part2") -> ModuleType:
        folder = ROOT / "rubric_tests" / part / "exam"
        exam = ModuleType("exam")
        exam.__path__ = [str(folder)]
        for known in [known for known in sys.modules if known.partition(".")[0] == "exam"]:
            monkeypatch.delitem(sys.modules, known)
        monkeypatch.setitem(sys.modules, "ask", ask)
        monkeypatch.setitem(sys.modules, "exam", exam)
        spec = spec_from_file_location(f"exam.{name}", folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return loaded


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kill-matrix", type=Path, help="write the kill matrix into this folder")
    parser.addoption("--runs", type=Path, help="keep runs here: those that are there are judged")


class Collector:
    """Gathers the rows that tests record, from all workers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.rows = folder, dict[str, matrix.Row]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties if report.when == "call" else ():
            if name == "row":
                self.rows[report.nodeid] = matrix.Row(**json.loads(str(value)))

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        rows = [self.rows[nodeid] for nodeid in sorted(self.rows)]
        if not rows:  # collected only, or none of the tests asked for grades a mistake
            return (yield)
        write(self.folder, rows)
        if idle := matrix.idle(rows, criteria()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            print(f"\nthe only killer of no mistake: {', '.join(idle)}")
        return (yield)


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in MARKERS.items():  # the rubric's tests are imported here too
        config.addinivalue_line("markers", f"{name}: {meaning}")
    folder = config.getoption("--kill-matrix")
    if folder and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collector(folder), "kill-matrix")


def criteria() -> dict[str, list[str]]:
    """By part, the criteria that the judge marks."""
    return {
        part.name: [c.name for c in part.criterion if c.name not in UNJUDGED]
        for part in read(ROOT / "assignment.toml").part
    }


def write(folder: Path, rows: list[matrix.Row]) -> None:
    (folder / "kill-matrix.md").write_text(matrix.page(rows, criteria()))
    for part, names in criteria().items():
        of_part = [row for row in rows if row.part == part]
        (folder / f"kill-matrix-{part}.svg").write_bytes(matrix.picture(of_part, names))
