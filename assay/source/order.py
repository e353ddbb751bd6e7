"""Read the cells of a notebook in their order: what each needs of those above it.

Nothing is run.
"""

import ast
import builtins
import re
import symtable
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from assay.source.cells import bound, parsed

PROVIDED = {
    *dir(builtins),
    *("get_ipython", "display", "exit", "quit", "In", "Out", "_", "__", "___", "_i", "_ii", "_iii"),
    *("__name__", "__file__", "__doc__", "__class__", "__module__", "__qualname__", "_dh", "_oh"),
}
"""What a new kernel has, or Python in every scope."""
UNREADABLE = re.compile(
    r"^[ \t]*%(?:pylab|run|load|reset)\b|\bimport \*|\b(?:exec|globals|locals)\(", re.M
)
"""After one of these, reading does not show what is bound."""
MAGIC = re.compile(r"^[ \t]*%{1,2}(\w+)([^\n]{0,500})", re.MULTILINE)
BINDS = re.compile(r"\b([A-Za-z_]\w*) ?=(?!=)")
AT_ONCE = {"listcomp", "setcomp", "dictcomp", "genexpr"}
"""Scopes that run where they stand; functions look names up when they are called."""


class Use(NamedTuple):
    """A name that a cell reads, in which line, and whether only once a function is called."""

    name: str
    line: int
    later: bool


def unbound(cells: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the number of a cell, from 1, and in words a name that it uses and nothing has bound.

    A name within `try` may be missing on purpose. Each name is reported once.
    """
    names = [_bound(cell) for cell in cells]
    everywhere = PROVIDED.union(*names)
    told: set[str] = set()
    known = set(PROVIDED)
    for number, cell in enumerate(cells, 1):
        known |= names[number - 1]
        if UNREADABLE.search(cell):
            return
        for use in _uses(cell):
            if use.name in told or use.name in (everywhere if use.later else known):
                continue
            told.add(use.name)
            later = next((n for n, of in enumerate(names, 1) if use.name in of), None)
            where = f"only code cell {later} binds" if later else "no cell binds"
            yield number, f"uses `{use.name}` in line {use.line}, and {where} it"


def _bound(cell: str) -> set[str]:
    """Return the names that a cell binds; all words of one that cannot be read."""
    if parsed(cell) is None:
        return set(re.findall(r"[A-Za-z_]\w*", cell))
    found = bound(cell) | _declared_global(cell)
    for magic, rest in MAGIC.findall(cell):
        found |= set(BINDS.findall(rest)) | (set(rest.split()[:1]) if magic == "capture" else set())
    return found


def _declared_global(cell: str) -> set[str]:
    tree = parsed(cell)
    nodes = ast.walk(tree) if tree else ()
    return {name for node in nodes if isinstance(node, ast.Global) for name in node.names}


def _uses(cell: str) -> Iterator[Use]:
    """The names that a cell reads from outside itself, in the order of their lines."""
    tree = parsed(cell)
    if tree is None:
        return
    try:
        table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return
    at_once, later = _read(table)
    tried = {id(n) for t in ast.walk(tree) if isinstance(t, ast.Try) for n in ast.walk(t)}
    lines: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in tried:
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    for name, line in sorted(lines.items(), key=lambda entry: entry[1]):
        if name in at_once or name in later:
            yield Use(name, line, later=name not in at_once)


def _read(table: symtable.SymbolTable) -> tuple[set[str], set[str]]:
    """The names that a scope and those in it look up in the module: at once, and when called."""
    is_module = table.get_type() == "module"
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (is_module or symbol.is_global())
    }
    is_at_once = is_module or table.get_type() == "class" or table.get_name() in AT_ONCE
    at_once, later = (found, set[str]()) if is_at_once else (set[str](), found)
    for child in table.get_children():
        of_child, of_child_later = _read(child)
        later |= of_child_later if is_at_once else of_child | of_child_later
        at_once |= of_child if is_at_once else set()
    return at_once, later


def wants_gpu(cells: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the number of a cell and the line that asks for a GPU, whatever the machine has.

    What a test of `torch.cuda.is_available()` guards does not, nor what a name guards that any
    cell has set from it.
    """
    trees = [parsed(cell) for cell in cells]
    guards = {"is_available"}
    for tree in trees:
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.Assign) and _mentions(node.value, guards):
                names = [n for target in node.targets for n in ast.walk(target)]
                guards |= {n.id for n in names if isinstance(n, ast.Name)}
    for number, tree in enumerate(trees, 1):
        wanted = next(_unguarded(tree, guards), None) if tree else None
        if wanted is not None:
            line = getattr(wanted, "lineno", 1)
            yield number, f"wants a GPU in line {line}{_in_words(wanted)}"


def _in_words(node: ast.AST) -> str:
    try:
        return f" (`{ast.unparse(node):.60}`)"
    except RecursionError:  # nested too deeply to be written
        return ""


def _unguarded(tree: ast.AST, guards: set[str]) -> Iterator[ast.AST]:
    """In the order of the source, and without recursion: a student may nest as they like."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If | ast.IfExp | ast.While) and _is_guard(node.test, guards):
            continue
        if isinstance(node, ast.Try) or (isinstance(node, ast.BoolOp) and _is_guard(node, guards)):
            continue
        if _asks(node):
            yield node
        else:
            waiting += reversed(list(ast.iter_child_nodes(node)))


def _is_guard(test: ast.expr, guards: set[str]) -> bool:
    return _mentions(test, guards) or any(map(_is_cuda, ast.walk(test)))


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(
        getattr(inner, "id", None) in names or getattr(inner, "attr", None) in names
        for inner in ast.walk(node)
    )


def _asks(node: ast.AST) -> bool:
    """`x.cuda()`, `x.to("cuda")`, `torch.device("cuda")`, `f(device="cuda")`, `device = "cuda"`."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return _is_cuda(node.value)
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name == "cuda" and not node.args:
        return True
    by_place = name in ("to", "device", "set_default_device") and any(map(_is_cuda, node.args))
    return by_place or any(_is_cuda(k.value) for k in node.keywords if k.arg == "device")


def _is_cuda(node: ast.AST | None) -> bool:
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, str) and re.fullmatch(r"cuda(:\d+)?", value) is not None
