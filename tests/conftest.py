"""Fixtures that several test files share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import threadpoolctl
from hypothesis import HealthCheck, settings

from assay.course.assignment import Assignment
from assay.evidence import numerics
from assay.evidence.store import Store
from tests.toys import toy as toys
from tests.toys.shared import MACHINE

os.environ.update(numerics.ONE_THREAD)  # for what is imported later, and for other processes
threadpoolctl.threadpool_limits(1)  # for what has been imported by now

# what is started with `&` ignores Ctrl-C, and so would the commands that a test stops by it
signal.signal(signal.SIGINT, signal.default_int_handler)


# how long an example takes, or takes to be drawn, is up to what else the machine does
settings.register_profile("assay", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("assay")


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Assignment]:
    """A small assignment in a folder of its own: one part, one seed, one data set."""
    with toys.course(tmp_path / "course") as assignment:
        yield assignment


@pytest.fixture(autouse=True)
def going() -> Iterator[None]:
    """After a test that stops what all tests share, the others go on."""
    yield
    MACHINE.stopping.clear()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")
