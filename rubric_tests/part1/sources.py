"""Read the submission's source: what does `ScratchNetwork` reach, whatever it is called there?"""

import ast
import builtins
from collections.abc import Iterator
from symtable import SymbolTable, symtable
from types import SimpleNamespace

from rubric_tests.nodes import nodes_of
from rubric_tests.syntax import absolute, definitions, imported, parts_of, texts_looked_up, trees_of
from rubric_tests.texts import Texts, texts_bound

LIBRARIES = {
    "autograd", "flax", "functorch", "haiku", "jax", "keras", "lightning", "mxnet", "paddle",
    "pytorch_lightning", "skorch", "tensorflow", "theano", "tinygrad", "torch",
}  # fmt: skip
SKLEARN = {
    "ensemble", "gaussian_process", "linear_model", "naive_bayes", "neighbors", "neural_network",
    "svm", "tree",
}  # fmt: skip
CLASSES = {"MLPClassifier", "MLPRegressor", "BernoulliRBM"}


def ready_made(dotted: str) -> bool:
    """Whether a dotted name leads to autograd, or to a model that somebody else wrote."""
    head, *rest = dotted.split(".")
    in_sklearn = head == "sklearn" and bool(rest) and rest[0] in SKLEARN
    return (
        not LIBRARIES.isdisjoint([head, *rest])
        or in_sklearn
        or not CLASSES.isdisjoint([head, *rest])
    )


class Sources:
    """The submission's files as syntax trees, with what each file defines at its top level."""

    def __init__(self, submission: SimpleNamespace) -> None:
        self.trees = trees_of(submission)
        self.texts = {name: texts_bound(tree) for name, tree in self.trees.items()}
        self.defines = {name: bindings(tree) for name, tree in self.trees.items()}

    def imports(self) -> set[str]:
        """The dotted name of everything that a plain import in any file names."""
        found = set()
        for file, tree in self.trees.items():
            for node in nodes_of(tree):
                if isinstance(node, ast.Import):
                    found |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    module = absolute(node, file)
                    found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
        return found

    def reached(self, name: str) -> Iterator[str]:
        """Every foreign dotted name that `name`, wherever it is defined, leads to."""
        start = [file for file in ("adapter.py", "notebook") if name in self.defines.get(file, {})]
        queue = [(file, name) for file in start or self.defines if name in self.defines[file]]
        seen = set(queue)
        while queue:
            file, wanted = queue.pop()
            for node in self.defines[file][wanted]:
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield from self._follow(node, file, wanted, queue, seen)
                else:
                    yield from self._used(node, file, queue, seen)

    def _used(
        self,
        node: ast.stmt,
        file: str,
        queue: list[tuple[str, str]],
        seen: set[tuple[str, str]],
    ) -> Iterator[str]:
        """One definition: the foreign names in it; the student's own are followed."""
        for dotted in hidden_names(node, self.texts[file]):
            if (home := self._own(file, dotted.split(".")[0])) is None:
                yield dotted
                continue
            for part in dotted.split(".")[1:]:  # the student's own, whatever it is called
                self._push((home, part), queue, seen)
        for used in names_used(node):
            known = used in self.defines[file]
            if not known and hasattr(builtins, used):
                continue
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

    def _own(self, file: str, head: str) -> str | None:
        """The submission's file that a name at the head of a dotted one is bound to."""
        nodes = self.defines[file].get(head, [])
        imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
        for node in imports:
            for dotted, original in imported(node, file, head):
                whole = f"{dotted}.{original}" if original else dotted
                if home := self._home(whole) or self._home(dotted):
                    return home
        if imports:
            return None
        return file if any(isinstance(n, ast.ClassDef) for n in nodes) else self._home(head)

    def _home(self, dotted: str) -> str | None:
        path = dotted.replace(".", "/")
        if not path:
            return None
        places = (f"{path}.py", f"{path}/__init__.py", f"notebooks/{path}.py")
        ends = tuple(f"/{place}" for place in places)
        foreign = ready_made(dotted) or dotted.split(".")[0] == "sklearn"  # a decoy in some folder
        beside = (name for name in self.trees if not foreign and name.endswith(ends))
        return next((place for place in places if place in self.trees), next(beside, None))

    def _push(
        self, item: tuple[str, str], queue: list[tuple[str, str]], seen: set[tuple[str, str]]
    ) -> None:
        file, name = item
        if item not in seen and name in self.defines[file]:
            seen.add(item)
            queue.append(item)


def bindings(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """Each name that a module binds, with all the statements that do."""
    found: dict[str, list[ast.stmt]] = {}
    for name, statement in definitions(tree):
        found.setdefault(name, []).append(statement)
    return found


def names_used(node: ast.AST) -> set[str]:
    """The names that a piece of code reads from outside of it.

    A name is a function's own in that function alone: another one may read a global of that name.
    """
    try:
        return set(_read_in(symtable(ast.unparse(node), "a piece", "exec")))
    except (SyntaxError, ValueError, RecursionError):  # no compiler takes it: all its names count
        return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _read_in(table: SymbolTable) -> Iterator[str]:
    """What is read in a scope and is not its own; a class may read a global before it binds it."""
    is_open = table.get_type() != "function"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (is_open or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _read_in(inner)


def hidden_names(node: ast.AST, known: Texts) -> Iterator[str]:
    """Names that are reached without a plain import at the top: inside a function, or as text."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            yield from (alias.name for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom) and not inner.level:
            yield from (f"{inner.module}.{alias.name}" for alias in inner.names)
        elif isinstance(inner, ast.Attribute):
            parts = parts_of(inner)
            if parts[0] == "sklearn" or not (CLASSES | LIBRARIES).isdisjoint(parts[1:]):
                yield ".".join(parts)
        elif isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Constant):
            if inner.slice.value in CLASSES | LIBRARIES:
                yield str(inner.slice.value)
        elif isinstance(inner, ast.MatchClass):  # `case object(neural_network=part)` takes it too
            yield from (f"sklearn.{name}" for name in inner.kwd_attrs if name in SKLEARN | CLASSES)
            yield from (name for name in inner.kwd_attrs if name in LIBRARIES)
        elif isinstance(inner, ast.Call):
            yield from texts_looked_up(inner, known)
