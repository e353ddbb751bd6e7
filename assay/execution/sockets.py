"""The sockets between a runner and its kernel, bound before there is a kernel.

They stand in a folder that no kernel sees, and the kernel inherits them as descriptors. So there
is no path by which student code could lead the runner elsewhere: what the runner connects to is
what it bound itself. https://libzmq.readthedocs.io/en/latest/zmq_setsockopt.html, ZMQ_USE_FD
"""

import json
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from assay import nofollow

VARIABLE = "ASSAY_CONNECTION"
"""Names the descriptors and the key to the kernel; `boot.py` takes it out of the environment."""
PORTS = {"shell_port": 1, "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5}
"""What Jupyter calls ports are endings of file names here; there is no heartbeat."""
LISTENED = [port for name, port in PORTS.items() if name != "hb_port"]
WAITING = 16


@dataclass
class Sockets:
    """The listening sockets of one kernel, by port, and the key that signs its messages."""

    listening: dict[int, int]
    key: str = field(default_factory=lambda: secrets.token_hex(32))

    @property
    def environment(self) -> dict[str, str]:
        """The environment variable by which the kernel finds them."""
        told = {"ports": PORTS, "listening": self.listening, "key": self.key}
        return {VARIABLE: json.dumps(told)}

    @property
    def descriptors(self) -> list[int]:
        return list(self.listening.values())

    def close(self) -> None:
        """Let go of them: only the kernel listens from here on."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.listening = {}


def bound(folder: Path) -> Sockets:
    """Sockets that listen in our own folder, as `kernel-1` and so on.

    They are bound by way of a descriptor: the name that a kernel can ask them for says nothing of
    where the folder stands.
    """
    here = nofollow.opened(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        names = {port: f"/proc/self/fd/{here}/kernel-{port}" for port in LISTENED}
        return Sockets({port: _listening(name) for port, name in names.items()})
    finally:
        os.close(here)


def _listening(path: str) -> int:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    made.bind(path)
    made.listen(WAITING)
    return made.detach()
