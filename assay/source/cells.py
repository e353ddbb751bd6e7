"""Read a cell's source without running it: what it binds, and what it will trip over."""

import ast
import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import NamedTuple

from assay.errors import quoted
from assay.source import syntax

# Each within one line and without two gaps that could share it out: a student may hand in anything.
LINE_MAGIC = re.compile(r"^([^\S\n]{0,80})([%!?].*|.*[^#\s?]\?{1,2})$", re.MULTILINE)
VALUE_MAGIC = re.compile(r"^([\w, \t]+=)[^\S\n]*[%!].*$", re.MULTILINE)
FIRST_INDENT = re.compile(r"(?:[^\S\n]*(?:#[^\n]*)?\n)*([ \t]*)(?=\S)")
COMMAND = re.compile(r"[^\S\n]{0,80}(?:[\w, \t]{1,200}=[^\S\n]{0,80})?[%!]")
INSTALLS = re.compile(
    r"^[^\S\n]{0,80}[!%] ?(?:sudo )?(?:\S{0,80}(?:python|executable\})\S{0,20} -m )?"
    r"(?:pip[\d.]{0,4}|conda|mamba|apt|apt-get|brew|uv)\b",
    re.M,
)
BY_CALL = ("os.system", "system", "subprocess.run", "subprocess.call", "subprocess.check_call")
BY_PIP = re.compile(r"\b(?:pip3?|conda)\b.{0,80}\binstall\b", re.DOTALL)
FETCHES = re.compile(r"^[^\S\n]{0,80}[!%] ?(wget|curl|gdown|git clone|kaggle)\b", re.MULTILINE)
ELSEWHERE = re.compile(
    r"/(?:content|kaggle|home|Users|mnt|media|Volumes|root)/|~[\\/]|\\\\\w|(?:file:///?)?[A-Za-z]:[\\/]\w"
)
DOWNLOADS = {"load_dataset", "urlopen", "urlretrieve", "from_pretrained", "hf_hub_download"}
CLIENTS = {"requests", "httpx", "wget", "gdown", "kagglehub", "urllib", "nltk"}
WIDGETS = {
    r"\btqdm\.notebook\b|\btqdm_notebook\b": "ipywidgets",
    r"^[^\S\n]{0,80}%matplotlib +(?:widget|ipympl)\b": "ipympl",
}
RELATIVE = re.compile(r"(?!https?:|/|~)[\w./ -]{1,150}\.\w{1,8}")
WRITES = re.compile(r"to_|save|dump|write|imwrite|mkdir|makedirs|Path|download|urlretrieve")
WRITEFILE = re.compile(r"^%%(?:writefile|file)(?: -a)? +(\S+)")
READS = re.compile(r"read_|load|open|get|genfromtxt|imread")
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def parsed(source: str) -> ast.Module | None:
    """The syntax tree without IPython's own lines; None where the rest is not Python."""
    source = as_ipython_reads(source)
    first = source.lstrip().partition("\n")[0]
    if first.startswith("%%") and not re.match(r"%%(time|timeit|capture|prun)\b", first):
        return ast.Module(body=[], type_ignores=[])
    for text in (source, _without_magic(source)):
        try:
            return syntax.parse(text)
        except UNREADABLE:
            continue
    return None


def as_ipython_reads(source: str) -> str:
    """A cell without the indentation of its first line, and its own commands each on one line.

    Every line stays where it was: what a command continues on is left empty.
    """
    indent = FIRST_INDENT.match(source)
    if indent and indent[1]:
        source = "\n".join(line.removeprefix(indent[1]) for line in source.split("\n"))
    lines = source.split("\n")
    within = False
    for number, line in enumerate(lines):
        continued = line.endswith("\\") and (within or COMMAND.match(line) is not None)
        lines[number] = "" if within else line.removesuffix("\\") if continued else line
        within = continued
    return "\n".join(lines)


def is_nested_too_deeply(source: str) -> bool:
    """Whether Python's parser gives up on a cell: it raises MemoryError, and none is short."""
    try:
        syntax.parse(as_ipython_reads(source))
    except (MemoryError, RecursionError):
        return True
    except (SyntaxError, ValueError):
        return False
    return False


def fault(source: str) -> str:
    """Where a cell that is not Python stops being Python: line, the parser's words, the line."""
    try:
        syntax.parse(_without_magic(as_ipython_reads(source)))
    except SyntaxError as error:
        lines = re.split(r"\r\n|\r|\n", source)  # as the parser counts them
        if error.lineno is None or not 0 < error.lineno <= len(lines):
            return str(error.msg)
        return f"line {error.lineno}: {error.msg}: {quoted(lines[error.lineno - 1].strip())}"
    except UNREADABLE as error:
        return str(error)
    return ""


def _without_magic(source: str) -> str:
    """Return the same lines, IPython's own among them as statements that do nothing."""
    return LINE_MAGIC.sub(r"\1pass", VALUE_MAGIC.sub(r"\1 None", source))


def bound(source: str) -> set[str]:
    """The names that a cell or a module binds at its top level, inside `if` and `for` too."""
    tree = parsed(source)
    return bound_by(tree.body) if tree else set()


def bound_by(statements: Sequence[ast.stmt]) -> set[str]:
    """Return the names that statements bind, without recursion: they may be nested as they like."""
    found: set[str] = set()
    queue: list[ast.AST] = list(statements)
    while queue:
        node = queue.pop()
        if isinstance(node, SCOPES):
            found.add(getattr(node, "name", ""))
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.split(".")[0])
        queue.extend(ast.iter_child_nodes(node))
    return found


class Defined(NamedTuple):
    """What a name stands for at the top level, and how it can be called."""

    what: str
    """`class`, `function` or `value`."""
    needed: int = 0
    """Arguments without a default; `self` is not counted."""
    positional: float = math.inf
    """How many it takes by their places."""
    named: frozenset[str] | None = None
    """Those it takes by their names; None for any."""

    def takes(self, n_given: int, named: frozenset[str]) -> bool:
        """Return whether a call with this many positional arguments, and these by name, fits."""
        by_name = self.named is None or named <= self.named
        return by_name and self.needed <= n_given + len(named) and n_given <= self.positional


def defined(source: str) -> dict[str, Defined]:
    """Return the names of a student's own: what is imported is not."""
    tree = parsed(source)
    found: dict[str, Defined] = {}
    for node in tree.body if tree else ():
        if isinstance(node, ast.ClassDef):
            inner = [n for n in node.body if isinstance(n, ast.FunctionDef)]
            first = next((n for n in inner if n.name == "__init__"), None)
            inherited = Defined("class")  # its signature is somewhere else
            found[node.name] = _called_with("class", first.args, 1) if first else inherited
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = _called_with("function", node.args)
        elif isinstance(node, ast.Assign):
            stored = [n for target in node.targets for n in ast.walk(target)]
            names = [n.id for n in stored if isinstance(n, ast.Name)]
            found |= dict.fromkeys(names, Defined("value"))
    return found


def _called_with(what: str, taken: ast.arguments, bound: int = 0) -> Defined:
    """How it is called where the first arguments, as `self`, are given already."""
    places = [*taken.posonlyargs, *taken.args][bound:]
    needed = max(0, len(places) - len(taken.defaults)) + taken.kw_defaults.count(None)
    named = frozenset(arg.arg for arg in [*taken.args, *taken.kwonlyargs])
    most = math.inf if taken.vararg else len(places)
    return Defined(what, needed, most, None if taken.kwarg else named)


def trouble(source: str) -> Iterator[str]:
    """What a cell will trip over where there is no network, no keyboard and no home folder."""
    tree = parsed(source)
    if tree is None:
        yield f"is not Python, {fault(source)}; if it is prose, make it a Markdown cell"
    if INSTALLS.search(source) or any(map(_installs, ast.walk(tree) if tree else ())):
        yield "installs packages, which cannot be had there: use what is installed"
    for what in dict.fromkeys([*_fetched(source), *_downloads(tree)]):
        yield (
            f"downloads its data (`{what}`), and there is no network there: "
            "hand the file in beside the notebook, and read it from there"
        )
    nodes = list(ast.walk(tree)) if tree else []
    if any(_called(node) in ("input", "getpass", "getpass.getpass") for node in nodes):
        yield "asks for keyboard input, which no one gives: set the value in the code"
    texts = [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    if any(ELSEWHERE.match(text) and "\n" not in text for text in texts):
        yield "reads a path of your own machine: hand the file in, and name it relatively"


def imports(source: str) -> list[str]:
    """The modules that a cell imports by name, in full; what it may do without is not."""
    tree = parsed(source)
    found: list[str] = []
    queue = deque[ast.AST](tree.body if tree else ())
    while queue:
        node = queue.popleft()
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.append(node.module)
        if isinstance(node, ast.If) and any(map(_is_type_checking, ast.walk(node.test))):
            queue += node.orelse  # the rest is for type checkers alone
        elif not isinstance(node, ast.Try):
            queue += ast.iter_child_nodes(node)
    return list(dict.fromkeys(found))


def _is_type_checking(node: ast.AST) -> bool:
    names = (getattr(node, "attr", ""), getattr(node, "id", ""))
    return isinstance(node, ast.Name | ast.Attribute) and "TYPE_CHECKING" in names


def imported(source: str) -> set[str]:
    """Return the names that a cell's imports bind, wherever they stand in it."""
    tree = parsed(source)
    nodes = ast.walk(tree) if tree else ()
    aliases = (a for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names)
    return {alias.asname or alias.name.split(".")[0] for alias in aliases}


def only_sets(source: str) -> bool:
    """Return whether a cell assigns constants, and does nothing else."""
    try:
        tree = syntax.parse(source)
    except UNREADABLE:
        return False
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    return len([v for v in values if isinstance(v, ast.Constant)]) == len(tree.body)


def relative_imports(source: str) -> list[str]:
    """Return the modules that a module imports from its own package, without the dots."""
    tree = parsed(source)
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level] if tree else []
    of_names = [alias.name for node in nodes if not node.module for alias in node.names]
    return [node.module for node in nodes if node.module] + of_names


def files(source: str) -> tuple[list[str], list[str]]:
    """The relative paths that calls in a cell name: those that are read, and those written."""
    tree = parsed(source)
    read: list[str] = []
    written = WRITEFILE.findall(source)
    for node in ast.walk(tree) if tree else ():
        name = _called(node)
        if name is None or not isinstance(node, ast.Call):
            continue
        last = name.split(".")[-1]
        texts = [
            n.value
            for n in [*node.args, *(k.value for k in node.keywords)]
            if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ]
        paths = [text for text in texts if RELATIVE.fullmatch(text)]
        if WRITES.match(last) or any(text[:1] in "wax" and len(text) < 4 for text in texts):
            written += paths
        elif READS.match(last):
            read += paths[:1]
    return read, written


def wants(source: str) -> Iterator[str]:
    """What a cell needs of a machine that the grader's does not have."""
    for magic, package in WIDGETS.items():
        if re.search(magic, source, re.MULTILINE) and not is_installed(package):
            yield f"shows widgets, which need `{package}`, and that is not installed there"


def is_installed(module: str) -> bool:
    """Return whether a module can be imported here, as in the sandbox; nothing is imported."""
    try:
        return find_spec(module.split(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _installs(node: ast.AST) -> bool:
    """Whether a call runs pip in a shell or a process of its own."""
    if not isinstance(node, ast.Call) or _called(node) not in BY_CALL:
        return False
    inner = [n for argument in node.args for n in ast.walk(argument)]
    texts = [n.value for n in inner if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return BY_PIP.search(" ".join(texts)) is not None


def _fetched(source: str) -> list[str]:
    return [f"!{command}" for command in FETCHES.findall(source)]


def _downloads(tree: ast.Module | None) -> Iterator[str]:
    """The calls that go to the network for data."""
    own = {n.name for n in ast.walk(tree) if isinstance(n, SCOPES[:3])} if tree else set()
    for node in ast.walk(tree) if tree else ():
        name = _called(node)
        if name is None or not isinstance(node, ast.Call) or name in own:
            continue
        head, last = name.split(".")[0], name.split(".")[-1]
        mounts = name == "drive.mount"
        if mounts or last in DOWNLOADS or last.startswith("fetch_") or head in CLIENTS:
            yield name
        elif any(k.arg == "download" and _is_true(k.value) for k in node.keywords):
            yield f"{name}(download=True)"
        elif READS.match(last) and any(map(_is_address, node.args)):
            yield name


def _called(node: ast.AST) -> str | None:
    """`pd.read_csv` for a call of it; None for what is no call of a name."""
    parts: list[str] = []
    inner: ast.AST | None = node.func if isinstance(node, ast.Call) else None
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    return ".".join([inner.id, *reversed(parts)]) if isinstance(inner, ast.Name) else None


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_address(node: ast.expr) -> bool:
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and re.match(r"(?:https?|ftp)://", text) is not None
