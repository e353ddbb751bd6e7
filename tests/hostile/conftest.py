"""What the tests of hostile submissions share."""

import signal
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def within() -> Iterator[Callable[[float], None]]:
    """A limit on the processor time of what follows."""

    def stop(number: int, frame: object) -> None:
        raise TimeoutError("took more processor time than it may")

    before = signal.signal(signal.SIGVTALRM, stop)
    yield lambda seconds: signal.setitimer(signal.ITIMER_VIRTUAL, seconds) and None
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)
