"""The library as it is installed: a wheel in an environment of its own, far from the checkout."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.toys import toy as toys

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.thorough  # pip installs all that the wheel requires


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that holds the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "assay", source / "assay", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*build, str(source)], check=True)
    (wheel,) = folder.glob("assay-*.whl")
    venv.create(folder / "env", symlinks=True, with_pip=True)
    python = folder / "env" / "bin" / "python"
    locked = ["--constraint", str(ROOT / "constraints.txt")]
    wanted = [*locked, f"{wheel}[grade]"]
    subprocess.run([python, *pip[1:], "install", *wanted], cwd=folder, check=True)
    return python


def test_the_script_of_the_page_runs_with_the_wheel(installed: Path, tmp_path: Path):
    """The five lines grade, with what the wheel brought and nothing of the checkout."""
    text = (ROOT / "docs" / "api.md").read_text()
    script = text.split("```python\n")[1].split("```")[0] + "print(assay.__file__)\n"
    with toys.course(tmp_path / "course") as course:
        folder = course.root / "submissions"
        folder.mkdir()
        (folder / "ada.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, toys.ADD))
        (folder / "eve.ipynb").write_bytes(b"no notebook")
        said = subprocess.run(
            [installed, "-c", script], cwd=course.root, capture_output=True, text=True, check=False
        )

    assert said.returncode == 0, said.stderr
    *graded, where = said.stdout.splitlines()
    assert sorted(line.split()[0] for line in graded) == ["ada", "eve"]
    assert "ada 2.0" in graded
    assert Path(where).is_relative_to(installed.parents[1])
