"""A class to mark, a page that serves it, and one PostgreSQL."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.classroom.conftest import postgres as postgres
from tests.review.classes import a_class

if TYPE_CHECKING:
    from tests.review.markers import Marker, Marking

Begun = Callable[..., "Marking"]
collect_ignore_glob = [] if find_spec("starlette") else ["test_*.py"]  # `.[review]` brings it


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[Begun]:
    """Make a class and its page: `begun(people=4, texts={…})`."""
    from tests.review.markers import Marking

    open_: list[Marking] = []

    def begin(**how: object) -> Marking:
        room = a_class(tmp_path / f"c{len(open_)}", **how)  # type: ignore[arg-type]
        open_.append(Marking(room))
        return open_[-1]

    yield begin
    for one in open_:
        one.room.book.close()


@pytest.fixture
def tom(begun: Begun) -> "Marker":
    """A marker before a class of four."""
    return begun().marker("tom")
