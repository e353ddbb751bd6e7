"""Pages for students, zipped as the platform takes them back: by its own names of each hand-in."""

import base64
import io
import re
import zipfile
from collections.abc import Mapping
from datetime import UTC

from assay.classroom.downloads import NBGRADER_TIME, Attempt, Download
from assay.errors import UsageError

PAGE = "feedback.html"
NOTEBOOK = re.compile(rb'href="data:application/x-ipynb\+json;base64,([A-Za-z0-9+/=]*)"')
"""A copy of a notebook inside a page; no text of a student's holds a quotation mark there."""
OF_CANVAS = re.compile(r"(.*?_(?:LATE_)?\d+_(?:question_\d+_)?\d+_)(.*)", re.DOTALL)
OF_MOODLE = re.compile(r"(.*_\d+_assignsubmission_[a-z]+)_?(.*)", re.DOTALL)
OF_FILES = re.compile(r".*_\d+_assignsubmission_file(?:_.*)?", re.DOTALL)
SECRET = "submission_secret.txt"
"""By which nbgrader knows to whom a page is shown; `release_feedback` reads it and the time."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every member: the same pages are the same bytes."""


def zipped(download: Download, pages: Mapping[str, bytes]) -> bytes:
    """Return the zip of these pages; `pages` are by the place of the attempt that they are about.

    What was handed in in a way that its platform takes no page back for is left out.

    Raises
    ------
    UsageError
        If that is so of all.
    """
    found = [one for one in download.attempts if one.place in pages]
    if found and not any(map(is_taken_back, found)):
        raise UsageError(
            f"{download.platform} takes no zip of feedback back",
            hint="hand the pages out one by one",
        )
    files: dict[str, bytes] = {}
    if download.platform == "brightspace" and download.index is not None:
        files["index.html"] = download.index
    for attempt in found:
        page, names = pages[attempt.place], _names(attempt)
        files |= dict.fromkeys(names, page)
        for number, copy in enumerate(NOTEBOOK.findall(page) if names else [], 1):
            stem = names[0].removesuffix(".html") + (f"-{number}" if number > 1 else "")
            files[f"{stem}.ipynb"] = base64.b64decode(copy)
        if attempt.platform == "nbgrader":
            files |= _beside_in_nbgrader(attempt)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def is_taken_back(attempt: Attempt) -> bool:
    """Return whether its platform takes a page back for an attempt."""
    return bool(_names(attempt))


def _names(attempt: Attempt) -> list[str]:
    """Return where the platform looks for the page of an attempt; nowhere, if it does not."""
    platform = attempt.platform
    if platform == "brightspace":
        flat = attempt.raw_names == (attempt.place,)
        own = f" - {attempt.files[0].name}" if flat else ""
        return [f"{attempt.place.removesuffix(own)}/{PAGE}"]
    if platform == "canvas" and (found := OF_CANVAS.fullmatch(attempt.raw_names[0])):
        stem = found[2].rpartition(".")[0] or found[2]
        return [f"{found[1]}{stem}.html"]
    if platform == "moodle":
        tops = [name.partition("/")[0] for name in (*attempt.raw_names, attempt.place)]
        top = next(filter(OF_FILES.fullmatch, tops), attempt.place)  # beside text typed online
        if found := OF_MOODLE.fullmatch(top):
            return [f"{found[1]}_{PAGE}" if found[2] else f"{top}/{PAGE}"]
    if platform == "nbgrader":
        place = _place_in_nbgrader(attempt)
        notebooks = [one.name for one in attempt.files if one.name.endswith(".ipynb")]
        whole = [name for name in notebooks if "/" not in name]
        return [f"{place}/{name.removesuffix('.ipynb')}.html" for name in whole] or [
            f"{place}/{PAGE}"
        ]
    if platform in ("folder", "github", "ilias"):
        return [f"{attempt.place}/{PAGE}"]
    return []


def _place_in_nbgrader(attempt: Attempt) -> str:
    """`feedback/<student>/<assignment>`, where `release_feedback` takes a page of each notebook."""
    return f"feedback/{attempt.place.removeprefix('submitted/')}"


def _beside_in_nbgrader(attempt: Attempt) -> dict[str, bytes]:
    place = _place_in_nbgrader(attempt)
    secrets = [one.read(1000) for one in attempt.files if one.name == SECRET]
    found = {f"{place}/{SECRET}": content for content in secrets}
    if attempt.at is not None:
        at = attempt.at.astimezone(UTC)
        found[f"{place}/{NBGRADER_TIME}"] = f"{at:%Y-%m-%d %H:%M:%S.%f} UTC".encode()
    return found
