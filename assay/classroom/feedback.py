"""Pages for students, zipped as the platform takes them back: by its own names of each hand-in."""

import base64
import io
import re
import zipfile
from collections.abc import Mapping

from assay.classroom.downloads import Attempt, Download
from assay.errors import UsageError

PAGE = "feedback.html"
NOTEBOOK = re.compile(rb'href="data:application/x-ipynb\+json;base64,([A-Za-z0-9+/=]*)"')
"""A copy of a notebook inside a page; no text of a student's holds a quotation mark there."""
OF_CANVAS = re.compile(r"(.*?_(?:LATE_)?\d+_(?:question_\d+_)?\d+_)(.*)", re.DOTALL)
OF_MOODLE = re.compile(r"(.*_\d+_assignsubmission_file)_?(.*)", re.DOTALL)
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of every member: the same pages are the same bytes."""


def zipped(download: Download, pages: Mapping[str, bytes]) -> bytes:
    """Return the zip of these pages; `pages` are by the place of the attempt that they are about.

    Raises
    ------
    UsageError
        If the platform takes no feedback files back.
    """
    files: dict[str, bytes] = {}
    if download.platform == "brightspace" and download.index is not None:
        files["index.html"] = download.index
    for attempt in download.attempts:
        if attempt.place in pages:
            page = pages[attempt.place]
            name = _name(download.platform, attempt)
            files[name] = page
            for number, copy in enumerate(NOTEBOOK.findall(page), 1):
                stem = name.removesuffix(".html") + (f"-{number}" if number > 1 else "")
                files[f"{stem}.ipynb"] = base64.b64decode(copy)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _name(platform: str, attempt: Attempt) -> str:
    """Return where the platform looks for the page of an attempt."""
    if platform == "brightspace":
        flat = attempt.raw_names == (attempt.place,)
        own = f" - {attempt.files[0].name}" if flat else ""
        return f"{attempt.place.removesuffix(own)}/{PAGE}"
    if platform == "canvas" and (found := OF_CANVAS.fullmatch(attempt.raw_names[0])):
        stem = found[2].rpartition(".")[0] or found[2]
        return f"{found[1]}{stem}.html"
    if platform == "moodle" and (found := OF_MOODLE.fullmatch(attempt.place)):
        return f"{found[1]}_{PAGE}" if found[2] else f"{attempt.place}/{PAGE}"
    if platform in ("nbgrader", "folder", "github"):
        return f"{attempt.place}/{PAGE}"
    raise UsageError(
        f"{platform} takes no zip of feedback back", hint="hand the pages out one by one"
    )
