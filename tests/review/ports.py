"""A port that nobody listens on."""

import itertools
import os
import socket

FIRST, MANY = 20_000, 12_000
"""Below those that the system itself gives to a connection, while a server is not there yet."""
_next = itertools.count(os.getpid() * 41)
"""Tests beside these begin elsewhere."""


def free_port() -> int:
    for number in itertools.islice(_next, MANY):
        port = FIRST + number % MANY
        with socket.socket() as found:
            try:
                found.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError("there is no free port")
