"""What a worker of a cluster runs: a job comes as bytes, its evidence leaves as bytes.

A worker takes a job only on the terms it comes with: alike in all that can change a result, and
isolated as far as is required, as its own canary proved.
"""

import asyncio
import hashlib
import json
import signal
import socket
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assay.errors import OurFault
from assay.evidence import numerics, packing
from assay.execution.execute import Ended, execute
from assay.execution.machine import Machine
from assay.records import Cell, Isolation, Outcome, plain
from assay.sandbox import cgroup, workdir
from assay.version import __version__

ANSWER, NAMES = "answer.json", "names.json"


def terms(isolation: int, private: Path) -> bytes:
    """What a worker has to be: like this process, and isolated so far from a private folder."""
    asked = {"isolation": isolation, "private": str(private.resolve()), "facts": facts()}
    return json.dumps(asked).encode()


def work(job: bytes, terms: bytes, cold: bool = False) -> bytes:
    """Execute a job, in a warm kernel or a cold one, where the terms are kept; else say why not."""
    agreed = _agreed(terms)
    if "refused" in agreed:
        return _packed(agreed, {})
    workdir.sweep()
    cgroup.sweep()
    return answer(execute(job, machine(), machine().isolation.best() if cold else None), agreed)


@cache
def machine() -> Machine:
    """Return what this process executes on: a worker serves one scheduler until it ends."""
    return Machine()


async def roll(terms: bytes) -> bytes:
    """Say, beside whatever runs, what this machine isolates with, or why it refuses."""
    return _packed(await asyncio.to_thread(_agreed, terms), {})


def dask_setup(worker: object) -> None:
    """Dask calls this in a worker that is started for one command: Ctrl-C is for the command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def answer(ended: Ended, agreed: Mapping[str, Any]) -> bytes:
    """Return how a run ended, as bytes."""
    said = {
        "outcome": ended.outcome,
        "reason": ended.reason,
        "seconds": ended.seconds,
        "cells": [plain(cell) for cell in ended.cells],
        "isolation": plain(ended.isolation),
        "memory": ended.memory,
        "cpu_seconds": ended.cpu_seconds,
        "pressure": ended.pressure,
        "starved": ended.starved,
    }
    return _packed({**agreed, **said}, ended.files)


def heard(answer: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return what a worker said, and the files that came with it."""
    members = packing.unpack(answer)
    names = enumerate(json.loads(members[NAMES]))
    return json.loads(members[ANSWER]), {name: members[f"files/{n}"] for n, name in names}


def ended(said: Mapping[str, Any], files: dict[str, bytes]) -> Ended:
    """How a run ended that a worker has told of."""
    return Ended(
        Outcome(said["outcome"]),
        said["reason"],
        said["seconds"],
        [Cell(**cell) for cell in said["cells"]],
        files,
        Isolation(**said["isolation"]),
        said["memory"],
        said["cpu_seconds"],
        said["pressure"],
        starved=said["starved"],
    )


def unlike(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """A line for each fact that is not the same on two machines."""
    names = [name for name in {**here, **there} if here.get(name) != there.get(name)]
    return [f"{n}: {here.get(n, 'none')} here, {there.get(n, 'none')} there" for n in names]


@cache
def facts() -> dict[str, str]:
    """All that has to be alike on machines that share their evidence."""
    of_dask = {name: version(name) for name in ("dask", "distributed")}
    return {"assay": f"{__version__}, files {_digest()}", **of_dask, **numerics.profile()}


def _digest() -> str:
    """Of assay's own files, wherever they are installed."""
    root = Path(__file__).parents[1]
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.py")}
    lines = [f"{name} {hashlib.sha256(files[name]).hexdigest()}" for name in sorted(files)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _agreed(terms: bytes) -> dict[str, Any]:
    """What this machine is and isolates with; `refused` says why that is not what is asked for."""
    asked = json.loads(terms)
    said = {"host": socket.gethostname(), "facts": facts()}
    try:
        if differ := unlike(asked["facts"], facts()):
            raise OurFault(
                "it is not like the machine of the command",
                found="\n".join(differ),
                hint="start assay on a machine like its workers, with the same packages, and let "
                "unlike workers go: bits are the same only where all of this is",
            )
        proved = machine().isolation.require(asked["isolation"], Path(asked["private"]))
    except OurFault as error:
        return said | {"refused": [error.what, error.found, error.hint]}
    return said | {"isolation": plain(proved)}


def _packed(said: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """An answer as bytes; files by number: students name them as no archive could."""
    names = list(files)
    numbered = {f"files/{number}": files[name] for number, name in enumerate(names)}
    notes = {ANSWER: json.dumps(said).encode(), NAMES: json.dumps(names).encode()}
    return packing.pack(notes | numbered)
