"""Every import points up this list, never down: a file uses only what stands above it."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = [
    *("ending", "errors", "cores", "syntax", "records", "events", "folders", "assignment"),
    *("archives", "notebook", "intake", "submission", "parameters"),
    *("source", "order", "asked", "headings", "books", "parts", "plan"),
    *("platforms", "discovery"),
    *("run.archive", "run.clock", "run.numerics", "secret", "recipe"),
    *("rubric", "culprit", "advice"),
    *("run.offline", "run.switches", "leftover", "run.ask", "run.assemble"),
    *("run.landlock", "run.no_screen", "run.seccomp", "run.boot", "run.canary"),
    *("run.cgroup", "run.desk", "run.reach", "run.sandbox"),
    *("run.namespaces", "run.forked", "run.slow", "run.warm", "run.prove"),
    *("run.trace", "run.watch", "run.outcome"),
    *("run.sockets", "run.kernel", "run.engine", "run.runner", "run.parent"),
    *("run.execute", "run.work"),
    *("cluster", "evidence", "store", "reference", "schedule", "causes", "audit", "alike"),
    *(
        "judge",
        "course",
        "report",
        "export",
        "progress",
        "grading",
        "publish",
        "calibrate",
        "compare",
    ),
    *("crates", "verify", "rerun", "bundle", "doctor", "classroom", "cli", "__main__"),
]


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


def room(dotted: str) -> str | None:
    """The room of a name of ours, or None where it is the package itself or somebody else's."""
    names = dotted.split(".")
    if names[0] != "assay":
        return None
    return next((r for r in (".".join(names[1:3]), ".".join(names[1:2])) if r in ROOMS), None)


def test_every_file_has_a_room():
    """The list is whole: a new file takes its place in it."""
    homeless = [module(path) for path in files("assay") if not room(module(path))]

    assert homeless == ["assay", "assay.run"]


def test_every_room_has_a_file():
    """The list names nothing that is gone."""
    assert {room(module(path)) for path in files("assay")} - {None} == set(ROOMS)


@pytest.mark.parametrize("path", files("assay"), ids=module)
def test_imports_point_one_way(path: Path):
    """A file imports only its own room and rooms above it."""
    own = ROOMS[-1] if module(path) == "assay" else room(module(path))  # the library's front door
    allowed = {None, *(ROOMS[: ROOMS.index(own) + 1] if own else [])}

    assert {room(name) for name in imported(path)} <= allowed


def test_the_one_file_in_the_kernel_brings_nothing_of_ours():
    """`ask.py` needs the standard library and NumPy; what it loads beside it, not even that."""
    names, beside = (
        {name.split(".")[0] for name in imported(ROOT / f"assay/run/{file}.py")}
        for file in ("ask", "switches")
    )

    assert names - set(sys.stdlib_module_names) == {"numpy"}
    assert beside <= set(sys.stdlib_module_names)


FOREIGN = {
    "assay": {"solution", "rubric_tests", "tests", "benchmarks"},
    "solution": {"assay", "rubric_tests", "tests"},
    "rubric_tests": {"assay", "tests"},
}


@pytest.mark.parametrize("package", FOREIGN)
def test_packages_know_nothing_of_each_other(package: str):
    """The harness, the solution and the rubric: only the rubric may look at the solution."""
    found = {name.split(".")[0] for path in files(package) for name in imported(path)}

    assert found
    assert found.isdisjoint(FOREIGN[package])


SAYS = {"print", "click.echo", "click.secho", "sys.exit", "exit", "quit", "os._exit", "input"}
ALLOWED = {
    "assay.ending": {"os._exit"},
    "assay.run.canary": {"os._exit"},
    "assay.run.namespaces": {"os._exit"},
    "assay.run.offline": {"print", "sys.exit"},  # a command of the sandbox's, as `pip` is
    "assay.run.parent": {"os._exit"},
    "assay.run.runner": {"os._exit"},
    "assay.cli": SAYS,
    "assay.cli.checks": SAYS,
    "assay.cli.exports": SAYS,
    "assay.cli.steps": SAYS,
    "assay.cli.tools": SAYS,
}


@pytest.mark.parametrize("path", files("assay"), ids=module)
def test_only_the_command_line_prints_or_exits(path: Path):
    """Besides it, what runs a notebook ends its own process, and progress writes to its console."""
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
    assert not any(name.startswith(("assay.run", "assay.store")) for name in names)


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

    assert not any(name.startswith(("assay.run", "assay.store", "papermill")) for name in loaded)


def test_the_front_door_loads_nothing_by_itself():
    """It stands at both ends of the list: what it exports is imported when it is asked for."""
    assert not any(name.startswith("assay.") for name in loaded_by("assay"))


def test_the_command_line_is_quick_to_load():
    """Its help needs neither NumPy nor pydantic."""
    assert loaded_by("assay.cli").isdisjoint({"numpy", "pydantic", "matplotlib", "papermill"})
