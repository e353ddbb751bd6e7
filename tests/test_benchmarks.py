"""The benchmarks' pure parts: the page is made from the numbers, and names all that measures."""

import ast
import importlib
import json
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from benchmarks import cost, page, pictures, questions, tools

MODULES = sorted(path.stem for path in (tools.ROOT / "benchmarks").glob("*.py"))
ON = {"date": "2026-11-25", "processor": "a processor", "cores": "2", "Python": "3.11"}
RESULTS = {
    "sweep": {
        "on": ON,
        "runs": 16,
        "seconds": {
            "assay, start-up counted": [20.0, 20.0, 22.0],
            "assay, once warm": [10.0, 12.0, 11.0],
            "papermill, one after another": [120.0, 130.0, 121.0],
        },
    },
    "graders": {
        "on": ON,
        "students": 8,
        "cpu": {
            "assay": {"first": [8.0], "all": [11.5], "further": [0.5]},
            "otter": {"first": [3.0], "all": [24.0], "further": [3.0]},
        },
    },
    "memory": {
        "on": ON,
        "samples": [
            {"runs": 20, "seconds": 9.0, "harness": 90.0},
            {"runs": 40, "seconds": 18.0, "harness": 91.0, "parent of kernels": 200.0},
            {"runs": 60, "seconds": 27.0, "harness": 91.5, "parent of kernels": 200.0},
        ],
    },
}


@pytest.mark.parametrize("name", MODULES)
def test_every_benchmark_can_be_imported(name: str):
    """To import one measures nothing."""
    module = importlib.import_module(f"benchmarks.{name}")

    assert module.__doc__


def test_no_two_benchmarks_import_each_other():
    """Imports run one way, those inside functions too."""
    needs = {name: set(_imported(name)) for name in MODULES}

    assert "tools" in needs["sweep"]
    assert len(list(TopologicalSorter(needs).static_order())) == len(MODULES)


def _imported(name: str) -> list[str]:
    tree = ast.parse((tools.ROOT / "benchmarks" / f"{name}.py").read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    own = [node for node in found if (node.module or "").startswith("benchmarks")]
    of_names = [alias.name for node in own if node.module == "benchmarks" for alias in node.names]
    return of_names + [str(n.module).split(".")[1] for n in own if n.module != "benchmarks"]


def test_every_benchmark_is_named_on_the_page():
    """docs/benchmarks.md says how each is run."""
    written = Path(page.PAGE).read_text()

    assert [n for n in page.benchmarks() if f"`nox -s bench -- {n}`" not in written] == []


def test_without_names_all_that_write_the_page_are_run():
    """`nox -s bench` measures every section of docs/benchmarks.md, in their order."""
    sections = json.dumps(list(page.SECTIONS))

    assert f"measured = {sections}\n" in (tools.ROOT / "noxfile.py").read_text()


def test_modules_that_measure_nothing_are_there():
    """What the page leaves out of its list is a module."""
    assert set(page.PARTS_OF_OTHERS) <= set(MODULES)


def test_the_page_has_medians_ranges_and_ratios():
    """Ratios are taken round by round, and the middle one is shown."""
    written = page.measured(RESULTS)

    assert "| papermill, one after another | 121.0 (120.0 to 130.0) | 7.9 | 6.00" in written
    assert "| 11.00 (10.83 to 12.00) |" in written
    assert "| otter | 3.00 | 3.00 | 6.0 | 24.0 |" in written
    assert "| harness | 91 MB | 92 MB |" in written
    assert "Measured 2026-11-25, a processor, 2 cores: Python 3.11." in written


def test_what_is_around_the_measured_part_stays():
    """The page is written again between its marks, as often as one likes."""
    before = f"# Speed\n\n{page.BEGIN}\nwhat was\n{page.END}\n\n## By hand\n"
    once = page.placed(before, RESULTS)

    assert once.startswith("# Speed\n")
    assert once.endswith(f"{page.END}\n\n## By hand\n")
    assert "what was" not in once
    assert page.placed(once, RESULTS) == once


def test_pictures_are_drawn_where_there_are_numbers():
    """Two pictures, the same bytes for the same numbers."""
    drawn = pictures.drawn(RESULTS)

    assert drawn.keys() == {"benchmarks.png", "benchmarks-memory.png"}
    assert drawn == pictures.drawn(RESULTS)
    assert pictures.drawn({}) == {}


def test_every_mistake_of_the_class_changes_the_code():
    """A student who got something wrong hands in something else than one who did not."""
    right = questions.answers("ada")
    wrong = {s: [n for n in right if questions.answers(s)[n] != right[n]] for s in questions.MARKS}

    assert wrong == {student: list(names) for student, names in questions.MISTAKES.items()}


DAEMON = """
import os, time
if not os.fork():
    os.setsid()
    while time.process_time() < 0.5:
        pass
"""


def test_a_daemon_that_outlives_its_command_is_counted():
    """Processor time is that of everything a command started, not only of what it waited for."""
    found = cost.of(sys.executable, "-c", DAEMON)

    if found.cpu is None:
        pytest.skip("this machine lets us make no control group")
    assert found.cpu > 0.5
