"""Runs on other machines, through Dask's `concurrent.futures` executor: bytes there, bytes back."""

import asyncio
import json
import logging
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from assay.errors import NoMachine, Stopped, UsageError, quoted
from assay.execution.execute import Ended
from assay.records import Isolation, Outcome
from assay.scheduling import worker

SCHEDULER = {
    "allowed-failures": 10,  # a run whose worker dies is made again, this many times
    "worker-saturation": 1.0,  # runs wait at the scheduler, not behind a slow one
    "no-workers-timeout": "10 minutes",  # then the command ends
}
"""What a scheduler has to know; docs/scale.md says how."""
CONNECT_SECONDS = 30
"""A scheduler that has much else to do, or whose machine has, answers late."""
WORKER_SECONDS = 600
RETRIES = 2
"""A worker whose disk is full, or whose own code breaks: another one may do better."""


class Cluster:
    """The workers of a scheduler, and what they have to be to run what they are given."""

    def __init__(self, client: Any, isolation: int, private: Path) -> None:
        self.client = client
        self._requirements = worker.requirements(isolation, private)
        self._executor = client.get_executor(retries=RETRIES)
        self._group, self._numbers = f"assay-{uuid4().hex}", count()
        self._closed = False

    def __str__(self) -> str:
        return f"cluster: {self.workers or 'waiting for the first of its'} workers"

    @property
    def workers(self) -> int:
        """How many runs they make at once, now."""
        return sum(self.client.nthreads().values())

    def begin(self, job: bytes, *, cold: bool = False) -> "Future[bytes]":
        """Have a job executed, in a warm kernel or a cold one.

        All are of one group: only of a group does Dask keep back what no worker has room for.

        Raises
        ------
        NoMachine
            If the scheduler is lost.
        """
        from distributed.client import ClosedClientError

        if self.client.status != "running":
            raise self._lost()
        try:
            future: Future[bytes] = self._executor.submit(
                worker.work, job, self._requirements, cold, key=(self._group, next(self._numbers))
            )
        except ClosedClientError:
            raise self._lost() from None
        return future

    def ended(self, future: "Future[bytes]") -> Ended:
        """Return how a job ended; the loss of every worker that tried it is our fault, and no mark.

        Raises
        ------
        NoMachine
            If the scheduler is lost, or a worker refused.
        """
        from distributed.scheduler import KilledWorker, NoWorkerError

        try:
            said, files = worker.decode_answer(future.result())
        except CancelledError:
            raise self._lost() from None
        except (NoWorkerError, ImportError) as error:
            raise _broken(error) from None
        except KilledWorker as error:
            reason = f"{error.allowed_failures + 1} workers were lost while they ran it"
            return Ended(Outcome.INFRASTRUCTURE, reason, 0.0, [], {})
        _check(said)
        return worker.ended(said, files)

    def execute(self, job: bytes, *, cold: bool = False) -> Ended:
        """Execute one job there, and wait for it."""
        return self.ended(self.begin(job, cold=cold))

    def require(self) -> Isolation:
        """Return the least that a worker isolates with; one that goes meanwhile runs nothing.

        Raises
        ------
        NoMachine
            If there is no worker, or one that refuses; nothing of a student's has run by then.
        """
        ends = time.monotonic() + WORKER_SECONDS
        while (left := ends - time.monotonic()) > 0:
            with suppress(TimeoutError):
                self.client.wait_for_workers(1, timeout=left)
                if kept_by := list(self._called()):
                    return min(kept_by, key=lambda isolation: isolation.level)
        raise NoMachine(
            "the scheduler has no workers",
            found=f"waited {WORKER_SECONDS} s for the first",
            hint="`dask worker ADDRESS` starts one; docs/scale.md has recipes",
        )

    def _called(self) -> Iterator[Isolation]:
        """What each worker says of itself that is still there."""
        from distributed.comm.core import CommClosedError

        answers = self.client.run(worker.describe_worker, self._requirements, on_error="return")
        for answer in answers.values():
            if isinstance(answer, CommClosedError):
                continue
            if isinstance(answer, Exception):
                raise _broken(answer)
            said, _ = worker.decode_answer(answer)
            _check(said)
            yield Isolation.model_validate(said["isolation"])

    def close(self) -> None:
        """Let the workers go; those that were started for us end."""
        self._closed = True
        self.client.close()
        if self.client.cluster is not None:
            self.client.cluster.close()

    def _lost(self) -> BaseException:
        if self._closed:  # by us: everything has to end
            return Stopped()
        return NoMachine(
            "the scheduler is lost",
            hint="what has been run is kept: with a scheduler again, the same command goes on",
        )


def _check(said: worker.Description) -> None:
    """Stop where a worker refused, or is not like us whatever it thinks of that."""
    host = quoted(said["host"])
    if "refused" in said:
        what, found, hint = said["refused"]
        raise NoMachine(f"the worker on {host} refuses: {what}", found=found, hint=hint)
    if differ := worker.unlike(worker.facts(), said["facts"]):
        raise NoMachine(f"the worker on {host} is not like us", found="\n".join(differ))


def _broken(error: Exception) -> NoMachine:
    return NoMachine(
        "the workers cannot run anything",
        found=f"{type(error).__name__}: {error}",
        hint="is `assay[dask]` installed where they run? What has been run is kept",
    )


def connect(where: str, *, workers: int, isolation: int, private: Path) -> Cluster:
    """Return the cluster at an address or in a scheduler file; `local` starts processes here.

    Raises
    ------
    UsageError
        If Dask is not installed, or `where` is none of these.
    NoMachine
        If no process answers.
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise UsageError(
            "`--scheduler` needs Dask, which is not installed",
            hint='pip install "assay[dask]"',
        ) from None
    for name in ("distributed", "distributed.client", "tornado.application", "asyncio"):
        # a lost connection breaks their callbacks and tasks: our errors say what it means
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})  # it is the job
    if where == "local":
        return Cluster(_local(workers), isolation, private)
    address = where if "://" in where else _address(Path(where))
    try:
        with ThreadPoolExecutor(1) as pool:  # in Jupyter this thread has a loop that runs
            pool.submit(lambda: asyncio.run(_reach(address))).result()
    except Exception as error:  # Dask raises whatever it met
        raise NoMachine(
            f"no scheduler answers at {quoted(address)}",
            found=f"{type(error).__name__}: {error}"[:500],
            hint="does it run, and is it reached from here? `tls://` needs certificates",
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)  # we refuse
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    return Cluster(client, isolation, private)


def _address(file: Path) -> str:
    """Return what a scheduler wrote down, that others find it."""
    try:
        return str(json.loads(file.read_text())["address"])
    except (OSError, ValueError, TypeError, KeyError):
        raise UsageError(
            f"{quoted(file)} is no scheduler",
            hint="an address like `tcp://host:8786`, a scheduler file that is there, or `local`",
        ) from None


async def _reach(address: str) -> None:
    """Shake hands once: a client of Dask's that cannot connect is not to be got rid of again."""
    from distributed import Security
    from distributed.comm.core import connect

    arguments = Security().get_connection_args("client")
    comm = await connect(address, timeout=CONNECT_SECONDS, **arguments)
    await comm.close()


def _local(workers: int) -> Any:
    """Return a client of that many local processes, which no other user can speak to."""
    import dask
    import distributed

    dask.config.set({f"distributed.scheduler.{name}": value for name, value in SCHEDULER.items()})
    # after 15 s stock gives a lost worker up for good; on a busy machine it comes back later
    dask.config.set({"distributed.deploy.lost-worker-timeout": f"{WORKER_SECONDS} s"})
    cluster = distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        security=True,  # certificates that live in memory
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        memory_limit=0,
        preload=worker.__name__,
        silence_logs=logging.CRITICAL,
    )
    return distributed.Client(cluster, set_as_default=False)
