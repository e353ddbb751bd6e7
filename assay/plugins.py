"""Where another package adds to assay: exporters and sandboxes, by hooks of pluggy.

A plug-in is a module that is named by an entry point of the group `assay`; docs/plugins.md has one.
What assay itself has is registered in the same way, and comes first.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

import pluggy

from assay.errors import PluginFault

GROUP = "assay"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)
_registering = Lock()


@hookspec
def assay_exporters() -> Mapping[str, Any]:
    """Return formats by the names that `assay export` takes, each an `assay.export.Format`."""
    raise NotImplementedError


@hookspec
def assay_sandboxes(bubblewraps: Sequence[Path]) -> Sequence[Any]:
    """Return sandboxes that are worth trying here: each an `assay.sandbox.sandbox.Sandbox`.

    `bubblewraps` are the programs of this machine that can make one.
    """
    raise NotImplementedError


def answers(
    hook: str, own: ModuleType, is_sound: Callable[[Any], bool], **given: object
) -> dict[str, Any]:
    """Return what each plug-in answers to a hook, by its name; assay's own module is the first.

    Raises
    ------
    PluginFault
        If one cannot be loaded, raises, or returns something invalid: the message names it.
    """
    manager = _manager()
    ours = f"={own.__name__}"  # no entry point's name has this sign
    with _registering:
        if not manager.is_registered(own):
            manager.register(own, ours)
    found: dict[str, Any] = {ours: None}
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        name = implementation.plugin_name
        taken = {key: given[key] for key in implementation.argnames}
        try:
            answer = implementation.function(**taken)
            sound = is_sound(answer)
        except (Exception, SystemExit) as error:
            raise fault(name, f"`{hook}` raised {type(error).__name__}: {error}") from error
        if not sound:
            raise fault(name, f"`{hook}` returned {answer!r:.200}")
        found[name] = answer
    return found


def fault(name: str, found: str) -> PluginFault:
    """Return the error that names a plug-in which does not do what it has to."""
    return PluginFault(
        f"the plug-in `{name}` is broken",
        found=found,
        hint="mend it or uninstall it; docs/plugins.md says what a plug-in is",
    )


@cache
def _manager() -> pluggy.PluginManager:
    """Return the plug-ins that are installed here."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(sys.modules[__name__])
    for point in entry_points(group=GROUP):
        _register(manager, point)
    return manager


def _register(manager: pluggy.PluginManager, point: EntryPoint) -> None:
    try:
        manager.register(point.load(), point.name)
        manager.check_pending()
    except (Exception, SystemExit) as error:
        where = f"`{point.value}` of {point.dist.name if point.dist else 'no package'}"
        said = f"{where} cannot be loaded: {type(error).__name__}: {error}"
        raise fault(point.name, said) from error
