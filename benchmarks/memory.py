"""Memory over 2,000 short runs in one batch: of the harness, and of its warm parents.

    python -m benchmarks.memory

`assay grade` of forty submissions over fifty seeds each, in the full sandbox and judged; resident
memory is read as every twentieth run ends.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks import page, questions, tools

SEEDS, COPIES, EVERY = 50, 5, 20
MB = 1e6


def batch(folder: Path, seeds: int, copies: int) -> list[str]:
    """The command, of a course with so many copies of every submission of the class."""
    course = questions.course(folder)
    for student in questions.MISTAKES:
        for number in range(copies):
            place = course / "submissions" / f"{student}-{number}.ipynb"
            questions.write(place, questions.plain(student))
    command = [tools.ours() / "assay", "grade", "submissions", "--seeds", f"0-{seeds - 1}"]
    return list(map(str, command))


def samples(command: list[str], course: Path) -> Iterator[dict[str, float]]:
    """Memory, in MB, whenever so many more runs have ended."""
    began, ended = time.monotonic(), 0
    with subprocess.Popen(
        command, cwd=course, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as running:
        for line in running.stderr or ():
            ended += line.startswith(("✓", "✗"))
            if line.startswith("✓") and ended % EVERY == 0:
                seconds = round(time.monotonic() - began, 1)
                yield {"runs": ended, "seconds": seconds, **memory(psutil.Process(running.pid))}
    if running.returncode:
        raise SystemExit(f"{' '.join(command)}: {running.returncode}")


def memory(harness: psutil.Process) -> dict[str, float]:
    """Resident MB of each process that lives as long as the batch."""
    found = {"harness": harness}
    for child in harness.children():
        if "ipykernel.kernelapp" in " ".join(child.cmdline()):
            found["first parent"] = child
            for grown in child.children()[:1]:  # all runs of this batch import the same
                found["parent of kernels"] = grown
        else:
            found["parent of judges"] = child
    return {name: round(one.memory_info().rss / MB, 2) for name, one in found.items()}


def main(seeds: int = SEEDS, copies: int = COPIES) -> None:
    with tempfile.TemporaryDirectory() as name:
        course = Path(name) / "course"
        found = list(samples(batch(course, seeds, copies), course))
    tools.tell(f"{found[0]} to {found[-1]}")
    page.keep("memory", {"samples": found})


if __name__ == "__main__":
    main()
