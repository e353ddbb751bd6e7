"""Read the course's Python files without running them.

Names that are bound nowhere, or twice; checks that check nothing.
"""

import ast
import builtins
import symtable
from collections.abc import Iterator

PROVIDED = {"__file__", "__name__", "__doc__", "__package__", "__path__", "__spec__", "__loader__"}
OF_A_CLASS = {"__class__", "__module__", "__qualname__"}
DYNAMIC = {"exec", "eval", "globals", "locals", "vars", "setattr"}
"""A module that calls one of these may bind names that no reader sees."""
ANSWERS = {"allclose", "isclose", "array_equal", "array_equiv", "isinstance", "all", "any"}
"""Functions that say yes or no: to call one and drop what it says checks nothing."""

COMPARE = {"allclose", "isclose", "array_equal", "array_equiv", "assert_close", "assert_same"}
OF_A_SUBMISSION = {"evidence", "given", "kept", "run", "runs", "submission", "measure", "claim"}
"""Fixtures that check nothing by themselves."""
INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
CATCHING = {"AssertionError", "Exception", "BaseException"}
LEAVING = (ast.Return, ast.Continue, ast.Break)
LEAVES_OFF = {"pytest.skip", "pytest.xfail"}


def unbound(source: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything that a module reads and never binds.

    A misspelt name in a branch that the reference does not take would be found by a student.
    """
    nodes = list(ast.walk(tree))
    if any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in nodes):
        return
    if any(isinstance(n, ast.Name) and n.id in DYNAMIC for n in nodes):
        return
    tables = list(_all(symtable.symtable(source, "course", "exec")))
    known = {s.get_name() for t in tables for s in t.get_symbols() if _binds(t, s)}
    known |= set(dir(builtins)) | PROVIDED | OF_A_CLASS
    seen: set[str] = set()
    for node in nodes:
        is_read = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        if not isinstance(node, ast.Name) or not is_read or node.id in known | seen:
            continue
        if _is_global_somewhere(node.id, tables):
            seen.add(node.id)
            yield node.lineno, node.id


def twice(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield what hides something of its own name: a test, or an entry of a dict."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            seen: set[str] = set()
            for key in node.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    if key.value in seen:
                        yield key.lineno, f"`{key.value}` stands twice in one dict"
                    seen.add(key.value)
        if isinstance(node, ast.Module | ast.ClassDef):
            first: dict[str, int] = {}
            for test in (n for n in node.body if isinstance(n, ast.FunctionDef)):
                if test.name.startswith("test") and test.name in first:
                    said = f"`{test.name}` is defined twice, first in line {first[test.name]}"
                    yield test.lineno, said
                first.setdefault(test.name, test.lineno)


def left_out(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the lines at which a test always leaves off."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test"):
            for node in function.body:
                called = node.value if isinstance(node, ast.Expr) else None
                if isinstance(called, ast.Call) and ast.unparse(called.func) in LEAVES_OFF:
                    yield node.lineno, f"`{ast.unparse(called):.80}` leaves every submission out"


def uncollected(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the classes whose tests pytest passes over: those with an `__init__`."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            own = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
            if "__init__" in own and any(name.startswith("test") for name in own):
                yield node.lineno, f"pytest leaves `{node.name}` out, as it has an `__init__`"


def unchecked(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the lines of tests that look like a check, and can never fail."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or not function.name.startswith("test"):
            continue
        if unread := _unread(function):
            yield function.lineno, f"`{function.name}` reads neither {' nor '.join(unread)}"
        own = list(_of_its_own(function))
        for node in ast.walk(function):
            if dead := _never_reached(node):
                yield dead.lineno, f"`{ast.unparse(dead):.80}` is never reached"
            if isinstance(node, ast.Assert) and _is_always_true(node.test):
                yield node.lineno, f"`{ast.unparse(node):.80}` never fails"
            if _compares_with_itself(node):
                yield node.lineno, f"`{ast.unparse(node):.80}` compares a value with itself"  # type: ignore[attr-defined]
            found = node.value if isinstance(node, ast.Expr | ast.Return) else None
            found = found if not isinstance(node, ast.Return) or node in own else None
            if found is not None and (_is_an_answer(found) or _is_uncalled(found)):
                yield node.lineno, f"`{ast.unparse(node):.80}` checks nothing without `assert`"  # type: ignore[attr-defined]
            if _drops_errors(node):
                for caught in (n for n in _of_the_block(node) if isinstance(n, ast.Assert)):
                    said = f"`{ast.unparse(caught):.80}` never fails: what it raises is caught"
                    yield caught.lineno, said


def _unread(function: ast.FunctionDef) -> list[str]:
    """Return what a test asks for of a submission, if it is all that it has and it reads none."""
    asked = [argument.arg for argument in function.args.args if argument.arg != "self"]
    read = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    is_blind = asked and OF_A_SUBMISSION.issuperset(asked) and not read & {*asked}
    return [f"`{name}`" for name in asked] if is_blind else []


def _of_its_own(function: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a function and in none inside it."""
    for node in ast.iter_child_nodes(function):
        yield node
        if not isinstance(node, INNER):
            yield from _of_its_own(node)


def _is_uncalled(value: ast.expr) -> bool:
    """Return whether a line has a name alone: a check that was to be called."""
    return isinstance(value, ast.Name | ast.Attribute)


def _never_reached(node: ast.AST) -> ast.Assert | None:
    """Return the first assertion of a block that stands behind its end."""
    lines = getattr(node, "body", None)
    lines = lines if isinstance(lines, list) else []
    ends = (n for n, line in enumerate(lines) if isinstance(line, LEAVING))
    behind = lines[next(ends, len(lines)) :]
    found = (inner for line in behind for inner in ast.walk(line) if isinstance(inner, ast.Assert))
    return next(found, None)


def _drops_errors(node: ast.AST) -> bool:
    """Return whether a block catches a failed assertion and does nothing about it."""
    if isinstance(node, ast.Try):
        return any(
            _catches(handler.type) and all(_does_nothing(line) for line in handler.body)
            for handler in node.handlers
        )
    calls = [item.context_expr for item in node.items] if isinstance(node, ast.With) else []
    return any(
        isinstance(call, ast.Call)
        and ast.unparse(call.func).split(".")[-1] == "suppress"
        and any(map(_catches, call.args))
        for call in calls
    )


def _catches(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(kind is None or ast.unparse(kind).split(".")[-1] in CATCHING for kind in kinds)


def _does_nothing(line: ast.stmt) -> bool:
    is_text = isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    return isinstance(line, ast.Pass | ast.Continue | ast.Return) or is_text


def _of_the_block(node: ast.AST) -> Iterator[ast.AST]:
    for line in getattr(node, "body", []):
        yield from ast.walk(line)


def _is_always_true(test: ast.expr) -> bool:
    if isinstance(test, ast.Tuple):
        return bool(test.elts)
    return isinstance(test, ast.Constant) and bool(test.value)


def _compares_with_itself(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return False
    name = str(getattr(node.func, "id", getattr(node.func, "attr", "")))
    one, other = node.args[:2]
    is_made_twice = any(isinstance(inner, ast.Call) for inner in ast.walk(one))
    return name in COMPARE and not is_made_twice and ast.dump(one) == ast.dump(other)


def _is_an_answer(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        function = value.func
        return str(getattr(function, "id", getattr(function, "attr", ""))) in ANSWERS
    is_not = isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not)
    return isinstance(value, ast.Compare | ast.BoolOp) or is_not


def _all(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _all(child)


def _binds(table: symtable.SymbolTable, symbol: symtable.Symbol) -> bool:
    """Return whether a symbol's scope binds it for the module."""
    bound = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    return bound and (table.get_type() == "module" or symbol.is_declared_global())


def _is_global_somewhere(name: str, tables: list[symtable.SymbolTable]) -> bool:
    """Return whether a scope looks this name up in the module: none around it binds it."""
    for table in tables:
        if name in table.get_identifiers():
            symbol = table.lookup(name)
            is_bound = symbol.is_assigned() or symbol.is_parameter() or symbol.is_imported()
            looked_up = table.get_type() == "module" or symbol.is_global()
            if symbol.is_referenced() and looked_up and not is_bound:
                return True
    return False
