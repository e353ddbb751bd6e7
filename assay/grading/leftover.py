"""Which switches a notebook left on, by what its process claims, and the cell that likely did."""

import json
import re
from collections.abc import Iterator, Sequence

from assay.sandbox.inside.switches import LIKELY
from assay.submission.notebook import NotebookCell

LONGEST, MOST = 20_000, 12
OTHERWISE = (
    "{0} was {1} when the notebook had ended{3}; before each question it was set back to {2}"
)
SAID = {
    "removed names": "the notebook removed the names {1}{3}; for the questions they were put back",
    "threads that still run": "threads of the notebook still ran when it had ended: {1}{3}",
}


def notes(part: str, claim: bytes, cells: Sequence[NotebookCell]) -> Iterator[str]:
    """A sentence for each switch that was set back; nothing if the claim cannot be read."""
    try:
        claimed = json.loads(claim[:LONGEST])
        known = [(n, str(claimed[n][0]), str(claimed[n][1])) for n in LIKELY if n in claimed]
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        return
    for name, found, usual in known[:MOST]:
        said = SAID.get(name, OTHERWISE)
        yield f"{part}: {said.format(name, found[:100], usual[:100], _where(name, cells))}"


def _where(name: str, cells: Sequence[NotebookCell]) -> str:
    """The last line that is likely to have set it; cells of code are numbered from 1."""
    code = [cell.source.split("\n") for cell in cells if cell.kind == "code"]
    lines = [
        f" (code cell {number}, line {at}: `{line.strip()[:80].replace('`', '')}`)"
        for number, source in enumerate(code, 1)
        for at, line in enumerate(source, 1)
        if re.search(LIKELY[name], line.partition("#")[0][:2000])
    ]
    return lines[-1] if lines else ""
