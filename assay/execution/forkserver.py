"""Warm parents, seen from here: start one, have it fork a run, know how that ended.

One parent has imported what every kernel needs. Others are forked from it and import libraries:
each serves every run that needs the same. None runs a student's code, and what they fork is in a
sandbox of its own before the first line of one.
"""

import atexit
import json
import logging
import socket
import subprocess
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO

from assay.errors import OurFault, Stopped
from assay.evidence import numerics
from assay.execution.process import RUNNER, Forked, ParentRequest, Process, Request
from assay.sandbox import inside, sandbox, workdirs
from assay.source import imports

KERNEL = (
    # beside this file; a sandbox knows them by these names
    *("boot", "landlock", "no_screen", "seccomp"),
    "ipykernel.debugger",  # while debugpy is hidden: else each kernel takes 0.08 s to import it
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.subshell_manager"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.historyapp"),
    *("IPython.core.magics", "IPython.core.oinspect", "IPython.core.profileapp"),
    *("IPython.core.pylabtools", "IPython.extensions.storemagic"),
    *("comm", "jedi", "sqlite3", "uuid"),
    *("tornado.platform.asyncio", "zmq.eventloop.zmqstream"),
)
"""Nothing that looks for its shell when it is imported: `matplotlib_inline` would find none."""
AT_ONCE = 5
"""Parents that wait at the same time, each with other imports; the first is not counted."""
Name = tuple[str, tuple[str, ...]]
"""What a parent is for, and what it has imported."""
FIRST: Name = ("kernel", ())
START_SECONDS = 300.0
"""On a machine that has much else to do, imports of 6 s take minutes."""
SECONDS_TO_CLEAR = 5.0
logger = logging.getLogger(__name__)
START = """\
import json, os, socket, sys
control = int(sys.argv[1])
line = socket.socket(fileno=control)
begin = json.loads(line.recv(65536))
line.detach()
os.environ.update(begin["environment"])
sys.path[:0] = begin["paths"]
from assay.execution import forkserver_main
forkserver_main.main(control, begin["modules"], begin["paths"])
"""
"""What a parent needs comes by its line: a kernel's first words stay readable in /proc for ever."""


Ours = Process | subprocess.Popen[bytes]


@dataclass
class Parent:
    """A warm parent and the line to it."""

    process: Ours
    control: socket.socket
    data: int
    """Bytes that it holds: a kernel begins with as many."""
    lock: Lock = field(default_factory=Lock)

    def run(self, place: Path, log: int) -> Forked:
        """A runner for the run at this workdir."""
        return self.fork({"become": "run", "workdir": str(place)}, log)

    def fork(self, request: Request, *given: int) -> Forked:
        """A child that becomes what is asked for, with these descriptors; the first is its log.

        Raises
        ------
        OurFault
            If the parent is gone.
        """
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here.settimeout(START_SECONDS)
        try:
            with there, self.lock:
                message = json.dumps(request).encode()
                socket.send_fds(self.control, [message], [there.fileno(), *given])
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


Begin = Callable[[int, IO[bytes]], Ours]
"""Begins a parent that gets its requests at a descriptor, and writes its errors to a file."""


class ForkServers:
    """The warm parents of one session, and the switch that ends them."""

    def __init__(self) -> None:
        self.stopping = Event()
        """Set once everything has to end; nothing more is begun then."""
        self._parents: OrderedDict[Name, Future[Parent]] = OrderedDict()
        self._retired: list[Parent] = []
        self._starting: set[Ours] = set()
        self._lock = Lock()

    def first(self) -> Parent:
        """Return the parent of parents: it has imported what every kernel needs.

        Raises
        ------
        OurFault
            If it cannot be started.
        """
        return self.kept(FIRST, lambda: self.start((*KERNEL, *RUNNER)))

    def parent_for(self, files: Mapping[str, bytes]) -> Parent:
        """Return the parent with the imports of a run that is made of these files.

        Raises
        ------
        OurFault
            If it cannot be started.
        """
        needed = imports.imports_of_run(files)
        if not needed:
            return self.first()
        return self.kept(("kernel", needed), lambda: self.grown(self.first(), needed))

    def kept(self, name: Name, start_one: Callable[[], Parent]) -> Parent:
        """Return the parent of this name, started if there is none; of too many one retires.

        Raises
        ------
        OurFault
            If it cannot be started.
        Stopped
            If everything has to end.
        """
        with self._lock:
            if self.stopping.is_set():
                raise Stopped
            known = self._parents.pop(name, None)
            found = known if known and _lives(known) else Future()
            if known is None and not self._parents:
                atexit.register(self.stop)
            self._parents[name] = found
            others = [each for each in self._parents if each != FIRST]
            surplus = [self._parents.pop(each) for each in others[:-AT_ONCE]]
        for future in surplus:
            future.add_done_callback(self._retire)
        if found is not known:
            try:
                found.set_result(start_one())
            except BaseException as error:
                found.set_exception(error)
        return found.result()

    def start(self, modules: Iterable[str], environment: Mapping[str, str] | None = None) -> Parent:
        """Start a parent that has imported these modules; one for kernels has none of assay.

        Raises
        ------
        OurFault
            If one cannot be imported, imports leave a thread, or it takes too long.
        """
        first = {
            "modules": list(modules),
            "paths": [str(Path(inside.__file__).parent), str(Path(__file__).parents[2])],
            "environment": {} if environment else {"MPLCONFIGDIR": str(workdirs.font_cache())},
        }

        def begin(control: int, log: IO[bytes]) -> "subprocess.Popen[bytes]":
            return subprocess.Popen(
                [sys.executable, "-I", "-c", START, str(control)],
                pass_fds=[control],
                env=environment or _environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

        return self._begun(begin, json.dumps(first).encode())

    def grown(self, parent: Parent, modules: Iterable[str]) -> Parent:
        """Fork another one from a parent; it has imported these modules as well.

        Raises
        ------
        OurFault
            As where one is started.
        """
        request: ParentRequest = {"become": "parent", "modules": list(modules)}
        return self._begun(lambda control, log: parent.fork(request, log.fileno(), control))

    def ahead(self, *starts: Callable[[], object]) -> None:
        """Start what will be needed, one after another, while the caller goes on."""

        def all_of_them() -> None:
            for start_one in starts:
                try:
                    start_one()
                except (Exception, Stopped) as error:  # whoever needs it will meet it too
                    logger.info("what was started ahead did not start: %r", error)

        thread = Thread(target=all_of_them, daemon=True)
        thread.start()
        atexit.register(self._clear_away, thread)

    def parents(self) -> list[Parent]:
        """Return those that wait now."""
        with self._lock:
            return [future.result() for future in self._parents.values() if future.done()]

    def stop(self) -> None:
        """End what was forked, and start nothing more."""
        self.stopping.set()
        self.close()

    def close(self) -> None:
        """End every parent."""
        with self._lock:
            known = list(self._parents.values())
            self._parents.clear()
            for process in self._starting:
                process.kill()
        for future in known:
            if not future.exception():  # one that is being started fails now
                future.result().close()
        while self._retired:
            self._retired.pop().close()
        atexit.unregister(self.stop)

    def _begun(self, begin: Begin, first: bytes = b"") -> Parent:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here.settimeout(START_SECONDS)
        try:
            if first:
                here.send(first)
            with tempfile.TemporaryFile() as log:
                with there:
                    process = begin(there.fileno(), log)
                said = self._said_when_ready(process, here)
                if not said:
                    log.seek(0)
                    found = log.read().decode(errors="replace")[-500:]
                    raise OurFault("no warm parent for kernels", found=found)
        except BaseException:
            here.close()
            raise
        here.settimeout(None)
        return Parent(process, here, json.loads(said)["data"])

    def _said_when_ready(self, process: Ours, line: socket.socket) -> bytes:
        """Return what a parent says of itself; nothing if it cannot be one."""
        said = b""
        with self._lock:
            self._starting.add(process)  # no thread has to wait for it if all is stopped
            ends = self.stopping.is_set()
        if not ends:
            with suppress(TimeoutError):  # the machine has too much to do
                said = line.recv(1000)
        with self._lock:
            self._starting.remove(process)
        if not said:
            process.kill()
            process.wait()
        if ends:
            raise Stopped
        return said

    def _retire(self, future: "Future[Parent]") -> None:
        """Let it end after its last run; those that have ended meanwhile are buried."""
        if future.exception():
            return
        with self._lock:
            self._retired.append(future.result())
            ended = [parent for parent in self._retired if not parent.lives]
            self._retired[:] = [parent for parent in self._retired if parent.lives]
        for parent in ended:
            parent.close()
        with suppress(OSError):  # it has ended already
            future.result().retire()

    def _clear_away(self, thread: Thread) -> None:
        """Where a command ends early: what a canary has laid out is cleared away before."""
        self.stop()
        thread.join(SECONDS_TO_CLEAR)


def _lives(future: "Future[Parent]") -> bool:
    """It is being started, or it lives; one that died is buried."""
    if future.done() and not future.exception() and not future.result().lives:
        logger.info("a fork server has ended, and is started anew when it is needed")
        future.result().close()
        return False
    return not future.done() or not future.exception()


def _environment() -> dict[str, str]:
    """Nothing of assay: a kernel's first environment stays readable in /proc for ever.

    The locale is the kernels' own: Python reads it once, when it starts.
    """
    return {
        **sandbox.passed_on(),
        **numerics.environment(),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
