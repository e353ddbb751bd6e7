"""A warm parent: it has imported what others will need, and forks them on request.

    python -I -c "..." CONTROL

One kind forks a runner and a kernel for each run, or a parent that imports more: it runs no
student's code and holds no secret. Another forks the judge. A parent has one thread, nothing else
can be forked safely; it ends where one of its imports fails, and with the process that started it.
"""

import contextlib
import functools
import gc
import importlib
import json
import os
import platform
import random
import resource
import select
import signal
import socket
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from assay.execution import monitor
from assay.execution.process import (
    OUT_OF_MEMORY,
    RUNNER,
    Child,
    JudgeRequest,
    ParentRequest,
    Request,
    RunRequest,
    is_single,
)
from assay.execution.shutdown import end_now
from assay.execution.sockets import Sockets, bound
from assay.sandbox import namespaces

if TYPE_CHECKING:  # a parent imports no more than it needs
    from assay.sandbox.sandbox import Start


DONE_WITHOUT = ("debugpy", "rfc3987_syntax", "rfc3339_validator")
"""Imported where they are there, and not needed: 0.3 s, and 2 s that jsonschema takes for IRIs.

The last one brings `six`, which puts a finder of its own into every kernel.
"""


def main(control: int, modules: list[str], paths: list[str]) -> None:
    """Import, then fork for every request until whoever started us hangs up."""
    sys.modules |= dict.fromkeys(DONE_WITHOUT)  # type: ignore[arg-type]
    _import(modules)
    for name in DONE_WITHOUT:
        del sys.modules[name]
    if "nbformat" in modules:
        _make_what_every_run_would()
    del sys.path[: len(paths)]
    _be_a_parent(control)


_filters: dict[str, list[Any]] = {"runner": [], "kernel": [], "library": []}
"""The warning filters that came with imports, by whom the import was for."""


def _import(modules: list[str], library: bool = False) -> None:
    gc.disable()  # nothing that an import makes is garbage, and to look for some takes a fifth
    for module in modules:
        before = list(warnings.filters)
        importlib.import_module(module)
        whose = "library" if library else "runner" if module in RUNNER else "kernel"
        _filters[whose] += [each for each in warnings.filters if each not in before]


def _be_a_parent(control: int) -> None:
    """With all that has been imported by now."""
    gc.collect()
    gc.enable()
    gc.freeze()  # pages that the collector does not touch stay shared, here and in every kernel
    if not is_single():
        raise RuntimeError("an import has started a thread")
    line = socket.socket(fileno=control)
    line.send(json.dumps({"data": monitor.data()}).encode())
    _serve(line)


def _make_what_every_run_would() -> None:
    """A validator of notebooks, and the list of installed provisioners."""
    import nbformat
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    nbformat.validate(nbformat.v4.new_notebook())
    KernelProvisionerFactory.instance()


def _serve(control: socket.socket) -> None:
    """Fork on request; send each requester the exit code of what was forked for it."""
    waiting: dict[int, tuple[int, socket.socket]] = {}
    retiring = False
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while waiting or not retiring:
        for ready, _ in poll.poll():
            if ready != control.fileno():
                poll.unregister(ready)
                _report(ready, *waiting.pop(ready))
                continue
            message, received, _, _ = socket.recv_fds(control, 65536, 3)
            if not message:  # hung up
                os._exit(0)
            retiring = retiring or not received
            if received:
                end, pid, requester = _fork(json.loads(message), *received)
                waiting[end] = (pid, requester)
                poll.register(end, select.POLLIN)
    os._exit(0)


def _report(end: int, pid: int, requester: socket.socket) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(end)
    with contextlib.suppress(OSError):  # the requester may be gone
        requester.send(json.dumps({"code": code}).encode())
    requester.close()


def _fork(request: Request, answers: int, *given: int) -> tuple[int, int, socket.socket]:
    """Fork: the descriptor of the child's end, its number, and who waits for it."""
    requester = socket.socket(fileno=answers)
    pid = os.fork()
    if pid == 0:
        namespaces.end_with(lambda: BECOME[request["become"]](request, *given))
    for descriptor in given:
        os.close(descriptor)
    end = os.pidfd_open(pid)
    try:
        socket.send_fds(requester, [json.dumps({"pid": pid}).encode()], [end])
    except OSError:  # whoever asked has gone meanwhile; the others who ask have not
        signal.pidfd_send_signal(end, signal.SIGKILL)
    return end, pid, requester


def _become_parent(request: ParentRequest, log: int, control: int) -> None:
    """Another one, with more imports."""
    _begin_to(log, control)
    _import(request["modules"], library=True)
    _be_a_parent(control)


def _become_judge(request: JudgeRequest, log: int) -> None:
    """pytest in the course's folder, with so much memory and processor time as is asked for."""
    _begin_to(log)
    import pytest

    data = monitor.data() + request["memory"]
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(resource.RLIMIT_CPU, (request["seconds"], request["seconds"] + 5))

    os.chdir(request["folder"])
    sys.path.insert(0, request["folder"])
    _exit_after(lambda: _within_memory(lambda: pytest.main(request["arguments"])))


def _within_memory(what: Callable[[], int]) -> int:
    """What this comes to, and a code of its own where the memory does not suffice for it."""
    try:
        return what()
    except MemoryError:
        return OUT_OF_MEMORY


def _begin_to(log: int, *keep: int) -> None:
    namespaces.die_with_parent()
    os.setsid()
    _write_to(log, *keep)


def _become_runner(request: RunRequest, log: int) -> None:
    _begin_to(log)
    workdir = request["workdir"]
    start: Start = json.loads(Path(workdir, "kernel.json").read_text(encoding="utf-8"))
    if "canary" in start["settings"]:
        canary = fork_kernel(Path(workdir), start, None)
        canary.begin()
        os._exit(canary.wait() or 0)
    from assay.execution import runner

    sockets = bound(Path(workdir, "ipc"))
    kernel = fork_kernel(Path(workdir), start, sockets)
    runner.main(Path(workdir), sockets, kernel)
    sys.stdout.flush()
    os._exit(0)


BECOME: dict[str, Callable[..., None]] = {
    "parent": _become_parent,
    "run": _become_runner,
    "judge": _become_judge,
}


def _write_to(log: int, *keep: int) -> None:
    """Nothing to read, a log to write to, and no other descriptors but those that are kept."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, descriptor)
    for path in list(Path("/proc/self/fd").iterdir()):
        if int(path.name) not in (0, 1, 2, *keep):
            with contextlib.suppress(OSError):  # the listing itself had one
                os.close(int(path.name))


def fork_kernel(workdir: Path, start: "Start", sockets: Sockets | None) -> Child:
    """A child in its sandbox, which waits for a signal to begin."""
    waits, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        namespaces.end_with(lambda: _become_sandbox(workdir, start, sockets, waits))
    os.close(waits)
    return Child(pid, go)


def _become_sandbox(workdir: Path, start: "Start", sockets: Sockets | None, waits: int) -> None:
    if sockets is not None:
        log = os.open(workdir / "kernel.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        _write_to(log, waits, *sockets.descriptors)
        start["environment"] |= sockets.environment
    for entrance in start["entrances"]:
        Path(entrance).write_text(str(os.getpid()))
    code = namespaces.enter(start["view"], start["user"], lambda: _begin(start, waits))
    os._exit(code)


def _begin(start: "Start", waits: int) -> None:
    """In the sandbox: like a process that was just started, but for what it has imported."""
    os.environ.clear()
    os.environ.update(start["environment"])
    for name in [name for name in sys.modules if name.partition(".")[0] == "assay"]:
        del sys.modules[name]
    of_libraries = _forget_warnings()
    _forget_folders()
    _draw_other_seeds()
    sys.setrecursionlimit(sys.getrecursionlimit() + _depth())
    boot = sys.modules["boot"]
    _exit_after(lambda: boot.main(start["settings"], lambda: _wait_for(waits), of_libraries))


def _depth() -> int:
    """How many calls led here; a new process begins at one, and the student's may recurse on."""
    frame, depth = sys._getframe(), 0
    while (frame := frame.f_back) is not None:  # type: ignore[assignment]
        depth += 1
    return depth


def _forget_warnings() -> list[Any]:
    """The filters of the libraries, for the kernel to put before its own; all others are as new.

    What was warned of while we imported may be warned of again.
    """
    others = _filters["runner"] + _filters["library"]
    kept = [each for each in warnings.filters if each not in others]
    warnings.resetwarnings()  # the one public way to say that the list is another
    vars(warnings)["filters"][:] = kept
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):  # libraries leave other things there too
            vars(module).pop("__warningregistry__", None)
    return _filters["library"]


def _forget_folders() -> None:
    """Where a user's files go, and on which machine, was looked up out here and kept."""
    tempfile.tempdir = None
    vars(platform)["_uname_cache"] = None
    if (matplotlib := sys.modules.get("matplotlib")) is not None:
        for name in ("get_configdir", "get_cachedir"):
            look_up = getattr(getattr(matplotlib, name), "__wrapped__", getattr(matplotlib, name))
            setattr(matplotlib, name, functools.cache(look_up))


def _draw_other_seeds() -> None:
    """Forks of one process would draw the same: what is not seeded has to differ."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()


def _wait_for(waits: int) -> None:
    if not os.read(waits, 1):  # whoever was to signal it is gone
        os._exit(0)
    os.close(waits)


def _exit_after(what: Callable[[], int | None]) -> NoReturn:
    """End as an interpreter does that has done this."""
    code: object = 1
    try:
        code = what()
    except SystemExit as error:
        code = error.code
    except BaseException:
        traceback.print_exc()
    end_now(code)
