"""What every step of the road needs to know.

What runs and judges is imported where it is called for: `assay check` has no use for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from assay import folders, plan
from assay.assignment import Assignment
from assay.cores import Cores
from assay.records import Isolation, Run
from assay.secret import PUBLIC, Secret
from assay.store import Store
from assay.submission import Submission

if TYPE_CHECKING:
    from assay.cluster import Cluster
    from assay.run.assemble import Job

JOINING = 256
"""Workers of a cluster that there is work enough for, before they are there."""


@dataclass(frozen=True)
class Road:
    """What every step needs to know: the assignment, where evidence is kept, where reports go.

    Runs are made on the cluster, where there is one; all else on the cores of this machine.
    """

    assignment: Assignment
    store: Store
    reports: Path
    cores: Cores
    cluster: "Cluster | None" = None
    key: bytes | None = None
    """What results are signed with."""
    secret: Secret = PUBLIC
    """What questions are drawn with; without one they are for the course's own solutions only."""

    @property
    def at_once(self) -> int:
        """How many submissions to work on, so that there is always something to run."""
        parts = self.assignment.part
        runs = sum(len(p.seeds) * prod(map(len, p.matrix.values())) for p in parts)
        there = 2 * max(self.cluster.workers, JOINING) // runs if self.cluster else 0
        return self.cores.workers + 1 + there

    def require(self, level: int) -> Isolation:
        """What the machines isolate with that run students' code; an error where it is less."""
        if self.cluster:
            return self.cluster.require()
        from assay.run import prove

        return prove.require(level, self.assignment.root)

    def stop(self) -> None:
        """End everything that runs, and begin nothing more."""
        from assay.run import warm

        warm.stop()
        if self.cluster:
            self.cluster.close()

    def folder(self, handed_in: Submission) -> Path:
        return self.reports / folders.folder(handed_in.name)

    def jobs(self, handed_in: Submission) -> "list[Job]":
        """The jobs of all runs of the plan."""
        return self.jobs_of(handed_in, plan.make(self.assignment, handed_in))

    def jobs_of(self, handed_in: Submission, runs: Sequence[Run]) -> "list[Job]":
        """The jobs of these runs."""
        from assay.run.assemble import assemble_all

        return assemble_all(self.assignment, handed_in, runs, self.secret)
