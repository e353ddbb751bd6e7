"""Become another user, one that can still reach Python.

A checkout in root's home stands behind a folder that no one else may enter. In a mount namespace
of our own such a folder is covered with an empty one, and only what is needed is put back.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

ANYONE_MAY_ENTER = 0o001
SETPRIV = ("--clear-groups", "--bounding-set=-all", "--inh-caps=-all")


def as_user(uid: int, needed: Sequence[Path]) -> list[str]:
    """Return the command line that changes to this user, the rest of a command follows it."""
    setpriv = [_binary("setpriv"), f"--reuid={uid}", f"--regid={uid}", *SETPRIV]
    covers = barriers(needed)
    if not covers:
        return setpriv
    script = _script(covers, [path for path in needed if barriers([path])])
    unshare = [_binary("unshare"), "--mount", "--propagation", "private"]
    return [*unshare, "/bin/sh", "-ec", script, "sh", *setpriv]


def barriers(paths: Sequence[Path]) -> list[Path]:
    """For each path the first folder above it that only its owner may enter, if there is one."""
    found = []
    for path in paths:
        shut = [p for p in reversed(path.parents) if not p.stat().st_mode & ANYONE_MAY_ENTER]
        found += shut[:1]
    return sorted(set(found))


def _script(covers: Sequence[Path], needed: Sequence[Path]) -> str:
    """Take hold of what is needed, cover the folders, put it back in its old place."""
    lines = ["mount -t tmpfs -o size=1m,mode=755 assay /mnt"]
    for number, path in enumerate(needed):
        lines += [f"mkdir /mnt/{number}", f"mount --bind {quote(str(path))} /mnt/{number}"]
    for cover in covers:
        lines.append(f"mount -t tmpfs -o size=1m,mode=755 assay {quote(str(cover))}")
    for number, path in enumerate(needed):
        place = quote(str(path))
        lines += [f"mkdir -p {place}", f"mount --bind /mnt/{number} {place}"]
    lines.append('exec "$@"')
    return "\n".join(lines)


def _binary(name: str) -> str:
    """Where util-linux has it; its bare name where it is missing, for an error that says so."""
    return shutil.which(name, path=os.defpath + ":/usr/sbin:/sbin") or name
