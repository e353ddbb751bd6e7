"""A notebook as it is taken in: its cells, of one format, with ids of their own, without outputs.

What a student's file holds besides (widget state, kernel names, what it claims to have printed)
is left behind here, and nobody after this file meets it.
"""

import json
import re
import warnings
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain, count
from typing import Any

import nbformat

from assay.errors import CannotGrade, quoted

EXAM = "assay-exam"
"""Id and tag of the one cell that is ours; no cell of a student's has them."""
KINDS = ("code", "markdown", "raw")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
OPEN_AND_SAVE = "open it in a current Jupyter and save it again"


@dataclass(frozen=True)
class Cell:
    """One cell: `kind` is "code", "markdown" or "raw"; `attachments` are pictures in Markdown."""

    kind: str
    source: str
    tags: tuple[str, ...] = ()
    id: str = ""
    attachments: dict[str, dict[str, str]] = field(default_factory=dict, hash=False)

    def without(self, *tags: str) -> "Cell":
        """The same cell without some of its tags."""
        return replace(self, tags=tuple(tag for tag in self.tags if tag not in tags))


@lru_cache(maxsize=64)
def read(content: bytes, where: str) -> tuple[Cell, ...]:
    """The cells of a notebook file; `where` names it in what is said of it.

    Format 3 is upgraded; cell ids that are missing, odd or given twice are made anew.

    Raises
    ------
    CannotGrade
        Where it is no notebook, or one that is too old.
    """
    data = _upgraded(_parsed(content, where), where)
    cells = data.get("cells")
    if not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise _not_format_4(where, 4, "its cells are not as that format has them")
    return _with_ids([_cell(cell) for cell in cells])


def dumps(cells: tuple[Cell, ...]) -> bytes:
    """These cells as a notebook file of format 4.5."""
    plain = [_plain(cell) for cell in cells]
    metadata = {"language_info": {"name": "python"}}
    notebook = {"cells": plain, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, sort_keys=True).encode("utf-8", "replace")


def _plain(cell: Cell) -> dict[str, Any]:
    plain: dict[str, Any] = {"cell_type": cell.kind, "id": cell.id, "source": cell.source}
    plain["metadata"] = {"tags": list(cell.tags)} if cell.tags else {}
    if cell.kind == "code":
        plain |= {"outputs": [], "execution_count": None}
    elif cell.attachments:
        plain["attachments"] = cell.attachments
    return plain


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CannotGrade(
            f"{quoted(where)} is not a notebook",
            found=f"it is not JSON: {str(error)[:100]}",
            hint="open it in Jupyter and save it again",
        ) from None
    if not isinstance(data, dict):
        raise _not_format_4(where, None, "it is no JSON object")
    return data


def _upgraded(data: dict[str, Any], where: str) -> dict[str, Any]:
    """The notebook in format 4; nbformat knows how to bring format 3 there."""
    version = data.get("nbformat")
    if version == 4:
        return data
    if version != 3:
        raise _not_format_4(where, version, "that is not as it has to be")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on ids that are missing: they are made below
            upgraded = nbformat.v4.upgrade(nbformat.from_dict(_without_outputs(data)), 3)
        for cell in upgraded["cells"]:
            cell.pop("id", None)  # drawn at random
        return dict(upgraded)
    except Exception as error:  # whatever its cells provoke is theirs
        raise _not_format_4(where, 3, f"it cannot be upgraded: {str(error)[:100]}") from None


def _without_outputs(data: dict[str, Any]) -> dict[str, Any]:
    cells = [cell for sheet in data["worksheets"] for cell in sheet["cells"]]
    cells = [cell | {"outputs": []} if cell["cell_type"] == "code" else cell for cell in cells]
    return data | {"worksheets": [{"cells": cells, "metadata": {}}], "metadata": {}}


def _not_format_4(where: str, version: object, why: str) -> CannotGrade:
    return CannotGrade(
        f"{quoted(where)} is not a notebook of format 4",
        found=f"its format is {str(version)[:20]}, and {why}",
        hint=OPEN_AND_SAVE,
    )


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") in KINDS


def _cell(cell: dict[str, Any]) -> Cell:
    source, metadata = cell.get("source", ""), cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    lines = source if isinstance(source, list) else [source]
    named = cell.get("id")
    return Cell(
        kind=str(cell["cell_type"]),
        source="".join(str(line) for line in lines),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        id=named if isinstance(named, str) and ID.fullmatch(named) else "",
        attachments=_pictures(cell.get("attachments")),
    )


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """Attachments of the form that the format gives them; the rest is left out."""
    found: dict[str, dict[str, str]] = {}
    for name, data in attachments.items() if isinstance(attachments, dict) else ():
        kinds = data.items() if isinstance(data, dict) else ()
        texts = {kind: text for kind, text in kinds if isinstance(text, str)}
        found |= {name: texts} if texts else {}
    return found


def _with_ids(cells: list[Cell]) -> tuple[Cell, ...]:
    """Each cell under an id that no other has: replies are matched by them."""
    taken: set[str] = {"", EXAM}
    found = []
    for number, cell in enumerate(cells):
        made = (f"cell-{number}-{again}" for again in count(2))
        name = next(n for n in chain((cell.id, f"cell-{number}"), made) if n not in taken)
        taken.add(name)
        found.append(replace(cell, id=name))
    return tuple(found)
