"""The memory of a server that saves and shows for a whole evening."""

from itertools import cycle, islice
from pathlib import Path

import pytest

from benchmarks.review import resident, saved
from tests.review.classes import a_class
from tests.review.client import Client

WARM, SAVES = 500, 5_000
"""Requests after which everything that is kept has been kept once."""


@pytest.mark.thorough
def test_the_memory_of_the_server_stays_as_it_is(tmp_path: Path):
    """Over 5,000 saves, with a page now and then; some MB are the allocator's."""
    room = a_class(tmp_path / "c", people=20)
    client = Client(room.root)
    states = [client.look(f"/q/1/1/{one}") for one in client.ids()]
    pages = ["/", "/q/1/items", "/progress.csv", f"/frame/1/{states[0]['answer']}", "/q/1/2"]
    before = 0.0
    for number, at in enumerate(islice(cycle(states), WARM + SAVES), 1):
        saved(client, at, number)
        if number % 25 == 0:
            client.client.get(pages[number // 25 % len(pages)])
        if number == WARM:
            before = resident(client.process.pid)
    after = resident(client.process.pid)
    client.end()
    room.book.close()

    assert after - before < 12
