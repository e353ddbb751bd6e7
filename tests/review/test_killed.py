"""A server that is killed in the middle of saves, and a client that goes on."""

import html
import json
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.review.classes import a_class
from tests.review.ports import free_port

SERVE = "from assay.cli import cli; cli(['review', {place!r}, '--by', 'tom', '--port', '{port}'])"


class Client:
    """What the script of the page does: it sends a save until there is an answer."""

    def __init__(self, place: Path) -> None:
        self.place, self.port = place, free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.cookies = httpx2.Cookies()
        self.client = self.asking()
        self.resent = 0
        self.start()
        self.cookies = self.client.get(self.link).cookies
        page = self.client.get("/").text
        self.csrf = re.search(r'name="csrf" content="(\w+)"', page)[1]  # type: ignore[index]

    def asking(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.origin, timeout=20, cookies=self.cookies)

    def start(self) -> None:
        program = SERVE.format(place=str(self.place), port=self.port)
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.link = self.process.stdout.readline().split()[-1]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def end(self) -> None:
        self.kill()
        self.client.close()

    def look(self, path: str) -> dict[str, Any]:
        answer = self.asked(lambda: self.client.get(path, follow_redirects=True))
        return json.loads(html.unescape(re.search(r'data-state="([^"]*)"', answer.text)[1]))  # type: ignore[index]

    def save(self, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"X-CSRF-Token": self.csrf}
        answer = self.asked(lambda: self.client.post("/save", json=body, headers=headers))

        assert answer.status_code == 200, answer.text
        return answer.json()

    def asked(self, ask: Any) -> Any:
        while True:
            try:
                return ask()
            except httpx2.TransportError:
                self.resent += 1
                if self.process.poll() is not None:
                    self.kill()
                    self.client.close()
                    self.client = self.asking()
                    self.start()


@pytest.mark.parametrize(
    "kills", [6, pytest.param(50, marks=pytest.mark.thorough)], ids=["some", "fifty"]
)
def test_a_server_that_is_killed_loses_no_mark_and_doubles_none(tmp_path: Path, kills: int):
    """Killed by -9 at any moment of a save: each save stands once, and the last one is the mark."""
    room = a_class(tmp_path / "c", people=3)
    client, random = Client(room.root), Random(kills)
    states = [client.look(f"/q/1/1/{one}") for one in ids_of(client)]
    wanted: Counter[str] = Counter()
    last: dict[str, str] = {}
    for _ in range(kills):
        delay = random.uniform(0.0, 0.03)
        killer = threading.Timer(delay, client.process.kill)
        killer.start()
        while client.process.poll() is None:
            at = random.choice(states)
            items = [random.choice(at["items"])["key"]]
            body = {
                "save": uuid4().hex, "question": 1, "round": "1", "answer": at["answer"],
                "digest": at["digest"], "content": at["content"] | {"items": items},
                "seen": at["seen"], "seconds": 1.0,
            }  # fmt: skip
            receipt = client.save(body)
            at["seen"] = receipt["seen"]
            wanted[at["answer"]] += 1
            last[at["answer"]] = receipt["points"]
            if killer.finished.is_set():
                break
        killer.join(20)
    client.end()
    marks = [room.book.mark_history(room.item, one.key, "p/boss") for one in room.roster.members]
    room.book.close()

    assert client.resent
    assert sum(map(len, marks)) <= sum(wanted.values())
    assert sorted(str(one[-1].points) for one in marks if one) == sorted(last.values())
    assert saves_of(room.root) == sorted(wanted.values())


def ids_of(client: Client) -> list[str]:
    """The answers of the first question, in the marker's order."""
    found = [client.look("/q/1")["answer"]]
    while True:
        page = client.client.get(f"/q/1/1/{found[-1]}").text
        after = re.search(r'id="next" href="/q/1/1/(\w+)"', page)
        if after is None:
            return found
        found.append(after[1])


def saves_of(folder: Path) -> list[int]:
    """How many saves the database itself has of each author."""
    with sqlite3.connect(folder / "gradebook.sqlite") as book:
        rows = book.execute("select count(*) from review_save group by author_id").fetchall()
    book.close()
    return sorted(number for (number,) in rows)
