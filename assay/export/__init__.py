"""Exports: pure functions from results to the files that other programs read.

`FORMATS` is assay's own table of those that are one text for all results, plug-ins add to it; a
results.json for Gradescope is one of each (gradescope.py), a crate holds more than a result
(crate.py).
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from assay import plugins
from assay.errors import quoted
from assay.export import github, gradebooks, junit
from assay.records import Result


class Format(NamedTuple):
    """How a format is written; where it is a gradebook, `column` names the assignment in it."""

    write: Callable[..., str]
    ending: str
    gradebook: bool = False


FORMATS = {
    "canvas": Format(gradebooks.canvas, ".csv", gradebook=True),
    "moodle": Format(gradebooks.moodle, ".csv", gradebook=True),
    "nbgrader": Format(gradebooks.nbgrader, ".csv", gradebook=True),
    "junit": Format(junit.xml, ".xml"),
    "github-summary": Format(github.job_summary, ".md"),
    "github-annotations": Format(github.annotations, ".txt"),
}

APART = GRADESCOPE, CRATE = "gradescope", "ro-crate"
"""Formats that are no text of all results."""
NAMES = (GRADESCOPE, *FORMATS, CRATE)
"""All formats of assay's own, in the order in which an error lists them."""


@plugins.hookimpl
def assay_exporters() -> Mapping[str, Format]:
    """Return assay's own."""
    return FORMATS


def formats() -> dict[str, Format]:
    """Return all formats of one text, those of plug-ins too.

    Raises
    ------
    PluginFault
        If a plug-in is broken, or names a format that there is already.
    """
    return {name: written for name, (_, written) in _by_plugin().items()}


def _by_plugin() -> dict[str, tuple[str, Format]]:
    """Return each format, with the plug-in that it is from."""
    found: dict[str, tuple[str, Format]] = {}
    own = sys.modules[__name__]
    for plugin, table in plugins.answers("assay_exporters", own, _is_table).items():
        for name, written in table.items():
            if name in found or name in APART:
                raise plugins.fault(plugin, f"there is a format {quoted(name)} already")
            found[name] = plugin, written
    return found


def _is_table(answer: Any) -> bool:
    return isinstance(answer, Mapping) and all(
        isinstance(name, str) and isinstance(written, Format) and callable(written.write)
        for name, written in answer.items()
    )


def format_of(name: str) -> Format:
    """Return a format of one text; plug-ins are looked at for what assay itself does not have."""
    return FORMATS.get(name) or formats()[name]


def text(name: str, results: Sequence[Result], column: str) -> str:
    """Return all results in a format of one text.

    Raises
    ------
    PluginFault
        If the exporter of a plug-in raises, or does not return text.
    """
    if name in FORMATS:
        return _written(FORMATS[name], results, column)
    plugin, chosen = _by_plugin()[name]
    try:
        said = _written(chosen, results, column)
    except Exception as error:
        raise plugins.fault(plugin, f"{quoted(name)}: {type(error).__name__}: {error}") from error
    if not isinstance(said, str):
        raise plugins.fault(plugin, f"{quoted(name)} wrote {said!r:.200}, and no text")
    return said


def _written(chosen: Format, results: Sequence[Result], column: str) -> str:
    return chosen.write(results, column) if chosen.gradebook else chosen.write(results)


def file_of(name: str, count: int) -> str:
    """Return the file of a format beside others; of one that is apart for each result, a folder."""
    if name not in APART:
        return name + format_of(name).ending
    return f"{name}.json" if name == "gradescope" and count == 1 else name
