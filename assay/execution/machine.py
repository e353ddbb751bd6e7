"""What one session runs and judges on: its warm parents, the sandbox that was proved, its stop."""

from threading import Event

from assay.execution.forkserver import ForkServers
from assay.execution.isolation import Proof


class Machine:
    """The processes of this machine that belong to one session, and what was proved of it.

    Several sessions may share one: then nothing is imported or proved twice, and a stop of one
    stops all of them.
    """

    def __init__(self) -> None:
        self.servers = ForkServers()
        self.isolation = Proof(self.servers)

    @property
    def stopping(self) -> Event:
        """Set once everything has to end."""
        return self.servers.stopping

    def stop(self) -> None:
        """End everything that runs, and begin nothing more."""
        self.servers.stop()

    def close(self) -> None:
        """End the processes that were started."""
        self.servers.close()
