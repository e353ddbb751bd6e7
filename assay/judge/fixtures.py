"""Fixtures that ask for each other in a circle, or outlive what they ask for."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Fixture = pytest.FixtureDef[Any]
Defined = Mapping[str, Sequence[Fixture]]
"""The fixtures that a test may reach, by name; of those of one name the nearest is the last."""
SCOPES = ("function", "class", "module", "package", "session")


def faults(names: Sequence[str], defined: Defined) -> list[tuple[Path, int, str]]:
    """Return what is wrong with the fixtures that these names reach: file, line and words."""
    found = dict.fromkeys(_faults(names, defined, (), set()))
    return [(*_place(fixture), said) for fixture, said in found]


def _faults(
    names: Sequence[str], defined: Defined, above: tuple[Fixture, ...], seen: set[Fixture]
) -> Iterator[tuple[Fixture, str]]:
    """Go down from what asks for these names; a name that is above asks for the one it replaces."""
    for name in names:
        there = defined.get(name, ())
        replaced = [fixture.argname for fixture in above].count(name)
        if there and replaced >= len(there):
            begin = next(i for i, fixture in enumerate(above) if fixture.argname == name)
            circle = [f.argname for f in (*above[begin + 1 :], there[-1])]
            asked = ", which asks for ".join(f"`{name}`" for name in circle)
            yield above[-1], f"the fixture `{name}` asks for {asked}: it can never be made"
        elif there:
            fixture = there[-1 - replaced]
            if above and SCOPES.index(above[-1].scope) > SCOPES.index(fixture.scope):
                yield above[-1], _outlives(above[-1], fixture)
            if fixture not in seen:
                seen.add(fixture)
                yield from _faults(fixture.argnames, defined, (*above, fixture), seen)


def _outlives(fixture: Fixture, asked: Fixture) -> str:
    return (
        f"the fixture `{fixture.argname}` is made once a {fixture.scope}, and asks for "
        f"`{asked.argname}`, which is made once a {asked.scope}"
    )


def _place(fixture: Fixture) -> tuple[Path, int]:
    """Return where a fixture is written, by the line of its `def`."""
    function = inspect.unwrap(fixture.func)
    lines, first = inspect.getsourcelines(function)
    offset = next((i for i, line in enumerate(lines) if line.lstrip().startswith("def ")), 0)
    return Path(inspect.getfile(function)), first + offset
