"""A student's own checks, `%assay check` or `assay.check()`, taken out of what was handed in.

Where work is marked they would be one more cell that can fail. So a submission is read as if they
had never been there: a cell that holds nothing else is gone, with its output, and elsewhere the
statements are. So is the public half of a handout, which is the course's own. The name `assay` may
stand for something of the student's own, which stays.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from assay.source import cells
from assay.submission import notebook

FOLDER = "check"
"""Where the public half lies in a handout."""
LATER = "later.json"
"""A file of that half alone: the criteria that are marked later."""
NAME = "assay"
CALL = "check"
SHOWN = "assay"
"""The key in an output's metadata by which the table is known."""
REQUIREMENT = (
    r"""["']?(?:assay(?:\[[\w, -]*\])?(?:[=<>!~]=?[\w.]+)?"""
    r"""|(?:[^\s"']{0,200}/)?assay-\d[\w.]{0,40}-py3-none-any\.whl)["']?"""
)
PYTHON = r"(?:\S{0,80}python\S{0,20}|\{sys\.executable\})"
MAGIC = re.compile(
    rf"""\s*(?:
        %\s?(?:re|un)?load_ext\s+assay
      | %\s?assay\b.*
      | !\s?(?:{PYTHON}\s+-m\s+)?assay\s+(?:try|check)\b.*
      | [!%]\s?(?:{PYTHON}\s+-m\s+)?(?:uv\s+)?pip3?\s+install
        (?:\s+-{{1,2}}[\w-]+)*\s+{REQUIREMENT}(?:\s+-{{1,2}}[\w-]+)*
    )\s*(?:\#.*)?""",
    re.VERBOSE,
)
TO_IPYTHON = ("run_line_magic", "magic", "load_extension", "system")
BY_NAME = re.compile(r"(?:(?:re)?load_ext )?assay\b.*|load_extension assay")
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ASKS = (ast.Call, ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)


def without(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of a submission without the checks in it."""
    halves = tuple(
        name.removesuffix(LATER)
        for name in files
        if name.endswith(f"{FOLDER}/{LATER}")
        and f"{name.removesuffix(LATER)}assignment.toml" in files
        and PurePosixPath(name).parts[-2] == FOLDER
    )
    files = {name: content for name, content in files.items() if not name.startswith(halves)}
    parts = {part for name in files for part in PurePosixPath(name).with_suffix("").parts}
    if NAME in parts and any(_is_module(name) for name in files):
        return files
    return {
        name: _without(content) if name.endswith(".ipynb") and NAME.encode() in content else content
        for name, content in files.items()
    }


def _is_module(name: str) -> bool:
    """Whether a file is the student's own module, or of a package, called `assay`."""
    path = PurePosixPath(name)
    return path.suffix == ".py" and (path.stem == NAME or NAME in path.parts[:-1])


def _without(content: bytes) -> bytes:
    """A notebook file without them; the very bytes, where there are none or it cannot be read."""
    try:
        text = notebook.manageable(content).decode("utf-8-sig")
        book = json.loads(text)
        code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        texts = ["".join(cell["source"]) for cell in code]
        sources = [notebook.LINE_END.sub("\n", text) for text in texts]  # as Python counts lines
    except (ValueError, RecursionError, LookupError, TypeError):
        return content  # its readers report what is wrong with it
    try:
        found = dict(zip(map(id, code), cut(sources), strict=True))
    except RecursionError:  # nested too deeply to be taken apart
        return content
    if all(left is None for left in found.values()):
        return content
    book["cells"] = [
        cell
        if (left := found.get(id(cell))) is None
        else cell | {"source": _like(cell["source"], left), "outputs": _others(cell)}
        for cell in book["cells"]
        if found.get(id(cell)) is None or not _is_empty(found[id(cell)] or "")
    ]
    return _written(book, text)


def _like(source: object, text: str) -> str | list[str]:
    return text if isinstance(source, str) else text.splitlines(keepends=True)


def _others(cell: Mapping[str, Any]) -> list[Any]:
    """The outputs of a cell but the table."""
    outputs = cell.get("outputs")
    return [
        output
        for output in (outputs if isinstance(outputs, list) else [])
        if not (
            isinstance(output, dict)
            and isinstance(output.get("metadata"), dict)
            and SHOWN in output["metadata"]
        )
    ]


def _written(book: object, like: str) -> bytes:
    """A notebook as Jupyter writes it, with the line ends that it had."""
    text = json.dumps(book, indent=1, ensure_ascii=False) + "\n" * like.endswith("\n")
    text = text.replace("\n", "\r\n") if "\r\n" in like else text
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(book, indent=1).encode()


def _is_empty(source: str) -> bool:
    """Whether nothing is left in a cell but comments and commands for the whole cell."""
    lines = (line.strip() for line in source.splitlines())
    return not any(line and not line.startswith(("#", "%%")) for line in lines)


def cut(sources: Sequence[str]) -> list[str | None]:
    """Return each code cell of a notebook without the checks; None for one that has none."""
    trees = [cells.parsed(source) for source in sources]
    own = _Own.of([tree for tree in trees if tree])
    return [_cell(source, tree, own) for source, tree in zip(sources, trees, strict=True)]


@dataclass
class _Own:
    """What a notebook calls assay and its check, and which of these names it uses otherwise."""

    modules: set[str] = field(default_factory=set)
    checks: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, trees: Sequence[ast.Module]) -> "_Own":
        nodes = [node for tree in trees for node in ast.walk(tree)]
        own = cls()
        for node in nodes:
            for alias in _aliases(node):
                wanted = own.modules if isinstance(node, ast.Import) else own.checks
                wanted.add(alias.asname or alias.name)
        others = {name for node in nodes for name in _bound_otherwise(node)}
        own.modules -= others
        own.checks -= others
        called = [id(n) for n in nodes if own.calls(n) for n in ast.walk(n)]
        used = {n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in set(called)}
        own.kept = used & (own.modules | own.checks)
        return own

    def calls(self, node: ast.AST) -> bool:
        """Return whether a node is a call of the check."""
        if not isinstance(node, ast.Call):
            return False
        func = node.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            return func.attr == CALL and func.value.id in self.modules
        return isinstance(func, ast.Name) and func.id in self.checks

    def is_goner(self, alias: ast.alias) -> bool:
        """Return whether nothing needs what an import of assay binds."""
        name = alias.asname or alias.name
        return name in (self.modules | self.checks) - self.kept


def _aliases(node: ast.AST) -> Iterator[ast.alias]:
    """The names of assay that an import binds: the module, or its check."""
    if isinstance(node, ast.Import):
        yield from (alias for alias in node.names if alias.name == NAME)
    elif isinstance(node, ast.ImportFrom) and node.module == NAME and not node.level:
        yield from (alias for alias in node.names if alias.name == CALL)


def _bound_otherwise(node: ast.AST) -> Iterator[str]:
    """The names that a node binds, and that are then the student's own."""
    if isinstance(node, SCOPES):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.Import | ast.ImportFrom):
        ours = list(_aliases(node))
        yield from (
            a.asname or a.name.partition(".")[0]
            for a in node.names
            if a not in ours and not a.name.startswith(f"{NAME}.")
        )


def _cell(source: str, tree: ast.Module | None, own: _Own) -> str | None:
    if tree is None:
        return None
    text = cells.as_ipython_reads(source)
    lines = text.split("\n")
    gone, edits = set[int](), []
    for node, instead in _cuts(tree.body, lines, own, top=True):
        span = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        beside = [n for n in tree.body if n is not node and span & {n.lineno, n.end_lineno}]
        if not instead and all(_is_ours(n, lines, own) for n in beside):
            gone |= span
        else:
            edits.append((node, instead or "pass"))
    if not gone and not edits:
        return None
    for node, instead in sorted(edits, key=lambda e: (e[0].lineno, e[0].col_offset), reverse=True):
        last = node.end_lineno or node.lineno
        head = lines[node.lineno - 1].encode()[: node.col_offset].decode()
        tail = lines[last - 1].encode()[node.end_col_offset :].decode()
        if MAGIC.fullmatch(lines[node.lineno - 1]):
            tail = ""
        lines[node.lineno - 1] = f"{head}{instead}{tail}"
        gone |= set(range(node.lineno + 1, last + 1))
    return "\n".join(line for number, line in enumerate(lines, 1) if number not in gone)


def _cuts(
    body: Sequence[ast.stmt], lines: Sequence[str], own: _Own, *, top: bool
) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """What goes, and what stands in its place; '' for nothing."""
    for node in body:
        if _is_ours(node, lines, own):
            yield node, "" if top else "pass"
        elif isinstance(node, ast.Assign) and own.calls(node.value):
            yield node, f"{' = '.join(map(ast.unparse, node.targets))} = None"
        elif any(map(own.is_goner, _aliases(node))):
            assert isinstance(node, ast.Import | ast.ImportFrom)
            ours = [alias for alias in _aliases(node) if own.is_goner(alias)]
            rest = [alias for alias in node.names if alias not in ours]
            yield node, ast.unparse(type(node)(**{**dict(ast.iter_fields(node)), "names": rest}))
        else:
            for inner in _bodies(node):
                yield from _cuts(inner, lines, own, top=False)
            yield from ((call, "None") for call in _calls_in(node, own))


def _calls_in(node: ast.AST, own: _Own) -> Iterator[ast.Call]:
    """The checks in a statement's own expressions, whose import goes: not those of its blocks."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.Call) and own.calls(part):
            yield part
        elif not isinstance(part, ast.stmt | ast.excepthandler | ast.match_case | ast.JoinedStr):
            yield from _calls_in(part, own)  # in a text, Python 3.11 has no places


def _bodies(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of a statement, each a list of statements."""
    for part in (node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        for name in ("body", "orelse", "finalbody"):
            inner = getattr(part, name, None)
            if isinstance(inner, list) and inner:
                yield inner


def _is_ours(node: ast.stmt, lines: Sequence[str], own: _Own) -> bool:
    """Whether a statement does nothing but check."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return len(node.names) == len([a for a in _aliases(node) if own.is_goner(a)])
    if isinstance(node, ast.Pass):
        return MAGIC.fullmatch(lines[node.lineno - 1]) is not None
    if isinstance(node, ast.Expr):
        return own.calls(node.value) or _asks_ipython(node.value)
    if isinstance(node, ast.Assign):
        return own.calls(node.value) and [ast.unparse(t) for t in node.targets] == ["_"]
    if isinstance(node, ast.If) and not any(isinstance(n, ASKS) for n in ast.walk(node.test)):
        return all(_is_ours(n, lines, own) for n in [*node.body, *node.orelse])
    if isinstance(node, ast.Try):
        return all(_is_ours(n, lines, own) for n in [*node.body, *node.orelse, *node.finalbody])
    return False


def _asks_ipython(node: ast.expr) -> bool:
    """Whether it is a magic of assay as IPython's own functions take it."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    values = [a.value for a in node.args if isinstance(a, ast.Constant)]
    if node.func.attr not in TO_IPYTHON or len(values) != len(node.args):
        return False
    said = " ".join(map(str, values)).strip()
    said = f"load_extension {said}" if node.func.attr == "load_extension" else said
    return BY_NAME.fullmatch(said) is not None
