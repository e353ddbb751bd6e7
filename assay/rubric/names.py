"""What a submission is asked for by name, in the rows of a rubric's `names.py`."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """Hold names that belong together, how they are called, and what they mean.

    Attributes
    ----------
    names
        What is looked up in a submission; a row without any describes what the names above it have.
    call
        How they are called, as in `(x, y)`; '' for a value.
    meaning
        What they are, in a line of Markdown.
    optional
        Whether they are asked for and not missed.

    Examples
    --------
    >>> Row(("add", "plus"), "(x, y)", "the sum, entry by entry").shown
    '`add, plus(x, y)`'
    """

    names: tuple[str, ...]
    call: str
    meaning: str
    optional: bool = False

    @property
    def shown(self) -> str:
        """Return the names with their call, as code in Markdown."""
        return f"`{', '.join(self.names)}{self.call}`"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table.

    Examples
    --------
    >>> print(table([Row(("add",), "(x, y)", "the sum"), Row(("eps",), "", "a number", True)]))
    | name | meaning |
    |---|---|
    | `add(x, y)` | the sum |
    | `eps` | a number (optional) |
    """
    lines = [f"| {row.shown} | {_meaning(row)} |" for row in rows]
    return "\n".join(["| name | meaning |", "|---|---|", *lines])


def _meaning(row: Row) -> str:
    return f"{row.meaning} (optional)" if row.optional else row.meaning
