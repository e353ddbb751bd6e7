"""What the sandbox costs: one notebook in it and in a bare kernel, interleaved.

    python -m benchmarks.sandbox

Prints Markdown: medians, and the median of the ratios of neighbours.
"""

import statistics
import tempfile
import time
from pathlib import Path

from assay.execution.execute import execute
from assay.execution.machine import Machine
from assay.sandbox.level import Level
from assay.sandbox.sandbox import Sandbox
from tests.toys import toy as toys

WORK = """
import time
import numpy as np
rng, x = np.random.default_rng(0), np.eye(300)
start = time.process_time()
while time.process_time() - start < 4:
    x = np.linalg.qr(x @ rng.normal(size=(300, 300)))[0]
"""


def seconds(job: bytes, machine: Machine, sandbox: Sandbox) -> float:
    start = time.perf_counter()
    ended = execute(job, machine, sandbox)
    if ended.outcome != "completed":
        raise SystemExit(f"level {sandbox.level}: {ended.reason}")
    return time.perf_counter() - start


def main(rounds: int = 7) -> None:
    machine, bare = Machine(), Sandbox(Level(0))
    kept = machine.isolation.best()
    with tempfile.TemporaryDirectory() as folder, toys.course(Path(folder) / "course") as course:
        job = toys.jobs(course, toys.submission(WORK, toys.ADD))[0].packed
        pairs = [(seconds(job, machine, kept), seconds(job, machine, bare)) for _ in range(rounds)]
    print(f"| level {kept.level} | bare kernel | ratio |\n|--:|--:|--:|")
    inside, outside = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"| {inside:.2f} s | {outside:.2f} s | {ratio:.3f} |")


if __name__ == "__main__":
    main()
