"""What a command of a class prints: sentences and tables."""

from collections.abc import Sequence
from datetime import datetime

import click


def say(text: str) -> None:
    """Print text, its control characters made visible."""
    from assay.report import safe

    click.echo(safe.terminal(text))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; a name cannot move the cursor, nor break its line."""
    from assay.report import safe

    if not rows:
        return
    shown = [header, *([safe.plain(cell, 90) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in shown) for at in range(len(header))]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo(safe.terminal("  ".join(cells).rstrip()))


def moment(time: datetime) -> str:
    """Return a date and time, to the minute."""
    return f"{time:%Y-%m-%d %H:%M}"
