"""How fast is the review of a class of 500, and does its memory grow?

    python -m benchmarks.review [PEOPLE] [SAVES] [GRADEBOOK]

GRADEBOOK is the address of an empty database of PostgreSQL; without one it is SQLite.
Serves a class by `assay review` in a process of its own, asks for every page and saves as a browser
does, one request after the other. Prints Markdown: of each kind of request the median and the 99th
percentile, what the server's processor spent on it, and the server's memory before and after the
saves. The seconds are those of whoever asks, and longer where other work shares the machine.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.review.classes import a_class
from tests.review.client import Client

TICKS = os.sysconf("SC_CLK_TCK")
AGAIN = 60
"""Requests of each kind: of a page of one answer, as many answers."""


def spent(process: int) -> float:
    """Return the processor seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(process: int) -> float:
    """Return the memory of a process in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def saved(client: Client, at: dict[str, Any], number: int) -> None:
    """Save a choice, another one than before."""
    keys = [one["key"] for one in at["items"]]
    chosen = [keys[number % 3], *keys[3:][: number % 2]]
    receipt = client.save(
        {name: at[name] for name in ("question", "round", "answer", "digest", "seen")}
        | {"save": uuid4().hex, "content": at["content"] | {"items": chosen}, "seconds": 9.0}
    )
    at["seen"], at["content"] = receipt["seen"], receipt["content"]


def row(client: Client, name: str, ask: Callable[[Any], None], over: Iterable[Any]) -> str:
    """Return a line of the table: what this request takes."""
    took, before = [], spent(client.process.pid)
    for one in over:
        began = time.perf_counter()
        ask(one)
        took.append(1000 * (time.perf_counter() - began))
    each = 1000 * (spent(client.process.pid) - before) / len(took)
    last = statistics.quantiles(took, n=100)[98] if len(took) > 1 else took[0]
    return f"| {name} | {len(took)} | {statistics.median(took):.0f} | {last:.0f} | {each:.0f} |"


def pages(client: Client, ids: list[str]) -> Iterable[str]:
    """Yield a line for each kind of page."""
    some = list(islice(cycle(ids), AGAIN))
    one_address: dict[str, str] = {
        "all questions": "/", "the items": "/q/1/items", "agreement": "/agreement/1",
        "CSV": "/progress.csv", "search": "/search/1/1?words=weights",
        "to the next unmarked": "/q/1",
    }  # fmt: skip
    of_answer = {
        "an answer": "/q/1/1/{}", "its frame": "/frame/1/{}", "its notebook": "/frame/1/{}/cells",
        "its plot": "/plot/1/{}/p-loss.svg", "an answer, second round": "/q/1/2/{}",
        "an answer, to settle": "/q/1/settled/{}",
    }  # fmt: skip

    def get(path: str) -> None:
        assert client.client.get(path).status_code in (200, 303), path

    for name, path in one_address.items():
        yield row(client, name, get, [path] * AGAIN)
    for name, path in of_answer.items():
        yield row(client, name, get, [path.format(one) for one in some])


def marked(client: Client, ids: dict[int, list[str]], saves: int) -> Iterable[str]:
    """Yield a line for each kind of save, and one on the memory."""

    def choose(one: tuple[int, dict[str, Any]]) -> None:
        saved(client, one[1], one[0])

    def undo(_: int) -> None:
        asked = {"question": 1, "round": "1", "save": uuid4().hex}
        client.client.post("/undo", json=asked, headers={"X-CSRF-Token": client.csrf})

    first, second = (
        [client.look(f"/q/{one}/{name}/{answer}") for one in ids for answer in ids[one]]
        for name in ("1", "2")
    )
    yield row(client, "a first save", choose, enumerate(first))
    others = ((3 * number, at) for number, at in enumerate(second))
    yield row(client, "a save of the second round", choose, others)
    before = resident(client.process.pid)
    yield row(client, "a later save", choose, enumerate(islice(cycle(first), saves), 1))
    after = resident(client.process.pid)
    yield row(client, "an undo", undo, range(20))
    yield f"\nMemory of the server: {before:.0f} MB, and {after:.0f} MB after {saves:,} saves.\n"


def main(people: int = 500, saves: int = 5_000, gradebook: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        room = a_class(Path(folder) / "class", people=people, gradebook=gradebook)
        client = Client(room.root)
        head = "| request | times | median, ms | 99 %, ms | processor, ms |\n|---|--:|--:|--:|--:|"
        try:
            ids = {question: client.ids(question) for question in (1, 2, 3)}
            print(head)
            for line in marked(client, ids, saves):
                print(line, flush=True)
            print(head)
            for line in pages(client, ids[1]):
                print(line, flush=True)
        finally:
            client.end()
            room.book.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
