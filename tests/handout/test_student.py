"""What a student does who has seen only the handout: install, check, try."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assay.course import assignment as assignments
from assay.evidence import keys, packing
from assay.handout import make, put, readme
from assay.source import cells
from assay.starter import begin
from assay.submission import own_checks
from assay.submission.submission import read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The handout of the course that `assay new` makes."""
    course = tmp_path / "course"
    begin.write(course, begin.starter("A line"))
    put.put(make.make(assignments.read(course / "assignment.toml")), tmp_path / "Übung 1")
    return tmp_path / "Übung 1"


def assay(folder: Path, *words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "assay", *words],
        cwd=folder,
        env=os.environ | ({"PYTHONPATH": path} if path else {}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_readme_names_what_installs_the_program(folder: Path, tmp_path: Path):
    """`assay` is in the handout, as pip installs it, and the README says how."""
    text = (folder / "README.md").read_text()
    assert f"pip install ./{readme.PROGRAM}\nassay try\n" in text
    assert "`assay check`" in text
    assert "`%assay check`" in text
    where = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", where, folder / readme.PROGRAM], check=True, timeout=300)
    named = ["-c", "import assay; print(assay.__file__, assay.__version__)"]
    said = subprocess.run(
        [sys.executable, *named],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(where)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.startswith(str(where))
    answer = assay(folder, "try", "--help", path=str(where))
    assert answer.returncode == 0, answer.stderr


def test_check_finds_the_public_half(folder: Path):
    """`assay check` in the folder that was given checks what stands there, without an option."""
    answer = assay(folder, "check")
    assert answer.returncode == 0, answer.stderr
    assert "can be graded" in answer.stdout
    assert answer.stdout == assay(folder, "check", ".").stdout


def test_a_cell_that_fails_is_named(folder: Path):
    """What no public question asks for is told as well: the cell that fails, and what it raised."""
    answer = assay(folder, "try")
    assert ": cell 6 raised NotImplementedError" in answer.stderr
    assert "A straight line by gradient descent: cell 6 raised NotImplementedError" in answer.stdout
    assert "(in 2 of 2 runs)" in answer.stdout


def test_where_it_lies_may_be_no_text(folder: Path):
    """A folder whose name the locale cannot write is one like others, and changes no key."""
    course = folder.with_name("course")
    here = assignments.read(course / "assignment.toml")
    there = course.rename(os.fsdecode(os.fsencode(course) + b"\xfc"))
    moved = assignments.read(there / "assignment.toml")
    key = keys.code(moved, moved.part[0])
    there.rename(course)
    assert key == keys.code(here, here.part[0])


def test_what_only_a_type_checker_imports_is_not_missed():
    """What stands below `if TYPE_CHECKING` is never imported: nobody has to install it."""
    said = "if typing.TYPE_CHECKING:\n    import optuna\nelse:\n    import other\n"
    assert cells.imports(said) == ["other"]


def test_the_whole_folder_may_be_handed_in(folder: Path, tmp_path: Path):
    """The public half is the course's own: no line of it is taken for the student's."""
    (folder / "check.py").write_text("mine = 1\n")
    packing.write({"own/check/later.json": b"{}", "own/check/mine.py": b"x = 1"}, folder)
    shutil.make_archive(str(tmp_path / "ada"), "zip", folder.parent, folder.name)
    for place in (folder, tmp_path / "ada.zip"):
        names = {name for name in read(place).files if "check" in name}
        assert names == {"check.py", "own/check/later.json", "own/check/mine.py"}


@pytest.mark.parametrize(
    "how", ["%pip install -q ./", "!pip install ", "!{sys.executable} -m pip install "]
)
def test_its_installation_may_stay_in_the_notebook(how: str):
    """A cell that installs the program out of the handout is taken out, like the check itself."""
    install = f"{how}{readme.PROGRAM}"
    assert own_checks.cut([install, "%load_ext assay", "%assay check", "x = 1"]) == [
        "",
        "",
        "",
        None,
    ]
