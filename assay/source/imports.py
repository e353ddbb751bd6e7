"""Libraries that are slow to import: which of them some code will want."""

import ast
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import PurePosixPath

from assay.source import decoding, syntax

KNOWN = {
    "numpy": ("numpy", "numpy.random", "numpy.testing"),
    "scipy": ("scipy.special", "scipy.stats", "scipy.optimize"),
    "sklearn": (
        *("sklearn.linear_model", "sklearn.datasets", "sklearn.model_selection"),
        *("sklearn.preprocessing", "sklearn.pipeline", "sklearn.metrics"),
        *("sklearn.impute", "sklearn.compose"),
    ),
    "pandas": ("pandas",),
    "jaxtyping": ("jaxtyping",),
    "matplotlib": ("matplotlib.pyplot", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin"),
    "torch": ("torch", "torch.nn", "torch.optim", "torch._dynamo"),
}
"""What may be imported ahead: libraries that are slow to import, never a student's own module."""
Own = Callable[[str], str | None]
"""The code at a path like `solution/backprop/network.py`; None if it is a library's, or none."""


def imports_of_run(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Of the files of a run: what the notebook and its support need, nothing else handed in."""
    book, job = json.loads(files["notebook.ipynb"]), json.loads(files["job.json"])
    sources = ["".join(c["source"]) for c in book["cells"] if c["cell_type"] == "code"]
    sources += [decoding.text_of(files[name]) for name in files if _is_support(name)]
    beside = f"submission/{PurePosixPath(job['notebook']).parent}/"

    def own(path: str) -> str | None:
        places = [f"{root}{path}" for root in ("support/", beside, "submission/")]
        return next((decoding.text_of(files[place]) for place in places if place in files), None)

    return imports(sources, own)


def _is_support(name: str) -> bool:
    return name.startswith("support/") and name.endswith(".py")


def imports(sources: Iterable[str], own: Own = lambda _: None) -> tuple[str, ...]:
    """Of the modules known here, those of libraries that some code imports, or what it imports.

    What is not installed is left out: the cell that imports it will say so.
    """
    named = {name.partition(".")[0] for name in _reached(sources, own)}
    there = [name for name in KNOWN if name in named and find_spec(name)]
    return tuple(module for name in there for module in KNOWN[name])


def modules(sources: Iterable[str]) -> set[str]:
    """Return every dotted name that some code imports itself, its packages included."""
    return _reached(sources, lambda _: None)


def _reached(sources: Iterable[str], own: Own) -> set[str]:
    """Every dotted name that is imported, its packages included, from one module to the next."""
    reached: set[str] = set()
    waiting = [name for source in sources for name in _imported(source)]
    while waiting:
        name = waiting.pop()
        if name and name not in reached:
            reached.add(name)
            waiting += [name.rpartition(".")[0], *_imported_by(name, own)]
    return reached


def _imported_by(name: str, own: Own) -> Iterable[str]:
    """What a module imports that is one of our own."""
    path = name.replace(".", "/")
    if (package := own(f"{path}/__init__.py")) is not None:
        return _imported(package, name)
    return _imported(own(f"{path}.py") or "", name.rpartition(".")[0])


@lru_cache(2_000)  # the code of a part is the same in all its runs
def _imported(source: str, package: str = "") -> tuple[str, ...]:
    """Return the dotted names that code imports, in full; of a cell with magics, none."""
    try:
        tree = syntax.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(name for node in ast.walk(tree) for name in _named(node, package))


def _named(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: 1 - node.level or None] if node.level else []
        module = ".".join([*above, *([node.module] if node.module else [])])
        return [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return []
