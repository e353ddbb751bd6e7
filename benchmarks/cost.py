"""What a command costs, in wall and processor seconds, with everything that it starts.

    python benchmarks/cost.py COMMAND...

A process that is left without a parent becomes a child of this one (PR_SET_CHILD_SUBREAPER), and
all of them are waited for: so the processor time of forked daemons counts too. Prints JSON.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """Of one command: `wall` until it ended, `cpu` of all its processes; `said` on both streams."""

    wall: float
    cpu: float
    code: int
    said: str


def of(*command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command that is to succeed, and say what it cost."""
    wrapped = [sys.executable, __file__, *map(str, command)]
    done = subprocess.run(
        wrapped, cwd=cwd, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, check=True
    )
    cost = Cost(**json.loads(done.stdout))
    if cost.code:
        raise SystemExit(f"{' '.join(map(str, command))}: {cost.code}\n{cost.said[-3000:]}")
    return cost


def measured(command: Sequence[str]) -> Cost:
    """Run it below this process, which has no other child, and wait for all that it leaves."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    wall = time.perf_counter() - start
    wait_for_all()
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = done.stdout.decode(errors="replace")
    return Cost(wall, spent.ru_utime + spent.ru_stime, done.returncode, said)


def wait_for_all() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    print(json.dumps(vars(measured(sys.argv[1:]))))
