"""All nodes of a tree, walked once: dozens of checks look through the same trees."""

import ast
from functools import lru_cache


@lru_cache(1_000)
def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """The nodes of a tree in `ast.walk`'s order. The tree must not be changed afterwards."""
    return tuple(ast.walk(tree))
