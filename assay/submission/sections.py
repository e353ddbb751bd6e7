"""Which cells answer which part: its notebook, where in it the part begins and ends, its adapter.

Students hand in one notebook for both parts as readily as two, and the second part then binds
`predict` and `X_train` anew. So where parts share a notebook, each is examined where it ends. A tag
or the assignment's own title says where the next part begins. A heading `Part 2` may be the
student's own, of a section: it counts only where no name that the part before is asked for is lost
by it.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, groupby, pairwise
from pathlib import PurePosixPath

from assay.course.assignment import Assignment, Part
from assay.source import decoding
from assay.source.cells import bound_by, parsed
from assay.submission import books, headings, notebook, parameters
from assay.submission.notebook import EXAM, NotebookCell
from assay.submission.submission import Submission

ADAPTER, INJECTED = "adapter", "injected-parameters"
Answering = Mapping[str, str | None]
"""The notebook that answers each part, by the part's name."""
EXAM_CELL = NotebookCell(
    "code",
    """\
import os, sys
sys.path.insert(0, os.environ["ASSAY_SUPPORT"])
sys.modules.pop("ask", None)
import ask
ask.sit(globals())
""",
    (EXAM,),
    EXAM,
)
"""The one cell that is ours: it asks what `ask.py` finds in the support folder."""
TAKEN_OUT = "# the adapter: read after the last cell"


@dataclass(frozen=True)
class Section:
    """What one part of the assignment is answered with; `notebook` is '' if none answers it.

    `cells` are run, in this order. `begins` is the index of the first cell that belongs to this
    part alone; code above it counts too, text does not. `adapter` is Python, '' if there is none.
    `once` says why the part cannot be run with parameters, '' if it can.
    """

    assignment: Assignment
    part: Part
    submission: Submission
    notebook: str = ""
    cells: tuple[NotebookCell, ...] = ()
    begins: int = 0
    adapter: str = ""
    once: str = ""

    @property
    def own(self) -> list[NotebookCell]:
        """The cells that answer the part: all code, and the text from where it begins."""
        return [c for i, c in enumerate(self.cells) if i >= self.begins or c.kind == "code"]

    @property
    def beside(self) -> list[NotebookCell]:
        """The text of the notebook that is not the part's own: an answer may stand at its end."""
        own = {cell.source for cell in self.own}
        cells = self.submission.cells_in(self.notebook) if self.notebook else []
        return [cell for cell in cells if cell.kind != "code" and cell.source not in own]

    @cached_property
    def executed(self) -> bytes:
        """The notebook that is run: the cells, and the one of the exam."""
        return notebook.dumps((*self.cells, EXAM_CELL))

    @property
    def has_code(self) -> bool:
        return any(cell.kind == "code" and cell.source.strip() for cell in self.cells)


def sections(assignment: Assignment, submission: Submission) -> dict[str, Section]:
    """Return the section of each part, by the part's name: worked out here, and carried."""
    found = {p.name: books.notebook_of(assignment, p, submission) for p in assignment.part}
    return {
        part.name: _section(assignment, part, submission, found)
        if found[part.name]
        else Section(assignment, part, submission)
        for part in assignment.part
    }


def _section(
    assignment: Assignment, part: Part, submission: Submission, answering: Answering
) -> Section:
    name = answering[part.name]
    assert name is not None
    cells = [cell for cell in submission.cells_in(name) if not _was_injected(cell)]
    pieces = [piece for cell in cells for piece in headings.pieces(cell)]
    sharing = [p for p in assignment.part if answering[p.name] == name]
    adapter = _adapter(submission, name, cells)
    begins, ends = _span(assignment, part, sharing, pieces, adapter)
    above, own = _joined(pieces[:begins]), _joined(pieces[begins:ends])
    begins, kept = len(above), [_untagged(cell) for cell in _with_own_ids([*above, *own])]
    chosen, once = parameters.chosen(part, kept)
    kept = [c if i == chosen else c.without(parameters.TAG) for i, c in enumerate(kept)]
    return Section(assignment, part, submission, name, tuple(kept), begins, adapter, once)


def _joined(pieces: Iterable[NotebookCell]) -> list[NotebookCell]:
    """The cells that these are pieces of."""
    whole = [list(same) for _, same in groupby(pieces, key=lambda piece: piece.id)]
    return [replace(same[0], source="".join(p.source for p in same)) for same in whole]


def _with_own_ids(cells: Sequence[NotebookCell]) -> list[NotebookCell]:
    """A cell that a part begins within is two, and each has an id."""
    taken = {cell.id for cell in cells}
    found = list(cells)
    for number, (before, cell) in enumerate(pairwise(cells), 1):
        if before.id == cell.id:
            new = next(n for n in (f"{cell.id[:50]}-{i}" for i in count(2)) if n not in taken)
            found[number] = replace(cell, id=new)
    return found


def _span(
    assignment: Assignment, part: Part, sharing: list[Part], cells: list[NotebookCell], adapter: str
) -> tuple[int, int]:
    """Return the index of a part's first cell and of the first that is the next part's."""
    here = sharing.index(part)
    begins = [0]
    for before, following in pairwise(sharing):
        wanted = [assignment.asked[p.name] for p in (before, following)]
        names = [_with_adapted(each, adapter) for each in wanted]
        marks = _candidates(assignment, before, following, cells, begins[-1], names[0] - names[1])
        begins.append(_beginning(assignment, following, cells, marks, names, begins[-1]))
    later = [begin for begin in begins[here + 1 :] if begin < len(cells)]
    return (begins[here] if begins[here] < len(cells) else 0), min(later, default=len(cells))


def _candidates(
    assignment: Assignment,
    before: Part,
    following: Part,
    cells: list[NotebookCell],
    after: int,
    theirs: frozenset[str],
) -> list[int]:
    """Return the places marked for a part and not for the one before, with code above them.

    A cell that is marked for both may be an overview: it counts below an answer to the one before.
    """
    own = headings.marked(assignment, before, cells)
    both = {cells[i].id for i in own}
    code = [i for i, cell in enumerate(cells) if cell.kind == "code" and i >= after]
    answers = [i for i in code if cells[i].bound & theirs]
    marked = headings.marked(assignment, following, cells)
    marked = [i for i in marked if i not in own and code and i > code[0]]
    return [i for i in marked if cells[i].id not in both or (answers and i > answers[0])]


def _beginning(
    assignment: Assignment,
    part: Part,
    cells: list[NotebookCell],
    marks: list[int],
    names: Sequence[frozenset[str]],
    after: int,
) -> int:
    """The cell that a part begins with; as many as there are cells where no one can be known.

    A tag decides, and a title that loses nothing. Else each reading is weighed by the names that it
    would lose: those of
    the part before that are bound only later, and those of this part that are bound only before;
    to begin nowhere loses what is bound anew. Where two readings lose as little, a heading counts,
    the last one above the first of this part's own names.
    """
    if tagged := [i for i in marks if part.name in cells[i].tags]:
        return tagged[0]
    places = [cell.bound for cell in cells]
    moved = [cell.bound - cell.imported for cell in cells]
    theirs, mine = names[0] - names[1], names[1] - names[0]
    titled = [i for i in marks if headings.is_certain(part, cells[i])]
    if certain := [i for i in titled if not _lost(theirs, places, i)]:
        return certain[0]
    first = next((i for i, names in enumerate(moved) if i >= after and names & mine), None)
    if first is None:
        return next((i for i in marks if not _lost(theirs, places, i)), len(cells))
    anew = set().union(*places[:first]) & set().union(*places[first:]) & names[0]
    above = sorted((i for i in marks if i <= first), reverse=True)
    readings = [
        (len(_lost(theirs, places, i) | _lost(names[0], places[:first], i)), i) for i in above
    ]
    readings += [(len(anew), len(cells))]
    readings += [(len(_lost(theirs, places, first)), _with_text_above(cells, first))]
    below = [i for i in marks if i > first]
    readings += [(len(_lost(theirs, places, i)) + len(_early(mine, moved, i)), i) for i in below]
    return min(readings, key=lambda reading: reading[0])[1]


def _lost(names: Iterable[str], places: Sequence[frozenset[str]], cut: int) -> set[str]:
    """The names that are bound, and not above the cut."""
    above, below = set().union(*places[:cut]), set().union(*places[cut:])
    return (set(names) & below) - above


def _early(names: Iterable[str], places: Sequence[frozenset[str]], cut: int) -> set[str]:
    """The names that are bound above the cut, and not below."""
    above, below = set().union(*places[:cut]), set().union(*places[cut:])
    return (set(names) & above) - below


def _with_text_above(cells: Sequence[NotebookCell], place: int) -> int:
    """The first of the text right above a cell: from the highest heading on, the last of these."""
    top = place
    while top and cells[top - 1].kind != "code":
        top -= 1
    levels = {i: level for i in range(top, place) if (level := headings.level(cells[i]))}
    return max((i for i in levels if levels[i] == min(levels.values())), default=top)


def _with_adapted(names: frozenset[str], adapter: str) -> frozenset[str]:
    """Return the names, and those that the adapter makes them from."""
    tree = parsed(adapter)
    made = set(names)
    for statement in tree.body if tree else ():
        if bound_by([statement]) & names:
            made |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return frozenset(made)


def _adapter(submission: Submission, name: str, cells: list[NotebookCell]) -> str:
    """Return the cells tagged `adapter`, then adapter.py: what is said last holds."""
    tagged = [cell.source for cell in cells if cell.kind == "code" and ADAPTER in cell.tags]
    places = ("adapter.py", str(PurePosixPath(name).parent / "adapter.py"))
    files = [submission.files[name] for name in dict.fromkeys(places) if name in submission.files]
    return "\n\n".join([*tagged, *(decoding.text_of(file) for file in files)])


def _untagged(cell: NotebookCell) -> NotebookCell:
    """A cell without tags that are ours; an adapter is taken out, and its place is kept."""
    if cell.kind == "code" and ADAPTER in cell.tags:
        cell = replace(cell, source=TAKEN_OUT)
    return cell.without(EXAM, INJECTED)


def _was_injected(cell: NotebookCell) -> bool:
    """Return whether papermill put this cell there: its tag, and nothing in it but assignments."""
    return INJECTED in cell.tags and cell.only_sets
