"""A PostgreSQL of the tests' own: Debian's programs, a cluster in a temporary folder."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/nonexistent"))


@contextmanager
def cluster() -> Iterator[str]:
    """Start a server that listens on a socket in a temporary folder, and stop it."""
    if not (PROGRAMS / "initdb").exists():
        if os.environ.get("ASSAY_PINNED_POSTGRES"):
            pytest.fail("ASSAY_PINNED_POSTGRES is set, and PostgreSQL is not installed")
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-", dir="/tmp"))
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    user = user if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "nobody", "nogroup")

    def run(program: str, *arguments: str) -> None:
        command = [*user, str(PROGRAMS / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        run("initdb", "-U", "assay", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        run("pg_ctl", "-w", "-t", "600", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://assay@/{{}}?host={folder}"
        finally:
            run("pg_ctl", "-w", "-t", "600", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fresh_database(address: str) -> str:
    """Create an empty database on a cluster, and return its URL."""
    name = f"g{uuid4().hex}"
    with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return address.format(name)
