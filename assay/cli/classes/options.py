"""What the commands of a class take: the class itself, who decides, why, and points."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from decimal import Decimal

    from assay.classroom.room import Room

NEEDS_PERSON = 3
IN_USE = ".in-use"
"""Is held by every command on a class before it is read, and alone by one that forgets."""

folder_argument = click.argument(
    "folder", metavar="CLASS", type=click.Path(path_type=Path, exists=True, file_okay=False)
)
by_option = click.option("--by", required=True, help="Who decides: it stays in the history.")
reason_option = click.option("--reason", required=True, help="Why, in a sentence.")


def open_class(folder: Path, *, alone: bool = False) -> "Room":
    """Open a class; its gradebook is closed when the command ends.

    Until then no one in it is forgotten; if `alone`, no other command has it open.

    Raises
    ------
    UsageError
        If it is to be alone, and is not.
    """
    from assay.classroom.room import open_room
    from assay.errors import UsageError, quoted
    from assay.portable import NoLocks, locked

    context = click.get_current_context()
    try:
        held = context.with_resource(locked(folder / IN_USE, alone=alone))
    except NoLocks as error:
        raise UsageError(
            "nothing was forgotten: whether another command uses the class cannot be known",
            found=f"the file system of {quoted(folder)} has no locks: {error}",
            hint="forget where it has them: move the class there, and back",
        ) from None
    if not held:
        raise UsageError(
            "nothing was forgotten: another command uses the class",
            found=quoted(folder),
            hint="wait until it has ended; end `assay review` if it runs",
        )
    room = open_room(folder)
    context.call_on_close(room.close)
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
