"""assay.rubric as a library: what it imports, what it exports, and its examples."""

import ast
import doctest
import json
import pkgutil
import subprocess
import sys
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import assay.rubric as library
from assay.course import rubric
from assay.evidence import answers
from assay.judge import plugin

ROOT = Path(__file__).parents[2]
MODULES = [import_module(f"assay.rubric.{m.name}") for m in pkgutil.iter_modules(library.__path__)]


def loaded_after(program: str) -> set[str]:
    """The modules that a fresh interpreter has after these lines."""
    lines = f"{program}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, check=True)
    return set(json.loads(ended.stdout))


def test_it_imports_nothing_else_of_assay():
    """`import assay.rubric` brings the front door, itself and NumPy: no pytest, and no pydantic."""
    more = loaded_after("import assay.rubric") - loaded_after("import numpy, numpy.typing")

    assert {name for name in more if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "assay",
        "assay.rubric",
        "assay.rubric.causes",
        "assay.rubric.comparison",
        "assay.rubric.mistakes",
        "assay.rubric.names",
        "assay.rubric.properties",
        "assay.rubric.questions",
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_it_needs_numpy_alone(module: ModuleType):
    """The standard library and NumPy; pytest inside of one function, where tests run."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    names = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    foreign = {name for name in names if name.split(".")[0] not in sys.stdlib_module_names}
    allowed = {"pytest"} if module.__name__.endswith("causes") else set()

    assert all(
        name.startswith(("numpy", "assay.rubric.")) or name in allowed for name in foreign
    ), foreign


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_examples_say_what_happens(module: ModuleType):
    """Every example is run, and prints what it says."""
    known = {"np": np, **{name: getattr(library, name) for name in library.__all__}}
    found = doctest.testmod(module, extraglobs=known)

    assert found.failed == 0
    assert found.attempted > 0


EXPLAINED = sorted(set(library.__all__) - {"SOME", "Causes", "Check", "Shape"})
"""All but a constant and three types, which have a line of their own below them."""


@pytest.mark.parametrize("name", EXPLAINED)
def test_every_function_and_class_has_an_example(name: str):
    """Its docstring says what it does, and shows it."""
    says = getdoc(getattr(library, name)) or ""

    assert ">>> " in says
    assert says[0].isupper()


def test_a_length_that_is_not_none_is_one_number_for_all():
    """The rubric's word for it is the harness's."""
    assert library.SOME == answers.SOME


def test_a_check_that_is_called_wrongly_is_a_fault_of_the_line_that_calls_it():
    """Here assay lies in the folder of the course: its lines are not the course's all the same."""
    x = np.arange(4.0).reshape(1, 2, 2)

    with pytest.raises(ValueError, match="leaves everything in its place") as raised:
        library.assert_permuted(x, x, [0, 1])

    places = [place(raised.value, ROOT) for place in (plugin.place_of, rubric.place_of)]
    line = raised.traceback[0].lineno + 1
    assert places == [f"tests/rubric/test_library.py:{line}"] * 2
