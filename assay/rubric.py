"""The rubric's modules, imported from where the assignment stands."""

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Protocol

from assay.assignment import Assignment, Part
from assay.errors import UsageError


class Row(Protocol):
    """A line of a rubric's table of names; docs/rubric.md says what it holds."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def call(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def optional(self) -> bool: ...


def load(assignment: Assignment, part: Part, name: str) -> ModuleType:
    """One module of a part's rubric.

    Raises
    ------
    UsageError
        Where it cannot be imported.
    """
    root = str(assignment.root.resolve())
    if root not in sys.path:
        sys.path.insert(0, root)
    module = f"{part.rubric.replace('/', '.')}.{name}"
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"`{module}` cannot be imported",
            found=str(error),
            hint=f"a rubric has a {name}.py, and what it imports must be installed",
        ) from None


def names(assignment: Assignment, part: Part) -> Sequence[Row]:
    """The table of names that a part asks for; empty where the rubric has none."""
    if not (assignment.root / part.rubric / "names.py").is_file():
        return ()
    rows: Sequence[Row] = load(assignment, part, "names").NAMES
    return rows


def instead(assignment: Assignment, part: Part) -> dict[str, Sequence[Row]]:
    """The names that serve instead of one that is missing."""
    if not names(assignment, part):
        return {}
    return dict(getattr(load(assignment, part, "names"), "INSTEAD", {}))
