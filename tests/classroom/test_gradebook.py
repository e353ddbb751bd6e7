"""The gradebook keeps everything, overwrites nothing, and forgets when it is told to."""

import sqlite3
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from assay.classroom.gradebook import Conflict, Gradebook, Unknown, database
from assay.errors import OurFault, UsageError
from tests.classroom.books import NOON, busy, criteria, graded


def test_the_final_mark_is_automatic_and_by_hand_without_late(book: Gradebook):
    """Each step is data, and their sum is the mark."""
    graded(book)
    assert book.final("hw1", "s1").needs == ["part1/why: waits for a mark by hand"]
    book.mark("hw1", "s1", "part1/why", 4, answer="a1", by="tom", expected=0, reason="clear")
    taken_off = {"points": 0.65, "arithmetic": "10 % of 6.5 = 0.65"}
    book.set_late("hw1", "s1", value=taken_off, by="x", expected=0)

    final = book.final("hw1", "s1")

    assert [(s.kind, s.points) for s in final.steps] == [
        ("automatic", Decimal("2.5")),
        ("by hand", Decimal("4.0") - 0),
        ("late", Decimal("-0.65")),
    ]
    assert final.points == Decimal("5.85")
    assert final.maximum == 8
    assert final.complete


def test_what_lateness_costs_is_worked_out_in_one_place(book: Gradebook):
    """A share is refused: the rule says of what, and the gradebook does not know the rule."""
    graded(book)
    with pytest.raises(UsageError, match="late has no points"):
        book.set_late("hw1", "s1", value={"percent": 10}, by="x", expected=0)

    assert not book.decisions("hw1", "s1")


def test_a_mark_by_hand_replaces_automatic_points(book: Gradebook):
    """The points of one criterion are not counted twice."""
    graded(book)
    book.mark("hw1", "s1", "part1/split", 3, answer="x", by="tom", expected=0)

    assert book.final("hw1", "s1").points == 3


def test_a_regrade_keeps_marks_of_the_same_answer_and_flags_the_others(book: Gradebook):
    """A mark on an answer that has changed does not count, and is listed."""
    attempt = graded(book)
    mark = book.mark("hw1", "s1", "part1/why", 4, answer="a1", by="tom", expected=0)
    same = book.add_result(attempt, digest="r2", receipt={}, criteria=criteria(earned=3))
    assert ([m.id for m in same.kept], same.flagged) == ([mark.id], [])
    assert book.final("hw1", "s1").points == 7

    changed = book.add_result(attempt, digest="r3", receipt={}, criteria=criteria("a2", 3))

    assert [m.id for m in changed.flagged] == [mark.id]
    final = book.final("hw1", "s1")
    assert (final.points, final.complete) == (3, False)
    assert "the answer has changed since tom marked it" in final.needs[0]
    assert len(book.results(attempt)) == 3


def test_the_second_of_two_markers_is_refused(book: Gradebook):
    """Nothing is overwritten silently, and a retry of one's own mark is no second mark."""
    first = book.mark("hw1", "s1", "c", 1, answer="a", by="tom", expected=0)
    with pytest.raises(Conflict, match="version 1 is by `tom`"):
        book.mark("hw1", "s1", "c", 2, answer="a", by="una", expected=0)
    again = book.mark("hw1", "s1", "c", 1, answer="a", by="tom", expected=0)
    book.mark("hw1", "s1", "c", 2, answer="a", by="una", expected=1)

    assert again.id == first.id
    history = book.mark_history("hw1", "s1", "c")
    assert [(m.version, m.by, m.points) for m in history] == [(1, "tom", 1), (2, "una", 2)]


def test_an_override_and_an_excuse_stand_above_the_sum(book: Gradebook):
    """Both need a reason, show it, and can be withdrawn."""
    graded(book)
    with pytest.raises(UsageError, match="no reason"):
        book.override("hw1", "s1", value={"points": 6}, by="tom", expected=0)
    book.override("hw1", "s1", value={"points": 6}, by="tom", reason="viva", expected=0)
    assert book.final("hw1", "s1").points == 6
    book.excuse("hw1", "s1", value={}, by="tom", reason="ill", expected=0)
    assert (book.final("hw1", "s1").points, book.final("hw1", "s1").excused) == (None, True)
    book.excuse("hw1", "s1", value=None, by="tom", expected=1)
    book.override("hw1", "s1", value=None, by="tom", expected=1)

    assert book.final("hw1", "s1").points == Decimal("2.5")


def test_late_never_takes_more_than_was_earned(book: Gradebook):
    """A mark is never below zero."""
    graded(book)
    book.set_late("hw1", "s1", value={"points": 50}, by="assay", expected=0)

    assert book.final("hw1", "s1").points == 0


def test_a_group_submits_for_its_members_and_exceptions_are_by_person(book: Gradebook):
    """An extension of one member is not the other's."""
    book.set_group("hw1", "g1", "Group 1", ["s1", "s2"])
    attempt = book.add_attempt("hw1", "g1", kind="group", digest="d", submitted_at=NOON)
    book.add_result(attempt.id, digest="r", receipt={}, criteria=criteria())
    book.mark("hw1", "g1", "part1/why", 5, answer="a1", by="t", expected=0, kind="group")
    book.set_late("hw1", "s2", value={"points": 1}, by="assay", expected=0)

    assert [m.key for m in book.members("hw1", "g1")] == ["s1", "s2"]
    assert [book.final("hw1", person).points for person in ("s1", "s2")] == [
        Decimal("7.5"),
        Decimal("6.5"),
    ]


def test_the_newest_attempt_that_has_a_result_counts(book: Gradebook):
    """Every attempt is kept; taking one in twice is one attempt."""
    first = graded(book)
    later = [
        book.add_attempt("hw1", "s1", digest="d2", submitted_at=NOON + timedelta(hours=1))
        for _ in range(2)
    ]
    assert later[0].id == later[1].id
    assert book.final("hw1", "s1").attempt_id == first
    book.add_result(later[0].id, digest="r", receipt={}, criteria=criteria(earned=1))

    assert book.final("hw1", "s1").points == 1
    assert book.final("hw1", "s1", attempt=first).points == Decimal("2.5")


def test_each_attempt_has_the_mark_of_its_own_answer(book: Gradebook):
    """By `best` several are marked: a newer mark on another text takes nothing from an older."""
    first = graded(book)
    second = book.add_attempt("hw1", "s1", digest="d2", submitted_at=NOON + timedelta(hours=1))
    book.add_result(second.id, digest="r", receipt={}, criteria=criteria("a2", earned=1))
    book.mark("hw1", "s1", "part1/why", 4, answer="a1", by="tom", expected=0)
    book.mark("hw1", "s1", "part1/why", 1, answer="a2", by="una", expected=1)

    finals = [book.final("hw1", "s1", attempt=one) for one in (first, second.id)]
    assert [(one.points, one.complete) for one in finals] == [(Decimal("6.5"), True), (2, True)]
    book.mark("hw1", "s1", "part1/why", None, answer="a1", by="tom", expected=2)
    assert [book.final("hw1", "s1", attempt=one).complete for one in (first, second.id)] == [
        False,
        True,
    ]


def test_a_request_and_its_answer_are_part_of_the_history(book: Gradebook):
    """A marker sees the question with the line as it was."""
    asked = book.request_regrade("hw1", "s1", "c", "why?", mark={"reason": "thin"}, expected=0)
    book.answer_request(asked.id, "so", by="tom", expected=0)

    [(request, answers)] = book.requests("hw1")
    assert (request.question, request.mark, request.by) == ("why?", {"reason": "thin"}, "s1")
    assert [(a.answer, a.by) for a in answers] == [("so", "tom")]


HOSTILE = [
    '=HYPERLINK("http://x")',
    "\x1b[31mred",
    "\u202egnp.exe",
    "../../etc/passwd",
    "x" * 300,
    "two\nlines\r\n",
    "'; drop table mark; --",
    "é",
    "e\u0301",
    "🂡",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_stored_as_they_are(book: Gradebook, name: str):
    """What a platform calls people and files comes back unchanged."""
    book.add_person(name, name, {"user": name, name: [name]})
    book.add_attempt("hw1", name, digest="d", submitted_at=NOON, origin={"folder": name})
    book.mark("hw1", name, name, 1, answer="a", by=name, expected=0, reason=name)

    found = next(person for person in book.people() if person.key == name)
    assert (found.name, found.facts) == (name, {"user": name, name: [name]})
    assert book.marks("hw1", name)[name].reason == name
    assert book.attempts("hw1", name)[0].origin == {"folder": name}


@pytest.mark.parametrize("name", ["nul\0", "\ud800", "x" * 200_000, ""])
def test_names_that_no_database_stores_are_refused(book: Gradebook, name: str):
    """The error says so, and nothing is written."""
    with pytest.raises(UsageError):
        book.add_person(name, "Eve")
    if name:
        with pytest.raises(UsageError):
            book.add_person("s9", "Eve", {"deep": [{"er": name}]})
        with pytest.raises(UsageError):
            book.mark("hw1", "s1", "c", 1, answer="a", by="tom", expected=0, reason=name)

    assert len(book.people()) == 2
    assert not book.marks("hw1", "s1")


@pytest.mark.parametrize("points", ["nan", "inf", "many", float("nan"), "1e999999999"])
def test_points_are_finite_numbers(book: Gradebook, points: str | float):
    """Anything else is refused before it is written."""
    with pytest.raises(UsageError):
        book.mark("hw1", "s1", "c", points, answer="a", by="tom", expected=0)


def test_times_need_a_zone_and_unknown_things_are_named(book: Gradebook):
    """A time without a zone is nobody's clock."""
    with pytest.raises(UsageError, match="time zone"):
        book.add_attempt("hw1", "s1", digest="d", submitted_at=NOON.replace(tzinfo=None))
    with pytest.raises(Unknown, match="`hw9`"):
        book.final("hw9", "s1")
    with pytest.raises(Unknown, match="`s9`"):
        book.final("hw1", "s9")


def test_forgetting_a_person_leaves_nothing(book: Gradebook, tmp_path: Path):
    """No table, no page of the file and no log holds a word of them; the others' rows stay."""
    busy(book)
    graded(book, "s2")
    assert book.search(["Ada Lovelace"])

    forgotten = book.forget("s1")

    assert forgotten.proved
    assert {"Ada Lovelace", "ada01"} <= set(forgotten.searched)
    assert not book.search(["lovelace", "ada01"])
    for path in tmp_path.glob("gradebook.sqlite*"):
        assert b"Lovelace" not in path.read_bytes()
    assert book.final("hw1", "s2").points == Decimal("2.5")
    assert len(book.attempts("hw1", "s2")) == 2
    with pytest.raises(Unknown):
        book.final("hw1", "s1")


def test_what_forgetting_cannot_delete_is_found(book: Gradebook, tmp_path: Path):
    """A copy in a folder, in a zip, or in another's row is listed: no false proof."""
    book.mark("hw1", "s2", "c", 1, answer="a", by="t", expected=0, reason="as ADA LOVELACE wrote")
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "ada01.txt").write_text("x")
    with zipfile.ZipFile(folder / "feedback.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.html", "Ada Lovelace" * 9)

    forgotten = book.forget("s1", [folder])

    assert not forgotten.proved
    places = " ".join(found.where for found in forgotten.left)
    assert all(word in places for word in ("table mark", "ada01.txt", "a.html"))


def test_a_term_and_what_is_old_can_be_forgotten(book: Gradebook, where: Path | str):
    """Another term of the same database stays."""
    busy(book)
    with Gradebook(where, term="2027") as other:
        other.add_person("s7", "Gus Gray")
    assert not book.forget_older_than(datetime.now(UTC) - timedelta(days=1)).people
    assert book.forget_term().proved
    assert not book.people()
    assert not book.groups()

    with Gradebook(where, term="2027") as other:
        assert [one.key for one in other.people()] == ["s7"]
        assert other.forget_older_than(datetime.now(UTC) + timedelta(days=1)).proved
        assert not other.people()


def test_a_purge_that_was_cut_off_is_done_at_the_next_opening(tmp_path: Path):
    """Rows deleted while another program reads: said, and finished later."""
    path = tmp_path / "gradebook.sqlite"
    with Gradebook(path, term="2026") as book:
        book.add_person("s1", "Ada Lovelace")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("begin")
        reader.execute("select * from author").fetchall()
        with pytest.raises(OurFault, match="could not be overwritten"):
            book.forget("s1")
        reader.close()
    with Gradebook(path, term="2026") as book:
        assert not book.search(["Ada Lovelace"])
        with book.engine.begin() as connection:
            assert connection.execute(text("select count(*) from purge")).scalar() == 0


def test_what_is_no_gradebook_is_refused(tmp_path: Path):
    """Another file, another database, a newer schema, an address that is none."""
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"no database at all" * 100)
    newer = tmp_path / "newer.sqlite"
    Gradebook(newer, term="1").close()
    with sqlite3.connect(newer) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    for where in (other, newer, "mysql://x/y", "::://", tmp_path / "no" / "folder"):
        with pytest.raises(UsageError):
            Gradebook(where, term="1")
    assert other.read_bytes() == b"no database at all" * 100


def test_a_gradebook_of_this_schema_opens_without_alembic(tmp_path: Path):
    """It takes half a second to import; an older schema still asks for it (above)."""
    Gradebook(tmp_path / "book.sqlite", "t").close()
    program = (
        "import sys; from assay.classroom.gradebook import Gradebook; "
        f"Gradebook({str(tmp_path / 'book.sqlite')!r}, 't').close(); "
        "print('alembic' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert said.stdout == "False\n", said.stderr


def test_the_newest_revision_is_the_one_that_is_looked_for():
    folder = Path(database.__file__).with_name("migrations") / "versions"
    assert max(path.name[:4] for path in folder.glob("0*.py")) == database.NEWEST


def test_several_writes_at_once_are_one_transaction(book: Gradebook):
    """An error in the last takes the first back too; what was read inside saw them."""
    seen = []

    def work() -> None:
        book.add_person("s3", "Cleo Cole")
        seen.append([one.key for one in book.people()])
        book.add_person("", "nobody")

    with pytest.raises(UsageError, match="no identifier"):
        book.at_once(work)

    assert seen == [["s1", "s2", "s3"]]
    assert [one.key for one in book.people()] == ["s1", "s2"]
    book.at_once(lambda: book.add_person("s3", "Cleo Cole"))
    assert [one.key for one in book.people()] == ["s1", "s2", "s3"]
