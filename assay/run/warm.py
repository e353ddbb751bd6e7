"""Warm parents, seen from here: start one, have it fork a run, know how that ended.

A parent serves every run that needs the same imports: it runs no student's code, and what it
forks is in a sandbox of its own before the first line of one.
"""

import atexit
import json
import socket
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any

from assay.errors import OurFault, Stopped
from assay.run import desk as desks
from assay.run import numerics, slow
from assay.run.forked import Process

KERNEL = (
    *("boot", "landlock", "seccomp"),  # beside this file; a sandbox knows them by these names
    "ipykernel.debugger",  # while debugpy is hidden: else each kernel takes 0.08 s to import it
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.subshell_manager"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.historyapp"),
    *("IPython.core.magics", "IPython.core.oinspect", "IPython.core.profileapp"),
    *("IPython.core.pylabtools", "IPython.extensions.storemagic"),
    *("comm", "jedi", "sqlite3", "uuid"),
    *("tornado.platform.asyncio", "zmq.eventloop.zmqstream", "matplotlib_inline.config"),
)
RUNNER = ("assay.run.runner", "nbformat")
AT_ONCE = 5
"""Parents that wait at the same time, each with other imports."""
Name = tuple[str, tuple[str, ...]]
"""What a parent is for, and what it has imported."""
START_SECONDS = 60.0
GONE = 70
"""The exit code of a runner whose parent ended, and that ended with it: no signal, our fault."""
START = "import sys; sys.path[:0] = sys.argv[3:]; from assay.run import parent; parent.main()"


class Forked(Process):
    """A process that a parent forked for us; it knows how it ended."""

    def __init__(self, pid: int, end: int, answers: socket.socket) -> None:
        super().__init__(pid, end)
        self._answers = answers

    def _code(self) -> int:
        with self._answers:
            said = self._answers.recv(1000)
        return int(json.loads(said)["code"]) if said else GONE


@dataclass
class Parent:
    """A warm parent and the line to it."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket
    data: int
    """Bytes that it holds: a kernel begins with as many."""
    lock: Lock = field(default_factory=Lock)

    def run(self, place: Path, log: int) -> Forked:
        """A runner for the run at this desk."""
        return self.fork({"become": "run", "desk": str(place)}, log)

    def fork(self, request: Mapping[str, Any], log: int) -> Forked:
        """A child that becomes what is asked for, and writes to the descriptor `log`.

        Raises
        ------
        OurFault
            Where the parent is gone.
        """
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here.settimeout(START_SECONDS)
        try:
            with there, self.lock:
                message = json.dumps(request).encode()
                socket.send_fds(self.control, [message], [there.fileno(), log])
            said, ends, _, _ = socket.recv_fds(here, 1000, 1)
        except OSError as error:
            here.close()
            raise OurFault("the warm parent does not answer", found=str(error)) from error
        if not ends:
            here.close()
            raise OurFault("the warm parent has ended")
        return Forked(json.loads(said)["pid"], ends[0], here)

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def retire(self) -> None:
        """Let it end when all that it forked has ended."""
        self.control.send(b"{}")

    def close(self) -> None:
        """Hang up: it ends, and all that it forked."""
        self.control.close()
        self.process.wait()


def start(modules: Iterable[str], environment: Mapping[str, str] | None = None) -> Parent:
    """A parent that has imported these modules; one for kernels knows nothing of ours.

    Raises
    ------
    OurFault
        Where one cannot be imported, imports leave a thread, or it takes too long.
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    here.settimeout(START_SECONDS)
    said = b""
    with there, _launched(modules, environment or _environment(), there) as process:
        there.close()
        with suppress(TimeoutError):  # the machine has too much to do
            said = here.recv(1000)
    with process.stderr or nullcontext() as errors:
        if not said:
            process.kill()
            found = errors.read().decode(errors="replace")[-500:] if errors else ""
            here.close()
            process.wait()
            raise OurFault("no warm parent for kernels", found=found)
    here.settimeout(None)
    return Parent(process, here, json.loads(said)["data"])


@contextmanager
def _launched(
    modules: Iterable[str], environment: Mapping[str, str], there: socket.socket
) -> "Iterator[subprocess.Popen[bytes]]":
    """A parent that is starting, and known to be: nobody has to wait for it where all is to end."""
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    words = [str(there.fileno()), json.dumps(list(modules)), *paths]
    with _lock:
        if stopping.is_set():
            raise Stopped
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", START, *words],
            pass_fds=[there.fileno()],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        _starting.add(process)
    try:
        yield process
    finally:
        with _lock:
            _starting.remove(process)


def _environment() -> dict[str, str]:
    """Nothing of ours: a kernel's first environment stays readable in /proc for ever."""
    return {
        **numerics.environment(),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/",
        "MPLCONFIGDIR": str(desks.font_cache()),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


_parents: "OrderedDict[Name, Future[Parent]]" = OrderedDict()
_retired: list[Parent] = []
_starting: "set[subprocess.Popen[bytes]]" = set()
_lock = Lock()
stopping = Event()
"""Set where everything is to end."""


def kept(name: Name, start_one: Callable[[], Parent]) -> Parent:
    """The parent of this name, started where there is none; the least used of too many retires.

    Raises
    ------
    OurFault
        Where it cannot be started.
    Stopped
        Where everything is to end.
    """
    with _lock:
        if stopping.is_set():
            raise Stopped
        known = _parents.pop(name, None)
        found = known if known and _lives(known) else Future()
        _parents[name] = found
        surplus = [_parents.popitem(last=False)[1] for _ in range(len(_parents) - AT_ONCE)]
    for future in surplus:
        future.add_done_callback(_retire)
    if found is not known:
        try:
            found.set_result(start_one())
        except BaseException as error:
            found.set_exception(error)
    return found.result()


def _lives(future: "Future[Parent]") -> bool:
    """It is being started, or it lives; one that died is buried."""
    if future.done() and not future.exception() and not future.result().lives:
        future.result().close()
        return False
    return not future.done() or not future.exception()


def _retire(future: "Future[Parent]") -> None:
    """Let it end after its last run; those that have ended meanwhile are buried."""
    if future.exception():
        return
    with _lock:
        _retired.append(future.result())
        ended = [parent for parent in _retired if not parent.lives]
        _retired[:] = [parent for parent in _retired if parent.lives]
    for parent in ended:
        parent.close()
    with suppress(OSError):  # it has ended already
        future.result().retire()


def parent_for(files: Mapping[str, bytes]) -> Parent:
    """The parent with the imports of a run that is made of these files.

    Raises
    ------
    OurFault
        Where it cannot be started.
    """
    needed = slow.imports_of_run(files)
    return kept(("kernel", needed), lambda: start((*KERNEL, *RUNNER, *needed)))


def some_parent() -> Parent:
    """A parent of kernels: the first to be there of those that are started, or one without imports.

    Raises
    ------
    OurFault
        Where none can be started.
    """
    with _lock:
        started = {future: name for name, future in _parents.items() if name[0] == "kernel"}
    ready = [f for f in wait(started, return_when=FIRST_COMPLETED).done if not f.exception()]
    lives = [future for future in ready if future.result().lives]
    name: Name = started[lives[0]] if lives else ("kernel", ())
    return kept(name, lambda: start((*KERNEL, *RUNNER, *name[1])))


def parents() -> list[Parent]:
    """Those that wait now."""
    with _lock:
        return [future.result() for future in _parents.values() if future.done()]


@atexit.register
def stop() -> None:
    """End what was forked, and start nothing more."""
    stopping.set()
    close()


def close() -> None:
    """End every parent."""
    with _lock:
        known = list(_parents.values())
        _parents.clear()
        for process in _starting:
            process.kill()
    for future in known:
        if not future.exception():  # one that is being started fails now
            future.result().close()
    while _retired:
        _retired.pop().close()
