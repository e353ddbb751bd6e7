"""The first code in the sandbox: give up rights, lay out the home, then become the kernel.

It runs in Python's isolated mode, so that nothing of the submission is imported before its rights
are gone. Standard library and ipykernel only: this file is copied into the sandbox, and
`sandbox.py` says how it is called.
"""

import hashlib
import importlib.util
import io
import json
import os
import resource
import runpy
import select
import shutil
import sys
import sysconfig
import threading
import warnings
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import process
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import landlock  # type: ignore[import-not-found,unused-ignore]
import no_screen  # type: ignore[import-not-found,unused-ignore]
import seccomp  # type: ignore[import-not-found,unused-ignore]

SENDING = 1.0
"""Seconds that a message of the exam's may take to leave; where it cannot, the kernel is broken."""
PIPE = 1 << 20
"""Bytes that a pipe can hold at most, unless a machine's owner has allowed more."""


class Trace(TypedDict):
    """How an audited run is followed; `twin` is the second of the two."""

    twin: bool


class RunSettings(TypedDict):
    """What this file is told of one run."""

    notebook: str
    limits: dict[str, int]
    """By the name of their RLIMIT."""
    trace: NotRequired[Trace]
    canary: NotRequired[Mapping[str, object]]
    """What canary.py is told: it runs instead of a kernel."""


class Settings(RunSettings):
    """What this file is told in all; paths are those that the sandbox has."""

    workdir: str
    home: str
    guarded: bool
    """Whether it restricts itself by Landlock and seccomp."""
    readable: list[str]
    writable: list[str]


def start() -> None:
    """Called with our folder and the settings, in JSON, as arguments."""
    folder, settings = sys.argv[1:]
    sys.path.remove(folder)
    main(json.loads(settings))


def main(
    settings: Settings,
    when_told: Callable[[], None] | None = None,
    filters: Sequence[Any] = (),
) -> None:
    """Copy what is written in, give up rights, become the kernel; in this order.

    A forked kernel gets ready before it is wanted, and then waits. `filters` are the warning
    filters of libraries that were imported ahead: they come before those of the kernel.
    """
    os.umask(0o077)
    workdir, home = Path(settings["workdir"]), Path(settings["home"])
    copy = home / "submission"
    shutil.copytree(
        workdir / "submission", copy, symlinks=True
    )  # notebooks write beside themselves
    trace = settings.get("trace")
    if trace and trace["twin"]:
        _in_another_order(copy)
    if (workdir / "fonts").exists():
        shutil.copytree(workdir / "fonts", home / ".matplotlib", dirs_exist_ok=True)
    _limit(settings["limits"])
    if settings["guarded"]:
        rules = [(path, landlock.READ) for path in settings["readable"]]
        rules += [(path, landlock.READ_WRITE) for path in settings["writable"]]
        landlock.restrict([*rules, ("/dev", landlock.DEVICE)])
        seccomp.restrict()
    os.chdir((copy / settings["notebook"]).parent)
    os.environ["PWD"] = os.getcwd()  # noqa: PTH109 - as a shell would say it
    os.environ["PYTHONPATH"] = f"{copy}{os.pathsep}{workdir / 'support' / 'commands'}"
    sys.dont_write_bytecode = True
    if "canary" in settings:
        sys.argv = ["canary.py", json.dumps(settings["canary"])]
        runpy.run_path(str(workdir / "boot" / "canary.py"), run_name="__main__")
    else:
        if when_told is not None:
            when_told()
        _become_kernel(workdir, home, copy, trace, filters)


def _in_another_order(folder: Path) -> None:
    """Make the entries of each folder again so that they are listed in another order.

    Some file systems list what was made last first, some by a hash; this takes either for a try.
    """
    for inside, _, _ in os.walk(folder):
        listed = [path.name for path in Path(inside).iterdir()]
        for names in (listed, listed[::-1]):
            _make_again(Path(inside), names)
            if [path.name for path in Path(inside).iterdir()] != listed:
                break


def _make_again(folder: Path, names: list[str]) -> None:
    aside = folder.rename(folder.with_name(f"{folder.name}.aside"))
    folder.mkdir()
    for name in names:
        (aside / name).rename(folder / name)
    aside.rmdir()


def _limit(limits: dict[str, int]) -> None:
    """Here and not outside: a limit on processes set outside our namespace counts strangers."""
    for name, value in limits.items():
        what = getattr(resource, f"RLIMIT_{name}")
        ceiling = value + 5 if name == "CPU" else value  # a warning first, then the end
        resource.setrlimit(what, (value, ceiling))


def _take_over_sockets(kernelapp: Any, home: Path) -> None:
    """Let the kernel listen on the descriptors that it inherits, and bind no path."""
    told = json.loads(os.environ.pop("ASSAY_CONNECTION"))
    listening = {int(port): descriptor for port, descriptor in told["listening"].items()}
    connection = {"transport": "ipc", "ip": "/nowhere/kernel", "key": told["key"], **told["ports"]}
    (home / "kernel.json").write_text(json.dumps(connection), encoding="utf-8")

    def bind(app: Any, socket: Any, port: int) -> int:
        os.set_inheritable(listening[port], False)
        socket.use_fd = listening[port]
        socket.hwm = 0  # above it zmq drops what is said while the other end has no processor
        socket.bind(f"ipc://{app.ip}-{port}")
        socket.bind(f"inproc://{port}")  # ipykernel's debugger connects to the name bound last
        return port

    vars(kernelapp)["IPKernelApp"]._bind_socket = bind
    vars(kernelapp)["IPKernelApp"].init_heartbeat = lambda app: None


def _become_kernel(
    workdir: Path,
    home: Path,
    copy: Path,
    trace: Trace | None,
    filters: Sequence[Any],
) -> None:
    given = _inputs(workdir / "given")
    os.environ["JPY_PARENT_PID"] = "1"  # our parent is no runner to watch for
    iostream, kernelapp = _imported()
    vars(kernelapp)["IOPubThread"] = _publisher(iostream.IOPubThread)
    _take_over_sockets(kernelapp, home)
    _look_like_any_other(home)
    pass_on = _read_pipes(iostream.OutStream)
    arguments = ["-f", str(home / "kernel.json"), "--HistoryManager.enabled=False"]
    if trace is not None:
        following = (
            f'__import__("sys").path.insert(0, {str(workdir / "support")!r}); '
            f'__import__("trace").follow(get_ipython(), {trace["twin"]}); '
            '__import__("sys").path.pop(0); __import__("sys").modules.pop("trace")'
        )
        arguments.append(f"--IPKernelApp.exec_lines={[following]!r}")
    app = kernelapp.IPKernelApp.instance()
    app.initialize(arguments)
    warnings.filters[:0] = filters  # type: ignore[index]
    _end_the_cell_and_no_more(app.kernel)
    ours = list(sys.path)
    sys.path[:0] = dict.fromkeys([os.getcwd(), str(copy)])  # noqa: PTH109 - as Jupyter begins it
    switches = _remember(workdir / "support" / "switches.py")
    switches.given = given
    switches.keep_names(app.shell)
    switches.tell = tell = _teller(app.kernel)
    _watch_what_runs(copy, workdir, tell)
    _answer_whatever_happens(app.kernel, switches.keep_streams, pass_on)
    no_screen.draw_inline(app.shell)
    _import_nothing_of_theirs_yet(app.shell, ours)
    _keep_last_words(app.shell, workdir / "evidence" / "last_words.txt")
    app.start()


def _inputs(folder: Path) -> dict[str, io.BytesIO]:
    """The inputs of all questions, by name. The runner empties the files before the first cell.

    Who could read them there would know what is asked next, and what is asked while it is watched.
    """
    return {
        sheet.relative_to(folder).with_suffix("").as_posix(): io.BytesIO(sheet.read_bytes())
        for sheet in folder.rglob("*.npz")
    }


def _teller(kernel: Any) -> Callable[[dict[str, str]], None]:
    """A way to say what is asked and what was written, to whoever reads this kernel's messages.

    What was said cannot be taken back, as a file can by whoever writes in the same folder. It is
    sent when this returns: what the student's code holds from then on keeps no message.
    """
    send, socket, schedule = kernel.session.send, kernel.iopub_socket, kernel.iopub_thread.schedule
    event = threading.Event

    def tell(said: dict[str, str]) -> None:
        is_sent = event()
        send(socket, "assay_exam", said)
        schedule(is_sent.set)
        is_sent.wait(SENDING)

    return tell


PAST_WHAT_IS_WRITTEN = frozenset(
    {
        *("exec", "object.__setattr__", "function.__new__", "code.__new__", "marshal.loads"),
        *("pickle.find_class", "sys.setprofile", "sys.settrace", "sys.addaudithook"),
        "sys._current_frames",
        *("gc.get_objects", "gc.get_referrers", "gc.get_referents"),
        *("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "ctypes.dlopen"),
    }
)
"""Events of Python's audit by which code runs, or is reached, that stands in no file or cell."""
AT_MOST = 20
"""Of them that are told in a run: one is enough for a person to look."""


def _watch_what_runs(copy: Path, workdir: Path, tell: Callable[[dict[str, str]], None]) -> None:
    """Say of code that it runs, where it is not what was handed in; before it runs.

    Python's audit hooks cannot be taken away again. A module has to be what its file handed in
    compiles to, and neither a cell nor a file of the submission runs a text by itself: what was
    told of it cannot be taken back by what then runs.
    """
    places = map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))
    ours = (*places, str(workdir / "support"), str(workdir / "boot"), "<")
    frame, translate, digest, number = sys._getframe, compile, hashlib.sha256, len
    is_file, whole, join = os.path.isfile, os.path.abspath, os.path.join
    last, opened, in_python = os.path.basename, os.open, os.fdopen
    top, handed_in = f"{copy}{os.sep}", str(workdir / "submission")
    told: set[str] = set()

    def content_of(path: str) -> bytes:
        with suppress(OSError), in_python(opened(path, os.O_RDONLY), "rb") as file:
            found: bytes = file.read()
            return found
        return b""

    def as_handed_in(code: Any, path: str) -> bool:
        if not path.startswith(top):
            return False
        source = content_of(join(handed_in, path[number(top) :]))
        try:
            return path.endswith(".py") and bool(
                translate(source, code.co_filename, "exec", dont_inherit=True) == code
            )
        except (SyntaxError, ValueError):
            return False

    def say(what: str, content: bytes = b"") -> None:
        if what not in told and number(told) < AT_MOST:
            told.add(what)
            found = content.strip()
            tell({"ran": what, "digest": digest(found).hexdigest() if found else ""})

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in PAST_WHAT_IS_WRITTEN:
            return
        caller = frame(1).f_code.co_filename
        if not caller.startswith(ours):
            if event != "object.__setattr__" or arguments[1] == "__code__":
                say(f"`{event}`")
        elif event == "exec" and not arguments[0].co_filename.startswith(ours):
            path = whole(arguments[0].co_filename)
            is_import = caller.startswith("<frozen")
            if (is_import or is_file(path)) and not as_handed_in(arguments[0], path):
                say(f"`{last(path)}`", content_of(path))

    sys.addaudithook(hook)


def _import_nothing_of_theirs_yet(shell: Any, ours: list[str]) -> None:
    """Until the first cell runs no name is looked for in the submission: IPython imports some.

    A `storemagic.py` in it would be that extension, and have the shell before any cell.
    """
    whole, sys.path[:] = list(sys.path), ours

    def let_import() -> None:
        shell.events.unregister("pre_execute", let_import)
        sys.path[:] = whole

    shell.events.register("pre_execute", let_import)


def _publisher(stock: type[Any]) -> type[Any]:
    """The thread that sends what a kernel says, with nothing left to open once a cell runs.

    Stock opens a zmq socket for each thread that says something for the first time. Where a cell
    has used up the descriptors, that fails: what was to be sent is lost, and whoever waits for it
    waits ten seconds each time. An event loop has what wakes it from the beginning.
    """

    class Publisher(stock):  # type: ignore[misc]
        def __init__(self, socket: Any, pipe: bool, session: Any) -> None:
            # its pipe is a TCP socket, for what forks print; zmq aborts where TCP is refused
            super().__init__(socket, pipe=False, session=session)
            self._when_it_may = self.io_loop.asyncio_loop.call_soon_threadsafe

        def schedule(self, what: Callable[[], object]) -> None:
            """Have it done by the thread, in the order of calls; here, if the thread is gone."""
            if self.thread.is_alive():
                self._when_it_may(what)
            else:
                what()

    return Publisher


def _end_the_cell_and_no_more(kernel: Any) -> None:
    """Stock stops the loop a moment later, in whichever cell that is; here the cell fails."""
    shut_down, end = kernel.do_shutdown, partial(sys.exit, "the cell shut its kernel down")

    def do_shutdown(restart: bool) -> Any:
        if threading.current_thread() is threading.main_thread():  # messages come to another
            end()
        return shut_down(restart)

    kernel.shell.ask_exit = partial(sys.exit, "the cell called exit() or quit()")
    kernel.do_shutdown = do_shutdown


def _read_pipes(streams: type[Any]) -> Callable[[], None]:
    """Let a cell end no sooner than what it wrote to descriptors 1 and 2 has been read.

    `os.write`, `os.system`, a library in C and `sys.__stdout__` write there. In stock a thread
    reads it when it may; where that is after the cell's end, which on a busy machine it is, nobody
    hears it. What is returned reads what both pipes hold.
    """
    watched: list[Callable[[], bool]] = []
    read, write, process_id, lock = os.read, os.write, os.getpid, threading.Lock

    def watch(stream: Any) -> None:
        """Take the place of `OutStream._watch_pipe_fd`, the work of a thread."""
        pipe, copy, ours, reading = (
            stream._fid,
            stream._original_stdstream_copy,
            os.getpid(),
            lock(),
        )
        os.set_blocking(pipe, False)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode

        def pass_on() -> bool:
            """Return whether more can come."""
            if process_id() != ours:  # a fork of the kernel, in which nobody may hold the lock
                return False
            with reading:
                try:
                    content = read(pipe, PIPE)
                except BlockingIOError:
                    return True
                if content:
                    stream.write(decode(content))
                    write(copy, content)
                    stream.flush()
                return bool(content)

        watched.append(pass_on)
        readable = select.poll()
        readable.register(pipe, select.POLLIN)
        try:
            while stream._should_watch and pass_on():
                readable.poll()
        except Exception:
            stream._exc = sys.exc_info()

    def pass_on_all() -> None:
        for pass_on in watched:
            pass_on()

    streams._watch_pipe_fd = watch
    return pass_on_all


def _answer_whatever_happens(
    kernel: Any, keep_streams: Callable[[], None], pass_on: Callable[[], None]
) -> None:
    """Stock sends no answer where `sys.stdout` is None or cannot be flushed: all would wait."""
    execute, show = kernel.do_execute, kernel.shell._showtraceback

    def show_traceback(*error: Any) -> None:
        keep_streams()
        show(*error)

    async def answer(*request: Any, **options: Any) -> dict[str, object]:
        try:
            reply: dict[str, object] = await execute(*request, **options)
        except Exception as error:  # the kernel's own code, over what the student's has broken
            keep_streams()
            kernel.shell.showtraceback()
            told = {"ename": type(error).__name__, "evalue": str(error), "traceback": []}
            reply = {"status": "error", "execution_count": kernel.execution_count, **told}
        with suppress(Exception):  # a cell may have closed its own descriptors
            pass_on()
        keep_streams()
        return reply

    kernel.do_execute, kernel.shell._showtraceback = answer, show_traceback


def _keep_last_words(shell: Any, path: Path) -> None:
    """Have it written down what the last cell raised, by nothing that a cell could have changed.

    The exam's own exception may find no other way out: no descriptor, no name, no message.
    """
    words = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    cut, write, kind = os.ftruncate, os.pwrite, type

    def write_down(result: Any) -> None:
        cut(words, 0)
        error = result.error_in_exec or result.error_before_exec
        if error is not None:
            write(words, f"{kind(error).__name__}: {error}"[:500].encode("utf-8", "replace"), 0)

    shell.events.register("post_run_cell", write_down)


def _remember(path: Path) -> Any:
    """Return how switches stand before the first cell, for the exam to set them back."""
    spec = importlib.util.spec_from_file_location("assay-switches", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["assay-switches"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _imported() -> tuple[Any, Any]:
    """The kernel's modules, without the debugger: 0.3 s, and names that it puts in `builtins`."""
    hidden = "debugpy" not in sys.modules
    if hidden:
        sys.modules["debugpy"] = None  # type: ignore[assignment]
    from ipykernel import debugger, iostream, ipkernel, kernelapp  # noqa: F401

    if hidden:
        del sys.modules["debugpy"]
    return iostream, kernelapp


def _look_like_any_other(home: Path) -> None:
    """How the process was started is nothing that a notebook finds anywhere else."""
    launcher = importlib.util.find_spec("ipykernel_launcher")
    assert launcher is not None
    assert launcher.origin is not None
    options = ["-f", str(home / "kernel.json")]
    sys.argv = [launcher.origin, *options]
    sys.orig_argv[:] = [sys.executable, "-m", "ipykernel_launcher", *options]
    process.ORIGINAL_DIR = os.getcwd()  # type: ignore[attr-defined]  # noqa: PTH109 - as it keeps it
