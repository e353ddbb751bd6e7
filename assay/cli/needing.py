"""A command that needs an extra says so before it does anything."""

from functools import wraps
from typing import Any

import click

from assay.extras import need


def needing(extra: str, command: click.Command) -> click.Command:
    """Return a command that says so first if it lacks its extra; its `--help` needs none."""
    does = command.callback

    @wraps(does or need)
    def told(*given: Any, **options: Any) -> Any:
        need(extra)
        return does(*given, **options) if does else None

    command.callback = told
    return command
