"""A real browser: Debian's Chromium, driven by playwright."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="`pip install -e '.[browser]'` brings it")

from playwright.sync_api import Browser, Page

from assay.records import Result
from assay.report import html, plots
from docs.screenshots import LOOKS, chromium, executable

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not executable() and not os.environ.get("ASSAY_PINNED_BROWSER"):
        pytest.skip("there is no Chromium here")
    with chromium() as started:
        yield started


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
