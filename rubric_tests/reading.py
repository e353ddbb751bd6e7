"""What of a submission cannot be known by reading it: code that is made, hidden, or compiled.

From scratch is judged by the source. Where a program looks names up by texts that it puts together,
or runs what is not written down, reading does not show what it reaches. Such a submission is
not accused of anything: a person looks at it.
"""

import ast
import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

from assay.rubric import ForReview
from rubric_tests.nodes import nodes_of
from rubric_tests.syntax import (
    LOOKS_UP,
    called_name,
    cleaned,
    definitions,
    looked_up,
    parts_of,
)
from rubric_tests.texts import texts_bound, values

COMPILED = (".pyc", ".pyo", ".pyd", ".so", ".dll", ".dylib", ".egg", ".whl", ".pth", ".pyz")
RUNS_TEXT = {"exec", "eval", "compile", "execfile"}
NAMESPACES = {"vars", "globals", "locals"}
SETS = {"setattr", "delattr"}
OWN = {"self", "cls"}
HIDDEN = {
    "__subclasses__", "__globals__", "__builtins__", "__code__", "__loader__", "__spec__",
    "__getattribute__", "__closure__", "__mro__", "__bases__", "__base__", "__reduce__",
    "__reduce_ex__", "__import__", "__self__", "trait_values", "MonkeyPatch",
    "f_globals", "f_locals", "f_builtins", "f_back", "gi_frame",
    "tb_frame", "_getframe", "_current_frames", "get_objects", "get_referrers", "get_referents",
    "getmembers", "setprofile", "settrace", "addaudithook", "meta_path", "path_hooks",
    "spec_from_file_location", "spec_from_loader", "module_from_spec", "exec_module",
    "load_module", "SourceFileLoader", "ExtensionFileLoader", "FunctionType", "CodeType",
    "run_cell", "run_cell_async", "run_code", "run_cell_magic", "safe_execfile", "run_path",
    "EntryPoint", "entry_points", "all_estimators", "getprofile", "gettrace", "monitoring",
    "run_module", "getmodule", "cpp_extension", "load_inline", "runctx", "runeval",
    "get_type_hints", "ForwardRef", "_eval_type", "get_annotations", "evaluate_forward_ref",
    "import_item", "import_object", "import_string", "ImportString", "BaseConfigurator",
    "dictConfig", "fileConfig", "get_field", "vformat", "unsafe_load", "unsafe_load_all",
    "UnsafeLoader", "full_load", "full_load_all", "FullLoader", "_Unpickler", "sympify",
    "parse_expr", "lambdify", "CompilationUnit", "getattr_static", "getmembers_static",
    "get_overridable_functions", "get_testing_overrides", "currentframe", "getouterframes",
    "getinnerframes", "walk_stack", "walk_tb", "cr_frame", "ag_frame", "create_subprocess_shell",
    "create_subprocess_exec", "ProcessPoolExecutor", "runstring", "rundocs", "FunctionMaker",
    "exec_", "exec_command", "loadTestsFromName", "loadTestsFromNames",
    "_exec_with_source", "_forward_from_src", "_create_fn", "_load_from_bytes", "NpzFile",
    "execsitecustomize", "addpackage", "addsitedir", "is_bearable",
    "die_if_unbearable", "TypeHint", "TypeAdapter", "resolve_types",
    "extract_stack", "format_stack", "print_stack", "StackSummary", "CapturedTraceback",
    "findCaller", "dump_traceback", "dump_traceback_later", "find_stack_level",
    "get_object_traceback", "_forward_hooks", "_forward_pre_hooks", "_global_forward_hooks",
    "_global_forward_pre_hooks", "_profiler_enabled", "_is_profiler_enabled",
    "TorchDispatchMode", "TorchFunctionMode", "_disable_current_modes", "_pop_mode_temporarily",
    "_get_current_dispatch_mode", "_get_current_function_mode", "is_in_torch_dispatch_mode",
}  # fmt: skip
"""Names by which code reaches past what is written, or past those who watch it."""
MODULES = {
    "marshal", "ctypes", "cffi", "zipimport", "runpy", "imp", "code", "codeop", "dill",
    "cloudpickle", "builtins", "gc", "_ctypes", "_imp", "importlib.util", "importlib.machinery",
    "importlib.abc", "importlib._bootstrap", "bdb", "cython", "pyximport", "subprocess",
    "multiprocessing", "pty", "trace", "shelve", "logging.config", "pydoc", "numexpr",
    "concurrent.futures", "unittest.mock", "torch.package", "copyreg", "threading", "_thread",
    "torch._C", "torch.multiprocessing", "doctest", "jinja2", "mako", "sklearn.utils.parallel",
    "joblib.parallel", "joblib.externals", "loky", "site", "_posixsubprocess", "numpy.f2py",
    "pandas.core.computation", "torch.library", "torch._library", "torch._ops", "torch.overrides",
    "torch.utils._python_dispatch", "torch.utils._traceback", "torch.fx", "torch.testing._internal",
    "tqdm.contrib.concurrent", "dask", "distributed",
    "executing", "stack_data", "_lsprof", "numpy.ctypeslib",
    "torch._inductor.codecache", "pexpect", "ptyprocess", "execnet",
    "papermill", "nbclient", "nbconvert", "fabric", "paramiko", "plumbum",
}  # fmt: skip
"""Modules that run what cannot be read, or run it in a thread, where it is not watched."""
SHARED = {
    "ask", "copy", "exam", "inspect", "io", "itertools", "json", "math", "numpy", "os", "pathlib",
    "random", "sklearn", "sys", "torch", "types", "zipfile", "contextlib", "functools", "ast",
    "faulthandler", "hashlib", "importlib", "linecache", "pkgutil", "re", "signal", "sysconfig",
    "time", "traceback", "tracemalloc",
}  # fmt: skip
"""Modules that the exam works with too."""
ONLY_SHOW = {"help", "dir", "print", "display", "reload", "type", "id", "repr", "str", "hasattr"}
"""Functions that may be called with a module: it is not handed on."""
GIVE_THE_VALUE = {"format_field", "convert_field"}
"""Methods of `string.Formatter` that are handed what a text names."""
DESCRIBES = {
    "__name__", "__qualname__", "__doc__", "__module__", "__wrapped__", "__signature__",
    "__version__", "__all__", "__test__",
}  # fmt: skip
"""What may be set of a function that somebody else wrote."""
RAW_MEMORY = {"__array_interface__", "__array_struct__"}
OF_THE_EXAM = {"ask", "exam", "assay-switches", "assay"}
"""Modules that put the questions, and write the answers down."""
IMPORTS = {"import_module", "__import__", "resolve_name", "find_spec"}
"""Those of the functions that look up by a text which look up a module."""
SETTINGS = {"sys.stdout", "sys.stderr", "sys.path", "sys.argv", "sys.ps1", "sys.displayhook"}
INSIDE = {
    "marshal", "ctypes", "builtins", "gc", "subprocess", "runpy", "importlib", "threading", "sys",
    "os", "inspect", "pickle",
}  # fmt: skip
"""Those that others have imported too: `torch.ctypes`, `os.sys`, `random._os`."""
LEADS_INSIDE = INSIDE | {"modules"}
"""Attributes of a module by which all that is loaded can be had, the exam among it."""
PICKLES = {"load", "loads", "Unpickler"}
STARTS = re.compile(r"(system|popen|exec[lv]\w*|spawn\w+|posix_spawnp?|fork|forkpty|startfile)$")
RUN_A_TEXT = {
    "pandas.eval", "psutil.Popen", "profile.run", "profile.Profile", "cProfile.run",
    "cProfile.Profile", "pdb.run", "pdb.Pdb", "torch.utils.benchmark.Timer", "inspect.stack",
    "inspect.trace",
    "inspect.unwrap", "inspect.getclosurevars", "pkgutil.get_loader", "sympy.S", "joblib.Parallel",
    "torch.jit.load", "torch.export.load", "torch.hub.load", "numpy.testing.measure",
    "timeit.main", "cProfile.main", "profile.main", "pdb.main", "unittest.main", "pytest.main",
    "pydantic.create_model",
}  # fmt: skip
"""Functions whose last name alone is an ordinary one."""
TIMES = {"timeit.timeit": 2, "timeit.repeat": 2, "timeit.Timer": 2}
"""Functions that run a text or call a function, and how many of their arguments are such."""
MAGICS = {
    "matplotlib", "config", "load_ext", "reload_ext", "autoreload", "pip", "conda", "time",
    "timeit", "pylab", "precision", "who", "whos", "pwd", "ls", "cd", "env", "history", "reset",
    "capture", "writefile", "file", "html", "HTML", "latex", "markdown", "svg", "javascript",
    "js", "run", "tensorboard", "pdb", "xmode", "pinfo", "doctest_mode", "prun", "memit", "mprun",
}  # fmt: skip
EXTENSIONS = {
    "autoreload", "storemagic", "tensorboard", "memory_profiler", "line_profiler", "watermark",
    "google.colab.data_table", "nb_black", "jupyter_black", "lab_black", "autotime",
}  # fmt: skip
CONFIGURED = re.compile(r"$|\w+$|InlineBackend\.|InteractiveShell\.ast_node_interactivity\b")
"""What `%config` may be followed by: pictures, and which values of a cell are shown."""
SHELL = re.compile(r"(?:[\w, ]+=\s*)?!+\s*(.*)")
MAGIC = re.compile(r"(?:[\w, ]+=\s*)?%{1,2}(\w+)(?!\w)\s*(.*)")
WRITES = re.compile(r"\s*%%(?:writefile|file)[^\S\n]+(\w[\w/]{0,200}\.py)[^\S\n]*\n")
"""A cell that is a module: its text is read, and has to be what is imported."""
HARMLESS = re.compile(
    r"(?:sudo )?(?:(?:[^\s;]{0,200}python[^\s;]{0,200}|\{sys\.executable\}) -m )?"
    r"(?:(?:pip3?|apt|apt-get|ls|pwd|cat|nvidia-smi|mkdir|wget|curl|unzip|rm|"
    r"head|tail|grep|wc|free|df|du|date|nproc|lscpu|uname|which)\b"
    r"|(?:conda|mamba)(?: +-\S{1,99})* +(?!run\b)[\w-]|uv(?: +-\S{1,99})* +(?!run\b|tool\b)[\w-]"
    r"|git +(?:-C +\S{1,200} +|--no-pager +)?(?!clone\b.{0,300}\s-[cu])"
    r"(?:clone|pull|fetch|checkout|switch|status|log|rev-parse|branch|diff|show|remote|describe|"
    r"push|init|add|commit|stash|tag|lfs|grep|restore|submodule +(?:update|init|add|status)|"
    r"config +(?:--\w+ +)?(?:user|pull|init|color|advice|safe|core\.autocrlf)|--version)\b"
    r"(?!.{0,400}(?:--config|--upload-pack|--receive-pack|--exec|ext::)))[^`]*$"
    r"|python3? (?:--version|-V)\s*$"
)
"""Commands that install, fetch or show."""
SUBSTITUTED = re.compile(r"[$<>]\(|\{[^{}]{0,300}[;|&`$]")
"""What a shell or IPython puts in place of itself: another program's output, a text of any kind."""
NEXT = re.compile(r"\|\|?|&&|(?<!>)&(?!>)|;")
"""What a further command of the same line comes after."""
QUOTED = re.compile(r"""'[^'\n]*'|"[^"`\\\n]*\"""")
KERNEL = {
    "ipykernel", "zmq", "jupyter_client", "jupyter_core", "tornado", "socket", "asyncio",
    "traitlets", "comm",
}  # fmt: skip
"""Modules by which a notebook reaches the kernel that reports how its cells ended."""
REPLIES = {
    "set_custom_exc", "showtraceback", "_showtraceback", "showsyntaxerror", "send_multipart",
    "iopub_socket", "iopub_thread", "pub_thread", "shell_stream", "shell_streams",
    "execute_request", "do_execute", "ast_transformers", "input_transformers_post",
    "input_transformers_cleanup", "input_transformer_manager", "InteractiveShell",
    "ZMQInteractiveShell", "run_ast_nodes", "kernel_app", "excepthook", "_instance",
    "displayhook", "pub_socket", "parent_header", "register_hook", "unregister_hook", "_ip",
    "user_ns", "user_global_ns", "set_hook", "magics_manager", "extension_manager",
    "register_magics", "register_magic_function", "register_line_magic", "register_cell_magic",
    "register_line_cell_magic", "comm_manager", "last_value", "load_ipython_extension",
}  # fmt: skip
"""Attributes of that kernel, of the shell in it, and of what they have put into `sys`."""
ORDINARY = {"shell", "session", "kernel", "events", "instance", "initialized"}
"""The same, under names that a student's own classes may use as well."""
FOR_DATA = {
    "keras", "lightgbm", "networkx", "numpy", "pandas", "polars", "scipy", "seaborn", "sklearn",
    "statsmodels", "torch", "torchvision", "xgboost",
}  # fmt: skip
"""Libraries that know no shell: an estimator's `kernel`, a table's column `session`."""
OF_IPYTHON = {
    "IPython": {"display", "get_ipython", "__version__", "version_info"},
    "IPython.display": {
        "display", "HTML", "Image", "Markdown", "Math", "Latex", "SVG", "Audio", "Video", "IFrame",
        "YouTubeVideo", "VimeoVideo", "JSON", "GeoJSON", "Javascript", "Pretty", "Code", "FileLink",
        "FileLinks", "DisplayHandle", "DisplayObject", "ProgressBar", "TextDisplayObject",
        "ScribdDocument", "clear_output", "update_display", "set_matplotlib_formats",
        "set_matplotlib_close", "display_html", "display_markdown", "display_svg", "display_png",
        "display_jpeg", "display_latex", "display_json", "display_javascript", "display_pretty",
    },
    "IPython.core.display": {"display", "HTML", "Image", "Markdown", "Math", "Latex", "SVG"},
    "IPython.lib.display": {"Audio", "IFrame", "YouTubeVideo", "FileLink", "FileLinks", "Code"},
    "matplotlib_inline": {"backend_inline"},
    "matplotlib_inline.backend_inline": {"set_matplotlib_formats", "set_matplotlib_close"},
}  # fmt: skip
"""All that a notebook may take from the packages that hold the shell."""
HOLD_THE_SHELL = {*OF_IPYTHON, "sys", "inspect"}
"""Modules that lead to it under another name, or handed on."""
STREAMS = {"sys.stdout", "sys.stderr", "sys.stdin"}
OF_A_STREAM = {
    "write", "writelines", "flush", "isatty", "encoding", "errors", "buffer", "fileno", "getvalue",
    "reconfigure", "closed", "close", "name", "mode", "newlines", "line_buffering", "writable",
    "readable", "seekable", "read", "readline", "readlines",
}  # fmt: skip
ENDS = {"quit", "exit"}
"""Called, they end a cell; anything else of them leads to the shell."""
TEXTS = re.compile(r"ASSAY_|/assay-run\b|execute_reply|finished\.json")
"""In texts: the folders of a run, and the messages of its kernel."""
ASKED_OF_THE_SHELL = {"run_line_magic", "magic", "system", "set_next_input"}
"""What it may be asked for where the rest is written there: it is read as the line it stands for.
"""
CALLS = re.compile(r"@|__")
"""In the text of a table's `eval`: names of the notebook's, or of Python's own."""
TEXTS_OF_TYPES = ("jaxtyping", "beartype", "pydantic")
"""Libraries that run the texts in the types they are given: `Float[Tensor, "{f()}"]`."""
SYMBOLS = {"symbols", "Symbol", "Function", "Dummy", "Wild", "var", "MatrixSymbol", "IndexedBase"}
"""What of SymPy only takes names; all else runs a text that it is given."""
OF_PYTHON = re.compile(r"[\w./~ -]*\.py[wx]?")
"""A text that is the name of a Python file, and nothing else."""
COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
PLAIN = {"utf-8", "utf8", "ascii"}


def check_readable(submission: SimpleNamespace, runs: list) -> None:
    """Raise ForReview where some of the submission cannot be read, or may not be what runs.

    Whoever has the kernel's shell runs texts with it, and makes other code of the cells.
    """
    check_that_it_ran(submission, runs)
    for said in reaching(submission, runs):
        raise ForReview(f"{said}: what runs may not be what is written")


def check_replies(submission: SimpleNamespace, runs: list) -> None:
    """Raise ForReview where the notebook could have told itself how its cells ended.

    Only the kernel knows that, and the notebook's code lives in it.
    """
    check_that_it_ran(submission, runs)
    for said in reaching(submission, runs):
        raise ForReview(f"{said}: how cells ended may be made up")


def check_that_it_ran(submission: SimpleNamespace, runs: list) -> None:
    """Raise ForReview where something cannot be read, or ran and is not written in any file.

    The kernel says what runs before it does; a module that a cell writes is read in that cell.
    """
    if found := next(unreadable(submission, runs), None):
        raise ForReview(found)
    read = {digest_of(source) for _, source, _ in pieces(submission, runs)}
    read |= {digest_of(cell.source.partition("\n")[2]) for cell in submission.cells}
    for what, digest in (said for run in runs for said in getattr(run, "ran", ())):
        if not digest or digest not in read:
            raise ForReview(f"{what} ran, and is not written in what was handed in")


def digest_of(text: str) -> str:
    return sha256(text.encode("utf-8", "replace").strip()).hexdigest()


def reaching(submission: SimpleNamespace, runs: list) -> Iterator[str]:
    """A sentence for each place where a submission reaches the kernel that it runs in."""
    read = [(where, cleaned(source)) for where, source, _ in pieces(submission, runs)]
    own = frozenset[str]().union(*(attributes_of_own(tree) for _, tree in read if tree))
    for where, tree in read:
        for line, said in known_to_reach_the_kernel(tree, own) if tree else ():
            yield f"{where}, line {line}: {said}"


@lru_cache(1_000)
def attributes_of_own(tree: ast.Module) -> frozenset[str]:
    """The names of methods, and of what a class keeps in `self`."""
    nodes = nodes_of(tree)
    kept = {n.attr for n in nodes if isinstance(n, ast.Attribute) and is_own(n.value)}
    defined = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    return frozenset(kept | defined)


@lru_cache(1_000)
def known_to_reach_the_kernel(tree: ast.Module, own: frozenset[str]) -> tuple[tuple[int, str], ...]:
    """What `reaches_the_kernel` finds: two criteria ask for it, of the same trees."""
    return tuple(reaches_the_kernel(tree, own))


def reaches_the_kernel(
    tree: ast.Module, own: frozenset[str] = frozenset()
) -> Iterator[tuple[int, str]]:
    """The places where code reaches the kernel that it runs in.

    `own` are attributes of the student's classes: where it has one called `kernel`, that is it.
    """
    nodes, imports, texts = nodes_of(tree), imports_in(tree), texts_bound(tree)
    leads = REPLIES | {"get_ipython"} | (ORDINARY - own)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    bases = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    of_data = names_for_data(nodes, imports)
    asked = {
        id(node.func.value.func)
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ASKED_OF_THE_SHELL
        and isinstance(node.func.value, ast.Call)
    }
    steps = {id(step) for step in steps_of_paths(nodes)}
    for node in nodes:
        found: list[str] = []
        match node:
            case ast.Name(id="get_ipython", ctx=ast.Load()) if id(node) not in asked:
                found = ["get_ipython"]
            case ast.Name(id=name, ctx=ast.Load()) if name in ENDS and id(node) not in called:
                found = [name]
            case ast.Name(id=name, ctx=ast.Load()) if id(node) not in bases:
                found = [name] if imports.get(name) in HOLD_THE_SHELL else []
            case ast.Attribute():
                leading = leads - ORDINARY if root_of(node) in of_data else leads
                found = [node.attr] if node.attr in leading and id(node) not in asked else []
                found = found or beyond(node, imports)
            case ast.MatchClass():
                found = [name for name in node.kwd_attrs if name in leads]
            case ast.Import() | ast.ImportFrom():
                found = list(to_the_kernel(node))
            case ast.Call() if called_name(node) in LOOKS_UP:
                known = {part for t in looked_up(node, texts) or () for part in t.split(".")}
                found = sorted(known & leads)
            case ast.Constant(value=str()) | ast.BinOp() | ast.JoinedStr() | ast.Call():
                for text in values(node, texts) or ():
                    if part := TEXTS.search(text):
                        yield node.lineno, f"`{part[0]}` is a part of the run"
        if id(node) in steps and "assay-run" in (values(node, texts) or ()):
            yield node.lineno, "`assay-run` is a part of the run"
        yield from ((getattr(node, "lineno", 0), f"`{name}` leads to the kernel") for name in found)


def names_for_data(nodes: list[ast.AST], imports: dict[str, str]) -> set[str]:
    """The names of libraries for data, and those that hold only what these have made."""
    libraries = {name for name, of in imports.items() if of.partition(".")[0] in FOR_DATA}
    bound = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    bound += [n.arg for n in nodes if isinstance(n, ast.arg)]
    roots: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    roots.setdefault(target.id, []).append(root_of(node.value))
    made = {name for name, of in roots.items() if len(of) == bound.count(name)}
    made = {name for name in made if libraries.intersection(roots[name])}
    while strangers := {name for name in made if not {*roots[name]} <= made | libraries}:
        made -= strangers
    return libraries | made


def root_of(node: ast.AST) -> str:
    """The name at which a chain of attributes and calls begins, '' where it is another thing."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def steps_of_paths(nodes: list[ast.AST]) -> Iterator[ast.expr]:
    """What a path is put together from: `here / "a"`, `Path("/", "a")`, `os.path.join(x, "a")`."""
    for node in nodes:
        match node:
            case ast.BinOp(op=ast.Div()):
                yield node.right
            case ast.Call() if called_name(node) in ("Path", "PurePath", "join", "joinpath"):
                yield from node.args


def to_the_kernel(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The names of an import by which the kernel or its shell can be had."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            module, name, dotted = alias.name, "", alias.name
        else:
            module, name = node.module or "", alias.name
            dotted = f"{module}.{name}"
        renamed = alias.asname not in (None, alias.name)
        if any(module == k or module.startswith(f"{k}.") for k in KERNEL) and not getattr(
            node, "level", 0
        ):
            yield module
        elif name in REPLIES or (name == "get_ipython" and renamed):
            yield name
        elif dotted.partition(".")[0] in OF_IPYTHON and not is_shown(dotted):
            yield dotted


def is_shown(dotted: str) -> bool:
    """Whether a name of IPython's packages is one of those that only show something."""
    package, _, name = dotted.rpartition(".")
    return dotted in OF_IPYTHON or name in OF_IPYTHON.get(package, ())


def beyond(node: ast.Attribute, imports: dict[str, str]) -> list[str]:
    """What is taken from IPython's packages, or from a stream, and is not on the list for it."""
    head, *rest = parts_of(node)
    parts = [*imports.get(head, head).split("."), *rest]
    dotted = ".".join(parts)
    if ".".join(parts[:2]) in STREAMS and len(parts) == 3:
        return [] if parts[2] in OF_A_STREAM else [dotted]
    if head in imports and parts[0] in OF_IPYTHON:
        begins = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
        return (
            []
            if is_shown(dotted) or any(is_shown(b) and b not in OF_IPYTHON for b in begins)
            else [dotted]
        )
    return []


def unreadable(submission: SimpleNamespace, runs: list) -> Iterator[str]:
    """A sentence for each piece of code that cannot be read, or that runs such a piece."""
    for name in getattr(submission, "files", ()):
        if name.lower().endswith(COMPILED):
            yield f"`{name}` is compiled, and cannot be read"
    for name in getattr(submission, "unread", ()):
        yield f"`{name}` is too large to be read"
    handed_in = frozenset(submission.sources)
    written = {m[1] for cell in submission.cells if (m := WRITES.match(cell.source))}
    functions = functions_in(submission, runs)
    for where, source, ran in pieces(submission, runs):
        yield from (f"{where}: {said}" for said in unreadable_lines(source, handed_in))
        tree = cleaned(source)
        if tree is not None:
            files = handed_in | written if where.startswith("code cell") and ran else None
            found = unreadable_in(tree, files, handed_in, functions)
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


def functions_in(submission: SimpleNamespace, runs: list) -> frozenset[str]:
    """The names of all functions that are written in the submission."""
    trees = [cleaned(source) for _, source, _ in pieces(submission, runs)]
    return frozenset[str]().union(*(functions_of(tree) for tree in trees if tree))


@lru_cache(1_000)
def functions_of(tree: ast.Module) -> frozenset[str]:
    return frozenset(node.name for node in nodes_of(tree) if isinstance(node, ast.FunctionDef))


def unreadable_lines(source: str, handed_in: frozenset[str] = frozenset()) -> Iterator[str]:
    """IPython's own lines that run programs or code which is not Python."""
    for line in source.split("\n"):
        yield from unreadable_line(line.strip(), handed_in)


def unreadable_line(line: str, handed_in: frozenset[str]) -> Iterator[str]:
    shell, magic = SHELL.match(line), MAGIC.match(line)
    if shell and not is_harmless(shell[1]):
        yield f"`!{shell[1][:40]}` starts another program"
    elif magic and not is_read(magic[1], magic[2], handed_in):
        more = f" {magic[2][:40]}" if magic[1] in MAGICS else ""
        yield f"`%{magic[1]}{more}` runs what cannot be read"


def is_harmless(command: str) -> bool:
    """Whether each command of a line only installs, fetches or shows."""
    if SUBSTITUTED.search(command):
        return False
    plain = "\\" not in command  # which may take a quote's meaning away
    bare = QUOTED.sub("''", command) if plain else command  # an address may hold `&`
    return all(HARMLESS.match(each.strip()) for each in NEXT.split(bare))


def is_read(magic: str, rest: str, handed_in: frozenset[str]) -> bool:
    """Whether what a magic runs, loads or sets is written in the submission, or is known."""
    words = [word for word in rest.split("#")[0].split() if not word.startswith("-")]
    match magic:
        case "load_ext" | "reload_ext":
            tops = {name.rpartition("/")[2].removesuffix(".py") for name in handed_in}
            tops |= {part for name in handed_in for part in name.split("/")[:-1]}
            return all(w in EXTENSIONS and w.partition(".")[0] not in tops for w in words)
        case "config":
            return bool(CONFIGURED.match(rest.strip()))
        case "run":
            name = words[0].strip("'\"").removeprefix("./") if words else ""
            name = name if name.endswith(".py") else f"{name}.py"
            return any(f"/{one}".endswith(f"/{name}") for one in handed_in)
    return magic in MAGICS


@lru_cache(1_000)
def unreadable_in(
    tree: ast.Module,
    files: frozenset[str] | None,
    handed_in: frozenset[str],
    functions: frozenset[str],
) -> tuple[tuple[int, str], ...]:
    """What a `Reader` finds in a tree: two criteria ask for it."""
    return tuple(Reader(tree, files, handed_in, functions).found)


class Reader:
    """The places of one tree where names are looked up by texts that are not written there."""

    def __init__(
        self,
        tree: ast.Module,
        files: frozenset[str] | None,
        handed_in: frozenset[str],
        functions: frozenset[str],
    ) -> None:
        """`files` are all that was handed in, where every import of the tree has succeeded."""
        self.handed_in, self.functions = handed_in, functions
        self.texts, self.files = texts_bound(tree), files
        nodes = nodes_of(tree)
        self.imports = with_aliases(starred_in(tree) | imports_in(tree), nodes)
        self.handed = set(handed_on(nodes, self.imports))
        self.classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
        bound = Counter(
            n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        )
        self.second_names = {
            name: dotted
            for node in nodes
            for name, value in bindings_of(node)
            if (dotted := self._dotted(value))
            and bound[name] == 1
            and dotted.partition(".")[0] in SHARED
        }
        self.called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        self.searched = {
            id(right)
            for node in nodes
            if isinstance(node, ast.Compare)
            if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn)
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
                if name in RUNS_TEXT | set(LOOKS_UP) | NAMESPACES | SETS:
                    yield f"`{name}` under another name"
                elif name == "__builtins__":
                    yield "`__builtins__` leads to everything"
                elif name in RAW_MEMORY:
                    yield f"`{name}` reaches past what is written there"
            case ast.arg(annotation=ast.expr() as kind) | ast.AnnAssign(annotation=kind):
                yield from self._annotated(kind)
            case ast.FunctionDef(returns=ast.expr() as kind):
                yield from self._annotated(kind)
                yield from self._named(node.name)
            case ast.Subscript(value=ast.Attribute(attr="__annotations__"), ctx=ast.Store()):
                yield "`__annotations__` is changed: a text in it may be run"
            case ast.Subscript(value=of, slice=entries):
                if self._dotted(of).startswith(TEXTS_OF_TYPES):
                    yield from self._annotated(entries)
            case ast.Constant(value=str(text)) if OF_PYTHON.fullmatch(text):
                yield from self._file(text)
            case ast.Constant(value=str(text)):
                yield from template(text)
            case ast.BinOp() | ast.JoinedStr():
                for text in values(node, self.texts) or ():
                    if OF_PYTHON.fullmatch(text):
                        yield from self._file(text)
                    yield from template(text)
            case ast.Attribute(ctx=ast.Load()):
                yield from self._attribute(node)
            case ast.Attribute():
                yield from self._replaced(node)
            case ast.Name(id=name) if name in RAW_MEMORY | GIVE_THE_VALUE:
                yield f"`{name}` reaches past what is written there"
            case ast.FunctionDef(name=name):
                yield from self._named(name)
            case ast.MatchClass():
                for name in node.kwd_attrs:
                    if name in HIDDEN | {"__dict__"}:
                        yield f"`{name}` reaches past what is written there"

    def _named(self, name: str) -> Iterator[str]:
        if name in RAW_MEMORY | GIVE_THE_VALUE:
            yield f"`{name}` reaches past what is written there"

    def _annotated(self, kind: ast.expr) -> Iterator[str]:
        """A text in a type is Python, which `singledispatch` and libraries of types run."""
        for node in ast.walk(kind):
            if isinstance(node, ast.expr):
                for text in values(node, self.texts) or ():
                    for inner in expressions_in(text):
                        if not (isinstance(inner, ast.Name) and inner.id == text.strip()):
                            yield from self._of(inner)

    def _file(self, name: str) -> Iterator[str]:
        """Who names a file of Python that was not handed in may have written it, and import it."""
        if not any(f"/{one}".endswith(f"/{name.lstrip('./')}") for one in self.handed_in):
            yield f"`{name}` is a file of Python that was not handed in"

    def _module(self, dotted: str, node: ast.stmt | ast.Call) -> Iterator[str]:
        head = dotted.partition(".")[0]
        if is_hidden(dotted):
            yield f"`{dotted}` runs what cannot be read"
        elif head in OF_THE_EXAM and not self._handed_in(dotted, always=True):
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
            if (
                is_hidden(dotted)
                or alias.name in HIDDEN
                or alias.name.lstrip("_") in INSIDE
                or dotted == "sys.modules"
            ):
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
                inner = {part.lstrip("_") for part in text.split(".")}
                leads = name not in IMPORTS and not LEADS_INSIDE.isdisjoint(inner)
                if last in HIDDEN | RUNS_TEXT | {"__dict__"} or is_hidden(text) or leads:
                    yield f"`{text}` reaches past what is written there"
                elif name in IMPORTS:
                    yield from self._module(text.partition(":")[0], node)
        elif plain and name in NAMESPACES and not of_own and id(node) not in self.searched:
            yield f"`{name}()` leads to names that are not written there"
        if any(
            k.arg in ("eval_str", "stack_info") and not is_constant(k.value, False)
            for k in node.keywords
        ):
            yield f"`{name}` reaches past what is written there"
        if self._dotted(node.func).startswith("sympy.") and name not in SYMBOLS:
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            if any(values(one, self.texts) and not is_number(one) for one in given):
                yield f"`{name}` runs a text"
        yield from self._set(node, name)
        yield from self._loaded(node, name)
        yield from self._evaluated(node)
        yield from self._asked_of_the_shell(node)

    def _set(self, node: ast.Call, name: str) -> Iterator[str]:
        """`setattr(numpy, "asarray", mine)` binds inside a module, as an assignment does."""
        target = node.args[0] if node.args else None
        if name in ("__setattr__", "__delattr__") and isinstance(node.func, ast.Attribute):
            target = target if self._dotted(node.func.value) == "object" else node.func.value
        elif name not in SETS | {"update_wrapper"}:
            return
        dotted = self._dotted(target) if target is not None else ""
        is_imported = target is not None and root_of(target) in self.imports
        if is_imported and dotted.partition(".")[0] in SHARED:
            yield f"`{dotted}` is changed, for everything that uses it"
        elif target is not None and not is_own(target):
            named = node.args[1] if len(node.args) > 1 else None
            for text in (values(named, self.texts) if named else None) or ("",):
                yield from self._may_be_of_a_module(text)

    def _evaluated(self, node: ast.Call) -> Iterator[str]:
        """A table's `eval` and `query` run a text, which may call what it names: `@f(x)`."""
        func = node.func
        if not isinstance(func, ast.Attribute) or func.attr not in ("eval", "query"):
            return
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        expression = node.args[0] if node.args else given.get("expr")
        if expression is None:
            return
        found = values(expression, self.texts)
        if found is None and isinstance(expression, ast.JoinedStr):
            found = frozenset({ast.unparse(expression)})
        own = func.attr == "query" or "eval" in self.functions  # a layer, a method of their own
        if any(CALLS.search(text) for text in found or ()) or (found is None and not own):
            yield f"`{func.attr}` runs a text"

    def _loaded(self, node: ast.Call, name: str) -> Iterator[str]:
        """What reads a file that may hold code, or times a text, by how it is called."""
        dotted = self._dotted(node.func)
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        if name in ("load", "read_array", "open_memmap", "loads"):
            pickled, safe = given.get("allow_pickle"), given.get("weights_only")
            by_place = dotted == "numpy.load" and len(node.args) > 2
            if by_place or (pickled and not is_constant(pickled, False)):
                yield f"`{name}` with `allow_pickle` may run what is in a file"
            if safe and not is_constant(safe, True):
                yield f"`{name}` without `weights_only` may run what is in a file"
            if None in given and dotted in ("numpy.load", "torch.load"):
                yield f"`{name}` is called with what is not written there"
        if dotted in ("yaml.load", "yaml.load_all"):
            loader = given.get("Loader", node.args[1] if len(node.args) > 1 else None)
            if loader is None or not ast.unparse(loader).endswith("SafeLoader"):
                yield f"`{dotted}` may run what is in a file"
        if dotted in TIMES:
            run = [
                *node.args[: TIMES[dotted]],
                *(given[k] for k in ("stmt", "setup") if k in given),
            ]
            names = {n.id for n in run if isinstance(n, ast.Name)}
            if not names <= self.functions or not all(
                isinstance(n, ast.Lambda | ast.Name) for n in run
            ):
                yield f"`{dotted}` runs a text"

    def _asked_of_the_shell(self, node: ast.Call) -> Iterator[str]:
        """`get_ipython().run_line_magic("run", "x.py")`, as the line that it stands for."""
        func = node.func
        if not isinstance(func, ast.Attribute) or func.attr not in ASKED_OF_THE_SHELL:
            return
        shell = func.value
        if not (isinstance(shell, ast.Call) and called_name(shell) == "get_ipython"):
            return
        words = [values(argument, self.texts) for argument in node.args]
        if node.keywords or any(word is None or len(word) > 1 for word in words):
            yield f"`{func.attr}` is asked for what is not written there"
            return
        line = " ".join(next(iter(word), "") for word in words if word)
        if func.attr == "set_next_input":
            return
        mark = "!" if func.attr == "system" else "%"
        yield from unreadable_line(mark + line.lstrip("%!"), self.handed_in)

    def _dotted(self, node: ast.expr) -> str:
        """A name or an attribute of one, with the module that it was imported from."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            head, *rest = parts_of(node)
            return ".".join([self.imports.get(head, head), *rest])
        return ""

    def _replaced(self, node: ast.Attribute) -> Iterator[str]:
        """What is bound inside a module: settings may be, functions that others use may not."""
        dotted = self._known(node)
        if dotted.partition(".")[0] in SHARED and not is_setting(dotted):
            yield f"`{dotted}` is replaced, for everything that uses it"
        elif self._is_watched(node):
            yield f"`{node.attr}` is replaced, whatever it is of"
        elif not dotted and not is_own(node.value):
            yield from self._may_be_of_a_module(node.attr)

    def _is_watched(self, node: ast.Attribute) -> bool:
        """Whether who watches may use what is bound here, or Python itself; one's own apart."""
        special = node.attr.startswith("__") and node.attr.endswith("__")
        own = is_own(node.value) or root_of(node) in self.classes
        return not own and (
            node.attr in HIDDEN | GIVE_THE_VALUE or (special and node.attr not in DESCRIBES)
        )

    def _may_be_of_a_module(self, name: str) -> Iterator[str]:
        """What is bound under a name, where a module that has it was handed on under any other."""
        for module in sorted(self.handed):
            if not name or has_name(module, name):
                yield f"`{module}` is handed on, and `{name}` may be replaced in it"

    def _known(self, node: ast.expr) -> str:
        """The dotted name of what is imported, or has a second name here: `T = torch.Tensor`."""
        if not isinstance(node, ast.Attribute | ast.Name):
            return ""
        head, *rest = parts_of(node) if isinstance(node, ast.Attribute) else [node.id]
        of = self.imports.get(head) or self.second_names.get(head)
        return ".".join([of, *rest]) if of else ""

    def _attribute(self, node: ast.Attribute) -> Iterator[str]:
        head, *rest = parts_of(node)
        dotted = ".".join([self.imports.get(head, head), *rest])
        if dotted == "sys.modules" and id(node) in self.searched:
            return  # `"google.colab" in sys.modules` says where the notebook runs
        if node.attr == "__dict__" and not is_own(node.value):
            yield "`__dict__` leads to names that are not written there"
        elif dotted.endswith("sys.modules") or node.attr in HIDDEN:
            yield f"`{node.attr}` reaches past what is written there"
        elif node.attr == "__getattr__" and not isinstance(node.value, ast.Call):
            yield "`__getattr__` looks up a name that is not written there"
        elif node.attr in LOOKS_UP and id(node) not in self.called:
            yield f"`{node.attr}` under another name"
        elif (
            node.attr.lstrip("_") in LEADS_INSIDE
            and head not in self.imports
            and not is_own(node.value)
            and id(node) not in self.called
        ):
            yield f"`{node.attr}` may be that of any module"
        elif head in self.imports:
            inner = {part.lstrip("_") for part in dotted.split(".")[1:]}
            if is_hidden(dotted) or not INSIDE.isdisjoint(inner):
                yield f"`{dotted}` runs what cannot be read"
            yield from risky(dotted)


def with_aliases(imports: dict[str, str], nodes: list[ast.AST]) -> dict[str, str]:
    """The imports, and the names that are bound to one of them: `m = numpy`."""
    found = dict(imports)
    for _ in range(2):  # one alias of another
        for node in nodes:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                known = found.get(node.value.id)
                found |= {name: known for name in names if known and name not in imports}
    return found


def bindings_of(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Each name that a statement or an expression binds, with every value it may come from."""
    pairs: list[tuple[ast.expr, ast.expr]] = []
    match node:
        case ast.Assign():
            pairs = [(target, node.value) for target in node.targets]
        case ast.AnnAssign(value=ast.expr()) | ast.NamedExpr():
            pairs = [(node.target, node.value)] if node.value else []
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            pairs = [(node.target, entry) for entry in entries_of(node.iter)]
    for target, value in pairs:
        names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
        for one in [value, *entries_of(value)]:
            yield from ((name, one) for name in names)


def entries_of(node: ast.expr) -> list[ast.expr]:
    """The entries of a container that is written out."""
    if isinstance(node, ast.Dict):
        return node.values
    return node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else []


def handed_on(nodes: list[ast.AST], imports: dict[str, str]) -> Iterator[str]:
    """The exam's modules that are values: in a list, an argument, an attribute, a result.

    What they are called there is not known by reading. A second name is (`with_aliases`).
    """
    known = {id(n.value) for n in nodes if isinstance(n, ast.Attribute)}
    of_classes = {id(s) for n in nodes if isinstance(n, ast.ClassDef) for s in n.body}
    for node in nodes:
        match node:
            case ast.Assign() if id(node) in of_classes:
                continue
            case ast.Call() if called_name(node) in ONLY_SHOW | SETS | {"getattr"}:
                known |= {id(argument) for argument in node.args}
            case ast.Assign() if all(isinstance(t, ast.Name) for t in node.targets):
                known.add(id(node.value))
    for node in nodes:
        if isinstance(node, ast.Name) and id(node) not in known and imports.get(node.id) in SHARED:
            yield imports[node.id]


def has_name(module: str, name: str) -> bool:
    """Whether one of the exam's modules has something of this name."""
    try:
        return hasattr(import_module(module), name)
    except ImportError:
        return False


def is_setting(dotted: str) -> bool:
    """Whether it is a place for settings: `torch.backends.cudnn.benchmark`."""
    return dotted in SETTINGS or dotted.startswith("torch.backends.") or ".config." in dotted


def is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in OWN


def expressions_in(text: str) -> Iterator[ast.AST]:
    """Every node of what a text in a type can be read as: whole, each word of it, or in braces.

    A name alone runs nothing: `mode: "in eval mode"`.
    """
    words = [word for word in text.split()[:100] if not word.isidentifier()]
    for part in dict.fromkeys([text, *words, f"f{text!r}"]):
        try:
            yield from ast.walk(ast.parse(part[:10_000], mode="eval"))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue


def template(text: str) -> Iterator[str]:
    """What `"{0.__globals__[sys].modules}".format(f)` shows is in no name that is written there."""
    for field in fields_of(text):
        _, *names = field.replace("[", ".").replace("]", ".").split(".")
        for name in names:
            if name in HIDDEN | LEADS_INSIDE | {"__dict__"}:
                yield f"a template with `{name}` reaches past what is written there"
                return


def fields_of(text: str, deepest: int = 2) -> Iterator[str]:
    """What a template's braces name, those within their formats too; nothing of other texts."""
    with contextlib.suppress(ValueError):  # here `format` raises, as it does for what is deeper
        for _, field, within, _ in Formatter().parse(text):
            yield field or ""
            if deepest and within and "{" in within:
                yield from fields_of(within, deepest - 1)


def is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, str)


def is_constant(node: ast.expr, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def is_hidden(dotted: str) -> bool:
    return any(dotted == hidden or dotted.startswith(f"{hidden}.") for hidden in MODULES)


def risky(dotted: str) -> Iterator[str]:
    """Functions of ordinary modules that start programs, or run what a file holds."""
    head, _, name = dotted.rpartition(".")
    if dotted in RUN_A_TEXT:
        yield f"`{dotted}` reaches past what is written there"
    if head in ("os", "posix") and STARTS.match(name):
        yield f"`{dotted}` starts another program"
    if head in ("pickle", "_pickle", "joblib", "pandas") and name in {*PICKLES, "read_pickle"}:
        yield f"`{dotted}` may run what is in a file"


def installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def starred_in(tree: ast.Module) -> dict[str, str]:
    """The dotted name behind each module that the star of a library binds."""
    stars = [
        node.module
        for node in nodes_of(tree)
        if isinstance(node, ast.ImportFrom) and not node.level and node.names[0].name == "*"
    ]
    return {name: of for star in stars if star for name, of in brought_by(star).items()}


@lru_cache(100)
def brought_by(module: str) -> dict[str, str]:
    """The modules, bound by a library's star, that run what cannot be read, by its source."""
    try:
        spec = find_spec(module)
        text = Path(spec.origin).read_text("utf-8") if spec and spec.origin else ""
        tree = ast.parse(text)
    except (ImportError, ValueError, OSError, SyntaxError, AttributeError):
        return {}
    if "__all__" in dict(definitions(tree)):
        return {}
    brought = imports_in(tree).items()
    return {name: of for name, of in brought if is_hidden(of) or of in INSIDE}


def imports_in(tree: ast.Module) -> dict[str, str]:
    """The dotted name behind each name that an import binds."""
    found = {}
    for node in nodes_of(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found
