"""Attacks on the page: other sites, old tokens, hostile answers, odd names. Each is refused."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
import uvicorn
from starlette.testclient import TestClient

from assay.errors import UsageError
from assay.review import security, serve
from assay.review.server import app
from assay.review.store import Store
from tests.review.conftest import Begun
from tests.review.markers import ORIGIN, Marker, Marking
from tests.review.ports import free_port

T = TypeVar("T")

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
WRITES = ("/save", "/undo", "/reveal", "/bank", "/q/1/items")


@pytest.mark.parametrize("path", ["/", "/q/1", "/progress.csv", "/q/1/items", "/agreement/1"])
def test_without_a_session_nothing_is_shown(begun: Begun, path: str):
    """No page, no table, no name."""
    answer = begun().client().get(path)

    assert answer.status_code == 401
    assert "Autumn" not in answer.text


@pytest.mark.parametrize("token", ["", "x", "é", "0" * 43])
def test_a_wrong_token_gives_no_session(begun: Begun, token: str):
    """Nor does an empty one."""
    client = begun().client()
    answer = client.get("/enter", params={"token": token})

    assert (answer.status_code, dict(client.cookies)) == (403, {})


def test_a_link_grows_old(begun: Begun, monkeypatch: pytest.MonkeyPatch):
    """After an hour it gives no session; one that was given goes on."""
    marking = begun()
    tom = marking.marker("tom")
    opened = marking.door.opened
    monkeypatch.setattr(security, "monotonic", lambda: opened + security.LINK + 1)

    assert marking.client().get(marking.door.links()["uma"]).status_code == 403
    assert tom.client.get("/").status_code == 200


def test_a_session_grows_old_and_is_no_other_classs(begun: Begun, monkeypatch: pytest.MonkeyPatch):
    """A cookie of another key, of a marker who is not named, or of yesterday is refused."""
    marking, other = begun(), begun()
    tom = marking.marker("tom")
    cookie = tom.client.cookies[marking.door.cookie]

    assert other.door.marker(cookie) is None
    assert marking.door.marker(marking.door.session("eve")[0]) is None
    middle = len(cookie) - 10  # the last character has bits that stand for nothing
    other_letter = "A" if cookie[middle] != "A" else "B"
    assert marking.door.marker(cookie[:middle] + other_letter + cookie[middle + 1 :]) is None
    later = time.time() + security.EVENING + 10
    monkeypatch.setattr(time, "time", lambda: later)
    assert marking.door.marker(cookie) is None


def test_a_session_goes_on_after_a_restart(begun: Begun):
    """The key is kept, for its owner alone; the links are new."""
    marking = begun()
    tom = marking.marker("tom")
    again = Marking(marking.room)
    client = again.client()
    client.cookies = tom.client.cookies
    path = marking.room.root / ".assay" / security.KEY

    assert client.get("/").status_code == 200
    assert again.door.links() != marking.door.links()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "how", ["no token", "a wrong token", "no cookie", "another site", "a form of another site"]
)
def test_what_another_page_sends_is_not_written(begun: Begun, path: str, how: str):
    """A session alone writes nothing: the token of the form has to come twice, from this page."""
    marking = begun()
    tom = marking.marker("tom")
    at = tom.look()
    sent = tom.sent(at, 1)
    headers = {"X-CSRF-Token": tom.csrf}
    if how == "no token":
        headers = {}
    elif how == "a wrong token":
        headers = {"X-CSRF-Token": tom.csrf[::-1]}
    elif how == "no cookie":
        del tom.client.cookies[marking.door.double]
    elif how == "another site":
        headers |= {"Origin": "https://evil.example"}
    else:
        headers |= {"Sec-Fetch-Site": "cross-site"}
    answer = tom.client.post(path, json=sent, headers=headers)

    assert answer.status_code == 403
    assert not any(marking.marks())


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8642", "127.0.0.1", "127.0.0.1:80", "", "127.0.0.1:8642."],
)
def test_a_name_that_was_bound_to_this_address_is_refused(tom: Marker, host: str):
    """DNS rebinding: the browser believes that it talks to another site."""
    assert tom.client.get("/", headers={"Host": host}).status_code == 421
    assert tom.client.get("/static/review.js", headers={"Host": host}).status_code == 421


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(begun: Begun):
    """HttpOnly and SameSite; Secure where there is TLS."""
    marking = begun()
    answer = marking.client().get(marking.door.links()["tom"])
    cookies = answer.headers.get_list("set-cookie")

    assert len(cookies) == 2
    assert all("HttpOnly" in one and "SameSite=strict" in one for one in cookies)


def test_every_answer_says_what_the_page_may(tom: Marker):
    """No inline script, no other site, no frame around it; a nonce of its own each time."""
    at = tom.look()
    one, other = (tom.client.get(at.url).headers["content-security-policy"] for _ in range(2))
    frame = tom.client.get(f"/frame/1/{at.answer}").headers["content-security-policy"]

    assert one != other
    assert "default-src 'none'" in one
    assert "unsafe" not in one + frame
    assert "frame-ancestors 'none'" in one
    assert "script-src" not in frame
    assert "sandbox allow-same-origin" in frame
    assert "allow-scripts" not in frame + at.text
    assert "onclick" not in at.text


def test_only_what_is_everybodys_is_kept_by_a_browser(tom: Marker):
    """Scripts and styles, under an address that names their content; nothing of a student."""
    at = tom.look()
    frame = tom.client.get(f"/frame/1/{at.answer}")
    files = set(re.findall(r"/static/[\w.]+\?\w+", at.text + frame.text))

    assert len(files) == 4
    for path in files:
        assert "immutable" in tom.client.get(path).headers["cache-control"]
    for path in ("/", at.url, f"/frame/1/{at.answer}", "/progress.csv", "/search/1/1?words=author"):
        assert tom.client.get(path).headers["cache-control"] == "no-store"


HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an image": "<img src=x onerror=alert(1)>",
    "a picture": '<svg onload="alert(1)"><script>alert(2)</script></svg>',
    "a link": "[x](javascript:alert(1)) <a href='javascript:alert(1)'>y</a>",
    "an address": "<https://evil.example/?q> ![x](https://evil.example/x.png)",
    "latex": "$\\href{javascript:alert(1)}{x}$ $\\text{<img src=x onerror=alert(1)>}$",
    "a style": "<style>@import 'https://evil.example'</style><p style='position:fixed'>x</p>",
    "a frame": "<iframe src='https://evil.example'></iframe><object data=x></object>",
    "a form": "<form action='https://evil.example'><input name=csrf></form>",
    "a base": "<base href='https://evil.example'><meta http-equiv=refresh content='0;url=//e'>",
    "mathml": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table>",
    "an attribute": '<b title="x" onmouseover="alert(1)" class="line">x</b>',
    "a traversal": "![x](attachment:../../class.toml) ![y](../../roster.csv)",
    "half of a pair": "\ud800 \u202e \x00 x",
    "our own marks": "\ue0000\ue001 \ue0007\ue001",
}
ACTS = (
    *("<script", "<svg", "<iframe", "<object", "<form", "<input", "<base", "<meta", "<style"),
    *("<a ", "onerror=", "onload=", "onmouseover=", "style=", 'src="http', 'href="java'),
)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_a_student_writes_does_nothing(begun: Begun, text: str):
    """In the answer, the list of what was found, and the notebook as it ran."""
    marking = begun(texts={(n, "boss"): [f"author {n} {text}"] for n in range(4)})
    tom = marking.marker("tom")
    at = tom.look()
    pages = [
        tom.client.get(f"/frame/1/{at.answer}").text,
        tom.client.get(f"/frame/1/{at.answer}/notebook").text,
    ]
    tags = [unescaped(page.replace('<meta charset="utf-8">', "")) for page in pages]
    search = tom.client.get("/search/1/1", params={"words": "author"}).text

    assert [one for one in ACTS for page in tags if one in page] == []
    assert "<script>alert" not in search + at.text
    assert "evil.example" not in " ".join(attributes(page) for page in pages)


def unescaped(page: str) -> str:
    """All tags of a page, and nothing of its text."""
    return " ".join(re.findall(r"<[a-zA-Z/][^<>]*>", page))


def attributes(page: str) -> str:
    return " ".join(part for part in unescaped(page).split() if "=" in part)


def test_hostile_comments_and_names_are_text(begun: Begun):
    """A comment of the bank, an item and a name of a marker are escaped on every page."""
    marking = begun()
    tom = marking.marker("tom")
    evil = "</button><script>alert(1)</script>"
    at = tom.look()
    tom.post("/bank", {"question": 1, "text": evil})
    tom.form("/q/1/items", text=evil, points="1", version="0")
    tom.mark(at, 1, comment=evil)
    for path in (at.url, "/q/1/items", "/", "/search/1/1?words=<script>alert(1)</script>"):
        assert "<script>alert" not in tom.client.get(path).text
    assert "'=" not in tom.client.get("/progress.csv").text


@pytest.mark.parametrize(
    "name",
    [
        "../results.json",
        "..%2fresults.json",
        "results.json",
        "%2e%2e",
        "p-loss.svg%00",
        "/etc/passwd",
    ],
)
def test_a_plot_is_one_of_the_list_or_none(tom: Marker, name: str):
    """No path leads out of the report's folder, nor to another of its files."""
    at = tom.look()

    assert tom.client.get(f"/plot/1/{at.answer}/p-loss.svg").status_code == 200
    assert tom.client.get(f"/plot/1/{at.answer}/{name}").status_code == 404


def test_an_answer_of_10_mb_is_shown_in_part(begun: Begun):
    """Its beginning, and that there is more; in no more than some seconds."""
    long = "author 0 " + "<b>[x](y) $z$ " * 700_000
    marking = begun(people=1, texts={(0, "boss"): [long]})
    tom = marking.marker("tom")
    at = tom.look()
    frame = tom.client.get(f"/frame/1/{at.answer}")

    assert "characters" in frame.text
    assert len(frame.content) < 5_000_000
    assert len(at.text) < 100_000


def test_an_answer_of_10_mb_does_not_hold_the_page_up(begun: Begun):
    """Five million words beside a prompt: what is pointed out is looked for in the beginning."""
    marking = begun(
        people=1, texts={(0, "boss"): ["author 0 As an AI model I " + "w " * 5_000_000]}
    )
    tom = marking.marker("tom")
    at = tom.look()  # passages are looked for once
    begun_at = time.process_time()
    text = tom.look(at.url).text

    assert time.process_time() - begun_at < 1
    assert "text of an assistant: As an AI" in text


def test_a_thousand_figures_are_shown_in_part(begun: Begun):
    """Some are shown, and each other says that it is not."""
    text = "author 0 " + "".join(f"![f{n}](attachment:a.png)\n\n" for n in range(1_000))
    marking = begun(people=1, texts={(0, "boss"): [text]})
    room = marking.room
    path = next(room.reports.iterdir()) / "p-executed.ipynb"
    book = json.loads(path.read_text())
    book["cells"][1]["attachments"] = {"a.png": {"image/png": PIXEL}}
    path.write_text(json.dumps(book))
    tom = marking.marker("tom")
    frame = tom.client.get(f"/frame/1/{tom.look().answer}").text

    assert frame.count("<img ") == 60
    assert frame.count("one picture too many") == 940


@pytest.mark.parametrize("size", [1_000_001, 50_000_000])
def test_a_request_that_is_too_long_is_not_read(tom: Marker, size: int):
    """Its length is looked at before it is."""
    headers = {"Content-Length": str(size), "Content-Type": "application/json"}
    answer = tom.client.post("/save", content=b"{}", headers=headers)

    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", "²"),
        ("version", "٣"),
        ("version", "9" * 5_000),
        ("version", "-1"),
        ("points", "²"),
        ("points", "1e-99999999"),
        ("points", "9e999999999"),
        ("points", "sNaN"),
        ("points", "1_0"),
        ("points", "9" * 5_000),
        ("text", "x" * 200_000),
        ("text", "\x00"),
        ("key", "²"),
        ("undo", "²"),
    ],
)
def test_no_field_of_a_form_is_a_fault_of_the_server(tom: Marker, name: str, value: str):
    """What is no version and no number of points is refused, and the item is as it was."""
    fields = {"key": "item-1", "version": "1", "text": "says it", "points": "1", "sure": "yes"}
    answer = tom.form("/q/1/items", **(fields | {name: value}))

    assert answer.status_code in (400, 404, 409)
    assert next(one["points"] for one in tom.look().items) == "2"


def test_json_that_is_nested_too_deeply_is_refused(tom: Marker):
    """It is no fault of the server either."""
    headers = {"X-CSRF-Token": tom.csrf, "Content-Type": "application/json"}
    for path in ("/save", "/undo", "/reveal", "/bank"):
        answer = tom.client.post(path, content=b"[" * 400_000, headers=headers)
        assert answer.status_code == 400


def test_two_markers_who_race_on_one_answer_do_not_lose_a_mark(begun: Begun):
    """Of all that are sent at once one is written; the others are told."""
    from concurrent.futures import ThreadPoolExecutor

    marking = begun()
    tom, uma = marking.marker("tom"), marking.marker("uma")
    at = tom.look()
    hers = uma.look(at.url)
    sent = [(tom, tom.sent(at, 1)), (uma, uma.sent(hers, 2))] * 8
    for number, (_, body) in enumerate(sent):
        body["save"] = f"s{number}"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: one[0].post("/save", one[1]).status_code, sent))

    assert set(answers) <= {200, 409}
    assert [one.version for one in marking.marks() if one] == [1]


@pytest.mark.parametrize(
    ("how", "shown"),
    [
        ({"host": "127.0.0.1"}, "http://127.0.0.1:1"),
        ({"host": "localhost"}, "http://localhost:1"),
        ({"host": "::1"}, "http://[::1]:1"),
        ({"host": "127.0.0.1", "behind": "https://marks.example.org"}, "https://marks.example.org"),
        ({"behind": "https://Marks.Example.org:443/"}, "https://marks.example.org"),
        ({"behind": "https://marks.example.org:8443"}, "https://marks.example.org:8443"),
        ({"behind": "https://märks.example"}, "https://xn--mrks-loa.example"),
        ({"behind": "https://[2001:DB8::1]"}, "https://[2001:db8::1]"),
        (
            {"host": "0.0.0.0", "tls": True, "behind": "https://marks.example.org:1"},
            "https://marks.example.org:1",
        ),
        ({"host": "Marks.Example.org", "tls": True, "port": 443}, "https://marks.example.org"),
        ({"host": "marks.example.org", "tls": True}, "https://marks.example.org:1"),
    ],
)
def test_it_is_served_here_or_encrypted(how: dict[str, object], shown: str):
    """On loopback, with TLS, or behind a proxy that is named."""
    usual = {"host": "127.0.0.1", "port": 1, "tls": False, "behind": None}

    assert serve.origin(**(usual | how)) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "how",
    [{"host": "0.0.0.0"}, {"host": "192.168.1.2"}, {"host": "h"}, {"behind": "http://marks.example"},
     {"behind": "marks.example"}, {"behind": "https://"}, {"behind": "https://a@marks.example"},
     {"behind": "https://marks.example:x"}, {"behind": "https://marks.example/?q"},
     {"behind": "https://[::1"}, {"behind": "https://a..b"},
     # A proxy that encrypts does not keep others from the port that does not.
     {"host": "0.0.0.0", "behind": "https://marks.example.org"},
     {"host": "192.168.1.2", "behind": "https://marks.example.org"},
     # Every address has no name that a browser could ask for.
     {"host": "0.0.0.0", "tls": True}, {"host": "::", "tls": True}, {"host": "0", "tls": True},
     {"host": "", "tls": True}],
)  # fmt: skip
def test_it_is_not_served_in_the_clear(how: dict[str, object]):
    """Anything else is refused, with a hint."""
    with pytest.raises(UsageError):
        serve.origin(**({"host": "127.0.0.1", "port": 1, "tls": False, "behind": None} | how))  # type: ignore[arg-type]


def test_a_name_tells_nothing_of_the_author(begun: Begun):
    """Two classes give the same person other ids; none is a pseudonym."""
    one, other = begun(), begun()
    ids = [marking.marker("tom").look().answer for marking in (one, other)]
    names = {author.pseudonym for author in one.room.authors.values()}

    assert ids[0] != ids[1]
    assert not any(ids[0] in name for name in names)


@pytest.mark.parametrize("address", ["https://marks.example.org", "https://[2001:db8::1]"])
def test_a_cookie_has_a_name_behind_a_proxy(begun: Begun, address: str):
    """Without a port too."""
    marking = begun()
    door = security.door(("tom",), address, marking.room.root / ".assay")
    client = TestClient(app(marking.room, door), base_url=address)

    assert client.get(door.links()["tom"]).status_code == 200
    assert client.get("/").status_code == 200


def test_a_name_of_a_save_stands_for_one_save(begun: Begun):
    """Sent again it is answered; for another answer, choice or marker it is refused, not lost."""
    marking = begun()
    tom, uma = marking.marker("tom"), marking.marker("uma")
    at = tom.look()
    first = tom.sent(at, 1)

    assert [tom.post("/save", first).status_code for _ in range(2)] == [200, 200]
    following = tom.look()  # the next that is not marked
    other = tom.sent(following, 2) | {"save": first["save"]}
    choice = tom.sent(tom.look(at.url), 2) | {"save": first["save"]}
    assert [one.post("/save", body).status_code
        for one, body in ((tom, other), (tom, choice), (uma, first))] == [409] * 3  # fmt: skip
    assert [str(one.points) for one in marking.marks() if one] == ["2"]


def test_a_new_item_that_is_sent_twice_is_added_once(tom: Marker):
    """A double click, or a page that is loaded again: the form has a name of its own."""
    page = tom.client.get("/q/1/items").text
    fresh = re.search(r'name="new" value="(\w+)"', page)

    assert fresh
    fields = {"new": fresh[1], "version": "0", "text": "said twice", "points": "1"}
    codes = [tom.form("/q/1/items", **fields).status_code for _ in range(2)]
    assert codes == [200, 409]
    assert tom.client.get("/q/1/items").text.count('value="said twice"') == 1


@pytest.mark.parametrize("digits", [10, 5_000])
def test_a_number_that_no_question_has_is_not_found(tom: Marker, digits: int):
    """However long it is."""
    for path in ("/q/{}", "/q/{}/items", "/agreement/{}", "/frame/{}/x", "/plot/{}/x/y"):
        assert tom.client.get(path.format("9" * digits)).status_code == 404


def test_a_fault_of_the_server_is_a_page_with_the_same_policy(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
):
    """It says that nothing is lost, is kept by no browser, and to the script it is JSON."""
    marking = begun()
    tom = marking.marker("tom")

    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(Store, "items", broken)
    client = TestClient(marking.app, base_url=ORIGIN, raise_server_exceptions=False)
    client.cookies = tom.client.cookies
    page = client.get("/q/1/items")

    assert (page.status_code, page.headers["cache-control"]) == (500, "no-store")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "What was saved is kept" in page.text
    assert "secret" not in page.text


def test_who_has_no_session_is_shown_a_page_that_tells_nothing(begun: Begun):
    """No class, no script, no token: only what to do."""
    marking = begun()
    page = marking.client().get("/q/1")

    assert page.status_code == 401
    assert '<html lang="en">' in page.text
    assert "open the link" in page.text
    assert not re.search("Autumn|Words|<script|csrf", page.text)


def test_a_request_that_never_arrives_whole_is_ended(begun: Begun, monkeypatch: pytest.MonkeyPatch):
    """Its length is promised, and its end does not come."""
    marking = begun()
    tom = marking.marker("tom")
    monkeypatch.setattr(security, "PATIENCE", 0.05)
    cookies = "; ".join(f"{name}={value}" for name, value in tom.client.cookies.items())
    said = {"host": ORIGIN.removeprefix("http://"), "content-length": "9", "cookie": cookies}
    headers = [(name.encode(), value.encode()) for name, value in said.items()]
    scope = {"type": "http", "method": "POST", "path": "/save", "query_string": b""}
    scope |= {"headers": headers, "scheme": "http"}
    sent: list[Any] = []

    async def receive() -> Any:
        if not sent:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(asyncio.wait_for(marking.app(scope, receive, send), 30))

    assert sent[0]["status"] == 408


def test_an_item_has_a_text_of_some_length(begun: Begun):
    """What the field of the page does not take is refused by the server too, with the reason."""
    tom = begun().marker("tom")
    refused = tom.form("/q/1/items", text="x" * 501, points="1", version="0")
    taken = tom.form("/q/1/items", text="y" * 500, points="1", version="0")

    assert refused.status_code == 400
    assert "The text of an item has at most 500 characters; this one has 501." in refused.text
    assert taken.status_code == 200
    assert "y" * 500 in tom.client.get("/q/1/items").text


def served(protocol: type[serve.Hurried], ask: Callable[[int], Awaitable[T]]) -> T:
    """Serve one word by this protocol, and ask the port."""

    async def word(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"word"})

    async def main() -> T:
        config = uvicorn.Config(word, port=0, log_level="error", http=protocol, lifespan="off")
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            return await ask(server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            await running

    return asyncio.run(main())


async def closed(*writers: asyncio.StreamWriter) -> None:
    for one in writers:
        one.close()
        with contextlib.suppress(ConnectionError):
            await one.wait_closed()


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: "])
@pytest.mark.parametrize("again", [False, True])
def test_headers_that_never_end_hold_no_connection(
    monkeypatch: pytest.MonkeyPatch, begin: bytes, again: bool
):
    """A byte now and then prolongs nothing, nor does an answer before it; a whole request is."""
    monkeypatch.setattr(serve, "FOR_HEADERS", 0.5)
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    async def ask(port: int) -> tuple[float, bytes]:
        start = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if again and begin:
            writer.write(whole)
            assert (await reader.readuntil(b"word")).startswith(b"HTTP/1.1 200")
        writer.write(begin)
        ended = asyncio.create_task(reader.read())
        while not ended.done() and time.monotonic() < start + 20:
            if begin:
                writer.write(b"a")
            await asyncio.sleep(0.1)
        took = time.monotonic() - start
        other, asking = await asyncio.open_connection("127.0.0.1", port)
        asking.write(whole)
        answer = await other.readuntil(b"word")
        await closed(writer, asking)
        return took, answer

    took, answer = served(serve.Hurried, ask)

    assert 0.4 < took < 15
    assert answer.startswith(b"HTTP/1.1 200")


def test_more_connections_than_a_class_needs_are_closed(monkeypatch: pytest.MonkeyPatch):
    """Those that are there are served on; when they have gone, others are."""
    monkeypatch.setattr(serve, "MOST_OPEN", 3)

    async def ask(port: int) -> tuple[list[bytes], bytes]:
        pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.3)
        more, refused = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(more.read(), 60) == b""
        answers = []
        for reader, writer in pairs:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answers.append(await reader.read())
        await closed(refused, *(writer for _, writer in pairs))
        last, asking = await asyncio.open_connection("127.0.0.1", port)
        asking.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = await last.read()
        await closed(asking)
        return answers, said

    answers, last = served(serve.Hurried, ask)

    assert [b"word" in one for one in [*answers, last]] == [True] * 4


def test_the_review_is_served_in_a_hurry(begun: Begun):
    """The server that listens has these limits."""
    room = begun().room
    server = serve.Server(room, ["tom"], ORIGIN, "127.0.0.1", free_port())

    assert server._config.http is serve.Hurried
    server._socket.close()
