"""What the commands of a class take: the class itself, who decides, why, and points."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from decimal import Decimal

    from assay.classroom.room import Room

NEEDS_PERSON = 3

folder_argument = click.argument(
    "folder", metavar="CLASS", type=click.Path(path_type=Path, exists=True, file_okay=False)
)
by_option = click.option("--by", required=True, help="Who decides: it stays in the history.")
reason_option = click.option("--reason", required=True, help="Why, in a sentence.")


def open_class(folder: Path) -> "Room":
    """Open a class; its gradebook is closed when the command ends."""
    from assay.classroom.room import open_room

    room = open_room(folder)
    click.get_current_context().call_on_close(room.close)
    return room


def points_of(text: str) -> "Decimal":
    """Return the points that were typed, exactly."""
    from decimal import Decimal, InvalidOperation

    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise click.BadParameter(f"`{text}` is no number of points", param_hint="POINTS")
    return found
