"""Serve the review of a class: on this machine, or with TLS, or behind a proxy that is named."""

import ipaddress
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from assay.classroom.room import Room
from assay.errors import UsageError, quoted
from assay.review import security
from assay.review.server import app

KEPT = ".assay"


def origin(host: str, port: int, *, tls: bool, behind: str | None) -> str:
    """Return scheme, host and port as browsers name this server.

    Raises
    ------
    UsageError
        If it would be served beyond this machine without encryption.
    """
    if behind is not None:
        found = urlsplit(behind)
        if found.scheme != "https" or not found.hostname or found.path not in ("", "/"):
            raise UsageError(
                f"{quoted(behind)} is not the address of a proxy",
                hint="give it as `https://marks.example.org`: the proxy encrypts",
            )
        return f"https://{found.netloc}"
    shown = f"[{host}]" if ":" in host else host
    if tls:
        return f"https://{shown}:{port}"
    if not _is_loopback(host):
        raise UsageError(
            f"{quoted(host)} is not this machine alone, and nothing would be encrypted",
            hint="give `--tls CERT KEY`, or `--behind URL` for a proxy that encrypts",
        )
    return f"http://{shown}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Server:
    """A review that listens; its links are known before it runs."""

    def __init__(
        self,
        room: Room,
        markers: Sequence[str],
        origin: str,
        host: str,
        port: int,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        names = tuple(dict.fromkeys(name.strip() for name in markers))
        if not all(names):
            raise UsageError("a marker has no name", hint="say who marks: `--by tom`")
        door = security.door(names, origin, room.root / KEPT)
        self.links = door.links()
        self._config = uvicorn.Config(
            app(room, door),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ssl_certfile=tls and str(tls[0]),
            ssl_keyfile=tls and str(tls[1]),
        )
        self._socket = _bound(host, port)

    def run(self) -> None:
        """Serve until Ctrl-C."""
        uvicorn.Server(self._config).run(sockets=[self._socket])


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket of this address, before any link is printed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(128)  # whoever opens a link before the first answer waits for it
    except OSError as error:
        found.close()
        raise UsageError(
            f"`{host}:{port}` cannot be listened on",
            found=error.strerror or str(error),
            hint="does a review run already? `--port` takes another",
        ) from None
    return found
