"""Marks from the page: saved once, in the gradebook at once, and each with its history."""

import csv
import io
from decimal import Decimal

import pytest
from sqlalchemy import event

from assay.classroom import marks
from assay.classroom.gradebook.models import ReviewSave
from assay.review.choices import Seen
from tests.classroom.postgres import fresh_database
from tests.review.classes import QUESTIONS, graded
from tests.review.conftest import Begun
from tests.review.markers import Marker, number_of


def test_a_save_is_a_mark_in_the_gradebook(tom: Marker):
    """Items give the points; the reason names them, the comment is the marker's."""
    at = tom.look()
    receipt = tom.mark(at, 1, 3, comment="Good.").json()
    mark = tom.marking.mark(number_of(at, tom))

    assert (receipt["points"], receipt["by"]) == ("3", "tom")
    assert (mark.points, mark.by, mark.comment) == (Decimal(3), "tom", "Good.")
    assert mark.reason == "says what is learned (+2); names a limit (+1)"
    assert [one.id for one in tom.marking.marks() if one] == [mark.id]


def test_points_stay_between_nothing_and_all(tom: Marker):
    """A deduction alone gives 0, and all items together no more than the question has."""
    at = tom.look()

    assert tom.mark(at, 4).json()["points"] == "0"
    assert tom.mark(at, 1, 2, 3).json()["points"] == "5"
    assert tom.mark(at, none=True).json()["points"] == "0"
    assert tom.mark(at).json()["points"] == "0"
    assert tom.mark(at, none=False).json()["points"] is None
    assert tom.marking.mark(number_of(at, tom)).points is None


def test_a_save_that_is_sent_again_is_answered_and_not_written(tom: Marker):
    """The client's own id tells a retry from a second save."""
    at = tom.look()
    sent = tom.sent(at, 1)
    first, again = tom.post("/save", sent), tom.post("/save", sent)
    room = tom.marking.room
    key = room.roster.members[number_of(at, tom)].key

    assert first.json() == again.json()
    assert len(room.book.mark_history(room.item, key, "p/boss")) == 1


def test_of_two_markers_the_second_is_told_of_the_first(begun: Begun):
    """Nothing is written over what a marker has not seen; a mark of the command line counts too."""
    marking = begun()
    tom, uma = marking.marker("tom"), marking.marker("uma")
    his, hers = tom.look(), uma.look()
    hers = uma.look(his.url)

    assert tom.mark(his, 1).status_code == 200
    refused = uma.mark(hers, 2)
    assert refused.status_code == 409
    assert "tom" in refused.json()["found"]

    number = number_of(his, tom)
    assert marking.mark(number).by == "tom"
    seen = uma.look(his.url)
    member = marking.room.roster.members[number]
    marks.mark(marking.room, member, "p/boss", Decimal(4), by="lead", over=1, reason="looked at it")

    assert uma.mark(seen, 2).status_code == 409
    assert marking.mark(number).points == 4


def test_an_undo_reads_what_it_takes_back_alone(tom: Marker):
    """Not all that the marker has saved in an evening."""
    at = tom.look()
    for number in range(40):
        tom.mark(at, 1 + number % 3)
    read: list[object] = []
    noted = lambda row, context: read.append(row)  # noqa: E731  # to be taken away again
    event.listen(ReviewSave, "load", noted)
    undone = tom.post("/undo", {"question": 1, "round": "1", "save": "u"}).json()
    again = tom.post("/undo", {"question": 1, "round": "1", "save": "u"}).json()
    event.remove(ReviewSave, "load", noted)

    assert undone == again
    assert undone["points"] == "1"
    assert len(read) < 5


def test_undo_takes_back_one_save_after_the_other(tom: Marker):
    """What stood before stands again, as a newer version; then there is nothing left."""
    at = tom.look()
    tom.mark(at, 1)
    tom.mark(at, 1, 3)
    other = tom.look(f"/q/1/1/{after(at)}")
    tom.mark(other, 2)
    undone = [
        tom.post("/undo", {"question": 1, "round": "1", "save": f"u{n}"}).json() for n in range(4)
    ]

    assert [one["answer"] for one in undone] == [other.answer, at.answer, at.answer, None]
    assert [one.get("points") for one in undone] == [None, "2", None, None]
    assert [one.points for one in tom.marking.marks() if one] == [None, None]


def test_an_undo_that_is_sent_again_takes_nothing_more_back(tom: Marker):
    """The id of the undo is known."""
    at = tom.look()
    tom.mark(at, 1)
    tom.mark(at, 1, 3)
    sent = {"question": 1, "round": "1", "save": "u"}

    assert tom.post("/undo", sent).json() == tom.post("/undo", sent).json()
    assert tom.look(at.url).content["items"] == ["item-1"]


def test_nobody_takes_back_what_somebody_else_has_marked_since(begun: Begun):
    """The mark of the other marker stays."""
    marking = begun()
    tom, uma = marking.marker("tom"), marking.marker("uma")
    at = tom.look()
    tom.mark(at, 1)
    uma.mark(uma.look(at.url), 2)
    refused = tom.post("/undo", {"question": 1, "round": "1", "save": "u"})

    assert refused.status_code == 409
    assert marking.mark(number_of(at, tom)).by == "uma"


def test_a_changed_item_changes_every_answer_that_has_it(tom: Marker):
    """Shown first, then made, then undone: the marks of those who have it, and no others."""
    at = tom.look()
    tom.mark(at, 1)
    other = tom.look(f"/q/1/1/{after(at)}")
    tom.mark(other, 2)
    first, second = number_of(at, tom), number_of(other, tom)
    fields = {"key": "item-1", "version": "1", "text": "says what is learned", "points": "1,5"}
    shown = tom.form("/q/1/items", **fields)

    assert "1 answer has it" in shown.text
    assert [str(tom.marking.mark(n).points) for n in (first, second)] == ["2", "2"]
    tom.form("/q/1/items", sure="yes", **fields)
    assert [str(tom.marking.mark(n).points) for n in (first, second)] == ["1.5", "2"]
    assert "changed since" in tom.form("/q/1/items", sure="yes", **fields).text
    shown = tom.form("/q/1/items", key="item-1", version="2", undo="yes")
    assert "+1.5 becomes +2" in shown.text
    tom.form("/q/1/items", sure="yes", **(fields | {"version": "2", "points": "2"}))
    assert [str(tom.marking.mark(n).points) for n in (first, second)] == ["2", "2"]
    assert tom.marking.mark(second).version == 1


def test_the_page_of_an_answer_goes_on_after_an_item_was_changed(tom: Marker):
    """The next save is written above the mark that the change made."""
    at = tom.look()
    tom.mark(at, 1)
    fields = {"key": "item-1", "version": "1", "text": "says it", "points": "1"}
    tom.form("/q/1/items", sure="yes", **fields)

    assert tom.mark(tom.look(at.url), 1, 3).json()["points"] == "2"


def test_a_comment_of_the_bank_is_changed_everywhere_or_only_here(tom: Marker):
    """It is kept once; a new version reaches every student who has it."""
    at = tom.look()
    key = tom.post("/bank", {"question": 1, "text": "Which limit?"}).json()["key"]
    tom.mark(at, 1, comments=[key], comment="Well begun.")
    number = number_of(at, tom)

    assert tom.marking.mark(number).comment == "Which limit?\nWell begun."
    tom.post("/bank", {"question": 1, "text": "Name one limit.", "key": key, "version": 1})
    assert tom.marking.mark(number).comment == "Name one limit.\nWell begun."
    again = tom.post("/bank", {"question": 1, "text": "x", "key": key, "version": 1})
    assert again.status_code == 409


def test_rounds_are_apart_and_what_is_settled_is_the_mark(begun: Begun):
    """The second round changes no mark and sees none; both stay when it is settled."""
    marking = begun(people=12)
    tom, uma = marking.marker("tom"), marking.marker("uma")
    for answer in range(12):
        at = tom.look()
        tom.mark(at, 1)
        again = uma.look("/q/1/2")
        assert again.content["items"] == []
        uma.mark(again, *((1,) if answer else (1, 2)))

    assert {str(one.points) for one in marking.marks()} == {"2"}
    page = uma.client.get("/agreement/1").text
    assert "the same points for 11" in page
    settled = uma.look("/q/1/settled")
    assert "Both rounds" in settled.text
    uma.mark(settled, 1, 3)
    number = number_of(settled, uma)
    assert (str(marking.mark(number).points), marking.mark(number).by) == ("3", "uma")
    first = tom.look(f"/q/1/1/{settled.answer}")
    tom.mark(first, 4)
    assert str(marking.mark(number).points) == "3"
    rows = list(csv.DictReader(io.StringIO(uma.client.get("/progress.csv").text)))
    author = marking.room.authors
    pseudonyms = {one.pseudonym: one.key for one in author.values()}
    mine = [
        (row["round"], row["by"], row["points"])
        for row in rows
        if row["question"] == "p/boss"
        and pseudonyms[row["pseudonym"]] == marking.room.roster.members[number].key
    ]
    assert mine == [("1", "tom", "0"), ("2", "uma", "4"), ("settled", "uma", "3")]


def test_each_marker_has_an_order_that_is_kept_and_no_names_in_it(begun: Begun):
    """Two markers begin elsewhere; a restart shows the same order; the seed stands by each mark."""
    marking = begun(people=30)
    tom, uma = marking.marker("tom"), marking.marker("uma")
    at = tom.look()
    ids = [at.answer, *(one for one in [after(at)])]
    tom.mark(at, 1)
    row = next(
        row
        for row in csv.DictReader(io.StringIO(tom.client.get("/progress.csv").text))
        if row["by"]
    )

    assert uma.look().answer != ids[0]
    assert tom.look(f"/q/1/1/{ids[0]}").text.count("Person") == 0
    assert row["stack"].endswith(":1")
    assert len(row["stack"]) == len("0123456789abcdef:1")


def test_a_name_is_shown_on_demand_and_that_is_logged(tom: Marker):
    """Whose answer it is, who asked, and when."""
    at = tom.look()
    name = tom.post("/reveal", {"question": 1, "answer": at.answer}).json()["name"]
    board = tom.marking.app.state.board
    logged = board.store.reveals(board.question(1))

    assert name == f"Person Number{number_of(at, tom)}"
    assert [one.by for one in logged] == ["tom"]


def test_an_answer_that_was_graded_again_is_not_marked_unseen(tom: Marker):
    """The page that was open is refused; the new answer says that it has changed."""
    at = tom.look()
    tom.mark(at, 1)
    number = number_of(at, tom)
    room = tom.marking.room
    own = {question: ["Another answer of author " + str(number)] for question in QUESTIONS}
    graded(room, room.roster.members[number].key, number, own)

    assert tom.mark(at, 1, 2).status_code == 409
    now = tom.look(at.url)
    assert "has changed since tom marked it" in now.text
    assert tom.mark(now, 1, 2).status_code == 200


def test_a_report_of_another_text_than_the_result_is_not_marked(tom: Marker):
    """A report that was changed by hand is said to be stale, and nothing is written on it."""
    at = tom.look()
    number = number_of(at, tom)
    room = tom.marking.room
    name = next(
        one.pseudonym for one in room.authors.values() if one.key == room.roster.members[number].key
    )
    for path in (room.reports / name / "results.json", *(room.attempts / name).glob("*.json")):
        path.write_text(path.read_text().replace("are found", "are lost"))
    again = type(tom.marking)(room).marker("tom")
    now = again.look(at.url)

    assert "not the one that was graded" in now.text
    assert again.mark(now, 1).status_code == 409
    assert tom.marking.mark(number) is None


def test_marks_of_the_page_are_marks_of_the_class(begun: Begun):
    """`assay class marks` adds them to what was automatic, and nothing waits any more."""
    marking = begun()
    tom = marking.marker("tom")
    for question in (1, 2, 3):
        for _ in marking.room.roster.members:
            tom.mark(tom.look(f"/q/{question}"), 1)
    rows = marks.rows(marking.room)

    assert [(row.points, row.needs) for row in rows] == [(2 + 2 + 4 + 3, [])] * 4


def test_a_person_who_is_forgotten_leaves_no_save(tom: Marker):
    """Choices, comments and who looked them up go with the person; the others' stay."""
    at = tom.look()
    tom.mark(at, 1, comment="for Person alone")
    tom.post("/reveal", {"question": 1, "answer": at.answer})
    other = tom.look(f"/q/1/1/{after(at)}")
    tom.mark(other, 2)
    room = tom.marking.room
    board = tom.marking.app.state.board
    question = board.question(1)
    forgotten = room.book.forget(room.roster.members[number_of(at, tom)].key)

    assert forgotten.proved
    assert [one.content["items"] for one in board.store.saves(question)] == [["item-2"]]
    assert board.store.reveals(question) == []
    assert room.book.forget_term().proved


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"items": ["nothing"]}, "no such item"),
        ({"items": ["item-1", "item-1"]}, "twice"),
        ({"comments": ["nothing"]}, "no such comment"),
        ({"items": "item-1"}, "content.items"),
        ({"comment": "x" * 10_001}, "content.comment"),
        ({"points": 5}, "content.points"),
    ],
)
def test_a_save_that_makes_no_sense_is_refused(tom: Marker, content: dict[str, object], said: str):
    """With the field that is wrong; nothing is written."""
    at = tom.look()
    sent = tom.sent(at)
    refused = tom.post("/save", sent | {"content": sent["content"] | content})

    assert refused.status_code == 400
    assert said in refused.text
    assert tom.look(at.url).seen == Seen().model_dump()


def test_of_levels_one_holds(begun: Begun):
    """Without a review.toml there are three, and two at once are refused."""
    tom = begun(review="").marker("tom")
    at = tom.look()

    assert [one["points"] for one in at.items] == ["5", "2.5", "0"]
    assert tom.mark(at, 1, 2).status_code == 400
    assert tom.mark(at, 2).json()["points"] == "2.5"


def test_points_are_the_digits_that_are_written(begun: Begun):
    """Of an item and of the question: nothing is rounded to six digits."""
    review = """
[[question]]
criterion = "p/boss"
  [[question.item]]
  text = "all but a little"
  points = 123.4567891
  [[question.item]]
  text = "a little"
  points = 2.00000001
"""
    marking = begun(review=review, points={"boss": 1234.5678901})
    tom = marking.marker("tom")
    at = tom.look()

    assert at.points == "1234.5678901"
    assert [one["points"] for one in at.items] == ["123.4567891", "2.00000001"]
    assert tom.mark(at, 1, 2).json()["points"] == "125.45678911"


def test_the_same_on_postgresql(begun: Begun, postgres: str):
    """Saves, a retry, a conflict, an undo and a changed item."""
    marking = begun(gradebook=fresh_database(postgres))
    tom, uma = marking.marker("tom"), marking.marker("uma")
    at = tom.look()
    old = uma.look(at.url)
    sent = tom.sent(at, 1)

    assert tom.post("/save", sent).json() == tom.post("/save", sent).json()
    assert uma.mark(old, 2).status_code == 409
    fields = {"key": "item-1", "version": "1", "text": "says it", "points": "1"}
    tom.form("/q/1/items", sure="yes", **fields)
    assert [str(one.points) for one in marking.marks() if one] == ["1"]
    tom.post("/undo", {"question": 1, "round": "1", "save": "u"})
    assert [one.points for one in marking.marks() if one] == [None]


def after(at: object) -> str:
    """The id of the next answer, from the page's own link."""
    import re

    found = re.search(r'id="next" href="/q/\d/\w+/(\w+)"', at.text)  # type: ignore[attr-defined]

    assert found
    return found[1]
