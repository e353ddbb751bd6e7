"""What a student writes as HTML: every tag of it is read as a browser reads it."""

import base64
import time
from html.parser import HTMLParser

import pytest

pytest.importorskip("nh3", reason="`pip install -e '.[review]'` brings it")

from assay.review import render

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
KNOWN = {"class", "start", "colspan", "rowspan", "alt", "src", "display", "stretchy"}


class Read(HTMLParser):
    """The attributes and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.held: list[tuple[str, str | None]] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.held += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    "text",
    [
        '<ol start="&#xE000;0&#xE001;">\n\n![x onclick=alert(1) id=a](attachment:a.png)',
        '<td colspan="&#57344;0&#57345;">x</td>\n\n$x onclick=alert(1)$',
        "<ol start=\"<img alt='x onclick=alert(1)' src=attachment:a.png>\">\n<li>x",
        "<p>\n<td colspan=\"<img src=attachment:a.png alt=' onclick=alert(1) '>\">x</td>",
        "<pre class=\"code\" start='<img src=attachment:a.png>' onclick=alert(1)>x</pre>",
        '<b title="<img src=attachment:a.png alt=x onclick=alert(1)>">x</b>',
        '<!-- <img src="attachment:a.png" --> <b onclick="alert(1)">x</b>',
        "<b a='<' onclick=alert(1)>x</b>",
    ],
)
def test_nothing_is_put_into_a_tag(text: str):
    """A picture and a formula stand in the text alone, whatever stands around them."""
    read = Read(render.answer(text, {"a.png": PIXEL}))

    assert {name for name, _ in read.held} <= KNOWN
    assert all("\ue000" not in (value or "") for _, value in read.held)


def test_a_piece_is_put_in_once():
    """One formula, and a thousand marks as they were guessed: 56 kB do not become 40 MB."""
    formula = "$" + "\\frac{a}{b}" * 180 + "$"
    text = formula + "\n\n" + "&#xE000;0&#xE001; " * 3_000
    page = render.answer(text)

    assert page.count("<math") == 1
    assert len(page) < 500_000


@pytest.mark.parametrize(
    "text",
    [
        "<p>\n" + "".join(f"<b a{n}>" for n in range(4_000)) + "<p>x" * 6_000,
        "<p>\n" + "".join(f"<b a='<{n}'>" for n in range(4_000)) + "<p>x" * 6_000,
        "<b><i><u><s><em>" * 1_000 + "\n\nx" * 10_000,
        "<p>\n" + "<img src=" + "a" * 59_000,
        "<p>\n" + "<" + "a" * 59_000,
        "<p>\n" + "<!--" * 14_000,
        "<p>\n" + "<img " + "src=" * 14_000,
        "<p>\n" + "<img " + "src =" * 11_000 + ">",
        "<div>" * 12_000,
        "<table><tr><td>" * 4_000,
        "[a](b)" * 10_000,
        "<https://a.b> " * 4_000,
    ],
    ids=[
        *("bold of many kinds", "the same in quotes", "nested", "an address", "a name"),
        *("comments", "sources", "sources, closed", "deep", "tables", "links", "addresses"),
    ],
)
def test_the_html_of_a_text_has_an_end(text: str):
    """What a parser opens again in each paragraph, and what an expression goes back over."""
    begun = time.process_time()
    page = render.answer(text)

    assert len(page) < 6_000_000
    assert time.process_time() - begun < 10


def test_links_take_a_time_that_grows_with_their_number():
    """Each address stands behind its own words; eight times as many take no 60 times as long."""

    def seconds(links: int) -> float:
        begun = time.process_time()
        page = render.answer("".join(f"[w{n}](a{n}) " for n in range(links)))

        assert f'<u>w{links - 1}</u> <span class="address">(a{links - 1})' in page
        return time.process_time() - begun

    assert min(seconds(4_000) for _ in range(2)) < 16 * min(seconds(500) for _ in range(4))


@pytest.mark.parametrize(
    ("info", "said"),
    [("mermaid", "Mermaid"), ("{mermaid}", "Mermaid"), ("Mermaid title=x", "Mermaid"),
     ("plantuml", "PlantUML"), ("dot", "Graphviz"), (" tikz ", "TikZ")],
)  # fmt: skip
def test_a_drawing_that_a_script_would_draw_is_shown_as_its_source(info: str, said: str):
    """With a sign that it is a drawing, and its lines with numbers."""
    page = render.answer(f"```{info}\ngraph TD\n  A-->B\n```\n\nas drawn")

    assert f'<p class="missing">[a drawing, shown as its source in {said}]</p>' in page
    assert '<span class="line">  A--&gt;B</span>' in page
    assert "drawing" not in render.answer("```python\nx = 1\n```")


def test_pictures_together_have_a_size(monkeypatch: pytest.MonkeyPatch):
    """One that is shown again and again is large in the end; what is left out is said."""
    monkeypatch.setattr(render, "MOST_HTML", 100_000)
    page = render.answer("![loss](attachment:a.png)\n\n" * 9, {"a.png": bytes(20_000)})

    assert page.count("<img ") == 3
    assert page.count("[loss: too large") == 6


def test_a_notebook_has_a_size(monkeypatch: pytest.MonkeyPatch):
    """The cells that are not shown are counted."""
    monkeypatch.setattr(render, "MOST_OF_NOTEBOOK", 5_000)
    cells = [{"cell_type": "markdown", "source": "x" * 1_000} for _ in range(10)]
    page = render.notebook(cells)

    assert page.count("<section") == 4
    assert "6 cells are not shown" in page


def test_html_as_students_write_it_is_shown():
    """Tables, breaks, pictures with and without quotes; a word in angle brackets is a word."""
    text = (
        "The token <eos> ends it, a < b.<br/>\n\n"
        "<table>\n<tr><td colspan='2' style='color:red'>two &lt; three</td></tr>\n</table>\n\n"
        '<IMG alt="the loss" src="attachment:a.png" width=300>\n\n'
        "<!-- a note\nof two lines --><ol start=3><li>third</li></ol>\n"
    )
    page = render.answer(text, {"a.png": PIXEL})
    read = Read(page)

    assert ("colspan", "2") in read.held
    assert ("start", "3") in read.held
    assert ("alt", "the loss") in read.held
    assert "<eos> ends it, a < b." in read.text
    assert "two < three" in read.text
    assert "a note" not in read.text
    assert "style" not in dict(read.held)
    assert {"br", "table", "img", "ol"} <= set(read.tags)


def test_a_comment_without_an_end_hides_nothing():
    """What follows it is the student's answer too."""
    assert "my answer" in Read(render.answer("<!-- note\n\nmy answer")).text
