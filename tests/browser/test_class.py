"""The page of a class in a real browser: nothing acts, and everybody can read it."""

from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="`pip install -e '.[browser]'` brings it")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from assay.judge.similarity import Feature
from assay.records import Outcome, Verdict
from assay.report import class_report
from assay.report.class_report import Entry
from docs.screenshots import LOOKS
from tests.report.test_class_report import result
from tests.toys.made import HOSTILE

COUNTED = "() => document.getElementsByTagName('*').length"
OPENED = "() => document.querySelectorAll('details').forEach(found => { found.open = true })"


def a_class(text: str) -> list[Entry]:
    """Every section has something to show, and what students write is `text`."""
    shared = [Feature("code", "a", f"def f():\n    '{text}'"), Feature("words", "b", text)]
    lost = result(f"{text}-1", 0.0, text=text, mistake=text, outcomes=(Outcome.TIMED_OUT,))
    partly = result(f"{text}-2", 1.0, text=text, mistake=text)
    aside = result("cleo", 0.0, verdict=Verdict.SET_ASIDE)
    entries = [class_report.entry(lost, shared), class_report.entry(partly, shared)]
    entries += [class_report.entry(one) for one in (result("ada"), aside)]
    return [*entries, class_report.without_marks(f"{text}-3", "Toy", [text])]


def opened(browser: Browser, path: Path, text: str, look: str, asked: list[str]) -> Page:
    """The page as a file, everything that folds unfolded; what it asks for is noted."""
    path.write_text(class_report.page(a_class(text)), encoding="utf-8")
    page = browser.new_context(**LOOKS[look]).new_page()
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: asked.append(said.text))
    page.goto(path.as_uri())
    page.evaluate(OPENED)
    asked.remove(path.as_uri())
    return page


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_does_nothing(browser: Browser, tmp_path: Path, text: str):
    """No dialog, no request, and as many elements as a harmless class has."""
    asked: list[str] = []
    tame = opened(browser, tmp_path / "tame.html", "fine", "desktop", asked).evaluate(COUNTED)
    wild = opened(browser, tmp_path / "wild.html", text[:5_000], "desktop", asked)
    code = wild.evaluate("() => document.querySelectorAll('th > code, li > code').length")

    assert asked == []
    assert wild.evaluate(COUNTED) - code == tame


@pytest.mark.parametrize("look", ["desktop", "dark", "phone"])
def test_axe_finds_no_violation(browser: Browser, tmp_path: Path, look: str):
    """Headings, contrast, names, roles and keyboard."""
    found = Axe().run(opened(browser, tmp_path / "index.html", "off by 0.3", look, []))

    assert found.violations_count == 0, found.generate_report()


def test_nothing_sticks_out_on_a_phone(browser: Browser, tmp_path: Path):
    """Wide tables scroll by themselves; the page does not."""
    page = opened(browser, tmp_path / "index.html", "x" * 300, "phone", [])

    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
