"""One cgroup a run, version 1 or 2, below our own: limits and counters that no process can forge.

https://docs.kernel.org/admin-guide/cgroup-v2.html and .../cgroup-v1/memory.html
"""

import logging
import os
import secrets
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = {"memory", "pids"}
LEAF = "assay-self"
LOOKS = 1_000
"""So often, 0.01 s apart, is looked whether those that were killed are gone."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counters:
    """What the kernel counted: processes killed for memory, the peak in bytes, refused forks."""

    oom_kills: int
    peak: int
    refused_forks: int


@dataclass(frozen=True)
class Cgroup:
    """The folders of one group: one in version 2, one for each controller in version 1."""

    version: int
    memory: Path
    pids: Path
    cpu: Path | None = None
    """Where processor time is counted; None where version 1 does not let us."""

    @property
    def folders(self) -> list[Path]:
        known = [self.memory, self.pids, *([self.cpu] if self.cpu else [])]
        return list(dict.fromkeys(known))

    @property
    def usage(self) -> Path | None:
        """The file that holds the processor time of all members, past ones included."""
        name = "cpu.stat" if self.version == 2 else "cpuacct.usage"
        return self.cpu / name if self.cpu else None

    @property
    def entrances(self) -> list[str]:
        """Files that a process writes its number into to become a member."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def counters(self) -> Counters:
        if self.version == 2:
            kills, peak = _table(self.memory / "memory.events"), self.memory / "memory.peak"
        else:
            kills = _table(self.memory / "memory.oom_control")
            peak = self.memory / "memory.max_usage_in_bytes"
        forks = _table(self.pids / "pids.events")
        return Counters(kills.get("oom_kill", 0), _number(peak), forks.get("max", 0))

    def kill(self) -> bool:
        """Kill every member, those born meanwhile included; whether the group is empty now."""
        for _ in range(LOOKS):
            members = {pid for folder in self.folders for pid in _members(folder)}
            if not members:
                return True
            for pid in members:
                _kill(pid)
            time.sleep(0.01)
        return False

    def remove(self) -> None:
        """Kill what is left and remove the group."""
        self.kill()
        for folder in self.folders:
            for _ in range(LOOKS):
                try:
                    folder.rmdir()
                    break
                except FileNotFoundError:
                    break
                except OSError:  # the last member is still being buried
                    time.sleep(0.01)


def create(memory: int, pids: int) -> Cgroup | None:
    """A new group with these limits (bytes, tasks), or None where we may not make one."""
    name = f"assay-{os.getpid()}-{secrets.token_hex(4)}"
    own = _own()
    for make in (_create_v2, _create_v1):
        group = make(own, name, memory, pids)
        if group:
            return group
    return None


@cache
def sweep() -> None:
    """Remove the groups of processes that were killed before they could."""
    own = _own()
    bases = [ROOT / own.get("", "/").lstrip("/")]
    bases += [ROOT / name / own.get(name, "/").lstrip("/") for name in (*CONTROLLERS, "cpuacct")]
    for folder in (folder for base in bases for folder in base.glob("assay-*-*")):
        pid = folder.name.split("-")[1]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            logger.info("%s is removed: process %s was killed before it could", folder, pid)
            _rmdir(folder)  # only if no process lives in it


def _create_v2(own: dict[str, str], name: str, memory: int, pids: int) -> Cgroup | None:
    """In our own group, else in the nearest one above it that we may write in."""
    if not (ROOT / "cgroup.controllers").exists():
        return None
    for base in _bases(ROOT / own.get("", "/").lstrip("/")):
        folder = base / name
        try:
            _share_out(base)
            folder.mkdir()
            (folder / "memory.max").write_text(str(memory))
            (folder / "memory.oom.group").write_text("1")
            (folder / "pids.max").write_text(str(pids))
            _without_swap(folder / "memory.swap.max", 0)
            return Cgroup(2, folder, folder, folder)
        except OSError:
            _rmdir(folder)
    return None


def _bases(own: Path) -> Iterator[Path]:
    """Groups to make a child in: ours (its parent where we moved into a leaf), and those above."""
    base = own.parent if own.name == LEAF else own
    while base.is_relative_to(ROOT):
        yield base
        base = base.parent


def _share_out(base: Path) -> None:
    """Let children of this group have the controllers.

    A group with members of its own cannot; where it has none but us, we move into a leaf first.
    """
    shared = base / "cgroup.subtree_control"
    if CONTROLLERS.issubset(shared.read_text().split()):
        return
    if not CONTROLLERS.issubset((base / "cgroup.controllers").read_text().split()):
        raise OSError("the controllers are not delegated to this group")
    members = set(_members(base))
    if members - {os.getpid()}:
        raise OSError("others live in this group")
    if members:
        (base / LEAF).mkdir(exist_ok=True)
        (base / LEAF / "cgroup.procs").write_text(str(os.getpid()))
    shared.write_text(" ".join(f"+{name}" for name in sorted(CONTROLLERS)))


def _create_v1(own: dict[str, str], name: str, memory: int, pids: int) -> Cgroup | None:
    folders: dict[str, Path] = {}
    try:
        for controller in sorted(CONTROLLERS):
            folders[controller] = _base_v1(own, controller) / name
            folders[controller].mkdir()
        (folders["memory"] / "memory.limit_in_bytes").write_text(str(memory))
        (folders["pids"] / "pids.max").write_text(str(pids))
    except (OSError, KeyError):
        for folder in folders.values():
            _rmdir(folder)
        return None
    _without_swap(folders["memory"] / "memory.memsw.limit_in_bytes", memory)
    return Cgroup(1, folders["memory"], folders["pids"], _counting_time(own, name))


def _base_v1(own: dict[str, str], controller: str) -> Path:
    """Our own group of a controller; a container may see it as the root."""
    base = ROOT / controller / own[controller].lstrip("/")
    return base if base.exists() else ROOT / controller


def _counting_time(own: dict[str, str], name: str) -> Path | None:
    """A group that counts processor time; isolation does not rest on it."""
    try:
        folder = _base_v1(own, "cpuacct") / name
        folder.mkdir()
    except (OSError, KeyError):
        return None
    return folder


def _without_swap(path: Path, value: int) -> None:
    try:
        path.write_text(str(value))
    except OSError:  # a machine without swap has no such file
        return


def _own() -> dict[str, str]:
    """Our own groups by controller; version 2's stands under ''."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    groups = (line.split(":", 2)[1:] for line in lines)
    return {name: path for names, path in groups for name in names.split(",")}


def _members(folder: Path) -> list[int]:
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return


def _rmdir(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _table(path: Path) -> dict[str, int]:
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdecimal()}


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0
