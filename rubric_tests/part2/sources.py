"""Read the submission's source: does anything it uses lead to a transformer that is ready made?

A name in a docstring is not a use, nor is a method that nothing calls.
"""

import ast
from collections.abc import Iterator
from types import SimpleNamespace

from rubric_tests.part1.sources import BY_NAME, called_name, definitions, imported, parsed

LIBRARIES = {
    "allennlp", "curated_transformers", "fairseq", "flash_attn", "keras", "keras_nlp",
    "onmt", "sentence_transformers", "tensorflow", "transformers", "x_transformers", "xformers",
}  # fmt: skip
READY_MADE = {
    "MultiheadAttention", "Transformer", "TransformerDecoder", "TransformerDecoderLayer",
    "TransformerEncoder", "TransformerEncoderLayer", "flex_attention",
    "multi_head_attention_forward", "scaled_dot_product_attention",
}  # fmt: skip
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
    hidden = head == "torch" and any(
        word in part for part in rest for word in ("_transformer_", "_scaled_dot_product")
    )
    return head in LIBRARIES or in_torch or hidden


def foreign_names(submission: SimpleNamespace) -> set[str]:
    """Every dotted name out of the submission that its classes and functions reach."""
    files = dict(submission.sources)
    cells = [parsed(cell.source) for cell in submission.cells if cell.kind == "code"]
    body = [statement for tree in cells for statement in tree.body]
    trees = {name: parsed(text) for name, text in files.items()}
    trees["notebook"] = ast.Module(body=body, type_ignores=[])
    found: set[str] = set()
    for name, tree in trees.items():
        found |= names_reached(name, tree)
    return found


def names_reached(file: str, tree: ast.Module) -> set[str]:
    """What one file's own definitions lead to, out of it; imports are looked up by name."""
    known = dict(definitions(tree))
    stars = [
        node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    places = imports_of(tree, file)
    found: set[str] = set()
    for node in used_nodes(tree):
        if isinstance(node, ast.Attribute):
            head, *rest = dotted(node)
            found.add(".".join([places.get(head, f"own.{head}"), *rest]))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in places:
                found.add(places[node.id])
            elif node.id not in known:
                found |= {f"{star}.{node.id}" for star in stars}
        elif isinstance(node, ast.Call) and called_name(node) in BY_NAME:
            found |= set(names_in_texts(node))
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


def dotted(node: ast.Attribute) -> list[str]:
    """`torch.nn.Linear` as its parts, where it begins with a name."""
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    return [inner.id if isinstance(inner, ast.Name) else "object", *reversed(parts)]


def names_in_texts(call: ast.Call) -> Iterator[str]:
    """What `import_module("transformers")` and `getattr(nn, "Transformer")` name."""
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    for text in (text for text in texts if isinstance(text, str)):
        of_torch = called_name(call) == "getattr" and text in READY_MADE
        yield f"torch.nn.{text}" if of_torch else text
