"""The page on which people mark, in a real Chromium, by keyboard alone."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="`pip install -e '.[browser]'` brings it")
pytest.importorskip("starlette", reason="`pip install -e '.[review]'` brings it")

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route

from assay.classroom import marks, out
from assay.classroom.room import Room, open_room
from assay.review import serve
from assay.review.board import Board
from docs.screenshots import LOOKS
from tests.classroom.postgres import fresh_database
from tests.review.classes import QUESTIONS, a_class, graded
from tests.review.ports import free_port

Open = Callable[..., Page]


class Served(serve.Server):
    """The review on a port of its own, in a thread of this process."""

    def __init__(self, room: Room, port: int) -> None:
        super().__init__(room, ("tom", "uma"), f"http://127.0.0.1:{port}", "127.0.0.1", port)
        self.room, self.port = room, port
        self.board: Board = self._config.app.state.board  # type: ignore[union-attr]
        self.server = uvicorn.Server(self._config)
        self.server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        arguments = {"sockets": [self._socket]}
        self.thread = threading.Thread(target=self.server.run, kwargs=arguments, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)
        self.room.book.close()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(port: int | None = None, room: Room | None = None, **how: Any) -> Served:
        served = room or a_class(tmp_path / f"c{len(started)}", **how)
        started.append(Served(served, port or free_port()))
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
        page.set_default_timeout(60_000)
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
    end = time.monotonic() + 60
    name = queue(page)
    while page.evaluate("name => localStorage.getItem(name)", name) not in ("[]", None):
        assert time.monotonic() < end
        page.wait_for_timeout(20)


def queue(page: Page) -> str:
    """The name under which the browser keeps what waits."""
    return f"assay-review-queue-{page.locator('meta[name=queue]').get_attribute('content')}"


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


def test_a_mark_of_the_command_line_is_met_before_it_is_replaced(
    serving: Callable[..., Served], visit: Open
):
    """Its points and reason are shown; a key meets it as a conflict, then may stand above it."""
    served = serving(people=1)
    member = served.room.roster.members[0]
    marks.mark(served.room, member, "p/boss", Decimal(4), by="lead", over=0, reason="looked at it")
    tom = visit(served, path="/q/1", complains=False)
    assert "4 points by lead" in tom.inner_text("#receipt")
    press(tom, "1")
    tom.wait_for_selector("#conflict:not([hidden])")

    assert "4 points by" in tom.inner_text("#conflict-said")
    assert [(one.by, str(one.points)) for one in marks_of(served)] == [("lead", "4")]
    tom.click("#put-mine")
    quiet(tom)
    saved(tom)
    assert [(one.by, str(one.points)) for one in marks_of(served)] == [("tom", "2")]


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


def test_after_b_a_digit_is_a_comment_and_then_an_item_again(
    serving: Callable[..., Served], visit: Open
):
    """Two keys choose a comment; arrows reach those that have no digit; a letter ends it."""
    served = serving()
    for number in range(11):
        board = served.board
        board.store.set_comment(
            board.question(1), f"c{number}", f"Word {number}.", by="x", expected=0
        )
    page = visit(served, path="/q/1")
    press(page, "3", "b", "2", "1")
    quiet(page)

    assert [(str(one.points), one.comment) for one in marks_of(served)] == [("3", "Word 1.")]
    press(page, "b", *["ArrowDown"] * 10, "Enter", "b", "f", "1")
    quiet(page)
    assert page.is_hidden("#choosing")
    assert [(str(one.points), one.comment) for one in marks_of(served)] == [
        ("1", "Word 1.\nWord 10.")
    ]
    press(page, "b", "Escape", "1", "Escape")
    quiet(page)
    assert [str(one.points) for one in marks_of(served)] == ["3"]


def test_after_the_last_answer_come_the_questions_and_flags_are_found(
    serving: Callable[..., Served], visit: Open
):
    """`n` ends at the first page, and leaves none that is not marked; `F` finds flags."""
    served = serving(people=3)
    page = visit(served, path="/q/1")
    press(page, "1", "f")
    quiet(page)
    press(page, "n")
    page.wait_for_selector("#where:has-text('2 of 3')")
    press(page, "2", "n")
    page.wait_for_selector("#where:has-text('3 of 3')")
    press(page, "n")
    page.wait_for_selector("#receipt:has-text('This is the only one that is not marked')")
    press(page, "3", "F")
    page.wait_for_selector("#where:has-text('1 of 3')")
    press(page, "F")
    page.wait_for_selector("#receipt:has-text('No other answer is flagged')")
    quiet(page)
    press(page, "n")
    page.wait_for_selector("h1:has-text('What there is to mark')")

    assert sorted(str(one.points) for one in marks_of(served)) == ["1", "2", "2"]
    page.locator("tbody tr").first.locator("td >> nth=3").locator("a").click()
    page.wait_for_selector("#flagged:not([hidden])")


def test_the_next_answer_is_asked_for_when_the_mark_has_arrived(
    serving: Callable[..., Served], visit: Open
):
    """Else it would count the one before as not marked, and `n` would lead back to it."""
    served = serving(people=3)
    page = visit(served, path="/q/1")
    routes = held(page, "/save")
    press(page, "1", "n")
    wait_for(page, lambda: bool(routes))
    page.wait_for_timeout(200)

    assert page.inner_text("#where") == "1 of 3"
    routes[0].continue_()
    page.wait_for_selector("#where:has-text('2 of 3')")
    assert page.inner_text("#done") == "1"
    page.unroute("**/save")


def test_a_screen_reader_is_told_which_answer_is_shown(serving: Callable[..., Served], visit: Open):
    """By a status that stays, as the rest of the page is exchanged; whoever is asked has a name."""
    page = visit(serving(), path="/q/1")
    go_on(page)
    page.wait_for_selector("#told:has-text('Answer 2 of 4: Not marked yet')", state="attached")
    tree = page.locator("body").aria_snapshot()

    assert 'status: "Answer 2 of 4: Not marked yet"' in tree
    for role, name in (
        ("region", "Answer"), ("region", "Mark"), ("group", "Rubric"), ("navigation", "Answers"),
        ("progressbar", "Marked so far"), ("searchbox", "Search in all answers"),
        ("textbox", "Comment for the student c"),
    ):  # fmt: skip
        assert page.get_by_role(role, name=name, exact=True).count() == 1, (role, name)  # type: ignore[arg-type]
    assert page.get_by_role("button").count() == page.locator("button:visible").count()
    press(page, "1")
    saved(page)
    assert page.get_by_role("status").filter(has_text="Saved: 2 of 5").count() == 1


def test_nothing_is_wider_than_a_phone(serving: Callable[..., Served], visit: Open):
    """Whatever is wide scrolls in a place of its own."""
    wide = "$$" + "x + " * 60 + "x$$\n\n|" + " wide |" * 30 + "\n|" + "---|" * 30
    served = serving(texts={(n, "boss"): [f"{wide}\n\nauthor {n} " + "w" * 300] for n in range(4)})
    page = visit(served, look="phone", complains=False)
    for path in ("/", "/q/1", "/q/1/items", "/agreement/1", "/q/9"):
        page.goto(served.links["tom"].partition("/enter")[0] + path)
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, path


def test_a_key_that_comes_before_the_next_answer_marks_none(
    serving: Callable[..., Served], visit: Open
):
    """`j` and a digit in one breath: neither the answer that is left nor the unseen one has it."""
    served = serving()
    page = visit(served, path="/q/1")
    routes = held(page, "/q/1/1/*")  # a key that comes after it is meant for the next answer
    press(page, "j", "1", "f")
    wait_for(page, lambda: bool(routes))
    routes[0].continue_()
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


def held(page: Page, path: str) -> list[Route]:
    """Keep what goes to this address until it is let go."""
    routes: list[Route] = []
    page.route(f"**{path}", lambda route: routes.append(route))
    return routes


def let_go(page: Page, routes: list[Route], path: str) -> None:
    """Let it go on to the server, and its reply come back to the page."""
    wait_for(page, lambda: bool(routes))
    with page.expect_response(f"**{path}"):
        routes[0].continue_()
    page.wait_for_timeout(100)
    quiet(page)


def wait_for(page: Page, done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        page.wait_for_timeout(20)


def go_on(page: Page, place: str = "2 of 4") -> None:
    page.click("#next")
    page.wait_for_selector(f"#where:has-text('{place}')")


def test_a_comment_that_the_bank_takes_late_stays_with_its_answer(
    serving: Callable[..., Served], visit: Open
):
    """Whoever goes on meanwhile finds it offered for the next answer, and not chosen."""
    served = serving()
    page = visit(served, path="/q/1")
    press(page, "1")
    saved(page)
    routes = held(page, "/bank")
    page.fill("#comment", "Name a limit.")
    page.click("#keep")
    go_on(page)
    let_go(page, routes, "/bank")
    page.wait_for_selector("[data-comment]")

    assert page.get_attribute("[data-comment]", "aria-pressed") == "false"
    press(page, "2")
    saved(page)
    assert sorted(one.comment for one in marks_of(served)) == ["", "Name a limit."]


def test_what_is_taken_back_late_is_not_shown_for_the_next_answer(
    serving: Callable[..., Served], visit: Open
):
    """Its points and its items are those of the answer that is left."""
    served = serving()
    page = visit(served, path="/q/1")
    press(page, "1", "3")
    quiet(page)
    routes = held(page, "/undo")
    press(page, "u", "2")
    go_on(page)
    let_go(page, routes, "/undo")

    assert page.inner_text("#points") == "–"
    press(page, "3")
    saved(page)
    assert sorted(str(one.points) for one in marks_of(served)) == ["1", "2"]


def test_a_name_that_comes_late_is_not_shown_for_the_next_answer(
    serving: Callable[..., Served], visit: Open
):
    """It would be another student's."""
    page = visit(serving(), path="/q/1")
    routes = held(page, "/reveal")
    press(page, "r")
    go_on(page)
    let_go(page, routes, "/reveal")

    assert page.inner_text("#name") == ""


def in_conflict(served: Served, visit: Open) -> Page:
    """The page of uma, who marks an answer that tom has marked since she saw it."""
    tom = visit(served, path="/q/1")
    uma = visit(served, "uma", path=path_of(tom), complains=False)
    press(tom, "1")
    saved(tom)
    press(uma, "2", "3")
    uma.wait_for_selector("#conflict:not([hidden])")
    return uma


def path_of(page: Page) -> str:
    return "/" + page.url.split("/", 3)[3]


def test_a_mark_that_is_put_above_late_is_not_the_next_answers(
    serving: Callable[..., Served], visit: Open
):
    """The next answer has no mark, and the first one keeps its conflict."""
    served = serving()
    uma = in_conflict(served, visit)
    path = path_of(uma)
    routes = held(uma, path)
    uma.click("#put-mine")
    uma.click("#next, #previous >> nth=0")
    uma.wait_for_selector(f"#where:not(:has-text('{place_of(served, path)} of'))")
    let_go(uma, routes, path)

    assert [(one.by, str(one.points)) for one in marks_of(served)] == [("tom", "2")]
    assert "Yours was" in uma.inner_text("#kept")


def place_of(served: Served, path: str) -> int:
    board = served.board
    order = board.order(board.question(1), "1", "uma")
    return 1 + [one.id for one in order].index(path.rpartition("/")[2])


def test_each_answer_keeps_its_own_conflict(serving: Callable[..., Served], visit: Open):
    """Two that were marked without a connection: neither takes the place of the other."""
    served = serving()
    uma = visit(served, "uma", path="/q/1", complains=False)
    uma.route("**/save", lambda route: route.abort())
    first = path_of(uma)
    press(uma, "1")
    go_on(uma)
    second = path_of(uma)
    press(uma, "3")
    for path in (first, second):
        tom = visit(served, path=path)
        press(tom, "2")
        saved(tom)
    uma.unroute("**/save")
    uma.wait_for_selector("#conflict:not([hidden])")
    uma.wait_for_selector("#kept:has-text('2 of 5; says what is learned')")
    uma.click("#kept a")
    uma.wait_for_selector("#conflict:not([hidden])")

    assert path_of(uma) == first
    assert "1 of 5; names a limit" in uma.inner_text("#kept")
    uma.click("#put-mine")
    quiet(uma)
    uma.click("#kept a")
    uma.click("#keep-theirs")
    uma.wait_for_selector("#kept[hidden]", state="attached")
    assert sorted((one.by, str(one.points)) for one in marks_of(served)) == [
        ("tom", "2"),
        ("uma", "2"),
    ]
    assert path_of(uma) == second


def test_what_was_marked_of_an_answer_that_is_gone_is_shown_until_it_is_discarded(
    serving: Callable[..., Served], visit: Open
):
    """On every page, with the words of the comment."""
    served = serving()
    page = visit(served, path="/q/1", complains=False)
    page.route("**/save", lambda route: route.abort())
    press(page, "1")
    page.fill("#comment", "A long thought.")
    press(page, "Tab")
    page.wait_for_selector("#sign:has-text('2 kept in this browser')")
    page.evaluate(
        """name => localStorage.setItem(name, localStorage.getItem(name).replace(
            /"answer":"[^"]*"/g, '"answer":"0000000000000000"'))""",
        queue(page),
    )
    page.unroute("**/save")
    page.wait_for_selector("#kept:has-text('There is no such answer.')")
    page.goto(page.url.split("/q/")[0])

    assert "2 of 5; says what is learned; A long thought." in page.inner_text("#kept")
    page.click("#kept button")
    page.wait_for_selector("#kept[hidden]", state="attached")
    page.reload()
    assert page.is_hidden("#kept")


def test_a_fault_of_the_course_loses_no_mark(serving: Callable[..., Served], visit: Open):
    """A typo in review.toml while people mark: it is named, and the mark waits for its mending."""
    served = serving()
    page = visit(served, path="/q/1", complains=False)
    file = served.room.assignment.parent / "review.toml"
    right = file.read_text()
    file.write_text(right + "[[question]\n")
    shown = page.frame_locator("#answer").locator("main").inner_text()
    other = (int(shown.partition("author ")[2][0]) + 1) % 4
    new = {question: [f"A new answer of author {other}."] for question in QUESTIONS}
    graded(served.room, served.room.roster.members[other].key, other, new)
    press(page, "1")
    page.wait_for_selector("#sign:has-text('review.toml')")

    assert page.is_hidden("#kept")
    file.write_text(right)
    page.wait_for_selector("#sign:text-is('')", state="attached")
    quiet(page)
    assert [str(one.points) for one in marks_of(served)] == ["2"]


def test_a_comment_of_the_bank_is_changed_while_another_is_written(
    serving: Callable[..., Served], visit: Open
):
    """In a field of its own; what is written stays, and the next key meets no conflict."""
    served = serving()
    page = visit(served, path="/q/1")
    press(page, "1")
    saved(page)
    page.fill("#comment", "Name a limit.")
    page.click("#keep")
    page.wait_for_selector("[data-comment][aria-pressed=true]")
    page.fill("#comment", "And this is yours alone.")
    page.click("text=change all")
    quiet(page)
    page.fill(".edit textarea", "Name two limits.")
    page.click(".edit button[type=submit], .edit button >> nth=0")
    page.wait_for_selector("#receipt:has-text('Changed for every answer')")

    assert page.input_value("#comment") == "And this is yours alone."
    assert [one.comment for one in marks_of(served)] == [
        "Name two limits.\nAnd this is yours alone."
    ]
    press(page, "3")
    quiet(page)
    assert saved(page).startswith("Saved: 3 of 5")
    page.click("text=change all")
    press(page, "Escape")
    assert page.locator(".edit").count() == 0


def test_another_class_at_the_same_address_gets_nothing_of_what_waits(
    serving: Callable[..., Served], visit: Open
):
    """It waits for its own class, and is sent when that is served again."""
    autumn = serving()
    page = visit(autumn, path="/q/1", complains=False)
    page.route("**/save", lambda route: route.abort())
    press(page, "1")
    page.wait_for_selector("#sign:has-text('1 kept in this browser')")
    page.goto("about:blank")
    page.unroute("**/save")
    autumn.stop()
    spring = serving(port=autumn.port)
    page.goto(spring.links["tom"])
    page.wait_for_selector("h1:has-text('What there is to mark')")
    page.wait_for_timeout(300)

    assert page.inner_text("#sign") == ""
    assert page.is_hidden("#kept")
    page.goto("about:blank")
    spring.stop()
    again = serving(port=autumn.port, room=open_room(autumn.room.root))
    page.goto(again.links["tom"])
    page.wait_for_selector("h1:has-text('What there is to mark')")
    quiet(page)
    assert [str(one.points) for one in marks_of(again)] == ["2"]


@pytest.mark.thorough
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_markers_mark_three_questions_of_forty(
    serving: Callable[..., Served], visit: Open, database: str, request: pytest.FixtureRequest
):
    """By keys alone, in two browsers at once; an undo, a changed item, a second round, the file."""
    server = request.getfixturevalue("postgres") if database == "postgresql" else ""
    served = serving(people=40, gradebook=fresh_database(server) if server else "")
    both = [visit(served, by, complains=False) for by in ("tom", "uma")]
    for question in (1, 2, 3):
        mark_all(both, f"/q/{question}")
    rows = marks.rows(served.room)
    file = out.export(served.room, "csv", None)

    assert {(row.points, tuple(row.needs)) for row in rows} == {(2 + 2 + 4 + 3, ())}
    assert file.content.decode().count(",11.00,") == 40
    assert {one.by for one in marks_of(served)} == {"tom", "uma"}

    tom, uma = both
    open_page(tom, "/q/1")
    press(tom, "u")
    tom.wait_for_selector("#points:text-is('–')")  # on the answer that was marked last
    assert sum(one.points is None for one in marks_of(served)) == 1
    press(tom, "2", "3")
    quiet(tom)
    assert Counter(str(one.points) for one in marks_of(served)) == {"2": 39, "3": 1}

    open_page(tom, "/q/1/items")
    tom.fill("#points-1", "1.5")
    tom.press("#points-1", "Enter")
    assert "39 answers have it" in tom.inner_text("main")
    tom.click("text=Make the change")
    tom.wait_for_selector("text=Done: 39 marks changed")
    assert Counter(str(one.points) for one in marks_of(served)) == {"1.5": 39, "3": 1}

    mark_all([uma], "/q/1/2")
    open_page(uma, "/agreement/1")
    assert "40; the same points for 39" in uma.inner_text("main")
    uma.locator("tbody a").first.press("Enter")
    uma.wait_for_selector("#where:has-text('to settle')")
    press(uma, "1", "2")
    quiet(uma)
    press(uma, "n")
    uma.wait_for_selector("td:text-is('3.5')")
    file = out.export(served.room, "csv", None)

    assert Counter(str(one.points) for one in marks_of(served)) == {"1.5": 39, "3.5": 1}
    assert file.content.decode().count(",10.50,") == 39
    assert file.content.decode().count(",12.50,") == 1
    every = served.board.store.saves(served.board.question(1))
    assert Counter(one.round for one in every)["2"] == 40


def open_page(page: Page, path: str) -> None:
    page.goto("/".join(page.url.split("/", 3)[:3]) + path)


def mark_all(pages: list[Page], path: str) -> None:
    """Mark by `1` and `n` until nothing is left; of two marks on one answer the first stands."""
    for page in pages:
        open_page(page, path)
    left = list(pages)
    while left:
        for page in left:
            if page.inner_text("#points") == "–":  # the other one has not been here
                press(page, "1")
        for page in left:
            quiet(page)
            if page.is_visible("#conflict"):  # it has the focus
                press(page, "Enter")
                page.wait_for_selector("#conflict", state="hidden")
                page.wait_for_load_state()
        for page in left:
            place = page.inner_text("#where")
            press(page, "n")
            page.wait_for_selector(f"#where:not(:text-is('{place}')), #main:not([data-state])")
        left = [page for page in left if page.locator("#where").count()]


def marks_of(served: Served) -> list[Any]:
    """The newest mark of everybody who has one for the first question."""
    found = [served.room.book.marks("Words", one.key) for one in served.room.roster.members]
    return [one["p/boss"] for one in found if "p/boss" in one]


@pytest.mark.parametrize("look", ["desktop", "dark", "phone", "dark phone"])
@pytest.mark.parametrize("path", ["/", "/q/1", "/q/1/items", "/agreement/1"])
def test_axe_finds_no_violation(serving: Callable[..., Served], visit: Open, look: str, path: str):
    """Headings, contrast, names, roles and keyboard, in frames too."""
    page = visit(serving(), look=look, path=path)
    page.wait_for_load_state("networkidle")
    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("look", ["desktop", "dark", "phone", "dark phone"])
def test_axe_finds_no_violation_in_what_is_seldom_seen(
    serving: Callable[..., Served], visit: Open, look: str, monkeypatch: pytest.MonkeyPatch
):
    """No session, no such page, a form that is refused, a fault, a search; each with a heading."""
    served = serving()
    page = visit(served, look=look, complains=False)
    origin = served.links["tom"].partition("/enter")[0]

    def check(said: str) -> None:
        page.wait_for_selector(f"main:has-text('{said}')")
        page.wait_for_load_state("networkidle")
        found = Axe().run(page)
        assert found.violations_count == 0, (said, found.generate_report())
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    for path, said in (
        ("/nothing", "There is no such page"),
        ("/enter?token=x", "This link is old"),
        ("/search/1/1?words=author", "4 of the answers hold"),
        ("/search/1/1?words=nowhere", "0 of the answers hold"),
        ("/q/1/settled", "There is nothing to mark here"),
    ):
        page.goto(origin + path)
        check(said)
    page.goto(origin + "/q/1/items")
    page.fill("#points-new", "x")
    page.fill("#text-new", "x")
    page.click("text=Add it")
    check("is no number of points")
    page.goto(origin + "/q/1/items")
    long = "element => { element.removeAttribute('maxlength'); element.value = 'x'.repeat(1e6) }"
    page.locator("#text-new").evaluate(long)
    page.fill("#points-new", "1")
    page.click("text=Add it")
    check("at most 1,000,000 bytes")
    monkeypatch.setattr(served.board.store, "items", lambda _: 1 / 0)
    page.goto(origin + "/q/1/items")
    check("The server has a fault")
    page.context.clear_cookies()
    page.goto(origin + "/q/1")
    check("open the link")


def test_the_first_tab_leads_past_the_head(serving: Callable[..., Served], visit: Open):
    """A link that is seen while it has the focus; whatever has it has an outline."""
    page = visit(serving(), path="/q/1")
    press(page, "Tab")
    skip = page.locator(":focus")

    assert skip.inner_text() == "Skip to the content"
    assert (skip.bounding_box() or {"x": -1})["x"] >= 0
    press(page, "Enter")
    page.wait_for_url("**#main")
    press(page, "Tab")
    assert page.evaluate("document.querySelector('#main').contains(document.activeElement)")
    for _ in range(15):
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
        press(page, "Tab")
