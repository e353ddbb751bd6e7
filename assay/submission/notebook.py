"""A notebook as it is taken in: its cells, of one format, with ids of their own, without outputs.

What a student's file holds besides (widget state, kernel names, what it claims to have printed)
is left behind here, and no later module meets it.
"""

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, count
from typing import Any, NotRequired, Required, TypedDict, cast

from assay.errors import CannotGrade, quoted
from assay.records import sound
from assay.source import cells

EXAM = "assay-exam"
"""Id and tag of the one cell that is ours; no cell of a student's has them."""
KINDS = ("code", "markdown", "raw")
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+["\\]?|[\[\]{}]', re.DOTALL)
OUTPUTS = re.compile(rb'"outputs"\s*:\s*(?=\[)')
LINE_END = re.compile(r"\r\n?")
"""Those of Windows and of old Macs; every editor of notebooks shows them as `\\n`."""
MAX_TOKENS = 5_000_000
"""Strings and brackets that are looked at to find where outputs end."""
MAX_BRACKETS = 1_000_000
"""Each list or object of JSON costs its reader up to 240 bytes."""
MAX_CELLS = 10_000
"""Each costs its reader a kilobyte and more; the longest of a course have some hundred."""
HEADINGS = range(1, 7)
"""The levels of format 3; its upgrade writes as many `#` as they say, millions too."""
OF_A_CELL = (3, 5)
"""How deep a cell's own keys lie in format 4 and in format 3."""
OPEN_AND_SAVE = "open it in a current Jupyter and save it again"


@dataclass(frozen=True)
class NotebookCell:
    """One cell: `kind` is "code", "markdown" or "raw"; `attachments` are pictures in Markdown."""

    kind: str
    source: str
    tags: tuple[str, ...] = ()
    id: str = ""
    attachments: dict[str, dict[str, str]] = field(default_factory=dict, hash=False)

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names that its code binds; none in text."""
        return frozenset(cells.bound(self.source) if self.kind == "code" else ())

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """The modules that its code imports by name, in full."""
        return tuple(cells.imports(self.source) if self.kind == "code" else ())

    @cached_property
    def imported(self) -> frozenset[str]:
        """The names that its imports bind."""
        return frozenset(cells.imported(self.source) if self.kind == "code" else ())

    @cached_property
    def only_sets(self) -> bool:
        """Whether its code assigns constants, and does nothing else."""
        return self.kind == "code" and cells.only_sets(self.source)

    def without(self, *tags: str) -> "NotebookCell":
        """Return the same cell without some of its tags."""
        return replace(self, tags=tuple(tag for tag in self.tags if tag not in tags))


class Metadata(TypedDict, total=False):
    """What is read of a cell's metadata."""

    tags: list[str]


class FileOutput(TypedDict, total=False):
    """An output of a cell as format 4 has it: a stream, an error, or data of several kinds."""

    output_type: Required[str]
    name: str
    text: str | list[str]
    ename: str
    evalue: str
    traceback: list[str]
    data: dict[str, str | list[str]]
    metadata: dict[str, object]


class FileCell(TypedDict):
    """A cell as format 4 has it. In what a student hands in each value may be anything."""

    cell_type: str
    id: str
    source: str | list[str]
    metadata: Metadata
    outputs: NotRequired[list[FileOutput]]
    execution_count: NotRequired[int | None]
    attachments: NotRequired[dict[str, dict[str, str]]]


class OldCell(TypedDict, total=False):
    """A cell as format 3 has it."""

    cell_type: Required[str]
    input: str | list[str]
    source: str | list[str]
    outputs: list[object]
    level: object
    """Of a heading."""


class Worksheet(TypedDict):
    """The cells of a notebook of format 3, which may have several worksheets."""

    cells: list[OldCell]
    metadata: NotRequired[dict[str, object]]


class OldNotebook(TypedDict):
    """A notebook file of format 3."""

    nbformat: int
    worksheets: list[Worksheet]
    metadata: dict[str, object]


def cells_of(content: bytes, where: str) -> tuple[NotebookCell, ...]:
    """Return the cells of a notebook file; `where` names it in what is said of it.

    Format 3 is upgraded; cell ids that are missing, odd or given twice are made anew. Half of a
    surrogate pair, which JSON can hold and no file of text, is a question mark. Lines end in `\\n`.

    Raises
    ------
    CannotGrade
        If it is no notebook, one that is too old, or one of too many cells.
    """
    data = _parsed(content, where)
    if (number := _number_of_cells(data)) > MAX_CELLS:
        raise CannotGrade(
            f"{quoted(where)} holds more than {MAX_CELLS:,} cells",
            found=f"it has {number:,}",
            hint="leave out those that are empty or repeated, and hand it in once more",
        )
    data = _upgraded(data, where)
    cells = data.get("cells")
    if not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise _not_format_4(where, 4, "its cells are not as that format has them")
    return _with_ids([_cell(cell) for cell in cells])


def without_outputs(content: bytes) -> bytes:
    """Return the bytes of a notebook file with every list of outputs empty.

    It is done without parsing: 100 MB of stored outputs never become Python objects. What is not
    JSON comes back as it is, or garbled, and is refused later like any other.
    """
    kept: list[bytes] = []
    begins, depth, inside = 0, 0, -1
    for number, token in enumerate(TOKEN.finditer(content)):
        if number > MAX_TOKENS:
            return content
        mark = content[token.start()]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
            if inside >= 0 and depth == inside:
                begins, inside = token.start(), -1  # at the bracket that ends the list
        elif inside < 0 and depth in OF_A_CELL and (key := OUTPUTS.match(content, token.start())):
            kept.append(content[begins : key.end() + 1])
            inside = depth
    return b"".join([*kept, content[begins:]]) if inside < 0 else content


def dumps(cells: tuple[NotebookCell, ...]) -> bytes:
    """These cells as a notebook file of format 4.5."""
    plain = [_plain(cell) for cell in cells]
    metadata = {"language_info": {"name": "python"}}
    notebook = {"cells": plain, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, sort_keys=True).encode("utf-8", "replace")


class TooManyObjects(ValueError):
    """A notebook file whose lists and objects would fill the memory, its outputs left out."""


def manageable(content: bytes) -> bytes:
    """Return the bytes of a notebook file, without its outputs where they are very many objects.

    Raises
    ------
    TooManyObjects
        If it is very many objects all the same.
    """
    if is_huge(content):
        content = without_outputs(content)
    if is_huge(content):
        raise TooManyObjects(f"more than {MAX_BRACKETS:,} lists and objects")
    return content


def is_huge(content: bytes) -> bool:
    """Return whether this is more lists and objects than are read; brackets in texts are none."""
    if content.count(b"[") + content.count(b"{") <= MAX_BRACKETS:
        return False
    number = 0
    for token in TOKEN.finditer(content):
        number += content[token.start()] in b"[{"
        if number > MAX_BRACKETS:
            return True
    return False


def _plain(cell: NotebookCell) -> FileCell:
    plain: FileCell = {
        "cell_type": cell.kind,
        "id": cell.id,
        "source": cell.source,
        "metadata": {"tags": list(cell.tags)} if cell.tags else {},
    }
    if cell.kind == "code":
        plain["outputs"], plain["execution_count"] = [], None
    elif cell.attachments:
        plain["attachments"] = cell.attachments
    return plain


def _parsed(content: bytes, where: str) -> dict[str, object]:
    try:
        data = json.loads(manageable(content).decode("utf-8-sig"))
    except TooManyObjects as error:
        raise CannotGrade(
            f"{quoted(where)} is too large to be read",
            found=f"it holds {error}, its outputs left out",
            hint="what has been kept in its metadata? Save a copy without that, and hand that in",
        ) from None
    except (ValueError, RecursionError) as error:
        found, hint = _what_it_is(content)
        raise CannotGrade(
            f"{quoted(where)} is not a notebook",
            found=found or f"it is not JSON: {str(error)[:100]}",
            hint=hint,
        ) from None
    if not isinstance(data, dict):
        raise _not_format_4(where, None, "it is no JSON object")
    return data


def _what_it_is(content: bytes) -> tuple[str, str]:
    """Return what a file that is no JSON in UTF-8 is, and what to do; '' if unknown."""
    start = content[:2000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "it is empty", "was the notebook saved before it was handed in?"
    if start.startswith(b"<"):
        hint = "download the .ipynb file itself, not the page that shows it (GitHub: `Raw`)"
        return "it is a web page", hint
    if start.startswith(b"%PDF"):
        return "it is a PDF", "hand in the .ipynb file itself, not a PDF made from it"
    if start.startswith(b"PK\x03\x04"):
        return "it is a zip archive", "name it .zip, or hand in the notebook that is in it"
    try:
        if json.detect_encoding(content).startswith(("utf-16", "utf-32")):
            hint = "save it as UTF-8, in the program that saved it, and hand that in"
            return "it is written in UTF-16 or UTF-32, and notebooks are UTF-8", hint
        content.decode()
    except UnicodeDecodeError as error:
        found = f"it is not UTF-8: byte {error.start + 1} is 0x{content[error.start]:02x}"
        return found, "save it as UTF-8, in the program that saved it last, and hand that in"
    if start.startswith(b"{"):
        hint = "it may be cut off or edited by hand: download it once more, and hand that in"
        return "", hint
    return "", "hand in the .ipynb file itself, as Jupyter or Colab saved it"


def _number_of_cells(data: Mapping[str, object]) -> int:
    """Of either format; what is not as the format has it is refused later."""
    sheets = data.get("worksheets") if data.get("nbformat") == 3 else [data]
    found = (
        [s.get("cells") for s in sheets if isinstance(s, dict)] if isinstance(sheets, list) else []
    )
    return sum(len(cells) for cells in found if isinstance(cells, list))


def _upgraded(data: dict[str, object], where: str) -> dict[str, object]:
    """Return the notebook in format 4; nbformat knows how to bring format 3 there."""
    version = data.get("nbformat")
    if version == 4:
        return data
    if version != 3:
        raise _not_format_4(where, version, "that is not as it has to be")
    import nbformat  # with JupyterLab beside it that takes 2 s, and format 3 is rare

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on ids that are missing: they are made below
            slim = _without_outputs(cast(OldNotebook, data))
            upgraded = nbformat.v4.upgrade(nbformat.from_dict(slim), 3)
        for cell in upgraded["cells"]:
            cell.pop("id", None)  # drawn at random
        return dict(upgraded)
    except Exception as error:  # whatever its cells provoke is theirs
        raise _not_format_4(where, 3, f"it cannot be upgraded: {str(error)[:100]}") from None


def _without_outputs(data: OldNotebook) -> OldNotebook:
    cells = [_slim(cell) for sheet in data["worksheets"] for cell in sheet["cells"]]
    return {**data, "worksheets": [{"cells": cells, "metadata": {}}], "metadata": {}}


def _slim(cell: OldCell) -> OldCell:
    """Return a cell without outputs, in a form that nbformat can upgrade."""
    slim = cell.copy()
    if cell["cell_type"] == "code":
        slim["outputs"] = []
    if cell["cell_type"] == "heading":
        slim["level"] = _level(cell.get("level"))
    if "source" in cell:
        slim["source"] = _whole(cell["source"])
    if "input" in cell:
        slim["input"] = _whole(cell["input"])
    return slim


def _level(level: object) -> int:
    """A level that the format has; the nearest, where it is a number."""
    if not isinstance(level, int | float) or level != level:
        return HEADINGS[0]
    return int(min(max(level, HEADINGS[0]), HEADINGS[-1]))


def _whole(text: str | list[str]) -> str:
    """A file has a text line by line, and nbformat upgrades what it has in one."""
    return "".join(map(str, text)) if isinstance(text, list) else text


def _not_format_4(where: str, version: object, why: str) -> CannotGrade:
    return CannotGrade(
        f"{quoted(where)} is not a notebook of format 4",
        found=f"its format is {str(version)[:20]}, and {why}",
        hint=OPEN_AND_SAVE,
    )


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") in KINDS


def _cell(cell: Mapping[str, object]) -> NotebookCell:
    source, metadata = cell.get("source", ""), cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    lines = source if isinstance(source, list) else [source]
    named = cell.get("id")
    return NotebookCell(
        kind=str(cell["cell_type"]),
        source=LINE_END.sub("\n", sound("".join(str(line) for line in lines))),
        tags=tuple(sound(str(tag)) for tag in tags) if isinstance(tags, list) else (),
        id=named if isinstance(named, str) and ID.fullmatch(named) else "",
        attachments=_pictures(cell.get("attachments")),
    )


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """Attachments of the form that the format gives them; the rest is left out."""
    found: dict[str, dict[str, str]] = {}
    for name, data in attachments.items() if isinstance(attachments, dict) else ():
        kinds = data.items() if isinstance(data, dict) else ()
        texts = {sound(kind): sound(text) for kind, text in kinds if isinstance(text, str)}
        found |= {sound(name): texts} if texts else {}
    return found


def _with_ids(cells: list[NotebookCell]) -> tuple[NotebookCell, ...]:
    """Each cell under an id that no other has: replies are matched by them."""
    taken: set[str] = {"", EXAM}
    found = []
    for number, cell in enumerate(cells):
        made = (f"cell-{number}-{again}" for again in count(2))
        name = next(n for n in chain((cell.id, f"cell-{number}"), made) if n not in taken)
        taken.add(name)
        found.append(replace(cell, id=name))
    return tuple(found)
