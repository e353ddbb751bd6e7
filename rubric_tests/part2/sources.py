"""Read the submission's source: does anything it uses lead to a transformer that is ready made?

A name in a docstring is not a use, nor is a method that nothing calls.
"""

import ast
from collections.abc import Iterator
from types import SimpleNamespace

from rubric_tests.syntax import (
    LOOKS_UP,
    called_name,
    definitions,
    imported,
    parts_of,
    texts_looked_up,
    trees_of,
)
from rubric_tests.texts import Texts, texts_bound

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
    return head in LIBRARIES or in_torch or hidden


def is_attention(name: str) -> bool:
    """Whether an attribute of this name, of whatever module, is torch's own attention."""
    return name in READY_MADE or any(word in name for word in OPERATORS)


def foreign_names(submission: SimpleNamespace) -> set[str]:
    """Every dotted name out of the submission that its classes and functions reach."""
    trees = trees_of(submission)
    beside = (name.removeprefix("notebooks/") for name in trees)  # not what lies anywhere below
    own = {name.split("/")[0].removesuffix(".py") for name in beside}
    reached = set().union(*(names_reached(name, tree) for name, tree in trees.items()))
    return {dotted for dotted in reached if dotted.split(".")[0] not in own - {"torch"}}


def names_reached(file: str, tree: ast.Module) -> set[str]:
    """What one file's own definitions lead to, out of it; imports are looked up by name."""
    known = dict(definitions(tree))
    stars = [
        node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    places, texts = imports_of(tree, file), texts_bound(tree)
    found: set[str] = set()
    for node in used_nodes(tree):
        if isinstance(node, ast.Attribute):
            head, *rest = parts_of(node)
            found.add(".".join([places.get(head, f"own.{head}"), *rest]))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in places:
                found.add(places[node.id])
            elif node.id not in known:
                found |= {f"{star}.{node.id}" for star in stars}
        elif isinstance(node, ast.Call):
            found |= set(names_in_texts(node, texts))
    return found


def imports_of(tree: ast.Module, file: str) -> dict[str, str]:
    """The dotted name behind each name that an import binds, anywhere in the file."""
    places = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                for module, original in imported(node, file, name):
                    whole = module if alias.asname else module.split(".")[0]
                    places[name] = f"{module}.{original}" if original else whole
    return places


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
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return attributes | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def may_run(node: ast.FunctionDef | ast.AsyncFunctionDef, called: set[str]) -> bool:
    """Called somewhere, or by torch, or by us."""
    special = node.name.startswith("__") or node.name in ("forward", *ROOTS)
    return special or node.name in called


def names_in_texts(call: ast.Call, known: Texts) -> Iterator[str]:
    """The dotted names that a call looks up by their text."""
    for text in texts_looked_up(call, known):
        of_torch = called_name(call) in LOOKS_UP and is_attention(text)
        yield f"torch.nn.{text}" if of_torch else text
