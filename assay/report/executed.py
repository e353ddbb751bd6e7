"""The notebook as it ran, for a person to read: without our exam, paths and times."""

import json
from typing import Any

OURS = "assay-exam"
BOOKKEEPING = ("papermill", "execution")


def readable(executed: bytes) -> bytes:
    """The executed notebook with nothing in it that differs between two equal runs."""
    notebook = json.loads(executed)
    cells = [cell for cell in notebook["cells"] if OURS not in cell["metadata"].get("tags", [])]
    for holder in (notebook, *cells):
        holder["metadata"] = _without_bookkeeping(holder["metadata"])
    return json.dumps(notebook | {"cells": cells}, indent=1, ensure_ascii=False).encode() + b"\n"


def _without_bookkeeping(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if key not in BOOKKEEPING}
