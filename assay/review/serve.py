"""Serve the review of a class: on this machine, or with TLS, or behind a proxy that is named."""

import asyncio
import gc
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from assay.classroom.room import Room
from assay.errors import UsageError, quoted
from assay.review import security
from assay.review.server import app

KEPT = ".assay"
FOR_HEADERS = 10.0
"""Seconds in which the first line and the headers of a request have to be there."""
MOST_OPEN = 256
"""Connections at a time; a browser has up to six. One more is closed at once."""


def origin(host: str, port: int, *, tls: bool, behind: str | None) -> str:
    """Return scheme, host and port as browsers name this server.

    Raises
    ------
    UsageError
        If it would be served beyond this machine without encryption, or under no name.
    """
    if not tls and not _is_loopback(host):
        raise UsageError(
            f"{quoted(host)} is not this machine alone, and nothing would be encrypted",
            hint="give `--tls CERT KEY`, or no `--host` and `--behind URL` for a proxy beside it",
        )
    if behind is not None:
        return _of_proxy(behind)
    if tls and _is_every_address(host):
        raise UsageError(
            f"{quoted(host)} is every address of this machine, and no name that a browser asks for",
            hint=f"say the name: `--host NAME`, or `--behind https://NAME:{port}` with this one",
        )
    return f"https://{_named(host, port, 443)}" if tls else f"http://{_named(host, port, None)}"


def _of_proxy(address: str) -> str:
    try:
        found = urlsplit(address)
        name, port = found.hostname or "", found.port
        if "@" in found.netloc or found.path.strip("/") or found.query or found.fragment:
            name = ""
        name = name if ":" in name else name.encode("idna").decode("ascii")
    except ValueError:  # of a port, of brackets, and of a name that is none
        name, found, port = "", urlsplit(""), None
    if found.scheme != "https" or not name:
        raise UsageError(
            f"{quoted(address)} is not the address of a proxy",
            hint="give it as `https://marks.example.org`: the proxy encrypts",
        )
    return f"https://{_named(name, port, 443)}"


def _named(name: str, port: int | None, usual: int | None) -> str:
    """Return name and port as browsers say them: in lower case, without the scheme's own port."""
    shown = f"[{name}]" if ":" in name else name
    return shown.lower() if port in (None, usual) else f"{shown.lower()}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_every_address(host: str) -> bool:
    try:
        if ":" not in host:
            host = socket.inet_ntoa(socket.inet_aton(host))  # `0` is one too
        return ipaddress.ip_address(host).is_unspecified
    except (OSError, ValueError):
        return not host


class Hurried(H11Protocol):
    """Close a connection whose request does not begin, or whose headers do not end, in time.

    uvicorn bounds how long a connection is idle after an answer, and nothing before it.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._end: asyncio.TimerHandle | None = None
        if len(self.connections) > MOST_OPEN:
            transport.abort()
        else:
            self._hurry()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._hurry()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._rest()

    def _hurry(self) -> None:
        """The time runs from the first byte on, and each further one does not prolong it."""
        if self.conn.their_state is not h11.IDLE:
            self._rest()
        elif self._end is None and self.timeout_keep_alive_task is None:
            self._end = self.loop.call_later(FOR_HEADERS, self.transport.abort)

    def _rest(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = None


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
        if tls:
            _check(*tls)
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
            http=Hurried,
            ws="none",
            ssl_certfile=tls and str(tls[0]),
            ssl_keyfile=tls and str(tls[1]),
        )
        self._socket = _bound(host, port)

    def run(self) -> None:
        """Serve until Ctrl-C."""
        # What is there by now stays: a full collection that walks it too stops a page for 200 ms.
        gc.collect()
        gc.freeze()
        uvicorn.Server(self._config).run(sockets=[self._socket])


def _check(certificate: Path, key: Path) -> None:
    """Refuse files that are no certificate with its key, before any link is printed."""
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise UsageError(
            f"{quoted(certificate)} with {quoted(key)} is no certificate with its key",
            found=str(error),
            hint="give two PEM files: the certificate, then its key without a password",
        ) from None


def _no_password() -> str:
    raise ValueError("the key has a password")


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket of this address, before any link is printed."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small pieces at once (no delay) where the protocol is named, and only there:
    # else the second piece of each answer waits 40 ms for the first to be acknowledged.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
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
