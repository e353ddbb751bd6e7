"""Cut the answer out of a text, a notebook or a module, and keep what a student needs.

Regions stand between the comments `### BEGIN SOLUTION` and `### END SOLUTION`, as nbgrader has
them, or are whole cells tagged `solution`. A module without such comments becomes stubs: the
signatures and docstrings of its functions and classes.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from assay.errors import CourseFault, quoted
from assay.source import syntax
from assay.submission.notebook import NotebookCell
from assay.submission.parameters import TAG as PARAMETERS

TAG = "solution"
MARK = re.compile(
    r"^\s*(?:#+|<!--|//|%+)\s*(BEGIN|END)[\s_-]+(SOLUTION|HIDDEN[\s_-]+TESTS|MARK[\s_-]+SCHEME)\b",
    re.IGNORECASE,
)
"""nbgrader's comments, however they are typed: one that is missed would hand out the answer."""
HERE = "# Your code here"
STUB = "raise NotImplementedError"
TEXT = "*Your answer here.*"
HOW = "docs/handout.md shows the marks: `### BEGIN SOLUTION` and `### END SOLUTION`, or a tag"
Lines = Sequence[str]


@dataclass(frozen=True)
class Cut:
    """A text without its answer, and the lines that were kept and that were cut."""

    text: str
    kept: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()

    @property
    def is_cut(self) -> bool:
        return bool(self.cut)


def text(source: str, where: str, *, raises: bool = True, prose: bool = False) -> Cut:
    """Return a text without the regions that comments mark.

    What was a solution becomes a stub; where it `raises`, or is indented, one that raises. In prose
    it is a line for the student's own words. Hidden tests leave nothing.

    Raises
    ------
    CourseFault
        If a region is not closed, not opened, or begins within another.
    """
    out: list[str] = []
    kept: list[str] = []
    cut: list[str] = []
    begun: tuple[str, int] | None = None
    for number, line in enumerate(source.splitlines(), 1):
        mark = MARK.match(line)
        if mark is None:
            (cut if begun else kept).append(line)
            out += [] if begun else [line]
            continue
        edge, kind = mark[1].upper(), re.sub(r"[\s_-]+", " ", mark[2]).upper()
        if (edge == "BEGIN") == bool(begun) or (begun and begun[0] != kind):
            inside = (
                f"the region of line {begun[1]} is open there" if begun else "no region is open"
            )
            raise _unpaired(where, number, line, inside)
        if begun:
            begun = None
            continue
        begun = kind, number
        indent = line[: len(line) - len(line.lstrip())]
        if kind == "SOLUTION" and prose:
            out.append(f"{indent}{TEXT}")
        elif kind == "SOLUTION":
            out += [f"{indent}{HERE}", *([f"{indent}{STUB}"] if raises or indent else [])]
    if begun:
        raise _unpaired(where, begun[1], f"BEGIN {begun[0]}", "it is never closed")
    return Cut(_joined(out, source), tuple(kept), tuple(cut))


def _unpaired(where: str, number: int, line: str, inside: str) -> CourseFault:
    found = f"line {number}, {quoted(line.strip())}: {inside}"
    return CourseFault(f"a mark in {quoted(where)} has no partner", found=found, hint=HOW)


def _joined(lines: Lines, like: str) -> str:
    return "\n".join(lines) + ("\n" if like.endswith("\n") and lines else "")


def has_marks(source: str) -> bool:
    """Return whether comments mark a region."""
    return any(map(MARK.match, source.splitlines()))


def cells(found: Sequence[NotebookCell], where: str) -> tuple[tuple[NotebookCell, ...], Cut]:
    """Return the cells without the answer, and the lines of all of them that were kept or cut.

    Neighbours of one kind that are cut whole become one cell, with the headings of all.

    Raises
    ------
    CourseFault
        If nothing in the notebook is marked: it would be handed out with its answer.
    """
    out: list[NotebookCell] = []
    kept: list[str] = []
    cut: list[str] = []
    for (whole, kind), same in groupby(found, key=lambda c: (_is_answer(c, where), c.kind)):
        group = list(same)
        if whole:
            out += _stub(group, kind)
            lines = [line for cell in group for line in cell.source.splitlines()]
            kept += [line for line in lines if kind == "markdown" and _is_heading(line)]
            cut += [line for line in lines if not (kind == "markdown" and _is_heading(line))]
            continue
        for cell in group:
            done = text(cell.source, f"{where}, cell {quoted(cell.id)}", prose=kind != "code")
            out.append(replace(cell, source=done.text))
            kept += done.kept
            cut += done.cut
    if not cut:
        raise CourseFault(
            f"nothing in {quoted(where)} is marked as the answer: all of it would be handed out",
            found=f"{len(found)} cells, none tagged `{TAG}`, no `### BEGIN SOLUTION`",
            hint=f"tag the cells of the answer `{TAG}`, or mark regions by comments",
        )
    return tuple(out), Cut("", tuple(kept), tuple(cut))


def _is_answer(cell: NotebookCell, where: str) -> bool:
    """Whether a cell is tagged as part of the answer; a tag that is nearly that is an error."""
    near = [tag for tag in cell.tags if TAG in tag.casefold()]
    if near and PARAMETERS in cell.tags:
        raise CourseFault(
            f"the cell of {quoted(where)} that sets the parameters is tagged `{TAG}`",
            hint="students need it: by it each run gets its own values",
        )
    if wrong := [tag for tag in near if tag != TAG]:
        raise CourseFault(
            f"a cell of {quoted(where)} is tagged {quoted(wrong[0])}",
            found=f"the cell {quoted(cell.id)}",
            hint=f"the tag of a cell that is cut is `{TAG}`",
        )
    return bool(near)


def _is_heading(line: str) -> bool:
    return re.match(r"#{1,6}\s", line) is not None


def _stub(group: Sequence[NotebookCell], kind: str) -> list[NotebookCell]:
    """What stands for neighbouring cells that are cut whole."""
    source = f"{HERE}\n{STUB}"
    if kind != "code":
        lines = [line for cell in group for line in cell.source.splitlines()]
        headings = [line for line in lines if kind == "markdown" and _is_heading(line)]
        source = "\n\n".join([*headings, TEXT])
    tags = tuple(dict.fromkeys(tag for cell in group for tag in cell.tags if tag != TAG))
    return [replace(group[0], source=source, tags=tags, attachments={})]


def module(source: str, where: str) -> Cut:
    """Return a module without its answer: its marked regions, or all bodies where none is marked.

    Raises
    ------
    CourseFault
        If the module is not Python, its marks do not pair, or what is left is not Python.
    """
    source = source.replace("\r\n", "\n")
    if has_marks(source):
        return text(source, where, raises=False)
    try:
        tree = syntax.parse(source)
    except (SyntaxError, ValueError) as error:
        found = f"{type(error).__name__}: {error}"
        raise CourseFault(f"{quoted(where)} is not Python", found=found) from None
    edits = list(_edits(tree.body, _local(tree), source.split("\n"), top=True))
    private = [edit for edit in edits if edit.private]
    public = _apply(source, [edit for edit in edits if not edit.private])
    used = _used(public.text, {edit.private for edit in private})
    chosen = [e for e in edits if not e.private or e.private not in used]
    drop = [e for e in chosen if e.private]
    done = _apply(source, [e for e in chosen if not any(map(e.is_within, drop))])
    try:
        syntax.parse(done.text)
    except SyntaxError as error:
        raise CourseFault(
            f"{quoted(where)} cannot be made stubs by reading",
            found=f"line {error.lineno} of what is left: {error.msg}",
            hint="mark its regions: `### BEGIN SOLUTION` and `### END SOLUTION`",
        ) from None
    return done


@dataclass(frozen=True)
class _Edit:
    """Lines `first` to `last` become others; of something private, only if it is not needed."""

    first: int
    last: int
    lines: tuple[str, ...] = ()
    keep: int = 0
    """How many bytes stay of the first line, in front of what is cut."""
    private: str = ""

    def is_within(self, other: "_Edit") -> bool:
        return self is not other and other.first <= self.first and self.last <= other.last


def _edits(
    body: Sequence[ast.stmt], local: frozenset[str], lines: Lines, *, top: bool
) -> Iterator[_Edit]:
    """What is cut from the statements of a module or a class."""
    left_alone = top or not all(_is_private(getattr(node, "name", "")) for node in body)
    for index, node in enumerate(body):
        indent = _indent(lines, node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if _is_private(node.name):
                left = () if left_alone else (f"{indent}pass",)
                yield _Edit(first, _end(node), left, private=node.name)
            if isinstance(node, ast.ClassDef):
                yield from _edits(node.body, local, lines, top=False)
            else:
                yield from _of_function(node, lines)
        elif _stays(node, local, is_first=index == 0):
            continue
        elif names := _bound(node):
            yield _Edit(node.lineno, _end(node), (f"{indent}{names} = ...  {HERE}",))
        else:
            yield _Edit(node.lineno, _end(node), () if top else (f"{indent}pass",))


def _of_function(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: Lines) -> Iterator[_Edit]:
    """What is cut from a function: all below its signature and its docstring."""
    has_docstring = ast.get_docstring(node, clean=False) is not None
    rest = node.body[1:] if has_docstring else node.body
    if all(_says_nothing(statement) for statement in rest):
        return
    body, first = node.body[0], rest[0]
    if _before(lines, body):  # the body stands on the line of the signature
        inner = f"{_indent(lines, node)}    {STUB}"
        yield _Edit(body.lineno, _end(node), (inner,), keep=body.col_offset)
    elif has_docstring and first.lineno == _end(body):
        inner = f"{_indent(lines, body)}{STUB}"
        yield _Edit(first.lineno, _end(node), (inner,), keep=first.col_offset)
    else:
        begun = _end(body) if has_docstring else _end_of_signature(node, lines)
        yield _Edit(begun + 1, _end(node), (f"{_indent(lines, body)}{STUB}",))


def _indent(lines: Lines, node: ast.stmt) -> str:
    """The white space that the line of a statement begins with."""
    line = lines[node.lineno - 1]
    return line[: len(line) - len(line.lstrip())]


def _before(lines: Lines, node: ast.stmt) -> str:
    """What stands in front of a statement in its line."""
    return lines[node.lineno - 1].encode()[: node.col_offset].decode().strip()


def _end_of_signature(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: Lines) -> int:
    """The line of the colon: below it, a comment is part of the body."""
    pieces = [*ast.walk(node.args), *([node.returns] if node.returns else [])]
    last = max([node.lineno, *(getattr(piece, "end_lineno", 0) for piece in pieces)])
    below = range(last, node.body[0].lineno)
    code = {number: lines[number - 1].partition("#")[0].rstrip() for number in below}
    return next((n for n in below if code[n].endswith(":")), node.body[0].lineno - 1)


def _stays(node: ast.stmt, local: frozenset[str], *, is_first: bool) -> bool:
    """Whether a statement is handed out as it is: imports, docstrings, plain values."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass):
        return True
    if isinstance(node, ast.Expr):
        constant = node.value.value if isinstance(node.value, ast.Constant) else None
        return constant is Ellipsis or isinstance(constant, str)
    if isinstance(node, ast.If | ast.Try):
        inner = [n for n in ast.walk(node) if isinstance(n, ast.stmt) and n is not node]
        return all(isinstance(n, ast.Import | ast.ImportFrom | ast.Pass) for n in inner)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return node.value is None or _is_plain(node.value, local)
    return type(node).__name__ == "TypeAlias"


def _is_plain(value: ast.expr, local: frozenset[str]) -> bool:
    """Whether a value computes nothing by the module's own means: those are stubs by then."""
    computes = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Await)
    for node in ast.walk(value):
        if isinstance(node, computes):
            return False
        if isinstance(node, ast.Call):
            names = {n.id for n in ast.walk(node.func) if isinstance(n, ast.Name)}
            if names & local:
                return False
    return True


def _local(tree: ast.Module) -> frozenset[str]:
    """The names that are stubs in a handout: what the module defines, or imports from beside it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom) and (
            node.level or (node.module or "").partition(".")[0] == "solution"
        ):
            found |= {alias.asname or alias.name for alias in node.names}
    return frozenset(found)


def _bound(node: ast.stmt) -> str:
    """The names that an assignment binds, as it writes them; '' for anything else."""
    if isinstance(node, ast.AnnAssign):
        return f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}"
    if isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets):
        return " = ".join(ast.unparse(target) for target in node.targets)
    return ""


def _says_nothing(node: ast.stmt) -> bool:
    constant = getattr(getattr(node, "value", None), "value", None)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and constant is Ellipsis)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _used(source: str, names: Iterable[str]) -> set[str]:
    """Which of these private names something else in the stubs needs."""
    wanted = set(names)
    found = set()
    for node in ast.walk(syntax.parse(source)):
        if isinstance(node, ast.Name) and node.id in wanted:
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and node.attr in wanted:
            found.add(node.attr)
    return found


def _apply(source: str, edits: Sequence[_Edit]) -> Cut:
    """Carry out edits, the last first; a comment right above what is dropped goes with it."""
    lines = source.split("\n")
    gone: set[int] = set()
    for edit in sorted(edits, key=lambda e: (e.first, -e.last), reverse=True):
        first = edit.first
        if edit.private or not edit.lines:
            while first > 1 and lines[first - 2].lstrip().startswith("#"):
                first -= 1
        head = lines[edit.first - 1].encode()[: edit.keep].decode().rstrip(" ;")
        new = [*([head] if head else []), *edit.lines]
        gone |= set(range(first, edit.last + 1))
        lines[first - 1 : edit.last] = new
    original = source.split("\n")
    kept = tuple(line for number, line in enumerate(original, 1) if number not in gone)
    cut = tuple(line for number, line in enumerate(original, 1) if number in gone)
    return Cut(_tidy("\n".join(lines)), kept, cut)


def _tidy(source: str) -> str:
    """No more than two empty lines, and one line end at the end."""
    return re.sub(r"\n{4,}", "\n\n\n", source).rstrip("\n") + "\n" if source.strip() else source
