"""Sandboxes for tests: those that this machine has, and a way to execute a notebook in them."""

import os
from collections.abc import Callable

import pytest

from assay.course.assignment import Assignment
from assay.errors import OurFault
from assay.execution.execute import Ended
from assay.sandbox.sandbox import Sandbox
from tests.toys import toy as toys
from tests.toys.shared import MACHINE, execute
from tests.toys.toy import submission

PINNED = int(os.environ.get("ASSAY_PINNED_ISOLATION", "0"))
"""A machine that is to test the sandbox says so; elsewhere what it lacks is skipped."""

EVERY_SANDBOX = [
    (4, True),
    (3, False),
    pytest.param((4, False), marks=pytest.mark.thorough),
    pytest.param((3, True), marks=pytest.mark.thorough),
]
"""Levels, and whether kernels are forked there; the rest are tested where all tests are."""

PROGRAM = """
import sys
from pathlib import Path
from assay.execution.execute import execute
from assay.execution.machine import Machine
from assay.sandbox.level import Level
from assay.sandbox.sandbox import Sandbox
execute(sys.stdin.buffer.read(), Machine(), Sandbox(Level(3), Path(sys.argv[1])))
"""
"""Executes the job on its standard input at level 3, by the bubblewrap that it is told."""


def kept(level: int, *, warm: bool = False) -> Sandbox:
    """A sandbox of this level, or a skipped test where the machine cannot have it."""
    try:
        return MACHINE.isolation.at(level, warm=warm)
    except OurFault as error:
        if level <= PINNED:
            raise
        pytest.skip(str(error.what))


def executing(course: Assignment, chosen: Sandbox) -> Callable[..., Ended]:
    """Execute a notebook of these cells, with 512 MB and other limits as they are told."""

    def of(*cells: str, **limits: float) -> Ended:
        small = course.model_copy(
            update={"limits": course.limits.model_copy(update={"memory_mb": 512.0, **limits})}
        )
        return execute(toys.jobs(small, submission(*cells))[0].packed, chosen)

    return of
