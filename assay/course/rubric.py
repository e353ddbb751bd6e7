"""The rubric's modules, imported from where the assignment stands.

Each course has a package of its own in `sys.modules`, named after its folder and its files. So two
courses whose folders are called alike stay apart in one process, and a changed rubric is read anew.
"""

import builtins
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from hashlib import sha256
from importlib import import_module, invalidate_caches
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from assay.course import files as course_files
from assay.course.assignment import Assignment, Part
from assay.errors import CourseFault

OURS = Path(__file__).parents[1]
"""No line in it is a course's, even where assay lies beside one."""
TRIES = 20
"""Times that Python is asked to list folders anew, while other threads ask for it too."""
OF_A_COURSE = re.compile(r"_course_[0-9a-f]{16}\.?")
"""What names a course's package; no message shows it."""


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
    module = f"{part.rubric.replace('/', '.')}.{name}"
    try:
        return import_module(f"{_package(assignment, part)}.{module}")
    except (Exception, SystemExit) as error:  # a module may call `sys.exit`
        raise CourseFault(
            f"`{module}` cannot be imported",
            found=in_words(error, assignment.root) or _readable(error),
            hint=f"a rubric has a {name}.py, and what it imports must be installed",
        ) from None


def _package(assignment: Assignment, part: Part) -> str:
    """Return the name of the package that stands for the folder of this course as it is now."""
    root = str(assignment.root.resolve())
    digest = sha256(f"{root}\n{course_files.rubric_digest(assignment, part)}".encode()).hexdigest()
    package = ModuleType(f"_course_{digest[:16]}")
    package.__path__ = [root]
    if package.__name__ not in sys.modules:
        _look_again()
    return sys.modules.setdefault(package.__name__, package).__name__


def _look_again() -> None:
    """Have Python list folders anew: a file may be newer than the file system's clock shows."""
    for _ in range(TRIES):
        with suppress(KeyError):  # another thread has dropped what this one was about to drop
            return invalidate_caches()


def forget(assignment: Assignment, part: Part) -> None:
    """Have the modules of this course imported anew when they are next loaded."""
    package = _package(assignment, part)
    for name in [name for name in list(sys.modules) if name.partition(".")[0] == package]:
        del sys.modules[name]


class _Finder(MetaPathFinder):
    """Find the modules of a course below its package."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a course's module, with the loader for these."""
        spec = PathFinder.find_spec(name, path) if OF_A_COURSE.match(name) and path else None
        if spec and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Load a module whose imports, now and later, find the course's own modules first.

    What it prints is no result: stdout is the command's own.
    """

    def path_stats(self, path: Any) -> Mapping[str, Any]:
        """Refuse: stored bytecode is dated to the second, and a file may change within one."""
        raise OSError(f"no bytecode is kept of {path}")

    def exec_module(self, module: ModuleType) -> None:
        """Run the module with an `__import__` and a `print` of its own."""
        own = partial(_import, self.name.partition(".")[0])
        vars(module)["__builtins__"] = vars(builtins) | {"__import__": own, "print": _print}
        super().exec_module(module)


def _print(*values: object, file: Any = None, **how: Any) -> None:
    """Print as the builtin does, to stderr if no file is named."""
    builtins.print(*values, file=sys.stderr if file is None else file, **how)


def _import(
    package: str,
    name: str,
    globals_: Mapping[str, Any] | None = None,
    locals_: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    """Do what an import statement of a course's module asks for."""
    top = name.partition(".")[0]
    if level or not _is_own(package, top):
        return builtins.__import__(name, globals_, locals_, fromlist or (), level)
    found = builtins.__import__(f"{package}.{name}", globals_, locals_, fromlist or ())
    return found if fromlist else getattr(found, top)


@cache
def _is_own(package: str, top: str) -> bool:
    """Return whether a course has this module; a mere folder gives way to what is installed."""
    if top in sys.stdlib_module_names or top == __name__.partition(".")[0]:
        return False
    own = PathFinder.find_spec(f"{package}.{top}", sys.modules[package].__path__)
    if own is None or own.origin is not None:
        return own is not None
    installed = find_spec(top)
    return installed is None or installed.origin is None


sys.meta_path.insert(0, _Finder())


def in_words(error: BaseException, root: Path) -> str:
    """Return `rubric/exam.py:5: NameError: ...`, or '' if no file of the course took part.

    The line is the innermost one of a file of the course.
    """
    place = place_of(error, root)
    said = f"{type(error).__name__}: {_readable(error)}"
    return f"{place}: {said}".split("\n")[0][:500] if place else ""


def _readable(error: BaseException) -> str:
    """Return what an error says, with the names of modules as the course writes them."""
    return OF_A_COURSE.sub("", error.msg if isinstance(error, SyntaxError) else str(error))


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
    if (
        path.is_relative_to(OURS)
        or not path.is_relative_to(root)
        or "site-packages" in path.relative_to(root).parts
    ):
        return ""
    return f"{path.relative_to(root).as_posix()}:{line}"


def names(assignment: Assignment, part: Part) -> Sequence[Row]:
    """Return the table of names that a part asks for; empty if the rubric has none."""
    if not (assignment.root / part.rubric / "names.py").is_file():
        return ()
    rows: Sequence[Row] = load(assignment, part, "names").NAMES
    return rows


def also(assignment: Assignment, part: Part) -> dict[str, Sequence[str]]:
    """What else a name that is asked for is often called, by students who do not know the name."""
    if not names(assignment, part):
        return {}
    return dict(getattr(load(assignment, part, "names"), "ALSO", {}))


def instead(assignment: Assignment, part: Part) -> dict[str, Sequence[Row]]:
    """The names that serve instead of one that is missing."""
    if not names(assignment, part):
        return {}
    return dict(getattr(load(assignment, part, "names"), "INSTEAD", {}))
