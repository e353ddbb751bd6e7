"""What tests write into a gradebook."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from assay.classroom.gradebook import Gradebook

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def criteria(answer: str = "a1", earned: float = 2.5) -> list[dict[str, object]]:
    auto = {"name": "part1/split", "points": 3, "earned": earned, "waits": False, "answer": "x"}
    hand = {"name": "part1/why", "points": 5, "earned": 0, "waits": True, "answer": answer}
    return [auto, hand]


def graded(book: Gradebook, person: str = "s1", answer: str = "a1") -> int:
    attempt = book.add_attempt("hw1", person, digest=f"d-{person}", submitted_at=NOON)
    book.add_result(
        attempt.id, digest=f"r-{answer}", receipt={"signature": "s"}, criteria=criteria(answer)
    )
    return attempt.id


def busy(book: Gradebook) -> None:
    book.set_group("hw1", "g1", "Ada and Ben", ["s1", "s2"])
    origin = {"folder": "Ada Lovelace - hw1", "number": 1}
    book.add_attempt("hw1", "g1", kind="group", digest="d", submitted_at=NOON, origin=origin)
    graded(book)
    book.mark("hw1", "s1", "part1/why", 4, answer="a1", by="tom", expected=0, reason="ada01: ok")
    page = b"Ada Lovelace" * 2000
    book.release("hw1", "s1", book.final("hw1", "s1"), page=page, by="tom", expected=0)
    request = book.request_regrade("hw1", "s1", "c", "why?", mark={}, expected=0)
    book.answer_request(request.id, "Dear Ada Lovelace", by="tom", expected=0)


def refused(book: Gradebook, statement: str) -> None:
    """The database itself refuses this statement."""
    with pytest.raises(DBAPIError, match="append-only"), book.engine.begin() as connection:
        connection.execute(text(statement))
