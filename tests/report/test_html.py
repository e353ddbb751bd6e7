"""The HTML report shows what students wrote, obeys none of it, and asks nobody for anything."""

import base64
import itertools
import json
import re
import time
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from assay.records import Drawing, Estimate, Property, Result, Tally, Verdict
from assay.report import html, markdown, plots
from docs.schema import schema
from tests.toys.made import FORBIDDEN, HOSTILE, criterion, made

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "results.json"
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
VOID = {"meta", "img", "br", "wbr", "hr", "input", "link"}


class Page(HTMLParser):
    """The tags of a page with their attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data if self.open[-1:] != ["style"] else ""

    def names(self) -> set[str]:
        return {tag for tag, _ in self.tags}

    def of(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]


def page(result: Result) -> Page:
    return Page(html.page(result, plots.figures(result)))


@cache
def plain() -> Page:
    """A page of a result in which nothing is hostile."""
    return page(made())


@pytest.fixture(scope="module")
def example() -> Result:
    return Result.model_validate_json(EXAMPLE.read_bytes())


@hostile
def test_a_page_keeps_its_form(text: str):
    """With hostile names, errors, answers and drawings no element of another kind appears."""
    shown = Page(html.page(made(text), {}))

    assert shown.open == []
    assert shown.names() <= plain().names() | {"code"}
    assert not any(name.startswith("on") for _, attrs in shown.tags for name in attrs)
    assert all(link.startswith("#") for link in shown.of("href"))
    assert shown.of("style") == []


@hostile
def test_nothing_controls_the_reader(text: str):
    """No escape, no control character, none that turns the direction, in text or attribute."""
    assert FORBIDDEN.search(html.page(made(text), {})) is None


def test_a_page_shows_the_text_itself():
    """Angles, quotes and braces are read as they were written."""
    text = "<b>\"'&amp; {{ 7 * 7 }}"

    assert text in page(made(text)).words


def test_a_page_loads_nothing():
    """A strict policy, pictures inside the page, and no other address anywhere."""
    shown = plain()
    policy = next(a["content"] or "" for _, a in shown.tags if "http-equiv" in a)

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert shown.of("src")
    assert all(source.startswith("data:image/") for source in shown.of("src"))
    assert not shown.names() & {"script", "link", "iframe", "object", "form", "base"}


def test_every_picture_has_words():
    """For those who do not see it: what was measured, in numbers."""
    pictures = [attrs["alt"] or "" for tag, attrs in plain().tags if tag == "img"]

    assert "Loss. loss, means over seeds: a: from 1 to 0.5; b: from 1 to 0.5" in pictures
    assert "Map. 1.00 0.00 / 0.50 0.50; as they should be: 1.00 0.00 / 0.50 0.50" in pictures
    assert all(pictures)


def test_headings_go_down_one_step_at_a_time():
    """One h1, and no level is left out."""
    levels = [int(tag[1]) for tag, _ in plain().tags if re.fullmatch("h[1-6]", tag)]

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_link_inside_a_page_leads_somewhere():
    """Fragments are the ids of elements, each of which is there once."""
    shown = plain()
    ids = shown.of("id")

    assert len(ids) == len(set(ids))
    assert {link[1:] for link in shown.of("href")} <= set(ids)


def test_the_greatest_loss_comes_first():
    """What to look at first is what cost most, with its reason and its hint."""
    small = Property(
        name="a", title="A", verdict=Verdict.FAILED, held=0, judged=1, reason="small slip"
    )
    great = small.model_copy(update={"reason": "great slip", "hint": "look here"})
    criteria = [
        criterion(Verdict.FAILED, 1.75, small).model_copy(update={"title": "Little"}),
        criterion(Verdict.FAILED, 0.5, great).model_copy(update={"title": "Much"}),
    ]
    words = page(made(criteria=criteria)).words
    first = words[words.index("Look at this first") : words.index("Cell 2 failed")]

    assert first.index("great slip") < first.index("small slip")
    assert "Hint: look here" in first
    assert "−1.5" in first


def test_the_grid_says_how_many_held():
    """Words in every square, not colour alone; a run that broke says how."""
    result = made()
    tallies = [
        Tally(run="sums/a/seed-0", held=10, judged=10),
        Tally(run="sums/a/seed-1", held=8, judged=10),
    ]
    words = page(result.model_copy(update={"tallies": tallies})).words

    assert "10/10" in words
    assert "8/10" in words


def test_a_failing_cell_is_shown_with_its_line():
    """Once for all runs, with its source; the traceback holds no colours."""
    shown = page(made("x = 1\nboom"))

    assert "Cell 2 failed in 4 of 4 runs" in shown.words
    assert "\x1b" not in shown.words


def test_thresholds_are_drawn():
    """A claim's threshold is a line in the strips of its measurement."""
    classes = plain().of("class")

    assert classes.count("threshold") == 2
    assert "at least 0.5 in 95% of seeds" in plain().words


def test_paired_differences_are_drawn_with_their_verdict():
    """An estimate without a claim has its mean, interval and threshold."""
    found = Estimate(
        place="sums/a", n=5, value=-0.02, low=-0.04, high=0.01, verdict=Verdict.UNDECIDED,
        threshold=-0.05,
    )  # fmt: skip
    parity = Property(
        name="p", title="Not worse", verdict=Verdict.UNDECIDED, held=1, judged=1, estimates=[found]
    )
    shown = page(made(criteria=[criterion(Verdict.UNDECIDED, 2.0, parity)]))

    assert "-0.02 -0.04 to 0.01" in shown.words
    assert "undecided: " in shown.words


ACTING = (
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script>'
    '<image href="https://evil.example/x.png"/><text onclick="alert(3)">d_model 32</text></svg>'
)


def test_a_drawing_is_rebuilt():
    """Its words come through, and nothing in it that acts or loads."""
    drawing = Drawing(part="sums", run=None, title="The model", source=ACTING)
    shown = html.page(made(drawings=[drawing]), {})
    picture = Page(shown).of("src")[-1]

    assert html.picture(b"") in picture[:40]
    assert "Words in it: d_model 32" in shown
    assert "alert" not in shown
    assert b"alert" not in base64.b64decode(picture.partition(",")[2])


def test_text_instead_of_a_drawing_is_shown_as_text():
    """Mermaid is not drawn, and a page says so."""
    drawing = Drawing(part="sums", run=None, title="The model", source="flowchart TD\n a --> b")
    words = page(made(drawings=[drawing])).words

    assert "It is text: this is its source." in words
    assert "a --> b" in words


def test_beginnings_of_drawings_without_an_end_are_read_once():
    """However many there are: a page with 16,000 of them takes no longer than one with one."""

    def seconds(count: int) -> float:
        drawing = Drawing(part="sums", run=None, title="None", source="<svg " * count)
        start = time.process_time()
        html.page(made(drawings=[drawing]), {})
        return time.process_time() - start

    seconds(1)  # templates are read

    assert min(seconds(16_000) for _ in range(3)) < 50 * seconds(1)


def test_what_was_not_graded_says_why():
    """A page without marks has the reasons and the hint to check beforehand."""
    result = made(not_graded=["`a.ipynb` is not a notebook"], parts=[], runs=[], criteria=[],
                  measurements=[], written=[], drawings=[], tallies=[])  # fmt: skip
    words = page(result).words

    assert "Not graded" in words
    assert "a.ipynb is not a notebook" in words


def test_a_page_tells_how_to_make_the_runs_again():
    """The command with the seeds that were run, and the digest."""
    words = page(made(seeds=(0, 1, 2))).words

    assert "assay grade SUBMISSION --seeds 0-2" in words
    assert "0" * 64 in words


def test_equal_results_make_equal_pages(example: Result):
    """To the byte, and the page of 45 runs stays below a megabyte and a half."""
    pictures = plots.figures(example)
    text = html.page(example, pictures)

    assert text == html.page(Result.model_validate_json(EXAMPLE.read_bytes()), pictures)
    assert len(text.encode()) < 1_500_000


def test_the_example_is_as_it_is_written_now(example: Result):
    """Its pictures and pages, to the byte: readers see there what they will get."""
    folder = EXAMPLE.parent
    pictures = plots.figures(example)
    notebooks = [path.name for path in sorted(folder.glob("*.ipynb"))]
    pages = markdown.pages(example, [*pictures, *notebooks])
    written = pictures | {name: text.encode() for name, text in pages.items()}
    written["index.html"] = html.page(example, pictures).encode()
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}

    assert [name for name in written if kept.get(name) != written[name]] == []
    assert kept.keys() == {*written, *notebooks, "results.json"}


def test_results_are_as_the_published_schema_says(example: Result):
    """A new result, and one that an earlier version of assay wrote."""
    published = json.loads((EXAMPLE.parents[2] / "docs" / "results.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(published)
    for result in (json.loads(EXAMPLE.read_text()), json.loads(made().model_dump_json())):
        assert list(validator.iter_errors(result)) == []
    assert list(validator.iter_errors({"schema_version": 9}))


def test_the_published_schema_is_that_of_the_records():
    """`python -m docs.schema` writes it again."""
    assert (EXAMPLE.parents[2] / "docs" / "results.schema.json").read_text() == schema()


def test_a_result_of_the_first_schema_has_a_report(example: Result):
    """What was not measured then is left out."""
    old = json.loads(made().model_dump_json())
    old |= {"schema_version": 1}
    for name in ("assay", "tallies", "drawings"):
        del old[name]

    assert "Adding" in html.page(Result.model_validate_json(json.dumps(old)), {})
