"""What each command needs: without its extra it says which one, before it does anything."""

import os
import site
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from assay import extras
from assay.cli import cli
from assay.starter import begin
from docs import commands

ROOT = Path(__file__).parents[2]
CODE = "import sys; from assay.cli import main; main()"
CLASS = {
    "answer": ["1", "no", "--by", "tom"],
    "ask": ["ada", "sum/adds", "why?"],
    "excuse": ["ada", "--by", "tom", "--reason", "ill"],
    "export": ["canvas"],
    "feedback": [],
    "forget": [],
    "grade": [],
    "mark": ["ada", "sum/adds", "1", "--by", "tom", "--reason", "read"],
    "marks": [],
    "new": [
        "--roster",
        "assignment.toml",
        "--item",
        "x",
        "--due",
        "2026-10-10T23:59",
        "--time-zone",
        "UTC",
    ],
    "override": ["ada", "1", "--by", "tom", "--reason", "read"],
    "release": ["--by", "tom"],
    "requests": [],
    "sheet": ["ada"],
    "status": [],
    "take": [],
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all packages that are installed here, without what the extras bring."""
    brought = {name for names in extras.NEEDED.values() for name in names}
    folder = tmp_path_factory.mktemp("bare")
    for place in site.getsitepackages():
        for path in Path(place).iterdir():
            if path.name not in brought and path.suffix != ".pth":
                (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def course(tmp_path: Path) -> Path:
    begin.write(tmp_path / "course", begin.starter("A line"))
    return tmp_path / "course"


def said(bare: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What a command says in an environment without any extra."""
    return subprocess.run(
        [sys.executable, "-S", "-c", CODE, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{bare}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["check"], "grade"),
        (["grade", "."], "grade"),
        (["run", "."], "grade"),
        (["judge", "."], "grade"),
        (["reproduce"], "grade"),
        (["calibrate"], "grade"),
        (["handout", "--check"], "grade"),
        (["verify", ".", "--submission", "."], "grade"),
        (["rerun", ".", "--seed", "0"], "grade"),
        (["grade", "--scheduler", "local", "."], "dask"),
        (["review", ".", "--by", "tom"], "review"),
        *((["class", name, ".", *more], "class") for name, more in CLASS.items()),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_a_command_names_the_extra_that_it_lacks(
    bare: Path, course: Path, words: list[str], extra: str
):
    """A command without its extra says what to install, in three lines, and exits with 2."""
    before = sorted(course.rglob("*"))
    answer = said(bare, course, *words)
    assert f'hint: pip install "assay[{extra}]"' in answer.stderr
    assert "needs what is not installed" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert (answer.returncode, answer.stdout) == (2, "")
    assert sorted(course.rglob("*")) == before


@pytest.mark.parametrize(
    "words",
    [
        ["check", "notebooks/line.ipynb"],
        ["check", "--adapter", "notebooks/line.ipynb"],
        ["new", "another"],
        ["package", "github"],
        ["package", "gradescope"],
        ["store"],
        ["class", "take", "--help"],
        ["review", "--help"],
    ],
    ids=" ".join,
)
def test_what_needs_no_extra_works_without(bare: Path, course: Path, words: list[str]):
    """What a student does, what is written and every `--help` need no extra."""
    answer = said(bare, course, *words)
    assert answer.returncode == 0, answer.stderr


def test_every_extra_is_one_of_the_package():
    """The modules that are looked for are those that pyproject.toml's extras bring."""
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = written["optional-dependencies"]
    names = {"markdown_it": "markdown-it-py", "sklearn": "scikit-learn", "dask": "distributed"}
    for extra, modules in extras.NEEDED.items():
        brought = " ".join([*known[extra], *known["grade"], *known["class"]])
        for module in modules:
            assert names.get(module, module.replace("_", "-")) in brought


def test_the_page_of_the_commands_says_what_each_needs():
    """docs/commands.md names every command in the table of extras."""
    table = commands.HEAD.partition("| extra |")[2]
    assert [name for name in cli.commands if f"`{name}" not in table] == []
