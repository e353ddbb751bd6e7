"""Open the database of a gradebook, and bring its schema up to date."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from assay.errors import OurFault, UsageError, quoted

T = TypeVar("T")
NEWEST = "0004"
"""The revision of the schema that models.py describes."""
LOCK = 0x617373_6179
"""The key of PostgreSQL's advisory lock for a migration."""
WAIT = 10.0
"""Seconds that SQLite waits for another writer, each time it is tried."""
TRIES = 8
"""How often a transaction is begun that lost a race on PostgreSQL, or found SQLite busy."""
READS = "assay_reads"


def connect(where: Path | str) -> Engine:
    """Return an engine for a SQLite file, or for a URL of SQLite or PostgreSQL; schema brought up.

    Raises
    ------
    UsageError
        It cannot be opened, holds something else, or was written by a newer assay.
    """
    address = str(where) if "://" in str(where) else f"sqlite:///{Path(where).absolute()}"
    try:
        url = make_url(address)
    except ArgumentError:
        hint = "give a file, or `postgresql://user@host/database`"
        raise UsageError("the gradebook's address is no URL", hint=hint) from None
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        hint = "SQLite and PostgreSQL are supported"
        raise UsageError("no such database", found=url.drivername, hint=hint)
    shown = quoted(url.render_as_string(hide_password=True))
    if url.drivername == "sqlite":
        engine = create_engine(url, connect_args={"timeout": WAIT})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
    else:
        engine = create_engine(url, isolation_level="REPEATABLE READ", hide_parameters=True)
    try:
        again_if_busy(lambda: _bring_up(engine, shown))
    except DBAPIError as error:
        engine.dispose()
        hint = "is it a gradebook, is there room and permission, does the server run?"
        raise UsageError(
            f"the gradebook {shown} cannot be opened", found=str(error.orig), hint=hint
        ) from None
    except UsageError:
        engine.dispose()
        raise
    return engine


def reading(engine: Engine) -> Engine:
    """Return the same engine, for transactions that only read: SQLite lets them wait for none."""
    return engine.execution_options(**{READS: True})


def again_if_busy(work: Callable[[], T]) -> T:
    """Do work that is one transaction; begin it again if it lost to another one."""
    for count in range(TRIES - 1):
        try:
            return work()
        except DBAPIError as error:
            if not (_is_busy(error) or _lost_a_race(error)):
                raise
        time.sleep(0.01 * 2**count)
    return work()


def not_done(error: DBAPIError) -> OurFault:
    """Return what is said of a transaction that failed."""
    if _is_busy(error):
        return OurFault(
            "another program has the gradebook in use, and does not give it back; "
            "nothing was changed",
            hint="close it, or end it, and give the command again",
        )
    return OurFault(
        "the gradebook could not be read or written; nothing was changed",
        found=str(error.orig),
        hint="is there room, and may this user write there?",
    )


def _is_busy(error: DBAPIError) -> bool:
    """Return whether another program held SQLite's lock for longer than we wait."""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _lost_a_race(error: DBAPIError) -> bool:
    """Return whether PostgreSQL refused what another transaction has changed meanwhile."""
    state = getattr(error.orig, "sqlstate", None)  # serialization, deadlock, integrity
    return isinstance(state, str) and (state in ("40001", "40P01") or state.startswith("23"))


def _bring_up(engine: Engine, shown: str) -> None:
    with reading(engine).begin() as connection:
        if _revisions(connection) == [NEWEST]:
            return
    if engine.dialect.name == "postgresql":  # see what was made while we waited for the lock
        engine = engine.execution_options(isolation_level="READ COMMITTED")
    with engine.begin() as connection:
        migrate(connection, shown)


def migrate(connection: Connection, shown: str = "", to: str = "head") -> None:
    """Apply the steps that this database has not seen, in the caller's transaction.

    Alembic takes half a second to import: it is only asked where there is something to do.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
    if to == "head" and _revisions(connection) == [NEWEST]:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    known = {step.revision for step in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current and current not in known:
        hint = "open it with the assay that wrote it, or a newer one"
        raise UsageError(f"the gradebook {shown} has a newer schema", found=current, hint=hint)
    if to != "head" or current != scripts.get_current_head():
        command.upgrade(config, to)


def _revisions(connection: Connection) -> list[str]:
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.scalars(text("select version_num from alembic_version")))


def _prepare_sqlite(connection: Any, record: Any) -> None:
    """Write-ahead log, checked references, deleted content overwritten; we begin by ourselves."""
    connection.isolation_level = None
    if connection.execute("pragma journal_mode").fetchone() != ("wal",):  # to set it takes a lock
        connection.execute("pragma journal_mode = wal")
    for pragma in ("foreign_keys = on", "secure_delete = on", "synchronous = full"):
        connection.execute(f"pragma {pragma}")


def _begin(connection: Connection) -> None:
    """Take the write lock first: what was read is still so when it is written."""
    reads = connection.get_execution_options().get(READS)
    connection.exec_driver_sql("begin" if reads else "begin immediate")
