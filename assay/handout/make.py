"""Make the handout: the files that students get, from the assignment and its own answer."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from importlib.util import decode_source
from pathlib import PurePosixPath

from assay.autograder import bundle
from assay.course import rubric
from assay.course.assignment import Assignment
from assay.course_check import reference
from assay.errors import CannotGrade, CourseFault, quoted
from assay.handout import cut, public, readme, versions
from assay.source import imports
from assay.submission import notebook, preflight
from assay.submission.submission import Submission

README, NEEDED, ADAPTER = "README.md", versions.FILE, "adapter.py"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
ADAPTER_HEAD = """\
# An adapter: only for answers that are not called what the README asks for.
# Each line binds a name that is asked for to your own. Leave out what you do not need.
# It is read after the last cell of your notebook. Hand it in beside `notebooks/`.
"""


@dataclass(frozen=True)
class Handout:
    """The files that students get, and what was kept and cut of the answer they were made from."""

    files: Mapping[str, bytes]
    answer: Submission
    cuts: Mapping[str, cut.Cut]
    """By the file of the answer."""


def make(assignment: Assignment) -> Handout:
    """Return the handout of an assignment.

    Raises
    ------
    CourseFault
        If there is no answer to make it from, or nothing in it says what is to be cut.
    """
    answer = _answer(assignment)
    files: dict[str, bytes] = {}
    cuts: dict[str, cut.Cut] = {}
    for name, content in answer.files.items():
        if name.endswith(".ipynb"):
            cells, done = cut.cells(answer.cells_in(name), name)
            files[name], cuts[name] = _book(cells), done
        elif name.endswith(".py"):
            done = cut.module(_decoded(content, name), name)
            files[name], cuts[name] = done.text.encode(), done
        else:
            files[name] = content
    if template := _adapter(assignment):
        files[ADAPTER] = template.encode()
    shown = public.files(assignment)
    if needed := list(_needed(answer, shown)):
        files[NEEDED] = "".join(f"{line}\n" for line in [versions.head(), *needed]).encode()
    if shown:
        files |= shown | {readme.PROGRAM: bundle.wheel()}
    files[README] = readme.text(assignment, files).encode()
    return Handout(files, answer, cuts)


def _answer(assignment: Assignment) -> Submission:
    """The assignment's own answer."""
    try:
        files = reference.written(assignment)
    except CannotGrade as error:
        what = "the assignment's own answer cannot be read"
        raise CourseFault(what, found=str(error), hint=error.hint) from None
    absent = [part.notebook for part in assignment.part if part.notebook not in files]
    if absent:
        raise CourseFault(
            "there is no answer to make a handout from",
            found="\n".join(f"{quoted(name)} is missing" for name in absent),
            hint="write the notebooks with their answers, and mark these: docs/handout.md",
        )
    return Submission("reference", files, is_reference=True)


def _decoded(content: bytes, name: str) -> str:
    try:
        return decode_source(content)
    except (UnicodeDecodeError, SyntaxError) as error:
        raise CourseFault(f"{quoted(name)} cannot be read as text", found=str(error)) from None


def _book(cells: tuple[notebook.NotebookCell, ...]) -> bytes:
    """A notebook of these cells as Jupyter saves it."""
    book = json.loads(notebook.dumps(cells))
    book["metadata"] = {"kernelspec": KERNEL, **book["metadata"]}
    for cell in book["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    return (json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _adapter(assignment: Assignment) -> str:
    """The template of an adapter, every line a comment; '' if the course asks for no names."""
    lines: list[str] = []
    for part in assignment.part:
        rows = [row for row in rubric.names(assignment, part) if row.names]
        lines += ["", f"# {part.title}"] if rows else []
        lines += [line for row in rows for line in preflight.skeleton(row)]
    return "\n".join([ADAPTER_HEAD.rstrip(), *lines, ""]) if lines else ""


def _needed(answer: Submission, shown: Mapping[str, bytes]) -> Iterator[str]:
    """The packages that the answer imports, in the versions that it was run with.

    A public claim, or a comparison, is decided by SciPy's statistics.
    """
    modules = [_decoded(c, name) for name, c in answer.files.items() if name.endswith(".py")]
    named = set(imports.modules(modules))
    for book in answer.notebooks:
        named |= {name for cell in answer.cells_in(book) for name in cell.imports}
    own = {part for name in answer.files for part in PurePosixPath(name).with_suffix("").parts}
    top = {name.partition(".")[0] for name in named} - own - set(sys.stdlib_module_names)
    known = packages_distributions()
    packages = {known[name][0] for name in top if name in known} - {"assay"}
    if any(re.search(rb"\.claim\(|\bcompare\b", content) for content in shown.values()):
        packages.add("scipy")
    for package in sorted(packages, key=str.lower):
        yield f"{package}=={version(package).partition('+')[0]}"
