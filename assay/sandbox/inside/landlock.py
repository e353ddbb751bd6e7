"""Landlock: a process gives up, for itself and all its children, every file but those it names.

https://docs.kernel.org/userspace-api/landlock.html. Standard library only: this file is copied
into the sandbox.
"""

import ctypes
import os
import struct
from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PR_SET_NO_NEW_PRIVS = 38
(EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR) = (
    1 << bit for bit in range(8)
)
(MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV) = (
    1 << bit for bit in range(8, 16)
)
READ = EXECUTE | READ_FILE | READ_DIR
WRITE = (
    *(READ, WRITE_FILE, REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO),
    *(MAKE_SYM, REFER, TRUNCATE),
)
READ_WRITE = sum(WRITE)
DEVICE = READ_FILE | WRITE_FILE | READ_DIR | IOCTL_DEV
ON_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
BIND_AND_CONNECT = 3
ABSTRACT_SOCKETS_AND_SIGNALS = 3

_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """Return the version that the running kernel offers; 0 where it has none."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)))


def restrict(rules: Iterable[tuple[str, int]]) -> int:
    """Give up every file but these paths with these rights, TCP, and signals to strangers.

    Rules add up along a path: nothing below a writable folder can be read-only. Returns the
    version used, 0 where there is none and nothing was given up.
    """
    version = abi()
    if version == 0:
        return 0
    handled = _handled(version)
    ruleset = _check(_create(version, handled), "landlock_create_ruleset")
    for path, rights in rules:
        _allow(ruleset, path, rights & handled)
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _check(_libc.syscall(RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
    return version


def _handled(version: int) -> int:
    later = {2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}
    return (REFER - 1) | sum(right for since, right in later.items() if version >= since)


def _create(version: int, handled: int) -> int:
    words = [handled]
    if version >= 4:
        words.append(BIND_AND_CONNECT)
    if version >= 6:
        words.append(ABSTRACT_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"<{len(words)}Q", *words)
    return int(_libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0))


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # a path that is not there needs no rule
        return
    if not os.path.isdir(path):  # noqa: PTH112
        rights &= ON_A_FILE
    _check(_libc.syscall(ADD_RULE, ruleset, 1, struct.pack("<Qi", rights, parent), 0), path)
    os.close(parent)


def _check(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return result
