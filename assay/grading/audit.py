"""Reproducibility is audited, not assumed: a run repeated twice, compared bit by bit.

The two runs differ in all that may not matter: a fresh sandbox and process, the hash seed, the
clock, the order of files in folders, what an earlier run left beside the notebook, and where the
global generators stand when the questions begin. The first cell after which the data differ is
named, and from its source the likely cause.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from assay.evidence import packing
from assay.evidence.answers import Array, arrays_of
from assay.execution.execute import TRACE, Ended, execute
from assay.execution.job import OURS, Job, JobFile
from assay.execution.machine import Machine
from assay.records import Audit, Difference, Outcome, Record
from assay.source import decoding, nondeterminism

INJECTED = "# Parameters\n"


class Step(Record):
    """A cell that was executed, and the fingerprints of what the names then held."""

    source: str
    names: dict[str, str]


def cold(job: bytes, machine: Machine) -> Ended:
    """Execute on this machine, in a process with a hash seed of its own."""
    return execute(job, machine, machine.isolation.best())


def audit(
    jobs: Sequence[Job],
    kept: Mapping[str, Mapping[str, bytes]],
    run: Callable[[bytes], Ended],
) -> Audit:
    """Run each job twice more; `kept` are the files of the runs that were marked, by id.

    A job that the machine cannot run is among the `unmade`: it does not count as a difference.
    """
    arrays, differing, unmade = 0, [], []
    for job in jobs:
        one = run(traced(job))
        other = run(traced(job, beside=left_by(one)))
        if Outcome.INFRASTRUCTURE in (one.outcome, other.outcome):
            unmade.append(job.run.id)
            continue
        first, second = arrays_of(one.files), arrays_of(other.files)
        arrays += len(first.keys() | second.keys())
        unlike = differences(arrays_of(kept.get(job.run.id, one.files)), first, second)
        steps = steps_of(one)
        cell = first_cell(steps, steps_of(other))
        if unlike or cell:
            kept_files = bool(left_by(one))
            differing.append(_difference(job, steps, unlike, cell, kept_files=kept_files))
    return Audit(runs=len(jobs) - len(unmade), arrays=arrays, differing=differing, unmade=unmade)


def traced(job: Job, beside: Mapping[str, bytes] | None = None) -> bytes:
    """Return the job with its cells followed; the second run finds files `beside` the notebook."""
    files = packing.unpack(job.packed)
    described: JobFile = json.loads(files["job.json"])
    described["trace"] = {"twin": beside is not None}
    files |= {"job.json": json.dumps(described, sort_keys=True).encode(), "support/trace.py": TRACE}
    return packing.pack(files | {f"submission/{name}": c for name, c in (beside or {}).items()})


def left_by(ended: Ended) -> dict[str, bytes]:
    """Return the files that a run wrote beside its notebook."""
    start = "evidence/left/"
    return {n.removeprefix(start): c for n, c in ended.files.items() if n.startswith(start)}


def differences(*runs: Mapping[str, Array]) -> list[str]:
    """The names of arrays that are not the same in every run, bit by bit; missing ones differ."""
    names = dict.fromkeys(name for run in runs for name in run)
    return [name for name in names if len({run.get(name) for run in runs}) > 1]


def first_cell(one: Sequence[Step], other: Sequence[Step]) -> tuple[int, Step, list[str]] | None:
    """Number of the first cell after which names hold other data, what it left, those names."""
    number = 0
    for mine, its in zip(one, other, strict=False):
        if "ask.sit(" in mine.source or mine.source.startswith(INJECTED):
            continue
        number += 1
        every = mine.names.keys() | its.names.keys()
        unlike = sorted(name for name in every if mine.names.get(name) != its.names.get(name))
        if unlike:
            return number, mine, unlike
    return None


def _difference(
    job: Job,
    steps: Sequence[Step],
    unlike: Sequence[str],
    cell: tuple[int, Step, list[str]] | None,
    *,
    kept_files: bool,
) -> Difference:
    files = packing.unpack(job.packed)
    theirs = [name for name in files if name.endswith(".py") and name not in OURS]
    modules = [decoding.text_of(files[n]) for n in theirs]
    source = cell[1].source if cell else ""
    return Difference(
        run=job.run.id,
        cell=cell[0] if cell else None,
        names=cell[2] if cell else [],
        arrays=list(unlike),
        cause=nondeterminism.likely(
            source, [s.source for s in steps], modules, kept_files=kept_files
        ),
    )


def steps_of(ended: Ended) -> list[Step]:
    """Return what the trace says; nothing if it cannot be read: then it names no cell."""
    lines = ended.files.get("evidence/trace.jsonl", b"").decode("utf-8", "replace").splitlines()
    try:
        return [Step.model_validate_json(line) for line in lines]
    except ValueError:  # the student's process can write there too
        return []
