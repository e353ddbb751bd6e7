"""The page on which people mark, in a real Chromium, by keyboard alone."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="`pip install -e '.[browser]'` brings it")
pytest.importorskip("starlette", reason="`pip install -e '.[review]'` brings it")

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from assay.classroom import marks
from assay.classroom.room import Room
from assay.review import serve
from docs.screenshots import LOOKS
from tests.review.classes import a_class

Open = Callable[..., Page]


class Served(serve.Server):
    """The review on a port of its own, in a thread of this process."""

    def __init__(self, room: Room) -> None:
        port = free_port()
        super().__init__(room, ("tom", "uma"), f"http://127.0.0.1:{port}", "127.0.0.1", port)
        self.room = room
        self.server = uvicorn.Server(self._config)
        self.server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        arguments = {"sockets": [self._socket]}
        self.thread = threading.Thread(target=self.server.run, kwargs=arguments, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.room.book.close()


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(**how: Any) -> Served:
        started.append(Served(a_class(tmp_path / f"c{len(started)}", **how)))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Open the link of a marker in a browser of their own; what the page complains of fails."""
    contexts = []
    complaints: list[str] = []

    def open_(served: Served, by: str = "tom", look: str = "desktop", path: str = "") -> Page:
        context = browser.new_context(**LOOKS[look])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text))
        page.goto(served.links[by])
        page.wait_for_selector("h1:has-text('What there is to mark')")
        if path:
            page.goto(served.links[by].partition("/enter")[0] + path)
        return page

    yield open_
    for context in contexts:
        context.close()

    assert complaints == []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def quiet(page: Page) -> None:
    """Wait until nothing is left to be sent; the page's policy forbids to wait by a script."""
    end = time.monotonic() + 15
    while page.evaluate("() => localStorage.getItem('assay-review-queue')") not in ("[]", None):
        assert time.monotonic() < end
        page.wait_for_timeout(20)


def saved(page: Page) -> str:
    """Wait for the receipt of the last key."""
    page.wait_for_selector("#receipt.saved")
    return page.inner_text("#receipt")


def test_an_answer_is_marked_by_keys(serving: Callable[..., Served], visit: Open):
    """Two digits, a comment, a flag: each is saved, and stands in the gradebook."""
    served = serving()
    page = visit(served, path="/q/1")
    press(page, "1", "3")

    assert saved(page).startswith("Saved: 3 of 5")
    press(page, "c")
    page.keyboard.type("Good, but what of 5 > 3?")
    press(page, "Escape", "f")
    page.wait_for_selector("#flagged:not([hidden])")
    quiet(page)
    found = [served.room.book.marks("Words", one.key) for one in served.room.roster.members]
    given = [one["p/boss"] for one in found if one]

    assert [(str(one.points), one.comment, one.by) for one in given] == [
        ("3", "Good, but what of 5 > 3?", "tom")
    ]


def test_a_question_is_marked_from_the_first_answer_to_the_last(
    serving: Callable[..., Served], visit: Open
):
    """`1`, `n`, `1`, `n`: everybody's mark is in the marks of the class, and nothing is left."""
    served = serving(people=6)
    page = visit(served, path="/q/1")
    for number in range(6):
        page.wait_for_selector(f"#where:has-text('{number + 1} of 6')")
        press(page, "1")
        saved(page)
        press(page, "n")
    rows = marks.rows(served.room)

    assert [row.of("by hand") for row in rows] == [2.0] * 6


@pytest.mark.parametrize("look", ["desktop", "dark", "phone"])
@pytest.mark.parametrize("path", ["/", "/q/1", "/q/1/items", "/agreement/1"])
def test_axe_finds_no_violation(serving: Callable[..., Served], visit: Open, look: str, path: str):
    """Headings, contrast, names, roles and keyboard, in frames too."""
    page = visit(serving(), look=look, path=path)
    page.wait_for_load_state("networkidle")
    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
