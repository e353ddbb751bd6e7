"""What makes a run differ from itself: the likely cause, read from the source."""

import ast
import re
from collections.abc import Iterator, Sequence

from assay.source import syntax

CAUSES: tuple[tuple[str, str], ...] = (
    (r"threading|ThreadPool|concurrent\.futures|multiprocess", "threads end in no certain order"),
    (r"uuid\d?\b|uuid\.", "a UUID is drawn"),
    (r"\btime\.|perf_counter|monotonic|datetime\.(now|utcnow|today)|\.now\(", "the time is read"),
    (r"(?<![\w.])id\(", "`id` is the address of an object"),
    (r"(?<![\w.])hash\(", "the hash of a text is another in every process"),
    (r"os\.listdir|os\.scandir|\.iterdir\(|glob\(", "files come in no certain order: sort them"),
    (r"default_rng\(\s*\)|PCG64\(\s*\)|SeedSequence\(\s*\)", "a NumPy generator without a seed"),
    (r"(np|numpy)\.random\.(?!default_rng|Generator|RandomState|seed)\w+",
     "NumPy's global generator, not seeded"),
    (r"RandomState\(\s*\)", "a RandomState without a seed"),
    (r"torch\.(seed\(|rand|randn|randint|randperm|normal|empty)|nn\.init",
     "torch's generator, not seeded"),
    (r"(?<![\w.])random\.(?!seed|SystemRandom)\w+|Random\(\s*\)",
     "Python's `random`, not seeded"),
    (r"urandom|secrets\.|SystemRandom", "the operating system's random numbers"),
    (r"(?<![\w.])set\(|\{[^:{}]+ for |(?<![\w.])frozenset\(", "the order of a set: sort it"),
    (r"getpid|gethostname|environ|getcwd", "something of the process or the machine is read"),
)  # fmt: skip
DROPOUT = "Dropout"


def likely(source: str, cells: Sequence[str], modules: Sequence[str], *, kept_files: bool) -> str:
    """A sentence on the first cause that the differing cell's source shows; then on its callees'.

    `source` is empty where no cell differs and only the answers do.
    """
    everything = "\n".join([*cells, *modules])
    if not source:
        if DROPOUT.lower() in everything.lower():
            return "the answers depend on a global generator: is dropout left on? Call `eval()`"
        return _of(everything) or "the answers depend on a global generator"
    called = "\n".join(_called(source, [*cells, *modules]))
    if kept_files and re.search(r"open\(|read_text|np\.load|torch\.load|pickle", source + called):
        return "a file that an earlier run left is read: a count kept across runs?"
    return _of(source) or _of(called) or "not recognised"


def _of(text: str) -> str:
    code = _without_texts(text)
    return next((cause for pattern, cause in CAUSES if re.search(pattern, code)), "")


def _without_texts(text: str) -> str:
    """The code without what its texts and comments say: the braces of an f-string are no set."""
    try:
        return ast.unparse(_Emptied().visit(syntax.parse(text)))
    except (SyntaxError, ValueError, RecursionError):  # a magic in the cell: its text still speaks
        return text


class _Emptied(ast.NodeTransformer):
    """Empty texts; of an f-string, the expressions in it stay."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Tuple:
        parts = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        values = [part.value for part in parts]
        values += [part.format_spec for part in parts if part.format_spec]
        return ast.Tuple([self.visit(value) for value in values], ast.Load())


def _called(source: str, texts: Sequence[str]) -> Iterator[str]:
    """The source of functions and classes that a cell's names lead to, however indirectly."""
    defined: dict[str, str] = {}
    for text in texts:
        defined |= dict(_definitions(text))
    waiting, seen = list(_names(source)), set[str]()
    while waiting:
        name = waiting.pop()
        if name in defined and name not in seen:
            seen.add(name)
            yield defined[name]
            waiting += _names(defined[name])


def _definitions(text: str) -> Iterator[tuple[str, str]]:
    for node in _walk(text):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, ast.get_source_segment(text, node) or ""


def _names(text: str) -> Iterator[str]:
    for node in _walk(text):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def _walk(text: str) -> Iterator[ast.AST]:
    try:
        yield from ast.walk(syntax.parse(text))
    except (SyntaxError, ValueError, RecursionError):  # a magic in the cell: its text still speaks
        return
