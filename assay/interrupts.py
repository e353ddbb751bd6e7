"""When Ctrl-C may come."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_back() -> Iterator[None]:
    """Raise at the end what Ctrl-C says meanwhile.

    A pool that is interrupted while it starts a thread does not know of the thread afterwards, and
    never joins it. Only the main thread is ever interrupted.
    """
    came: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    usual = {number: signal.getsignal(number) for number in ENDS if is_main}
    held = {number: handler for number, handler in usual.items() if callable(handler)}
    try:
        for number in held:
            signal.signal(number, lambda number, frame: came.append(number))
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for first in came[:1]:  # whatever else went wrong meanwhile
            held[signal.Signals(first)](first, None)
