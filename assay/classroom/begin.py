"""Make the folder of a class."""

import json
import os
import re
import shutil
from datetime import datetime
from pathlib import Path

from assay.classroom import roster as rosters
from assay.classroom import settings
from assay.classroom.room import write
from assay.errors import UsageError, quoted


def new(
    folder: Path,
    *,
    title: str,
    item: str,
    due: str,
    time_zone: str,
    assignment: Path,
    roster: Path,
    groups: Path | None = None,
) -> None:
    """Write class.toml, and copies of the roster and the groups; nothing is written over.

    Raises
    ------
    UsageError
        If there is a class.toml, or the roster, the time or the zone cannot be read.
    """
    if (folder / settings.FILE).exists():
        raise UsageError(
            f"{quoted(folder)} is a class already",
            hint="change its class.toml, or take in downloads",
        )
    rosters.read(roster, groups)
    try:
        when = datetime.fromisoformat(due)
    except ValueError:
        raise UsageError(
            f"{quoted(due)} is no time", hint="write it as `2026-10-10T23:59`"
        ) from None
    text = settings.TEMPLATE.format(
        title=_string(title),
        assignment=_string(os.path.relpath(assignment.resolve(), folder.resolve())),
        roster=_string(roster.name),
        item=_string(item),
        due=when.isoformat(),
        time_zone=_string(time_zone),
    )
    if groups is not None:
        line = f"groups = {_string(groups.name)}\n"
        text = re.sub(r"# groups = .*\n", lambda _: line, text, count=1)
    settings.parsed(text, folder / settings.FILE)
    folder.mkdir(parents=True, exist_ok=True)
    for path in (roster, groups):
        if path is not None and path.resolve().parent != folder.resolve():
            shutil.copyfile(path, folder / path.name)
    write(folder / settings.FILE, text.encode())


def _string(text: str) -> str:
    """A text as TOML has it: JSON's escapes are among its own."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
