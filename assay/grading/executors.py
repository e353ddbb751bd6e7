"""Where the records of runs come from: this machine, a cluster, or the store."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Protocol

from assay.course.assignment import Assignment
from assay.errors import CannotGrade
from assay.events import Event, Message, RunFinished, RunsPlanned
from assay.evidence.store import Store
from assay.execution.job import Job
from assay.execution.machine import Machine
from assay.grading.audit import audit, cold
from assay.judge import judge
from assay.records import Audit, Isolation, RunRecord
from assay.scheduling import scheduler
from assay.scheduling.cluster import Cluster
from assay.scheduling.resources import ResourcePool

Files = Mapping[str, Mapping[str, bytes]]


class Executor(Protocol):
    """Returns the records of jobs, in their order: it executes them, or knows them."""

    def execute(self, name: str, jobs: Sequence[Job]) -> list[RunRecord]:
        """Return the records of the jobs of `name`, which is whose they are."""


class StoredRuns:
    """The runs that the store has, and no others.

    Further seeds count if an earlier session ran them all; of the runs that are planned, one that
    is missing is an error.
    """

    def __init__(self, store: Store, planned: Collection[Job]) -> None:
        self.store = store
        self._planned = {store.key(job) for job in planned}

    def execute(self, name: str, jobs: Sequence[Job]) -> list[RunRecord]:
        """Return the records of jobs; none if one of them that was not planned is missing.

        Raises
        ------
        CannotGrade
            If one that was planned is missing.
        """
        keys = [self.store.key(job) for job in jobs]
        missing = [j.run for j, key in zip(jobs, keys, strict=True) if not self.store.has(key)]
        if missing and keys[0] not in self._planned:
            return []
        if missing:
            raise CannotGrade(
                f"`{name}` has not been run as it is now",
                found=f"{len(missing)} of {len(jobs)} runs are missing, "
                f"the first is {missing[0].id}",
                hint="`assay run` makes them, `assay grade` does all steps",
            )
        return [self.store.record(key) for key in keys]


@dataclass(kw_only=True)
class NewRuns(ABC):
    """Executes what the store does not have, wherever that is done.

    A run that was isolated less than is required is no evidence: it is made again.
    """

    assignment: Assignment
    store: Store
    machine: Machine
    resources: ResourcePool
    emit: Callable[[Event], object]
    require_isolation: int
    force: bool
    cluster: Cluster | None = None
    _proved: list[Isolation] = field(default_factory=list, init=False)
    _proving: Lock = field(default_factory=Lock, init=False)

    def execute(self, name: str, jobs: Sequence[Job]) -> list[RunRecord]:
        """Return the records of jobs; what the store has is not run again."""
        self.emit(RunsPlanned(name, len(jobs)))
        return scheduler.run_all(
            jobs,
            self.store,
            machine=self.machine,
            resources=self.resources,
            cluster=self.cluster,
            force=self.force,
            progress=lambda record, known: self.emit(RunFinished(name, record, known)),
            isolation=self.require_isolation,
            before=self._prove,
        )

    @abstractmethod
    def audit(self, job: Job, kept: Files) -> Audit:
        """Execute a job twice more, each time from nothing, and compare; `kept` is by run."""

    @abstractmethod
    def isolation(self) -> Isolation:
        """Return what isolates the code that is run; raise if it is less than is required."""

    def _prove(self) -> None:
        """Say once what isolates the code, or raise before any of it runs."""
        with self._proving:
            if not self._proved:
                found = self.isolation()
                self._proved.append(found)
                for line in [f"isolation: {found}", *map("  {}".format, found.missing)]:
                    self.emit(Message(line))


@dataclass(kw_only=True)
class LocalExecutor(NewRuns):
    """Executes on the cores of this machine."""

    _is_cold: Lock = field(default_factory=Lock, init=False)

    def execute(self, name: str, jobs: Sequence[Job]) -> list[RunRecord]:
        """Return the records of jobs; what the store has is not run again."""
        new = [job for job in jobs if self.force or not self.store.knows(job)]
        if new and self._is_cold.acquire(blocking=False):  # once, by whoever comes first
            self._get_ready(new)
        return super().execute(name, jobs)

    def audit(self, job: Job, kept: Files) -> Audit:
        """Execute a job twice more when a core is free, and compare."""
        with self.resources.taken(job.memory):
            return audit([job], kept, partial(cold, machine=self.machine))

    def isolation(self) -> Isolation:
        """Return what isolates on this machine; raise if it is less than is required."""
        return self.machine.isolation.require(self.require_isolation, self.assignment.root)

    def _get_ready(self, jobs: Sequence[Job]) -> None:
        """Prove the isolation, and import what will run and judge these jobs, meanwhile."""
        servers, firsts = self.machine.servers, {job.run.part: job for job in jobs}
        for job in firsts.values():
            servers.ahead(partial(servers.parent_for, job.code))
        asked = [part for part in self.assignment.part if part.name in firsts]
        judges = [
            partial(judge.parent, self.assignment.root, part.rubric, servers) for part in asked
        ]
        servers.ahead(self.machine.isolation.warmest, *judges)


@dataclass(kw_only=True)
class ClusterExecutor(NewRuns):
    """Executes on the workers of a cluster."""

    cluster: Cluster

    def audit(self, job: Job, kept: Files) -> Audit:
        """Execute a job twice more on workers, and compare."""
        return audit([job], kept, partial(self.cluster.execute, cold=True))

    def isolation(self) -> Isolation:
        """Return the least that a worker isolates with; raise if it is less than is required."""
        self.emit(Message(str(self.cluster)))
        return self.cluster.require()
