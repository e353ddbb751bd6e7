"""Work out which runs a submission needs, and refuse what papermill would only warn about."""

import ast
import itertools
import re

from assay.assignment import Assignment, Part
from assay.errors import CannotGrade
from assay.records import Run
from assay.submission import Submission

MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)


def make(assignment: Assignment, submission: Submission) -> list[Run]:
    """One run for every part, seed and combination of the matrix, in that order.

    Raises
    ------
    CannotGrade
        Where no part has a notebook, or a notebook's `parameters` cell is missing or does not
        set every parameter of the matrix (papermill would inject them all the same, and the
        notebook's own `seed = 0` below would win: every seed alike).
    """
    runs = []
    for part in assignment.part:
        notebook = submission.notebook_for(part)
        if notebook is not None:
            _check_parameters(part, submission, notebook)
            runs += _matrix(part)
    if not runs:
        raise CannotGrade(
            f"no notebook of `{submission.name}` answers a part of the assignment",
            found="notebooks found: "
            + ", ".join(n for n in submission.files if n.endswith(".ipynb")),
            hint="name them " + ", ".join(part.notebook for part in assignment.part),
        )
    return runs


def _matrix(part: Part) -> list[Run]:
    return [
        Run(
            part=part.name, parameters={"seed": seed, **dict(zip(part.matrix, values, strict=True))}
        )
        for values in itertools.product(*part.matrix.values())
        for seed in part.seeds
    ]


def _check_parameters(part: Part, submission: Submission, notebook: str) -> None:
    all_cells = submission.cells(notebook)
    cells = [cell for cell in all_cells if cell["kind"] == "code"]
    tagged = [cell for cell in all_cells if "parameters" in cell["tags"]]
    where = f"`{submission.name}/{notebook}`"
    if tagged and tagged[0]["kind"] != "code":
        raise CannotGrade(
            f"the cell tagged `parameters` in {where} is a {tagged[0]['kind']} cell",
            found=f"it begins: {tagged[0]['source'][:60]!r}",
            hint="tag the code cell that sets them, and no other",
        )
    if not tagged:
        tags = sorted({f"`{tag}`" for cell in cells for tag in cell["tags"]})
        raise CannotGrade(
            f"no cell in {where} is tagged `parameters`",
            found=f"{len(cells)} code cells read; tags found: {', '.join(tags) or 'none'}",
            hint="tag the cell that sets "
            + " and ".join(f"`{name}`" for name in ["seed", *part.matrix])
            + " as `parameters`; without it every seed would run alike",
        )
    _check_names(part, where, tagged[0]["source"])


def _check_names(part: Part, where: str, source: str) -> None:
    wanted = ["seed", *part.matrix]
    found = _assigned_names(source, where)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise CannotGrade(
            f"the `parameters` cell in {where} does not set {_listed(missing)}",
            found=f"it sets {_listed(found) or 'nothing'}; the assignment varies {_listed(wanted)}",
            hint="names are matched to the letter: `seed` is not `SEED`",
        )


def _assigned_names(source: str, where: str) -> list[str]:
    try:
        tree = ast.parse(MAGIC.sub("pass", source))
    except (SyntaxError, ValueError) as error:
        raise CannotGrade(
            f"the `parameters` cell in {where} is not Python",
            found=str(error).replace("<unknown>, ", ""),
            hint="one assignment a line, and nothing else",
        ) from None
    targets = [target for node in tree.body for target in _targets(node)]
    return [
        node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)
    ]


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
