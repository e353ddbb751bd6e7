"""What bubblewrap builds, built by a process for its own children: namespaces and a view of files.

A kernel that is forked cannot be wrapped: an exec would lose what its parent imported. So the
forked process takes hold of every folder that its view shows, gives up its user, makes
namespaces of its own, and lets a child move into the view. Linux 5.12 for `mount_setattr`.
https://man7.org/linux/man-pages/man2/open_tree.2.html, mount_setattr(2), user_namespaces(7)
"""

import ctypes
import os
import signal
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypedDict

OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
HERE, CLONE, CLOEXEC, EMPTY_PATH, RECURSIVE, EMPTY_SOURCE = -100, 1, 0x80000, 0x1000, 0x8000, 4
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
SLAVE_BELOW, DETACH = 1 << 19 | 1 << 14, 2
ALL = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}."""
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
CAPABILITIES = 64
STUDENT = 1000
BUILT_AT = "/tmp"
DEVICES = ("null", "zero", "full", "random", "urandom")
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1"}
LINKS |= {"stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx"}

_libc = ctypes.CDLL(None, use_errno=True)


class MountPlan(TypedDict):
    """All that a kernel sees of this machine; what is not here is not there."""

    shown: list[tuple[str, str, bool]]
    """A path here, its path there, and whether it may be written."""
    rooms: dict[str, int]
    """The bytes of each folder that is in memory."""
    links: dict[str, str]
    """Symbolic links there, and what they point to."""


def enter(view: MountPlan, user: int | None, inside: Callable[[], None]) -> int:
    """Run `inside` in a child that sees this view and nothing else; its exit code, as a shell has.

    Parameters
    ----------
    view
        What the child sees.
    user
        Who to become before; None if we have no privileges already.
    """
    trees = None if user is None else _take_hold(view)  # only root reaches what is behind its home
    if user is not None:
        _become(user)
    die_with_parent()  # a change of user takes this back
    here = os.getuid(), os.getgid()
    _check(_libc.unshare(ALL), "unshare")
    _map(*here)
    trees = trees or _take_hold(view)
    child = os.fork()
    if child == 0:
        end_with(lambda: _move_in(view, trees, inside))
    for tree in trees.values():
        os.close(tree)
    return _exit_code(child)


def end_with(what: Callable[[], None]) -> NoReturn:
    """Nothing of a child returns to the code it was forked from."""
    try:
        what()
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(70)


def _take_hold(view: MountPlan) -> dict[str, int]:
    """A mount of each path that is shown, not yet anywhere; what is not there is left out."""
    devices = [(f"/dev/{name}", f"/dev/{name}", True) for name in DEVICES]
    found = {}
    for source, place, writable in [*view["shown"], *devices]:
        if os.path.lexists(source):
            device = place.startswith("/dev/")
            found[place] = _tree(source, read_only=not writable, device=device)
    return found


def _tree(path: str, *, read_only: bool, device: bool) -> int:
    how = CLONE | CLOEXEC | RECURSIVE
    tree = _check(_libc.syscall(OPEN_TREE, HERE, path.encode(), how), f"open_tree {path}")
    _set(tree, "", (READ_ONLY if read_only else 0) | NO_SUID | (0 if device else NO_DEVICES))
    return tree


def _set(folder: int, path: str, attributes: int, how: int = EMPTY_PATH | RECURSIVE) -> None:
    words = struct.pack("<QQQQ", attributes, 0, 0, 0)
    arguments = (folder, path.encode(), how, words, ctypes.c_size_t(len(words)))
    _check(_libc.syscall(MOUNT_SETATTR, *arguments), "mount_setattr")


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else the files in /proc stay root's


def _map(user: int, group: int) -> None:
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{STUDENT} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{STUDENT} {group} 1")


def _move_in(view: MountPlan, trees: dict[str, int], inside: Callable[[], None]) -> None:
    """The first process of the new namespaces: it moves in, then waits for all that come after."""
    die_with_parent()
    os.setsid()
    _check(_libc.mount(b"none", b"/", None, ctypes.c_ulong(SLAVE_BELOW), None), "private mounts")
    _build(view, trees)
    os.chdir(BUILT_AT)
    _check(_libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", DETACH), "umount")
    for folder in ("/", "/dev"):
        _set(HERE, folder, READ_ONLY, how=0)
    _check(_libc.sethostname(b"sandbox", 7), "sethostname")
    _give_up_capabilities()
    os.chdir("/home/student")
    child = os.fork()
    if child == 0:
        end_with(inside)
    os._exit(_exit_code(child))


def _build(view: MountPlan, trees: dict[str, int]) -> None:
    """The view below `BUILT_AT`: what is in memory first, then what was taken hold of."""
    os.umask(0o022)
    _mount("tmpfs", "", NO_SUID | NO_DEVICES, "mode=755,size=1m")
    _mount("tmpfs", "/dev", NO_SUID, "mode=755,size=1m")
    _mount("proc", "/proc", NO_SUID | NO_DEVICES | NO_EXEC)
    for folder, room in view["rooms"].items():
        _mount("tmpfs", folder, NO_SUID | NO_DEVICES, f"mode=700,size={room}")
    for place, tree in sorted(trees.items()):
        _place(tree, place)
    _mount("devpts", "/dev/pts", NO_SUID | NO_EXEC, "newinstance,ptmxmode=0666,mode=620")
    for link, target in view["links"].items():
        Path(BUILT_AT + link).symlink_to(target)
    for link, target in LINKS.items():
        Path(BUILT_AT, "dev", link).symlink_to(target)


def _mount(kind: str, folder: str, attributes: int, options: str = "") -> None:
    place = BUILT_AT + folder
    Path(place).mkdir(parents=True, exist_ok=True)
    flags = ctypes.c_ulong(attributes)
    words = (kind.encode(), place.encode(), kind.encode())
    _check(_libc.mount(*words, flags, options.encode() or None), f"mount {folder or '/'}")


def _place(tree: int, place: str) -> None:
    path = Path(BUILT_AT + place)
    path.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISDIR(os.fstat(tree).st_mode):
        path.mkdir(exist_ok=True)
    else:
        path.touch()
    arguments = (tree, b"", HERE, str(path).encode(), EMPTY_SOURCE)
    _check(_libc.syscall(MOVE_MOUNT, *arguments), f"move_mount {place}")
    os.close(tree)


def _give_up_capabilities() -> None:
    """All of them, for good: what is executed from here on gains none either."""
    for capability in range(CAPABILITIES):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = struct.pack("<Ii", 0x20080522, 0)
    _check(_libc.capset(header, bytes(24)), "capset")
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def die_with_parent() -> None:
    """Be killed when the process ends that forked us."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _exit_code(child: int) -> int:
    """Wait for every child until this one ends; return its exit code, as a shell has it."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
