"""pip where there is no network: `pip install` answers at once from what is installed.

In the support folder it stands as the package `pip` before the real one, for commands alone. What
is no plain list of names is left to the real pip, and every other command. Standard library only.
"""

import importlib
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

NAMED = re.compile(r"([A-Za-z0-9](?:[\w.-]*\w)?)(\[[\w,. -]*\])?\s*([=<>!~].*)?")
WITH_VALUE = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host")
OTHERWISE = re.compile(r"-[rectth]|--(?:req|edit|const|target|prefix|root|help|dry|report|force)")
"""Options that make another command of it."""


def wanted(arguments: list[str]) -> list[str]:
    """What is to be installed; nothing if the command is another or less simple."""
    if "install" not in arguments or any(map(OTHERWISE.match, arguments)):
        return []
    options, values = arguments[: arguments.index("install")], list(_values(arguments))
    if any(not option.startswith("-") for option in options):
        return []
    return values[1:] if all(map(_is_simple, values[1:])) else []


def _values(arguments: list[str]) -> Iterator[str]:
    before = ""
    for argument in arguments:
        if not argument.startswith("-") and before not in WITH_VALUE:
            yield argument
        before = argument


def _is_simple(requirement: str) -> bool:
    """A name, and nothing here; of an installed package the real pip compares versions."""
    named = NAMED.fullmatch(requirement)
    if named is None or Path(requirement).exists():
        return False
    return named[3] is None or _version(requirement) is None


def _version(requirement: str) -> str | None:
    named = NAMED.fullmatch(requirement)
    try:
        return metadata.version(named[1]) if named else None
    except (metadata.PackageNotFoundError, ValueError):
        return None


def answer(requirements: list[str], *, quiet: bool) -> int:
    """In pip's own words, with its exit code."""
    for requirement in requirements:
        version = _version(requirement)
        if version is None:
            print(
                "ERROR: Could not find a version that satisfies the requirement "
                f"{requirement} (from versions: none): there is no network here\n"
                f"ERROR: No matching distribution found for {requirement}",
                file=sys.stderr,
            )
            return 1
        if not quiet:
            print(f"Requirement already satisfied: {requirement} ({version})")
    return 0


def _answer_or_give_way() -> None:
    """Answer where pip was called to install; else the real pip takes this one's place."""
    called = sys.argv[0] == "-m" or re.fullmatch(r"pip[\d.]*", Path(sys.argv[0]).name)
    if called and (requirements := wanted(sys.argv[1:])):
        silent = any(re.match(r"-q|--quiet", argument) for argument in sys.argv)
        sys.exit(answer(requirements, quiet=silent))
    sys.path.remove(str(Path(__file__).parents[1]))
    del sys.modules["pip"]
    importlib.import_module("pip")


if __name__ == "pip":
    _answer_or_give_way()
