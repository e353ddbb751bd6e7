"""The folder of a class, made and changed by the commands themselves."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

from click.testing import CliRunner, Result

from assay.cli import cli
from docs.sums import make_class
from tests.toys.shared import MACHINE

SUMS = Path(__file__).parents[2] / "docs" / "sums"
DUE = ("--due", "2025-10-10T23:59", "--time-zone", "America/Toronto")


def assay(*words: object, code: int = 0) -> Result:
    """Run a command in this process; its errors are raised, another exit code is one."""
    ended = CliRunner().invoke(cli, [str(word) for word in words], obj=MACHINE)
    if not isinstance(ended.exception, SystemExit | None):
        raise ended.exception

    assert ended.exit_code == code, ended.output
    return ended


def course(folder: Path) -> Path:
    """A copy of docs/sums, and what Brightspace gives of its class."""
    shutil.copytree(SUMS, folder, ignore=shutil.ignore_patterns(".assay", "__pycache__"))
    make_class.main(folder)
    return folder


def begun(folder: Path, *more: object, item: str = "Sums", roster: str = "grades.csv") -> Path:
    """A class of this course, made by the command."""
    place = folder / "autumn"
    given = (
        "--roster",
        folder / roster,
        "--item",
        item,
        "--assignment",
        folder / "assignment.toml",
    )
    assay("class", "new", place, *given, *DUE, *more)
    return place


def rows(folder: Path) -> dict[str, SimpleNamespace]:
    shown = json.loads(assay("class", "marks", folder, "--json").stdout)
    return {one["username"] or one["id"]: SimpleNamespace(**one) for one in shown}
