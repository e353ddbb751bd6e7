"""Run jobs side by side, keep each as it ends, and run nothing twice."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed

from assay.evidence import fingerprint
from assay.records import Outcome, RunRecord
from assay.run import numerics
from assay.run.assemble import Job
from assay.run.execute import Ended, execute
from assay.store import Store

Progress = Callable[[RunRecord, bool], None]
"""Called with each record as it is there, and whether it was in the store already."""


def run_all(
    jobs: Iterable[Job],
    store: Store,
    *,
    workers: int,
    force: bool,
    progress: Progress,
    isolation: int = 0,
) -> list[RunRecord]:
    """The records of all jobs in their order; what the store has is not run again.

    A run that was made with less than this level of isolation is no evidence: it is made again.
    """
    keyed = [(store.key(job), job) for job in jobs]
    found: dict[str, RunRecord] = {}
    waiting: dict[str, Job] = {}
    for key, job in keyed:
        kept = store.record(key) if store.has(key) else None
        if kept and kept.isolation.level >= isolation and not force:
            found[key] = kept
            progress(kept, True)
        else:
            waiting[key] = job
    with ThreadPoolExecutor(max_workers=workers) as executor:
        for job, ended in _run(executor, list(waiting.values())):
            found[job.key] = _keep(store, job, ended)
            progress(found[job.key], False)
    return [found[key] for key, _ in keyed]


def available_cores() -> int:
    """How many runs may compute at once: one thread each."""
    return len(os.sched_getaffinity(0))


def _run(executor: Executor, jobs: list[Job]) -> Iterable[tuple[Job, Ended]]:
    futures: dict[Future[Ended], Job] = {executor.submit(execute, j.packed): j for j in jobs}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()


def _keep(store: Store, job: Job, ended: Ended) -> RunRecord:
    record = RunRecord(
        run=job.run,
        key=job.key,
        outcome=ended.outcome,
        reason=ended.reason,
        seconds=round(ended.seconds, 3),
        cells=ended.cells,
        numerics=numerics.profile(),
        isolation=ended.isolation,
        fingerprint=fingerprint(ended.files),
    )
    if record.outcome is not Outcome.INFRASTRUCTURE:  # our fault is not worth remembering
        store.drop(job.key)
        store.put(record, ended.files | job.desk)
    return record
