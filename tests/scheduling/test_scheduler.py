"""Nothing is run twice, and everything keeps its order."""

import logging
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from assay.evidence import packing
from assay.evidence.packing import MANIFEST
from assay.evidence.store import Store
from assay.execution.execute import Ended
from assay.execution.job import Job
from assay.records import Outcome, Run, RunRecord
from assay.scheduling import scheduler
from assay.scheduling.resources import ResourcePool
from tests.toys.shared import MACHINE


class Machine:
    """Stands where `execute` stands: counts what it is given, and answers at once."""

    def __init__(self) -> None:
        self.runs: Counter[bytes] = Counter()
        self.outcome, self.at_once, self.most = Outcome.COMPLETED, 0, 0
        self.awaited = 0
        """Runs at once until which none ends: on a busy machine they begin one after another."""
        self._lock = threading.Condition()

    def __call__(self, job: bytes, machine: object = None) -> Ended:
        number = packing.unpack(job)["number"]
        with self._lock:
            self.runs[number] += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self._lock.notify_all()
            self._lock.wait_for(lambda: self.most >= self.awaited, timeout=60)
        time.sleep(0.02 if number == b"0" else 0.002)  # the first is the last to end
        with self._lock:
            self.at_once -= 1
        return Ended(self.outcome, "made up", 1.23456, [], {"evidence/a.npz": number})


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(scheduler, "execute", made)
    return made


def job(number: int) -> Job:
    run = Run(part="sums", parameters={"seed": number})
    question = SimpleNamespace(shown={}, kept={"sum": np.array(5)}, answers={"sum": ()})
    lay, draw = lambda: {"number": str(number).encode()}, lambda: {"q": question}
    return Job(run, str(number), lay, draw)


class Told(list[tuple[str, bool]]):
    """What progress was told."""

    def __call__(self, record: RunRecord, was_kept: bool) -> None:
        self.append((record.run.id, was_kept))


def run_all(store: Store, *numbers: int, workers: int = 2, force: bool = False) -> list[RunRecord]:
    jobs = [job(number) for number in numbers]
    return scheduler.run_all(
        jobs, store, machine=MACHINE, resources=ResourcePool(workers), force=force, progress=Told()
    )


def test_records_come_in_the_order_of_the_jobs(machine: Machine, store: Store):
    """Though the first job ends last."""
    assert [record.run.seed for record in run_all(store, 0, 1, 2, 3)] == [0, 1, 2, 3]


def test_nothing_is_run_twice(machine: Machine, store: Store):
    """A second batch runs only what the first did not."""
    first = run_all(store, 0, 1)
    second = run_all(store, 0, 1, 2)

    assert machine.runs == {b"0": 1, b"1": 1, b"2": 1}
    assert second[:2] == first


def test_force_runs_everything_again_and_keeps_the_new(machine: Machine, store: Store):
    """The evidence of the second run takes the place of the first one's."""
    key = run_all(store, 0)[0].key
    machine.outcome = Outcome.CRASHED
    run_all(store, 0, force=True)

    assert machine.runs == {b"0": 2}
    assert store.record(key).outcome is Outcome.CRASHED


def test_evidence_and_the_judges_workdir_are_kept_together(machine: Machine, store: Store):
    """A run can be judged from its folder alone."""
    record = run_all(store, 0)[0]
    workdir = {"given/q.npz", "kept/q.npz", "shapes.json"}
    names = {"evidence/a.npz", *workdir, MANIFEST, "run.json"}

    assert store.files(record.key).keys() == names
    assert store.record(record.key) == record


def test_our_own_failures_are_not_remembered(machine: Machine, store: Store):
    """Infrastructure is told, not stored, and tried again the next time."""
    machine.outcome = Outcome.INFRASTRUCTURE
    record = run_all(store, 0)[0]
    run_all(store, 0)

    assert record.outcome is Outcome.INFRASTRUCTURE
    assert not store.has(record.key)
    assert machine.runs == {b"0": 2}


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.INFRASTRUCTURE])
def test_the_students_failures_are_remembered(machine: Machine, store: Store, outcome: Outcome):
    """A run that timed out is an answer; it is not waited for again."""
    machine.outcome = outcome
    run_all(store, 0)
    run_all(store, 0)

    assert machine.runs == {b"0": 1}


def test_progress_hears_of_every_run_once(machine: Machine, store: Store):
    """Kept ones first, as kept; the others as they end."""
    run_all(store, 1)
    told = Told()
    scheduler.run_all(
        [job(0), job(1)],
        store,
        machine=MACHINE,
        resources=ResourcePool(1),
        force=False,
        progress=told,
    )

    assert told == [("sums/all/seed-1", True), ("sums/all/seed-0", False)]


def test_the_longest_begin_first_once_one_like_them_has_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    """One of each kind comes before anything is known; then the kind that took longest."""
    begun: list[str] = []

    def execute(packed: bytes, machine: object) -> Ended:
        kind = packing.unpack(packed)["number"].decode().split("/")[0]
        begun.append(kind)
        seconds = {"short": 1.0, "long": 9.0}[kind]
        return Ended(Outcome.COMPLETED, "made up", seconds, [], {})

    def like(kind: str, number: int) -> Job:
        run = Run(part=kind, parameters={"seed": number})
        lay = lambda: {"number": f"{kind}/{number}".encode()}  # noqa: E731
        return Job(run, f"{kind}{number}", lay, lambda: {})

    monkeypatch.setattr(scheduler, "execute", execute)
    jobs = [like(kind, number) for kind in ("short", "long") for number in range(3)]
    scheduler.run_all(
        jobs, store, machine=MACHINE, resources=ResourcePool(1), force=False, progress=Told()
    )

    assert begun == ["short", "long", "long", "long", "short", "short"]


def test_questions_are_drawn_as_runs_begin(machine: Machine, store: Store):
    """The first run does not wait for the questions of the last."""
    ended_by_then: list[int] = []

    def draw() -> dict[str, SimpleNamespace]:
        ended_by_then.append(sum(machine.runs.values()))
        return {}

    jobs = [
        Job(
            Run(part="sums", parameters={"seed": n}),
            str(n),
            lambda n=n: {"number": b"%d" % n},
            draw,
        )
        for n in range(3)
    ]
    scheduler.run_all(
        jobs, store, machine=MACHINE, resources=ResourcePool(1), force=False, progress=Told()
    )

    assert ended_by_then == [0, 1, 2]


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_runs_at_once_than_workers(machine: Machine, store: Store, workers: int):
    """One thread a run: more would only be slower."""
    machine.awaited = workers
    run_all(store, *range(9), workers=workers)

    assert machine.most == workers


def test_idle_cores_are_lent_and_given_back():
    """As many as are asked for and free; nobody waits for one."""
    resources = ResourcePool(4)
    with (
        resources.taken(),
        resources.idle(2) as two,
        resources.idle(9) as one,
        resources.idle(9) as none,
    ):
        assert (two, one, none) == (2, 1, 0)

    with resources.idle(9) as all_of_them:
        assert all_of_them == 4


def test_what_was_run_before_an_error_is_kept(
    machine: Machine, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """An interrupted batch resumes where it stopped."""

    def fails(packed: bytes, _: object) -> Ended:
        if packed == job(2).packed:
            raise OSError("disk full")
        return machine(packed)

    monkeypatch.setattr(scheduler, "execute", fails)
    with pytest.raises(OSError, match="disk full"):
        run_all(store, 0, 1, 2, 3, workers=1)

    assert store.has(job(0).key)
    assert store.has(job(1).key)


def test_an_empty_batch_is_no_work(machine: Machine, tmp_path: Path):
    """No jobs, no records, no store."""
    assert run_all(Store(tmp_path / "none")) == []


def test_the_same_job_twice_in_a_batch_is_run_once(machine: Machine, store: Store):
    """Two submissions of the same bytes share their runs."""
    records = run_all(store, 1, 1)

    assert machine.runs == {b"1": 1}
    assert len(records) == 2


def test_our_own_failure_does_not_destroy_what_is_kept(machine: Machine, store: Store):
    """`--force` on a bad day leaves yesterday's evidence alone."""
    key = run_all(store, 0)[0].key
    machine.outcome = Outcome.INFRASTRUCTURE
    run_all(store, 0, force=True)

    assert store.has(key)


def test_a_run_that_was_isolated_less_than_required_is_made_again(machine: Machine, store: Store):
    """Evidence from a run that could reach everything is no evidence for one that may not."""
    for isolation in (0, 0, 3):
        scheduler.run_all(
            [job(0)],
            store,
            machine=MACHINE,
            resources=ResourcePool(1),
            force=False,
            progress=Told(),
            isolation=isolation,
        )

    assert machine.runs == {b"0": 2}


GOOD = {"outcome": Outcome.COMPLETED, "reason": "", "seconds": 1.0, "cells": [], "files": {}}
LATE = {"outcome": Outcome.TIMED_OUT, "reason": "cell 2 took longer than 2 s"}


@pytest.mark.parametrize(
    ("first", "second", "calls", "outcome"),
    [
        ({**LATE, "pressure": 0.9}, {"pressure": 0.9}, 2, Outcome.COMPLETED),
        ({**LATE, "pressure": 0.9}, {**LATE, "pressure": 0.9}, 2, Outcome.TIMED_OUT),
        ({**LATE, "pressure": 0.1}, {}, 1, Outcome.TIMED_OUT),
        ({"pressure": 0.9}, {}, 1, Outcome.COMPLETED),
        (
            {**LATE, "pressure": 1.0, "starved": True},
            {**LATE, "pressure": 1.0, "starved": True},
            2,
            Outcome.INFRASTRUCTURE,
        ),
    ],
    ids=["it was the load", "it is slow", "an idle machine", "no time-out", "starved twice"],
)
def test_a_time_out_on_a_busy_machine_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    store: Store,
    first: dict,
    second: dict,
    calls: int,
    outcome: Outcome,
):
    """What comes of the second run is kept; what the machine had no processor for, never.

    The log says that there was a second one.
    """
    caplog.set_level(logging.INFO, "assay")
    ends = [Ended(**{**GOOD, **first}), Ended(**{**GOOD, **second})]
    made: list[bytes] = []

    def execute(job: bytes, machine: object) -> Ended:
        made.append(job)
        return ends[len(made) - 1]

    monkeypatch.setattr(scheduler, "execute", execute)
    record = run_all(store, 0)[0]

    assert len(made) == calls
    assert ("is made again alone" in caplog.text) is (calls == 2)
    assert record.outcome is outcome
    assert store.has(record.key) is (outcome is not Outcome.INFRASTRUCTURE)
    assert record.pressure == ends[calls - 1].pressure


def test_what_runs_alone_has_nothing_beside_it():
    """It waits for what runs already, and keeps what would begin from beginning."""
    resources, running, most = ResourcePool(3, 10**9), [0], [0]
    lock, alone = threading.Lock(), []

    def work(by_itself: bool) -> None:
        with resources.alone() if by_itself else resources.taken():
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.02)
            if by_itself:
                alone.append(running[0])
            with lock:
                running[0] -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, [n % 4 == 2 for n in range(24)]))

    assert alone == [1] * 6
    assert most[0] > 1


def test_a_run_that_another_kept_meanwhile_is_not_replaced(machine: Machine, store: Store):
    """Two hand-ins of the same bytes are graded at once: the judge may be reading the first's."""

    def another() -> None:
        run_by_another = scheduler.run_all(
            [job(0)],
            store,
            machine=MACHINE,
            resources=ResourcePool(1),
            force=False,
            progress=Told(),
        )
        kept.append(store.listing(run_by_another[0].key))

    kept: list[list[tuple[str, int, int]]] = []
    (record,) = scheduler.run_all(
        [job(0)],
        store,
        machine=MACHINE,
        resources=ResourcePool(1),
        force=False,
        progress=Told(),
        before=another,
    )

    assert machine.runs[b"0"] == 2
    assert [store.listing(record.key)] == kept  # with the times of its files
