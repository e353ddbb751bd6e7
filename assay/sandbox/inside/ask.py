"""The one file that enters the student's kernel. Standard library and NumPy only.

It puts questions to the student's code and writes the answers down as plain
arrays. It knows no right answers, so there is nothing in it worth stealing.
"""

import ast
import builtins
import contextlib
import faulthandler
import functools
import importlib
import importlib.util
import inspect
import io
import json
import linecache
import math
import os
import pkgutil
import re
import signal
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any, NotRequired, TypedDict

import numpy as np

WORKDIR = Path(__file__).resolve().parents[1]
LIBRARIES = tuple(
    {*map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")), "<frozen"}
)
"""How the files of what is installed begin."""

Names = dict[str, Any]
"""Names of a module or of a notebook, and what they stand for."""


class Put(TypedDict):
    """The exam's line that raised, if no code of the student's took part in it."""

    file: str
    line: int
    code: str
    called: NotRequired[str]
    """How the code was called, and what it takes, if these do not fit."""


class Note(TypedDict):
    """What became of a question: `answered`, `raised`, `missing`, or `ended` with its kernel."""

    status: str
    error: NotRequired[str]
    traceback: NotRequired[str]
    put: NotRequired[Put]
    absent: NotRequired[str]
    lacks: NotRequired[str]
    """As `Missing` has them."""
    took: NotRequired[str]
    """In words its time, if that is why it was ended with its kernel."""


class Missing(Exception):
    """The submission has nothing of the name that was asked for.

    `absent` is that name; `lacks` one that is there and does not take what the question needs.
    The judge goes by these and by no text: whatever student code raises may say anything.
    """

    def __init__(self, said: str, *, absent: str = "", lacks: str = "") -> None:
        super().__init__(said)
        self.absent, self.lacks = absent, lacks


class TimeUp(BaseException):
    """The time of a question is up. No `except Exception` stops it, neither ours nor theirs."""


class Student:
    """The student's names: `student.attention` looks in the adapter, the notebook, the package.

    Then in the submission's other modules, beside the notebook or at the top: those that are
    imported, then those whose source binds the name. A module is never the answer to a name.
    What is in none of them, the rubric may put together from names that are (`fallback.py`).
    """

    def __init__(self) -> None:
        self._notebook: Names = {}
        self._live: Names = {}  # what the notebook's functions see, and may bind anew
        self._adapter: Adapter | None = None
        self._is_falling_back = False

    def __getattr__(self, name: str) -> Any:
        for place in self._places(name):
            if _answers(place, name):
                return place[name]
        fallback = self._fallback()
        if fallback is not None and hasattr(fallback, name):
            return getattr(fallback, name)
        raise Missing(
            f"expected `{name}` in the notebook or in the `solution` package beside it"
            + self._others
            + self._adapted.fault(name),
            absent=name,
        )

    def has(self, *names: str) -> bool:
        """Return whether the submission itself has all of these names."""
        return all(any(_answers(p, name) for p in self._places(name)) for name in names)

    def instances(self, kind: type) -> list[Any]:
        """Return the objects of a class that the notebook left under a name."""
        named = {key: value for key, value in self._notebook.items() if not key.startswith("_")}
        return [value for value in named.values() if isinstance(value, kind)]

    def _fallback(self) -> ModuleType | None:
        """Return what the rubric puts together; None if it has nothing, or is asking itself."""
        path = WORKDIR / "support" / "fallback.py"
        if self._is_falling_back or not path.exists():
            return None
        self._is_falling_back = True
        try:
            return _module("fallback", path)
        finally:
            self._is_falling_back = False

    @property
    def _adapted(self) -> "Adapter":
        if self._adapter is None:
            path = WORKDIR / "support" / "adapter.py"
            source = path.read_text(encoding="utf-8") if path.exists() else ""
            self._adapter = Adapter(source, self._live or self._notebook)
        self._adapter.go_on()
        return self._adapter

    @property
    def _others(self) -> str:
        own = ", ".join(f"`{module}.py`" for module in list(_own_modules())[:5])
        return f", or in {own}" if own else ""

    def _places(self, name: str) -> Iterator[Names]:
        if turn.is_spent:
            raise TimeUp
        yield self._adapted.names
        yield self._notebook
        yield from (vars(module) for module in _package("solution", name))
        yield from (vars(module) for module in _beside(name))


class Beneath(Names):
    """Python's own names, then the notebook's as they are at the time."""

    def __init__(self, notebook: Names) -> None:
        super().__init__(vars(builtins))
        self._notebook = notebook

    def __missing__(self, name: str) -> Any:
        return self._notebook[name]


class InNotebook(ast.NodeTransformer):
    """What a function declares `global` and the notebook binds is the notebook's, as in a cell."""

    def __init__(self, names: set[str]) -> None:
        self._names, self._ours = names, set[str]()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        said = {name for n in ast.walk(node) if isinstance(n, ast.Global) for name in n.names}
        before, self._ours = self._ours, self._ours | (said & self._names)
        self.generic_visit(node)
        self._ours = before
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        left = [name for name in node.names if name not in self._ours]
        return ast.copy_location(ast.Global(left) if left else ast.Pass(), node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self._ours:
            return node
        notebook = ast.Name("__notebook__", ast.Load())
        there = ast.Subscript(notebook, ast.Constant(node.id), node.ctx)
        return ast.fix_missing_locations(ast.copy_location(there, node))


class Adapter:
    """The adapter's names, in a module of its own that knows the notebook's names too.

    It is executed statement by statement: one that needs a name of another part is passed over.
    The notebook's names are those of the time at which they are read: its functions may keep the
    weights in one that they bind anew.
    """

    def __init__(self, source: str, notebook: Names) -> None:
        module = sys.modules["adapter"] = ModuleType("adapter")
        self.names = vars(module)
        self.names |= {k: v for k, v in notebook.items() if hasattr(builtins, k) and k[:2] != "__"}
        self.names |= {"__builtins__": Beneath(notebook), "__notebook__": notebook}
        self._faults: dict[str, str] = {}
        self._left: list[ast.stmt] = []
        try:
            statements = ast.parse(source, "adapter.py").body
            plain = [s for s in statements if not isinstance(s, ast.FunctionDef | ast.ClassDef)]
            own = set().union(*map(_bound_by, plain))
            self._left = [InNotebook(set(notebook) - own).visit(s) for s in statements]
        except (SyntaxError, ValueError) as error:
            self._faults["*"] = f"; the adapter is not Python: {error}"

    def go_on(self) -> None:
        """Execute what is left; a statement that took a question's time is not begun again."""
        while self._left:
            self._execute(self._left.pop(0))

    def fault(self, name: str) -> str:
        """What went wrong in the adapter where it should have set a name, '' where nothing did."""
        return self._faults.get(name, self._faults.get("*", ""))

    def _execute(self, statement: ast.stmt) -> None:
        code = compile(ast.Module([statement], []), "adapter.py", "exec")
        try:
            exec(code, self.names)
        except BaseException as error:
            fault = f"; line {statement.lineno} of the adapter raised {_raised(error)['error']}"
            self._faults |= dict.fromkeys(_bound_by(statement), fault)
            if isinstance(error, TimeUp):
                raise


def _bound_by(statement: ast.stmt) -> set[str]:
    """The names that a statement was to bind."""
    nodes = list(ast.walk(statement))
    names = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    names |= {n.asname or n.name for n in nodes if isinstance(n, ast.alias)}
    return names | {getattr(statement, "name", "")}


@cache
def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _package(package: str, name: str) -> Iterator[ModuleType]:
    """The package, then its modules that are imported or whose source may bind the name.

    One that cannot be imported is passed over. To import them all would take the seconds that
    what they need takes, and run what they do when they are imported.
    """
    try:
        top = _imported(package)
    except ImportError:
        return
    yield top
    for module, path in _modules(tuple(getattr(top, "__path__", [])), f"{package}."):
        if module not in sys.modules and not _may_bind(path, name):
            continue
        try:
            yield _imported(module)
        except Exception:  # a broken module must not hide the others
            continue


@cache
def _modules(folders: tuple[str, ...], prefix: str) -> list[tuple[str, Path]]:
    """The modules below a package by their files, in `pkgutil.walk_packages`'s order."""
    found: list[tuple[str, Path]] = []
    for module in pkgutil.iter_modules(folders, prefix):
        path = Path(getattr(module.module_finder, "path", ""), module.name.removeprefix(prefix))
        if module.ispkg:
            found.append((module.name, path / "__init__.py"))
            found += _modules((str(path),), f"{module.name}.")
        else:
            found.append((module.name, path.with_suffix(".py")))
    return found


def _may_bind(path: Path, name: str) -> bool:
    """Whether a source binds a name at its top, or in a way that cannot be read off it."""
    try:
        source = path.read_bytes()
    except OSError:  # compiled: only importing it tells
        return True
    return name in _bound_in(path) or bool(COMPUTED.search(source))


COMPUTED = re.compile(rb"\b(globals|vars|locals|setattr|exec|__dict__|modules)\b")
"""How a module may bind a name that its source does not spell."""


def _answers(place: Names, name: str) -> bool:
    """Whether a name is there; that of a submodule, which Python sets on its package, is not."""
    return name in place and not isinstance(place[name], ModuleType)


@cache
def _own_modules() -> dict[str, Path]:
    """The submission's modules outside `solution`, by the names that its notebook imports."""
    root = WORKDIR / "submission"
    folders = [root, *sorted({path.parent for path in root.rglob("*.ipynb")} - {root})]
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.py")) + sorted(folder.glob("*/*.py")):
            inner = path.relative_to(folder).with_suffix("").parts
            parts = inner[:-1] if inner[-1] == "__init__" else inner
            if all(map(str.isidentifier, parts)) and parts and parts[0] not in NO_MODULES:
                found.setdefault(".".join(parts), path)
    return found


NO_MODULES = {"solution", "adapter", "exam", "ask", "setup", "conftest", *sys.stdlib_module_names}


def _beside(name: str) -> Iterator[ModuleType]:
    """The submission's own modules: what is imported, then what would bind the name."""
    own = {module: path for module, path in _own_modules().items() if _is_theirs(module, path)}
    yield from [sys.modules[module] for module in own if module in sys.modules]
    for module, path in own.items():
        if module not in sys.modules and name in _bound_in(path):
            try:
                yield _imported(module)
            except Exception:  # a broken module must not hide the others
                continue


def _is_theirs(module: str, path: Path) -> bool:
    """Whether importing it brings this file, and no package of its name that is installed."""
    try:
        there = sys.modules.get(module)
        spec = getattr(there, "__spec__", None) or importlib.util.find_spec(module)
        origin = getattr(spec, "origin", None) or getattr(there, "__file__", None)
        return origin is not None and Path(origin).read_bytes() == path.read_bytes()
    except Exception:  # not found, or a package that cannot be imported
        return False


@cache
def _bound_in(path: Path) -> frozenset[str]:
    """The names that a source binds at its top, however deep in its conditions and loops."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return frozenset()
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)  # what is bound inside is its own
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        left += ast.iter_child_nodes(node)
    return frozenset(found)


_begun: set[str] = set()


def _imported(name: str) -> ModuleType:
    """A module; one whose import took a question's time is not begun again."""
    if name in _begun:
        raise ImportError(f"to import `{name}` took too long")
    _begun.add(name)
    try:
        return importlib.import_module(name)
    finally:
        if not isinstance(sys.exception(), TimeUp):
            _begun.discard(name)


class Turn:
    """The question that is put now. The harness reads it, interrupts it, and says why."""

    def __init__(self) -> None:
        self.now, self._number, self._raised_at = "", 0, -1.0
        self._spent: dict[str, Note] = {}

    def begin(self, question: str) -> None:
        """It is this question's turn."""
        self._number += 1
        self.now = f"{self._number} {question}"
        self._write_down()
        _switches().tell({"asking": self.now})
        self.listen()

    def listen(self) -> None:
        """Let the harness interrupt what runs."""
        with contextlib.suppress(ValueError):  # only the main thread sets signals
            signal.signal(signal.SIGINT, self._interrupted)

    def end(self) -> Note | None:
        """What is noted of it if it was ended by us; from now on nothing interrupts."""
        late, self.now = self.late, ""
        self._write_down()
        return late

    def _write_down(self) -> None:
        """Keep what is asked in a file: of a kernel that ends at once no message may be sent."""
        at_once = getattr(os, "O_NONBLOCK", 0)  # nor waits for whoever put a pipe there
        with contextlib.suppress(OSError):
            _switches().put(str(WORKDIR / "evidence" / "asking.txt"), self.now.encode(), at_once)

    @property
    def late(self) -> Note | None:
        """What is noted of the question: its time is up, or it ended its kernel; else nothing."""
        if self.is_spent:
            return self._spent[self.question]
        with contextlib.suppress(OSError, ValueError):
            line, took = (
                (WORKDIR / "support" / "time_up.txt").read_text(encoding="utf-8").split("\n")
            )
            if line == self.now:
                return {"status": "raised", "error": f"TimeoutError: {took}"}
        return None

    @property
    def is_spent(self) -> bool:
        """Whether the question ended only with its kernel when it was put before."""
        spent = WORKDIR / "support" / "spent.json"
        if not self._spent and spent.exists():
            self._spent = json.loads(spent.read_text(encoding="utf-8"))
        return self.question in self._spent

    @property
    def question(self) -> str:
        """Return the name of what is asked now; '' between two questions."""
        return self.now.partition(" ")[2]

    def _interrupted(self, number: int, frame: object) -> None:
        """What comes late was for another question; after one there is a moment to end in."""
        if self.late and time.monotonic() > self._raised_at + 0.5:
            self._raised_at = time.monotonic()
            raise TimeUp


turn = Turn()
student = Student()


def _is_reference() -> bool:
    """Return whether the course's own answer is asked: then the exam itself is on trial."""
    return (WORKDIR / "support" / "reference").exists()


def handed_out(question: str) -> bool:
    """Return whether this run puts the question at all."""
    return (WORKDIR / "given" / f"{question}.npz").exists()


def _sheet(question: str) -> bytes:
    """The inputs of a question, as a kernel has kept them, or from their file without one."""
    kept: dict[str, io.BytesIO] = _switches().given
    if question in kept:
        return kept[question].getvalue()
    return (WORKDIR / "given" / f"{question}.npz").read_bytes()


def _switches() -> Any:
    """Return what knows how a new kernel's switches stand: it was loaded before the first cell."""
    path = Path(__file__).with_name("switches.py")
    return sys.modules.get("assay-switches") or _module("assay-switches", path)


_generators: list[Any] = []
"""The random generators that the notebook left, as it left them."""


def _begin_afresh(question: str) -> None:
    """No switch and no random state that the notebook or another question left reaches this one."""
    switches = _switches()
    switches.set_back()
    switches.draw_afresh(question, _sheet(question), _generators)


@contextmanager
def ask(question: str) -> Iterator[tuple[SimpleNamespace, SimpleNamespace]]:
    """Hand out the question's arrays and an empty answer; keep what the block sets on it.

    An exception in the block is an answer too: it is written down, and the next
    question is put. So is an end by the harness, and what was answered before it is left out:
    how much that is depends on the machine. One question does not begin inside another.
    """
    if turn.now:
        raise RuntimeError(f"`{question}` is asked inside `{turn.question}`, which has not ended")
    _begin_afresh(question)
    with np.load(io.BytesIO(_sheet(question)), allow_pickle=False) as arrays:
        given = SimpleNamespace(**arrays)
    answer = SimpleNamespace()
    note: Note = {"status": "answered"}
    turn.begin(question)
    try:
        try:
            yield given, answer
        except Missing as error:
            note = _missing(error)
        except BaseException as error:
            note = _raised(error)
        _write(question, vars(answer), note)
    except BaseException as error:  # an answer may be made to hurt whoever writes it down
        late = turn.end()
        _write(question, {}, _raised(error))
    else:
        late = turn.end()
    if late:
        at = note.get("traceback", "") if _is_reference() else ""  # where depends on the machine
        _write(question, {}, {**late, "traceback": at})


def _missing(error: Missing) -> Note:
    """What is not there, where the exam or this file says so; raised by anybody else, an error."""
    support = str(WORKDIR / "support")
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not all(file.startswith((support, *LIBRARIES)) for file in files):
        return _raised(error)
    note: Note = {"status": "missing", "error": str(error)}
    if error.absent:
        note["absent"] = error.absent
    if error.lacks:
        note["lacks"] = error.lacks
    return note


def _raised(error: BaseException) -> Note:
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be read)"
    note: Note = {
        "status": "raised",
        "error": f"{type(error).__name__}: {message}"[:500],
        "traceback": "".join(traceback.format_tb(error.__traceback__)[-4:])[-4000:],
    }
    if put := _put_at(error):
        note["put"] = put
    return note


def _put_at(error: BaseException) -> Put | None:
    """Return the exam's line that raised, if no code of the student's took part in it.

    The question then did not fit what it was put to: the student's code has not raised anything.
    """
    support = str(WORKDIR / "support")
    frames = list(traceback.walk_tb(error.__traceback__))
    files = [frame.f_code.co_filename for frame, _ in frames]
    exam = [n for n, file in enumerate(files) if file.startswith(support) and file != __file__]
    if not exam or not all(file.startswith(LIBRARIES) for file in files[exam[-1] + 1 :]):
        return None
    frame, line = frames[exam[-1]]
    code = linecache.getline(files[exam[-1]], line).strip()
    put: Put = {"file": files[exam[-1]][len(support) + 1 :], "line": line, "code": code[:200]}
    if isinstance(error, TypeError):
        with contextlib.suppress(Exception):  # a signature may show what a student made
            put["called"] = next(_misfits(frame, line), "")[:400]
    return put


def _misfits(frame: FrameType, line: int) -> Iterator[str]:
    """How the calls in a line were made that do not fit what they call, and what that takes."""
    tree = ast.parse("".join(linecache.getlines(frame.f_code.co_filename)))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if not call.lineno <= line <= (call.end_lineno or line) or _is_open(call):
            continue
        called = _valued(call.func, frame)
        signature = inspect.signature(getattr(called, "forward", called))
        try:
            signature.bind(*call.args, **{str(k.arg): k.value for k in call.keywords})
        except TypeError:
            given = [_described(argument, frame) for argument in call.args]
            given += [f"{k.arg}={_described(k.value, frame)}" for k in call.keywords]
            name = ast.unparse(call.func).rpartition(".")[2]
            yield f"{name} was called with ({', '.join(given)}) and takes {signature}"


def _is_open(call: ast.Call) -> bool:
    """Return whether how many arguments it has cannot be read."""
    stars = any(isinstance(argument, ast.Starred) for argument in call.args)
    return stars or any(keyword.arg is None for keyword in call.keywords)


def _valued(node: ast.expr, frame: FrameType) -> Any:
    """What a name, or an attribute of one, stands for; anything else is not worked out again."""
    if isinstance(node, ast.Attribute):
        return getattr(_valued(node.value, frame), node.attr)
    if isinstance(node, ast.Name):
        found = frame.f_locals if node.id in frame.f_locals else frame.f_globals
        return found[node.id]
    raise ValueError("neither a name nor an attribute")


def _described(node: ast.expr, frame: FrameType) -> str:
    """An argument by its name, with its shape or its type where it has a name."""
    name = ast.unparse(node).rpartition(".")[2][:40]
    try:
        value = _valued(node, frame)
    except Exception:
        return name
    shape = getattr(value, "shape", None)
    return f"{name}: {type(value).__name__}" + ("" if shape is None else f" of {tuple(shape)}")


def _write(question: str, answers: Names, note: Note) -> None:
    _switches().set_back()  # what the answer's code has switched must not reach its writing
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    text: dict[str, object] = {}
    for name, value in answers.items():
        array = _as_numbers(value)
        if array is None:
            text[name] = _as_text(value)
        else:
            arrays[name] = array
    sheet = WORKDIR / "evidence" / f"{question}.npz"
    sheet.parent.mkdir(parents=True, exist_ok=True)
    _switches().keep_answer(question, sheet, arrays, {**note, "text": text})


def _as_numbers(value: Any) -> np.ndarray[Any, Any] | None:
    """Return the value as an array of numbers, or None where it is something else."""
    if isinstance(value, str | dict) or value is None:
        return None
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):  # rows of unequal lengths, or a dtype NumPy does not have
        return None
    return array if array.dtype.kind in "biuf" else None


def _as_text(value: Any, depth: int = 0) -> Any:
    """Return the value as plain JSON; what is not plain data is named by its type."""
    if value is None or type(value) in (str, bool, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else str(value)
    if depth < 8 and isinstance(value, dict):
        return {str(key): _as_text(inner, depth + 1) for key, inner in value.items()}
    if depth < 8 and isinstance(value, list | tuple | set | frozenset):
        return [_as_text(inner, depth + 1) for inner in value]
    if isinstance(value, np.generic):
        return _as_text(value.item(), depth + 1)
    return f"<{type(value).__name__}, which is not plain data>"


ENDS = ("_exit", "kill", "killpg", "execv", "execve")
"""Functions of `os` by which a process may end itself."""


def _note_the_end() -> None:
    """Have it written down where this process is when it ends itself, or a signal ends it."""
    this = os.getpid()
    how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    file = os.open(WORKDIR / "evidence" / "died.txt", how, 0o600)  # stays open

    def noting(end: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(end)
        def note_and_end(*arguments: Any) -> Any:
            if os.getpid() == this:
                os.ftruncate(file, 0)
                faulthandler.dump_traceback(file, all_threads=False)
            return end(*arguments)

        return note_and_end

    faulthandler.enable(file, all_threads=False)
    for name in (name for name in ENDS if hasattr(os, name)):
        setattr(os, name, noting(getattr(os, name)))


def sit(namespace: Names) -> None:
    """Put the whole exam to the code of a notebook whose names these are."""
    left = json.dumps(_switches().set_back())
    student._notebook, student._live, student._adapter = dict(namespace), namespace, None
    (WORKDIR / "evidence" / "switches.json").write_text(left, encoding="utf-8")
    _generators[:] = _switches().states(student._notebook)
    for name in [name for name in sys.modules if name.partition(".")[0] == "exam"]:
        del sys.modules[name]  # the student's own
    sys.path.insert(0, str(WORKDIR / "support"))
    before = signal.getsignal(signal.SIGINT)
    try:
        turn.listen()
        _note_the_end()
        if _is_reference():
            os._exit = sys.exit  # type: ignore[assignment]  # which says where
        importlib.import_module("exam")
        if _is_reference():
            student._fallback()  # what is right may need none of it
    except (Exception, SystemExit, TimeUp) as error:  # no code of a student's is called here
        note = {**_raised(error), **(turn.late or {})}
        broken = json.dumps(note, allow_nan=False)
        (WORKDIR / "evidence" / "broken.json").write_text(broken, encoding="utf-8")
        raise
    finally:
        with contextlib.suppress(ValueError, TypeError):
            signal.signal(signal.SIGINT, before)
    (WORKDIR / "evidence" / "finished.json").write_text("{}", encoding="utf-8")
