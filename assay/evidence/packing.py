"""Files packed into bytes and back, the same bytes for the same files."""

import hashlib
import io
import os
import re
import zipfile
import zlib
from collections.abc import Container, Mapping
from pathlib import Path
from uuid import uuid4

from assay.errors import quoted

LEVEL = 6
"""Of compression: more takes long and saves little."""
SAMPLE = 20_000
"""Bytes that show whether it pays: numbers without a pattern are most of what is kept."""
EPOCH = (1980, 1, 1, 0, 0, 0)
MANIFEST = "manifest-sha256.txt"
SECONDS = "seconds.json"
"""How long each question may compute, where the rubric says so."""
DRAFT = ".draft-"
"""How the names begin of what is being written."""


def pack(files: Mapping[str, bytes], runnable: Container[str] = ()) -> bytes:
    """One zip archive of these files, in the order of their names, without times or owners.

    Not compressed: that took most of the time to put a job together, for files of a few kilobytes.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, EPOCH)
            member.external_attr = 0o755 << 16 if name in runnable else 0
            archive.writestr(member, content)
    return buffer.getvalue()


def compressed(files: Mapping[str, bytes], always: Container[str] = ()) -> bytes:
    """Return the same archive, each file compressed where that saves a tenth of its beginning."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            sample = content[:SAMPLE]
            pays = name in always or len(zlib.compress(sample, LEVEL)) < 0.9 * len(sample)
            kind = zipfile.ZIP_DEFLATED if pays else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, kind, LEVEL)
    return buffer.getvalue()


def unpack(archive: bytes) -> dict[str, bytes]:
    """Return the files of an archive that this module packed."""
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        return {name: members.read(name) for name in members.namelist()}


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Lay the files out below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_whole(path: Path, content: bytes) -> None:
    """Write the whole file or none, whoever else writes it and whenever process or machine end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{DRAFT}{uuid4().hex}")
    with draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # or a machine that stops may leave the name and no content
    draft.replace(path)


def manifest(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of every file, a line each, as `sha256sum --check` reads them."""
    return "".join(_line(name, content) for name, content in sorted(files.items()))


def _line(name: str, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    plain = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if plain != name else ""
    return f"{mark}{digest}  {plain}\n"


def listed(manifest: str) -> dict[str, str]:
    """Return the SHA-256 of each file that a manifest names; lines that are none are left out."""
    lines = [re.fullmatch(r"(\\?)([0-9a-f]{64})  (.+)", line) for line in manifest.split("\n")]
    return {_unescaped(m[3]) if m[1] else m[3]: m[2] for m in lines if m}


def _unescaped(name: str) -> str:
    ends = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}
    return re.sub(r"\\[\\nr]", lambda found: ends[found[0]], name)


def differences(listed: Mapping[str, str], files: Mapping[str, bytes]) -> list[str]:
    """A sentence for each file that is not as a manifest lists it."""
    now = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return hash_differences(listed, now)


def hash_differences(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The same where both are hashes."""
    missing = [f"{quoted(name)} is missing" for name in then if name not in now]
    added = [f"{quoted(name)} was added" for name in now if name not in then]
    changed = [f"{quoted(n)} was changed" for n, held in now.items() if then.get(n, held) != held]
    return [*changed, *missing, *added]
