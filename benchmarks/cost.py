"""What a command costs, in wall and processor seconds, with everything that it starts.

    python benchmarks/cost.py COMMAND...

Processor time is that of a control group in which the command is started: a process counts for the
one that waits for it, and nobody waits for a kernel that is killed together with its sandbox, so
RUSAGE_CHILDREN leaves kernels out. Daemons are adopted, and their end is waited for. Prints JSON.
"""

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Cost:
    """Of one command: `wall` until it ended, `cpu` of all its processes; `said` on both streams."""

    wall: float
    cpu: float | None
    """None where no control group could be made."""
    code: int
    said: str

    @property
    def processor(self) -> float:
        """Processor seconds, where they are known."""
        if self.cpu is None:
            raise SystemExit("no control group for processor time: run as root, or in a scope")
        return self.cpu


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
    group = new_group()
    start = time.perf_counter()
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        preexec_fn=(lambda: (group / "cgroup.procs").write_text("0")) if group else None,
    )
    wall = time.perf_counter() - start
    wait_for_all()
    return Cost(wall, used(group), done.returncode, done.stdout.decode(errors="replace"))


def wait_for_all() -> None:
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def new_group() -> Path | None:
    """A control group below our own, of version 1 or 2; None where we may not make one."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
    counting = next((names for names in own if "cpuacct" in names.split(",")), "")
    folder = CGROUPS / counting / own[counting].lstrip("/") / f"bench-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        return None
    return folder


def used(group: Path | None) -> float | None:
    """The seconds that all members of a group have computed, and those of groups below it."""
    if group is None:
        return None
    if (group / "cpuacct.usage").exists():
        seconds = int((group / "cpuacct.usage").read_text()) / 1e9
    else:
        table = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
        seconds = int(table["usage_usec"]) / 1e6
    group.rmdir()
    return seconds


if __name__ == "__main__":
    print(json.dumps(vars(measured(sys.argv[1:]))))
