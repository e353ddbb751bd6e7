"""The notebook as it ran, for a person to read: without our exam, paths and times.

Whoever opens it opens it in a program that runs what notebooks hold: HTML, scripts, widgets, links.
So every cell and every output is built anew from what a reader needs, and nothing else comes along.
"""

import json
from collections.abc import Mapping
from typing import Any

from assay.report import safe
from assay.report.pictures import NotShown, Room, rebuilt, redrawn
from assay.submission.notebook import FileCell, FileOutput, manageable

OURS = "assay-exam"
MAX_OUTPUTS = 200
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
NOT_SHOWN = "(the notebook as it ran cannot be shown)"
WORDS = ("text/markdown", "text/latex", "text/plain")
"""What is shown where there is no picture, the first that is there; HTML never is."""


def readable(executed: bytes) -> bytes:
    """The executed notebook with nothing in it that acts, or differs between two equal runs."""
    try:
        cells = json.loads(manageable(executed))["cells"]
        room = Room()
        shown = [
            _cell(cell, number, room) for number, cell in enumerate(cells) if not _is_ours(cell)
        ]
    except Exception:  # forged or cut: the kernel's own process wrote what it is made of
        shown = [_markdown(NOT_SHOWN, 0, {})]
    notebook = {"cells": shown, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _is_ours(cell: FileCell) -> bool:
    return OURS in cell["metadata"].get("tags", [])


def _cell(cell: FileCell, number: int, room: Room) -> FileCell:
    source = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        return _markdown(safe.document(source), number, _pictures(cell.get("attachments"), room))
    if cell["cell_type"] != "code":  # raw cells are HTML to some readers
        return _markdown(safe.code_block(source), number, {})
    outputs = [_output(output, room) for output in cell["outputs"][:MAX_OUTPUTS]]
    tags = [str(tag) for tag in cell["metadata"].get("tags", [])]
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"cell-{number}",
        "metadata": {"tags": [safe.plain(tag, 40) for tag in tags]} if tags else {},
        "outputs": outputs,
        "source": safe.lines(source),
    }


def _markdown(source: str, number: int, attachments: dict[str, dict[str, str]]) -> FileCell:
    cell: FileCell = {
        "cell_type": "markdown",
        "id": f"cell-{number}",
        "metadata": {},
        "source": source,
    }
    if attachments:
        cell["attachments"] = attachments
    return cell


def _output(output: FileOutput, room: Room) -> FileOutput:
    kind = output["output_type"]
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": safe.lines(_text(output["text"]))}
    if kind == "error":
        return {
            "output_type": "error",
            "ename": safe.plain(str(output["ename"])),
            "evalue": safe.plain(str(output["evalue"])),
            "traceback": [safe.lines(str(line)) for line in output["traceback"][:100]],
        }
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {**_data(output.get("data", {}), room)},
    }


def _data(data: Mapping[str, str | list[str]], room: Room) -> dict[str, str]:
    """The one form of an output that is shown: a picture drawn anew, else words."""
    try:
        for kind in ("image/png", "image/jpeg"):
            if kind in data:
                return {"image/png": redrawn(_text(data[kind]), room)}
        if "image/svg+xml" in data:
            return {"image/svg+xml": rebuilt(_text(data["image/svg+xml"]), room)}
    except NotShown as error:
        return {"text/plain": f"(a picture that is not shown: {safe.plain(str(error))})"}
    words = [kind for kind in WORDS if kind in data]
    if not words:
        return {"text/plain": "(an output of a kind that is not shown here)"}
    kind, text = words[0], _text(data[words[0]])
    if kind == "text/markdown":
        return {kind: safe.document(text), "text/plain": safe.lines(text)}
    return {"text/plain": safe.lines(text)}


def _pictures(attachments: Any, room: Room) -> dict[str, dict[str, str]]:
    """Pictures pasted into a Markdown cell, drawn anew; others are left out."""
    found: dict[str, dict[str, str]] = {}
    for name, kinds in list(attachments.items())[:20] if isinstance(attachments, dict) else ():
        shown = _data(kinds, room) if safe.ATTACHED.fullmatch(name) else {}
        found |= {name: shown} if "image/png" in shown else {}
    return found


def _text(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)
