"""A course with a public question, and what its students get."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.handout import make, put
from tests.handout import courses


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    with courses.course(tmp_path / "course") as made:
        yield made


@pytest.fixture
def folder(course: Assignment, tmp_path: Path) -> Path:
    """The handout, in a folder as students have them."""
    path = tmp_path / "Ada's Übung 1"
    put.put(make.make(course), path)
    return path
