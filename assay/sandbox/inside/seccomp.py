"""System calls that homework never needs, refused with EPERM by a filter in the kernel.

A deny list in classic BPF (https://docs.kernel.org/userspace-api/seccomp_filter.html): what makes
namespaces, traces other processes, mounts, loads code into the kernel or opens a socket that
leaves the machine. What is newer than the list does not exist in here. Standard library only: this
file is copied into the sandbox.
"""

import ctypes
import platform
import struct

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST, SECOND = 0, 4, 16, 24
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000
AF_UNIX = 1
NEW_NAMESPACE = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
NONE = -1
"""The number of a call that an architecture does not have."""

REFUSED = {  # name: its number on (x86_64, aarch64)
    **{"ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271)},
    **{"kcmp": (312, 272), "pidfd_getfd": (438, 438), "process_madvise": (440, 440)},
    **{"add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219)},
    **{"bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282)},
    **{"io_uring_setup": (425, 425), "io_uring_enter": (426, 426)},
    **{"io_uring_register": (427, 427), "memfd_secret": (447, 447)},
    **{"mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51)},
    **{"unshare": (272, 97), "setns": (308, 268), "move_mount": (429, 429)},
    **{"open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431)},
    **{"fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442)},
    **{"open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264)},
    **{"init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106)},
    **{"kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142)},
    **{"swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "syslog": (103, 116)},
    **{"settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171)},
    **{"clock_adjtime": (305, 266), "quotactl": (179, 60), "personality": (135, 92)},
    **{"fanotify_init": (300, 262), "lookup_dcookie": (212, 18), "vhangup": (153, 58)},
    **{"mbind": (237, 235), "migrate_pages": (256, 238), "move_pages": (279, 239)},
    **{"ioperm": (173, NONE), "iopl": (172, NONE), "uselib": (134, NONE)},
    **{"modify_ldt": (154, NONE), "nfsservctl": (180, 42)},
    **{"statmount": (457, 457), "listmount": (458, 458)},
}
HIGHEST_KNOWN = 462
"""`mseal`, of Linux 6.10. What came later was not looked at, and is not there."""
CLONE3 = 435
SOCKET, CLONE, IOCTL = (41, 198), (56, 220), (16, 29)

Instruction = tuple[int, int, int, int]
"""Code, jump where true, jump where false, constant."""


def program(machine: str | None = None) -> bytes | None:
    """Return the filter for a machine, or None for one whose numbers are not written down here."""
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        return None
    column = list(ARCHITECTURES).index(machine)
    lines: list[Instruction] = [
        *((LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, ARCHITECTURES[machine]), _end(KILL)),
        (LOAD, 0, 0, NUMBER),
        *((AT_LEAST, 0, 1, X32), _end(ERRNO | ENOSYS)),  # the second set of numbers on x86_64
        *((AT_LEAST, 0, 1, HIGHEST_KNOWN + 1), _end(ERRNO | ENOSYS)),  # as an older kernel says
        *((EQUAL, 0, 1, CLONE3), _end(ERRNO | ENOSYS)),  # libc falls back to clone, seen below
    ]
    for numbers in REFUSED.values():
        if numbers[column] != NONE:
            lines += [(EQUAL, 0, 1, numbers[column]), _end(ERRNO | EPERM)]
    lines += _unless_local(SOCKET[column]) + _unless_plain(CLONE[column])
    lines += [*_unless_quiet(IOCTL[column]), _end(ALLOW)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def _end(action: int) -> Instruction:
    return (RETURN, 0, 0, action)


def _unless_local(socket: int) -> list[Instruction]:
    """Sockets of the family AF_UNIX only."""
    argument = [(LOAD, 0, 0, FIRST), (EQUAL, 1, 0, AF_UNIX)]
    return [(EQUAL, 0, 4, socket), *argument, _end(ERRNO | EPERM), _end(ALLOW)]


def _unless_plain(clone: int) -> list[Instruction]:
    """Threads and processes, without a namespace of their own."""
    argument = [(LOAD, 0, 0, FIRST), (ANY_BIT, 0, 1, NEW_NAMESPACE)]
    return [(EQUAL, 0, 4, clone), *argument, _end(ERRNO | EPERM), _end(ALLOW)]


def _unless_quiet(ioctl: int) -> list[Instruction]:
    """No typing into the terminal above us."""
    argument = [(LOAD, 0, 0, SECOND), (EQUAL, 1, 0, TIOCSTI), (EQUAL, 0, 1, TIOCLINUX)]
    return [(EQUAL, 0, 5, ioctl), *argument, _end(ERRNO | EPERM), _end(ALLOW)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def restrict() -> bool:
    """Put the filter on this process and all its children; whether there is one now."""
    lines = program()
    if lines is None:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    filter_program = _Program(len(lines) // 8, lines)
    return bool(libc.prctl(22, 2, ctypes.byref(filter_program), 0, 0) == 0)  # PR_SET_SECCOMP
