"""Turn a cell of checks into a question and a test: the kernel answers, another process judges.

Of `assert square(3) == 9`, the exam asks the student's code for `square(3)` and writes it down, and
the test compares what was written with 9. So each check is split at the expressions in it that need
the student's code. What needs it to decide which checks there are cannot be turned.
"""

import ast
import builtins
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

from assay.source import syntax
from assay.starter.masters import Check

IN_THE_KERNEL = {"isinstance", "issubclass", "callable", "hasattr", "type", "len", "id", "dir"}
"""Of these the exam writes down the result: their arguments may be no plain data."""
NOT_HERE = {"otter", "nbgrader", "nose", "unittest", "IPython", "solution"}
COMPUTED = (
    *(ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.IfExp, ast.Tuple, ast.List),
    *(ast.Set, ast.Dict, ast.Starred, ast.keyword),
)
"""Of these the test computes the value, from what was written down."""
RAISERS = ("pytest.raises", "assert_raises", "raises")


class CannotTurn(Exception):
    """A statement that has no place in this split, and why."""


@dataclass
class Turned:
    """A check as two pieces of code, and what is told of it."""

    check: Check
    exam: list[str] = field(default_factory=list)
    """Statements of a function that is called with `tell`."""
    judge: list[str] = field(default_factory=list)
    """Statements of a test in which `told` is known."""
    imports: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    """Names of the student's that the exam asks for."""
    said: list[str] = field(default_factory=list)
    """The checks as they are written."""
    left: list[str] = field(default_factory=list)
    """What of it could not be turned."""


def turned(check: Check, imports: dict[str, str], own: set[str]) -> Turned:
    """Return a check as a question and a test.

    `imports` are the imports of the notebook by the name that they bind; `own` are the names that
    its answer binds: they are the student's, whatever else has these names.

    Raises
    ------
    CannotTurn
        If nothing of it can be turned.
    """
    try:
        body = syntax.parse(check.source).body
    except SyntaxError as error:
        raise CannotTurn(f"it is not Python: {error.msg}") from None
    return _Turner(check, imports, own).run(body)


class _Turner:
    """Goes through the statements of one check, and knows which names are whose."""

    def __init__(self, check: Check, imports: dict[str, str], own: set[str]) -> None:
        self.found = Turned(check)
        self.imports, self.own = imports, own
        self.plain: set[str] = set()
        """Names that the check binds without the student's code."""
        self.local: set[str] = set()
        """Names that the check binds with it."""
        self.count = 0

    def run(self, body: Sequence[ast.stmt]) -> Turned:
        *_, last = body or [ast.Pass()]
        for node in body:
            try:
                exam, judge = self.statement(node, is_last=node is last)
            except CannotTurn as why:
                line = ast.unparse(node).partition("\n")[0]
                self.found.left.append(f"`{line}`: {why}")
                continue
            self.found.exam += map(ast.unparse, exam)
            self.found.judge += map(ast.unparse, judge)
        if not self.count:
            raise CannotTurn("; ".join(self.found.left) or "it checks nothing of the student's")
        return self.found

    def statement(
        self, node: ast.stmt, *, is_last: bool = False
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """What the exam and the test do of one statement."""
        match node:
            case ast.Import() | ast.ImportFrom():
                return self.imported(node)
            case ast.Assert():
                return self.asserted(node)
            case ast.For() if not self.needs(node.iter):
                self.plain |= _stored(node.target)
                return self.block(node, node.body)
            case ast.If() if not self.needs(node.test) and not node.orelse:
                return self.block(node, node.body)
            case ast.With() if name := self.raises(node):
                return self.raised(node.body, name, ast.unparse(node).partition("\n")[0])
            case ast.Try():
                return self.tried(node)
            case ast.FunctionDef() | ast.ClassDef():
                return self.defined(node)
            case ast.Expr():
                return self.expression(node, is_last=is_last)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                return self.assigned(node)
            case ast.Pass():
                return [], []
        if any(isinstance(n, ast.Assert) for n in ast.walk(node)) and self.needs(node):
            raise CannotTurn("the student's code decides what is checked")
        if self.needs(node):
            self.local |= _stored(node)
            return [self.asking(node)], []
        self.plain |= _stored(node)
        return [node], [node]

    def imported(self, node: ast.Import | ast.ImportFrom) -> tuple[list[ast.stmt], list[ast.stmt]]:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
        if module.partition(".")[0] in NOT_HERE or not _is_there(module):
            raise CannotTurn(f"`{module}` is not there where it is judged")
        self.plain |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        return [node], [node]

    def asserted(self, node: ast.Assert) -> tuple[list[ast.stmt], list[ast.stmt]]:
        said = ast.unparse(node.test)
        exam, judge, test = self.split(node.test, said)
        message = node.msg if node.msg and not self.needs(node.msg) else self.message(said, exam)
        return exam, [*judge, ast.Assert(test, message)]

    def expression(self, node: ast.Expr, *, is_last: bool) -> tuple[list[ast.stmt], list[ast.stmt]]:
        value = node.value
        if isinstance(value, ast.Constant):
            return [], []
        called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
        if called == "print":
            return [], []
        output = self.found.check.output
        if isinstance(value, ast.Call) and self.is_plain_call(value) and output is None:
            if not self.needs(value):
                return [node], [node]
            exam, judge, call = self.split(value, ast.unparse(value))
            return exam, [*judge, ast.Expr(call)]
        if is_last and output is not None:
            said = ast.unparse(value)
            exam, judge, got = self.split(value, said)
            expected: ast.expr = got
            if output != "True":
                shown = ast.Call(ast.Name("repr", ast.Load()), [got], [])
                expected = ast.Compare(shown, [ast.Eq()], [ast.Constant(output)])
                said = f"{said} is {output}"
            return exam, [*judge, ast.Assert(expected, self.message(said, exam))]
        if is_last:
            raise CannotTurn("it shows something, and what it has to show is not stored")
        return [self.asking(node)], []

    def assigned(
        self, node: ast.Assign | ast.AnnAssign | ast.AugAssign
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        if self.needs(node):
            exam = self.asking(node)
            self.local |= _stored(node)
            self.plain -= _stored(node)
            return [exam], []
        self.plain |= _stored(node)
        return [node], [node]

    def defined(
        self, node: ast.FunctionDef | ast.ClassDef
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        if not self.needs(node):
            self.plain.add(node.name)
            return [node], [node]
        if any(isinstance(n, ast.Assert) for n in ast.walk(node)):
            raise CannotTurn("it checks, and calls the student's code by itself")
        self.local.add(node.name)
        return [self.asking(node)], []

    def block(
        self, node: ast.For | ast.If, body: Sequence[ast.stmt]
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """The same loop on both sides, in step."""
        before = self.count
        parts = [self.statement(inner) for inner in body]
        exam, judge = ([n for part in parts for n in part[side]] for side in (0, 1))
        both = []
        for statements in (exam, judge):
            outer = copy.copy(node)
            outer.body = statements or [ast.Pass()]
            both.append(outer)
        if isinstance(node, ast.For) and node.orelse:
            raise CannotTurn("a loop with an `else`")
        return [both[0]], [both[1]] if self.count > before or judge else []

    def raises(self, node: ast.With) -> str:
        """What a `with pytest.raises(...)` expects."""
        call = node.items[0].context_expr
        if len(node.items) != 1 or not isinstance(call, ast.Call) or not call.args:
            return ""
        return ast.unparse(call.args[0]) if ast.unparse(call.func) in RAISERS else ""

    def tried(self, node: ast.Try) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """`try` the student's code, `except` what it has to raise, fail otherwise."""
        body, handlers = list(node.body), node.handlers
        if body and _fails(body[-1]):
            body.pop()
        elif not (node.orelse and all(map(_fails, node.orelse))):
            raise CannotTurn("the student's code decides what is checked")
        quiet = all(isinstance(n, ast.Pass) for h in handlers for n in h.body)
        if len(handlers) != 1 or handlers[0].type is None or not quiet or node.finalbody:
            raise CannotTurn("it is no plain check of what is raised")
        return self.raised(body, ast.unparse(handlers[0].type), "; ".join(map(ast.unparse, body)))

    def raised(
        self, body: Sequence[ast.stmt], name: str, said: str
    ) -> tuple[list[ast.stmt], list[ast.stmt]]:
        key = self.key()
        asked = [self.asking(inner) for inner in body]
        exam = syntax.parse(
            f"try:\n    pass\nexcept Exception as error:\n"
            f"    tell({key!r}, [kind.__name__ for kind in type(error).__mro__])\n"
            f"else:\n    tell({key!r}, [])"
        ).body
        assert isinstance(exam[0], ast.Try)
        exam[0].body = list(asked)
        names = [piece.strip().rpartition(".")[2] for piece in name.strip("()").split(",")]
        names = [piece for piece in names if piece]
        text = self.text(f"`{said}` does not raise {name}")
        self.found.said.append(said)
        judge = syntax.parse(f"assert {set(names)!r} & set(told({key!r})), {text!r}").body
        return exam, judge

    def split(self, node: ast.expr, said: str) -> tuple[list[ast.stmt], list[ast.stmt], ast.expr]:
        """What the exam tells of an expression, what the test hears, and the rest of it."""
        leaves: list[tuple[str, ast.expr]] = []
        rest = self.frame(node, leaves)
        if not leaves:
            raise CannotTurn("nothing in it is the student's")
        exam = [
            syntax.parse(f"tell({key!r}, {ast.unparse(self.asking(leaf))})").body[0]
            for key, leaf in leaves
        ]
        judge = [syntax.parse(f"got_{key} = told({key!r})").body[0] for key, _ in leaves]
        self.found.said.append(said)
        return exam, judge, rest

    def frame(self, node: ast.expr, leaves: list[tuple[str, ast.expr]]) -> ast.expr:
        """The expression with names in place of what needs the student's code."""
        if not self.needs(node):
            return node
        if isinstance(node, COMPUTED) or (isinstance(node, ast.Call) and self.is_plain_call(node)):
            again = copy.copy(node)
            for name, value in ast.iter_fields(node):
                if name in ("func", "ctx", "op", "ops"):
                    continue
                if isinstance(value, list):
                    setattr(again, name, [self.part(each, leaves) for each in value])
                else:
                    setattr(again, name, self.part(value, leaves))
            return again
        if isinstance(node, ast.GeneratorExp):
            node = ast.ListComp(node.elt, node.generators)
        key = self.key()
        leaves.append((key, node))
        return ast.Name(f"got_{key}", ast.Load())

    def part(self, value: object, leaves: list[tuple[str, ast.expr]]) -> object:
        if isinstance(value, ast.keyword):
            return ast.keyword(value.arg, self.frame(value.value, leaves))
        return self.frame(value, leaves) if isinstance(value, ast.expr) else value

    def key(self) -> str:
        self.count += 1
        return str(self.count)

    def is_plain_call(self, node: ast.Call) -> bool:
        """Whether a call is of something that the judge has as well."""
        root: ast.expr = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or self.needs(node.func):
            return False
        return root.id not in IN_THE_KERNEL

    def needs(self, node: ast.AST) -> bool:
        """Whether an expression or a statement needs the student's code."""
        return any(True for _ in self.students(node))

    def students(self, node: ast.AST) -> Iterator[str]:
        """The names in it that are the student's, or come of the student's."""
        inner = _stored(node) if not isinstance(node, ast.expr) else set()
        inner |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
        inner |= {
            name
            for n in ast.walk(node)
            if isinstance(n, ast.comprehension)
            for name in _stored(n.target)
        }
        for name in (n.id for n in ast.walk(node) if isinstance(n, ast.Name)):
            if name in self.local or (name not in inner and self.is_students(name)):
                yield name

    def is_students(self, name: str) -> bool:
        if name in self.plain:
            return False
        if name in self.own:
            return True
        if name in self.imports:
            if self.imports[name] not in self.found.imports:
                self.found.imports.append(self.imports[name])
            return False
        return not hasattr(builtins, name)

    def asking(self, node: ast.AST) -> ast.stmt:
        """The same with `student.` before the names that are the student's own."""
        turner = self

        class Asking(ast.NodeTransformer):
            def visit_Name(self, found: ast.Name) -> ast.expr:
                if (
                    found.id in turner.local
                    or found.id in bound
                    or not turner.is_students(found.id)
                ):
                    return found
                if not isinstance(found.ctx, ast.Load):
                    return found
                turner.found.asked.add(found.id)
                return ast.Attribute(ast.Name("student", ast.Load()), found.id, ast.Load())

        bound = {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
        bound |= {
            name
            for n in ast.walk(node)
            if isinstance(n, ast.comprehension)
            for name in _stored(n.target)
        }
        asked: ast.stmt = ast.fix_missing_locations(Asking().visit(copy.deepcopy(node)))
        return asked

    def message(self, said: str, exam: Sequence[ast.stmt]) -> ast.expr:
        """What is told where it does not hold; of a hidden check, no more than that."""
        text = self.text(f"`{said}` does not hold")
        if self.found.check.hidden or not exam:
            return ast.Constant(text)
        call = syntax.parse(ast.unparse(exam[0])).body[0]
        assert isinstance(call, ast.Expr)
        assert isinstance(call.value, ast.Call)
        key, leaf = call.value.args
        what = ast.unparse(leaf).replace("student.", "")
        assert isinstance(key, ast.Constant)
        assert isinstance(key.value, str)
        value = ast.Name(f"got_{key.value}", ast.Load())
        said_of: list[ast.expr] = [ast.Constant(text), ast.Constant(what), value]
        return ast.Call(ast.Name("shown", ast.Load()), said_of, [])

    def text(self, said: str) -> str:
        return "a check that is not shown does not hold" if self.found.check.hidden else said


def _stored(node: ast.AST) -> set[str]:
    """The names that a node binds."""
    found = {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)
    }
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        found.add(node.name)
    return found


def _fails(node: ast.stmt) -> bool:
    """Whether a statement only says that a check has failed."""
    if isinstance(node, ast.Raise):
        return "AssertionError" in ast.unparse(node)
    return isinstance(node, ast.Assert) and ast.unparse(node.test) in ("False", "0")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False
