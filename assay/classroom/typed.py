"""What somebody typed into a platform instead of handing in a file."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from assay.submission.archives import Damaged, Member

BY_PLATFORM = {
    "canvas": re.compile(r"[^_]+_(?:LATE_)?\d+_(?:text|link)\.html"),
    "moodle": re.compile(r".+_\d+_assignsubmission_onlinetext(?:[/_].*)?", re.DOTALL),
    "blackboard": re.compile(r".+_attempt_\d{4}(?:-\d\d){5}\.txt", re.DOTALL),
}
"""The names under which a platform puts it into a download."""
UNSEEN = {"head", "script", "style", "title", "h1"}
"""Canvas writes the name of the person into the title and the heading."""
MAX_TEXT = 20_000
"""Bytes that are shown: Python's parser is quadratic in some, and the file is kept whole."""


def is_alone(platform: str, raw_names: Sequence[str]) -> bool:
    """Return whether it is all that was handed in: there is no file of the person's own."""
    for one, pattern in BY_PLATFORM.items():
        if one == platform and raw_names:
            return all(pattern.fullmatch(name) for name in raw_names)
    return False


EMPTY = (
    "There is no student submission text data for this assignment.",
    "There are no student comments for this assignment.",
)
"""What Blackboard writes into a receipt where nothing was typed."""
SECTIONS = ("Submission Field:", "Comments:")


def beside(
    platform: str, files: Sequence[Member], raw_names: Sequence[str], receipts: Sequence[Member]
) -> str:
    """Return what was typed beside a file of the person's own, as plain text."""
    pattern = BY_PLATFORM.get(platform)
    if pattern is None or is_alone(platform, raw_names):
        return ""
    own = [one for one, raw in zip(files, raw_names, strict=True) if pattern.fullmatch(raw)]
    return "\n\n".join(filter(None, [text(own), *(_of_receipt(_text(one)) for one in receipts)]))


def _of_receipt(receipt: str) -> str:
    """Return the sections that a student writes; all of a receipt in another language."""
    kept, is_own, known = [], False, False
    for line in receipt.splitlines():
        if line.strip() in (*SECTIONS, "Files:"):
            is_own, known = line.strip() != "Files:", True
        elif is_own and line.strip() not in EMPTY:
            kept.append(line)
    return "\n".join(kept).strip() if known else receipt


def text(files: Sequence[Member]) -> str:
    """Return what was typed, as plain text; of a link its address."""
    return "\n\n".join(filter(None, map(_text, files)))


def _text(file: Member) -> str:
    if file.kind != "file":
        return ""
    try:
        content = file.read(MAX_TEXT).decode("utf-8", "replace")
    except Damaged as error:
        return f"cannot be read: {error}"
    if not file.name.endswith((".html", ".htm")):
        return content.strip()
    seen = _Seen()
    try:
        seen.feed(content)
        seen.close()
    except AssertionError:  # `<![foo[` is no HTML to Python's parser: shown as it stands
        return content.strip()
    lines = (" ".join(line.split()) for line in "".join(seen.pieces).splitlines())
    return "\n".join(filter(None, lines))


class _Seen(HTMLParser):
    """The text that a browser shows, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSEEN:
            self.unseen.append(tag)
        if tag in ("br", "p", "div", "li", "tr"):
            self.pieces.append("\n")
        if tag == "a" and (address := dict(attrs).get("href")):
            self.pieces.append(f"<{address}> ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.unseen:
            del self.unseen[self.unseen.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.pieces.append(data)
