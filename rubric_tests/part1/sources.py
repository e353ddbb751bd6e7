"""Read the submission's source: what does `ScratchNetwork` reach, whatever it is called there?"""

import ast
import builtins
from collections.abc import Iterator
from pathlib import PurePosixPath
from types import SimpleNamespace

LIBRARIES = {
    "autograd", "flax", "haiku", "jax", "keras", "lightning", "mxnet", "paddle",
    "pytorch_lightning", "skorch", "tensorflow", "theano", "tinygrad", "torch",
}  # fmt: skip
SKLEARN = {
    "ensemble", "gaussian_process", "linear_model", "naive_bayes", "neighbors", "neural_network",
    "svm", "tree",
}  # fmt: skip
CLASSES = {"MLPClassifier", "MLPRegressor", "BernoulliRBM"}
BY_NAME = {"import_module", "__import__", "getattr", "eval", "exec", "find_spec"}


def ready_made(dotted: str) -> bool:
    """Whether a dotted name leads to autograd, or to a model that somebody else wrote."""
    head, *rest = dotted.split(".")
    in_sklearn = head == "sklearn" and bool(rest) and rest[0] in SKLEARN
    return head in LIBRARIES or in_sklearn or not CLASSES.isdisjoint([head, *rest])


class Sources:
    """The submission's files as syntax trees, with what each file defines at its top level."""

    def __init__(self, submission: SimpleNamespace) -> None:
        self.trees = {name: parsed(text) for name, text in submission.sources.items()}
        cells = [parsed(cell.source) for cell in submission.cells if cell.kind == "code"]
        statements = [statement for tree in cells for statement in tree.body]
        self.trees["notebook"] = ast.Module(body=statements, type_ignores=[])
        self.defines = {name: dict(definitions(tree)) for name, tree in self.trees.items()}

    def reached(self, name: str) -> Iterator[str]:
        """Every foreign dotted name that `name`, wherever it is defined, leads to."""
        start = [file for file in ("adapter.py", "notebook") if name in self.defines.get(file, {})]
        queue = [(file, name) for file in start or self.defines if name in self.defines[file]]
        seen = set(queue)
        while queue:
            file, wanted = queue.pop()
            node = self.defines[file][wanted]
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from self._follow(node, file, wanted, queue, seen)
                continue
            yield from hidden_names(node)
            for used in names_used(node):
                known = used in self.defines[file]
                self._push((file, used if known else "*"), queue, seen)
                if file == "adapter.py" and not known:  # it is executed among the notebook's names
                    self._push(("notebook", used), queue, seen)

    def _follow(
        self,
        node: ast.Import | ast.ImportFrom,
        file: str,
        wanted: str,
        queue: list[tuple[str, str]],
        seen: set[tuple[str, str]],
    ) -> Iterator[str]:
        """One import: into a file of the submission, or out of it, and then named."""
        for dotted, original in imported(node, file, wanted):
            if (home := self._home(dotted)) is None:
                yield f"{dotted}.{original}" if original not in ("", "*") else dotted
                continue
            for target in self.defines[home] if original in ("", "*") else [original]:
                self._push((home, target), queue, seen)

    def _home(self, dotted: str) -> str | None:
        path = dotted.replace(".", "/")
        places = (f"{path}.py", f"{path}/__init__.py", f"notebooks/{path}.py")
        return next((place for place in places if place in self.trees), None)

    def _push(
        self, item: tuple[str, str], queue: list[tuple[str, str]], seen: set[tuple[str, str]]
    ) -> None:
        file, name = item
        if item not in seen and name in self.defines[file]:
            seen.add(item)
            queue.append(item)


def parsed(source: str) -> ast.Module:
    """The syntax tree without IPython's own lines; a text that is no Python gives an empty one."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n")]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])


def definitions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Each name a module binds at its top level, with the statement that binds it."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], node
        else:
            for name in ast.walk(node):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    yield name.id, node


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


def names_used(node: ast.AST) -> set[str]:
    """The names that a piece of code reads and does not bind itself; builtins left out."""
    names = [name for name in ast.walk(node) if isinstance(name, ast.Name)]
    bound = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    bound |= {arg.arg for arg in ast.walk(node) if isinstance(arg, ast.arg)}
    return {name.id for name in names} - bound - set(dir(builtins))


def hidden_names(node: ast.AST) -> Iterator[str]:
    """Names that are reached without a plain import at the top: inside a function, or as text."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            yield from (alias.name for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom) and not inner.level:
            yield from (f"{inner.module}.{alias.name}" for alias in inner.names)
        elif isinstance(inner, ast.Attribute):
            yield from dotted_name(inner)
        elif isinstance(inner, ast.Call) and called_name(inner) in BY_NAME:
            texts = (arg.value for arg in inner.args if isinstance(arg, ast.Constant))
            yield from (text for text in texts if isinstance(text, str))


def dotted_name(node: ast.Attribute) -> Iterator[str]:
    """`sklearn.neural_network.MLPClassifier` as text, where it is only names and dots."""
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    if (isinstance(inner, ast.Name) and inner.id == "sklearn") or not CLASSES.isdisjoint(parts):
        yield ".".join([getattr(inner, "id", "object"), *reversed(parts)])


def called_name(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))
