"""The course's secret: a part of every question's seed, so that only the course can draw them.

Everything else in that seed is known to the student: the title, the submission and the parameters.
The secret stays in the process of the command: no sandbox, job, log, evidence or report holds it.
"""

import hashlib
import hmac
import os
import secrets
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import OurFault, UsageError

BYTES = 32
NAME = "secret"
NOTE = "secret.sha256"
"""In a store: the hash of the secret that its questions were last drawn with."""
OTHERS = stat.S_IRWXO
WAIT_SECONDS = 30.0
"""How long another command may take between making the file and writing into it."""


@dataclass(frozen=True)
class Secret:
    """Random bytes; without any, questions are public: whoever has the course can draw them."""

    content: bytes = field(repr=False)

    @property
    def digest(self) -> str:
        """What may be known of it: a SHA-256, empty where there is no secret."""
        return hashlib.sha256(b"assay secret\n" + self.content).hexdigest() if self.content else ""

    def seed(self, identity: str) -> int:
        """The seed of what is drawn for this identity: 128 bits of an HMAC-SHA256."""
        return int.from_bytes(hmac.digest(self.content, identity.encode(), "sha256")[:16], "big")


PUBLIC = Secret(b"")
"""For the course's own solutions: it gives the same bits on every machine that is like this one."""


def beside(store: Path, say: Callable[[str], None]) -> Secret:
    """Read the secret in the file beside a store; make one where there is none.

    `say` gets a sentence if the store's runs were asked questions that this secret does not draw.

    Raises
    ------
    UsageError
        If the file is not a secret.
    OurFault
        If it can be neither read nor made.
    """
    path, note = store.with_name(NAME), store / NOTE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = _make(path)
        secret = Secret(_read(path))
        known = note.read_text().strip() if note.exists() else ""
        if known != secret.digest:
            store.mkdir(exist_ok=True)
            note.write_text(f"{secret.digest}\n")
    except OSError as error:
        raise OurFault(
            f"the course's secret `{path}` can be neither read nor made", found=str(error)
        ) from None
    if known and known != secret.digest:
        say(_lost(path, made=made))
    return secret


def _make(path: Path) -> bool:
    """Return whether the file was not there, and is now: of several commands, one makes it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(f"{secrets.token_hex(BYTES)}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    return True


def _read(path: Path) -> bytes:
    """The bytes that the file holds as hexadecimal digits, shut to strangers from here on."""
    until = time.monotonic() + WAIT_SECONDS
    while not (text := _text(path)) and time.monotonic() < until:
        time.sleep(0.01)  # another command is about to write it
    try:
        content = bytes.fromhex(text)
    except ValueError:
        content = b""
    if len(content) < BYTES:
        raise UsageError(
            f"`{path}` is not a secret",
            found=f"{len(text)} characters, expected {2 * BYTES} hexadecimal digits",
            hint="remove it, and the next command makes another: everything is then run again",
        )
    return content


def _text(path: Path) -> str:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & OTHERS:  # a copy is often for all to read; a group may share it
            os.fchmod(file.fileno(), mode & ~OTHERS)
        return file.read(10 * BYTES).decode("ascii", "replace").strip()


def _lost(path: Path, *, made: bool) -> str:
    state = "was not there: a new one was made" if made else "is not the one of the earlier runs"
    return (
        f"note: the course's secret `{path}` {state}.\n"
        "  It draws other questions: what was run with another secret is run again.\n"
        "hint: put the earlier file in its place, and what is kept is found again"
    )
