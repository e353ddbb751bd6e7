"""Write a course folder: what stands in it, from the templates of this folder."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from assay.errors import UsageError, quoted
from assay.evidence import packing
from assay.version import __version__

STARTER = {
    "README.md": "readme.md.j2",
    "assignment.toml": "assignment.toml.j2",
    "notebooks/line.ipynb": "line.ipynb.j2",
    "rubric/__init__.py": "empty.j2",
    "rubric/given.py": "given.py.j2",
    "rubric/exam.py": "exam.py.j2",
    "rubric/names.py": "names.py.j2",
    "rubric/checks.py": "checks.py.j2",
    "rubric/test_components.py": "test_components.py.j2",
    "rubric/test_training.py": "test_training.py.j2",
    "rubric/test_notebook.py": "test_notebook.py.j2",
    "mistakes/factor_two.ipynb": "factor_two.ipynb.j2",
}


def starter(title: str) -> dict[str, bytes]:
    """Return the files of a small course that works: one question of each kind, and a mistake."""
    files = {name: rendered(template, title=title) for name, template in STARTER.items()}
    return {name: text.encode() for name, text in (files | shared("line", ["numpy"])).items()}


def shared(part: str, packages: Sequence[str]) -> dict[str, str]:
    """What every course folder has: a workflow that checks it, what that installs, and what git
    leaves out.
    """
    return {
        ".github/workflows/course.yml": rendered("course.yml.j2", part=part),
        ".gitignore": rendered("gitignore.j2"),
        "requirements.txt": rendered("requirements.txt.j2", version=__version__, packages=packages),
    }


def rendered(template: str, **values: Any) -> str:
    """Return a file of a course."""
    return _environment().get_template(template).render(**values)


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("assay.starter"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python, TOML and Markdown: texts go through `repr`
    )
    environment.filters["repr"] = repr
    return environment


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a course to a new folder.

    Raises
    ------
    UsageError
        If something is there already.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UsageError(
            f"{quoted(folder)} is there already",
            hint="name a folder that is not there, or is empty",
        )
    packing.write(files, folder)
