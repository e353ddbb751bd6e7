"""A gradebook as the first step of the schema makes it, with rows in every table."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, create_engine, insert, select

from assay.classroom.gradebook import database
from tests.classroom.books import criteria

OLD = datetime(2025, 10, 1, 12, tzinfo=UTC)
WRITTEN = {"version": 1, "by": "tom", "at": OLD}
OF = {"assignment_id": 1, "author_id": 1}
ROWS: dict[str, list[dict[str, Any]]] = {
    "assignment": [{"term": "2025", "name": "hw1", "created_at": OLD}],
    "author": [
        {"term": "2025", "kind": kind, "key": key, "pseudonym": f"p-{key}", "name": name}
        | {"facts": {"user": key}, "created_at": OLD}
        for kind, key, name in (("person", "s1", "Ada Ü\n=1"), ("group", "g1", "Group 1"))
    ],
    "membership": [{"assignment_id": 1, "group_id": 2, "person_id": 1}],
    "attempt": [OF | {"digest": "d", "submitted_at": OLD, "origin": {"n": 1}, "taken_at": OLD}],
    "result": [
        {"attempt_id": 1, "digest": "r", "receipt": {}, "criteria": criteria()}
        | WRITTEN
        | {"version": version}
        for version in (1, 2)
    ],
    "mark": [
        OF | {"criterion": "part1/why", "answer": "a1", "points": points, "reason": "ok"}
        | WRITTEN
        | {"version": version}
        for version, points in ((1, "3.50"), (2, None), (3, "4"))
    ],
    "decision": [OF | WRITTEN | {"kind": "late", "value": {"points": "0.5"}, "reason": ""}],
    "release": [OF | WRITTEN | {"points": "6", "steps": [{"kind": "late"}], "page": b"\0page"}],
}  # fmt: skip


def first_schema(where: Path | str) -> dict[str, list[tuple[Any, ...]]]:
    """Make a gradebook by the first step alone, with rows in every table; return what it holds."""
    address = str(where) if "://" in str(where) else f"sqlite:///{where}"
    engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        database.migrate(connection, to="0001")
        tables = reflected(connection)
        assert set(ROWS) | {"purge", "alembic_version"} == set(tables)
        for name, rows in ROWS.items():
            connection.execute(insert(tables[name]), rows)
        found = {name: content(connection, tables[name]) for name in ROWS}
    engine.dispose()
    return found


def reflected(connection: Connection) -> Mapping[str, Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return {table.name: table for table in metadata.sorted_tables}


def content(connection: Connection, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """Every row, of all columns or of these."""
    wanted = [table.c[name] for name in columns or [c.name for c in table.columns]]
    return [tuple(row) for row in connection.execute(select(*wanted).order_by(table.c.id))]
