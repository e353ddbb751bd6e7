"""What a package may know, print and load; pyproject.toml holds the order of its files."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.execution import execute, job
from assay.sandbox import workdirs

ROOT = Path(__file__).parents[1]


def files(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py"))


def module(path: Path) -> str:
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return dotted.removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Every module and every name that a file imports, dotted; inside functions too."""
    package = module(path) if path.name == "__init__.py" else module(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package.split(".")[: -node.level + 1 or None]) if node.level else ""
            source = ".".join(part for part in (above, node.module) if part)
            yield from (f"{source}.{alias.name}" for alias in node.names)


INSIDE = files("assay/sandbox/inside")
ALSO = {"ask": {"numpy"}, "boot": {"ipykernel", "landlock", "no_screen", "seccomp"}}
"""What a file needs beside the standard library: NumPy, the kernel itself, files of this folder."""


@pytest.mark.parametrize("path", INSIDE, ids=lambda path: path.stem)
def test_what_enters_a_sandbox_brings_nothing_of_ours(path: Path):
    """The folder holds every file of assay's that enters one: standard library and NumPy only."""
    names = {name.split(".")[0] for name in imported(path)}

    assert names - set(sys.stdlib_module_names) == ALSO.get(path.stem, set())


def test_every_file_that_enters_a_sandbox_stands_in_its_folder():
    """The listing of the folder is the claim of docs/sandbox.md.

    Beside it `assay.rubric` enters, if the exam imports it (tests/rubric/test_inside.py).
    """
    entering = {*workdirs.IN_THE_SANDBOX, *job.OURS.values(), execute.TRACE_FILE}

    assert {path.name for path in INSIDE} - {"__init__.py"} == entering


FOREIGN = {
    "assay": {"solution", "rubric_tests", "tests", "benchmarks"},
    "solution": {"assay", "rubric_tests", "tests"},
    "rubric_tests": {"assay", "tests"},
}


LIBRARY = "assay.rubric."
"""What a rubric is written with: all of assay that it may import."""


@pytest.mark.parametrize("package", FOREIGN)
def test_packages_know_nothing_of_each_other(package: str):
    """The harness, the solution and the rubric: only the rubric may look at the solution."""
    names = {name for path in files(package) for name in imported(path)}
    if package == "rubric_tests":
        names = {name for name in names if not f"{name}.".startswith(LIBRARY)}
    found = {name.split(".")[0] for name in names}

    assert found
    assert found.isdisjoint(FOREIGN[package])


SAYS = {"print", "click.echo", "click.secho", "sys.exit", "exit", "quit", "os._exit", "input"}
ALLOWED = {
    "assay.execution.shutdown": {"os._exit"},
    "assay.sandbox.inside.canary": {"os._exit"},
    "assay.sandbox.namespaces": {"os._exit"},
    "assay.sandbox.inside.offline": {
        "print",
        "sys.exit",
    },  # a command of the sandbox's, as `pip` is
    "assay.execution.forkserver_main": {"os._exit"},
    "assay.execution.runner": {"os._exit"},
    "assay.handout.inline": {"print"},  # a command inside a notebook, or a program
    "assay.cli": SAYS,
    "assay.cli.checks": SAYS,
    "assay.cli.classes.console": SAYS,
    "assay.cli.classes.forgetting": SAYS,
    "assay.cli.classes.grading": SAYS,
    "assay.cli.classes.intake": SAYS,
    "assay.cli.classes.leaving": SAYS,
    "assay.cli.classes.marking": SAYS,
    "assay.cli.exports": SAYS,
    "assay.cli.handouts": SAYS,
    "assay.cli.reviewing": SAYS,
    "assay.cli.steps": SAYS,
    "assay.cli.starting": SAYS,
    "assay.cli.tools": SAYS,
}


@pytest.mark.parametrize("path", files("assay"), ids=module)
def test_only_the_command_line_prints_or_exits(path: Path):
    """Besides it, what runs a notebook ends its own process, and progress writes to its console;
    `assay.check()` shows what it finds where it is called."""
    tree = ast.walk(ast.parse(path.read_text()))
    said = {ast.unparse(node.func) for node in tree if isinstance(node, ast.Call)} & SAYS

    assert said <= ALLOWED.get(module(path), set())
    assert "SystemExit(" not in path.read_text()


IMPURE = {"subprocess", "socket", "os", "pathlib", "shutil", "tempfile", "urllib", "requests"}


@pytest.mark.parametrize("path", files("assay/report") + files("assay/export"), ids=module)
def test_reports_and_exports_are_pure(path: Path):
    """Results in, text and pictures out: no files, no processes, no network."""
    names = set(imported(path))

    assert IMPURE.isdisjoint(name.split(".")[0] for name in names)
    assert not any(
        name.startswith(("assay.execution", "assay.sandbox", "assay.evidence.store"))
        for name in names
    )


def loaded_by(*modules: str) -> set[str]:
    """What a fresh interpreter has loaded after importing these."""
    program = f"import {', '.join(modules)}, sys, json; print(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, cwd=ROOT, check=True
    )
    return set(json.loads(ended.stdout))


def test_a_report_runs_nothing_even_at_second_hand():
    """Rendering loads neither the runner, nor the store, nor papermill."""
    loaded = loaded_by("assay.report.markdown", "assay.report.plots", "assay.report.summary")

    assert not any(
        name.startswith(("assay.execution", "assay.sandbox", "assay.evidence.store", "papermill"))
        for name in loaded
    )


def test_the_front_door_loads_nothing_by_itself():
    """What it exports is imported when it is asked for."""
    assert not any(name.startswith("assay.") for name in loaded_by("assay"))


def test_the_command_line_is_quick_to_load():
    """Its help needs neither NumPy nor pydantic."""
    assert loaded_by("assay.cli").isdisjoint({"numpy", "pydantic", "matplotlib", "papermill"})
