"""A course with a public question, and what its students get."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.handout import make, put
from tests.handout import courses
from tests.toys.once import once


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    with courses.course(tmp_path / "course") as made:
        yield made


@pytest.fixture(scope="session")
def handed_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handout; no test changes it."""
    return once(tmp_path_factory, "handed_out", hand_out) / "handout"


def hand_out(folder: Path) -> None:
    with courses.course(folder / "course") as made:
        put.put(make.make(made), folder / "handout")


@pytest.fixture
def folder(handed_out: Path, tmp_path: Path) -> Path:
    """The same to be changed, in a folder as students have them."""
    path = tmp_path / "Ada's Übung 1"
    shutil.copytree(handed_out, path)
    return path
