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

from assay.classroom import marks, out
from assay.classroom.room import Room
from assay.review import serve
from docs.screenshots import LOOKS
from tests.review.classes import a_class
from tests.review.ports import free_port

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

    def open_(
        served: Served,
        by: str = "tom",
        look: str = "desktop",
        path: str = "",
        complains: bool = True,
    ) -> Page:
        context = browser.new_context(**LOOKS[look])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if complains:  # Chromium writes of every request that fails
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
    quiet(page)

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


def test_a_lost_connection_loses_nothing(serving: Callable[..., Served], visit: Open):
    """The sign says what waits; it is sent when the server is there again, a reload in between."""
    served = serving()
    page = visit(served, path="/q/1", complains=False)
    press(page, "1")
    saved(page)
    page.route("**/save", lambda route: route.abort())
    press(page, "2", "f")
    page.wait_for_selector("#sign:has-text('2 kept in this browser')")
    page.reload()

    assert page.inner_text("#points") == "4"
    page.wait_for_selector("#sign:has-text('2 kept in this browser')")
    page.unroute("**/save")
    quiet(page)
    assert [str(one.points) for one in marks_of(served)] == ["4"]
    page.wait_for_selector("#sign:text-is('')", state="attached")


def test_of_two_browsers_the_second_is_asked(serving: Callable[..., Served], visit: Open):
    """The first mark stays, until the second marker has seen it and puts theirs above."""
    served = serving()
    tom = visit(served, path="/q/1")
    path = "/" + tom.url.split("/", 3)[3]
    uma = visit(served, "uma", path=path, complains=False)
    press(tom, "1")
    saved(tom)
    press(uma, "2", "3")
    uma.wait_for_selector("#conflict:not([hidden])")

    assert "tom" in uma.inner_text("#conflict-said")
    assert [(one.by, str(one.points)) for one in marks_of(served)] == [("tom", "2")]
    uma.click("#put-mine")
    quiet(uma)
    saved(uma)
    assert [(one.by, str(one.points)) for one in marks_of(served)] == [("uma", "3")]


def test_a_save_is_taken_back_and_an_item_changed(serving: Callable[..., Served], visit: Open):
    """`u` on the answer; the form of the items shows what changes, then changes it."""
    served = serving()
    page = visit(served, path="/q/1")
    press(page, "1", "3")
    quiet(page)
    press(page, "u")
    page.wait_for_selector("#receipt:has-text('Taken back: 2 of 5')")

    assert page.inner_text("#points") == "2"
    address = page.url
    page.goto(address.split("/q/")[0] + "/q/1/items")
    page.fill("#points-1", "1")
    page.click("section[aria-labelledby=item-1] button")
    assert "1 answer has it" in page.inner_text("main")
    assert [str(one.points) for one in marks_of(served)] == ["2"]
    page.click("text=Make the change")
    page.wait_for_selector("text=Done: 1 mark changed")
    assert [str(one.points) for one in marks_of(served)] == ["1"]


def test_a_comment_of_the_bank_is_chosen_by_keys(serving: Callable[..., Served], visit: Open):
    """Kept once, it is offered for the next answer: `b`, then Enter."""
    served = serving()
    page = visit(served, path="/q/1")
    press(page, "1", "c")
    page.keyboard.type("Name a limit.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-comment][aria-pressed=true]")
    quiet(page)
    press(page, "n")
    page.wait_for_selector("#where:has-text('2 of 4')")
    press(page, "2", "b", "Enter")
    quiet(page)

    assert [one.comment for one in marks_of(served)] == ["Name a limit."] * 2


def test_a_key_that_comes_before_the_next_answer_marks_none(
    serving: Callable[..., Served], visit: Open
):
    """`j` and a digit in one breath: neither the answer that is left nor the unseen one has it."""
    served = serving()
    page = visit(served, path="/q/1")
    page.route("**/q/1/1/*", lambda route: (time.sleep(0.5), route.continue_()))
    press(page, "j", "1", "f")
    page.wait_for_selector("#where:has-text('2 of 4')")
    quiet(page)

    assert marks_of(served) == []
    press(page, "1")
    saved(page)
    assert len(marks_of(served)) == 1


def test_keys_work_inside_the_frame_and_nothing_runs_there(
    serving: Callable[..., Served], visit: Open
):
    """A click into the answer takes no key away; its script and its link do nothing."""
    evil = "<script>top.location = '/'</script> [x](javascript:alert(1)) text to click"
    served = serving(texts={(n, "boss"): [evil] for n in range(4)})
    page = visit(served, path="/q/1")
    page.frame_locator("#answer").locator("main").click()
    press(page, "1")

    assert saved(page).startswith("Saved: 2 of 5")
    assert page.frame_locator("#answer").locator("a, script").count() == 0


def test_a_screen_reader_is_told_what_it_needs(serving: Callable[..., Served], visit: Open):
    """Items are buttons that are pressed or not, the receipt is a status, the keys a dialog."""
    page = visit(serving(), path="/q/1")
    press(page, "1")
    saved(page)
    tree = page.locator("main").aria_snapshot()

    assert 'button "1 says what is learned +2" [pressed]' in tree
    assert "status: Saved" in tree.replace('"', "")
    assert "textbox" in tree
    press(page, "?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    press(page, "Escape", "/")
    page.keyboard.type("author")
    page.wait_for_selector(".found")
    assert page.get_by_role("link", name="Answer 1", exact=True).is_visible()


@pytest.mark.thorough
def test_three_questions_of_forty_are_marked_by_keys(serving: Callable[..., Served], visit: Open):
    """Every answer of a class, by keyboard alone; nothing waits, and the grade file has it."""
    served = serving(people=40)
    page = visit(served)
    for question in (1, 2, 3):
        page.goto(page.url.split("/q/")[0].rstrip("/") + f"/q/{question}")
        for number in range(40):
            page.wait_for_selector(f"#where:has-text('{number + 1} of 40')")
            press(page, "1")
            saved(page)
            press(page, "n")
    quiet(page)
    rows = marks.rows(served.room)
    file = out.export(served.room, "csv", None)

    assert {(row.points, tuple(row.needs)) for row in rows} == {(2 + 2 + 4 + 3, ())}
    assert file.content.decode().count(",11.00,") == 40


def marks_of(served: Served) -> list[Any]:
    """The newest mark of everybody who has one for the first question."""
    found = [served.room.book.marks("Words", one.key) for one in served.room.roster.members]
    return [one["p/boss"] for one in found if "p/boss" in one]


@pytest.mark.parametrize("look", ["desktop", "dark", "phone"])
@pytest.mark.parametrize("path", ["/", "/q/1", "/q/1/items", "/agreement/1"])
def test_axe_finds_no_violation(serving: Callable[..., Served], visit: Open, look: str, path: str):
    """Headings, contrast, names, roles and keyboard, in frames too."""
    page = visit(serving(), look=look, path=path)
    page.wait_for_load_state("networkidle")
    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()
