"""Which notebook answers a part, where there are several, and what lies beside it.

The name that the assignment gives counts, then words of it, then what is in them: the names that
the part's exam asks for. If that is not clear either, nothing is guessed.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import PurePosixPath

from assay.course.assignment import Assignment, Part
from assay.errors import CannotGrade, quoted
from assay.submission import headings, notebook, parameters
from assay.submission.submission import Submission

SET_ASIDE = {
    "alt", "archiv", "archive", "backup", "backups", "copies", "copy", "draft", "drafts",
    "experiments", "old", "tmp", "versions",
}  # fmt: skip
"""Folders of earlier work: what is in them counts only where nothing else answers."""
COPY = re.compile(
    r"(?:copy of )?(?P<stem>untitled(?=\d)|.{1,200}?)(?:[ _-]{0,3}copy)?"
    r"(?:[ _-]{0,3}\((?P<n>\d{1,3})\)|(?<=copy)[ _-]{0,3}(?P<m>\d{1,3})|[ _-]{1,3}v?(?P<v>\d{1,3})"
    r"|(?<=untitled)(?P<u>\d{1,3}))?",
    re.IGNORECASE,
)
"""`hw (1)`, `hw-Copy1`, `hw_v2`: what programs and people call a further one."""


def notebook_of(assignment: Assignment, part: Part, submission: Submission) -> str | None:
    """Return the notebook that answers a part: by its name, by words of its name, by what is in it.

    The only notebook answers every part, but for one that it shows nothing of beside another.
    """
    if part in absent(assignment, submission):
        return None
    name = submission.notebook_for(part)
    others = {PurePosixPath(p.notebook).name for p in assignment.part if p is not part}
    if name is not None and _last(name) in others:
        is_marked = headings.marked(assignment, part, submission.cells_in(name))
        return name if is_marked else _by_content(assignment, part, submission)
    named = name or _by_words(assignment, part, submission)
    return named or _by_content(assignment, part, submission)


def absent(assignment: Assignment, submission: Submission) -> list[Part]:
    """Return the parts that the only notebook shows nothing of, where it shows another.

    A part shows in a heading or a tag, in a word of its name that a heading or a name has, in a
    third of the names that it alone is asked for, or in three that are near them. Where none shows,
    a library decides that one part's own notebook imports and no other's.
    """
    if len(submission.notebooks) != 1 or len(assignment.part) == 1:
        return []
    only = submission.notebooks[0]
    if any(_last(part.notebook) == _last(only) for part in assignment.part):
        return []  # the name says which; `notebook_of` goes on from there
    shown = [part for part in assignment.part if _shows(assignment, part, submission)]
    shown = shown or [p for p in assignment.part if _is_built_on(assignment, p, submission)]
    return [part for part in assignment.part if part not in shown] if shown else []


def _shows(assignment: Assignment, part: Part, submission: Submission) -> bool:
    only = submission.notebooks[0]
    cells = submission.cells_in(only)
    if headings.marked(assignment, part, cells) or _stands_above(assignment, part, cells):
        return True
    binds = submission.bound_by_modules.union(*(cell.bound for cell in cells))
    lines = [line for cell in cells for line in headings.lines(cell)]
    own = (cell.bound - _of_libraries(submission, cell) for cell in cells)
    named = submission.bound_by_modules.union(*own)
    said = " ".join([only, *named, *lines]).casefold()
    if any(word in said for word in _words(part)):
        return True
    alone = _alone(assignment, part)
    if not alone or len(binds & alone) >= max(1, -(-len(alone) // 3)):
        return True
    others = [assignment.asked[p.name] for p in assignment.part if p is not part]
    stems = _stems(alone) - _stems(frozenset().union(*others))
    near = [stem for stem in stems if any(s.startswith(stem) for s in _stems(binds))]
    return bool(stems) and len(near) >= min(3, len(stems))


def _of_libraries(submission: Submission, cell: notebook.NotebookCell) -> frozenset[str]:
    """Return the names that a cell takes from libraries: a `PowerTransformer` is no transformer."""
    own = {word for name in submission.files for word in name.removesuffix(".py").split("/")}
    taken = {module.partition(".")[0] for module in cell.imports}
    return frozenset() if taken & own else cell.imported


def _is_built_on(assignment: Assignment, part: Part, submission: Submission) -> bool:
    """Whether it imports a library that the assignment's own notebook has for this part alone."""
    others = [_libraries(assignment, p) for p in assignment.part if p is not part]
    alone = _libraries(assignment, part).difference(*others)
    return not alone.isdisjoint(_imported(submission.files[submission.notebooks[0]]))


def _libraries(assignment: Assignment, part: Part) -> frozenset[str]:
    path = assignment.root / part.notebook
    found = _imported(path.read_bytes()) if path.is_file() else frozenset[str]()
    return found - frozenset(sys.stdlib_module_names)


def _imported(content: bytes) -> frozenset[str]:
    """Return the packages that the cells of a notebook import, by their first names."""
    return frozenset(m.partition(".")[0] for cell in _cells(content) for m in cell.imports)


def _stems(names: frozenset[str]) -> set[str]:
    """Return how the words of names begin: `Positions` is near `PositionalEncoding`."""
    return {word[:5].casefold() for word in re.findall(r"[A-Z]?[a-z]{2,}", " ".join(names))}


def _stands_above(
    assignment: Assignment, part: Part, cells: Sequence[notebook.NotebookCell]
) -> bool:
    """Return whether there is code above the heading of a later part: it may answer this one."""
    later = assignment.part[assignment.part.index(part) + 1 :]
    marks = [i for p in later for i in headings.marked(assignment, p, cells)]
    return bool(marks) and any(cell.kind == "code" for cell in cells[: min(marks)])


def _alone(assignment: Assignment, part: Part) -> frozenset[str]:
    """The names that this part alone is asked for."""
    others = [assignment.asked[p.name] for p in assignment.part if p is not part]
    return assignment.asked[part.name].difference(*others)


def _words(part: Part) -> set[str]:
    """Words of the name that the assignment gives a part's notebook."""
    words = set(re.split(r"[\W\d_]+", PurePosixPath(part.notebook).stem.lower()))
    return {word for word in words if len(word) > 4}


def notebook_by_name(assignment: Assignment, part: Part, submission: Submission) -> str | None:
    """Return the notebook that answers a part by its name alone."""
    wanted = PurePosixPath(part.notebook).name
    named = [name for name in submission.notebooks if PurePosixPath(name).name == wanted]
    return named[0] if len(named) == 1 else _by_words(assignment, part, submission)


def decided(assignment: Assignment, submission: Submission) -> None:
    """Nothing where it is clear which notebook answers each part.

    Raises
    ------
    CannotGrade
        Where several may: to take one of them would be a guess.
    """
    for part in assignment.part:
        found = _answering(assignment, part, submission)
        if len(found) > 1 and notebook_of(assignment, part, submission) is None:
            binds = [f"{quoted(name)} binds {_shown(names)}" for name, names in found.items()]
            raise CannotGrade(
                f"{len(found)} notebooks of {quoted(submission.name)} may answer {part.name}",
                found="; ".join(binds[:5]),
                hint=f"call the one that counts {quoted(PurePosixPath(part.notebook).name)}, "
                "or take the others out",
            )


def notes(assignment: Assignment, submission: Submission) -> list[str]:
    """Which notebooks were taken where there are others, and which of these may be better; which
    part was not handed in."""
    if gone := absent(assignment, submission):
        return [_gone(assignment, part, submission) for part in gone]
    taken = {p.name: notebook_of(assignment, p, submission) for p in assignment.part}
    left = [name for name in submission.notebooks if name not in taken.values()]
    if not left or not any(taken.values()):
        return []
    said = ", ".join(f"{quoted(n)} for {part}" for part, n in taken.items() if n)
    told = [f"of several notebooks {said} was read, and {', '.join(map(quoted, left[:5]))} was not"]
    for part in assignment.part:
        name = taken[part.name]
        for other in left if name else ():
            if better := list(_better(assignment, part, submission, str(name), other)):
                told.append(
                    f"{part.name}: {quoted(other)} may be the better one: {', '.join(better)}"
                )
    return told


def _gone(assignment: Assignment, part: Part, submission: Submission) -> str:
    number = assignment.part.index(part) + 1
    return (
        f"{part.name} was not handed in: {quoted(submission.notebooks[0])} has no heading "
        f"`Part {number}`, and nothing in it is called like {_shown(_alone(assignment, part))}"
    )


def _better(
    assignment: Assignment, part: Part, submission: Submission, taken: str, other: str
) -> Iterator[str]:
    """What speaks for another notebook than the one that was taken."""
    wanted = assignment.asked[part.name]
    here, there = (bound_in(submission.files[name]) & wanted for name in (taken, other))
    if len(there) > len(here):
        yield f"it binds {_shown(there - here)}"
    elif len(there) < len(here):
        return
    cells = [_cells(submission.files[name]) for name in (taken, other)]
    tags = [any(parameters.TAG in cell.tags for cell in each) for each in cells]
    if tags == [False, True]:
        yield f"it has a cell tagged `{parameters.TAG}`"
    titles = [_titled(part, n, each) for n, each in zip((taken, other), cells, strict=True)]
    if titles[1] > titles[0]:
        yield "its name and headings have more words of the title"
    (stem, first), (base, second) = map(attempt, (taken, other))
    if stem == base and second > first:
        yield "it looks like a later attempt"


def attempt(name: str) -> tuple[str, int]:
    """`hw (1).ipynb` as `hw` and 1; a name without a number has 0."""
    stem = PurePosixPath(name).stem[-200:]
    found = COPY.fullmatch(stem)
    if not found:
        return stem.casefold(), 0
    number = (
        found["n"] or found["m"] or found["v"] or found["u"] or int(len(found["stem"]) < len(stem))
    )
    return found["stem"].casefold(), int(number)


def bound_in(content: bytes) -> frozenset[str]:
    """Return the names that the cells of a notebook bind."""
    return frozenset(name for cell in _cells(content) for name in cell.bound)


@lru_cache(maxsize=64)
def _cells(content: bytes) -> tuple[notebook.NotebookCell, ...]:
    try:
        return notebook.cells_of(content, "")
    except CannotGrade:
        return ()  # reported where the submission is read


def _titled(part: Part, name: str, cells: tuple[notebook.NotebookCell, ...]) -> int:
    texts = [name, *(cell.source[:2000] for cell in cells if cell.kind != "code")]
    return len(headings.words(part.title) & headings.words(" ".join(texts)))


def _shown(names: frozenset[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(quoted, sorted(names)[:5])) + more


def _by_words(assignment: Assignment, part: Part, submission: Submission) -> str | None:
    number = assignment.part.index(part)
    words = _words(part)
    stems = {name: PurePosixPath(name).stem.lower() for name in submission.notebooks}
    numbered = [
        n for n, stem in stems.items() if re.search(rf"(part|teil)[\W_]*{number + 1}", stem)
    ]
    alike = [n for n, stem in stems.items() if any(word in stem for word in words)]
    return next((found[0] for found in (numbered, alike) if len(found) == 1), None)


def _by_content(assignment: Assignment, part: Part, submission: Submission) -> str | None:
    """Return the one notebook that binds all that any other does, and more, or twice as much."""
    found = _answering(assignment, part, submission)
    for name, names in found.items():
        others = [other for n, other in found.items() if n != name]
        if all(names > other or len(names) >= 2 * len(other) for other in others):
            return name
    return None


def _answering(
    assignment: Assignment, part: Part, submission: Submission
) -> dict[str, frozenset[str]]:
    """Return the notebooks that bind names which this part alone is asked for, with these names.

    One that is called as another part's counts where it binds many; of copies, the first.
    """
    others = [p for p in assignment.part if p is not part]
    names, alone = assignment.asked[part.name], _alone(assignment, part)
    mine, many = alone or names, max(2, -(-len(alone) // 3))
    wanted = {PurePosixPath(p.notebook).name for p in others}
    found: dict[str, frozenset[str]] = {}
    seen: set[tuple[str, ...]] = set()
    for name in sorted(submission.notebooks, key=lambda name: (_is_aside(name), name)):
        content = submission.files[name]
        names = bound_in(content) & mine
        is_anothers = _last(name) in wanted
        counts = len(names & alone) >= min(many, len(alone) or 1) if is_anothers else bool(names)
        text = tuple(cell.source for cell in _cells(content))
        if counts and text not in seen:
            seen.add(text)
            found[name] = names
    if any(not _is_aside(name) for name in found):
        best = frozenset().union(*(names for n, names in found.items() if not _is_aside(n)))
        found = {n: names for n, names in found.items() if not _is_aside(n) or names - best}
    return found


def _last(name: str) -> str:
    return PurePosixPath(name).name


def _is_aside(name: str) -> bool:
    return not SET_ASIDE.isdisjoint(PurePosixPath(name.casefold()).parts[:-1])
