"""Markers who ask the page in this process, as a browser would."""

import html
import json
import re
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from starlette.testclient import TestClient

from assay.classroom.room import Room
from assay.review import security
from assay.review.server import app

ORIGIN = "http://127.0.0.1:8642"


class Marking:
    """The page of a class, and those who mark."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.door = security.door(("tom", "uma"), ORIGIN, room.root / ".assay")
        self.app = app(room, self.door)

    def client(self) -> TestClient:
        """Somebody who has no session."""
        return TestClient(self.app, base_url=ORIGIN)

    def marker(self, by: str) -> "Marker":
        """Somebody who has opened their link."""
        return Marker(self, by)

    def mark(self, author: int | str, criterion: str = "p/boss") -> Any:
        """What the gradebook has of a person, by their number; None if nothing."""
        key = self.room.roster.members[int(author)].key
        return self.room.book.marks(self.room.item, key).get(criterion)

    def marks(self, criterion: str = "p/boss") -> list[Any]:
        """Everybody's newest mark, in the order of the roster."""
        return [self.mark(number, criterion) for number in range(len(self.room.roster.members))]


class Marker:
    """One person with a session; `last` is what the page says of the answer looked at."""

    def __init__(self, marking: Marking, by: str) -> None:
        self.marking, self.by = marking, by
        self.client = marking.client()
        answer = self.client.get(marking.door.links()[by])

        assert answer.status_code == 200
        self.csrf = _one(r'name="csrf" content="(\w*)"', self.client.get("/").text)

    def look(self, path: str = "/q/1") -> SimpleNamespace:
        """Open the page of an answer, and read what its script reads."""
        answer = self.client.get(path)

        assert answer.status_code == 200, answer.text
        found = json.loads(html.unescape(_one(r'data-state="([^"]*)"', answer.text)))
        return SimpleNamespace(**found, text=answer.text, url=answer.url.path)

    def post(self, path: str, body: object, **headers: str) -> Any:
        return self.client.post(path, json=body, headers={"X-CSRF-Token": self.csrf} | headers)

    def form(self, path: str, **fields: str) -> Any:
        return self.client.post(path, data={"csrf": self.csrf} | fields)

    def sent(self, at: SimpleNamespace, *items: int, **content: Any) -> dict[str, Any]:
        """What the script would send for these items, by their number."""
        chosen = [at.items[number - 1]["key"] for number in items]
        return {
            "save": uuid4().hex,
            "question": at.question,
            "round": at.round,
            "answer": at.answer,
            "digest": at.digest,
            "content": at.content | {"items": chosen} | content,
            "seen": at.seen,
            "seconds": 4.0,
        }

    def mark(self, at: SimpleNamespace, *items: int, **content: Any) -> Any:
        """Choose items of an answer, and go on from what the receipt says."""
        answer = self.post("/save", self.sent(at, *items, **content))
        if answer.status_code == 200:
            at.seen, at.content = answer.json()["seen"], answer.json()["content"]
        return answer


def number_of(at: SimpleNamespace, marker: Marker) -> int:
    """The number of the author of an answer, as `words` wrote it into the text."""
    frame = marker.client.get(f"/frame/{at.question}/{at.answer}").text
    return int(_one(r"author (\d+)", frame))


def _one(pattern: str, text: str) -> str:
    found = re.search(pattern, text)

    assert found, text[:500]
    return found[1]
