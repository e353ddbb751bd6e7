"""One PostgreSQL, and one class that is graded, for all tests of a session."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.classroom.postgres import cluster
from tests.classroom.rooms import assay, begun, course


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with cluster() as address:
        yield address


@pytest.fixture(scope="session")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class of 12, taken in, settled and graded; no test changes it."""
    root = course(tmp_path_factory.mktemp("evening") / "sums")
    place = begun(root, "--groups", root / "groups.csv")
    text = (place / "class.toml").read_text()
    (place / "class.toml").write_text(
        text.replace("# percent_a_day", "percent_a_day") + '"H. Lamarr" = "hedy"\n'
    )
    assay("class", "take", place, *root.glob("*.zip"))
    assay("class", "grade", place, "--require-isolation", 0, code=3)
    return place


@pytest.fixture
def copy(evening: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    shutil.copytree(evening.parent, tmp_path / "sums")
    return tmp_path / "sums" / "autumn"
