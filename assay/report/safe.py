"""Student text on its way to a reader: whatever it holds, it is shown and never obeyed."""

import re
from html import escape

CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Control and escape characters, what is invisible or turns text round, halves of pairs."""
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$&@]|:(?=//)|(?<=www)\.)")
"""What GitHub's Markdown gives a meaning inside a line; `://` and `www.` become links there."""


def plain(text: str, at_most: int = 500) -> str:
    """One line without control, escape or direction-changing characters, for a terminal."""
    line = CONTROLS.sub("�", " ".join(text.split()))
    return line if len(line) <= at_most else line[: at_most - 1] + "…"


def terminal(text: str, at_most: int = 20_000) -> str:
    """Lines for a terminal: nothing in them moves the cursor, colours, or turns their direction."""
    return "\n".join(CONTROLS.sub("�", line.expandtabs()) for line in text[:at_most].split("\n"))


def markdown(text: str, at_most: int = 500) -> str:
    """One line of Markdown that renders as the text itself: no links, HTML, tables or emphasis.

    Words between two backticks are shown as code, where the backticks come in plain pairs.
    """
    line = plain(text, at_most)
    in_pairs = line.count("`") % 2 == 0 and "``" not in line
    pieces = re.split(r"`([^`]+)`", line) if in_pairs else [line]
    shown = [MARKDOWN.sub(r"\\\g<0>", piece) for piece in pieces]
    shown[1::2] = ["`" + piece.replace("|", r"\|") + "`" for piece in pieces[1::2]]
    return "".join(shown)


def html(text: str, at_most: int = 500) -> str:
    """One line of HTML that shows the text itself."""
    return escape(plain(text, at_most))


def code_block(text: str, at_most: int = 20_000) -> str:
    """A fenced block longer than any fence inside it."""
    lines = [CONTROLS.sub("�", line) for line in text[:at_most].splitlines()]
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])
