"""What of a submission cannot be known by reading it: code that is made, hidden, or compiled.

From scratch is judged by the source. Where a program looks names up by texts that it puts together,
or runs what is not written down, nobody can say by reading what it reaches. Such a submission is
not accused of anything: a person looks at it.
"""

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from types import SimpleNamespace

from rubric_tests.checks import ForReview
from rubric_tests.syntax import LOOKS_UP, cleaned, looked_up, parts_of
from rubric_tests.texts import texts_bound

COMPILED = (".pyc", ".pyo", ".pyd", ".so", ".dll", ".dylib", ".egg", ".whl", ".pth", ".pyz")
RUNS_TEXT = {"exec", "eval", "compile", "execfile"}
NAMESPACES = {"vars", "globals", "locals"}
OWN = {"self", "cls"}
HIDDEN = {
    "__subclasses__", "__globals__", "__builtins__", "__code__", "__loader__", "__spec__",
    "__getattribute__", "__closure__", "__mro__", "__bases__", "__base__", "__reduce__",
    "__reduce_ex__", "__import__", "f_globals", "f_locals", "f_builtins", "f_back", "gi_frame",
    "tb_frame", "_getframe", "_current_frames", "get_objects", "get_referrers", "get_referents",
    "getmembers", "setprofile", "settrace", "addaudithook", "meta_path", "path_hooks",
    "spec_from_file_location", "spec_from_loader", "module_from_spec", "exec_module",
    "load_module", "SourceFileLoader", "ExtensionFileLoader", "FunctionType", "CodeType",
    "run_cell", "run_cell_async", "run_code", "run_cell_magic", "safe_execfile", "run_path",
    "EntryPoint", "entry_points", "all_estimators", "getprofile", "gettrace", "monitoring",
    "run_module", "getmodule", "cpp_extension", "load_inline", "runctx", "runeval",
}  # fmt: skip
"""Names by which code reaches past what is written, or past those who watch it."""
MODULES = {
    "marshal", "ctypes", "cffi", "zipimport", "runpy", "imp", "code", "codeop", "dill",
    "cloudpickle", "builtins", "gc", "_ctypes", "_imp", "importlib.util", "importlib.machinery",
    "importlib.abc", "importlib._bootstrap", "bdb", "cython", "pyximport", "subprocess",
    "multiprocessing", "pty",
}  # fmt: skip
"""Modules that run what nobody can read, or run it elsewhere."""
SHARED = {
    "ask", "copy", "exam", "inspect", "io", "itertools", "json", "math", "numpy", "os", "pathlib",
    "random", "sklearn", "sys", "torch", "types", "zipfile", "contextlib", "functools",
}  # fmt: skip
"""Modules that the exam works with too."""
SETTINGS = {"sys.stdout", "sys.stderr", "sys.path", "sys.argv", "sys.ps1", "sys.displayhook"}
INSIDE = {"marshal", "ctypes", "builtins", "gc", "subprocess", "runpy", "importlib"}
"""Those that others have imported too: `torch.ctypes`."""
PICKLES = {"load", "loads", "Unpickler"}
STARTS = {"system", "popen", "execv", "execve", "execvp", "spawnv", "posix_spawn", "fork"}
MAGICS = {
    "matplotlib", "config", "load_ext", "reload_ext", "autoreload", "pip", "conda", "time",
    "timeit", "pylab", "precision", "who", "whos", "pwd", "ls", "cd", "env", "history", "reset",
    "capture", "writefile", "file", "html", "HTML", "latex", "markdown", "svg", "javascript",
    "js", "run", "tensorboard", "pdb", "xmode", "pinfo", "doctest_mode", "prun", "memit", "mprun",
}  # fmt: skip
SHELL = re.compile(r"(?:[\w, ]+=\s*)?!+\s*(.*)")
MAGIC = re.compile(r"(?:[\w, ]+=\s*)?%{1,2}(\w+)")
HARMLESS = re.compile(
    r"(\S{0,200}python\S{0,200} -m )?(pip3?|conda|mamba|apt|apt-get|uv|ls|pwd|cat|nvidia-smi|"
    r"mkdir|wget|curl|unzip|git|rm|head|free|df)\b[^;|`]*$"
)
"""Commands that install, fetch or show; none that comes after another in the same line."""
KERNEL = {
    "ipykernel", "zmq", "jupyter_client", "tornado", "socket", "asyncio",
    "IPython.core.getipython", "IPython.kernel",
}  # fmt: skip
"""Modules by which a notebook reaches the kernel that reports how its cells ended."""
REPLIES = {
    "set_custom_exc", "showtraceback", "_showtraceback", "showsyntaxerror", "send_multipart",
    "iopub_socket", "iopub_thread", "pub_thread", "shell_stream", "shell_streams",
    "execute_request", "do_execute", "ast_transformers", "input_transformers_post",
    "input_transformers_cleanup", "input_transformer_manager", "InteractiveShell",
    "ZMQInteractiveShell", "run_ast_nodes", "kernel_app", "excepthook", "_instance",
}  # fmt: skip
"""Attributes of that kernel, and of the shell in it."""
TEXTS = re.compile(r"ASSAY_|/desk\b|execute_reply|finished\.json")
"""In texts: the folders of a run, and the messages of its kernel."""
ASKED_OF_THE_SHELL = {"run_line_magic", "magic", "system", "set_next_input"}
COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
PLAIN = {"utf-8", "utf8", "ascii"}


def check_readable(submission: SimpleNamespace, runs: list) -> None:
    """Raise ForReview where some of the submission cannot be read."""
    found = next(unreadable(submission, runs), None)
    if found:
        raise ForReview(found)


def check_replies(submission: SimpleNamespace, runs: list) -> None:
    """Raise ForReview where the notebook could have told itself how its cells ended.

    Only the kernel knows that, and the notebook's code lives in it.
    """
    check_readable(submission, runs)
    for where, source, _ in pieces(submission, runs):
        tree = cleaned(source)
        for line, said in reaches_the_kernel(tree) if tree else ():
            raise ForReview(f"{where}, line {line}: {said}: how cells ended may be made up")


def reaches_the_kernel(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The places where code reaches the kernel that it runs in."""
    nodes = list(ast.walk(tree))
    asked = {
        id(node.func.value.func)
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ASKED_OF_THE_SHELL
        and isinstance(node.func.value, ast.Call)
    }
    for node in nodes:
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Name) and node.id == "get_ipython" and id(node) not in asked:
            yield line, "`get_ipython` leads to the kernel"
        elif isinstance(node, ast.Attribute) and node.attr in REPLIES | {"get_ipython"}:
            yield line, f"`{node.attr}` leads to the kernel"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = names if isinstance(node, ast.Import) else [node.module or "", *names]
            renamed = {a.name for a in node.names if a.asname not in (None, a.name)}
            for name in modules:
                inside = any(name == k or name.startswith(f"{k}.") for k in KERNEL)
                if inside or name in REPLIES or (name == "get_ipython" and name in renamed):
                    yield line, f"`{name}` leads to the kernel"
        elif isinstance(node, ast.Constant) and (found := TEXTS.search(str(node.value))):
            yield line, f"`{found[0]}` is a part of the run"


def unreadable(submission: SimpleNamespace, runs: list) -> Iterator[str]:
    """A sentence for each piece of code that cannot be read, or that runs such a piece."""
    for name in getattr(submission, "files", ()):
        if name.lower().endswith(COMPILED):
            yield f"`{name}` is compiled, and cannot be read"
    for name in getattr(submission, "unread", ()):
        yield f"`{name}` is too large to be read"
    for where, source, ran in pieces(submission, runs):
        yield from (f"{where}: {said}" for said in unreadable_lines(source))
        tree = cleaned(source)
        if tree is not None:
            files = set(submission.sources) if where.startswith("code cell") and ran else None
            found = Reader(tree, files).found
            yield from (f"{where}, line {line}: {said}" for line, said in found)
        elif ran:
            yield f"{where} ran, and cannot be read as Python"


def pieces(submission: SimpleNamespace, runs: list) -> Iterator[tuple[str, str, bool]]:
    """Each code cell and file: what it is called, its text, and whether it ran without an error."""
    code = [cell.source for cell in submission.cells if cell.kind == "code"]
    failed = [{cell.number for cell in run.cells if cell.error} for run in runs]
    always = set.intersection(*failed) if failed else set()
    for number, source in enumerate(code, start=1):
        yield f"code cell {number}", source, number not in always
    for name, text in submission.sources.items():
        if name != "notebook":
            cookies = [m[1].lower() for m in map(COOKIE.match, text.split("\n")[:2]) if m]
            yield f"`{name}`", text, not PLAIN.issuperset(cookies)


def unreadable_lines(source: str) -> Iterator[str]:
    """IPython's own lines that run programs or code which is not Python."""
    for line in source.split("\n"):
        shell, magic = SHELL.match(line.strip()), MAGIC.match(line.strip())
        if shell and not HARMLESS.match(shell[1]):
            yield f"`!{shell[1][:40]}` starts another program"
        elif magic and magic[1] not in MAGICS:
            yield f"`%{magic[1]}` runs what cannot be read"


class Reader:
    """The places of one tree where names are looked up by texts that are not written there."""

    def __init__(self, tree: ast.Module, files: set[str] | None) -> None:
        """`files` are all that was handed in, where every import of the tree has succeeded."""
        self.texts, self.files, self.imports = texts_bound(tree), files, imports_in(tree)
        nodes = list(ast.walk(tree))
        self.called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        self.searched = {
            id(right)
            for node in nodes
            if isinstance(node, ast.Compare)
            for right in node.comparators
        }
        self.guarded = {
            id(inner)
            for node in nodes
            if isinstance(node, ast.Try | ast.FunctionDef | ast.AsyncFunctionDef | ast.If)
            for statement in node.body
            for inner in ast.walk(statement)
        }
        self.found = [(getattr(n, "lineno", 0), said) for n in nodes for said in self._of(n)]

    def _of(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield from self._module(alias.name, node)
            case ast.ImportFrom() if not node.level:
                yield from self._imported_from(node)
            case ast.Call():
                yield from self._call(node)
            case ast.Name(id=name, ctx=ast.Load()) if id(node) not in self.called:
                if name in RUNS_TEXT | set(LOOKS_UP) | NAMESPACES:
                    yield f"`{name}` under another name"
                elif name == "__builtins__":
                    yield "`__builtins__` leads to everything"
            case ast.Attribute(ctx=ast.Load()):
                yield from self._attribute(node)
            case ast.Attribute():
                yield from self._replaced(node)

    def _module(self, dotted: str, node: ast.stmt) -> Iterator[str]:
        head = dotted.partition(".")[0]
        if is_hidden(dotted):
            yield f"`{dotted}` runs what cannot be read"
        elif head in ("ask", "exam") and not self._handed_in(dotted, always=True):
            yield f"`{dotted}` is the exam's own"
        elif not (self._handed_in(dotted) or installed(head) or id(node) in self.guarded):
            yield f"`{dotted}` is neither installed nor handed in"

    def _handed_in(self, dotted: str, *, always: bool = False) -> bool:
        if self.files is None:
            return not always
        path = dotted.replace(".", "/")
        ends = (f"{path}.py", f"{path}/__init__.py")
        folder = any(f"/{path}/" in f"/{name}" for name in self.files)
        return folder or any(f"/{name}".endswith(f"/{end}") for name in self.files for end in ends)

    def _imported_from(self, node: ast.ImportFrom) -> Iterator[str]:
        module = node.module or ""
        yield from self._module(module, node)
        for alias in node.names:
            dotted = f"{module}.{alias.name}"
            renamed = alias.asname not in (None, alias.name)
            if is_hidden(dotted) or alias.name in HIDDEN or dotted == "sys.modules":
                yield f"`{dotted}` reaches past what is written there"
            elif alias.name in LOOKS_UP and renamed:
                yield f"`{dotted}` under another name"
            else:
                yield from risky(dotted)

    def _call(self, node: ast.Call) -> Iterator[str]:
        plain = isinstance(node.func, ast.Name)
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        of_own = bool(node.args) and is_own(node.args[0])
        if plain and name in RUNS_TEXT:
            yield f"`{name}` runs a text"
        elif name in LOOKS_UP and not (name == "getattr" and of_own):
            found = looked_up(node, self.texts)
            if found is None:
                yield f"`{name}` looks up a name that is not written there"
            for text in sorted(found or ()):
                last = text.rpartition(".")[2]
                if last in HIDDEN | RUNS_TEXT | {"__dict__"} or is_hidden(text):
                    yield f"`{text}` reaches past what is written there"
        elif plain and name in NAMESPACES and not of_own and id(node) not in self.searched:
            yield f"`{name}()` leads to names that are not written there"

    def _replaced(self, node: ast.Attribute) -> Iterator[str]:
        """What is bound inside a module: settings may be, functions that others use may not."""
        head, *rest = parts_of(node)
        if head in self.imports and len(rest) == 1:
            dotted = f"{self.imports[head]}.{rest[0]}"
            if dotted.partition(".")[0] in SHARED and dotted not in SETTINGS:
                yield f"`{dotted}` is replaced, for everything that uses it"

    def _attribute(self, node: ast.Attribute) -> Iterator[str]:
        head, *rest = parts_of(node)
        dotted = ".".join([self.imports.get(head, head), *rest])
        if node.attr == "__dict__" and not is_own(node.value):
            yield "`__dict__` leads to names that are not written there"
        elif dotted.endswith("sys.modules") or node.attr in HIDDEN:
            yield f"`{node.attr}` reaches past what is written there"
        elif node.attr == "__getattr__" and not isinstance(node.value, ast.Call):
            yield "`__getattr__` looks up a name that is not written there"
        elif node.attr in LOOKS_UP and id(node) not in self.called:
            yield f"`{node.attr}` under another name"
        elif head in self.imports:
            if is_hidden(dotted) or not INSIDE.isdisjoint(dotted.split(".")[1:]):
                yield f"`{dotted}` runs what cannot be read"
            yield from risky(dotted)


def is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in OWN


def is_hidden(dotted: str) -> bool:
    return any(dotted == hidden or dotted.startswith(f"{hidden}.") for hidden in MODULES)


def risky(dotted: str) -> Iterator[str]:
    """Functions of ordinary modules that start programs, or run what a file holds."""
    head, _, name = dotted.rpartition(".")
    if head in ("os", "posix") and name in STARTS:
        yield f"`{dotted}` starts another program"
    if head in ("pickle", "_pickle", "joblib", "pandas") and name in {*PICKLES, "read_pickle"}:
        yield f"`{dotted}` may run what is in a file"


def installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def imports_in(tree: ast.Module) -> dict[str, str]:
    """The dotted name behind each name that an import binds."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found
