"""Run jobs side by side, keep each as it ends, and run nothing twice.

All that computes takes a core first, whichever submission it is for; the longest runs begin
first, so that no core is left alone with one at the end. How long they take is known from the last
time, or from the first of their kind to end.

A time-out on a busy machine is not kept: the run is made again with no other run beside it, and
what comes of that counts.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any

from assay import interrupts
from assay.errors import Stopped
from assay.evidence import numerics, packing
from assay.evidence.answers import fingerprint
from assay.evidence.store import Cost, Store
from assay.execution.execute import Ended, execute
from assay.execution.job import Job
from assay.execution.machine import Machine
from assay.records import Outcome, RunRecord
from assay.sandbox import cgroup, workdirs
from assay.scheduling.cluster import Cluster
from assay.scheduling.resources import ResourcePool

Lookup = Callable[[Job], RunRecord | None]
"""Finds a job's run in the store, where what is kept there will do."""
Finished = tuple[Job, RunRecord | Ended]
"""A job, and its run: one that was kept, or one that has just ended."""
Submitted = tuple[set["Future[Any]"], Callable[["Future[Any]"], Finished]]
"""The futures of all jobs, and what reads the end of each."""
SPARE = 1.25
"""A run may take this much more memory than the last one like it."""
UNKNOWN = Cost(float("inf"), 0)
logger = logging.getLogger(__name__)


def run_all(
    jobs: Iterable[Job],
    store: Store,
    *,
    machine: Machine,
    resources: ResourcePool,
    force: bool,
    progress: Callable[[RunRecord, bool], object],
    cluster: Cluster | None = None,
    isolation: int = 0,
    before: Callable[[], object] = lambda: None,
) -> list[RunRecord]:
    """Return the records of all jobs in their order; what the store has is not run again.

    A run that was made with less than this level of isolation is no evidence: it is made again.
    `progress` is called with each record as it is there, and whether the store had it. `before` is
    called, from any thread, before a job is run.
    """
    jobs = list(jobs)
    found: dict[str, RunRecord] = {}

    def look(job: Job) -> RunRecord | None:
        key = store.key(job)
        kept = store.record(key) if not force and store.has(key) else None
        return kept if kept and kept.isolation.level >= isolation else None

    def finish(job: Job, record: RunRecord, was_kept: bool) -> None:
        found[job.recipe] = record
        progress(record, was_kept)

    waiting: dict[str, Job] = {}
    for job in jobs:
        if kept := look(job) if store.knows(job) else None:
            finish(job, kept, True)
        else:
            waiting[job.recipe] = job
    workdirs.sweep()
    cgroup.sweep()
    if waiting:
        for made in _run_and_keep(
            list(waiting.values()), store, machine, resources, cluster, look, before
        ):
            finish(*made)
    return [found[job.recipe] for job in jobs]


def _run_and_keep(
    jobs: Sequence[Job],
    store: Store,
    machine: Machine,
    resources: ResourcePool,
    cluster: Cluster | None,
    look: Lookup,
    before: Callable[[], object],
) -> Iterator[tuple[Job, RunRecord, bool]]:
    """Each job with its record, and whether that was kept, in the order in which they are there."""
    costs = store.costs()
    for job in {job.run.place: job for job in reversed(jobs)}.values():
        look(job)  # an unknown value is reported before anything is run
    there = partial(_there, cluster) if cluster else partial(_here, machine, resources)
    with there(jobs, costs, look, before) as (futures, made_by):
        try:
            for future in as_completed(futures):
                futures.discard(future)  # what it holds goes with it
                job, made = made_by(future)
                if isinstance(made, RunRecord):
                    yield job, made, True
                    continue
                if kept := look(job):  # another's, of the same bytes; a judge may be reading it
                    yield job, kept, True
                    continue
                yield job, _keep(store, job, made, instead=store.has(job.key)), False
        finally:
            for future in futures:
                future.cancel()
            store.learn(dict(costs))  # a thread may still add to it


@contextmanager
def _here(
    machine: Machine,
    resources: ResourcePool,
    jobs: Sequence[Job],
    costs: dict[str, Cost],
    look: Lookup,
    before: Callable[[], object],
) -> Iterator[Submitted]:
    """Threads of this process, each with a core and as much memory as the last run like it took."""
    waiting, lock = list(jobs), Lock()

    def run_longest() -> Finished:
        with lock:
            job = waiting.pop(_longest(waiting, costs))
        most = SPARE * costs[job.run.place].memory if job.run.place in costs else job.memory
        with resources.taken(min(round(most), job.memory)):
            if machine.stopping.is_set():
                raise Stopped
            if kept := look(job):
                return job, kept
            before()
            ended = execute(job.packed, machine)
        if ended.may_be_unfair:
            logger.info("%s met a limit on a busy machine, and is made again alone", job.run.id)
            with resources.alone():
                ended = execute(job.packed, machine).fair
        costs[job.run.place] = Cost(round(ended.seconds, 3), ended.memory)
        return job, ended

    with ThreadPoolExecutor(max_workers=resources.workers) as executor:
        try:
            with interrupts.held_back():
                futures = {executor.submit(run_longest) for _ in jobs}
            yield futures, lambda future: future.result()
        except KeyboardInterrupt:
            machine.stop()  # or our threads would wait for their runs
            raise


def _longest(jobs: Sequence[Job], costs: Mapping[str, Cost]) -> int:
    """Return which of them takes longest, by what is known by now; what is not known may be it."""
    return max(range(len(jobs)), key=lambda n: costs.get(jobs[n].run.place, UNKNOWN).seconds)


@contextmanager
def _there(
    cluster: Cluster,
    jobs: Sequence[Job],
    costs: dict[str, Cost],
    look: Lookup,
    before: Callable[[], object],
) -> Iterator[Submitted]:
    """Other machines; how much fits on each was said when their workers were started."""
    begun: dict[Future[Any], Job] = {}
    kept: dict[Future[Any], RunRecord] = {}
    try:
        for job in sorted(jobs, key=lambda job: -costs.get(job.run.place, UNKNOWN).seconds):
            if found := look(job):
                future: Future[Any] = Future()
                future.set_result(None)
                kept[future] = found
            else:
                before()
                future = cluster.begin(job.packed)
            begun[future] = job
    except BaseException:
        for future in begun:
            future.cancel()
        raise

    def made_by(future: "Future[Any]") -> Finished:
        job = begun.pop(future)
        if future in kept:
            return job, kept[future]
        ended = cluster.ended(future)
        if ended.may_be_unfair:
            logger.info("%s met a limit on a busy worker, and is made again", job.run.id)
            ended = cluster.execute(job.packed).fair
        costs[job.run.place] = Cost(round(ended.seconds, 3), ended.memory)
        return job, ended

    yield set(begun), made_by


def _keep(store: Store, job: Job, ended: Ended, *, instead: bool) -> RunRecord:
    """Keep what a run left, `instead` of what is kept of it already; return what is kept now."""
    files = ended.files | job.workdir
    record = RunRecord(
        run=job.run,
        key=job.key,
        outcome=ended.outcome,
        reason=ended.reason,
        seconds=round(ended.seconds, 3),
        cpu_seconds=ended.cpu_seconds,
        pressure=ended.pressure,
        cells=ended.cells,
        exam=ended.exam,
        questions=ended.questions,
        numerics=numerics.profile(),
        isolation=ended.isolation,
        fingerprint=fingerprint(ended.files),
        evidence=hashlib.sha256(packing.manifest(files).encode()).hexdigest(),
    )
    if record.outcome is Outcome.INFRASTRUCTURE:  # our fault is not worth remembering
        return record
    store.put(record, files, job.seed if job.drawn is None else None, instead=instead)
    store.learn_key(job)  # other questions may be drawn now than when it was asked last
    return store.record(job.key)
