"""What a student should know before handing in: found in the files alone, nothing is run.

What an adapter proposes may have been tried elsewhere (`assay/grading/trial.py`).
"""

import posixpath
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import chain
from pathlib import PurePosixPath
from typing import NamedTuple

from assay.course import rubric
from assay.course.rubric import Row
from assay.errors import quoted
from assay.source import decoding, order
from assay.source.cells import (
    Defined,
    bound,
    defined,
    files,
    imports,
    is_installed,
    relative_imports,
    trouble,
    wants,
)
from assay.submission import books, parameters
from assay.submission.sections import Section
from assay.submission.submission import Submission

NOT_LOOKED_IN = {"adapter.py", "setup.py", "conftest.py", "exam.py", "ask.py"}
STANDARD = sys.stdlib_module_names
ADAPTER_HEAD = """\
# An adapter: the names that are asked for, made from yours. Save it as adapter.py beside the
# notebook, or as a cell tagged `adapter`. It is executed after the last cell and sees every name of
# the notebook; to wrap a function of the same name: `from __main__ import train as my_train`."""

ALIKE = 0.7
"""Names with less in common are not proposed for each other."""
SHORT = 8
"""Letters of a name: of shorter ones, few in common say nothing."""


class Near(NamedTuple):
    """A name of the student's own that may be one that is asked for."""

    name: str
    fits: bool
    """Whether it can be called as it is asked for, by its signature."""


class Tried(NamedTuple):
    """What became of the questions that lacked a name, once it was bound."""

    answered: int
    asked: int
    error: str = ""
    """What the first of the others raised."""


def notes(sections: Mapping[str, Section]) -> list[str]:
    """Return everything worth a warning, each in one sentence."""
    found = [note for section in sections.values() for note in _of_part(section, sections)]
    answering = {s.notebook: s.submission for s in sections.values() if s.notebook}
    found += [note for name, of in answering.items() for note in _of_cells(of, name)]
    return list(dict.fromkeys(found))


def adapter(
    sections: Mapping[str, Section], tried: Mapping[str, Mapping[str, Tried]] | None = None
) -> str:
    """Return a template of an adapter for the names that are not found, every line a comment.

    `tried` has, by part and by name, what came of binding what is proposed.
    """
    lines = [ADAPTER_HEAD]
    for section in sections.values():
        assignment, part = section.assignment, section.part
        if part in books.absent(assignment, section.submission):
            continue
        rows, others = _wanted(section)
        lines += ["", f"# {part.title}"] if rows else []
        near = _near(section, [*rows, *chain(*others.values())])
        found = (tried or {}).get(part.name, {})
        for row in rows:
            lines += [*_proposed(row, near, found), *skeleton(row)]
            lines += ["# or, instead of it:"] if others[row.names[0]] else []
            for other in others[row.names[0]]:
                lines += [*_proposed(other, near, found), *skeleton(other)]
    return "\n".join(lines) if len(lines) > 1 else "# Every name that is asked for is there."


def to_bind(section: Section) -> dict[str, str]:
    """Return the student's own name for each that is not found, where it takes what is asked."""
    rows, others = _wanted(section)
    near = _near(section, [*rows, *chain(*others.values())])
    return {name: own.name for name, own in near.items() if own.fits}


def _wanted(section: Section) -> tuple[list[Row], dict[str, Sequence[Row]]]:
    """The rows of names that are not found, and for the first name of each what does instead."""
    rows = missing(section)
    instead = rubric.instead(section.assignment, section.part)
    return rows, {row.names[0]: instead.get(row.names[0], ()) for row in rows}


def _proposed(row: Row, near: Mapping[str, Near], tried: Mapping[str, Tried]) -> list[str]:
    """Names of the student's own for those of a row, to be bound or to be wrapped."""
    found = [(name, near[name]) for name in row.names if name in near]
    return [_proposal(name, own, tried.get(name)) for name, own in found]


def _proposal(name: str, own: Near, tried: Tried | None) -> str:
    if not own.fits:
        return f"# Not tried: `{own.name}` is near, and takes other arguments: call it in `{name}`"
    if tried is None:
        return f"# Not tried: {name} = {own.name}"
    if not tried.answered:
        return (
            f"# Tried: `{own.name}` is near, and raises {plain(tried.error)}: call it in `{name}`"
        )
    of = f"{tried.answered} of {tried.asked} questions that lacked it are answered"
    return f"# Tried: {name} = {own.name}  # {of}"


def plain(text: str) -> str:
    """One line of what student code raised, as it can stand in a comment."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:120]


def missing(section: Section) -> list[Row]:
    """Return the rows of the part's table of which a name is found nowhere, by reading alone."""
    assignment, part, there = section.assignment, section.part, _names(section)
    instead = rubric.instead(assignment, part)
    rows = [row for row in rubric.names(assignment, part) if row.names and not row.optional]
    return [
        row for row in rows if not there.issuperset(row.names) and not _served(row, instead, there)
    ]


def _near(section: Section, rows: Sequence[Row]) -> dict[str, Near]:
    """For the names that are missing, the student's own that are most like them, each once.

    Alike are names that share words with it, or with what else it is often called, of the same
    kind: classes, functions, or values. Those that can be called as it is asked for go first.
    Nothing is run, so nothing is tried.
    """
    own: dict[str, Defined] = {}
    for text in _texts(section):
        own |= defined(text)
    assignment = section.assignment
    tables = [rubric.names(assignment, each) for each in assignment.part]
    asked = {name for table in tables for row in table for name in row.names}
    also = rubric.also(assignment, section.part)
    pairs = sorted(
        (
            (-likeness, not _fits(kind, row.call), name, other)
            for row in rows
            for name in row.names
            for other, kind in own.items()
            if other not in asked and kind.what == _kind(name, row.call)
            if (likeness := max(_likeness(n, other) for n in (name, *also.get(name, ())))) >= ALIKE
        )
    )
    found: dict[str, Near] = {}
    for _, unfit, name, other in pairs:
        if name not in found and other not in {near.name for near in found.values()}:
            found[name] = Near(other, not unfit)
    return found


def _kind(name: str, call: str) -> str:
    if not call:
        return "value"
    return "class" if name[0].isupper() else "function"


def _fits(kind: Defined, call: str) -> bool:
    """Return whether what a student has can be called as a row of the table says."""
    if kind.what == "value":
        return True
    taken = [part.strip() for part in call.strip("()").split(",")]
    after = taken.index("*") if "*" in taken else len(taken)
    named = [part.rstrip("=") for part in taken if part.endswith("=")] + taken[after + 1 :]
    n_given = sum("=" not in part and bool(part) for part in taken[:after])
    return kind.takes(n_given, frozenset(named))


def _likeness(name: str, other: str) -> float:
    """1 for the same words in any order; else how much of them, or of the letters, is alike."""
    ours, theirs = _words_of(name), _words_of(other)
    if ours == theirs:
        return 1.0
    if (ours < theirs or theirs < ours) and any(len(word) > 2 for word in ours & theirs):
        return 0.9
    if min(len(name), len(other)) < SHORT:
        return 0.0
    return SequenceMatcher(None, name.lower(), other.lower()).ratio()


def _words_of(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def _served(row: Row, instead: dict[str, Sequence[Row]], there: set[str]) -> bool:
    """Return whether other names do instead of this row's."""
    others = [name for name in row.names if name in instead]
    return bool(others) and all(
        there.issuperset(other.names) for name in others for other in instead[name]
    )


def _names(section: Section) -> set[str]:
    return {name for text in _texts(section) for name in bound(text)}


def _texts(section: Section) -> list[str]:
    texts = [cell.source for cell in section.cells if cell.kind == "code"]
    texts += [section.adapter] if section.notebook else []
    texts += [
        decoding.text_of(content)
        for name, content in section.submission.files.items()
        if _is_looked_in(name, section.notebook)
    ]
    return texts


def _is_looked_in(file: str, notebook: str) -> bool:
    """Whether grading looks for names in a module: of `solution`, at the top, beside the notebook.

    docs/contract.md says where; a package of a student's own counts with the modules right in it.
    """
    path, beside = PurePosixPath(file), PurePosixPath(notebook).parent
    if path.suffix != ".py" or path.name in NOT_LOOKED_IN:
        return False
    if "solution" in path.parts[0]:
        return True
    inner = path.relative_to(beside) if path.is_relative_to(beside) else path
    names = (*inner.parts[:-1], inner.stem)
    return len(names) <= 2 and all(map(str.isidentifier, names)) and names[0] not in STANDARD


def _of_part(section: Section, sections: Mapping[str, Section]) -> Iterator[str]:
    assignment, part = section.assignment, section.part
    if not section.notebook:
        if part not in books.absent(assignment, section.submission):  # reported with the notebooks
            yield f"{part.name} was not handed in: no notebook answers it"
        return
    if section.once:
        yield (
            f"{part.name}: not parameterised, so it is run once, as it stands ({section.once}); "
            f"tag the cell that sets {parameters.listed(part.varied)}"
        )
    if section.begins:
        heading = section.cells[section.begins].source.strip().partition("\n")[0]
        yield f"{part.name}: begins at cell {section.begins + 1} of the notebook, {quoted(heading)}"
    elif _is_lost(section, sections):
        number = assignment.part.index(part) + 1
        yield (
            f"{part.name}: no heading says where it begins in {quoted(section.notebook)}; what it "
            f"binds anew is lost to the part before: a heading `# Part {number}` helps"
        )
    if rows := missing(section):
        near = _near(section, rows)
        absent = ", ".join(
            f"`{name}`" + (f" (is it your {quoted(near[name].name)}?)" if name in near else "")
            for row in rows
            for name in row.names
        )
        yield f"{part.name}: not found by reading: {absent}; `assay check --adapter` has a template"


def _is_lost(section: Section, sections: Mapping[str, Section]) -> bool:
    """Return whether an earlier part shares this one's notebook."""
    sharing = [s.part.name for s in sections.values() if s.notebook == section.notebook]
    return sharing[0] != section.part.name


def _of_cells(submission: Submission, name: str) -> Iterator[str]:
    """What single cells will trip over; cells of code are numbered from 1, as in the report."""
    code = [cell for cell in submission.cells_in(name) if cell.kind == "code"]
    written = {path for cell in code for path in files(cell.source)[1]}
    texts = [cell.source for cell in code]
    together: dict[int, list[str]] = {}
    for number, wanted in order.wants_gpu(texts):
        none = f"{wanted}, and there is none there: take what `torch.cuda.is_available()` says"
        together.setdefault(number, []).append(none)
    for number, unbound in order.unbound(texts):
        together.setdefault(number, []).append(unbound)
    for number, cell in enumerate(code, 1):
        absent = _absent(submission, name, cell.source, written)
        for found in [*trouble(cell.source), *absent, *together.get(number, [])]:
            yield f"{quoted(name)}, code cell {number} {found}"
    yield from _of_modules(submission, texts)


def _of_modules(submission: Submission, cells: Sequence[str]) -> Iterator[str]:
    """What the submission's own modules import that is not installed: those that are reached."""
    own = {".".join(_dotted(file)): file for file in submission.files if file.endswith(".py")}
    queue = [module for cell in cells for module in imports(cell)]
    queue += [module for module in own if module.partition(".")[0] == "solution"]
    seen: set[str] = set()
    while queue:
        module = queue.pop(0)
        for file in (f for dotted, f in own.items() if _is_of(module, dotted) and f not in seen):
            seen.add(file)
            source = decoding.text_of(submission.files[file])
            package = ".".join(_dotted(file)[:-1])
            queue += [f"{package}.{inner}".strip(".") for inner in relative_imports(source)]
            for wanted in imports(source):
                queue.append(wanted)
                if not _is_there(wanted) and not any(_is_of(wanted, dotted) for dotted in own):
                    yield f"{quoted(file)} imports `{wanted}`, which is not installed there"


def _dotted(file: str) -> tuple[str, ...]:
    parts = PurePosixPath(file).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def _is_of(module: str, dotted: str) -> bool:
    """Whether an import brings a file: its module, from whatever folder, or a package around it."""
    return f".{dotted}.".find(f".{module}.") >= 0 or f".{module}.".startswith(f".{dotted}.")


def _absent(submission: Submission, name: str, cell: str, written: set[str]) -> Iterator[str]:
    """What a cell imports, reads or shows that neither the grader nor the submission has."""
    own = {part for file in submission.files for part in _module_names(file)}
    for module in imports(cell):
        if module.split(".")[0] not in own and not _is_there(module):
            yield f"imports `{module}`, which is not installed there"
    folder = PurePosixPath(name).parent
    for path in dict.fromkeys(files(cell)[0]):
        if path not in written and _within(folder, path) not in submission.files:
            yield f"reads `{path}`, which is not handed in: put it beside the notebook"
    yield from wants(cell)


def _is_there(module: str) -> bool:
    return module != "google.colab" and is_installed(module)


def _module_names(file: str) -> Iterator[str]:
    """By which a file can be imported, from its folder or from one above."""
    path = PurePosixPath(file)
    if path.suffix == ".py":
        yield from (*path.parts[:-1], path.stem)


def _within(folder: PurePosixPath, path: str) -> str:
    """A path that a notebook names, from the root of its submission."""
    return posixpath.normpath((folder / path).as_posix())


def skeleton(row: Row) -> list[str]:
    """The lines that would bind a row's names: for a value or a class, and for a function."""
    first = row.names[0]
    if row.call and not first[0].isupper():
        taken = re.sub(r"=(?=[,)])", "=None", row.call)
        return [f"# def {first}{taken}: return ...", f"#     # {row.meaning}"]
    values = ", ".join("..." for _ in row.names)
    called = f"{row.call}: " if row.call else ""
    return [f"# {', '.join(row.names)} = {values}", f"#     # {called}{row.meaning}"]
