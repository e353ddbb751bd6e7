"""Several attempts, and texts that change: what is marked is what counts, and no other text."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from assay.classroom import marks
from assay.classroom.room import open_room
from tests.review.classes import QUESTIONS, graded
from tests.review.conftest import Begun
from tests.review.markers import Marker, Marking


def texts(said: str) -> dict[str, list[str]]:
    return {question: [f"author 0 {said} to {question}"] for question in QUESTIONS}


def again(marking: Marking, **settings: str) -> Marking:
    """The page of the class after class.toml has been changed, begun anew."""
    path = marking.room.root / "class.toml"
    lines = [f'{name} = "{value}"' for name, value in settings.items()]
    path.write_text("\n".join([*lines, path.read_text()]))
    marking.room.book.close()
    return Marking(open_room(marking.room.root))


def shown(marking: Marking) -> list[str]:
    return [one.text for one in marking.app.state.board.question(1).answers]


def of_class(marking: Marking, number: int = 0) -> Decimal | None:
    return marks.rows(marking.room)[number].final.points


def hand_in(marking: Marking, said: str, **how: object) -> None:
    key = marking.room.roster.members[0].key
    graded(marking.room, key, 0, texts(said), **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ("newest", ["late"]),
        ("first", ["early"]),
        ("newest on time", ["middle"]),
        ("best", ["early", "middle", "late"]),
    ],
)
def test_what_is_marked_is_what_counts(begun: Begun, counts: str, said: Sequence[str]):
    """By the class's own rule; by `best` a mark may make any of them the best."""
    marking = begun(people=1, texts={(0, one): texts("early")[one] for one in QUESTIONS})
    hand_in(marking, "middle", hours=1)
    hand_in(marking, "late", hours=24 * 30)
    now = again(marking, counts=counts)

    assert sorted(shown(now)) == sorted(f"author 0 {one} to boss" for one in said)
    tom = now.marker("tom")
    for question in (1, 2, 3):
        for _ in said:
            assert tom.mark(tom.look(f"/q/{question}"), 1).status_code == 200
    row = marks.rows(now.room)[0]
    assert (row.final.points, row.needs) == (2 + 2 + 4 + 3, [])
    now.room.book.close()


def test_by_best_each_attempt_keeps_its_own_mark(begun: Begun):
    """The worse of two is marked last, and takes nothing from the better one."""
    marking = begun(people=1, texts={(0, one): texts("early")[one] for one in QUESTIONS})
    hand_in(marking, "late", hours=1, automatic=1.0)
    now = again(marking, counts="best")
    tom = now.marker("tom")
    answers = {one.text: one.id for one in now.app.state.board.question(1).answers}
    early, late = (
        tom.look(f"/q/1/1/{answers[f'author 0 {one} to boss']}") for one in ("early", "late")
    )

    assert "another attempt of the same person" in early.text
    assert f"/q/1/1/{late.answer}" in early.text
    assert "Also in another answer" not in early.text
    assert tom.mark(early, 1, 2).status_code == 200
    assert tom.mark(late, 3).status_code == 200
    assert of_class(now) == 2 + 4
    assert tom.look(early.url).content["items"] == ["item-1", "item-2"]
    assert tom.mark(tom.look(late.url), 1, 2, 3).status_code == 200
    assert of_class(now) == 1 + 5 == 2 + 4
    assert tom.mark(tom.look(early.url), none=True).status_code == 200
    assert of_class(now) == 1 + 5
    undone = tom.post("/undo", {"question": 1, "round": "1", "save": "u"}).json()
    assert (undone["answer"], undone["points"]) == (early.answer, "4")
    now.room.book.close()


def test_measured_numbers_are_those_of_the_attempt(begun: Begun):
    """The folder of the report is of the newest; plots of another attempt are not shown."""
    marking = begun(people=1, texts={(0, one): texts("early")[one] for one in QUESTIONS})
    hand_in(marking, "late", hours=10)
    now = again(marking, counts="first")
    tom = now.marker("tom")

    assert '<td class="n">0.81</td>' in tom.look().text
    assert "p-loss.svg" not in tom.look().text
    now.room.book.close()


def origin(name: str) -> Mapping[str, object]:
    return {"platform": "folder", "place": name, "name": name, "idents": [], "people": []}


def test_an_attempt_that_was_given_to_somebody_else_is_theirs(begun: Begun):
    """A line of class.toml moves it: the first person's older attempt is what is marked."""
    marking = begun(people=2)
    hand_in(marking, "strange", hours=1, origin=origin("Somebody Strange"))
    before = next(one for one in shown(marking) if "author 0" in one)
    path = marking.room.root / "class.toml"
    path.write_text(path.read_text() + '"Somebody Strange" = "user1"\n')
    now = again(marking)

    assert before == "author 0 strange to boss"
    assert not any("strange" in one for one in shown(now))
    assert sum("author 0" in one for one in shown(now)) == 1
    now.room.book.close()


def test_a_line_that_is_written_while_the_page_is_open_counts(begun: Begun):
    """With the next result: whose an attempt is, the rule, and who is new."""
    marking = begun(people=2)
    hand_in(marking, "strange", hours=1, origin=origin("Somebody Strange"))
    assert any("strange" in one for one in shown(marking))
    path = marking.room.root / "class.toml"
    path.write_text(path.read_text() + '"Somebody Strange" = "user1"\n')
    roster = marking.room.root / marking.room.settings.roster
    roster.write_text(roster.read_text() + "1002,user2,Person Number2,u2@example.org\n")
    taking = open_room(marking.room.root)
    graded(taking, taking.roster.members[2].key, 2, texts("new"))
    taking.book.close()

    assert not any("strange" in one for one in shown(marking))
    assert any("author 0 new" in one for one in shown(marking))
    tom = marking.marker("tom")
    new = next(one for one in marking.app.state.board.question(1).answers if "new" in one.text)
    sent = {"question": 1, "round": "1", "answer": new.id}
    assert tom.post("/reveal", sent).json()["name"] == "Person Number2"


def changed(tom: Marker, said: str) -> None:
    """The one author's attempt is graded again, with another text."""
    hand_in(tom.marking, said)


@pytest.fixture
def one(begun: Begun) -> Marker:
    """A marker before a class of one."""
    texts_ = {(0, name): texts("first")[name] for name in QUESTIONS}
    return begun(people=1, texts=texts_).marker("tom")


def test_a_changed_answer_begins_without_items(one: Marker):
    """A flag or a comment alone does not give the new text the old one's points."""
    tom = one
    at = tom.look()
    tom.mark(at, 1, 2, comment="Well said.")
    changed(tom, "second")
    now = tom.look(at.url)

    assert (now.content["items"], now.content["comment"]) == ([], "")
    assert "says what is learned" in now.text.partition("Noticed")[2].partition("</ul>")[0]
    assert "Well said." in now.text
    assert tom.mark(now, flag=True).status_code == 200
    assert tom.mark(now, flag=True, comment="And now?").status_code == 200
    row = marks.rows(tom.marking.room)[0]
    assert row.final.points == 2
    assert any("has changed since tom marked it" in said for said in row.needs)
    changed(tom, "third")
    assert "has changed since tom marked it" in tom.look(at.url).text
    by_hand(tom, 3, over=1)
    assert "has changed since" not in tom.look(at.url).text
    changed(tom, "first")
    assert tom.look(at.url).content["items"] == ["item-1", "item-2"]


def test_what_was_chosen_for_another_text_is_not_put_back(one: Marker):
    """Undo stays within the text that is there."""
    tom = one
    at = tom.look()
    tom.mark(at, 1, 2)
    changed(tom, "second")
    now = tom.look(at.url)
    tom.mark(now, 3)
    undone = [
        tom.post("/undo", {"question": 1, "round": "1", "save": f"u{n}"}).json() for n in range(2)
    ]

    assert undone[0]["points"] is None
    assert undone[1]["answer"] is None
    assert of_class(tom.marking) == 2
    assert tom.post("/undo", {"question": 1, "round": "1", "save": "u0"}).json() == undone[0]


def by_hand(tom: Marker, points: int | None, over: int) -> None:
    """What `assay class mark` does."""
    room = tom.marking.room
    given = None if points is None else Decimal(points)
    marks.mark(
        room, room.roster.members[0], "p/boss", given, by="lead", over=over, reason="looked at it"
    )


@pytest.mark.parametrize("points", [4, 0, None])
def test_a_mark_of_the_command_line_outlives_a_changed_item(one: Marker, points: int | None):
    """It is listed before the change is made; a mark that was withdrawn does not come back."""
    tom = one
    at = tom.look()
    key = tom.post("/bank", {"question": 1, "text": "Which limit?"}).json()["key"]
    tom.mark(at, 1, comments=[key])
    by_hand(tom, points, over=1)
    fields = {"key": "item-1", "version": "1", "text": "says it", "points": "1"}
    preview = tom.form("/q/1/items", **fields).text
    done = tom.form("/q/1/items", sure="yes", **fields).text
    kept = tom.post("/bank", {"question": 1, "text": "Name one.", "key": key, "version": 1}).json()
    mark = tom.marking.mark(0)

    assert "stays: marked by lead since" in preview
    assert "1 mark by hand left as it is" in done
    assert kept["kept"] == 1
    assert (mark.version, mark.by) == (2, "lead")
    assert mark.points == (None if points is None else Decimal(points))


def test_a_mark_of_the_command_line_is_shown_and_counts_as_marked(one: Marker):
    """Points, by whom and why; a flag, a comment or an undo does not take it away."""
    tom = one
    at = tom.look()
    by_hand(tom, 4, over=0)
    now = tom.look(at.url)
    overview = tom.client.get("/").text
    table = tom.client.get("/progress.csv").text

    assert "Not marked yet" not in now.text
    assert "4 points by lead with “assay class mark”: looked at it" in now.text
    assert "1 of 1" in overview
    assert "lead 1" in overview
    assert ",1,lead," in table
    assert tom.mark(at, 1).status_code == 409
    assert "4 points by `lead`: looked at it" in tom.mark(at, 1).json()["found"]
    met = tom.mark(now, 1)
    assert met.status_code == 409
    assert "4 points by `lead`: looked at it" in met.json()["found"]
    now.seen = now.over  # as the page's `Put mine above it` does
    assert tom.mark(now, flag=True).status_code == 200
    assert tom.mark(now, comment="Look here.").status_code == 200
    tom.post("/undo", {"question": 1, "round": "1", "save": "u"})
    assert (tom.marking.mark(0).version, tom.marking.mark(0).points) == (1, 4)
    by_hand(tom, None, over=1)
    assert "0 of 1" in tom.client.get("/").text
    withdrawn = tom.look(at.url)
    assert "Withdrawn by lead" in withdrawn.text
    withdrawn.seen = withdrawn.over
    assert tom.mark(withdrawn, 1).json()["points"] == "2"
    assert tom.look(at.url).seen == tom.look(at.url).over


def test_undo_takes_no_mark_of_the_command_line_back(one: Marker):
    """What was saved before it stays, and the marker is told."""
    tom = one
    tom.mark(tom.look(), 1)
    by_hand(tom, 5, over=1)
    refused = tom.post("/undo", {"question": 1, "round": "1", "save": "u"})

    assert refused.status_code == 409
    assert "lead" in refused.json()["found"]
    assert tom.marking.mark(0).points == 5


def test_without_what_was_settled_the_first_round_is_the_mark(one: Marker):
    """Taken back, it leaves what was there; graded again, the first round makes the mark."""
    tom = one
    at = tom.look()
    tom.mark(at, 1)
    settled = tom.look(f"/q/1/settled/{at.answer}")
    tom.mark(settled, 1, 3)
    assert str(tom.marking.mark(0).points) == "3"
    tom.post("/undo", {"question": 1, "round": "settled", "save": "u"})
    assert str(tom.marking.mark(0).points) == "2"
    assert "1 of 1" in tom.client.get("/").text

    tom.mark(tom.look(settled.url), 2, 3)
    changed(tom, "second")
    assert "0 of 1" in tom.client.get("/").text
    assert "1 changed since marked" in tom.client.get("/").text
    tom.mark(tom.look(at.url), 3)
    assert str(tom.marking.mark(0).points) == "1"
    assert of_class(tom.marking) == 2 + 1
    assert "1 of 1" in tom.client.get("/").text
    assert "changed since marked" not in tom.client.get("/").text
