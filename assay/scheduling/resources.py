"""What this machine has to compute with."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

import psutil

from assay import portable


class ResourcePool:
    """The cores and the memory of this machine: no more jobs at once than either allows."""

    def __init__(self, workers: int, memory: int | None = None) -> None:
        self.workers = workers
        self._free = workers
        self._memory = psutil.virtual_memory().available if memory is None else memory
        self._waiting_to_be_alone = 0
        self._change = Condition()

    @contextmanager
    def taken(self, memory: int = 0) -> Iterator[None]:
        """Block until a core and that many bytes are free; a job that needs all runs alone."""
        with self._change:
            self._change.wait_for(lambda: self._has_room(memory))
            self._free, self._memory = self._free - 1, self._memory - memory
        try:
            yield
        finally:
            with self._change:
                self._free, self._memory = self._free + 1, self._memory + memory
                self._change.notify_all()

    @contextmanager
    def idle(self, at_most: int) -> Iterator[int]:
        """Take cores that are free now, without waiting; how many, as few as none."""
        with self._change:
            spare = 0 if self._waiting_to_be_alone else max(0, min(self._free, at_most))
            self._free -= spare
        try:
            yield spare
        finally:
            with self._change:
                self._free += spare
                self._change.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for all cores, while nothing new begins, and hold them."""
        with self._change:
            self._waiting_to_be_alone += 1
            self._change.wait_for(lambda: self._free == self.workers)
            self._waiting_to_be_alone -= 1
            self._free = 0
        try:
            yield
        finally:
            with self._change:
                self._free = self.workers
                self._change.notify_all()

    def _has_room(self, memory: int) -> bool:
        if self._waiting_to_be_alone:
            return False
        return self._free == self.workers or (self._free > 0 and memory <= self._memory)


def available_cores() -> int:
    """How many runs may compute at once: one thread each."""
    return portable.cores()
