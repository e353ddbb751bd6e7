"""Which cells answer which part: its notebook, where in it the part begins and ends, its adapter.

Students hand in one notebook for both parts as readily as two, and the second part then binds
`predict` and `X_train` anew. So where parts share a notebook, each is examined where it ends. A tag
or the assignment's own title says where the next part begins. A heading `Part 2` may be the
student's own, of a section: it counts only where no name that the part before is asked for is lost
by it.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePosixPath

from assay import asked, parameters, source, syntax
from assay.assignment import Assignment, Part
from assay.notebook import EXAM, Cell
from assay.submission import Submission

ADAPTER, INJECTED = "adapter", "injected-parameters"
TAKEN_OUT = "# the adapter: read after the last cell"
NUMBERS = (("1", "i", "one", "eins"), ("2", "ii", "two", "zwei"), ("3", "iii", "three", "drei"))
FENCE = re.compile(
    r"^ {0,3}(```+|~~~+)[^\n]*\n.*?(?:^ {0,3}\1[^\n]*$|\Z)", re.MULTILINE | re.DOTALL
)
UNDERLINED = re.compile(r"^([^\n#]{1,200})\n[ ]{0,3}(?:={3,}|-{3,})[ ]*$", re.MULTILINE)
HEADED = re.compile(r"[^\S\n]{0,40}(?:#{1,6}|\*\*|<h[1-6])", re.IGNORECASE)
BEFORE = r"(?:homework|hw|assignment|exercise|project|sheet|hausaufgabe|aufgabe|blatt|übung)"
GAP = r"(?:[^\w\n]|[\d_]){{0,40}}"
MARK = (  # within one line, with bounded gaps: a student may hand in a million blank lines
    r"^[^\S\n]{{0,40}}(?:#{{1,6}}|\*\*|<h[1-6][^<>\n]{{0,200}}>)"
    rf"{GAP}(?:{{}}\b{GAP})?(?:part|teil|partie|parte|deel|del|dio|osa|часть)(?:[^\w\n]|_){{{{0,40}}}}(?:{{}})\b"
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
    adapter = _adapter(submission, name, cells)
    begins = [0]
    for before, following in pairwise(sharing):
        wanted = [asked.names(assignment, p) for p in (before, following)]
        names = [_with_adapted(each, adapter) for each in wanted]
        marks = _candidates(assignment, before, following, cells, begins[-1])
        begins.append(_beginning(assignment, following, cells, marks, names, begins[-1]))
    later = [begin for begin in begins[here + 1 :] if begin < len(cells)]
    return (begins[here] if begins[here] < len(cells) else 0), min(later, default=len(cells))


def _candidates(
    assignment: Assignment, before: Part, following: Part, cells: list[Cell], after: int
) -> list[int]:
    """The cells marked for a part and not for the one before, with code above them."""
    own = _marked(assignment, before, cells)
    code = [i for i, cell in enumerate(cells) if cell.kind == "code" and i >= after]
    marked = _marked(assignment, following, cells)
    return [i for i in marked if i not in own and code and i > code[0]]


def _beginning(
    assignment: Assignment,
    part: Part,
    cells: list[Cell],
    marks: list[int],
    names: Sequence[frozenset[str]],
    after: int,
) -> int:
    """The cell that a part begins with; as many as there are cells where no one can be known.

    What is certain decides. Else each reading is weighed by the names that it would lose: those of
    the part before that are bound only later, and those of this part that are bound only before;
    to begin nowhere loses what is bound anew. Where two readings lose as little, a heading counts,
    the last one above the first of this part's own names.
    """
    if certain := [i for i in marks if _is_certain(part, cells[i])]:
        return certain[0]
    places = [source.bound(cell.source) if cell.kind == "code" else set() for cell in cells]
    moved = [names_ - _imported(cell) for names_, cell in zip(places, cells, strict=True)]
    theirs, mine = names[0] - names[1], names[1] - names[0]
    first = next((i for i, bound in enumerate(moved) if i >= after and bound & mine), None)
    if first is None:
        return next((i for i in marks if not _lost(theirs, places, i)), len(cells))
    anew = set().union(*places[:first]) & set().union(*places[first:]) & names[0]
    above = sorted((i for i in marks if i <= first), reverse=True)
    readings = [(len(_lost(theirs, places, i)), i) for i in above]
    readings += [(len(anew), len(cells))]
    readings += [(len(_lost(theirs, places, first)), _with_text_above(cells, first))]
    below = [i for i in marks if i > first]
    readings += [(len(_lost(theirs, places, i)) + len(_early(mine, moved, i)), i) for i in below]
    return min(readings, key=lambda reading: reading[0])[1]


def _lost(names: Iterable[str], places: Sequence[set[str]], cut: int) -> set[str]:
    """The names that are bound, and not above the cut."""
    above, below = set().union(*places[:cut]), set().union(*places[cut:])
    return (set(names) & below) - above


def _early(names: Iterable[str], places: Sequence[set[str]], cut: int) -> set[str]:
    """The names that are bound above the cut, and not below."""
    above, below = set().union(*places[:cut]), set().union(*places[cut:])
    return (set(names) & above) - below


def _imported(cell: Cell) -> set[str]:
    """What a cell imports: all imports may stand at the top, and say nothing of where a part is."""
    tree = source.parsed(cell.source) if cell.kind == "code" else None
    nodes = ast.walk(tree) if tree else ()
    aliases = (a for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names)
    return {alias.asname or alias.name.split(".")[0] for alias in aliases}


def _with_text_above(cells: Sequence[Cell], place: int) -> int:
    """The first of the text cells right above a cell."""
    while place and cells[place - 1].kind != "code":
        place -= 1
    return place


def _with_adapted(names: frozenset[str], adapter: str) -> frozenset[str]:
    """The names, and those that the adapter makes them from."""
    tree = source.parsed(adapter)
    made = set(names)
    for statement in tree.body if tree else ():
        if source.bound(ast.unparse(statement)) & names:
            made |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return frozenset(made)


def _is_certain(part: Part, cell: Cell) -> bool:
    """Tagged for the part, or headed with words of its title that no section of it needs."""
    if part.name in cell.tags:
        return True
    title = _words(part.title)
    lines = [line for line in _headings(cell).splitlines() if HEADED.match(line)]
    return bool(title) and any(title <= _words(line) for line in lines)


def _words(text: str) -> set[str]:
    """The words that tell: without `part`, numbers, and the shortest."""
    words = set(re.findall(r"[^\W\d_]{3,}", text.casefold()))
    return words - {"part", "teil", "the", "and", "der", "die", "das", "und", "two", "zwei", "one"}


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
    """The text that may hold headings: not what stands in a fence, nor below a line of code."""
    if cell.kind == "code":
        return cell.source.lstrip().partition("\n")[0]
    text = FENCE.sub("", cell.source)
    return UNDERLINED.sub(r"# \1", text)


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
