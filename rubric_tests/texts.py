"""The texts that an expression can be, where they are written in the file: `"auto" + "grad"`."""

import ast
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import product
from math import prod

from rubric_tests.nodes import nodes_of

MOST = 64
"""Values that a text may have, of those that are followed."""

DEEPEST = 20
"""Expressions inside one another that are followed."""

Texts = Mapping[str, frozenset[str]]
Bind = Callable[[ast.expr, frozenset[str] | None], None]


@lru_cache(1_000)
def texts_bound(tree: ast.Module) -> Texts:
    """The texts that a name can stand for, where nothing but written texts is bound to it."""
    bound: dict[str, set[str] | None] = {}

    def bind(target: ast.expr, found: frozenset[str] | None) -> None:
        if isinstance(target, ast.Name):
            known = bound.get(target.id, set())
            bound[target.id] = None if known is None or found is None else known | found
        elif isinstance(target, ast.Tuple | ast.List):
            for inner in target.elts:
                bind(inner, None)

    for _ in range(2):  # a text may be put together from names that are bound below
        known = {name: frozenset(texts) for name, texts in bound.items() if texts}
        bound.clear()
        for node in nodes_of(tree):
            match node:
                case ast.Assign():
                    for target in node.targets:
                        bind(target, values(node.value, known))
                case ast.AnnAssign() | ast.NamedExpr() if node.value is not None:
                    bind(node.target, values(node.value, known))
                case ast.AugAssign():
                    bind(node.target, None)
                case ast.For() | ast.comprehension():
                    bind_loop(node.target, node.iter, known, bind)
                case ast.arg():
                    bound[node.arg] = None
                case ast.ImportFrom() if any(alias.name == "*" for alias in node.names):
                    return {}  # it may bind any of them
                case ast.Import() | ast.ImportFrom():
                    bound |= {a.asname or a.name.partition(".")[0]: None for a in node.names}
                case ast.ExceptHandler() | ast.FunctionDef() | ast.ClassDef() if node.name:
                    bound[node.name] = None
                case ast.MatchAs() | ast.MatchStar() if node.name:
                    bound[node.name] = None
                case ast.withitem() if node.optional_vars is not None:
                    bind(node.optional_vars, None)
    return {name: frozenset(texts) for name, texts in bound.items() if texts}


def bind_loop(target: ast.expr, over: ast.expr, known: Texts, bind: Bind) -> None:
    """The entries of a literal that is looped over, place by place where they are pairs."""
    entries = over.elts if isinstance(over, ast.Tuple | ast.List | ast.Set) else None
    if entries is None and isinstance(over, ast.Dict):
        entries = [key for key in over.keys if key is not None]
    if entries is None:
        bind(target, None)
        return
    if isinstance(target, ast.Tuple):
        for place, inner in enumerate(target.elts):
            for entry in entries:
                pair = entry.elts if isinstance(entry, ast.Tuple | ast.List) else []
                bind(inner, values(pair[place], known) if place < len(pair) else None)
        return
    for entry in entries:
        bind(target, values(entry, known))


def values(node: ast.expr, known: Texts, depth: int = 0) -> frozenset[str] | None:
    """Every text that an expression can be; None where that is not written there."""
    if depth > DEEPEST:
        return None

    def of(inner: ast.expr) -> frozenset[str] | None:
        return values(inner, known, depth + 1)

    match node:
        case ast.Constant(value=str(text)):
            return frozenset([text])
        case ast.Constant(value=int(number)):
            return frozenset([str(number)])
        case ast.Name(id=name):
            return known.get(name)
        case ast.BinOp(op=ast.Add()):
            found = frozenset([""]) if (terms := terms_of(node)) else None
            for term in terms:
                found = None if found is None else joined([found, of(term)])
            return found
        case ast.JoinedStr():
            return joined([of(part) for part in node.values])
        case ast.FormattedValue(format_spec=None, conversion=-1):
            return of(node.value)
        case ast.IfExp():
            either = [of(node.body), of(node.orelse)]
            return None if None in either else frozenset().union(*either)  # type: ignore[arg-type]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(glue)), attr="join")):
            parts = node.args[0] if node.args else None
            if isinstance(parts, ast.List | ast.Tuple):
                return joined([of(part) for part in parts.elts], glue)
    return None


def terms_of(node: ast.expr) -> list[ast.expr]:
    """The terms of a sum from left to right; none where there are too many to be followed."""
    terms: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        terms.append(node.right)
        node = node.left
        if len(terms) > MOST:
            return []
    return [node, *reversed(terms)]


def joined(parts: list[frozenset[str] | None], glue: str = "") -> frozenset[str] | None:
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    if len(known) > 12 or not 0 < prod(map(len, known)) <= MOST:  # before a list is made of them
        return None
    return frozenset(glue.join(way) for way in product(*known))
