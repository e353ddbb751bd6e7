"""Which submissions are at a path, and whose they are: a class, a platform's zip of it, or one.

Whatever lies there is accounted for: it is a submission, a part of one, or passed over by name.
Where two readings are possible and one of them would lose somebody's work, nothing is graded.
"""

import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from assay.course.assignment import Assignment
from assay.errors import CannotGrade, UsageError, quoted
from assay.records import Person
from assay.source.cells import is_installed
from assay.submission import archives, books, folders, platforms, reader, submission
from assay.submission.archives import Damaged, Member
from assay.submission.platforms import Named
from assay.submission.reader import Found
from assay.submission.submission import Submission

MAX_CLASS = 2 * 10**9
"""Bytes of the zip of a whole class."""
MAX_DEPTH = 50
"""Folders round everything in an archive that are taken off."""
LAID_OUT = {"notebooks", "solution"}
OWN_FOLDERS = {
    "alt", "archiv", "archive", "backup", "backups", "copies", "copy", "data", "daten", "draft",
    "drafts", "experiments", "figures", "images", "img", "lib", "old", "src", "test", "tests",
    "tmp", "versions",
}  # fmt: skip
"""Folders of a student's own: a notebook below one does not make its parent a class."""
COPY = re.compile(r"^copy of |[ _-]copy *\d*$|\(\d+\)$|^untitled *\d+$", re.IGNORECASE)
"""How the names of copies begin or end: those that browsers, Jupyter and file managers give."""
NBGRADER = {
    "submitted", "source", "release", "autograded", "feedback", "exchange", "inbound", "outbound",
    "nbgrader_config.py", "gradebook.db", "header.ipynb",
}  # fmt: skip
"""What is in the folder of a course for nbgrader; only `submitted` holds what was handed in."""
OF_NOBODY = "it stands beside several submissions, and belongs to none of them"
OTHER_FORMS = {
    "", ".7z", ".bz2", ".doc", ".docx", ".gdoc", ".gif", ".gz", ".heic", ".htm", ".html", ".jpeg",
    ".jpg", ".key", ".m", ".nb", ".odt", ".pages", ".pdf", ".png", ".ppt", ".pptx", ".py", ".qmd",
    ".r", ".rar", ".rmd", ".rtf", ".tar", ".tbz", ".tex", ".txz", ".url", ".webarchive", ".webloc",
    ".xls", ".xlsx", ".xz", ".zipx",
}  # fmt: skip
"""What people hand in instead of a notebook: each has a row that says why it is not graded."""


@dataclass(frozen=True)
class Entry:
    """A file or a folder that is not read yet: what it is called, and the files below it."""

    name: str
    where: Path
    below: tuple[str, ...]
    """Names relative to the folder; none for a file."""
    load: Callable[[str], Found]
    """Read it; a file under the name that is given, '' for its own."""
    disk: Path | None = None
    by_chance: bool = False
    """Whether its name only looks like a platform's."""
    is_link: bool = False
    raw: str = ""
    """What an archive calls it."""

    @property
    def place(self) -> tuple[Path, str]:
        """What no other has; two names that differ by their spelling in Unicode are two."""
        last = submission.own_name(self.where) if self.disk or self.is_link else self.raw
        return self.where.parent.resolve(), last

    @property
    def is_folder(self) -> bool:
        return bool(self.below) or (self.disk is not None and self.disk.is_dir())

    @property
    def named(self) -> Named | None:
        return None if self.by_chance else platforms.read(self.name)

    @property
    def is_of_platform(self) -> bool:
        """Whether a platform named it, be it in doubt for whom."""
        return self.named is not None or bool(platforms.doubt(self.name))

    @property
    def may_hold_notebook(self) -> bool:
        return any(map(_is_material, self.below or (self.name,)))


@dataclass(frozen=True)
class HandIn:
    """What one person or one group handed in."""

    path: Path
    """What it is called in messages."""
    name: str
    """What its report is called."""
    own_name: str
    """What it would be called alone."""
    entries: tuple[Entry, ...]
    people: tuple[Person, ...] = ()
    notes: tuple[str, ...] = ()

    def inspect(self) -> tuple[Submission, list[CannotGrade]]:
        """Return what could be read of it, and every reason why it cannot be graded as it is."""
        try:
            found = self._load()
        except CannotGrade as error:
            found = Found(problems=[error])
        try:
            read, problems = submission.of_found(found, self.path)
        except RecursionError:  # all that is read here is theirs
            what = f"what is in {quoted(self.path)} is nested too deeply to be read"
            hint = "take long chains of operators, calls or brackets apart"
            found = Found(problems=[CannotGrade(what, hint=hint)])
            read, problems = submission.of_found(found, self.path)
        own = self.name == submission.REFERENCE  # whatever table a student hands in with it
        notes = (*self.notes, *read.notes)
        return replace(read, is_reference=own, people=self.people, notes=notes), problems

    def read(self) -> Submission:
        """Return the submission.

        Raises
        ------
        CannotGrade
            The first of its problems; it holds the `others`.
        """
        read, problems = self.inspect()
        if problems:
            problems[0].others = tuple(problems[1:])
            raise problems[0]
        return replace(read, name=self.name)

    def _load(self) -> Found:
        if len(self.entries) == 1 and (self.entries[0].is_folder or not self.entries[0].named):
            return self.entries[0].load("")
        files = [(entry, entry.named) for entry in self.entries]
        names = _own_names([named for _, named in files if named])
        if sum(bool(reader.archive_suffix(Path(e.name))) for e, _ in files) > reader.MAX_PACKED:
            raise reader.too_many_archives(self.path)
        found = (
            e.load("" if e.is_folder else names[named] or e.name) for e, named in files if named
        )
        return reader.joined(found, self.path)


@dataclass
class Discovered:
    """The submissions, and what is none, each with the reason."""

    found: list[HandIn] = field(default_factory=list)
    passed_over: list[tuple[Path, str]] = field(default_factory=list)


def discover(
    paths: Iterable[Path], assignment: Assignment, reports: Path | None = None
) -> Discovered:
    """Every submission at these paths; `reports` is where their reports go, and none of them.

    Raises
    ------
    UsageError
        If a folder may be one submission or a class, or a platform's list cannot be read.
    """
    found = Discovered()
    entries: list[Entry] = []
    people: dict[str, tuple[Person, ...]] = {}
    paths = list(paths)
    parents = Counter(path.resolve().parent for path in paths)
    for path in paths:
        alone = parents[path.resolve().parent] == 1
        path = _unwrapped(path, assignment)
        inside = _entries(path)
        if inside is None or _is_one(path, inside, assignment):
            entries.append(_on_disk(path, alone=alone))
            continue
        inside, beside = _of_nbgrader(inside)
        found.passed_over += [(entry.where, "is not what was handed in") for entry in beside]
        people |= _metadata(inside)
        for entry in inside:
            reason = _no_submission(entry, inside, assignment, reports, people)
            if reason is None:
                entries.append(entry)
            elif reason:
                found.passed_over.append((entry.where, reason))
    missing = sorted(set(people) - {entry.name for entry in entries})
    for folder in missing:
        who = ", ".join(person.name or person.id for person in people[folder])
        reason = f"in Gradescope's list, of {who or 'no one'}, and there is no such folder"
        found.passed_over.append((Path(folder), reason))
    found.passed_over += [
        (parent / "adapter.py", OF_NOBODY)
        for parent, number in parents.items()
        if number > 1 and (parent / "adapter.py").is_file()
    ]
    once = list({entry.place: entry for entry in entries}.values())
    chance = platforms.by_chance(entry.name for entry in once)
    once = [_told_apart(replace(entry, by_chance=entry.name in chance)) for entry in once]
    groups = _grouped(once)
    of_blackboard = [e.named for e in once if e.named and e.named.platform == "blackboard"]
    of_people = [_of_person(group, people, of_blackboard, assignment) for group in groups]
    found.found = _apart(of_people, assignment.root)
    return found


def find(path: Path, assignment: Assignment) -> list[Path]:
    """What the submissions at a path are called in messages."""
    return [one.path for one in discover([path], assignment).found]


# What is at a path ----------------------------------------------------------------------------


def _entries(path: Path) -> list[Entry] | None:
    """What a folder or an archive holds at its top; None for a single file, or what is damaged."""
    entries = None
    if path.is_dir():
        entries = [_of_class(entry) for entry in _shown(path)]
    elif path.is_file() and path.suffix.lower() == ".zip":
        try:
            entries = _in_zip(path)
        except (Damaged, OSError):
            return None
    if entries is None:
        return None
    chance = platforms.by_chance(entry.name for entry in entries)
    return [replace(entry, by_chance=entry.name in chance) for entry in entries]


def _shown(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if not reader.is_left_out(_plain(p.name)))


def _unwrapped(path: Path, assignment: Assignment) -> Path:
    """The folder of a class inside folders that hold nothing else, as a zip of it is unpacked.

    Raises
    ------
    UsageError
        If the one folder may be a class or a student's.
    """
    parts_ = assignment.part
    titles = {_letters(t) for p in parts_ for t in (p.name, p.title, Path(p.notebook).stem)}
    inner = path
    while inner.is_dir() and not reader.is_laid_out(inner):
        shown = _shown(inner)
        if inner.name == "submitted":
            return inner
        if len(shown) != 1 or not shown[0].is_dir() or shown[0].is_symlink():
            return path
        inner = shown[0]
        if inner.name in LAID_OUT or _is_named(inner):
            return path
        tops = [_of_class(one) for one in _shown(inner)]
        files = [one for one in tops if not one.is_folder and _is_material(one.name)]
        folders = [one for one in tops if one.is_folder and _holds_notebook(one)]
        folders = [one for one in folders if one.name.casefold() not in OWN_FOLDERS | LAID_OUT]
        _ask_of_laid_out(inner, tops, assignment)
        around = {_letters(assignment.title), _letters(path.name), _letters(path.resolve().name)}
        called = _letters(inner.name) in titles | around or inner.name == "submitted"
        if any(one.named for one in tops) or (called and len(files) + len(folders) > 1):
            return inner
        if (
            files
            or any(one.name in LAID_OUT for one in tops)
            or _are_parts(folders, tops, assignment)
        ):
            return path
        if len(folders) > 1:
            raise UsageError(
                f"{quoted(inner)} may be one submission or a class",
                found="nothing stands beside it, and in it are "
                + ", ".join(quoted(one.name) for one in folders[:5]),
                hint=f"name {quoted(inner)} itself if it is the class",
            )
    return path


def _is_named(path: Path) -> bool:
    return platforms.read(_plain(path.name)) is not None or bool(platforms.doubt(path.name))


def _of_nbgrader(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Where they are the folders of an nbgrader course: what was submitted, and the others."""
    submitted = [e for e in entries if e.name == "submitted" and e.disk and e.is_folder]
    known = [e for e in entries if e.name in NBGRADER]
    if not submitted or len(known) < len(entries):
        return entries, []
    inner = _entries(Path(str(submitted[0].disk)))
    return inner or [], [e for e in entries if e is not submitted[0]]


def _of_class(path: Path) -> Entry:
    """An entry of a class; a link is named, and never followed: anybody's work may be behind it."""
    if not path.is_symlink():
        return _on_disk(path, alone=False)
    error = CannotGrade(
        f"{quoted(path)} is a link, not a file or a folder",
        hint="put what was handed in itself in its place",
    )
    return Entry(_plain(path.name), path, (), _refusal(error), is_link=True)


def _refusal(error: CannotGrade) -> Callable[[str], Found]:
    def load(_: str) -> Found:
        raise error

    return load


def _told_apart(entry: Entry) -> Entry:
    """Return the same entry; one whose name may be that of two people is not graded."""
    if entry.by_chance or not (who := platforms.doubt(entry.name)):
        return entry
    error = CannotGrade(
        f"whose {quoted(entry.where)} is cannot be determined",
        found=f"its name may be that of {who}",
        hint="rename it so that the part that the platform writes is in it once",
    )
    return replace(entry, load=_refusal(error))


def _on_disk(path: Path, *, alone: bool) -> Entry:
    def load(name: str) -> Found:
        if name and path.is_file() and not reader.archive_suffix(path):
            return reader.file_on_disk(path, name)
        return reader.read(path, alone=alone)

    return Entry(
        _plain(submission.own_name(path)), path, tuple(reader.names_below(path)), load, path
    )


def _in_zip(path: Path) -> list[Entry]:
    """Return the entries of a zip archive; what is in them is unpacked when it is needed."""
    with reader.opened(path) as file:
        size = file.seek(0, os.SEEK_END)
    if size > MAX_CLASS:
        what = f"{quoted(path)} is larger than {MAX_CLASS // 10**9} GB"
        raise UsageError(what, hint="unpack it, and name the folder")
    members = list(archives.of_class(io.BufferedReader(reader.OnDisk(path), reader.MB)))
    kept = [(_without_empty_parts(member.name), member) for member in members]
    kept = [(name, member) for name, member in kept if not reader.is_left_out(name)]
    for _ in range(MAX_DEPTH):  # each takes as long as all names are
        if not kept or not _is_wrapped([name for name, _ in kept]):
            break
        kept = [(name.partition("/")[2], member) for name, member in kept]
    of_top: dict[str, list[Member]] = {}
    for name, member in kept:
        of_top.setdefault(name.partition("/")[0], []).append(replace(member, name=name))
    return [_of_members(path, top, inside) for top, inside in sorted(of_top.items())]


def _without_empty_parts(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _is_wrapped(names: list[str]) -> bool:
    """Return whether one folder is round everything, and it is not itself somebody's."""
    tops = {name.partition("/")[0] for name in names}
    if len(tops) > 1 or not all("/" in name for name in names) or not tops.isdisjoint(LAID_OUT):
        return False
    inner = [name.partition("/")[2] for name in names]
    return platforms.read(next(iter(tops))) is None and bool(inner)


def _of_members(path: Path, top: str, members: list[Member]) -> Entry:
    cut = [replace(m, name=m.name.partition("/")[2]) for m in members if "/" in m.name]
    below = tuple(member.name for member in cut)
    where = path / _as_a_place(top)

    def load(name: str) -> Found:
        chosen = cut or [replace(members[0], name=name or top)]
        found = reader.read_members(chosen, where)
        return reader.outer_folder_taken_off(found) if not cut else found

    return Entry(_plain(top), where, below, load, raw=top)


def _as_a_place(name: str) -> str:
    """A name that a file system can be asked about, of one in an archive: it may be anything."""
    shown = re.sub(r"[\x00-\x1f\x7f]", "?", name)
    return shown if len(shown.encode("utf-8", "replace")) <= 200 else f"{shown[:60]}…"


# Is it one submission? ------------------------------------------------------------------------


def _is_one(path: Path, entries: Sequence[Entry], assignment: Assignment) -> bool:
    """Return whether it is one submission: docs/contract.md has the rules.

    Raises
    ------
    UsageError
        If it may be one or a class, and one of the two would lose somebody's work.
    """
    if path.resolve() == assignment.root.resolve():
        return True
    entries = [entry for entry in entries if not _is_reports(entry, None)]
    if _is_gradescopes(entries) or any(entry.is_of_platform for entry in entries):
        return False
    if any(entry.is_folder and entry.name in LAID_OUT for entry in entries):
        _ask_of_laid_out(path, entries, assignment)
        return True
    top = [e.name for e in entries if not e.is_folder and reader.may_be_notebook(e.name)]
    below = [e for e in entries if e.is_folder and _holds_notebook(e)]
    below = [e for e in below if e.name.casefold() not in OWN_FOLDERS or not top]
    packed = [e for e in entries if not e.is_folder and reader.archive_suffix(e.where)]
    if _are_copies(top, assignment) and not below and not packed:
        return True
    wanted = {PurePosixPath(part.notebook).name for part in assignment.part}
    modules = _imports_beside(top, entries, assignment)
    if wanted.isdisjoint(top):
        if _answer_all(top, assignment) and not below and not packed:
            return True
        if not top and below and _are_parts(below, entries, assignment):
            return True
        if modules and (below or packed):
            what = f"a notebook imports {quoted(modules[0])} beside it"
            raise _one_or_class(path, what, [entry.name for entry in [*below, *packed]])
        if modules:
            return True
        return len(top) == 1 and not below and not packed
    others = [name for name in top if name not in wanted]
    if len(below) + len(packed) > 1 and not modules:
        return False
    several = len(others) > 1 and not (len(wanted) > 1 and wanted.issubset(top))
    if below or packed or several:
        beside = [e.name for e in [*below, *packed]] or others
        raise UsageError(
            f"{quoted(path)} may be one submission or a class",
            found=f"{quoted(min(wanted & set(top)))} has the assignment's own name, and beside it "
            f"{'is' if len(beside) == 1 else 'are'} " + ", ".join(map(quoted, beside[:5])),
            hint="name each submission, or move the notebook that was handed out out of the class",
        )
    return True


def _is_gradescopes(entries: Sequence[Entry]) -> bool:
    """Whether its list stands beside folders of its own; a file of that name alone says nothing."""
    folders = any(e.is_folder and platforms.OF_GRADESCOPE.fullmatch(e.name) for e in entries)
    return folders and any(e.name == platforms.GRADESCOPE for e in entries)


def _ask_of_laid_out(path: Path, entries: Sequence[Entry], assignment: Assignment) -> None:
    """A folder called as an assignment's own makes one submission, if it stands alone.

    Raises
    ------
    UsageError
        If other notebooks stand there too: a student may choose that name.
    """
    laid = [e for e in entries if e.is_folder and e.name in LAID_OUT]
    own = OWN_FOLDERS | LAID_OUT
    below = [e for e in entries if _holds_notebook(e) and e.name.casefold() not in own]
    files = [e for e in entries if not e.is_folder and _is_material(e.name)]
    wanted = {PurePosixPath(part.notebook).name for part in assignment.part}
    files = [entry for entry in files if entry.name not in wanted]
    top = [entry.name for entry in files]
    read = reader.is_laid_out(path) or any(map(_holds_notebook, laid))  # it, and not the files
    plain = not read and not any(e.name[-6:] != ".ipynb" for e in files)
    if plain or _are_copies(top, assignment) or _answer_all(top, assignment):
        files = []  # a package beside notebooks
    if laid and (below or len(files) > 1):
        what = f"{quoted(laid[0].name)} is a folder as one submission has it"
        raise _one_or_class(path, what, [entry.name for entry in [*below, *files]])


def _one_or_class(path: Path, what: str, beside: Sequence[str]) -> UsageError:
    return UsageError(
        f"{quoted(path)} may be one submission or a class",
        found=f"{what}, and there {'is' if len(beside) == 1 else 'are'} "
        + ", ".join(map(quoted, beside[:5])),
        hint="if it is a class, give each student's files a folder of their own; if it is one "
        "submission, take out what is not to be graded",
    )


def _holds_notebook(entry: Entry) -> bool:
    return any(_is_material(name) for name in entry.below)


def _is_material(name: str) -> bool:
    return reader.may_be_notebook(name) or reader.archive_suffix(Path(name)) is not None


def _imports_beside(
    top: Sequence[str], entries: Sequence[Entry], assignment: Assignment
) -> list[str]:
    """Return the modules and packages beside the notebooks at the top that one of them imports.

    One that is installed, or was handed out, is in anybody's imports.
    """
    own = [PurePosixPath(e.name).stem for e in entries if not e.is_folder and e.name[-3:] == ".py"]
    packages = [e for e in entries if not _holds_notebook(e)]
    own += [e.name for e in packages if any(name.endswith(".py") for name in e.below)]
    own = [name for name in own if name.isidentifier() and not _is_anybodys(name, assignment)]
    books = [_loaded(entry) for entry in entries if entry.name in top] if own else []
    texts = [c for book in books for name, c in book.items() if "ipynb" in name]
    return [name for name in own if any(_imports(text, name) for text in texts)]


def _imports(text: bytes, name: str) -> bool:
    return bool(re.search(rf"\b(?:import|from)\s+\.?{re.escape(name)}\b".encode(), text))


def _is_anybodys(module: str, assignment: Assignment) -> bool:
    places = {(assignment.root / part.notebook).parent for part in assignment.part}
    handed_out = any((place / f"{module}.py").exists() for place in {*places, assignment.root})
    return handed_out or is_installed(module)


def _are_copies(names: Sequence[str], assignment: Assignment) -> bool:
    """Whether these notebooks are copies of one, by what programs call a copy: of one person."""
    marked = [name for name in names if COPY.search(PurePosixPath(name).stem)]
    stems = {books.attempt(name)[0] for name in names}
    return len(names) > 1 and len(stems) == 1 and len(marked) >= len(names) - 1


def _answer_all(names: Sequence[str], assignment: Assignment) -> bool:
    """Return whether these notebooks are the answers to the parts, one each, by their names."""
    several = Submission("", dict.fromkeys(names, b""))
    chosen = [books.notebook_by_name(assignment, part, several) for part in assignment.part]
    return len(names) > 1 and None not in chosen and sorted(map(str, chosen)) == sorted(names)


def _are_parts(below: Sequence[Entry], entries: Sequence[Entry], assignment: Assignment) -> bool:
    """Return whether folders are called like the parts, and belong to no student."""
    titles = {_letters(word) for part in assignment.part for word in (part.name, part.title)}
    numbers = range(1, len(assignment.part) + 1)
    titles |= {f"{word}{number}" for word in ("part", "teil") for number in numbers}
    return len(below) > 1 and all(_letters(entry.name) in titles for entry in below)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


# What is in a class ---------------------------------------------------------------------------


def _no_submission(
    entry: Entry,
    beside: Sequence[Entry],
    assignment: Assignment,
    reports: Path | None,
    people: dict[str, tuple[Person, ...]],
) -> str | None:
    """Return why an entry is no submission; '' if that need not be said, None if it is one.

    Whatever a platform named is somebody's, and so is a folder.
    """
    if entry.name == platforms.GRADESCOPE and _is_gradescopes(beside):
        return ""
    if _is_reports(entry, reports):
        return "reports of an earlier run"
    if entry.name in people or entry.is_of_platform or entry.is_folder or entry.is_link:
        return None
    wanted = {PurePosixPath(part.notebook).name for part in assignment.part}
    stem = submission.stem_of(entry.name).casefold()
    same = [e.name for e in beside if _is_material(e.name) and not e.is_folder and not e.named]
    if not _is_material(entry.name) and stem in {submission.stem_of(n).casefold() for n in same}:
        return "it is called like a notebook beside it"
    if entry.name in wanted and (people or any(e.is_folder or e.named for e in beside)):
        return "it has the name of the notebook that was handed out"
    suffix = PurePosixPath(entry.name).suffix.lower()
    if _is_material(entry.name) or suffix in OTHER_FORMS - {"", ".py", ".html", ".htm"}:
        return None
    if suffix == ".py":
        return OF_NOBODY if entry.name in ("adapter.py", "conftest.py", "setup.py") else None
    if suffix in (".html", ".htm") and entry.name != "index.html":
        return None
    if suffix in ("", ".json", ".txt") and any(map(reader.is_notebook, _loaded(entry))):
        return None
    return "is no submission"


def _loaded(entry: Entry, name: str = "") -> dict[str, bytes]:
    try:
        return entry.load(name).files
    except CannotGrade:
        return {}


def _is_reports(entry: Entry, reports: Path | None) -> bool:
    """Whether assay wrote this folder: the reports of these submissions, or of earlier ones."""
    if reports is not None and entry.where.resolve() == reports.resolve():
        return True
    if not entry.is_folder or entry.disk is None:
        return False
    inner = [name.split("/") for name in entry.below]
    pages = [n for n in inner if n[-1] == "results.json" and len(n) <= 2]
    work = [n for n in inner if n[-1].endswith(".ipynb") and not n[-1].endswith("-executed.ipynb")]
    called = [f"reports/{name}" for name in entry.below if entry.name == "reports"]
    return not work and bool(pages or reader.report_folders(called))


def _metadata(entries: Sequence[Entry]) -> dict[str, tuple[Person, ...]]:
    """Who handed in which folder, where Gradescope's list stands beside them."""
    found: dict[str, tuple[Person, ...]] = {}
    for entry in entries if _is_gradescopes(entries) else ():
        if entry.name == platforms.GRADESCOPE:
            for content in entry.load(entry.name).files.values():
                found |= platforms.gradescope(content, str(entry.where))
    return found


# Whose is what --------------------------------------------------------------------------------


def _grouped(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries that a platform says are of one person together, in the order of the first."""
    groups: dict[object, list[Entry]] = {}
    for number, entry in enumerate(entries):
        named = entry.named
        key = (named.platform, named.id, named.student) if named else number
        groups.setdefault(key, []).append(entry)
    return list(groups.values())


def _of_person(
    group: Sequence[Entry],
    people: dict[str, tuple[Person, ...]],
    of_blackboard: Sequence[Named],
    assignment: Assignment,
) -> HandIn:
    first, named = group[0], group[0].named
    if named is None:
        is_on_disk = first.disk is not None
        name = submission.name_of(first.where) if is_on_disk else _stem(first)
        return HandIn(first.where, name, name, (first,), people.get(first.name, ()))
    entries, notes = _latest([(e, e.named) for e in group if e.named], assignment)
    if named.platform == "blackboard":
        user = platforms.user_of(named, of_blackboard, assignment.title)
        if user:
            named = replace(named, id=user, student=user)
        else:
            what = f"where the assignment ends and the user begins in {quoted(named.id)}"
            notes.append(f"{what} cannot be determined: a gradebook will not know this row")
    path = first.where if len(group) == 1 else first.where.parent / named.called
    called, people_of = named.called, (named.person,)
    return HandIn(path, called, called, tuple(entries), people_of, tuple(notes))


def _stem(entry: Entry) -> str:
    return entry.name if entry.is_folder else submission.stem_of(entry.name)


def _latest(
    files: Sequence[tuple[Entry, Named]], assignment: Assignment
) -> tuple[list[Entry], list[str]]:
    """Return the entries that count, and a note on each that a later one stands for."""
    platform = files[0][1].platform
    if platform == "canvas":
        chosen = _latest_of_canvas(_useful(files), assignment)
    elif platform in ("blackboard", "brightspace"):
        useful = [n.attempt for e, n in _useful(files) if e.may_hold_notebook]
        last = max(useful or [n.attempt for _, n in files])
        chosen = [entry for entry, named in files if named.attempt == last]
    else:
        chosen = [entry for entry, _ in files]
    counts = ", ".join(quoted(entry.name) for entry in chosen)
    gone = [entry for entry, _ in files if entry not in chosen]
    notes = [
        f"handed in again: {counts} counts, {quoted(entry.name)} was not read" for entry in gone
    ]
    return chosen, notes


def _useful(files: Sequence[tuple[Entry, Named]]) -> Sequence[tuple[Entry, Named]]:
    """Those of several that hold anything: an empty file that is sent again replaces nothing."""
    if len(files) == 1:
        return files
    full = [(e, n) for e, n in files if any(map(bytes.strip, _loaded(e, n.file).values()))]
    return full or files


def _latest_of_canvas(files: Sequence[tuple[Entry, Named]], assignment: Assignment) -> list[Entry]:
    """Of each file the last: `hw-1.ipynb` stands for `hw.ipynb`.

    Without a `hw.ipynb`, `hw-1` and `hw-2` may be the answers to two parts: both are kept.
    """
    of_base: dict[str, list[tuple[int, tuple[int, ...], Entry]]] = {}
    for entry, named in files:
        base, number = platforms.again(named.file)
        of_base.setdefault(base.casefold(), []).append((number, named.attempt, entry))
    chosen: list[Entry] = []
    for same in of_base.values():
        numbers = [number for number, _, _ in same]
        apart = 0 not in numbers and len(set(numbers)) == len(same) > 1 and len(assignment.part) > 1
        last = max(same, key=lambda one: (one[1], one[0]))
        chosen += [entry for _, _, entry in same] if apart else [last[2]]
    return [entry for entry, _ in files if entry in chosen]


def _own_names(named: Sequence[Named]) -> dict[Named, str]:
    """What each file was called by its student: without Canvas' number where no other has it."""
    bases = Counter(platforms.again(one.file)[0].casefold() for one in named)

    def own(one: Named) -> str:
        base, _ = platforms.again(one.file)
        return base if one.platform == "canvas" and bases[base.casefold()] == 1 else one.file

    return {one: own(one) for one in named}


def _apart(found: list[HandIn], root: Path) -> list[HandIn]:
    """Each under a name that no other has."""
    names = submission.names_of([one.path for one in found], root, [one.name for one in found])
    return [replace(one, name=name) for one, name in zip(found, names, strict=True)]


def _plain(name: str) -> str:
    return folders.composed(name)
