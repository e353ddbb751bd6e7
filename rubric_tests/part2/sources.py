"""Read the submission's source: does anything it uses lead to a transformer that is ready made?

A name in a docstring is not a use, nor is a method that nothing calls.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import SimpleNamespace

from rubric_tests.nodes import nodes_of
from rubric_tests.syntax import (
    LOOKS_UP,
    called_name,
    definitions,
    imported,
    parts_of,
    texts_looked_up,
    trees_of,
)
from rubric_tests.texts import Texts, texts_bound, values

LIBRARIES = {
    "allennlp", "curated_transformers", "fairseq", "flash_attn", "keras", "keras_nlp",
    "onmt", "sentence_transformers", "tensorflow", "transformers", "x_transformers", "xformers",
}  # fmt: skip
READY_MADE = {
    "MultiheadAttention", "Transformer", "TransformerDecoder", "TransformerDecoderLayer",
    "TransformerEncoder", "TransformerEncoderLayer", "flex_attention",
    "multi_head_attention_forward", "scaled_dot_product_attention",
}  # fmt: skip
OPERATORS = (
    "_transformer_", "scaled_dot_product", "multi_head_attention", "flash_attention",
    "efficient_attention", "flex_attention",
)  # fmt: skip
"""In the names of the operators that torch's own attention comes down to."""
IN_TORCH = "torch.nn.modules.transformer"
COMPARES = {"allclose", "isclose", "equal", "array_equal", "assert_close", "assert_allclose"}
TYPES = {"isinstance", "issubclass"}
ROUNDS, MOST = 20, 100  # of looking for second names, and how many of these one name may have
NAME = re.compile(r"[A-Za-z_][\w.:]{0,200}")
ORDINARY = {"Transformer", "TransformerEncoder", "TransformerDecoder"}
"""What a label or a title may be too."""
ROOTS = (
    "attention", "MultiHeadAttention", "TokenEmbedding", "PositionalEncoding", "FeedForward",
    "EncoderLayer", "DecoderLayer", "Encoder", "Decoder", "Transformer", "train", "generate",
    "generate_batch", "model",
)  # fmt: skip


def ready_made(dotted: str) -> bool:
    """Whether a dotted name leads into a library of transformers, or to torch's own."""
    head, *rest = dotted.split(".")
    in_torch = head == "torch" and (not READY_MADE.isdisjoint(rest) or dotted.startswith(IN_TORCH))
    hidden = head == "torch" and any(word in part for part in rest for word in OPERATORS)
    named = head == "torch" and any("attention" in part.lower() for part in rest)
    return head in LIBRARIES or in_torch or hidden or named


def is_attention(name: str) -> bool:
    """Whether an attribute of this name, of whatever module, is torch's own attention."""
    return name in READY_MADE or any(word in name for word in OPERATORS)


def foreign_names(submission: SimpleNamespace) -> set[str]:
    """Every dotted name out of the submission that its classes and functions reach."""
    trees = trees_of(submission)
    beside = (name.removeprefix("notebooks/") for name in trees)  # not what lies anywhere below
    own = {name.split("/")[0].removesuffix(".py") for name in beside}
    reached: set[str] = set().union(*(names_reached(name, tree) for name, tree in trees.items()))
    own -= {"torch"}
    through = {dotted for dotted in reached if dotted.split(".")[0] in own | {"own"}}
    on = handed_on(through, trees)
    return (reached - through) | {dotted for dotted in on if dotted.split(".")[0] not in own}


def handed_on(reached: set[str], trees: Mapping[str, ast.Module]) -> set[str]:
    """What one's own names stand for that a file imports and another takes from it.

    `parts.mix` is what `parts.py` imports as `mix`, and so is `self.mix` of a class that does.
    """
    places: dict[str, set[str]] = {}
    defined: set[str] = set()
    for file, tree in trees.items():
        for name, dotted in imports_of(tree, file).items():
            places.setdefault(name, set()).update(dotted)
        defined |= {n.name for n in nodes_of(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef)}
        defined |= {
            n.id for n in nodes_of(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
    stars = {star for tree in trees.values() for star in stars_of(tree) if "torch" in star}
    found = set()
    for dotted in reached:
        _, *parts = dotted.split(".")
        for place, part in enumerate(parts):
            rest = parts[place + 1 :]
            found |= {".".join([of, *rest]) for of in places.get(part, ())}
            if is_attention(part) and part not in defined:
                found |= {f"{star}.{part}" for star in stars}
    return found


@lru_cache(1_000)
def names_reached(file: str, tree: ast.Module) -> frozenset[str]:
    """What one file's own definitions lead to, out of it; imports are looked up by name."""
    known = dict(definitions(tree))
    stars = stars_of(tree)
    places, texts = imports_of(tree, file), texts_bound(tree)
    own = {node.name for node in nodes_of(tree) if isinstance(node, ast.ClassDef)}
    bound = locals_of(tree)
    found: set[str] = set()
    only_compared = compared(tree, places)
    for node in used_nodes(tree):
        if id(node) in only_compared:
            continue
        if isinstance(node, ast.Attribute):
            head, *rest = parts_of(node)
            found |= names_of(node, places) or {".".join(["own", head, *rest])}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in places:
                found |= places[node.id]
            elif node.id not in known:
                theirs = [s for s in stars if not (s.split(".")[0] == "torch" and node.id in bound)]
                found |= {f"{star}.{node.id}" for star in theirs}
        elif isinstance(node, ast.Call):
            found |= set(names_in_texts(node, texts, places, own))
        elif isinstance(node, ast.MatchClass):  # `case object(Transformer=part)` takes it too
            found |= {f"torch.nn.{name}" for name in node.kwd_attrs if is_attention(name)}
    return frozenset(found)


def compared(tree: ast.Module, places: dict[str, set[str]]) -> set[int]:
    """The nodes of what one's own part is only held against, which goes nowhere from there.

    `torch.allclose(attention(q, k, v), F.scaled_dot_product_attention(q, k, v))`, or a type in
    `isinstance`; and torch's own function that makes a causal mask, which attends to nothing.
    """
    nodes = list(nodes_of(tree))
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= places.keys() | locals_of(tree) | (TYPES if stars_of(tree) else set())
    types = TYPES - own
    found: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr == "generate_square_subsequent_mask":
            found |= {id(inner) for inner in ast.walk(node) if is_path(node)}
        elif isinstance(node, ast.Call) and compares(names_of(node.func, places)):
            called = [function_called(arg) for arg in node.args]
            paths = [function for function in called if function and is_path(function)]
            found |= {id(inner) for function in paths for inner in ast.walk(function)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kinds = node.args[1:2] if node.func.id in types else []
            kinds = [of for kind in kinds for of in getattr(kind, "elts", [kind]) if is_path(of)]
            found |= {id(inner) for kind in kinds for inner in ast.walk(kind)}
    return found


def compares(functions: set[str]) -> bool:
    """Whether these are torch's or NumPy's functions that only say how alike two arrays are."""
    parts = [dotted.split(".") for dotted in functions]
    return bool(parts) and all(p[0] in ("torch", "numpy") and p[-1] in COMPARES for p in parts)


def is_path(node: ast.expr) -> bool:
    """Whether it is a dotted name and no more: `nn.Transformer`, and no call on the way."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def function_called(arg: ast.expr) -> ast.expr | None:
    """What an argument calls: of `f(x)[0]` and `f(x).numpy()` it is `f`."""
    while isinstance(arg, ast.Subscript | ast.Attribute):
        arg = arg.value
    if not isinstance(arg, ast.Call):
        return None
    inner = arg.func.value if isinstance(arg.func, ast.Attribute) else None
    return function_called(inner) if isinstance(inner, ast.Call | ast.Subscript) else arg.func


def locals_of(tree: ast.Module) -> set[str]:
    """Names that functions bind, and that are no name of a ready-made part: `attention_weights`."""
    nodes = list(nodes_of(tree))
    bound = {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return {name for name in bound if not is_attention(name)}


def stars_of(tree: ast.Module) -> list[str]:
    """The modules of which everything is imported."""
    return [
        node.module or ""
        for node in nodes_of(tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]


def ready_made_in_texts(submission: SimpleNamespace) -> list[str]:
    """Texts that are a name and nothing else, and that of a ready-made part; docstrings apart.

    What is looked up by them, and how, is for a person to say.
    """
    found: set[str] = set()
    for tree in trees_of(submission).values():
        own = {node.name for node in nodes_of(tree) if isinstance(node, ast.ClassDef)}
        known = texts_bound(tree)
        for node in nodes_of(tree):
            texts = values(node, known) if isinstance(node, ast.expr) else None
            for text in texts or ():
                words = re.split(r"[.:]", text) if NAME.fullmatch(text) else []
                found |= {
                    word for word in words if is_attention(word) and word not in own | ORDINARY
                }
    return sorted(found)


def imports_of(tree: ast.Module, file: str) -> dict[str, set[str]]:
    """The dotted names behind each name that an import binds, anywhere in the file.

    All of them: which binding is the last one is not known by reading. A second name of a module
    stands for it: `parts = nn`.
    """
    places: dict[str, set[str]] = {}
    for node in nodes_of(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                for module, original in imported(node, file, name):
                    whole = module if alias.asname else module.split(".")[0]
                    dotted = f"{module}.{original}" if original else whole
                    places.setdefault(name, set()).add(dotted)
    pairs = list(assigned(tree))
    for _ in range(ROUNDS):  # a second name of a second name, in whatever order
        before = sum(map(len, places.values()))
        for name, value in pairs:
            heads = names_of(value, places)
            if heads and len(places.setdefault(name, set())) < MOST:
                places[name] |= heads
        if sum(map(len, places.values())) == before:
            break
    return places


def assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Each name that is bound by an assignment or a loop, and what it is bound to."""
    for node in nodes_of(tree):
        targets, value = [], None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.NamedExpr | ast.AnnAssign):
            targets, value = [node.target], node.value
        elif isinstance(node, ast.For | ast.comprehension):
            targets, value = [node.target], node.iter
        for target in targets if value is not None else ():
            inner = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            yield from ((one.id, value) for one in inner if isinstance(one, ast.Name))


def names_of(node: ast.expr, places: dict[str, set[str]]) -> set[str]:
    """The dotted names that an expression stands for: `torch`, `nn.functional`, `[torch][0]`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        return places.get(node.id, set())
    if isinstance(node, ast.Attribute):
        return {f"{head}.{node.attr}" for head in names_of(node.value, places)}
    if isinstance(node, ast.List | ast.Tuple):
        return set().union(*(names_of(entry, places) for entry in node.elts))
    if isinstance(node, ast.Dict | ast.BoolOp):
        return set().union(*(names_of(entry, places) for entry in node.values))
    if isinstance(node, ast.IfExp):
        return names_of(node.body, places) | names_of(node.orelse, places)
    if isinstance(node, ast.NamedExpr):
        return names_of(node.value, places)
    if isinstance(node, ast.Call) and called_name(node) == "getattr" and len(node.args) > 1:
        text = node.args[1].value if isinstance(node.args[1], ast.Constant) else None
        return {f"{head}.{text}" for head in names_of(node.args[0], places)} if text else set()
    return set()


def used_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node but those inside functions and methods that nothing in the file calls by name."""
    called = names_called(tree)
    queue: list[ast.AST] = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not may_run(node, called):
            continue
        yield node
        queue.extend(ast.iter_child_nodes(node))


def names_called(tree: ast.Module) -> set[str]:
    attributes = {node.attr for node in nodes_of(tree) if isinstance(node, ast.Attribute)}
    return attributes | {node.id for node in nodes_of(tree) if isinstance(node, ast.Name)}


def may_run(node: ast.FunctionDef | ast.AsyncFunctionDef, called: set[str]) -> bool:
    """Called somewhere, or by torch, or by us."""
    special = node.name.startswith("__") or node.name in ("forward", *ROOTS)
    special = special or bool(node.decorator_list)  # whoever decorates it has it
    return special or node.name in called


def names_in_texts(
    call: ast.Call, known: Texts, places: dict[str, set[str]], own: set[str]
) -> Iterator[str]:
    """The dotted names that a call looks up by their text.

    What holds them is asked first: a module of the student's has a `Transformer` of its own. Of
    what is not known, the name says it, unless the file has a class of that name.
    """
    by_name = called_name(call) == "getattr" and len(call.args) > 1
    heads = names_of(call.args[0], places) if by_name else set()
    of_own = by_name and isinstance(call.args[0], ast.Name) and call.args[0].id in own
    for text in texts_looked_up(call, known):
        if heads:
            yield from (f"{head}.{text}" for head in heads)
        elif not (of_own or text in own):
            of_torch = called_name(call) in LOOKS_UP and is_attention(text)
            yield f"torch.nn.{text}" if of_torch else text
