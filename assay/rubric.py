"""The rubric's modules, imported from where the assignment stands."""

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Protocol

from assay.assignment import Assignment, Part
from assay.errors import CourseFault


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
    """Import one module of a part's rubric.

    Raises
    ------
    CourseFault
        If it cannot be imported, with file and line.
    """
    root = str(assignment.root.resolve())
    if root not in sys.path:
        sys.path.insert(0, root)
    module = f"{part.rubric.replace('/', '.')}.{name}"
    _forget_others(module.partition(".")[0], assignment.root)
    try:
        return import_module(module)
    except (Exception, SystemExit) as error:  # a module may call `sys.exit`
        raise CourseFault(
            f"`{module}` cannot be imported",
            found=in_words(error, assignment.root) or str(error),
            hint=f"a rubric has a {name}.py, and what it imports must be installed",
        ) from None


def _forget_others(package: str, root: Path) -> None:
    """Drop what another course has imported under the name of this one's package."""
    loaded = sys.modules.get(package)
    places = [*getattr(loaded, "__path__", []), getattr(loaded, "__file__", None) or ""]
    if loaded is None or any(Path(place).is_relative_to(root) for place in places if place):
        return
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    sys.path.remove(str(root))
    sys.path.insert(0, str(root))


def in_words(error: BaseException, root: Path) -> str:
    """Return `rubric/exam.py:5: NameError: ...`, or '' if no file of the course took part.

    The line is the innermost one of a file of the course.
    """
    place = place_of(error, root)
    said = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    return f"{place}: {said}".split("\n")[0][:500] if place else ""


def place_of(error: BaseException, root: Path) -> str:
    """Return `rubric/exam.py:5`: the innermost line of the course's, '' if there is none."""
    if isinstance(error, SyntaxError) and error.filename:
        found = _below(error.filename, error.lineno or 1, root)
        if found:
            return found
    frames = traceback.extract_tb(error.__traceback__)
    places = (_below(frame.filename, frame.lineno or 1, root) for frame in reversed(frames))
    return next(filter(None, places), "")


def _below(file: str, line: int, root: Path) -> str:
    """Return the place by the course's own names; '' for a file of somebody else's."""
    path = Path(file)
    if not path.is_relative_to(root) or "site-packages" in path.relative_to(root).parts:
        return ""
    return f"{path.relative_to(root).as_posix()}:{line}"


def names(assignment: Assignment, part: Part) -> Sequence[Row]:
    """The table of names that a part asks for; empty where the rubric has none."""
    if not (assignment.root / part.rubric / "names.py").is_file():
        return ()
    rows: Sequence[Row] = load(assignment, part, "names").NAMES
    return rows


def also(assignment: Assignment, part: Part) -> dict[str, Sequence[str]]:
    """What else a name that is asked for is often called, by students who were not told."""
    if not names(assignment, part):
        return {}
    return dict(getattr(load(assignment, part, "names"), "ALSO", {}))


def instead(assignment: Assignment, part: Part) -> dict[str, Sequence[Row]]:
    """The names that serve instead of one that is missing."""
    if not names(assignment, part):
        return {}
    return dict(getattr(load(assignment, part, "names"), "INSTEAD", {}))
