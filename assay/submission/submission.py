"""Take in what a student handed in: files, read once, named and hashed."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import TypedDict

from assay.course.assignment import Part
from assay.errors import CannotGrade, quoted
from assay.records import Person, sound
from assay.source import decoding, syntax
from assay.source.cells import bound
from assay.submission import folders, notebook, own_checks, reader
from assay.submission.notebook import NotebookCell

REFERENCE = "reference"
"""What the assignment's own solution is called, and no other submission."""


class PlainCell(TypedDict):
    """A cell as plain data."""

    kind: str
    source: str
    tags: list[str]


@dataclass(frozen=True)
class Submission:
    """The files of one submission by their relative names."""

    name: str
    files: dict[str, bytes]
    is_reference: bool = False
    people: tuple[Person, ...] = ()
    notes: tuple[str, ...] = ()
    """What was done with its files where there was a choice."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names and contents; the submission's own name does not count."""
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{len(name)}:{name}{len(content)}:".encode() + content)
        return digest.hexdigest()

    @cached_property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each file."""
        files = sorted(self.files.items())
        return {name: hashlib.sha256(content).hexdigest() for name, content in files}

    @cached_property
    def bound_by_modules(self) -> frozenset[str]:
        """The names that its modules bind at their top level."""
        texts = (decoding.text_of(self.files[name]) for name in self.modules)
        return frozenset(name for source in texts for name in bound(source))

    @property
    def modules(self) -> list[str]:
        """The names of all files of Python code."""
        return [name for name in self.files if name.endswith(".py")]

    @property
    def notebooks(self) -> list[str]:
        """The names of all notebooks."""
        return [name for name in self.files if name.endswith(".ipynb")]

    def notebook_for(self, part: Part) -> str | None:
        """Return the file that answers this part: the one of that name, else the only notebook."""
        wanted = PurePosixPath(part.notebook).name
        named = [name for name in self.notebooks if PurePosixPath(name).name == wanted]
        if part.notebook in self.notebooks:
            return part.notebook
        if len(named) == 1:
            return named[0]
        return self.notebooks[0] if len(self.notebooks) == 1 else None

    def cells_in(self, notebook_name: str) -> tuple[NotebookCell, ...]:
        """Return the cells of one of the notebooks, read once."""
        if notebook_name not in self._read:
            where = f"{self.name}/{notebook_name}"
            self._read[notebook_name] = notebook.cells_of(self.files[notebook_name], where)
        return self._read[notebook_name]

    @cached_property
    def _read(self) -> dict[str, tuple[NotebookCell, ...]]:
        return {}

    @property
    def folder(self) -> str:
        """The folder of its reports, below that of all reports."""
        return folders.folder(self.name)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.files.values()))

    def cells(self, notebook_name: str) -> list[PlainCell]:
        """Return the cells of a notebook as `{kind, source, tags}`."""
        return [plain(cell) for cell in self.cells_in(notebook_name)]


def plain(cell: NotebookCell) -> PlainCell:
    """Return a cell as plain data."""
    return {"kind": cell.kind, "source": cell.source, "tags": list(cell.tags)}


def read(path: Path, name: str | None = None) -> Submission:
    """Read a submission: a folder, a zip, a tar.gz, or one bare notebook.

    Without a name it has its file's.

    Raises
    ------
    CannotGrade
        The first of its problems; it holds the `others`.
    """
    submission, problems = inspect(path)
    if problems:
        problems[0].others = tuple(problems[1:])
        raise problems[0]
    return replace(submission, name=name or submission.name)


def inspect(path: Path) -> tuple[Submission, list[CannotGrade]]:
    """What could be read of a submission, and every reason why it cannot be graded as it is."""
    try:
        found = reader.read(path)
    except CannotGrade as error:
        return Submission(name_of(path), {}), [error]
    return of_found(found, path)


def of_found(found: reader.Found, path: Path) -> tuple[Submission, list[CannotGrade]]:
    """The same of what was read already."""
    reference = reader.is_laid_out(path)
    notes = tuple(found.notes)
    files = own_checks.without(found.files)
    submission = Submission(name_of(path), files, is_reference=reference, notes=notes)
    return submission, [*found.problems, *_problems_of(submission, path, bool(found.problems))]


def _problems_of(submission: Submission, path: Path, known: bool) -> list[CannotGrade]:
    """What is wrong with its notebooks; that there are none is `known` where they were refused."""
    problems = []
    for name in submission.notebooks:
        where = str(path) if path.suffix == ".ipynb" else f"{path}/{name}"
        try:
            notebook.cells_of(submission.files[name], where)
        except CannotGrade as error:
            problems.append(error)
    if not submission.notebooks and not known:
        shown = ", ".join(map(quoted, sorted(submission.files)[:5])) or "nothing"
        found = f"{len(submission.files)} files read, none of them ends in .ipynb: {shown}"
        hint = "hand in the notebook itself, not a PDF or HTML page made from it"
        if any(name.lower().endswith(reader.OTHER_ARCHIVES) for name in submission.files):
            hint = "unpack it and pack it again as a zip, or hand in the .ipynb file itself"
        problems.append(CannotGrade(f"no notebook in {quoted(path)}", found=found, hint=hint))
    return problems or list(_unreadable(submission, path))


def _unreadable(submission: Submission, path: Path) -> Iterator[CannotGrade]:
    """Code that costs its reader gigabytes: what is not read cannot be marked."""
    hint = "keep data in a file of their own, and leave out code that is not yours"
    code: dict[str, str | bytes] = {name: submission.files[name] for name in submission.modules}
    for name in submission.notebooks:
        cells = submission.cells_in(name)
        code[name] = "\n".join(cell.source for cell in cells if cell.kind == "code")
    for name, source in code.items():
        if not syntax.is_readable(source):
            found = f"{len(source):,} characters, or a name of very many parts or marks"
            what = f"the code of {quoted(name)} in {quoted(path)} is too much to be read"
            yield CannotGrade(what, found=found, hint=hint)
    if sum(map(len, code.values())) > syntax.IN_ALL:
        what = f"{quoted(path)} holds more than {syntax.IN_ALL:,} characters of code"
        yield CannotGrade(what, hint=hint)


def name_of(path: Path) -> str:
    """What a submission is called: the name of its file or folder, as text, without the ending."""
    whole = own_name(path)
    whole = whole if path.is_dir() else stem_of(whole)
    return sound(whole.lstrip(".")) or "submission"


def own_name(path: Path) -> str:
    """Return the last part of a path; that of a link and not of what it leads to."""
    return path.name if path.is_symlink() else path.resolve().name


def stem_of(name: str) -> str:
    """A file's name without the endings of archives and notebooks."""
    if suffix := reader.archive_suffix(Path(name)):
        return name[: -len(suffix)]
    book = reader.BOOK.fullmatch(name)
    return f"{book[1]}{book[2]}" if book else PurePosixPath(name).stem


def names_of(paths: Sequence[Path], root: Path, own: Sequence[str] | None = None) -> list[str]:
    """A name for each that no other has, nor a report folder, whatever the file system.

    It is its `own`, or longer, or has a number, where two would share a report. The assignment's
    own solution, at its root, is the `reference`.
    """
    own = [name_of(path) for path in paths] if own is None else [sound(name) for name in own]
    short = Counter(map(folders.key, own))
    whole = Counter(folders.key(_whole(path)) for path in paths)
    names, taken = [], {folders.key(REFERENCE)}
    for path, name in zip(paths, own, strict=True):
        if path.resolve() == root.resolve():
            names.append(REFERENCE)
            continue
        wanted = [name] if short[folders.key(name)] == 1 else []
        wanted += [_whole(path)] if whole[folders.key(_whole(path))] == 1 else []
        above = f"{sound(path.resolve().parent.name)}-{_whole(path)}"
        numbered = (f"{above}-{number}" for number in count(2))
        chosen = next(n for n in chain(wanted, (above,), numbered) if folders.key(n) not in taken)
        taken.add(folders.key(chosen))
        names.append(chosen)
    return names


def _whole(path: Path) -> str:
    return sound(own_name(path))
