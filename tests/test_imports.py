"""The order of imports that pyproject.toml states is kept, types and late imports included."""

import subprocess
import sys
from pathlib import Path

import pytest

grimp = pytest.importorskip("grimp", reason="`pip install -e '.[lint]'` brings it")
ROOT = Path(__file__).parents[1]
CHECK = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def linted(folder: Path) -> str:
    """Check the contracts over a folder's `assay`; '' if all are kept."""
    said = subprocess.run(
        [sys.executable, "-c", CHECK, "--no-cache", str(ROOT / "pyproject.toml")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if said.returncode == 0 else said.stdout.partition("Contracts\n")[2] + said.stderr


def test_imports_point_one_way():
    """No file imports one above it, and none in a circle."""
    assert linted(ROOT) == ""


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("records.py", "from assay import publish"),
        ("judge/score.py", "def late():\n    from assay.grading import session"),
        ("grading/results.py", "from assay.grading.session import Session"),
        ("new.py", "import json"),
    ],
    ids=["up", "up, in a function", "in a circle", "a file without a place"],
)
def test_a_contract_is_broken_by_what_it_forbids(tmp_path: Path, file: str, line: str):
    """The contracts see all files, those inside folders too."""
    for path in (ROOT / "assay").rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    with (tmp_path / "assay" / file).open("a") as changed:
        changed.write(f"\n{line}\n")

    assert "BROKEN" in linted(tmp_path)


def test_nothing_inside_imports_the_front_door():
    """`import assay` is for those outside: inside, it would close a circle."""
    graph = grimp.build_graph("assay", cache_dir=None)

    assert graph.find_modules_that_directly_import("assay") == set()
