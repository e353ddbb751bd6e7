"""The level of isolation this machine has: what a canary found in the very sandbox, not a wish.

The canary (canary.py) tries what must not succeed; the level is the highest whose attempts, and
those of every level below, all failed. Decided here, outside.
"""

import dataclasses
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from assay import plugins
from assay.errors import NotIsolated, OurFault, PluginFault
from assay.execution.forkserver import ForkServers, Parent
from assay.records import Isolation
from assay.sandbox import cgroup, sandbox, workdirs
from assay.sandbox.cgroup import Cgroup
from assay.sandbox.inside import landlock, seccomp
from assay.sandbox.inside.canary import Targets
from assay.sandbox.level import Level
from assay.sandbox.sandbox import Sandbox, Start, Wrapper
from assay.units import MIB

if TYPE_CHECKING:  # it can be imported in a sandbox alone
    from assay.sandbox.inside.boot import RunSettings

SECONDS = 300
KEPT_FROM = {
    Level.LANDLOCK: (
        "read a file of another submission",
        "read our home folder",
        "change the submission",
        "change the exam",
        "change the interpreter",
        "read our environment",
        "connect to a server on this machine",
        "make a namespace",
        "mount a file system",
        "set the system's crash handler",
    ),
    Level.USER: ("signal a process outside", "read the environment of a process outside"),
    Level.NAMESPACES: (
        "see a process outside",
        "write without a limit",
        "start processes without a limit",
    ),
    Level.CGROUP: ("use memory without a limit",),
}
"""What must not succeed at each level, besides all that stands above it."""
ATTEMPTS = [attempt for attempts in KEPT_FROM.values() for attempt in attempts]
CANARY_MEMORY = 96 * MIB
logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Trial:
    """One sandbox that was tried: which attempts succeeded in it, or why it could not start."""

    sandbox: Sandbox
    succeeded: dict[str, bool]
    message: str = ""

    @property
    def level(self) -> Level:
        """The highest level all of whose attempts failed; 0 where the sandbox did not start."""
        proved = Level.NONE
        for level, attempts in KEPT_FROM.items():
            if not all(self.succeeded.get(attempt) is False for attempt in attempts):
                break
            proved = level
        return min(proved, self.sandbox.level)


class Proof:
    """What this machine was shown to isolate: each sandbox is tried once, when it is asked for."""

    def __init__(self, servers: ForkServers) -> None:
        self._servers = servers
        self._tried: dict[tuple[Level, Path | None, bool, Wrapper | None], Trial] = {}
        self._warmest: Sandbox | None = None
        self._one_at_a_time = RLock()

    def trials(self) -> list[Trial]:
        """Return sandboxes as they were tried, the strongest first, up to one that is as it should
        be."""
        found = []
        for candidate in candidates():
            found.append(self.trial(candidate))
            if found[-1].level == candidate.level:
                break
        return found

    def trial(self, candidate: Sandbox) -> Trial:
        """Return what the canary did in a sandbox; whoever asks meanwhile waits for it."""
        key = candidate.level, candidate.bwrap, candidate.warm, candidate.wrapper
        with self._one_at_a_time:
            if key not in self._tried:
                self._tried[key] = tried = attempt(candidate, self._servers)
                if tried.level < candidate.level:
                    found = tried.message or [name for name, did in tried.succeeded.items() if did]
                    logger.info("a sandbox of level %d was not proved: %r", candidate.level, found)
            return self._tried[key]

    def best(self) -> Sandbox:
        """Return the strongest sandbox that this machine can be shown to have."""
        return _proved(max(self.trials(), key=lambda trial: trial.level))

    def warmest(self) -> Sandbox:
        """Return the best sandbox, with forked kernels if a canary found them kept as well."""
        with self._one_at_a_time:
            if self._warmest is None:
                kept = self.best()
                trial = None if kept.wrapper else self.forked(kept.level, kept.bwrap)
                is_kept = trial is not None and trial.level == kept.level
                self._warmest = _proved(trial) if trial and is_kept else kept
            return self._warmest

    def forked(self, level: Level, bwrap: Path | None) -> Trial:
        """Return the trial of a kernel forked into this sandbox; it needs namespaces at least."""
        candidate = Sandbox(level, bwrap, warm=True)
        if not level.has_own_view:
            why = "kernels are forked into namespaces of their own, none here"
            return Trial(candidate, {}, why)
        return self.trial(candidate)

    def at(self, level: int, *, warm: bool = False) -> Sandbox:
        """Return a sandbox of exactly this level, with forked kernels or with others.

        Raises
        ------
        OurFault
            If this machine cannot be shown to have it.
        """
        if level == Level.NONE:
            return Sandbox(Level.NONE)
        for candidate in candidates():
            if candidate.level == level:
                trial = (
                    self.forked(candidate.level, candidate.bwrap) if warm else self.trial(candidate)
                )
                if trial.level == level:
                    return _proved(trial)
        raise OurFault(
            f"no sandbox of level {level} here", hint="`assay doctor` says what is missing"
        )

    def require(self, level: int, private: Path) -> Isolation:
        """Return what this machine isolates with.

        Raises
        ------
        NotIsolated
            If that is less than required, or `private` lies in a folder that every sandbox sees;
            nothing of a student's has run by then.
        """
        if level and (seen := [p for p in _seen() if private.resolve().is_relative_to(p)]):
            raise NotIsolated(
                f"`{private.resolve()}` lies in `{seen[0]}`, which student code can read",
                hint="keep the course outside the folders of the system and of Python",
            )
        isolation = self.warmest().isolation
        if isolation.level >= level:
            return isolation
        raise NotIsolated(
            f"isolation of level {level} is required, and this machine has level {isolation.level}",
            found="\n".join(isolation.missing),
            hint="`assay doctor` says how to get it; to run code that you trust without it, "
            f"`--require-isolation {isolation.level}`",
        )


def _seen() -> list[Path]:
    return [*map(Path, sandbox.SYSTEM), *sandbox.interpreter()]


def candidates() -> list[Sandbox]:
    """Return what is worth trying here, the strongest first; of two alike, that of a plug-in.

    Raises
    ------
    PluginFault
        If a plug-in is broken.
    """
    own, wrappers = sys.modules[__name__], list(sandbox.bubblewraps())
    found = plugins.answers("assay_sandboxes", own, _are_sandboxes, bubblewraps=wrappers)
    each = [one for of_plugin in reversed(found.values()) for one in of_plugin]
    return sorted(each, key=lambda one: -one.level)


def _are_sandboxes(answer: Any) -> bool:
    """Return whether these are sandboxes; a plug-in has to wrap what assay starts."""
    return isinstance(answer, list | tuple) and all(isinstance(one, Sandbox) for one in answer)


@plugins.hookimpl
def assay_sandboxes(bubblewraps: Sequence[Path]) -> list[Sandbox]:
    """Return assay's own."""
    levels = (Level.CGROUP, Level.NAMESPACES)
    wrapped = [Sandbox(level, bwrap) for level in levels for bwrap in bubblewraps]
    bare = [Sandbox(Level.USER)] if os.getuid() == 0 else []
    return [*wrapped, *bare, Sandbox(Level.LANDLOCK)]


def attempt(candidate: Sandbox, servers: ForkServers) -> Trial:
    """Let the canary loose in a sandbox; a forked one twice if it does not come to its end."""
    trial = _attempt(candidate, servers)
    if trial.succeeded or not candidate.warm:
        return trial
    logger.info("a forked canary is tried again, its parent may have ended: %r", trial.message)
    return _attempt(candidate, servers)


def _attempt(candidate: Sandbox, servers: ForkServers) -> Trial:
    with ExitStack() as stack:
        group = None
        if candidate.level.has_own_group:
            group = cgroup.create(CANARY_MEMORY, sandbox.PROCESSES)
            if group is None:
                return Trial(candidate, {}, "no cgroup that we may write in")
            stack.callback(group.remove)
        place = workdirs.make(in_memory=candidate.level.has_own_view)
        stack.callback(workdirs.remove, place)
        targets = stack.enter_context(_targets(candidate, place))
        return Trial(candidate, *_run(candidate, place, group, targets, servers))


@contextmanager
def _targets(candidate: Sandbox, place: Path) -> Iterator[Targets]:
    """What the canary is to go for: all of it there, and all of it ours."""
    inside, home = candidate.places(place)
    with (
        tempfile.TemporaryDirectory(prefix=workdirs.prefix()) as neighbour,
        socket.socket() as server,
    ):
        secret = Path(neighbour) / "secret.txt"
        secret.write_text("the answers")
        Path(neighbour).chmod(0o755)
        secret.chmod(0o644)
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield {
            "workdir": inside,
            "home": home,
            "secret": str(secret),
            "private": _private(),
            "outside": os.getpid(),
            "port": server.getsockname()[1],
            "processes": 2 * sandbox.PROCESSES,
            "memory": 2 * CANARY_MEMORY,
        }


def _private() -> list[str]:
    """Return what stands in our home, but for the ways to Python."""
    home = Path.home()
    try:
        found = sorted(home.iterdir())[:50]
    except OSError:
        return []
    ours = sandbox.interpreter()
    return [str(p) for p in found if not any(o.is_relative_to(p) for o in ours)]


def _run(
    candidate: Sandbox,
    place: Path,
    group: Cgroup | None,
    targets: Targets,
    servers: ForkServers,
) -> tuple[dict[str, bool], str]:
    try:
        parent = servers.first() if candidate.warm else None
        start = _start(candidate, place, group, targets, parent.data if parent else 0)
        said, code = _forked(place, start, parent) if parent else _started(start)
        return json.loads(said), ""
    except PluginFault:
        raise
    except (OSError, subprocess.TimeoutExpired, OurFault) as error:
        return {}, str(error)
    except ValueError:
        lines = said.decode(errors="replace").strip().splitlines()
        return {}, lines[-1][:300] if lines else f"ended with status {code}"


def _start(
    candidate: Sandbox, place: Path, group: Cgroup | None, targets: Targets, held: int
) -> Start:
    """Return how to start a canary, which may hold what its parent does and a little more."""
    uid = sandbox.new_user() if candidate.needs_user else None
    if uid is not None:
        workdirs.hand_over(place, uid)
    limits = candidate.limits({"run_seconds": 20, "memory_mb": (held + CANARY_MEMORY) / MIB})
    run: RunSettings = {"notebook": "none.ipynb", "limits": limits, "canary": targets}
    return candidate.start(place, run, group, uid)


def _started(start: Start) -> tuple[bytes, int]:
    """Return what a canary in a process of its own said, and its exit code."""
    ended = subprocess.run(
        start["command"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        env=start["environment"],
        start_new_session=True,
    )
    return ended.stdout, ended.returncode


def _forked(place: Path, start: Start, parent: Parent) -> tuple[bytes, int]:
    """The same of a canary that was forked."""
    (place / "kernel.json").write_text(json.dumps(start), encoding="utf-8")
    with (place / "canary.log").open("w+b") as log:
        code = parent.run(place, log.fileno()).wait(SECONDS)
        log.seek(0)
        return log.read(), code


def _proved(trial: Trial) -> Sandbox:
    """The sandbox at the level that was proved, with the record of it."""
    level = trial.level
    held = sum(not succeeded for succeeded in trial.succeeded.values())
    isolation = Isolation(
        level=level,
        means=_means(trial.sandbox, level),
        held=held,
        probes=len(ATTEMPTS),
        missing=_missing(trial),
    )
    return dataclasses.replace(trial.sandbox, level=level, isolation=isolation)


def _means(tried: Sandbox, level: Level) -> list[str]:
    means = ["namespaces"] if tried.warm else []
    if level.has_own_view and tried.bwrap is not None and not tried.warm:
        means.append(f"bubblewrap {sandbox.version(tried.bwrap)}")
    if tried.wrapper:
        means.append(tried.wrapper.name)
    if level.has_own_group:
        means.append("cgroup")
    if level.has_own_user and os.getuid() == 0:
        means.append("user")
    if landlock.abi():
        means.append(f"Landlock {landlock.abi()}")
    return [*means, "seccomp"] if seccomp.program() else means


def _missing(trial: Trial) -> list[str]:
    """Return what this machine could not be shown to keep students from."""
    return [f"could {name}" for name in ATTEMPTS if trial.succeeded.get(name, True)]
