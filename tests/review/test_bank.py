"""A comment of the bank that is changed while an answer that has it is open."""

from decimal import Decimal
from typing import Any

import pytest

from assay.classroom import marks
from assay.review.store import Store
from tests.review.conftest import Begun
from tests.review.markers import Marker, number_of


def changed(marker: Marker, at: Any, key: str, seen: object = None) -> Any:
    """Change the comment, as the page of this answer does."""
    sent = {"question": 1, "text": "Name two.", "key": key, "version": 1, "answer": at.answer}
    return marker.post("/bank", sent | {"round": at.round, "seen": seen or at.seen}).json()


def test_the_page_goes_on_from_its_own_change(tom: Marker):
    """The mark was written anew by it, so the next save of the page is no conflict."""
    key = tom.post("/bank", {"question": 1, "text": "Name one."}).json()["key"]
    at = tom.look()
    tom.mark(at, 1, comments=[key])
    at.seen = changed(tom, at, key)["seen"]

    assert tom.mark(at, 2, comments=[key]).status_code == 200


def test_a_mark_of_somebody_else_is_still_met(begun: Begun):
    """What was marked since the page was opened has not been seen by this change."""
    marking = begun()
    tom, uma = marking.marker("tom"), marking.marker("uma")
    key = tom.post("/bank", {"question": 1, "text": "Name one."}).json()["key"]
    at = tom.look()
    uma.mark(uma.look(at.url), 2, comments=[key])

    assert changed(tom, at, key)["seen"] is None
    assert tom.mark(at, 1).status_code == 409


def test_an_answer_without_the_comment_is_as_it_was(tom: Marker):
    """Nothing of it was written."""
    key = tom.post("/bank", {"question": 1, "text": "Name one."}).json()["key"]
    at = tom.look()
    tom.mark(at, 1)

    assert changed(tom, at, key)["seen"] == at.seen


def test_a_mark_that_comes_just_before_the_change_is_still_met(
    begun: Begun, monkeypatch: pytest.MonkeyPatch
):
    """Between what the page has seen and what the change finds there is no moment for it."""
    marking = begun()
    tom = marking.marker("tom")
    key = tom.post("/bank", {"question": 1, "text": "Name one."}).json()["key"]
    at = tom.look()
    tom.mark(at, 1, comments=[key])
    member = marking.room.roster.members[number_of(at, tom)]
    change = Store.set_comment

    def late(*args: Any, **kwargs: Any) -> Any:
        said = {"by": "lead", "over": 1, "reason": "looked at it"}
        marks.mark(marking.room, member, "p/boss", Decimal(4), **said)
        return change(*args, **kwargs)

    monkeypatch.setattr(Store, "set_comment", late)

    assert changed(tom, at, key)["seen"] is None
    assert tom.mark(at, 2, comments=[key]).status_code == 409
    assert marking.mark(number_of(at, tom)).points == 4
