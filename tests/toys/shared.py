"""The machine that all tests of a process share: imports are made, and sandboxes proved, once."""

from assay.execution import execute as executing
from assay.execution.execute import Ended
from assay.execution.machine import Machine
from assay.sandbox.sandbox import Sandbox

MACHINE = Machine()


def execute(job: bytes, kept_in: Sandbox | None = None) -> Ended:
    """Execute a job on the shared machine."""
    return executing.execute(job, MACHINE, kept_in)
