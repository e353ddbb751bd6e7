"""Take in what a student handed in: files, read once, named and hashed."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from assay.assignment import Assignment, Part
from assay.errors import CannotGrade

MAX_BYTES = 200_000_000
LEFT_OUT = {"__pycache__", "reports", "node_modules"}
OF_AN_ASSIGNMENT = {"notebooks", "solution", "adapter.py"}
"""Where a folder holds assignment.toml too, only these belong to the reference submission."""


@dataclass(frozen=True)
class Submission:
    """The files of one submission by their relative names."""

    name: str
    files: dict[str, bytes]
    is_reference: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents; the submission's own name does not count."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{len(name)}:{name}{len(content)}:".encode() + content)
        return digest.hexdigest()

    def notebook_for(self, part: Part) -> str | None:
        """The file that answers this part: the one of that name, else the only notebook."""
        notebooks = [name for name in self.files if name.endswith(".ipynb")]
        wanted = PurePosixPath(part.notebook).name
        named = [name for name in notebooks if PurePosixPath(name).name == wanted]
        if part.notebook in notebooks:
            return part.notebook
        if len(named) == 1:
            return named[0]
        return notebooks[0] if len(notebooks) == 1 else None

    def cells(self, notebook: str) -> list[dict[str, Any]]:
        """The cells of a notebook as `{kind, source, tags}`."""
        cells = _notebook(self.files[notebook], f"{self.name}/{notebook}")["cells"]
        return [_cell(cell) for cell in cells]


def read(path: Path) -> Submission:
    """Read a submission: a folder, or one bare notebook.

    Raises
    ------
    CannotGrade
        Where there is nothing to read, no notebook in it, or too much of it.
    """
    if path.is_file() and path.suffix == ".ipynb":
        return _checked(Submission(path.stem, {path.name: path.read_bytes()}), path)
    if not path.is_dir():
        raise CannotGrade(
            f"`{path}` is neither a folder nor a notebook",
            hint="name a folder with the notebook in it, or the .ipynb file itself",
        )
    reference = (path / "assignment.toml").exists()
    names = sorted(_names(path, reference))
    _refuse_strange_names(names)
    if sum((path / name).stat().st_size for name in names) > MAX_BYTES:
        raise CannotGrade(f"`{path}` holds more than {MAX_BYTES // 10**6} MB")
    files = {name: (path / name).read_bytes() for name in names}
    return _checked(Submission(path.resolve().name, files, is_reference=reference), path)


def find(path: Path, assignment: Assignment) -> list[Path]:
    """The submissions at a path: itself, or, for a folder of submissions, each entry of it.

    A folder is one submission where it has `notebooks/` or `solution/`, a notebook of a name that
    the assignment gives, or no notebook but one; else it is a class, an entry a submission.
    """
    if not path.is_dir() or _is_one(path, assignment):
        return [path]
    entries = [entry for entry in sorted(path.iterdir()) if not entry.name.startswith(".")]
    return [entry for entry in entries if entry.is_dir() or entry.suffix == ".ipynb"] or [path]


def _is_one(folder: Path, assignment: Assignment) -> bool:
    notebooks = {entry.name for entry in folder.glob("*.ipynb")}
    named = {PurePosixPath(part.notebook).name for part in assignment.part}
    laid_out = any((folder / name).is_dir() for name in ("notebooks", "solution"))
    alone = len(list(folder.rglob("*.ipynb"))) == len(notebooks) == 1
    return laid_out or alone or bool(notebooks & named)


def _names(root: Path, reference: bool) -> list[str]:
    found = []
    for path in root.rglob("*"):
        parts = path.relative_to(root).parts
        hidden = any(part in LEFT_OUT or part.startswith(".") for part in parts)
        ours = not reference or parts[0] in OF_AN_ASSIGNMENT
        if ours and not hidden and path.is_file() and not path.is_symlink():
            found.append("/".join(parts))
    return found


def _refuse_strange_names(names: list[str]) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise CannotGrade(
                f"a file name is not text: {name.encode(errors='surrogateescape')!r}",
                hint="rename it with letters that UTF-8 has",
            ) from None


def _checked(submission: Submission, path: Path) -> Submission:
    notebooks = [name for name in submission.files if name.endswith(".ipynb")]
    if not notebooks:
        raise CannotGrade(
            f"no notebook in `{path}`",
            found=f"{len(submission.files)} files read, none of them ends in .ipynb",
            hint="hand in the notebook itself, not a PDF or HTML page made from it",
        )
    for name in notebooks:
        _notebook(submission.files[name], f"{path}/{name}" if path.is_dir() else str(path))
    return submission


def _notebook(content: bytes, where: str) -> dict[str, Any]:
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CannotGrade(
            f"`{where}` is not a notebook",
            found=f"it is not JSON: {str(error)[:100]}",
            hint="open it in Jupyter and save it again",
        ) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if version != 4 or not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise CannotGrade(
            f"`{where}` is not a notebook of format 4",
            found=f"its format is {version}, and its cells are not as that format has them",
            hint="open it in a current Jupyter and save it again",
        )
    return {"cells": cells}


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") in ("code", "markdown", "raw")


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    source = cell.get("source", "")
    metadata = cell.get("metadata")
    tags = metadata.get("tags", []) if isinstance(metadata, dict) else []
    return {
        "kind": str(cell.get("cell_type", "raw")),
        "source": "".join(source) if isinstance(source, list) else str(source),
        "tags": [str(tag) for tag in tags] if isinstance(tags, list) else [],
    }
