"""Plug-ins: an installed package adds an exporter and a sandbox; a broken one is told by name."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from tests.toys import toy as toys
from tests.toys.made import made

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "tests" / "plug_in"
NICE = """
import os
assert os.nice(0) == {nice}, os.nice(0)
"""
HOOK = "from assay.plugins import hookimpl\n@hookimpl\n"
FORMAT = "from assay.export import Format\n"
BROKEN = {
    "cannot be imported": ("1 / 0", "ZeroDivisionError"),
    "ends the program": ("raise SystemExit(0)", "SystemExit"),
    "an unknown hook": (f"{HOOK}def assay_exporter(): return {{}}", "assay_exporter"),
    "an unknown argument": (f"{HOOK}def assay_exporters(course): return {{}}", "course"),
    "a hook that raises": (f"{HOOK}def assay_exporters(): raise KeyError('x')", "KeyError: 'x'"),
    "no table": (f"{HOOK}def assay_exporters(): return ['ledger']", "returned ['ledger']"),
    "no format": (f"{HOOK}def assay_exporters(): return {{'ledger': print}}", "returned {'ledger'"),
    "assay's own name": (
        f"{FORMAT}{HOOK}def assay_exporters(): return {{'canvas': Format(print, '.x')}}",
        "there is a format `canvas` already",
    ),
    "a writer that raises": (
        f"{FORMAT}{HOOK}def assay_exporters(): return {{'ledger': Format(lambda r: 1 / 0, '.x')}}",
        "`ledger`: ZeroDivisionError",
    ),
    "a writer of no text": (
        f"{FORMAT}{HOOK}def assay_exporters(): return {{'ledger': Format(lambda r: b'', '.x')}}",
        "`ledger` wrote b'', and no text",
    ),
}
WRAPS = """
from assay.plugins import hookimpl
from assay.sandbox.level import Level
from assay.sandbox.sandbox import Sandbox, Wrapper

@hookimpl
def assay_sandboxes(bubblewraps):
    levels = [Level.CGROUP, Level.NAMESPACES]
    wrapper = Wrapper("broken", WRAP)
    seen = [Sandbox(level, each, wrapper=wrapper) for level in levels for each in bubblewraps]
    return [*seen, Sandbox(Level.USER, wrapper=wrapper), Sandbox(Level.LANDLOCK, wrapper=wrapper)]
"""
BROKEN_SANDBOXES = {
    "no sandboxes": (f"{HOOK}def assay_sandboxes(bubblewraps): return [3]", "returned [3]"),
    "a wrapper that raises": (WRAPS.replace("WRAP", "lambda c, d: 1 / 0"), "ZeroDivisionError"),
    "a wrapper of no words": (WRAPS.replace("WRAP", "lambda c, d: 'sh'"), "returned 'sh'"),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed by pip into a folder of its own."""
    source, site = tmp_path_factory.mktemp("plug_in") / "source", tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    alone = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    pip = [sys.executable, "-m", "pip", "install", *alone, "--target", str(site), str(source)]
    subprocess.run(pip, check=True)
    return site


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    """The toy, with the report of a result in `reports/ada`."""
    with toys.course(tmp_path / "course") as assignment:
        report = assignment.root / "reports" / "ada"
        report.mkdir(parents=True)
        (report / "results.json").write_text(made("ada").model_dump_json())
        yield assignment


def assay(course: Assignment, site: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """`assay WORDS...` beside what is installed in `site`."""
    return subprocess.run(
        [sys.executable, "-m", "assay", *words],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": f"{site}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )


def broken(folder: Path, source: str, name: str = "broken") -> Path:
    """A folder in which a plug-in of this name is installed, of this source."""
    about = folder / "broken-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[assay]\n{name} = broken_plug_in\n")
    (folder / "broken_plug_in.py").write_text(source)
    return folder


def test_an_installed_package_adds_a_gradebook(course: Assignment, installed: Path):
    """It is a format like any other, also among several; without the package it is none."""
    alone = assay(course, installed, "export", "ledger", "reports", "--column", "Homework 3")
    both = assay(course, installed, "export", "ledger,canvas", "reports", "--out", "exports")
    without = assay(course, course.root, "export", "ledger", "reports")
    result = made("ada")

    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.splitlines()[0] == "Homework 3"
    assert f"ada: {result.earned:g} of {result.judged_points:g}" in alone.stdout
    assert both.returncode == 0, both.stderr
    assert {path.name for path in (course.root / "exports").iterdir()} == {
        "ledger.txt",
        "canvas.csv",
    }
    assert without.returncode == 2
    assert "'ledger' is not one of 'gradescope', 'canvas'" in without.stderr


def test_a_plug_in_may_be_called_like_a_module_of_assay(course: Assignment, tmp_path: Path):
    """Both answer."""
    site = broken(tmp_path / "site", (EXAMPLE / "made_up.py").read_text(), name="assay.export")
    said = assay(course, site, "export", "ledger", "reports")

    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[1].startswith("ada: ")


def test_an_installed_package_wraps_what_is_run(course: Assignment, installed: Path):
    """Every kernel is started in its layer, the canary proves it, and results name it."""
    nice = min(19, os.nice(0) + 5)
    ada = toys.notebook(toys.PARAMETERS, NICE.format(nice=nice), toys.ADD)
    (course.root / "ada.ipynb").write_bytes(ada)
    graded = assay(course, installed, "grade", "ada.ipynb", "--require-isolation", "1", "--json")

    assert graded.returncode == 0, graded.stderr
    result = json.loads((course.root / "reports" / "ada" / "results.json").read_text())
    [run] = result["runs"]
    assert run["outcome"] == "completed", run["reason"]
    assert [cell["error"] for cell in run["cells"] if cell["error"]] == []
    assert "nice" in run["isolation"]["means"]
    assert json.loads(graded.stdout)[0]["earned"] == 2


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_exporter_is_told_by_name(course: Assignment, tmp_path: Path, kind: str):
    """Exit 4, which plug-in and why, and no traceback."""
    source, why = BROKEN[kind]
    site = broken(tmp_path / "site", source)
    said = assay(course, site, "export", "ledger", "reports")

    assert said.returncode == 4, said.stderr
    assert "error: the plug-in `broken` is broken" in said.stderr
    assert why in said.stderr
    assert "Traceback" not in said.stderr


def test_what_is_assays_own_is_exported_beside_a_broken_plug_in(course: Assignment, tmp_path: Path):
    """It is not looked at for a format that assay has."""
    site = broken(tmp_path / "site", "1 / 0")
    said = assay(course, site, "export", "canvas", "reports")

    assert said.returncode == 0, said.stderr
    assert "broken" not in said.stderr


@pytest.mark.parametrize("kind", BROKEN_SANDBOXES)
def test_a_broken_sandbox_marks_nobody(course: Assignment, tmp_path: Path, kind: str):
    """Nothing of a student's is run, and no report says that it was theirs."""
    source, why = BROKEN_SANDBOXES[kind]
    site = broken(tmp_path / "site", source)
    (course.root / "bob.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, toys.ADD))
    said = assay(course, site, "grade", "bob.ipynb", "--require-isolation", "1")

    assert said.returncode == 4, said.stderr
    assert "error: the plug-in `broken` is broken" in said.stderr
    assert why in said.stderr
    assert "Traceback" not in said.stderr
    assert not (course.root / "reports" / "bob" / "results.json").exists()


def test_the_page_shows_the_example():
    """docs/plugins.md holds the module as it is tested here."""
    page = (ROOT / "docs" / "plugins.md").read_text()

    assert (EXAMPLE / "made_up.py").read_text() in page
    assert '[project.entry-points.assay]\nmade-up = "made_up"\n' in page
    assert (
        '[project.entry-points.assay]\nmade-up = "made_up"\n'
        in (EXAMPLE / "pyproject.toml").read_text()
    )
