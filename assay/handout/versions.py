"""What is installed here in another version than where the work is marked, or not at all."""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from assay.handout.tried import LATER

FILE = "requirements.txt"
PYTHON = "# Python "
"""Begins the line that names Python's own version: pip passes over it."""


def head() -> str:
    """Return the line that names the Python that is running."""
    return f"{PYTHON}{_python()}"


def differing(check: Path) -> list[str]:
    """Say what is otherwise here than the handout says; `check` is the folder of its public half.

    Nothing is said of any other folder.
    """
    needed = check.absolute().parent / FILE
    if not (check / LATER).is_file() or not needed.is_file():
        return []
    return list(_differing(needed.read_text(encoding="utf-8").splitlines()))


def _differing(lines: list[str]) -> Iterator[str]:
    install = f"`pip install -r {FILE}` brings that"
    for line in lines:
        if line.startswith(PYTHON):
            wanted = line.removeprefix(PYTHON).strip()
            if wanted != _python():
                yield (
                    f"Python is {_python()} here, and {wanted} where it is marked: what only the "
                    f"newer one knows may fail; install Python {wanted} to be sure"
                )
            continue
        name, _, wanted = line.partition("==")
        if not wanted:
            continue
        try:
            here = version(name).partition("+")[0]
        except PackageNotFoundError:
            yield f"`{name}` is not installed here; where it is marked, it is {wanted}: {install}"
            continue
        if here != wanted:
            yield (
                f"`{name}` is {here} here, and {wanted} where it is marked: results may differ; "
                f"{install}"
            )


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
