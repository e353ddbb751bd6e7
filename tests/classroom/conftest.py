"""One PostgreSQL for all tests of a session."""

from collections.abc import Iterator

import pytest

from tests.classroom.postgres import cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with cluster() as address:
        yield address
