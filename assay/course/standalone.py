"""Which test files of a course stand by themselves: what changes in one changes nothing else.

So what the others have judged, and all that was run, stays as it is. Where a text does not show
it, a file belongs to what everything rests on.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path

from assay.course import files
from assay.course.assignment import Assignment, Part
from assay.source import syntax

NAMED = re.compile(rb"\btest_\w*")
ANY = b"test_"
"""Begins a name that is put together: any file may be meant."""
FOLDERS = rb"r?glob|iterdir|listdir|scandir|os\.walk|iter_modules|walk_packages"
HOOKS = rb"pytest_(?:runtest_\w+|exception_interact|report_\w+|fixture_\w+|session\w+)"
SHARED = rb"scope\s*=\s*['\"](?:session|package)"
IN_DOUBT = re.compile(rb"\b(?:" + b"|".join((FOLDERS, HOOKS, SHARED)) + rb")\b")
"""What may find any file, know what became of another test, or hand something on to one."""
MODULES = {"pytest", "assay", "math", "re", "functools", "contextlib", "dataclasses"}
BUILTINS = {"dict", "frozenset", "len", "list", "max", "min", "range", "set", "sorted", "tuple"}
"""What a file may call while it is imported: it changes nothing that another file sees."""


def tests(assignment: Assignment, part: Part) -> dict[Path, str]:
    """Return the test files that define tests and do no more, and that no other file names.

    Each with what it imports, on which all others may rest as well: a module may do something when
    it is first imported. Those of other parts are among them.
    """
    found = {path: path.stat() for path in files.of_part(assignment, part)}
    named = {path: _names(path, s.st_mtime_ns, s.st_size) for path, s in found.items()}
    if any(names is None for names in named.values()):
        return {}
    times = Counter(chain.from_iterable(names or () for names in named.values()))
    alone: dict[Path, str] = {}
    for path, stat in found.items():
        own = path.stem.encode()
        if path.match("test_*.py") and times[own] == (own in (named[path] or ())):
            imports = _imports(path, stat.st_mtime_ns, stat.st_size)
            alone |= {} if imports is None else {path: imports}
    return alone


@lru_cache(maxsize=10_000)
def _names(path: Path, modified: int, size: int) -> frozenset[bytes] | None:
    """Return all that could be the name of a test file; None where any could matter."""
    text = path.read_bytes()
    names = frozenset(NAMED.findall(text))
    return None if ANY in names or IN_DOUBT.search(text) else names


@lru_cache(maxsize=10_000)
def _imports(path: Path, modified: int, size: int) -> str | None:
    """Return what a file imports; None if importing it may do more than define what is in it."""
    try:
        tree = syntax.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return None
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    bound = {name: module for node in imports for name, module in _bound(node)}
    may_call = {name for name, module in bound.items() if module in MODULES}
    may_call |= BUILTINS - bound.keys() - {getattr(node, "name", "") for node in tree.body}
    if "*" in bound or not all(_defines(node, may_call) for node in tree.body):
        return None
    return "\n".join(map(ast.unparse, imports))


def _bound(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Each name that an import binds, and the package that it comes from."""
    for alias in node.names:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
        relative = isinstance(node, ast.ImportFrom) and node.level
        yield alias.asname or alias.name.partition(".")[0], "" if relative else _top(module)


def _top(module: str) -> str:
    return module.partition(".")[0]


def _defines(node: ast.stmt, may_call: set[str]) -> bool:
    """Return whether a statement at the left margin binds names of its file, and does no more."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.FunctionDef(args=args, decorator_list=decorators):
            defaults = [*args.defaults, *filter(None, args.kw_defaults)]
            pure = all(_is_pure(each, may_call) for each in [*decorators, *defaults])
            return pure and all(_root(each) in may_call for each in decorators)
        case ast.ClassDef(bases=[], keywords=[], decorator_list=[], body=body):
            return all(_defines(each, may_call) for each in body)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name != "pytest_plugins" and _is_pure(value, may_call)
        case ast.AnnAssign(target=ast.Name(), value=value):
            return value is None or _is_pure(value, may_call)
    return False


def _is_pure(expression: ast.expr, may_call: set[str]) -> bool:
    calls = [node for node in ast.walk(expression) if isinstance(node, ast.Call)]
    return all(_root(call.func) in may_call for call in calls)


def _root(called: ast.expr) -> str | None:
    """Return the name that `pytest.mark.criterion` or a call of it begins with."""
    called = called.func if isinstance(called, ast.Call) else called
    while isinstance(called, ast.Attribute):
        called = called.value
    return called.id if isinstance(called, ast.Name) else None
