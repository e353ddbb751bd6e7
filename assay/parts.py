"""Which cells answer which part: its notebook, where in it the part begins and ends, its adapter.

Students hand in one notebook for both parts as readily as two, and the second part then binds
`predict` and `X_train` anew. So where parts share a notebook, each is examined where it ends: the
notebook is cut at the first heading (or cell tagged) of the next part.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from assay import parameters, syntax
from assay.assignment import Assignment, Part
from assay.notebook import EXAM, Cell
from assay.submission import Submission

ADAPTER, INJECTED = "adapter", "injected-parameters"
TAKEN_OUT = "# the adapter: read after the last cell"
NUMBERS = (("1", "i", "one", "eins"), ("2", "ii", "two", "zwei"), ("3", "iii", "three", "drei"))
BEFORE = r"(?:homework|hw|assignment|exercise|project|sheet|hausaufgabe|aufgabe|blatt|übung)"
GAP = r"(?:[^\w\n]|[\d_]){{0,40}}"
MARK = (  # within one line, with bounded gaps: a student may hand in a million blank lines
    r"^[^\S\n]{{0,40}}(?:#{{1,6}}|\*\*|<h[1-6][^<>\n]{{0,200}}>)"
    rf"{GAP}(?:{{}}\b{GAP})?(?:part|teil)(?:[^\w\n]|_){{{{0,40}}}}(?:{{}})\b"
)


@dataclass(frozen=True)
class Sheet:
    """What one part is answered with.

    `cells` are run, in this order. `begins` is the index of the first cell that belongs to this
    part alone; code above it counts too, text does not. `adapter` is Python, '' where there is
    none. `once` says why the part cannot be run with parameters, '' where it can.
    """

    notebook: str
    cells: tuple[Cell, ...]
    begins: int
    adapter: str
    once: str

    @property
    def own(self) -> list[Cell]:
        """The cells that answer the part: all code, and the text from where it begins."""
        return [c for i, c in enumerate(self.cells) if i >= self.begins or c.kind == "code"]

    @property
    def has_code(self) -> bool:
        return any(cell.kind == "code" and cell.source.strip() for cell in self.cells)


def sheet(assignment: Assignment, part: Part, submission: Submission) -> Sheet | None:
    """What answers a part, or None where no notebook does."""
    name = notebook_of(assignment, part, submission)
    if name is None:
        return None
    cells = [cell for cell in submission.read(name) if not _was_injected(cell)]
    begins, ends = _span(assignment, part, submission, name, cells)
    adapter = _adapter(submission, name, cells)
    kept = [_untagged(cell) for cell in cells[:ends]]
    chosen, once = parameters.chosen(part, kept)
    kept = [c if i == chosen else c.without(parameters.TAG) for i, c in enumerate(kept)]
    return Sheet(name, tuple(kept), begins, adapter, once)


def notebook_of(assignment: Assignment, part: Part, submission: Submission) -> str | None:
    """The notebook that answers a part: by its name, by words of its name, else the only one."""
    name = submission.notebook_for(part)
    if name is not None:
        others = {PurePosixPath(p.notebook).name for p in assignment.part if p is not part}
        is_anothers = PurePosixPath(name).name in others
        return (
            None if is_anothers and not _marked(assignment, part, submission.read(name)) else name
        )
    return _by_words(assignment, part, submission)


def notebook_by_name(assignment: Assignment, part: Part, submission: Submission) -> str | None:
    """The notebook that answers a part by its name alone."""
    wanted = PurePosixPath(part.notebook).name
    named = [name for name in submission.notebooks if PurePosixPath(name).name == wanted]
    return named[0] if len(named) == 1 else _by_words(assignment, part, submission)


def _by_words(assignment: Assignment, part: Part, submission: Submission) -> str | None:
    number = assignment.part.index(part)
    words = set(re.split(r"[\W\d_]+", PurePosixPath(part.notebook).stem.lower()))
    words = {word for word in words if len(word) > 4}
    stems = {name: PurePosixPath(name).stem.lower() for name in submission.notebooks}
    numbered = [
        n for n, stem in stems.items() if re.search(rf"(part|teil)[\W_]*{number + 1}", stem)
    ]
    alike = [n for n, stem in stems.items() if any(word in stem for word in words)]
    return next((found[0] for found in (numbered, alike) if len(found) == 1), None)


def _span(
    assignment: Assignment, part: Part, submission: Submission, name: str, cells: list[Cell]
) -> tuple[int, int]:
    """The index of a part's first cell and of the first that is the next part's."""
    sharing = [p for p in assignment.part if notebook_of(assignment, p, submission) == name]
    here = sharing.index(part)
    marks = _marked(assignment, part, cells)
    begins = marks[0] if marks and here else 0
    later = [i for p in sharing[here + 1 :] for i in _marked(assignment, p, cells)]
    code = [i for i, cell in enumerate(cells) if cell.kind == "code" and i >= begins]
    ends = [i for i in sorted(later) if i not in marks and code and i > code[0]]
    return begins, ends[0] if ends else len(cells)


def _marked(assignment: Assignment, part: Part, cells: Sequence[Cell]) -> list[int]:
    """The cells that a part begins with: tagged with its name, or headed `Part 2`, `Teil 2`.

    In code, a comment in the first line counts as a heading.
    """
    number = assignment.part.index(part)
    spelt = "|".join(NUMBERS[number]) if number < len(NUMBERS) else str(number + 1)
    heading = re.compile(MARK.format(BEFORE, spelt), re.IGNORECASE | re.MULTILINE)
    return [
        i
        for i, cell in enumerate(cells)
        if part.name in cell.tags or heading.search(_headings(cell))
    ]


def _headings(cell: Cell) -> str:
    return cell.source.lstrip().partition("\n")[0] if cell.kind == "code" else cell.source


def _adapter(submission: Submission, notebook: str, cells: list[Cell]) -> str:
    """The cells tagged `adapter`, then adapter.py: what is said last holds."""
    tagged = [cell.source for cell in cells if cell.kind == "code" and ADAPTER in cell.tags]
    places = ("adapter.py", str(PurePosixPath(notebook).parent / "adapter.py"))
    files = [submission.files[name] for name in dict.fromkeys(places) if name in submission.files]
    return "\n\n".join([*tagged, *(file.decode("utf-8", "replace") for file in files)])


def _untagged(cell: Cell) -> Cell:
    """A cell without tags that are ours; an adapter is taken out, and its place is kept."""
    if cell.kind == "code" and ADAPTER in cell.tags:
        cell = replace(cell, source=TAKEN_OUT)
    return cell.without(EXAM, INJECTED)


def _was_injected(cell: Cell) -> bool:
    """Whether papermill put this cell there: its tag, and nothing in it but assignments."""
    if INJECTED not in cell.tags:
        return False
    try:
        tree = syntax.parse(cell.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    return len([v for v in values if isinstance(v, ast.Constant)]) == len(tree.body)
