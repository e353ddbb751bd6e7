"""Reports in a real browser: nothing acts, nothing is asked for, everybody can read them."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="`pip install -e '.[browser]'` brings it")

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page

from assay.records import Drawing, Result
from assay.report import html, plots
from docs.screenshots import LOOKS
from tests.toys.made import HOSTILE, made

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "results.json"
NOTHING = {
    "parts": [], "runs": [], "criteria": [], "measurements": [], "written": [], "drawings": [],
    "tallies": [],
}  # fmt: skip
RESULTS = {
    "the example": Result.model_validate_json(EXAMPLE.read_bytes()),
    "one that lost": made("`dW1` is off by 0.3"),
    "one not graded": made(not_graded=["`a.ipynb` is not a notebook"], **NOTHING),
}
results = pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
ACTING = (
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script>'
    '<style>@import "https://evil.example/a.css";</style>'
    '<image href="https://evil.example/x.png"/><text onclick="alert(3)">words</text></svg>'
)
MORE = {
    "the end of a style": "</style><script>alert(1)</script>",
    "the end of a title": "</title><img src=x onerror=alert(1)>",
    "the end of an attribute": '" onfocus="alert(1)" autofocus x="',
    "an acting drawing": ACTING,
    "a refresh": '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "a frame": '<iframe src="https://evil.example"></iframe>',
    "a base": '<base href="https://evil.example/">',
}
TEXTS = HOSTILE | MORE
COUNTED = "tags => tags.map(tag => document.getElementsByTagName(tag).length)"
TAGS = ["h2", "h3", "table", "tr", "td", "figure", "img", "li", "svg"]
OPENED = "() => document.querySelectorAll('details').forEach(found => { found.open = true })"
Visit = Callable[..., Page]


@pytest.fixture
def asked() -> list[str]:
    """What a page asked for or showed beside itself: addresses, dialogs, errors."""
    return []


@pytest.fixture
def visit(browser: Browser, tmp_path: Path, asked: list[str]) -> Iterator[Visit]:
    """Open the report of a result as a file: `visit(result, "phone")`."""
    contexts = []

    def open_(result: Result, look: str = "desktop", drawn: bool = True, **settings: Any) -> Page:
        path = tmp_path / "index.html"
        pictures = plots.figures(result) if drawn else {}
        path.write_text(html.page(result, pictures), encoding="utf-8")
        context = browser.new_context(**LOOKS[look], **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: asked.append(str(error)))
        page.on("console", lambda said: asked.append(said.text))
        page.goto(path.as_uri())
        asked[:] = [a for a in asked if a != path.as_uri() and not a.startswith("data:image/")]
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def usual() -> dict[str, list[int]]:
    """How many elements of each kind a harmless page has; filled by the first test."""
    return {}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_text_does_nothing(
    visit: Visit, asked: list[str], usual: dict[str, list[int]], text: str
):
    """No dialog, no request, no error, and the page has the parts that it always has."""
    if not usual:
        usual["counted"] = visit(shown_with("fine"), drawn=False).evaluate(COUNTED, TAGS)
    page = visit(shown_with(text), drawn=False)
    page.evaluate(OPENED)
    page.mouse.move(300, 300)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")

    assert asked == []
    assert page.evaluate("() => document.body.innerText.length") > 1000
    assert page.evaluate(COUNTED, TAGS) == usual["counted"]


def shown_with(text: str) -> Result:
    """The text wherever a student can write, and a drawing that would like to act."""
    return made(text, drawings=[Drawing(part="sums", run=None, title=text, source=ACTING)])


@results
@pytest.mark.parametrize("look", ["desktop", "dark", "phone"])
def test_axe_finds_no_violation(visit: Visit, asked: list[str], result: Result, look: str):
    """Headings, contrast, names, roles and keyboard, with everything folded open."""
    page = visit(result, look)
    page.evaluate(OPENED)
    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
    assert asked == []


@results
def test_nothing_sticks_out_on_a_phone(visit: Visit, result: Result):
    """What is wide scrolls by itself; the page does not."""
    page = visit(result, "phone")
    page.evaluate(OPENED)
    width = page.evaluate("() => document.documentElement.scrollWidth")

    assert width == 390


def test_the_keyboard_reaches_the_content_at_once(visit: Visit):
    """The first stop is a link past the head of the page."""
    page = visit(RESULTS["one that lost"])
    page.keyboard.press("Tab")
    first = page.evaluate("() => document.activeElement.innerText")
    page.keyboard.press("Enter")

    assert first == "Skip to the content"
    assert page.evaluate("() => document.activeElement.id") == "main"


def test_it_can_be_read_without_script(visit: Visit, asked: list[str]):
    """The words are the same where scripts are turned off."""
    page = visit(RESULTS["one that lost"], java_script_enabled=False)

    assert page.get_by_role("heading", name="Look at this first").is_visible()
    assert asked == []


def test_pictures_are_dark_in_the_dark(visit: Visit):
    """A plot has the colours of the page that it stands on."""
    result = RESULTS["one that lost"]
    shades = {}
    for look in ("desktop", "dark"):
        page = visit(result, look)
        shot = page.locator("img.plot").first.screenshot()
        shades[look] = _corner(shot)

    assert min(shades["desktop"]) > 240
    assert max(shades["dark"]) < 40


def _corner(png: bytes) -> tuple[int, ...]:
    pixel = Image.open(io.BytesIO(png)).convert("RGB").getpixel((1, 1))
    assert isinstance(pixel, tuple)
    return pixel


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_scrolls_sideways_fades_where_there_is_more(visit: Visit, scheme: str):
    """On a phone: the right edge at the start, the left one at the end; on a workdir neither."""
    edges = "box => ['--left', '--right'].map(n => getComputedStyle(box).getPropertyValue(n))"
    wide = visit(RESULTS["the example"], "phone", color_scheme=scheme).locator(".scroll").first
    begun = wide.evaluate(edges)
    wide.evaluate("box => { box.scrollLeft = box.scrollWidth }")
    wide.page.wait_for_timeout(100)
    workdir = visit(RESULTS["the example"]).locator(".scroll").first

    assert begun == ["0px", "56px"]
    assert wide.evaluate(edges) == ["56px", "0px"]
    assert workdir.evaluate(edges) == ["0px", "0px"]
