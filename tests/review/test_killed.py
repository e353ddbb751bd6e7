"""A server that is killed in the middle of saves, and a client that goes on."""

import sqlite3
import threading
from collections import Counter
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from tests.review.classes import a_class
from tests.review.client import Client


@pytest.mark.parametrize(
    "kills", [6, pytest.param(50, marks=pytest.mark.thorough)], ids=["some", "fifty"]
)
def test_a_server_that_is_killed_loses_no_mark_and_doubles_none(tmp_path: Path, kills: int):
    """Killed by -9 at any moment of a save: each save stands once, and the last one is the mark."""
    room = a_class(tmp_path / "c", people=3)
    client, random = Client(room.root), Random(kills)
    states = [client.look(f"/q/1/1/{one}") for one in client.ids()]
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
        killer.join(120)
    client.end()
    marks = [room.book.mark_history(room.item, one.key, "p/boss") for one in room.roster.members]
    room.book.close()

    assert client.resent or kills < 50  # few may all fall between two saves
    assert sum(map(len, marks)) <= sum(wanted.values())
    assert sorted(str(one[-1].points) for one in marks if one) == sorted(last.values())
    assert saves_of(room.root) == sorted(wanted.values())


def saves_of(folder: Path) -> list[int]:
    """How many saves the database itself has of each author."""
    with sqlite3.connect(folder / "gradebook.sqlite") as book:
        rows = book.execute("select count(*) from review_save group by author_id").fetchall()
    book.close()
    return sorted(number for (number,) in rows)
