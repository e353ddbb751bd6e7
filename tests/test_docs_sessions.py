"""The sessions that the pages show are run for real, in a copy of docs/sums, and print the same."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """A command line of a page, and what the page says that it prints."""

    command: str
    shown: str


def session(page: Path) -> list[Step]:
    """All `$ ` lines of a page's console blocks, in order."""
    text = "".join(BLOCK.findall(page.read_text()))
    pieces = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)[1:]
    return [Step(*both) for both in zip(pieces[::2], pieces[1::2], strict=True)]


PAGES = {page.name: page for page in sorted((ROOT / "docs").glob("*.md")) if session(page)}


def as_pattern(shown: str) -> str:
    """A line that is `…` stands for any lines, a `…` within one for anything in it."""
    lines = [re.escape(line).replace("…", "[^\n]*") + "\n" for line in shown.splitlines()]
    return "".join("(?s:.*)" if line == "[^\n]*\n" else line for line in lines)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_session_prints_what_the_page_shows(page: Path, tmp_path: Path):
    """stdout and then stderr, but for what the page leaves out; no command fails unforeseen."""
    shutil.copytree(ROOT / "docs" / "sums", tmp_path / "docs" / "sums")
    binaries = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "ASSAY_REQUIRE_ISOLATION": "0",  # what a machine isolates is tested elsewhere
    }
    folder = tmp_path
    for step in session(page):
        if step.command.startswith("cd "):
            folder = folder / step.command.removeprefix("cd ")
            continue
        ended = subprocess.run(
            ["bash", "-c", step.command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        printed = ended.stdout + ended.stderr

        assert re.fullmatch(as_pattern(step.shown), printed), f"$ {step.command}\n{printed}"
        assert "Traceback" not in printed


@pytest.mark.parametrize(
    "name", ["assignment.toml", "rubric/given.py", "rubric/exam.py", "rubric/test_sum.py"]
)
def test_the_folder_holds_what_the_pages_show(name: str):
    """docs/sums is the course of docs/rubric.md, file by file."""
    file = (ROOT / "docs" / "sums" / name).read_text()
    text = (ROOT / "docs" / "rubric.md").read_text()

    assert re.search(rf"```\w+\n(?:# [\w./]+\n)?{re.escape(file)}```", text)
