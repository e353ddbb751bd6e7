"""Several markers at once: processes of their own, on one gradebook."""

import multiprocessing
import sqlite3
from collections import Counter
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from assay.classroom.gradebook import Conflict, Gradebook, database
from assay.errors import AssayError, OurFault
from tests.classroom.killed import Writers

SPAWN = multiprocessing.get_context("forkserver")
MARKS = 5


def mark_once(where: str, by: str, start: Barrier) -> str:
    """Read the newest version, wait for the other marker to have read it, and mark."""
    with Gradebook(where, "2026") as book:
        seen = book.marks("hw1", "s1")["c"].version
        start.wait(600)
        try:
            book.mark("hw1", "s1", "c", by[-1], answer="a", by=by, expected=seen)
        except Conflict as error:
            return str(error)
        return "written"


def mark_many(where: str, by: str, start: Barrier) -> str:
    """Open, and mark one's own lines and one that all share, trying again when told to."""
    try:
        start.wait(600)
        for number in range(MARKS):
            with Gradebook(where, "2026") as book:
                book.add_person(f"{by}-{number}", by)
                book.mark("hw1", "s1", f"{by}/{number}", number, answer="a", by=by, expected=0)
                shared(book, by)
    except AssayError as error:
        return str(error)
    return "written"


def shared(book: Gradebook, by: str) -> None:
    """Add one to the mark that everybody adds to."""
    while True:
        newest = book.marks("hw1", "s1").get("shared")
        points, seen = (newest.points, newest.version) if newest else (0, 0)
        try:
            book.mark("hw1", "s1", "shared", points + 1, answer="a", by=by, expected=seen)
        except Conflict:
            continue
        return


def together(work: object, where: Path | str, names: list[str]) -> list[str]:
    with SPAWN.Manager() as manager, SPAWN.Pool(len(names)) as pool:
        start = manager.Barrier(len(names))
        return pool.starmap(work, [(str(where), name, start) for name in names])


def test_the_second_of_two_processes_is_told(book: Gradebook, where: Path | str):
    """Both saw version 1; one writes version 2, the other is told by whom, and writes nothing."""
    book.mark("hw1", "s1", "c", 1, answer="a", by="old", expected=0)
    said = together(mark_once, where, ["tom2", "una3"])

    assert sorted(one == "written" for one in said) == [False, True]
    [told] = [one for one in said if one != "written"]
    history = book.mark_history("hw1", "s1", "c")
    assert [one.version for one in history] == [1, 2]
    assert f"version 2 is by `{history[1].by}`" in told
    assert history[1].points == int(history[1].by[-1])


def test_eight_writers_lose_nothing_and_hear_of_no_lock(where: Path | str):
    """All open a gradebook that is not there yet, and mark: each mark is there, once."""
    with Gradebook(where, "2026") as book:
        book.add_assignment("hw1")
        book.add_person("s1", "Ada")
    names = [f"m{number}" for number in range(8)]
    said = together(mark_many, where, names)

    assert said == ["written"] * 8
    with Gradebook(where, "2026") as book:
        history = book.mark_history("hw1", "s1", "shared")
        assert [one.points for one in history] == list(range(1, 8 * MARKS + 1))
        assert Counter(one.by for one in history) == dict.fromkeys(names, MARKS)
        assert len(book.marks("hw1", "s1")) == 8 * MARKS + 1
        assert len(book.people()) == 8 * MARKS + 1


def open_new(where: str, by: str, start: Barrier) -> str:
    start.wait(600)
    try:
        with Gradebook(where, "2026") as book:
            book.add_person(by, by)
            return "written"
    except AssayError as error:
        return str(error)


def test_a_gradebook_that_all_begin_at_once_is_one(where: Path | str):
    """Its file, its schema and its journal are made once."""
    names = [f"m{number}" for number in range(8)]

    assert together(open_new, where, names) == ["written"] * 8
    with Gradebook(where, "2026") as book:
        assert [one.key for one in book.people()] == names


def test_who_never_lets_go_is_named_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Reading goes on, a mark is not written, and the sentence says what to do."""
    monkeypatch.setattr(database, "WAIT", 0.01)
    path = tmp_path / "book.sqlite"
    with Gradebook(path, "2026") as book, closing(sqlite3.connect(path)) as other:
        book.add_assignment("hw1")
        book.add_person("s1", "Ada")
        other.execute("begin immediate")
        with pytest.raises(OurFault) as said:
            book.mark("hw1", "s1", "c", 1, answer="a", by="tom", expected=0)

        assert "locked" not in str(said.value)
        assert "another program has the gradebook in use" in str(said.value)
        assert book.marks("hw1", "s1") == {}
        with Gradebook(path, "2026") as second:
            assert [one.key for one in second.people()] == ["s1"]


def test_a_marker_is_not_kept_out_by_what_is_still_to_be_overwritten(tmp_path: Path):
    """A forgotten person's pages wait until nobody reads; a mark does not wait for that."""
    path = tmp_path / "book.sqlite"
    with Gradebook(path, "2026") as book, closing(sqlite3.connect(path)) as reader:
        book.add_assignment("hw1")
        book.add_person("s1", "Ada")
        book.add_person("s2", "Ben Barker")
        reader.isolation_level = None
        reader.execute("begin")
        reader.execute("select * from author").fetchall()
        with pytest.raises(OurFault, match="could not be overwritten") as said:
            book.forget("s2")
        with Gradebook(path, "2026") as second:
            second.mark("hw1", "s1", "c", 1, answer="a", by="tom", expected=0)
    assert "locked" not in str(said.value)
    Gradebook(path, "2026").close()
    assert b"Ben Barker" not in path.read_bytes()


def test_a_search_leaves_the_locks_in_place(forked: Writers, tmp_path: Path):
    """A process that opens and closes SQLite's file loses its locks on it: others would take away
    the log into which it goes on writing."""
    path = tmp_path / "book.sqlite"
    mark = {"assignment": "hw1", "author": "s1", "answer": "a", "by": "tom"}
    with Gradebook(path, "2026") as book:
        book.add_assignment("hw1")
        book.add_person("s1", "Ada")
        for number in range(4):
            book.search(["Ada"], [tmp_path])
            done = forked.write(path, "mark", **mark, criterion=f"b{number}", points=1, expected=0)
            assert done.how == "done"
            book.mark(**mark, criterion=f"a{number}", points=1, expected=0)
    with Gradebook(path, "2026") as book:
        assert len(book.marks("hw1", "s1")) == 8
