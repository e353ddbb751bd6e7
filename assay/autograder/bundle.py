"""Gather what another machine grades by: the course, assay itself, and the versions of all else."""

import re
import shlex
import sys
from collections.abc import Iterator
from importlib.metadata import distribution, distributions, packages_distributions

from assay.autograder import packages
from assay.course import files as course_files
from assay.course.assignment import Assignment
from assay.evidence import keys, packing
from assay.version import __version__

WHEEL = f"assay-{__version__}-py3-none-any.whl"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
NEEDED = "requirements.txt"
OURS = re.compile(r"\s*(?:$|#|assay\b)", re.IGNORECASE)
"""A line of a course's requirements that is of no other package: assay comes as a wheel."""
IMPORT = re.compile(r"^[^\S\n]*+(?:\"[^\S\n]*+)?(?:import|from)[^\S\n]++(\w+)", re.MULTILINE)
"""The first package that a line of Python imports, in a notebook's JSON too."""


def gradescope(course: Assignment, *, isolation: int, visibility: str, seeds: str) -> bytes:
    """The zip to upload: setup.sh and run_autograder at its root, the course and assay beside."""
    files = {
        f"course/{name}": (course.root / name).read_bytes() for name in course_files.digests(course)
    }
    scripts = {
        "setup.sh": packages.script("setup.sh", python=PYTHON, wheel=WHEEL),
        "run_autograder": packages.script(
            "run_autograder",
            isolation=isolation,
            visibility=visibility,
            seeds=f" --seeds {seeds}" if seeds else "",
            file=shlex.quote(course.file),
        ),
        "constraints.txt": "".join(f"{line}\n" for line in _pins()),
        "requirements.txt": "".join(f"{name}\n" for name in _needed(course)),
    }
    files |= {name: text.encode() for name, text in scripts.items()}
    return packing.pack(files | {WHEEL: wheel()}, runnable={"setup.sh", "run_autograder"})


def classroom(seeds: str) -> str:
    """Return the workflow for GitHub Classroom."""
    return packages.script(
        "classroom.yml", python=PYTHON, seeds=f" --seeds {seeds}" if seeds else ""
    )


def wheel() -> bytes:
    """Return assay as it is installed here."""
    names = {f"assay/{p.relative_to(keys.OURS).as_posix()}": p for p in keys.our_files()}
    package = {name: path.read_bytes() for name, path in names.items()}
    known = distribution("assay")
    described = known.read_text("METADATA") or known.read_text("PKG-INFO") or ""
    starts = known.read_text("entry_points.txt") or ""
    return packing.compressed(packages.wheel(__version__, package, described, starts))


def _pins() -> Iterator[str]:
    """Every package that is installed here, in its version; a local build's mark is left out."""
    found = {d.metadata["Name"]: d.version.partition("+")[0] for d in distributions()}
    for name, version in sorted(found.items(), key=lambda pair: pair[0].lower()):
        if name.lower() not in ("assay", "pip", "setuptools", "wheel"):
            yield f"{name}=={version}"


def _needed(course: Assignment) -> list[str]:
    """Return the packages that the course's code and its notebooks import, or the course names."""
    names = [*course_files.digests(course), *(part.notebook for part in course.part)]
    paths = [course.root / name for name in names if name.endswith((".py", ".ipynb"))]
    sources = [path.read_text(encoding="utf-8") for path in paths if path.exists()]
    imported = {name for source in sources for name in IMPORT.findall(source)}
    known = packages_distributions()
    found = {known[name][0] for name in imported if name in known} - {"assay"}
    named = course.root / NEEDED
    lines = named.read_text(encoding="utf-8").splitlines() if named.is_file() else []
    return sorted(found | {line for line in lines if not OURS.match(line)})
