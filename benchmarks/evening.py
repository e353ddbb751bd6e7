"""How long is the evening of 60 groups, from Brightspace's zip to what goes back into it?

    python -m benchmarks.evening [GROUPS]

Copies docs/sums to a folder of its own, makes a class of pairs there, and types the commands of
docs/evening.md, none of them followed by an edit. A class of the same course was graded before: its
runs are in the course's store, so what is measured is all that assay does besides the runs.
Prints Markdown: each command, its seconds, and what it printed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from docs.sums import make_class

SUMS = Path(__file__).parents[1] / "docs" / "sums"
ZIP = "'Sums Download Oct 13, 2025 900 AM.zip'"
NEW = (
    "assay class new {0} --roster grades.csv --groups groups.csv --item Sums"
    " --due 2025-10-10T23:59 --time-zone America/Toronto"
)
BEFORE = (NEW, "assay class take {0} " + ZIP, "assay class grade {0}")
EVENING = (
    *BEFORE,
    "assay class marks {0}",
    "assay class export {0} brightspace --dry-run",
    "assay class export {0} brightspace",
    "assay class release {0} --by tom",
    "assay class feedback {0}",
    "assay class status {0}",
)
SHOWN = 4


@dataclass(frozen=True)
class Step:
    """A command line, its seconds, its exit code and what it printed."""

    command: str
    seconds: float
    code: int
    printed: str


def typed(command: str, folder: Path) -> Step:
    """Run a command line in a folder, as a person does."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    began = time.monotonic()
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    seconds = time.monotonic() - began
    return Step(command, seconds, ended.returncode, ended.stdout + ended.stderr)


def evening(folder: Path, groups: int) -> list[Step]:
    """Grade a class once, and then type the evening of another one of the same course."""
    course = folder / "sums"
    shutil.copytree(SUMS, course, ignore=shutil.ignore_patterns(".assay", "__pycache__"))
    make_class.of_pairs(course, groups)
    for command in BEFORE:
        step = typed(command.format("before"), course)
        if step.code:
            raise SystemExit(f"$ {step.command}\n{step.printed}")
    return [typed(command.format("autumn"), course) for command in EVENING]


def shown(step: Step) -> str:
    """Return the first and the last lines that a command printed."""
    lines = step.printed.rstrip("\n").splitlines()
    if len(lines) > 2 * SHOWN + 1:
        left = len(lines) - 2 * SHOWN
        lines = [*lines[:SHOWN], f"… ({left} more lines)", *lines[-SHOWN:]]
    return "\n".join([f"$ {step.command}", *lines])


def main(groups: int) -> None:
    """Print the evening."""
    with tempfile.TemporaryDirectory() as name:
        steps = evening(Path(name), groups)
    print(f"The evening of {groups} groups of two over Brightspace\n")
    print("| command | seconds | exit |\n|---|---|---|")
    for step in steps:
        print(f"| `{step.command}` | {step.seconds:.1f} | {step.code} |")
    print(f"| together | {sum(step.seconds for step in steps):.1f} | |")
    for step in steps:
        print(f"\n```console\n{shown(step)}\n```")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
