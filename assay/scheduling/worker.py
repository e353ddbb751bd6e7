"""What a worker of a cluster runs: a job comes as bytes, its evidence leaves as bytes.

A worker takes a job only if it meets the requirements: it is like the machine of the command in all
that can change a result, and isolated as far as is required, as its own canary proved.
"""

import asyncio
import json
import signal
import socket
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import NotRequired, TypedDict

from assay.errors import OurFault
from assay.evidence import keys, numerics, packing
from assay.execution.execute import Ended, execute
from assay.execution.machine import Machine
from assay.records import Cell, Isolation, Outcome, Plain, Took, plain
from assay.sandbox import cgroup, workdirs
from assay.version import __version__

ANSWER, NAMES = "answer.json", "names.json"


class Requirements(TypedDict):
    """What a worker has to be: like the machine of the command, and isolated so far."""

    isolation: int
    private: str
    """A folder that no sandbox may show."""
    facts: dict[str, str]


class Description(TypedDict):
    """What a worker is; `refused` is what, found and hint of the error that keeps it from jobs."""

    host: str
    facts: dict[str, str]
    isolation: NotRequired[Plain]
    """An `Isolation`."""
    refused: NotRequired[tuple[str, str, str]]


class Answer(Description):
    """How a run ended on a worker: `Ended` as plain data, without its files."""

    outcome: str
    reason: str
    seconds: float
    cells: list[Plain]
    """Each a `Cell`."""
    exam: Plain | None
    questions: dict[str, Plain]
    """Each a `Took`."""
    memory: int
    cpu_seconds: float
    pressure: float
    starved: bool


def requirements(isolation: int, private: Path) -> bytes:
    """What a worker has to be: like this process, and isolated so far from a private folder."""
    asked: Requirements = {
        "isolation": isolation,
        "private": str(private.resolve()),
        "facts": facts(),
    }
    return json.dumps(asked).encode()


def work(job: bytes, requirements: bytes, cold: bool = False) -> bytes:
    """Execute a job, in a warm kernel or a cold one; or say what requirement is not met."""
    described = _check_requirements(requirements)
    if "refused" in described:
        return _packed(described, {})
    workdirs.sweep()
    cgroup.sweep()
    return answer(execute(job, machine(), machine().isolation.best() if cold else None), described)


_beginning = Lock()


def machine() -> Machine:
    """Return what this process executes on: a worker serves one scheduler until it ends."""
    with _beginning:  # a description and the first run may ask for it at once
        return _machine()


@cache
def _machine() -> Machine:
    return Machine()


async def describe_worker(requirements: bytes) -> bytes:
    """Say, beside whatever runs, what this machine isolates with, or why it refuses."""
    return _packed(await asyncio.to_thread(_check_requirements, requirements), {})


def dask_setup(worker: object) -> None:
    """Dask calls this in a worker that is started for one command: Ctrl-C is for the command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def answer(ended: Ended, described: Description) -> bytes:
    """Return how a run ended, as bytes."""
    said: Answer = {
        **described,
        "outcome": ended.outcome,
        "reason": ended.reason,
        "seconds": ended.seconds,
        "cells": [plain(cell) for cell in ended.cells],
        "isolation": plain(ended.isolation),
        "memory": ended.memory,
        "cpu_seconds": ended.cpu_seconds,
        "pressure": ended.pressure,
        "exam": plain(ended.exam) if ended.exam else None,
        "questions": {name: plain(took) for name, took in ended.questions.items()},
        "starved": ended.starved,
    }
    return _packed(said, ended.files)


def decode_answer(answer: bytes) -> tuple[Answer, dict[str, bytes]]:
    """Return what a worker said, and the files that came with it."""
    members = packing.unpack(answer)
    names = enumerate(json.loads(members[NAMES]))
    return json.loads(members[ANSWER]), {name: members[f"files/{n}"] for n, name in names}


def ended(said: Answer, files: dict[str, bytes]) -> Ended:
    """Return how a run ended, by a worker's answer."""
    return Ended(
        Outcome(said["outcome"]),
        said["reason"],
        said["seconds"],
        [Cell.model_validate(cell) for cell in said["cells"]],
        files,
        Isolation.model_validate(said["isolation"]),
        said["memory"],
        said["cpu_seconds"],
        said["pressure"],
        exam=Took.model_validate(said["exam"]) if said["exam"] else None,
        questions={name: Took.model_validate(took) for name, took in said["questions"].items()},
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
    return {"assay": f"{__version__}, files {keys.ours()[:12]}", **of_dask, **numerics.profile()}


def _check_requirements(requirements: bytes) -> Description:
    """What this machine is and isolates with; `refused` says why that is not what is asked for."""
    asked: Requirements = json.loads(requirements)
    found: Description = {"host": socket.gethostname(), "facts": facts()}
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
        return {**found, "refused": (error.what, error.found, error.hint)}
    return {**found, "isolation": plain(proved)}


def _packed(said: Description, files: Mapping[str, bytes]) -> bytes:
    """An answer as bytes; files by number: students name them as no archive could."""
    names = list(files)
    numbered = {f"files/{number}": files[name] for number, name in enumerate(names)}
    notes = {ANSWER: json.dumps(said).encode(), NAMES: json.dumps(names).encode()}
    return packing.pack(notes | numbered)
