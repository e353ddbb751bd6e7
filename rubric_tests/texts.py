"""The texts that an expression can be, where they are written in the file: `"auto" + "grad"`."""

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
def texts_bound(tree: ast.Module, changed: frozenset[str] = frozenset()) -> Texts:
    """The texts that a name can stand for, where nothing but written texts is bound to it.

    What the names stand for that are `changed` elsewhere is not written here.
    """
    bound: dict[str, set[str] | None] = {}

    def bind(target: ast.expr, found: frozenset[str] | None) -> None:
        if isinstance(target, ast.Name):
            known = bound.get(target.id, set())
            bound[target.id] = None if known is None or found is None else known | found
        elif isinstance(target, ast.Tuple | ast.List):
            for inner in target.elts:
                bind(inner, None)

    literals = {name: of for name, of in literals_of(tree).items() if name not in changed}
    for _ in range(2):  # a text may be put together from names that are bound below
        known = {n: frozenset(texts) for n, texts in bound.items() if texts and n not in changed}
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
                    bind_loop(node.target, looped_over(node.iter, literals), known, bind)
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
    return {n: frozenset(texts) for n, texts in bound.items() if texts and n not in changed}


def literals_of(tree: ast.Module) -> Mapping[str, ast.expr]:
    """The lists and tuples by the one name that they are bound to, of which nothing is changed.

    A tuple cannot be changed; of a list nothing is done but to loop over it.
    """
    nodes = list(nodes_of(tree))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = Counter(name.id for name in names if not isinstance(name.ctx, ast.Load))
    bound.update(node.arg for node in nodes if isinstance(node, ast.arg))
    loops = [node for node in nodes if isinstance(node, ast.For | ast.comprehension)]
    looped = {id(inner) for loop in loops for inner in (loop.iter, *sequences(loop.iter))}
    others = {n.id for n in names if isinstance(n.ctx, ast.Load) and id(n) not in looped}
    return {
        node.targets[0].id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Tuple | ast.List) and bound[node.targets[0].id] == 1
        if isinstance(node.value, ast.Tuple) or node.targets[0].id not in others
    }


@lru_cache(1_000)
def read_later(tree: ast.Module) -> frozenset[str]:
    """The names that a function reads from outside of it, when it is called."""
    found: set[str] = set()
    for node in nodes_of(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = list(ast.walk(node))
            names = [inner for inner in inside if isinstance(inner, ast.Name)]
            own = {inner.arg for inner in inside if isinstance(inner, ast.arg)}
            own |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
            own -= {n for inner in inside if isinstance(inner, ast.Global) for n in inner.names}
            found |= {name.id for name in names} - own
    return frozenset(found)


@lru_cache(1_000)
def changed_in(tree: ast.Module) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a piece of code binds, and those with which it does more than to loop over."""
    nodes = list(nodes_of(tree))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    looped = {id(n.iter) for n in nodes if isinstance(n, ast.For | ast.comprehension)}
    return frozenset(bound), frozenset(name.id for name in names if id(name) not in looped)


class Cells:
    """In how many cells of a notebook each name is bound, and in how many it is used."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        self.bound, self.used = Counter[str](), Counter[str]()
        for tree in trees:
            bound, used = changed_in(tree)
            self.bound.update(bound)
            self.used.update(used)

    def doubtful(self, tree: ast.Module, *, is_cell: bool) -> frozenset[str]:
        """What a function of a piece reads, and another cell may have changed when it is called."""
        own_bound, own_used = changed_in(tree) if is_cell else (frozenset[str](), frozenset[str]())
        literals = literals_of(tree)
        return frozenset(
            name
            for name in read_later(tree)
            if self.bound[name] > (name in own_bound)
            or (isinstance(literals.get(name), ast.List) and self.used[name] > (name in own_used))
        )


def sequences(over: ast.expr) -> list[ast.expr]:
    """What is looped over place by place: of `zip(a, b)` both, of `enumerate(a)` its second."""
    match over:
        case ast.Call(func=ast.Name(id="zip"), args=args, keywords=[]):
            return args
        case ast.Call(func=ast.Name(id="enumerate"), args=[one, *_]):
            return [ast.Constant(None), one]
        case ast.Call(func=ast.Attribute(value=ast.Dict(keys=keys), attr="items"), args=[]):
            entries = [key for key in keys if key is not None]
            return [ast.Tuple(entries, ast.Load()), ast.Constant(None)]
    return []


def looped_over(over: ast.expr, literals: Mapping[str, ast.expr]) -> ast.expr:
    """A name as the literal that it is bound to; small numbers written out; pairs put together."""
    if isinstance(over, ast.Name):
        return literals.get(over.id, over)
    match over:
        case ast.Call(func=ast.Name(id="range"), args=args) if all(map(is_small, args)):
            numbers = range(*(number.value for number in args))  # type: ignore[attr-defined]
            return ast.Tuple([ast.Constant(number) for number in numbers], ast.Load())
    columns = [looped_over(each, literals) for each in sequences(over)]
    written = [c.elts for c in columns if isinstance(c, ast.Tuple | ast.List | ast.Set)]
    if not columns or not written:
        return over
    rows = [
        ast.Tuple(
            [
                c.elts[row] if isinstance(c, ast.Tuple | ast.List) else ast.Constant(None)
                for c in columns
            ],
            ast.Load(),
        )
        for row in range(min(map(len, written)))
    ]
    return ast.Tuple(rows, ast.Load())


def is_small(node: ast.expr) -> bool:
    """Whether it is a number that a loop may count to; 0 is no step."""
    return isinstance(node, ast.Constant) and node.value in range(1, MOST)


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
