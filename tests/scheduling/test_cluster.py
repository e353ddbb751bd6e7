"""Runs on a Dask cluster: the same evidence as here, whatever is lost on the way."""

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from assay.course.assignment import Assignment
from assay.errors import NoMachine, UsageError
from assay.evidence.store import Store
from assay.execution.execute import Ended
from assay.execution.job import Job
from assay.grading.audit import audit
from assay.records import Isolation, Outcome, RunRecord
from assay.scheduling import cluster as clusters
from assay.scheduling import scheduler, worker
from assay.scheduling.cluster import Cluster
from assay.scheduling.resources import ResourcePool
from tests.toys import toy as toys
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, submission

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore:Creating scratch directories")  # on a busy disk

ROOT = Path(__file__).parents[2]


def test_a_scheduler_is_asked_where_a_loop_runs_too(monkeypatch: pytest.MonkeyPatch):
    """As in Jupyter, and what is said is that nobody answers, not that a loop runs."""
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 1)

    async def in_a_loop() -> None:
        clusters.connect("tcp://127.0.0.1:1", workers=1, isolation=0, private=Path())

    with pytest.raises(NoMachine, match="no scheduler answers") as caught:
        asyncio.run(in_a_loop())

    assert "event loop" not in str(caught.value.found)


@pytest.fixture(scope="module")
def local() -> Iterator[Cluster]:
    """Two worker processes on this machine."""
    made = clusters.connect("local", workers=2, isolation=0, private=ROOT)
    yield made
    made.close()


@pytest.fixture
def cluster(local: Cluster) -> Cluster:
    """The same; those that another test has killed have come back."""
    local.client.wait_for_workers(2, timeout=300)
    return local


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """Six runs of a moment each."""
    root = tmp_path_factory.mktemp("cluster") / "course"
    with toys.course(root, text=toys.toml(seeds=range(6))) as assignment:
        yield assignment


def jobs(course: Assignment, *cells: str) -> list[Job]:
    return toys.jobs(course, submission(ADD, *cells))


def run_all(
    jobs: list[Job],
    store: Store,
    cluster: Cluster | None,
    progress: Callable[[RunRecord, bool], None] = lambda record, was_kept: None,
) -> list[RunRecord]:
    return scheduler.run_all(
        jobs,
        store,
        machine=MACHINE,
        resources=ResourcePool(1),
        force=False,
        progress=progress,
        cluster=cluster,
    )


def lasting(record: RunRecord) -> RunRecord:
    """The record without what no two runs share."""
    cells = [
        cell.model_copy(update=dict.fromkeys(("seconds", "cpu_seconds", "megabytes")))
        for cell in record.cells
    ]
    return record.model_copy(
        update={"seconds": 0.0, "cells": cells, "isolation": None, "evidence": ""}
        | {"cpu_seconds": 0.0, "pressure": 0.0, "exam": None, "questions": {}}
    )


def evidence(store: Store, record: RunRecord) -> dict[str, bytes]:
    files = store.files(record.key)
    return {name: files[name] for name in files if name.startswith(("evidence/", "kept/"))}


def killed(cluster: Cluster) -> list[psutil.Process]:
    """A worker, killed at once; it, and all that was below it."""
    said = cluster.client.run(os.getpid, on_error="return").values()  # one may be going just now
    victim = psutil.Process(next(pid for pid in said if isinstance(pid, int)))
    below = [victim, *victim.children(recursive=True)]
    victim.kill()
    return below


def test_a_cluster_leaves_the_evidence_of_this_machine(
    cluster: Cluster, course: Assignment, tmp_path: Path
):
    """Records and files are the same; a failing cell and its traceback too."""
    cell = "assert seed != 3, 'unlucky'"
    there, here = Store(tmp_path / "there"), Store(tmp_path / "here")
    on_the_cluster = run_all(jobs(course, cell), there, cluster)
    local = run_all(jobs(course, cell), here, None)

    assert [lasting(r) for r in on_the_cluster] == [lasting(r) for r in local]
    assert [r.outcome for r in local].count(Outcome.CELL_FAILED) == 1
    assert [evidence(there, r) for r in on_the_cluster] == [evidence(here, r) for r in local]


def test_each_worker_proves_its_own_isolation(cluster: Cluster, course: Assignment, store: Store):
    """Its level is said before any run and kept with each; here it is that of this machine."""
    [record, *_] = run_all(jobs(course)[:1], store, cluster)

    assert cluster.workers == 2
    assert cluster.require() == record.isolation == MACHINE.isolation.warmest().isolation


def test_a_slow_run_keeps_nobody_waiting(cluster: Cluster, course: Assignment, store: Store):
    """The other worker makes all the rest meanwhile, also where the machine has much else to do."""
    order: list[int] = []
    cell = "import time\ntime.sleep(30 if seed == 0 else 0)"
    some = jobs(course, cell)[:4]
    run_all(some, store, cluster, lambda record, _: order.append(record.run.seed))

    assert order[-1] == 0
    assert sorted(order) == list(range(4))


def test_workers_that_are_killed_cost_nothing(cluster: Cluster, course: Assignment, store: Store):
    """Their runs are made again elsewhere, and nothing of theirs lives on."""
    below: list[psutil.Process] = []

    def kill_one(record: RunRecord, was_kept: bool) -> None:
        if record.run.seed in (0, 3):
            below.extend(killed(cluster))

    records = run_all(jobs(course, "import time\ntime.sleep(0.2)"), store, cluster, kill_one)

    assert [record.outcome for record in records] == [Outcome.COMPLETED] * 6
    assert len(below) > 2
    assert psutil.wait_procs(below, timeout=120)[1] == []


def test_a_worker_that_comes_back_late_comes_back():
    """On a busy machine a process needs long to start: a lost worker is not given up meanwhile."""
    alone = clusters.connect("local", workers=1, isolation=0, private=ROOT)
    try:
        [first] = alone.client.run(os.getpid).values()
        before = set(psutil.Process().children(recursive=True))
        psutil.Process(first).kill()
        next_one = _begun_since(before)
        next_one.suspend()
        time.sleep(17)
        next_one.resume()
        alone.client.wait_for_workers(1, timeout=300)

        assert list(alone.client.run(os.getpid).values()) != [first]
    finally:
        alone.close()


def _begun_since(before: set[psutil.Process]) -> psutil.Process:
    """The process that a nanny has begun in the place of its worker."""
    for _ in range(6_000):
        for process in set(psutil.Process().children(recursive=True)) - before:
            with suppress(psutil.Error):
                if "spawn_main" in " ".join(process.cmdline()):
                    return process
        time.sleep(0.05)
    raise AssertionError("nothing was begun")


def test_a_run_that_is_made_twice_is_kept_once(cluster: Cluster, course: Assignment, store: Store):
    """Two commands make the same runs at the same time: one record each, and it is whole."""
    with ThreadPoolExecutor(2) as pool:
        twice = list(pool.map(lambda _: run_all(jobs(course)[:3], store, cluster), range(2)))

    one, other = ([record.fingerprint for record in records] for records in twice)
    assert one == other
    assert len(store.held()) == 3
    assert all(evidence(store, record) for record in twice[0])


def test_a_run_that_takes_its_workers_along_is_our_fault(
    cluster: Cluster, course: Assignment, monkeypatch: pytest.MonkeyPatch
):
    """It is given up; that is nobody's mark, and it is not remembered."""
    monkeypatch.setattr(cluster.client.cluster.scheduler, "allowed_failures", 1)
    monkeypatch.setattr(worker, "work", takes_its_worker_along)
    ended = cluster.execute(jobs(course)[0].packed)

    assert ended.outcome is Outcome.INFRASTRUCTURE
    assert ended.reason == "2 workers were lost while they ran it"


def takes_its_worker_along(job: bytes, terms: bytes, cold: bool) -> bytes:
    """Stands where `work` stands on a worker."""
    os.kill(os.getpid(), signal.SIGKILL)
    return b""


def test_a_worker_that_goes_while_it_is_asked_is_no_fault(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
):
    """Those that are there say what they isolate with, or those that come after it."""
    told = cluster.require()
    ask, gone = cluster.client.run, distributed.comm.core.CommClosedError("Stream is closed")
    answers = [
        {"tcp://gone": gone},
        {"tcp://gone": gone, **ask(worker.describe_worker, worker.requirements(0, ROOT))},
    ]
    monkeypatch.setattr(cluster.client, "run", lambda *_, on_error: answers.pop(0))

    assert cluster.require() == told
    assert answers == []


def test_a_worker_that_isolates_too_little_runs_nothing(
    cluster: Cluster, course: Assignment, store: Store
):
    """It refuses before it looks at the job, whoever calls; nothing is kept or marked."""
    strict = Cluster(cluster.client, 5, ROOT)
    said, files = worker.decode_answer(worker.work(b"no job", worker.requirements(5, ROOT)))

    assert said["refused"][0].startswith("isolation of level 5 is required")
    assert files == {}
    for ask in (strict.require, lambda: run_all(jobs(course), store, strict)):
        with pytest.raises(NoMachine, match="refuses: isolation of level 5 is required"):
            ask()
    assert store.held() == []


def test_a_worker_unlike_us_runs_nothing(
    cluster: Cluster, course: Assignment, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """Its bits would be filed under another machine's key; what differs is named."""
    ours = worker.facts() | {"processor": "another", "distributed": "1.0"}
    with monkeypatch.context() as patched:
        patched.setattr(worker, "facts", lambda: ours)
        stranger = Cluster(cluster.client, 0, ROOT)
    for ask in (stranger.require, lambda: run_all(jobs(course), store, stranger)):
        with pytest.raises(NoMachine, match="refuses: it is not like the machine") as raised:
            ask()

        assert [line.split(":")[0] for line in raised.value.found.splitlines()] == [
            "distributed",
            "processor",
        ]
    assert store.held() == []


def test_the_audit_goes_to_the_cluster_too(cluster: Cluster, course: Assignment):
    """A run made twice more there, cold, is compared with itself."""
    [job, *_] = jobs(course)
    found = audit([job], {}, partial(cluster.execute, cold=True))

    assert (found.runs, found.differing, found.unmade) == (1, [], [])


def test_an_answer_carries_any_file_name():
    """Students name files as no archive could; a worker's answer is taken apart as it was."""
    files = {"evidence/\udcff": b"1", "evidence/../x": b"2", "evidence/ü\\": b""}
    ended = Ended(Outcome.CRASHED, "?", 1.5, [], files, Isolation(level=3), 7)
    said, files = worker.decode_answer(worker.answer(ended, {}))

    assert worker.ended(said, files) == ended


def test_what_is_no_scheduler_is_wrong_usage():
    """Neither an address, nor a file that is there, nor `local`."""
    with pytest.raises(UsageError, match="`loca` is no scheduler"):
        clusters.connect("loca", workers=1, isolation=0, private=ROOT)


def test_what_breaks_in_dasks_own_loop_is_not_logged(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
):
    """A lost connection breaks its callbacks and tasks; our own error says what that means."""
    done = threading.Event()

    async def lose() -> None:
        raise OSError("Stream is closed")

    cluster.client.loop.add_callback(partial(open, "/nowhere"))
    cluster.client.loop.add_callback(lose)
    cluster.client.loop.add_callback(lambda: asyncio.ensure_future(lose()) and None)
    cluster.client.loop.call_later(0.2, done.set)

    assert done.wait(300)
    gc.collect()  # asyncio tells of a task's error when the task is no more
    assert not caplog.records


def test_a_scheduler_without_workers_is_told(monkeypatch: pytest.MonkeyPatch):
    """Nobody waits for ever for the first."""
    monkeypatch.setattr(clusters, "WORKER_SECONDS", 0.5)
    empty = clusters.connect("local", workers=0, isolation=0, private=ROOT)
    try:
        with pytest.raises(NoMachine, match="the scheduler has no workers"):
            empty.require()
    finally:
        empty.close()
