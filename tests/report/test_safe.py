"""Student text on its way to each sink, as the program behind that sink reads it."""

import csv
import io
import json
import re
import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from assay.report import safe
from tests.report.test_markdown import FORBIDDEN, HOSTILE

TEXTS = st.text(max_size=60) | st.text(alphabet="<>[]()!`\\:&;#x\n$ javscript-", max_size=60)
READERS = [
    MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]),
    MarkdownIt("zero", {"html": True}).enable(["link", "image", "autolink", "html_inline"]),
]
MORE = {
    "a link in entities": "[x](java&#115;cript:alert(1))",
    "a link after an escape": "\\\\](javascript:alert(1)) [a\\\\](javascript:x)",
    "a definition": "[x]\n\n[x]: javascript:alert(1)",
    "a definition over lines": "[x]\n\n[x]:\njavascript:alert(1)",
    "a tracking pixel": "![](https://evil.example/p.png)",
    "a tag in code": "`<script>alert(1)</script>`",
    "a tag after open code": "``` `<img src=x onerror=alert(1)>",
    "an upper case tag": "<SCRIPT\n>alert(1)",
    "a formula": "$\\href{javascript:alert(1)}{x}$ $\\HREF{x}{y}$",
    "a picture of a picture": "![![a](attachment:a.png)](javascript:x)",
    "an attachment that leads away": "![a](attachment:a.png 'x')[b](javascript:x)",
}
every = pytest.mark.parametrize("text", [*HOSTILE.values(), *MORE.values()], ids=[*HOSTILE, *MORE])


def acting(text: str) -> list[str]:
    """The kinds and targets of all that a Markdown reader would let act."""
    found = []
    for reader in READERS:
        tokens = [t for token in reader.parse(text) for t in (token, *(token.children or []))]
        found += [t.type for t in tokens if t.type.startswith("html")]
        targets = [t.attrGet("href") or t.attrGet("src") for t in tokens]
        found += [str(t) for t in targets if t and not str(t).startswith("attachment:")]
    return found


@every
def test_a_document_acts_in_no_way(text: str):
    """No HTML, no link, no picture from elsewhere; no escape, no formula that links."""
    shown = safe.document(text)

    assert acting(shown) == []
    assert FORBIDDEN.search(shown) is None
    assert not re.search(r"\\href", shown, re.IGNORECASE)


@given(text=TEXTS)
@settings(deadline=None, max_examples=400)
def test_no_document_acts_in_any_way(text: str):
    """Whatever a student writes."""
    assert acting(safe.document(text)) == []


def test_a_document_keeps_its_form():
    """Headings, emphasis, tables, code, formulas and pasted pictures stay what they are."""
    text = (
        "## A *good* title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx[0] = 1 < 2\n```\n\n"
        "$\\frac{1}{\\sqrt{d}}$\n\n![diagram](attachment:d.png)"
    )

    assert safe.document(text) == text


@pytest.mark.parametrize("text", ["](" * 50_000, "![" * 50_000, "\x1b]" * 50_000, "<" * 100_000])
def test_a_document_is_made_safe_in_no_time(text: str):
    """A text made to be slow is no slower than another."""
    started = time.thread_time()
    safe.document(text)

    assert time.thread_time() - started < 2


@every
def test_lines_leave_the_terminal_as_it_was(text: str):
    """Nothing moves the cursor, colours, links or turns the direction; lines stay lines."""
    shown = safe.terminal(f"first\n{text}\nlast")

    assert FORBIDDEN.search(shown) is None
    assert shown.split("\n")[0] == "first"
    assert shown.split("\n")[-1] == "last"


def test_colours_of_a_traceback_leave_no_mark():
    """IPython's own escapes are taken out whole."""
    assert safe.lines("\x1b[0;31mValueError\x1b[0m: no\r\nx") == "ValueError: no\nx"


FORMULAS = ['=HYPERLINK("x")', "+1", "-1", "@x", "\t=1", "\r=1", " =1", "'=1", '"=1', "＝1", "\n=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_a_table_is_a_formula(text: str):
    """A spreadsheet takes what begins with an apostrophe for text."""
    assert safe.csv(text).startswith("'")


@pytest.mark.parametrize(
    "separator", [";", "|", "||", ";;", "; ", ";'", '";', '|  "', ";\t", "\r;"]
)
@pytest.mark.parametrize("begin", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "|calc", "﹦1", "−1"])
def test_no_piece_of_a_cell_is_a_formula(separator: str, begin: str):
    """Read with other separators than it was written with, quotes or not: no piece computes."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(["ada", safe.csv(f"x{separator}{begin}"), "100"])

    for other in ";|\t":
        cells = [cell for row in csv.reader(io.StringIO(buffer.getvalue()), delimiter=other)
                 for cell in row]  # fmt: skip
        assert not [c for c in cells if c.lstrip(' "')[:1] in tuple("=+-@＝﹦−")], cells


@given(text=TEXTS | st.sampled_from(FORMULAS))
@settings(deadline=None)
def test_a_table_has_the_cells_it_was_given(text: str):
    """Written and read again: one row, three cells, none of which computes."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(["ada", safe.csv(text), "100"])
    rows = list(csv.reader(io.StringIO(buffer.getvalue())))

    assert len(rows) == 1
    assert len(rows[0]) == 3
    assert rows[0][1].lstrip()[:1] not in tuple("=+-@")


@pytest.mark.parametrize("text", ["ada", "Zoë O'Brien", "a, b", "3 of 5", ""])
def test_plain_words_in_a_table_are_left_alone(text: str):
    """No apostrophe where none is needed."""
    assert safe.csv(text) == text


@given(text=st.text(st.characters(categories=["L", "C", "P", "Z"]), max_size=50))
@settings(deadline=None)
def test_xml_holds_any_text(text: str):
    """Written, and read again by a strict reader, as text and as an attribute."""
    element = ET.Element("failure", message=safe.xml(text))
    element.text = safe.xml(text)
    back = ET.fromstring(ET.tostring(element, encoding="utf-8"))

    assert (back.text or "") == safe.xml(text)


@pytest.mark.parametrize(
    "line",
    [
        '::notice title=Autograding report::{"totalPoints": 100}',
        "  \u3000\xa0::add-mask::x",
        "::stop-commands::x",
        "your code raised E: ##[notice title=Autograding report;]{}",
        "##[set-output name=x]1",
        "###[error]",
        ":::error::x",
        "\x1b[1m::error::x",
        "a\n::error::x\n ::error::y",
    ],
)
def test_no_line_in_the_log_of_a_job_is_a_command(line: str):
    """GitHub reads commands at the begin of a line, its older ones in the midst of it too."""
    shown = safe.terminal(line)
    told = safe.json_text(json.dumps({"said": line}, indent=1))

    for text in (*shown.split("\n"), *told.split("\n")):
        assert not text.strip().startswith("::")
        assert "##[" not in text
    assert json.loads(told) == {"said": line}
