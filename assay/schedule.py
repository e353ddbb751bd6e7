"""Run jobs side by side, keep each as it ends, and run nothing twice.

All that computes takes a core first, whichever submission it is for; the longest runs begin
first, so that no core is left alone with one at the end.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

from assay.cluster import Cluster
from assay.cores import Cores
from assay.errors import Stopped
from assay.evidence import fingerprint
from assay.records import Outcome, RunRecord
from assay.run import archive, cgroup, desk, numerics, warm
from assay.run.assemble import Job
from assay.run.execute import Ended, execute
from assay.store import Cost, Store

Progress = Callable[[RunRecord, bool], None]
"""Called with each record as it is there, and whether it was in the store already."""
Before = Callable[[], object]
Machines = tuple[Callable[[Job], "Future[Any]"], Callable[["Future[Any]"], Ended]]
"""Where jobs are executed: how one is begun, and how its end is read."""
SPARE = 1.25
"""A run may take this much more memory than the last one like it."""
UNKNOWN = Cost(float("inf"), 0)


def run_all(
    jobs: Iterable[Job],
    store: Store,
    *,
    cores: Cores,
    force: bool,
    progress: Progress,
    cluster: Cluster | None = None,
    isolation: int = 0,
    before: Before = lambda: None,
) -> list[RunRecord]:
    """The records of all jobs in their order; what the store has is not run again.

    A run that was made with less than this level of isolation is no evidence: it is made again.
    `before` is called once, where there is a job to be run.
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
    desk.sweep()
    cgroup.sweep()
    if waiting:
        before()
    for record in _run_and_keep(list(waiting.values()), store, cores, cluster):
        found[record.key] = record
        progress(record, False)
    return [found[key] for key, _ in keyed]


def _run_and_keep(
    jobs: Sequence[Job], store: Store, cores: Cores, cluster: Cluster | None
) -> Iterator[RunRecord]:
    costs = store.costs()
    longest_first = sorted(jobs, key=lambda job: -costs.get(job.run.place, UNKNOWN).seconds)
    with _there(cluster) if cluster else _here(cores, costs) as (begin, ended_of):
        futures = {begin(job): job for job in longest_first}
        try:
            for future in as_completed(futures):
                job, ended = futures.pop(future), ended_of(future)
                record = _keep(store, job, ended)
                costs[record.run.place] = Cost(record.seconds, ended.memory)
                yield record
        except KeyboardInterrupt:
            warm.stop()  # or our threads would wait for their runs
            raise
        finally:
            for future in futures:
                future.cancel()
            store.learn(costs)


@contextmanager
def _here(cores: Cores, costs: Mapping[str, Cost]) -> Iterator[Machines]:
    """Threads of this process, each with a core and as much memory as the last run like it took."""

    def run(job: Job) -> Ended:
        most = SPARE * costs[job.run.place].memory if job.run.place in costs else job.memory
        with cores.taken(min(round(most), job.memory)):
            if warm.stopping.is_set():
                raise Stopped
            return execute(job.packed)

    with ThreadPoolExecutor(max_workers=cores.workers) as executor:
        yield lambda job: executor.submit(run, job), lambda future: future.result()


@contextmanager
def _there(cluster: Cluster) -> Iterator[Machines]:
    """Other machines; how much fits on each was said when their workers were started."""
    yield lambda job: cluster.begin(job.packed), cluster.ended


def _keep(store: Store, job: Job, ended: Ended) -> RunRecord:
    files = ended.files | job.desk
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
        evidence=hashlib.sha256(archive.manifest(files).encode()).hexdigest(),
    )
    if record.outcome is not Outcome.INFRASTRUCTURE:  # our fault is not worth remembering
        store.drop(job.key)
        store.put(record, files)
    return record
