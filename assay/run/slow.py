"""Libraries that are slow to import: which of them some code will want."""

import ast
from collections.abc import Iterable

from assay import syntax

KNOWN = {
    "numpy": ("numpy", "numpy.random", "numpy.testing"),
    "scipy": ("scipy.special", "scipy.stats", "scipy.optimize"),
    "sklearn": (
        *("sklearn.linear_model", "sklearn.datasets", "sklearn.model_selection"),
        *("sklearn.preprocessing", "sklearn.pipeline", "sklearn.metrics"),
        *("sklearn.neural_network", "sklearn.impute", "sklearn.compose"),
    ),
    "pandas": ("pandas",),
    "matplotlib": ("matplotlib.pyplot", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin"),
    "torch": ("torch", "torch.nn", "torch.optim", "torch._dynamo"),
}
"""What may be imported ahead: libraries that are slow to import, never a student's own module."""


def imports(sources: Iterable[str]) -> tuple[str, ...]:
    """Of the modules known here, those of libraries that some code imports."""
    named = {name for source in sources for name in _imported(source)}
    return tuple(module for name in KNOWN if name in named for module in KNOWN[name])


def _imported(source: str) -> Iterable[str]:
    """The packages that a piece of code imports; of a cell with magics, none."""
    try:
        tree = syntax.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
