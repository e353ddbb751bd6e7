"""Reports show what students wrote and obey none of it."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from markdown_it import MarkdownIt

from assay.records import Property, Verdict, Written
from assay.report import html, markdown, plots, safe
from assay.report.summary import reasons, summary
from tests.toys.made import FORBIDDEN, HOSTILE, criterion, made

hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PLAIN_TOKENS = {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "softbreak"}


def tokens(text: str) -> set[str]:
    """The kinds of all tokens that a Markdown reader sees."""
    found = set()
    for token in READER.parse(text):
        found |= {token.type} | {child.type for child in token.children or []}
    return found


def without_ticks(text: str) -> str:
    """The text with each plain pair of backticks taken off: what stands between is code."""
    if text.count("`") % 2 or "``" in text:
        return text
    return re.sub(r"`([^`]+)`", r"\1", text)


def rendered(text: str) -> str:
    """What a reader shows of one line of Markdown."""
    inline = READER.parse(text)[1]
    return "".join(child.content for child in inline.children or [])


@hostile
@pytest.mark.parametrize("filtered", [safe.plain, safe.markdown, safe.code_block])
def test_nothing_that_controls_a_terminal_gets_through(text: str, filtered: Any):
    """No control, escape, direction or invisible character, whatever the sink."""
    assert FORBIDDEN.search(filtered(text)) is None


@hostile
def test_plain_text_is_one_short_line(text: str):
    """For a terminal: no line of a student's can be taken for one of ours."""
    line = safe.plain(text)

    assert len(line.splitlines()) <= 1
    assert len(line) <= 500


@hostile
def test_markdown_renders_as_the_text_itself(text: str):
    """No link, image, HTML, table, heading or emphasis; a reader shows the same characters."""
    line = safe.markdown(f"x {text}")

    assert tokens(line) <= PLAIN_TOKENS | {"code_inline"}
    assert rendered(line) == without_ticks(safe.plain(f"x {text}"))


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example", "a@evil.example"])
def test_addresses_do_not_become_links_on_github(text: str):
    """GitHub links bare addresses: their marks are escaped."""
    assert not re.search(r"\w://|www\.|\w@", safe.markdown(text))


@hostile
def test_a_code_block_cannot_be_left(text: str):
    """A reader sees one fence, and all the lines inside it."""
    parsed = READER.parse(safe.code_block(f"{text}\nlast line", at_most=200_000))

    assert [token.type for token in parsed] == ["fence"]
    assert parsed[0].content.endswith("last line\n")


def test_ordinary_text_is_left_alone():
    """Words, digits, accents and punctuation come through as they are."""
    text = "`dW1` is off by 1e-3 in layer 2: naïve, été, 学生 (see W₁)"

    assert safe.plain(text) == text
    assert rendered(safe.markdown(text)) == without_ticks(text)


def tables(page: str) -> list[list[str]]:
    """The rows of every table as their cells' texts, as a Markdown reader sees them."""
    rows: list[list[str]] = []
    parsed = READER.parse(page)
    for here, token in enumerate(parsed):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            shown = parsed[here + 1].children or []
            rows[-1].append("".join(child.content for child in shown))
    return rows


@hostile
def test_pages_keep_their_structure(text: str):
    """With hostile names and errors a reader sees the same tables, headings and details."""
    pages, expected = markdown.pages(made(text), {}), markdown.pages(made(), {})

    assert pages.keys() == expected.keys()
    for name, page in pages.items():
        structure = [t.type for t in READER.parse(page)]
        assert structure == [t.type for t in READER.parse(expected[name])]
        assert [len(row) for row in tables(page)] == [len(row) for row in tables(expected[name])]


@hostile
def test_a_cell_of_a_table_holds_the_whole_text(text: str):
    """A bar in a reason does not open another cell."""
    pages = markdown.pages(made(text), {})
    shown = without_ticks(safe.plain(text))[:400]

    (criterion,) = [row for row in tables(pages["index.md"]) if "Adding" in row]
    (missed,) = [row for row in tables(pages["seed-1.md"]) if "The sum is the sum" in row]
    assert criterion[3].startswith(shown)
    assert missed[1].startswith(shown)


def html_tags(page: str) -> set[str]:
    """The names of all HTML tags that a Markdown reader would let through."""
    parsed = READER.parse(page)
    inline = [child for token in parsed for child in token.children or []]
    html = [t.content for t in [*parsed, *inline] if t.type in ("html_block", "html_inline")]
    return {tag for block in html for tag in re.findall(r"<([^\s>\\]*)[^>]*>", block)}


OUR_TAGS = {"details", "/details", "summary", "/summary", "br"}


@hostile
def test_pages_hold_no_raw_html_of_a_student(text: str):
    """The only tags a page has are our own."""
    written = [Written(part="sums", criterion="add", heading="Question 5", text=text)]
    for page in markdown.pages(made(text, written=written), {}).values():
        assert html_tags(page) <= OUR_TAGS
        assert FORBIDDEN.search(page) is None


@pytest.mark.parametrize(
    "name", ["a script", "an SVG handler", "a comment", "an address in angles"]
)
def test_a_heading_holds_no_raw_html(name: str):
    """The heading of a written answer stands between HTML tags, and is escaped as HTML."""
    written = [Written(part="sums", criterion="add", heading=HOSTILE[name], text="")]
    page = markdown.pages(made(written=written), {})["index.md"]

    assert html_tags(page) <= OUR_TAGS


@hostile
def test_the_terminal_shows_one_line_a_criterion(text: str):
    """Whatever the reason holds, the summary has the same number of lines."""
    shown = summary(made(text), "reports/x/index.md")

    assert len(shown.splitlines()) == len(summary(made(), "reports/x/index.md").splitlines())
    assert FORBIDDEN.search(shown) is None


def test_there_is_an_index_and_a_page_for_each_seed():
    """The index links every seed's page."""
    pages = markdown.pages(made(seeds=(0, 7)), {})

    assert pages.keys() == {"index.md", "seed-0.md", "seed-7.md"}
    assert "(seed-7.md)" in pages["index.md"]


def test_the_index_tells_points_reason_hint_and_runs():
    """One row a criterion; one square a run."""
    rows = tables(markdown.pages(made("off by 2"), {})["index.md"])

    assert ["✗", "Adding", "1.5/2", "off by 2 (in 1 of 4 runs) Hint: off by 2"] in rows
    assert ["0", "✓", "✓"] in rows
    assert ["1", "✗ 1", "✓"] in rows


def test_the_index_links_the_figures_that_were_drawn():
    """No link to a picture that is not there."""
    page = markdown.pages(made(), {"sums-loss.svg": b""})["index.md"]

    assert "![Loss](sums-loss.svg)" in page
    assert "sums-both.svg" not in page


def test_the_spread_has_mean_and_interval():
    """Seeds 0 and 1 of column a measured 0.90 and 0.91."""
    rows = tables(markdown.pages(made(), {})["index.md"])

    assert ["accuracy", "a", "2", "0.905", "0.8415 to 0.9685", "0.9", "0.91"] in rows


def test_a_result_without_runs_has_a_report():
    """Nothing was handed in: a page says so all the same."""
    pages = markdown.pages(made(runs=[], measurements=[], written=[]), {})

    assert pages.keys() == {"index.md"}
    assert "nothing was run" in pages["index.md"]


@pytest.mark.parametrize(
    ("verdict", "earned", "sign", "mark"),
    [
        (Verdict.PASSED, 2.0, "✓", "2/2"),
        (Verdict.FAILED, 0.5, "✗", "0.5/2"),
        (Verdict.NOT_ANSWERED, 0.0, "·", "0/2"),
        (Verdict.NOT_JUDGED, None, "?", "-/2"),
        (Verdict.FOR_REVIEW, None, "…", "-/2"),
    ],
)
def test_the_summary_shows_each_verdict(
    verdict: Verdict, earned: float | None, sign: str, mark: str
):
    """Its sign, and a dash while nobody has judged it."""
    shown = summary(made(criteria=[criterion(verdict, earned)]), "x")

    assert re.search(rf"^  {re.escape(sign)} Adding +{re.escape(mark)}", shown, re.MULTILINE)


def test_the_summary_counts_what_was_judged_and_what_was_not():
    """Points for review, and points that our own fault left unjudged, are told apart."""
    criteria = [
        criterion(Verdict.PASSED, 2.0),
        criterion(Verdict.FOR_REVIEW, None),
        criterion(Verdict.NOT_JUDGED, None),
    ]
    shown = summary(made(criteria=criteria), "here")

    assert shown.splitlines()[-1].startswith("2/2 judged, 2 for review, 2 not judged (our fault)")


@pytest.mark.filterwarnings("error")
def test_figures_are_drawn_where_there_is_something_to_draw():
    """SVG for curves, pairs and maps; nothing for what was never measured."""
    drawn = plots.figures(made())

    assert drawn.keys() == {"sums-loss.svg", "sums-both.svg", "sums-map.svg"}
    assert {ET.fromstring(picture).tag for picture in drawn.values()} == {
        "{http://www.w3.org/2000/svg}svg"
    }


def test_equal_data_make_equal_pictures():
    """To the byte: a report that did not change shows no change."""
    assert plots.figures(made()) == plots.figures(made())


def test_other_data_make_another_picture():
    """The picture is of the data."""
    other = [m.model_copy(update={"value": [2.0, 0.1]}) for m in made().measurements]

    pictures = plots.figures(made(measurements=other))

    assert pictures["sums-loss.svg"] != plots.figures(made())["sums-loss.svg"]


def test_a_reason_why_nothing_was_answered_is_told_in_full_once():
    """The first criterion has it, others name that one; what failed keeps its own reason."""
    silent, failed = (
        Property(name="p", title="P", verdict=verdict, held=0, judged=1, reason="cell 3 is ill")
        for verdict in (Verdict.NOT_ANSWERED, Verdict.FAILED)
    )
    sheet = [criterion(silent.verdict, 0.0, silent), criterion(failed.verdict, 0.0, failed)]
    sheet = [c.model_copy(update={"title": n}) for n, c in zip("AB", sheet, strict=True)]
    result = made(criteria=[*sheet, sheet[0].model_copy(update={"title": "C"})], runs=[])
    pages = [
        summary(result, "x").replace('"', "&#34;"),
        markdown.pages(result, [])["index.md"].replace('"', "&#34;"),
        html.page(result, {}).partition('<ul class="criteria">')[2],
    ]

    assert [page.count("not answered: cell 3 is ill") for page in pages] == [1, 1, 1]
    assert [page.count("cell 3 is ill") for page in pages] == [2, 2, 2]
    assert [page.count("not answered for the same reason as &#34;A&#34;") for page in pages] == [
        *(1, 1, 1)
    ]


def test_of_reasons_missed_alike_the_first_told_comes_first():
    """Told several times it keeps its place; one that names a mistake goes before others."""
    missed = [
        Property(name=str(i), title="P", verdict=Verdict.FAILED, held=0, judged=1, reason=reason,
                 mistake=mistake)
        for i, (reason, mistake) in enumerate(
            [("b is zero", ""), ("no slope", ""), ("b is zero", ""), ("a name: of it", "a name")]
        )
    ]  # fmt: skip
    several = criterion(Verdict.FAILED, 0.0, *missed)

    told = [prop.reason for prop in reasons(several)]

    assert told == ["a name: of it", "b is zero", "no slope"]


def test_what_is_only_undecided_is_told_after_what_follows_from_a_mistake():
    """It held in every run there was: it is no reason why points were lost."""
    undecided = Property(
        name="u", title="P", verdict=Verdict.UNDECIDED, held=1, judged=1, reason="held so far"
    )
    aside = Property(
        name="a", title="P", verdict=Verdict.SET_ASIDE, held=0, judged=0, reason="follows from x"
    )

    told = [prop.reason for prop in reasons(criterion(Verdict.UNDECIDED, 0.0, undecided, aside))]

    assert told == ["follows from x", "held so far"]
