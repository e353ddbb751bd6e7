"""Student text on its way to a reader: whatever it holds, it is shown and never obeyed.

One function for each sink: `plain` and `terminal`, `markdown`, `code_block` and `document`, `html`,
`csv`, `xml`. Names of submissions and files are student text too.
"""

import itertools
import re
from html import escape

CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
    r"|[\u200c\u200d](?![\u0300-\u1fff\u2100-\uffef\U00010000-\U0001ffff])"
    r"|(?<![\u0300-\u1fff\u2100-\uffef\U00010000-\U0001ffff])[\u200c\u200d]"
)
"""Control and escape characters, what is invisible or turns text round, halves of pairs.

A joiner between two letters of Devanagari or Persian, or two emoji, is part of what is written.
"""
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)|\r(?=\n)")
"""Whole escape sequences, such as the colours of a traceback: taken out and not marked."""
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$&@]|:(?=//)|(?<=www)\.)")
"""What GitHub's Markdown gives a meaning inside a line; `://` and `www.` become links there."""
ATTACHED = re.compile(r"[\w.-]{1,100}")
TAG = re.compile(r"<(?=[A-Za-z/!?])")
LINK = re.compile(r"\](?=[(\[:])")
PASTED = re.compile(r"!\[[^\[\]\n]*$")
IMAGE = re.compile(r"\(attachment:[\w.-]{1,100}\)")
FORMULA = re.compile(r"(^|[;|\t])(?=[ '\"]*[=+\-@|＝＋－＠｜﹦﹢﹣﹫−⁼⁺⁻₌₊₋])")
"""The begin of a formula, or of a command to another program, behind what may separate cells."""
COMMANDS = re.compile(r"^[^\S\n]*+:(?=:)|#(?=#\[)", re.MULTILINE)
"""The begin of a command to GitHub, which reads logs: `::notice …` begins a line, the older
`##[notice …]` stands anywhere. Points of GitHub Classroom are such notices."""
MATH = re.compile(
    r"\\(?=(?:href|url|require|style|class|cssId|data|html\w*|csname|unicode|include\w*)(?![a-z]))",
    re.IGNORECASE,
)


def plain(text: str, at_most: int = 500) -> str:
    """One line without control, escape or direction-changing characters, for a terminal."""
    line = CONTROLS.sub("�", " ".join(text.split()))
    return line if len(line) <= at_most else line[: at_most - 1] + "…"


def terminal(text: str) -> str:
    """Return all lines of a text without what moves a cursor, colours, or turns its direction.

    Nor does a line command the job whose log it is in.
    """
    return COMMANDS.sub(r"\g<0> ", _still(text))


def json_text(text: str) -> str:
    """Return JSON that says the same, and commands no job whose log it is in."""
    return text.replace("##[", r"##\u005b")


def lines(text: str, at_most: int = 20_000) -> str:
    """Return all lines of a text that may be too long, with nothing in them that acts."""
    return _still(text if len(text) <= at_most else f"{text[: at_most - 1]}…")


def _still(text: str) -> str:
    shown = ESCAPES.sub("", text).split("\n")
    return "\n".join(CONTROLS.sub("�", line.expandtabs(4)) for line in shown)


def markdown(text: str, at_most: int = 500) -> str:
    """One line of Markdown that renders as the text itself: no links, HTML, tables or emphasis.

    Words between two backticks are shown as code, where the backticks come in plain pairs.
    """
    pieces = in_ticks(plain(text, at_most))
    shown = [MARKDOWN.sub(r"\\\g<0>", piece) for piece in pieces]
    shown[1::2] = ["`" + piece.replace("|", r"\|") + "`" for piece in pieces[1::2]]
    return "".join(shown)


def in_ticks(line: str) -> list[str]:
    """The pieces of a line, every second one from between two backticks that are plain pairs."""
    in_pairs = line.count("`") % 2 == 0 and "``" not in line
    return re.split(r"`([^`]+)`", line) if in_pairs else [line]


def html(text: str, at_most: int = 500) -> str:
    """One line of HTML that shows the text itself."""
    return escape(plain(text, at_most))


def code_block(text: str, at_most: int = 20_000) -> str:
    """A fenced block longer than any fence inside it."""
    lines = [CONTROLS.sub("�", line) for line in text[:at_most].splitlines()]
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def document(text: str, at_most: int = 100_000) -> str:
    """A whole Markdown text that keeps its form: headings, lists, tables, code and formulas.

    It holds no HTML (`<` before a letter becomes `＜`, in code too: programs do not agree on where
    code ends), no links behind other words, no pictures but those attached to the cell, and no
    commands of MathJax that make links.
    """
    shown = MATH.sub(r"\\ ", TAG.sub("＜", lines(text, at_most)))
    pieces = LINK.split(shown)
    pasted = [
        PASTED.search(before) and IMAGE.match(after) for before, after in itertools.pairwise(pieces)
    ]
    ends = ["]" if held else "] " for held in pasted]
    return pieces[0] + "".join(end + piece for end, piece in zip(ends, pieces[1:], strict=True))


def csv(text: str, at_most: int = 500) -> str:
    """One cell of a table that a spreadsheet takes for text and never for a formula.

    Nor is any piece of it one, where the spreadsheet separates cells otherwise than the table does:
    with semicolons, as in half of Europe, whatever stands in quotes.
    """
    return FORMULA.sub(r"\1'", plain(text, at_most))


def xml(text: str, at_most: int = 20_000) -> str:
    """Text that XML may hold, to be escaped by whatever writes the XML."""
    return re.sub(r"[\ufffe\uffff]|[^\t\n -\U0010ffff]", "�", lines(text, at_most))
