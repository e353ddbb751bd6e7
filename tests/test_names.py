"""The contract's tables are the code's table, and the exams ask for nothing else."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from assay.rubric import table
from rubric_tests.names import PARTS

ROOT = Path(__file__).parents[1]
CONTRACT = (ROOT / "docs" / "contract.md").read_text()
TABLES = re.findall(r"<!-- names: (\S+) (\w+) -->\n(.*?)\n<!-- end -->", CONTRACT, re.DOTALL)
PARAMETERS = {"seed", "dataset", "task"}
OF_THE_SHELL = {"In"}  # what was executed
OF_THE_HARNESS = {"instances", "has"}


@pytest.mark.parametrize(
    ("module", "name", "written"), TABLES, ids=[" ".join(t[:2]) for t in TABLES]
)
def test_the_contract_is_the_table_in_the_code(module: str, name: str, written: str):
    """To the letter: `python -m rubric_tests.names` prints them."""
    assert written == table(getattr(import_module(module), name))


def test_every_table_stands_in_the_contract():
    """Both parts, and the functions that serve instead of a class."""
    assert {(module, name) for module, name, _ in TABLES} == {
        ("rubric_tests.part1.names", "NAMES"),
        ("rubric_tests.part1.names", "FUNCTIONS"),
        ("rubric_tests.part2.names", "NAMES"),
    }


@pytest.mark.parametrize("part", PARTS)
def test_the_exam_asks_for_what_the_table_names(part: str):
    """Every `student.NAME` of exam and fallback stands in the table, or is a parameter."""
    module = import_module(f"rubric_tests.{part}.names")
    rows = [*module.NAMES, *(r for rows in getattr(module, "INSTEAD", {}).values() for r in rows)]
    known = {name for row in rows for name in row.names}
    files = (ROOT / "rubric_tests" / part).rglob("*.py")
    texts = [path.read_text() for path in files if not path.name.startswith("test_")]
    asked = {name for text in texts for name in re.findall(r"\bstudent\.(\w+)", text)}

    assert asked - PARAMETERS - OF_THE_SHELL - OF_THE_HARNESS - {"encode", "decode"} <= known
    assert known & asked
