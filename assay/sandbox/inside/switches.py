"""Switches of the process that a notebook or an answer leaves on: set back before each question.

Standard library only. It stands in the support folder, and is loaded once before the first cell,
to remember what a new kernel has. NumPy and torch are touched where the notebook has imported
them. What may only add to what there is stays: a folder in `sys.path`, a variable, a higher
recursion limit.
"""

import builtins
import contextvars
import decimal
import gc
import hashlib
import importlib.util
import io
import locale
import os
import random
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypedDict

SEEDS = (
    ("random", "seed", "random"),
    ("numpy.random", "seed", "numpy.random.mtrand"),
    ("torch", "manual_seed", "torch.random"),
)
"""Functions that set a random state: their module, their name, and where else they stand."""
KEY = "assay-switches"
"""The name under which it is kept in `sys.modules`: no file of a student's can have it."""
LIKELY = {
    "torch's gradients": r"set_grad_enabled|no_grad\(\)\.__enter__|inference_mode",
    "torch's inference mode": r"inference_mode",
    "torch's default dtype": r"set_default_dtype|set_default_tensor_type",
    "torch's default device": r"set_default_device|set_default_tensor_type",
    "torch's deterministic algorithms": r"use_deterministic_algorithms",
    "torch's threads": r"set_num_threads",
    "torch's anomaly detection": r"set_detect_anomaly|detect_anomaly",
    "torch's autocast": r"autocast",
    "torch's precision of float32 products": r"set_float32_matmul_precision|allow_tf32",
    "NumPy's errors": r"seterr\b|errstate",
    "NumPy's error function": r"seterrcall",
    "NumPy's print options": r"set_printoptions",
    "warnings": r"simplefilter|filterwarnings",
    "the recursion limit": r"setrecursionlimit",
    "the locale": r"setlocale",
    "the working directory": r"chdir|%cd\b|^[^\S\n]*+cd\b",
    "`sys.path`": r"sys\.path",
    "`sys.stdout`": r"stdout",
    "`sys.stderr`": r"stderr",
    "the umask": r"umask",
    "signal handlers": r"signal\.",
    "alarm clocks": r"alarm|setitimer",
    "environment variables": r"environ|putenv|%env\b|%set_env\b",
    "the trace function": r"settrace",
    "`random.seed`": r"random\.seed\s*=",
    "`numpy.random.seed`": r"random\.seed\s*=",
    "`torch.manual_seed`": r"manual_seed\s*=",
    "the profile function": r"setprofile",
    "the garbage collector": r"gc\.",
    "built-in names": r"builtins",
    "removed names": r"%reset|magic|reset\(",
    "the decimal context": r"getcontext|setcontext",
    "threads that still run": r"Thread\(",
}
"""Each by the name that it is told by, and what sets it, in a line of a notebook."""
IN_CELLS = {"exit", "quit", "_", "display", "get_ipython", "input", "__IPYTHON__"}
"""Built-in names that IPython itself sets while a cell is executed."""
CLOCKS: tuple[int, ...] = tuple(
    getattr(signal, name)
    for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")
    if hasattr(signal, name)  # a student's own machine may be Windows
)

seed = b""
"""What the random state of questions depends on besides: an audit changes it."""
given: dict[str, io.BytesIO] = {}
"""The inputs of each question, read before the first cell; their files are empty from then on.

As what shows nothing of what is in it: a template for texts (`"{0.a[b]}".format`) reaches as far.
"""


class Switch(NamedTuple):
    """One switch: its value now, how to set it, and the value that a new kernel has."""

    name: str
    value: Any
    usual: Any
    set: Callable[[Any], Any]


Names = dict[str, Any]
"""Names of a module or of a notebook, and what they stand for."""


class New(TypedDict):
    """What a new kernel has of each switch of Python's own."""

    builtins: Names
    environ: dict[str, str]
    path: list[str]
    folder: str
    stdout: Any
    stderr: Any
    filters: list[Any]
    recursion: int
    locale: str
    umask: int
    signals: dict[int, Any]
    trace: Any
    profile: Any
    gc: bool
    threads: set[threading.Thread]


class Array(Protocol):
    """What is written of an array of NumPy's."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...
    @property
    def nbytes(self) -> int: ...
    def tobytes(self) -> bytes: ...


def remember() -> None:
    """What a new kernel has, before the first cell."""
    global _new
    _new = {
        "builtins": {k: v for k, v in vars(builtins).items() if k not in IN_CELLS},
        "environ": dict(os.environ),
        "path": list(sys.path),
        "folder": os.getcwd(),  # noqa: PTH109 - nothing but text is kept
        "stdout": sys.stdout,
        "stderr": sys.stderr,
        "filters": list(warnings.filters),
        "recursion": sys.getrecursionlimit(),
        "locale": locale.setlocale(locale.LC_ALL),
        "umask": _umask(),
        "signals": _signals(),
        "trace": sys.gettrace(),
        "profile": sys.getprofile(),
        "gc": gc.isenabled(),
        "threads": set(threading.enumerate()),
    }


_new: New


def _own(name: str) -> Any:
    """A library's module once more, under no name: what a notebook replaces in it is another's."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_encoder, _zipfile = _own("json.encoder"), _own("zipfile")
_sha256, _bytes_io, _fsencode = hashlib.sha256, io.BytesIO, os.fsencode
_open, _write, _close, _int = os.open, os.write, os.close, int.to_bytes
_BINARY = getattr(os, "O_BINARY", 0)
QUICKLY = 3
"""zlib's level: a third of the time that its usual one takes, and a hundredth more bytes."""
PLAIN = 16_000_000
"""Bytes of all answers together that are written as they are: the store keeps once what several of
them say, and sees that only where they are not compressed."""
_written = [0]


def tell(said: dict[str, str]) -> None:
    """Say what is asked, or written: a kernel puts another function here before the first cell."""


def keep_answer(
    question: str, sheet: Path, arrays: Mapping[str, Array], note: Mapping[str, object]
) -> None:
    """Write an answer as `sheet` and as JSON beside it, and say at once what was written.

    By functions that were taken before the first cell: the notebook may have replaced those that
    everybody uses.
    """
    content = _encoder.JSONEncoder(allow_nan=False).encode(note).encode()
    packed = _bytes_io()
    size = sum(array.nbytes for array in arrays.values())
    is_plain = _written[0] + size <= PLAIN
    _written[0] += size if is_plain else 0
    kind = _zipfile.ZIP_STORED if is_plain else _zipfile.ZIP_DEFLATED
    with _zipfile.ZipFile(packed, "w", kind) as archive:
        for name, array in arrays.items():
            entry = _zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(entry, _as_npy(array), kind, QUICKLY)
    put(str(sheet), packed.getvalue())
    put(str(sheet.with_suffix(".json")), content)
    digest = _sha256(packed.getvalue()).hexdigest() + _sha256(content).hexdigest()
    tell({"question": question, "digest": digest})


def _as_npy(array: Array) -> bytes:
    """An array of numbers in NumPy's format, version 1."""
    shape = tuple(map(int, array.shape))
    head = f"{{'descr': {array.dtype.str!r}, 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + _int(len(head), 2, "little") + head.encode() + array.tobytes()


def put(path: str, content: bytes, how: int = 0) -> None:
    """Write a file, by functions that were taken before the first cell."""
    file = _open(_fsencode(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY | how, 0o600)
    try:
        left = memoryview(content)
        while left:
            left = left[_write(file, left) :]
    finally:
        _close(file)


def set_back() -> dict[str, list[str]]:
    """Set every switch back: each that was not as usual by its name, what it was and what it is."""
    changed = {}
    for switch in _switches():
        try:
            if _same(switch.value, switch.usual):
                continue
            switch.set(switch.usual)
        except Exception:  # what a student has put there may do as it likes
            continue
        changed[switch.name] = _told(switch.value, switch.usual)
    warnings.resetwarnings()
    warnings.simplefilter("ignore")  # a warning is not an answer, and must not become an exception
    return changed


def keep_streams() -> None:
    """A stream that cannot be written to or flushed makes way for the usual one, and is told."""
    streams: tuple[Literal["stdout"], Literal["stderr"]] = ("stdout", "stderr")
    for name in streams:
        stream = getattr(sys, name, None)
        try:
            stream.write("")  # type: ignore[union-attr]
            stream.flush()  # type: ignore[union-attr]
        except BaseException:  # what a student has put there may do as it likes
            _unfit[name] = stream
            setattr(sys, name, _new[name])


def keep_names(shell: Any) -> None:
    """What `%reset` takes away is put back for the questions, which are about it."""
    before: Names = {}

    def keep(info: Any) -> None:
        before.clear()
        if RESETS.search(info.raw_cell or ""):
            before.update({n: v for n, v in shell.user_ns.items() if not n.startswith("_")})

    def compare(result: Any) -> None:
        _taken.update({n: v for n, v in before.items() if n not in shell.user_ns})
        before.clear()
        _put_back[:] = [shell.user_ns]

    shell.events.register("pre_run_cell", keep)
    shell.events.register("post_run_cell", compare)


RESETS = re.compile(r"%reset|\breset\w{0,20}\(|magic\(\s*.reset")
_taken: Names = {}
_put_back: list[Names] = []
"""What `%reset` took, and the names that it was taken from."""


def _missing() -> Names:
    """Those of them that have not been bound anew."""
    return {name: _taken[name] for names in _put_back for name in _taken if name not in names}


_unfit: dict[str, object] = {}
"""Streams of the notebook's that made way, by their names."""


def _same(value: Any, usual: Any) -> bool:
    return value is usual or bool(value == usual)


def _told(value: Any, usual: Any) -> list[str]:
    """Both in words; of mappings, what differs."""
    if isinstance(value, dict) and isinstance(usual, dict):
        names = [name for name in usual if not _same(value.get(name), usual[name])]
        return [_words({name: of.get(name) for name in names}) for of in (value, usual)]
    return [_words(value), _words(usual)]


def _words(value: Any) -> str:
    try:
        return repr(value)[:120]
    except Exception:
        return "(it cannot be shown)"


def draw_afresh(question: str, given: bytes, at_end: list[Any]) -> None:
    """Random states that depend on a run and its question, whatever was asked before.

    Generators that the notebook left under a name stand where the notebook left them: `at_end`.
    """
    number = int.from_bytes(hashlib.sha256(question.encode() + given + seed).digest()[:4], "big")
    getattr(sys.modules.get("numpy"), "random", None)  # NumPy imports it when it is asked for
    for module, _, set_seed in _seeds():
        (_seed_of_torch(set_seed) if module == "torch" else set_seed)(number)
    for set_state, state in at_end:
        with suppress(Exception):
            set_state(state)


def _seed_of_torch(set_seed: Callable[[int], object]) -> Callable[[int], object]:
    """Without an accelerator torch has one generator, which is seeded by itself.

    `torch.manual_seed` writes down the stack for each kind of device that is not there.
    """
    torch: Any = sys.modules["torch"]
    with suppress(Exception):
        if not torch.accelerator.is_available():
            seed: Callable[[int], object] = torch._C.default_generator.manual_seed
            return seed
    return set_seed


def states(names: Names) -> list[Any]:
    """The generators among a notebook's names: how to set their state, and what it is now."""
    found: list[Any] = []
    for value in list(names.values()):
        with suppress(Exception):
            if isinstance(value, random.Random):
                found.append((value.setstate, value.getstate()))
            elif hasattr(type(value), "bit_generator"):
                bits = value.bit_generator
                found.append((lambda state, bits=bits: setattr(bits, "state", state), bits.state))
            elif type(value).__module__ == "torch._C" and hasattr(value, "get_state"):
                found.append((value.set_state, value.get_state()))
    return found


def _torch() -> Any:
    """The torch that was imported whole, or None."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "manual_seed") else None


def _switches() -> Iterator[Switch]:
    """Every switch that there is now; the names that code is made of come first."""
    yield from _of_python()
    yield from _of_numpy()
    yield from _of_torch()
    yield from _of_seeds()


def _of_python() -> Iterator[Switch]:
    new = _new
    bound = vars(builtins)
    yield Switch("built-in names", *_changed(bound, new["builtins"]), bound.update)
    changed = _changed(os.environ, new["environ"])
    yield Switch("environment variables", *changed, os.environ.update)
    gone = _missing()
    yield Switch("removed names", sorted(gone), [], lambda _: _put_back[0].update(gone))
    missing = [path for path in new["path"] if path not in sys.path]
    yield Switch("`sys.path`", missing, [], lambda _: _whole_path(new["path"]))
    yield Switch("the working directory", _folder(), new["folder"], os.chdir)
    for name in ("stdout", "stderr"):
        usual = new[name] if _is_open(new[name]) else _nowhere()
        found = _unfit.pop(name) if name in _unfit else getattr(sys, name, None)
        yield Switch(f"`sys.{name}`", found, usual, _setter(name))
    errors = [f for f in warnings.filters if f[0] == "error" and f not in new["filters"]]
    yield Switch("warnings", errors and "errors", [], lambda _: None)
    limit = min(sys.getrecursionlimit(), new["recursion"])
    yield Switch("the recursion limit", limit, new["recursion"], sys.setrecursionlimit)
    yield Switch("the locale", locale.setlocale(locale.LC_ALL), new["locale"], _set_locale)
    yield Switch("the umask", _umask(), new["umask"], os.umask)
    handlers = _signals()
    usual = {number: new["signals"][number] for number in handlers}
    yield Switch("signal handlers", *_changed(handlers, usual), _handle)
    yield Switch("alarm clocks", _clocks(), [0.0] * len(CLOCKS), _stop)
    yield Switch("the trace function", sys.gettrace(), new["trace"], sys.settrace)
    yield Switch("the profile function", sys.getprofile(), new["profile"], sys.setprofile)
    collect = {True: gc.enable, False: gc.disable}
    yield Switch("the garbage collector", gc.isenabled(), new["gc"], lambda on: collect[on]())
    context = contextvars.Context().run(decimal.getcontext)
    kind = decimal.getcontext()
    yield Switch(
        "the decimal context", _terms(kind), _terms(context), lambda _: _calculate(context)
    )
    yield Switch("threads that still run", _threads(), [], lambda _: None)


def _of_seeds() -> Iterator[Switch]:
    """`np.random.seed = 42` binds the function's name anew; torch does so itself, with another."""
    for module, name, seed in _seeds():
        found = getattr(sys.modules[module], name, None)
        usual = found if callable(found) else seed
        yield Switch(
            f"`{module}.{name}`", found, usual, partial(setattr, sys.modules[module], name)
        )


def _seeds() -> Iterator[tuple[str, str, Callable[[int], object]]]:
    """The functions that set a random state, by the module and the name that code knows."""
    for module, name, also in SEEDS:
        home = sys.modules.get(also)
        seed = getattr(getattr(home, "_inst", home), name, None)
        if module in sys.modules and callable(seed):
            yield module, name, seed


def _of_numpy() -> Iterator[Switch]:
    """A context in which nothing was set yet has NumPy's own values."""
    numpy: Any = sys.modules.get("numpy")
    if not hasattr(numpy, "set_printoptions"):
        return
    usual = contextvars.Context().run
    errors, options = usual(numpy.geterr), usual(numpy.get_printoptions)
    yield Switch("NumPy's errors", numpy.geterr(), errors, lambda how: numpy.seterr(**how))
    call = numpy.geterrcall()
    yield Switch("NumPy's error function", call, usual(numpy.geterrcall), numpy.seterrcall)
    yield Switch(
        "NumPy's print options",
        numpy.get_printoptions(),
        options,
        lambda how: numpy.set_printoptions(**how),
    )


def _of_torch() -> Iterator[Switch]:
    """What is not known to a version of torch is left alone."""
    torch = _torch()
    if torch is None:
        return
    threads = int(_new["environ"].get("OMP_NUM_THREADS", torch.get_num_threads()))
    rows: list[tuple[str, Callable[[], Any], Any, Callable[[Any], Any]]] = [
        (
            "torch's inference mode",
            lambda: torch.is_inference_mode_enabled(),
            False,
            lambda on: _enter(torch.inference_mode(on)),
        ),
        (
            "torch's gradients",
            lambda: torch.is_grad_enabled(),
            True,
            lambda on: torch._C._set_grad_enabled(on),
        ),
        (
            "torch's default dtype",
            lambda: torch.get_default_dtype(),
            torch.float32,
            lambda dtype: torch.set_default_dtype(dtype),
        ),
        (
            "torch's default device",
            lambda: str(torch.get_default_device()),
            "cpu",
            lambda _: torch.set_default_device(None),
        ),
        (
            "torch's deterministic algorithms",
            lambda: torch.are_deterministic_algorithms_enabled(),
            False,
            lambda on: torch.use_deterministic_algorithms(on),
        ),
        (
            "torch's threads",
            lambda: torch.get_num_threads(),
            threads,
            lambda count: torch.set_num_threads(count),
        ),
        (
            "torch's anomaly detection",
            lambda: torch.is_anomaly_enabled(),
            False,
            lambda on: torch.autograd.set_detect_anomaly(on),
        ),
        (
            "torch's autocast",
            lambda: torch.is_autocast_enabled("cpu"),
            False,
            lambda on: torch.set_autocast_enabled("cpu", on),
        ),
        (
            "torch's precision of float32 products",
            lambda: torch.get_float32_matmul_precision(),
            "highest",
            lambda how: torch.set_float32_matmul_precision(how),
        ),
    ]
    for name, read, usual, write in rows:
        with suppress(Exception):
            yield Switch(name, read(), usual, write)


_entered: list[Any] = []


def _enter(mode: Any) -> None:
    """A mode ends with its last reference."""
    mode.__enter__()
    _entered.append(mode)


def _changed(now: Any, new: dict[Any, Any]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """What a mapping holds under the names that it had, where that is another, and what it held.

    What was added to it is left.
    """
    names = [n for n in new if (found := now.get(n)) is not new[n] and _differs(found, new[n])]
    return {name: now.get(name) for name in names}, {name: new[name] for name in names}


def _differs(found: Any, usual: Any) -> bool:
    """Of texts by what they say; other things are the same or not."""
    return type(found) is not type(usual) or not isinstance(usual, str) or found != usual


def _whole_path(new: list[str]) -> None:
    sys.path[:] = [*(path for path in sys.path if path not in new), *new]


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - it may have been removed
    except OSError:
        return ""


def _is_open(stream: Any) -> bool:
    return not getattr(stream, "closed", True)


def _nowhere() -> Any:
    return Path(os.devnull).open("w", encoding="utf-8")


def _setter(name: str) -> Callable[[Any], None]:
    return lambda value: setattr(sys, name, value)


def _set_locale(value: str) -> None:
    locale.setlocale(locale.LC_ALL, value)


def _umask() -> int:
    now = os.umask(0o077)
    os.umask(now)
    return now


def _signals() -> dict[int, Any]:
    """Return the handlers of all signals but the one by which the harness ends a question.

    The handler that torch sets to hear of its loaders' workers belongs to it, and stays.
    """
    found = {n: signal.getsignal(n) for n in signal.valid_signals() if n != signal.SIGINT}
    return {n: h for n, h in found.items() if not _of_library(h)}


def _of_library(handler: Any) -> bool:
    return str(getattr(handler, "__module__", "")).partition(".")[0] == "torch"


def _handle(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None:
            signal.signal(number, handler)


def _clocks() -> list[float]:
    """Seconds until each of the clocks that send a signal, 0 where it stands."""
    return [signal.getitimer(clock)[0] for clock in CLOCKS]


def _stop(_: Any) -> None:
    for clock in CLOCKS:
        signal.setitimer(clock, 0)


def _terms(context: decimal.Context) -> tuple[Any, ...]:
    traps = sorted(trap.__name__ for trap, on in context.traps.items() if on)
    return context.prec, context.rounding, context.Emin, context.Emax, context.clamp, traps


def _calculate(context: decimal.Context) -> None:
    decimal.setcontext(context.copy())


def threads_of_a_new_kernel() -> set[int]:
    """The numbers of the threads that were there before the first cell."""
    return {thread.ident for thread in _new["threads"] if thread.ident is not None}


def _threads() -> list[str]:
    """Those of the notebook that keep a process alive; pools and bars leave others behind, of
    classes of their own."""
    new = _new["threads"]
    found = [t for t in threading.enumerate() if t not in new and not t.daemon]
    found = [t for t in found if type(t).__module__ in ("threading", "__main__")]
    return [t.name for t in found if not t.name.startswith(("ThreadPool", "asyncio_"))]


remember()
