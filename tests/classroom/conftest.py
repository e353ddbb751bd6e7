"""One PostgreSQL, and one class that is graded, for all tests of a session."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.classroom.gradebook import Gradebook
from tests.classroom.killed import Writers, writers
from tests.classroom.postgres import cluster, fresh_database
from tests.classroom.rooms import assay, begun, course
from tests.toys.once import once


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with cluster() as address:
        yield address


@pytest.fixture(scope="session")
def forked() -> Iterator[Writers]:
    with writers() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "gradebook.sqlite"
    return fresh_database(request.getfixturevalue("postgres"))


@pytest.fixture
def book(where: Path | str) -> Iterator[Gradebook]:
    with Gradebook(where, term="2026") as opened:
        opened.add_assignment("hw1")
        opened.add_person("s1", "Ada Lovelace", {"user": "ada01"})
        opened.add_person("s2", "Ben Barker", {"user": "ben02"})
        yield opened


@pytest.fixture(scope="session")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class of 12, taken in, settled and graded; no test changes it."""
    return once(tmp_path_factory, "evening", graded) / "sums" / "autumn"


def graded(folder: Path) -> None:
    root = course(folder / "sums")
    place = begun(root, "--groups", root / "groups.csv")
    text = (place / "class.toml").read_text()
    (place / "class.toml").write_text(
        text.replace("# percent_a_day", "percent_a_day") + '"H. Lamarr" = "hedy"\n'
    )
    assay("class", "take", place, *root.glob("*.zip"))
    assay("class", "grade", place, "--require-isolation", 0, code=3)


@pytest.fixture
def copy(evening: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    shutil.copytree(evening.parent, tmp_path / "sums")
    return tmp_path / "sums" / "autumn"
