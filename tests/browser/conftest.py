"""One browser for all tests that need one."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.classroom.conftest import postgres as postgres


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from docs.screenshots import chromium, executable  # playwright may be missing

    if not executable() and not os.environ.get("ASSAY_PINNED_BROWSER"):
        pytest.skip("there is no Chromium here")
    with chromium() as started:
        yield started
