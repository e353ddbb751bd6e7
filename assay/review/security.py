"""Who may ask: a token in the link, then a signed cookie; the right host, the right form.

Every request passes `Guard`: its Host is one that was said at the start (a page of another name
that was bound to this address is refused), and whatever writes carries the token of the session
twice, in a cookie and in a header or a field. Every answer has a policy that names the scripts and
styles of this page by a nonce.
"""

import asyncio
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qs

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.errors import OurFault

EVENING = 16 * 3600
"""Seconds that a session lasts."""
LINK = 3600
"""Seconds that a link can be opened."""
KEY = "review.key"
WRITES = {"POST", "PUT", "PATCH", "DELETE"}
MOST = 1_000_000
"""Bytes of a request: a save has at most some ten thousand characters."""
PATIENCE = 30.0
"""Seconds that a request may take to arrive."""
FRAME = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-same-origin",
    )
)
"""What a frame of a student's text may: be styled, and show pictures that stand in it."""


@dataclass(frozen=True)
class Door:
    """Who comes in, by which name of this server, and with which key sessions are signed."""

    markers: tuple[str, ...]
    origin: str
    """Scheme, host and port as browsers name them."""
    key: bytes
    tokens: Mapping[str, str] = field(default_factory=dict)
    """The marker of each link's token."""
    opened: float = field(default_factory=monotonic)

    @property
    def host(self) -> str:
        return self.origin.partition("://")[2]

    @property
    def hosts(self) -> set[str]:
        """Return the names of this server; a loopback address has three."""
        name, _, port = self.host.rpartition(":")
        loopback = ("127.0.0.1", "localhost", "[::1]")
        return {f"{one}:{port}" for one in loopback} if name in loopback else {self.host}

    @property
    def is_secure(self) -> bool:
        return self.origin.startswith("https://")

    @property
    def cookie(self) -> str:
        """Return the name of the session's cookie: cookies do not tell ports apart, names do."""
        return f"assay-review-{re.sub('[^a-z0-9]', '-', self.host.rpartition(':')[2])}"

    @property
    def double(self) -> str:
        return f"{self.cookie}-form"

    def queue(self, item: str) -> str:
        """Return the name under which a browser keeps what this class has not saved yet."""
        return hmac.new(self.key, f"queue/{item}".encode(), "sha256").hexdigest()[:16]

    @property
    def signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.key, salt="assay review")

    def links(self) -> dict[str, str]:
        """Return the link of each marker."""
        return {by: f"{self.origin}/enter?token={token}" for token, by in self.tokens.items()}

    def enter(self, token: str) -> str | None:
        """Return whose link has this token; None if it is unknown, or too old."""
        if monotonic() - self.opened > LINK:
            return None
        matching = [by for known, by in self.tokens.items() if _equal(known, token)]
        return matching[0] if matching else None

    def session(self, by: str) -> tuple[str, str]:
        """Return the two cookies of a new session: the session, and its token for forms."""
        nonce = secrets.token_urlsafe(16)
        return self.signer.dumps({"by": by, "nonce": nonce}), self._form(by, nonce)

    def marker(self, cookie: str) -> tuple[str, str] | None:
        """Return the marker of a session's cookie, and its token for forms."""
        try:
            said = self.signer.loads(cookie, max_age=EVENING)
            by, nonce = str(said["by"]), str(said["nonce"])
        except (BadSignature, KeyError, TypeError):
            return None
        return (by, self._form(by, nonce)) if by in self.markers else None

    def _form(self, by: str, nonce: str) -> str:
        return hmac.new(self.key, f"form/{by}/{nonce}".encode(), "sha256").hexdigest()


def door(markers: tuple[str, ...], origin: str, folder: Path) -> Door:
    """Return a door with new links; sessions go on after a restart, by the key in `folder`."""
    tokens = {secrets.token_urlsafe(32): by for by in markers}
    return Door(markers, origin, key(folder), tokens)


def key(folder: Path) -> bytes:
    """Return the key that is kept in a folder for its owner alone, made at the first time."""
    path = folder / KEY
    folder.mkdir(parents=True, exist_ok=True)
    try:
        path.touch(0o600, exist_ok=False)
        path.write_bytes(secrets.token_bytes(32))
    except FileExistsError:
        path.chmod(0o600)
    found = path.read_bytes()
    if len(found) != 32:  # killed between the two lines above
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()


class Guard:
    """Refuse what does not come from this page, and say in every answer what the page may.

    `refuse` makes the answer to what is refused, and to a request on which the application fails.
    """

    def __init__(
        self, app: ASGIApp, door: Door, refuse: Callable[[Request, Exception], Response]
    ) -> None:
        self.app, self.door, self.refuse = app, door, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.nonce = secrets.token_urlsafe(16)
        has_begun = False

        async def guarded(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                _say_policy(MutableHeaders(scope=message), request.state.nonce)
            await send(message)

        try:
            self._check(request)
            if request.method in WRITES:
                receive = await self._from_here(request)
        except HTTPException as refused:
            await self.refuse(request, refused)(scope, receive, guarded)
            return
        except ClientDisconnect:
            return
        try:
            await self.app(scope, receive, guarded)
        except Exception:
            if not has_begun:
                fault = OurFault(
                    "the server has a fault",
                    hint="what was saved is kept; the terminal of `assay review` says more",
                )
                await self.refuse(request, fault)(scope, receive, guarded)
            raise  # to be logged

    def _check(self, request: Request) -> None:
        """Refuse another name of this server, and whoever has no session."""
        door = self.door
        if request.headers.get("host", "") not in door.hosts:
            raise HTTPException(421, "This server has another name.")
        path = request.url.path
        if path.startswith("/static/") or path == "/enter":
            return
        known = door.marker(request.cookies.get(door.cookie, ""))
        if known is None:
            raise HTTPException(
                401,
                "No session, or an old one: open the link that `assay review` prints. "
                "Marks that were not saved wait in this browser.",
            )
        request.state.by, request.state.form = known

    async def _from_here(self, request: Request) -> Receive:
        """Refuse a write that another page could have sent; what was read is given back."""
        origin = request.headers.get("origin")
        own = {f"{self.door.origin.partition('://')[0]}://{host}" for host in self.door.hosts}
        if origin is not None and origin not in own:
            raise HTTPException(403, "This comes from another page.")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise HTTPException(403, "This comes from another page.")
        length = request.headers.get("content-length", "")
        if not re.fullmatch("[0-9]{1,9}", length) or int(length) > MOST:
            raise HTTPException(413, f"A request says its length, and has at most {MOST:,} bytes.")
        try:
            body = await asyncio.wait_for(request.body(), PATIENCE)
        except TimeoutError:
            raise HTTPException(408, "The request did not arrive in time.") from None

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        form = getattr(request.state, "form", "")
        sent = request.headers.get("x-csrf-token") or _field(request, body)
        twice = request.cookies.get(self.door.double, "")
        if not (_equal(sent, form) and _equal(twice, form)):
            raise HTTPException(403, "The form's token is missing or old: load the page again.")
        return again


def _field(request: Request, body: bytes) -> str:
    """Return the token that a form without a script sends."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("application/x-www-form-urlencoded"):
        return ""
    return parse_qs(body.decode("utf-8", "replace")).get("csrf", [""])[0]


def _say_policy(headers: MutableHeaders, nonce: str) -> None:
    headers.setdefault("Content-Security-Policy", policy(nonce))
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"  # with less, a form has no Origin to be checked
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


def policy(nonce: str) -> str:
    """Return what a page of this server may: its own script, style, pictures and frames."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'nonce-{nonce}'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "frame-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _equal(one: str, other: str) -> bool:
    if not (one and other):
        return False
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
