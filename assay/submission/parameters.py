"""The cell that sets the parameters: without it every seed would run alike, silently.

papermill only warns where a notebook has no cell tagged `parameters`, and injects at the top; the
notebook's own `seed = 0` below then wins. Such a notebook is run once, as it stands.
"""

import ast
import re
from collections.abc import Sequence

from assay.course.assignment import Part
from assay.errors import quoted
from assay.source import syntax
from assay.submission.notebook import NotebookCell

TAG = "parameters"
MAGIC = re.compile(r"^[^\S\n]*+[%!].*$", re.MULTILINE)


def chosen(part: Part, cells: Sequence[NotebookCell]) -> tuple[int | None, str]:
    """Return the last tagged cell that sets every parameter, or None and why there is none."""
    tagged = [(i, cell) for i, cell in enumerate(cells) if TAG in cell.tags]
    faults = [(i, _fault(part, cell)) for i, cell in tagged]
    good = [i for i, fault in faults if not fault]
    if good:
        return good[-1], ""
    return None, faults[-1][1] if faults else "no cell is tagged `parameters`"


def _fault(part: Part, cell: NotebookCell) -> str:
    if cell.kind != "code":
        return f"the cell tagged `parameters` is a {cell.kind} cell"
    try:
        found = _assigned(cell.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "the cell tagged `parameters` is not Python"
    missing = [name for name in part.varied if name not in found]
    if not missing:
        return ""
    sets = ", ".join(quoted(name) for name in found[:8]) or "nothing"
    return f"the cell tagged `parameters` sets {sets}, and not {listed(missing)}"


def _assigned(source: str) -> list[str]:
    tree = syntax.parse(MAGIC.sub("pass", source))
    targets = [target for node in tree.body for target in _targets(node)]
    return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def listed(names: Sequence[str]) -> str:
    """`a`, `b` and `c`."""
    return " and ".join(
        part for part in (", ".join(f"`{n}`" for n in names[:-1]), f"`{names[-1]}`") if part
    )
