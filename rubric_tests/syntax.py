"""Read a submission's source as syntax trees: what it defines, imports and calls, by name."""

import ast
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from types import SimpleNamespace

from rubric_tests.nodes import nodes_of
from rubric_tests.texts import Texts, values

LOOKS_UP = {
    "getattr": 1, "attrgetter": 0, "methodcaller": 0, "import_module": 0, "__import__": 0,
    "find_spec": 0, "resolve_name": 0, "locate": 0,
}  # fmt: skip
"""Functions that find something by a text, and which argument that is."""
NO_PYTHON = re.compile(
    r"\s*%%(html|HTML|latex|markdown|svg|javascript|js|bash|sh|script|perl|ruby)\b(?!\?)"
)
"""Cells of another language. `%%html?` asks for help alone: the rest of such a cell is Python."""
LINE_MAGIC = re.compile(r"^([^\S\n]{0,80})([%!?].*|[\w.*%]{1,200}\?{1,2}[^\S\n]*)$", re.MULTILINE)
RUNS_CODE = re.compile(
    r"^(.{0,200}?)%(?:time|timeit|prun|memit)((?:[^\S\n]+-\w+(?:[^\S\n]+\d+)?)*)[^\S\n]+(?=\w)",
    re.MULTILINE,
)
"""Magics whose rest of the line is Python."""
ENDS_LINE = re.compile(r"\r\n|\r|\n")
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
ROUNDS = 20
"""Lines like magic inside texts that are followed: each costs another reading of the cell."""
VALUE_MAGIC = re.compile(r"^([\w, \t]+=)[^\S\n]*[%!].*$", re.MULTILINE)


def trees_of(submission: SimpleNamespace) -> dict[str, ast.Module]:
    """The tree of every file, and of the notebook's code cells as one under `notebook`."""
    cells = tuple(cell.source for cell in submission.cells if cell.kind == "code")
    files = {name: parsed(text) for name, text in submission.sources.items()}
    return files | {"notebook": as_one(cells)}


@lru_cache(100)
def as_one(cells: tuple[str, ...]) -> ast.Module:
    """The trees of several texts put together."""
    body = [statement for source in cells for statement in parsed(source).body]
    return ast.Module(body=body, type_ignores=[])


@lru_cache(1_000)
def parsed(source: str) -> ast.Module:
    """The syntax tree without IPython's own lines; a text that is no Python gives an empty one."""
    return cleaned(source) or ast.Module(body=[], type_ignores=[])


@lru_cache(1_000)
def cleaned(source: str) -> ast.Module | None:
    """The syntax tree without IPython's own lines; None where the rest is not Python."""
    if NO_PYTHON.match(source):
        return ast.Module(body=[], type_ignores=[])
    try:
        return ast.parse(source)
    except UNREADABLE:
        return without_magic(RUNS_CODE.sub(r"\1", ENDS_LINE.sub("\n", source)))


def without_magic(code: str) -> ast.Module | None:
    """The tree of code whose magic lines do nothing; a line inside a text is none, and is kept.

    What IPython takes for its own begins a statement. So a line that is left out has a statement
    in its place: else it was a part of something else, and Python reads it.
    """
    lines = code.split("\n")
    magic = {}
    for number, line in enumerate(lines):
        nothing = LINE_MAGIC.sub(r"\1pass", VALUE_MAGIC.sub(r"\1 None", line))
        if nothing != line:
            magic[number] = nothing
    for _ in range(ROUNDS):
        text = "\n".join(magic.get(number, line) for number, line in enumerate(lines))
        try:
            tree = ast.parse(text)
        except UNREADABLE:
            return None
        empty = {node.lineno - 1 for node in ast.walk(tree) if does_nothing(node)}
        if empty >= magic.keys():
            return tree
        del magic[min(magic.keys() - empty)]  # what follows it is read anew
    return None


def does_nothing(node: ast.AST) -> bool:
    """Whether a statement is what stands for a magic line: `pass`, `name = None`."""
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.Constant) and node.value.value is None
    return isinstance(node, ast.Pass)


def line_of(source: str, number: int) -> str:
    """A line as Python counts them: `\\r` alone ends one too; whatever else may, does not."""
    return ENDS_LINE.split(source)[number - 1].strip()


def definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Each name a module binds at its top level, with the statement that binds it.

    What stands below an `if`, a `try` or a loop is at the top level too, and so is a name that a
    function calls `global`.
    """
    own = {n.name for n in nodes_of(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    own |= {n.id for n in nodes_of(tree) if isinstance(n, ast.Name) and not is_read(n)}
    for node in tree.body:
        yield from defined_by(node, COUNTING - own)


def is_read(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Load)


def defined_by(node: ast.stmt, counting: Collection[str]) -> Iterator[tuple[str, ast.stmt]]:
    """The names that a statement binds; classes, functions and imports in its blocks by theirs."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name, node
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):
                yield from ((name, node) for name in inner.names)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.split(".")[0], node
    else:
        for inner in below(node):
            yield from defined_by(inner, counting)
        loops = [n for n in ast.walk(node) if isinstance(n, ast.For) and counts(n.iter, counting)]
        counted = {id(name): head_of(loop) for loop in loops for name in ast.walk(loop.target)}
        for name in ast.walk(node):
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                yield name.id, counted.get(id(name), node)


COUNTING = {"range", "enumerate", "zip", "list", "sorted", "reversed"}


def counts(iterated: ast.expr, counting: Collection[str]) -> bool:
    """Whether a loop goes over numbers alone: what else happens in it makes none of them.

    `range(3)`, `(0, 1, 2)`, `enumerate([0.1, 0.01])`, with Python's own functions of these names.
    """
    if isinstance(iterated, ast.Tuple | ast.List | ast.Set):
        return all(isinstance(each, ast.Constant) and is_number(each) for each in iterated.elts)
    if not isinstance(iterated, ast.Call) or not isinstance(iterated.func, ast.Name):
        return False
    if iterated.func.id not in counting or iterated.keywords:
        return False
    return iterated.func.id == "range" or all(counts(each, counting) for each in iterated.args)


def is_number(node: ast.Constant) -> bool:
    return isinstance(node.value, int | float)


def head_of(loop: ast.For) -> ast.For:
    return ast.For(loop.target, loop.iter, [ast.Pass()], [], lineno=loop.lineno)


def below(node: ast.AST) -> Iterator[ast.stmt]:
    """The classes, functions and imports in the blocks of a statement, at whatever depth."""
    waiting = [node]
    while waiting:
        statement = waiting.pop()
        parts = [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]
        blocks = [getattr(statement, name, None) for name in ("body", "orelse", "finalbody")]
        blocks += [part.body for part in parts]
        inside = [each for block in blocks if isinstance(block, list) for each in block]
        yield from (each for each in inside if isinstance(each, THAT_NAME))
        waiting += [each for each in inside if not isinstance(each, THAT_NAME)]


THAT_NAME = (
    *(ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef),
    *(ast.Import, ast.ImportFrom),
)


def imported(
    node: ast.Import | ast.ImportFrom, file: str, wanted: str
) -> Iterator[tuple[str, str]]:
    """(module, name in it) for what an import binds as `wanted`; relative ones made absolute."""
    for alias in node.names:
        if (alias.asname or alias.name.split(".")[0]) != wanted:
            continue
        if isinstance(node, ast.Import):
            yield alias.name, ""
        else:
            yield absolute(node, file), alias.name


def absolute(node: ast.ImportFrom, file: str) -> str:
    """The dotted name of the module that a relative import in `file` means."""
    if not node.level:
        return node.module or ""
    folder = PurePosixPath(file).parents[node.level - 1].parts
    return ".".join([*folder, *([node.module] if node.module else [])])


def parts_of(node: ast.Attribute) -> list[str]:
    """`torch.nn.Linear` as its parts, where it begins with a name."""
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    return [inner.id if isinstance(inner, ast.Name) else "object", *reversed(parts)]


def called_name(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def looked_up(call: ast.Call, known: Texts) -> frozenset[str] | None:
    """The texts that a call finds something by; None where they are not written in the file."""
    place = LOOKS_UP[called_name(call)]
    return values(call.args[place], known) if len(call.args) > place else None


def texts_looked_up(call: ast.Call, known: Texts) -> Iterator[str]:
    """What `import_module("keras")` and `getattr(nn, "Trans" + "former")` name."""
    if called_name(call) in LOOKS_UP:
        yield from sorted(looked_up(call, known) or ())
    elif called_name(call) in ("eval", "exec"):
        texts = (arg.value for arg in call.args if isinstance(arg, ast.Constant))
        yield from (text for text in texts if isinstance(text, str))
