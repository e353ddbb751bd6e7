"""Warm parents, seen from here: start one, have it fork a run, know how that ended.

A parent serves every run that needs the same imports: it runs no student's code, and what it
forks is in a sandbox of its own before the first line of one.
"""

import ast
import atexit
import json
import socket
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any

from assay import syntax
from assay.errors import OurFault, Stopped
from assay.run import desk as desks
from assay.run import numerics
from assay.run.forked import Process

KERNEL = (
    *("boot", "landlock", "seccomp"),  # beside this file; a sandbox knows them by these names
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.subshell_manager"),
    *("IPython.core.completerlib", "IPython.core.debugger", "IPython.core.historyapp"),
    *("IPython.core.magics", "IPython.core.profileapp", "IPython.core.pylabtools"),
    *("IPython.extensions.storemagic", "comm", "jedi", "sqlite3", "uuid"),
    *("tornado.platform.asyncio", "zmq.eventloop.zmqstream", "matplotlib_inline.config"),
)
RUNNER = ("assay.run.runner", "nbformat")
KNOWN = {
    "numpy": ("numpy", "numpy.random", "numpy.testing"),
    "scipy": ("scipy.special", "scipy.stats", "scipy.optimize"),
    "sklearn": (
        *("sklearn.linear_model", "sklearn.datasets", "sklearn.model_selection"),
        *("sklearn.preprocessing", "sklearn.pipeline", "sklearn.metrics"),
        *("sklearn.neural_network", "sklearn.impute", "sklearn.compose"),
    ),
    "pandas": ("pandas",),
    "matplotlib": ("matplotlib.pyplot", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin"),
    "torch": ("torch", "torch.nn", "torch.optim", "torch._dynamo"),
}
"""What may be imported ahead: libraries that are slow to import, never a student's own module."""
AT_ONCE = 5
"""Parents that wait at the same time, each with other imports."""
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


@contextmanager
def parent(modules: Iterable[str]) -> Iterator[Parent]:
    """A parent for a while."""
    started = start(modules)
    try:
        yield started
    finally:
        started.close()


def start(modules: Iterable[str], environment: Mapping[str, str] | None = None) -> Parent:
    """A parent that has imported these modules; one for kernels knows nothing of ours.

    Raises
    ------
    OurFault
        Where one cannot be imported, or imports leave a thread.
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    with there:
        process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-c", START, str(there.fileno())),
                *(json.dumps(list(modules)), *paths),
            ],
            pass_fds=[there.fileno()],
            env=environment or _environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    here.settimeout(START_SECONDS)
    said = here.recv(1000)
    with process.stderr or nullcontext() as errors:
        if not said:
            found = errors.read().decode(errors="replace")[-500:] if errors else ""
            here.close()
            process.wait()
            raise OurFault("no warm parent for kernels", found=found)
    here.settimeout(None)
    return Parent(process, here, json.loads(said)["data"])


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


_parents: OrderedDict[Hashable, Parent] = OrderedDict()
_retired: list[Parent] = []
_lock = Lock()
stopping = Event()
"""Set where everything is to end."""


def kept(name: Hashable, start_one: Callable[[], Parent]) -> Parent:
    """The parent of this name, started where there is none; the least used of too many retires."""
    with _lock:
        if stopping.is_set():
            raise Stopped
        found = _parents.pop(name, None)
        if found is not None and not found.lives:
            found.close()
            found = None
        found = found or start_one()
        _parents[name] = found
        if len(_parents) > AT_ONCE:
            _retired.append(_parents.popitem(last=False)[1])
            _retired[-1].retire()
    return found


def parent_for(place: Path) -> Parent:
    """The parent with the imports of the run at this desk.

    Raises
    ------
    OurFault
        Where it cannot be started.
    """
    book = json.loads((place / "notebook.ipynb").read_text(encoding="utf-8"))
    code = ["".join(c["source"]) for c in book["cells"] if c["cell_type"] == "code"]
    for folder in ("submission", "kit"):
        code += [path.read_text(errors="replace") for path in (place / folder).rglob("*.py")]
    needed = slow_imports(code)
    return kept(needed, lambda: start((*KERNEL, *RUNNER, *needed)))


def slow_imports(sources: Iterable[str]) -> tuple[str, ...]:
    """Of the modules known here, those of libraries that some code imports."""
    named = {name for source in sources for name in _imported(source)}
    return tuple(module for name in KNOWN if name in named for module in KNOWN[name])


def parents() -> list[Parent]:
    """Those that wait now."""
    with _lock:
        return list(_parents.values())


def stop() -> None:
    """End what was forked, and start nothing more."""
    stopping.set()
    close()


@atexit.register
def close() -> None:
    """End every parent."""
    with _lock:
        for parent in (*_parents.values(), *_retired):
            parent.close()
        _parents.clear()
        _retired.clear()


def _imported(source: str) -> Iterable[str]:
    """The packages that a piece of code imports; of a cell with magics, none."""
    try:
        tree = syntax.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
