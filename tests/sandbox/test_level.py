"""What a level of isolation holds is asked by name."""

import re
from pathlib import Path

import pytest

from assay.execution.isolation import KEPT_FROM
from assay.records import Isolation
from assay.sandbox.level import Level
from assay.sandbox.sandbox import Sandbox

ASSAY = Path(__file__).parents[2] / "assay"
HOLDS = ["guards_files", "has_own_user", "has_own_view", "has_own_group"]
COMPARED = re.compile(r"level\w*\)? ?(?:[<>]=?|[=!]=) ?\d|\d ?(?:[<>]=?|[=!]=) ?[\w.]*level\b")


@pytest.mark.parametrize("level", Level)
def test_a_level_holds_one_thing_more_than_the_one_below(level: Level):
    """In the order of their names."""
    assert [name for name in HOLDS if getattr(level, name)] == HOLDS[:level]


def test_each_level_but_none_is_proved_by_attempts():
    """A level that the canary proves nothing of would be a wish."""
    assert list(KEPT_FROM) == [level for level in Level if level]
    assert all(KEPT_FROM.values())


def test_results_and_messages_have_the_number():
    """JSON and text say 3, whatever it is called in the code."""
    isolation = Isolation(level=Level.NAMESPACES, means=["namespaces"])

    assert isolation.model_dump(mode="json")["level"] == 3
    assert str(isolation).startswith("level 3, ")
    assert f"{Sandbox(Level(2)).level}" == "2"


@pytest.mark.parametrize("line", ["if level >= 3:", "if 3 <= self.level", "trial.level == 4"])
def test_a_comparison_with_a_number_is_seen(line: str):
    """The test below can fail."""
    assert COMPARED.search(line)


def test_no_code_compares_a_level_with_a_number():
    """What a number stands for is known in one place."""
    files = [*(ASSAY / "sandbox").rglob("*.py"), *(ASSAY / "execution").rglob("*.py")]
    found = [f"{p.name}: {m[0]}" for p in files for m in COMPARED.finditer(p.read_text())]

    assert len(files) > 20
    assert found == []
