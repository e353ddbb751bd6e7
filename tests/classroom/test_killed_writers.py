"""kill -9 between any two statements: an operation has happened, or it has not."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select

from assay.classroom.gradebook import Gradebook
from assay.classroom.gradebook.models import Base
from tests.classroom.books import busy, graded, refused
from tests.classroom.first_schema import first_schema
from tests.classroom.killed import Writers
from tests.classroom.postgres import fresh_database

DRAWN = {"id", "at", "created_at", "taken_at", "pseudonym"}
"""Columns that differ from one time to the next; PostgreSQL gives the number of a row once."""
MARK = {"assignment": "hw1", "author": "s1", "criterion": "part1/why", "answer": "a1"}
OF_ADA = {"assignment": "hw1", "person": "s1", "by": "una", "expected": 0, "reason": "viva"}
CRITERION = {"name": "part1/why", "points": 5, "earned": 1, "waits": True, "answer": "a2"}
OPERATIONS: dict[str, dict[str, Any]] = {
    "open": {},
    "add_person": {"key": "s1", "name": "Ada King", "facts": {"user": "ada01", "more": 1}},
    "add_assignment": {"name": "hw2"},
    "group": {"assignment": "hw1", "members": ["s2", "s3"]},
    "attempt": {"assignment": "hw1", "author": "s1", "digest": "d9", "time": "2026-11-30T09:00Z"},
    "add_result": {"attempt": 1, "digest": "r9", "receipt": {"n": 1}, "criteria": [CRITERION]},
    "mark": MARK | {"points": "4.5", "by": "una", "expected": 1, "reason": "better"},
    "set_late": OF_ADA | {"value": {"points": "0.5", "arithmetic": "10 % of 5"}},
    "extend": OF_ADA | {"value": {"until": "2026-12-01"}},
    "excuse": OF_ADA | {"value": {}},
    "override": OF_ADA | {"value": {"points": "6"}},
    "release": {"assignment": "hw1", "person": "s1", "page": "new", "by": "una", "expected": 1},
    "release_both": {"assignment": "hw1", "by": "una"},
    "request_regrade": {"assignment": "hw1", "person": "s1", "criterion": "part1/split"}
    | {"question": "why?", "mark": {"points": "2"}, "expected": 0},
    "answer_request": {"request": 1, "answer": "because", "by": "una", "expected": 1},
    "forget": {"person": "s1"},
    "forget_term": {},
}


def fill(where: Path | str) -> None:
    with Gradebook(where, "2026") as book:
        book.add_assignment("hw1")
        for key, name, user in (
            ("s1", "Ada Lovelace", "ada01"),
            ("s2", "Ben Barker", "ben02"),
            ("s3", "Cleo Cole", "cleo03"),
        ):
            book.add_person(key, name, {"user": user})
        busy(book)
        graded(book, "s2")


def rows(where: Path | str) -> dict[str, list[str]]:
    """Every row of every table, without what is drawn or timed anew."""
    with Gradebook(where, "2026") as book, book.engine.begin() as connection:
        found = {}
        for table in Base.metadata.sorted_tables:
            found[table.name] = [
                repr([value for name, value in row._mapping.items() if name not in DRAWN])
                for row in connection.execute(select(table).order_by(table.c.id))
            ]
        return found


@pytest.fixture(scope="module")
def full_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("full") / "book.sqlite"
    fill(path)
    return path


@pytest.fixture
def of_sqlite(full_sqlite: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes a copy of the filled gradebook, in one place."""

    def copied() -> Path:
        for old in tmp_path.glob("book.sqlite*"):
            old.unlink()
        for file in full_sqlite.parent.iterdir():
            shutil.copy(file, tmp_path)
        return tmp_path / "book.sqlite"

    return copied


@pytest.fixture(scope="module")
def full_postgres(postgres: str) -> str:
    address = fresh_database(postgres)
    fill(address)
    return address


@pytest.fixture
def of_postgres(full_postgres: str, postgres: str) -> Callable[[], str]:
    def copied() -> str:
        name = f"g{uuid4().hex}"
        full = full_postgres.partition("@/")[2].partition("?")[0]
        with psycopg.connect(postgres.format("postgres"), autocommit=True) as connection:
            connection.execute(f"create database {name} template {full} strategy file_copy")
        return postgres.format(name)

    return copied


def killed_at_each(
    forked: Writers, copied: Callable[[], Path | str], operation: str, points: int
) -> None:
    """Kill it before so many of its statements, look, do it again, and look once more."""
    given = OPERATIONS[operation]
    before = rows(copied())
    where = copied()
    whole_run = forked.write(where, operation, **given)
    after = rows(where)
    assert whole_run.how == "done"
    assert whole_run.statements > 3
    assert (before == after) == (operation == "open")
    seen = []
    number = whole_run.statements
    for at in sorted({*range(0, number, max(1, number // points)), number - 1}):
        where = copied()
        ended = forked.write(where, operation, at, **given)
        assert ended.how == "killed", at
        found = rows(where)
        assert found in (before, after), f"killed before statement {at}"
        seen.append(found == after)
        again = forked.write(where, operation, **given)
        assert again.how == "done" or (again.how == "Unknown" and seen[-1]), at
        assert rows(where) == after, f"done again after a kill before statement {at}"
        if operation.startswith("forget") and isinstance(where, Path):
            held = b"".join(file.read_bytes() for file in where.parent.glob("book.sqlite*"))
            assert b"Lovelace" not in held, at
    assert seen == sorted(seen), "what had happened was taken back by a later kill"
    assert operation == "open" or not seen[0]


def rounds(*quick: str) -> list[object]:
    """Each operation: killed at a few statements, and in the thorough round at each of them."""
    thorough = pytest.mark.thorough
    short = [
        pytest.param(name, 6, id=name, marks=() if name in quick else thorough)
        for name in OPERATIONS
    ]
    return [*short, *(pytest.param(n, 999, id=f"{n}, each", marks=thorough) for n in OPERATIONS)]


@pytest.mark.parametrize(("operation", "points"), rounds("mark", "group", "release_both", "forget"))
def test_on_sqlite_an_operation_is_whole_or_not_at_all(
    forked: Writers, of_sqlite: Callable[[], Path], operation: str, points: int
):
    """Killed at any statement; and done again, it has happened once."""
    killed_at_each(forked, of_sqlite, operation, points)


@pytest.mark.parametrize(("operation", "points"), rounds("mark"))
def test_on_postgresql_an_operation_is_whole_or_not_at_all(
    forked: Writers, of_postgres: Callable[[], str], operation: str, points: int
):
    """Killed at any statement; and done again, it has happened once."""
    killed_at_each(forked, of_postgres, operation, points)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.thorough)])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Path | str]:
    """Gives an empty place for a gradebook, each time another one."""
    if request.param == "sqlite":
        return lambda: tmp_path / f"{uuid4().hex}.sqlite"
    server = request.getfixturevalue("postgres")
    return lambda: fresh_database(server)


@pytest.mark.parametrize("start", ["nothing", "the first schema"])
def test_a_migration_that_was_killed_is_begun_again(
    forked: Writers, places: Callable[[], Path | str], start: str
):
    """Whoever opens it next brings it to the last schema, with all that was in it."""

    def begun() -> Path | str:
        place = places()
        if start == "the first schema":
            first_schema(place)
        return place

    whole = begun()
    number = forked.write(whole, "open").statements
    assert number > 20
    for at in sorted({*range(1, number, max(1, number // 6)), number - 1}):
        place = begun()
        assert forked.write(place, "open", at).how == "killed"
        assert forked.write(place, "open").how == "done"
        assert rows(place) == rows(whole), at
        with Gradebook(place, "2026") as book:
            book.add_assignment("hw7")
            refused(book, "delete from assignment")
