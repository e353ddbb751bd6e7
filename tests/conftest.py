"""Fixtures that several test files share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.assignment import Assignment
from assay.store import Store
from tests.assay import toy as toys


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Assignment]:
    """A small assignment in a folder of its own: one part, one seed, one data set."""
    with toys.course(tmp_path / "course") as assignment:
        yield assignment


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")
