"""What is written into a gradebook stays: under later schemas, and past the program."""

import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from assay.classroom.gradebook import Gradebook
from assay.classroom.gradebook.models import (
    Assignment,
    Author,
    Base,
    History,
    ReviewComment,
    ReviewItem,
    ReviewSave,
)
from assay.errors import UsageError
from tests.classroom.books import NOON, busy, graded, refused
from tests.classroom.first_schema import ROWS, content, first_schema, reflected

FIRST = Path(__file__).with_name("first.sqlite")
HISTORY = sorted(table.__tablename__ for table in History.__subclasses__())
KEPT = [*HISTORY, "attempt", "author", "assignment"]


def filled(book: Gradebook) -> None:
    """At least one row in every table of the schema."""
    busy(book)
    book.override("hw1", "s1", value={"points": 1}, by="tom", reason="r", expected=0)
    reviewed(book)


def reviewed(book: Gradebook) -> None:
    """A row in each table of the review, which writes them through this session itself."""
    every = {"question": "part1/why", "version": 1, "by": "tom", "at": NOON}
    with Session(book.engine) as session, session.begin():
        author = session.scalars(select(Author).filter_by(key="s1")).one()
        assignment = session.scalars(select(Assignment)).one()
        every |= {"assignment_id": assignment.id}
        item = {"key": "k", "text": "t", "points": Decimal(1), "is_level": False, "retired": False}
        saved = {"round": "first", "save": "c1", "answer": "a1", "content": {}, "stack": "7"}
        session.add(ReviewItem(**every, **item))
        session.add(ReviewComment(**every, key="k", text="t"))
        session.add(ReviewSave(**every, **saved, author_id=author.id, seconds=1.0, undoes=None))


def dump(book: Gradebook) -> dict[str, list[object]]:
    """Every row of every table."""
    with book.engine.begin() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.parametrize("table", KEPT)
def test_the_database_itself_refuses_to_change_or_delete(book: Gradebook, table: str):
    """Not even a statement past the gradebook, of whatever program, takes a row away."""
    filled(book)
    before = dump(book)
    assert before[table]
    if table in HISTORY:
        refused(book, f'update "{table}" set version = version + 7')
        refused(book, f"""update "{table}" set "by" = 'eve' where id = 1""")
    if table == "attempt":
        refused(book, "update attempt set digest = 'other'")
    refused(book, f'delete from "{table}"')
    refused(book, f'delete from "{table}" where id = 1')

    assert dump(book) == before


@pytest.mark.parametrize("table", KEPT)
def test_a_row_is_not_replaced(book: Gradebook, table: str):
    """SQLite's `replace` deletes without a trigger, PostgreSQL's `truncate` without a row."""
    filled(book)
    before = dump(book)
    if book.engine.dialect.name == "sqlite":
        refused(book, f'replace into "{table}" select * from "{table}"')
        columns = [c.name for c in Base.metadata.tables[table].columns if c.name != "id"]
        named = ", ".join(f'"{name}"' for name in columns)
        other = named.replace('"pseudonym"', "'p-0'").replace('"created_at"', "'2000-01-01'")
        refused(book, f'replace into "{table}" ({named}) select {other} from "{table}" where id=1')
    else:
        refused(book, f'truncate "{table}" cascade')

    assert dump(book) == before


def test_only_the_transaction_that_forgets_may_delete(book: Gradebook):
    """The permission is gone when it has ended, whether or not it went through."""
    filled(book)
    graded(book, "s2")
    book.forget("s1")

    refused(book, "delete from attempt")
    assert dump(book)["forgetting"] == []


def test_a_program_of_its_own_is_refused_too(tmp_path: Path):
    """The rule is in the file, not in the connection: as the `sqlite3` shell would find it."""
    path = tmp_path / "book.sqlite"
    with Gradebook(path, "t") as book:
        filled_by(book)
        graded(book)
    with closing(sqlite3.connect(path)) as other:
        for statement in ("update mark set points = '9'", "delete from mark", "delete from result"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(statement)


def test_a_gradebook_of_the_first_schema_opens_in_the_last(where: Path | str):
    """Every row has what it had, the mark is the same, and more can be written above."""
    before = first_schema(where)
    columns = {name: [*row, "id"] for name, (row, *_) in ROWS.items()}
    with Gradebook(where, term="2025") as book:
        with book.engine.begin() as connection:
            tables = reflected(connection)
            after = {name: content(connection, tables[name], *columns[name]) for name in ROWS}
            was = {name: [sorted(map(repr, row)) for row in rows] for name, rows in before.items()}
        final = book.final("hw1", "s1")
        book.mark("hw1", "s1", "part1/why", 5, answer="a1", by="una", expected=3, comment="more")

        assert {n: [sorted(map(repr, row)) for row in rows] for n, rows in after.items()} == was
        assert final.points == Decimal("6.0")
        assert [m.version for m in book.mark_history("hw1", "s1", "part1/why")] == [1, 2, 3, 4]
        assert book.final("hw1", "s1").points == Decimal("7.0")
        assert book.releases("hw1", "s1")[0].page == b"\0page"
        refused(book, "delete from mark")
        assert book.forget("s1").proved


def test_a_file_that_the_first_release_wrote_opens(tmp_path: Path):
    """It was made by that program, and is kept as it was."""
    path = tmp_path / "first.sqlite"
    shutil.copy(FIRST, path)
    with Gradebook(path, term="2025") as book:
        assert [p.name for p in book.people()] == ["Ada Lovelace"]
        assert book.final("hw1", "s1").points == 7
        assert book.marks("hw1", "s1")["part1/why"].comment == ""
        book.mark("hw1", "s1", "part1/why", 5, answer="a1", by="una", expected=1, comment="more")
        assert book.final("hw1", "s1").points == 8


def test_a_gradebook_of_a_newer_schema_is_refused(where: Path | str):
    """It is not changed, and the sentence says what opens it."""
    with Gradebook(where, term="2026") as book:
        filled_by(book)
        with book.engine.begin() as connection:
            connection.execute(text("update alembic_version set version_num = '0999'"))
        before = dump(book)
        with pytest.raises(UsageError, match="has a newer schema") as said:
            Gradebook(where, term="2026")

        assert "0999" in str(said.value)
        assert "hint: open it with the assay that wrote it, or a newer one" in str(said.value)
        assert dump(book) == before


def filled_by(book: Gradebook) -> None:
    book.add_assignment("hw1")
    book.add_person("s1", "Ada")
    book.mark("hw1", "s1", "c", 1, answer="a", by="tom", expected=0)
