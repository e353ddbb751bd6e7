"""The public half of a rubric: the tests that students may run, with what they need and no more.

A test is public by the marker `public`; a question, if the function `public` of given.py draws it.
What else stands in a module is left out statement by statement, by the names that are used.
"""

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from assay.course import files as course_files
from assay.course import rubric
from assay.course.assignment import Assignment, CriterionSpec, Part
from assay.errors import CourseFault, quoted
from assay.handout import criteria
from assay.handout.tried import FOLDER, LATER
from assay.source import syntax

ALL = "*"
Shares = Mapping[str, float]
"""Of the criteria of a part that have public tests, the share of the tests that are."""
HOW = "docs/handout.md shows how tests and questions are made public"


def files(assignment: Assignment) -> dict[str, bytes]:
    """Return the public half by its names in a handout; nothing if no test is public.

    Raises
    ------
    CourseFault
        If a public test needs a question that is not, or the course's own answer.
    """
    found: dict[str, bytes] = {}
    parts: list[tuple[Part, Shares]] = []
    for part in assignment.part:
        if tests := _public_tests(assignment, part):
            found |= _of_part(assignment, part, tests)
            parts.append((part, _shares(assignment, part)))
    if not parts:
        return {}
    found["assignment.toml"] = _toml(assignment, parts).encode()
    found[LATER] = json.dumps(dict(_later(assignment, parts)), indent=1).encode()
    return {f"{FOLDER}/{name}": content for name, content in found.items()}


def _shares(assignment: Assignment, part: Part) -> Shares:
    """What share of each criterion's tests is public; its points are divided among them equally."""
    found: dict[str, list[bool]] = {}
    for path in (assignment.root / part.rubric).rglob("test_*.py"):
        for test in criteria.tests(path):
            found.setdefault(test.marks.criterion, []).append(test.marks.public)
    return {name: sum(public) / len(public) for name, public in found.items() if any(public)}


def _public_tests(assignment: Assignment, part: Part) -> dict[Path, set[str]]:
    """The names of the public tests, by their file."""
    found: dict[Path, set[str]] = {}
    for path in sorted((assignment.root / part.rubric).rglob("test_*.py")):
        tests = list(criteria.tests(path))
        hidden = {test.name for test in tests if not test.marks.public}
        for test in tests:
            if test.marks.public and test.name in hidden:
                raise CourseFault(
                    f"the class {quoted(test.name)} has public tests and others",
                    found=path.relative_to(assignment.root).as_posix(),
                    hint="mark the whole class `public`, or write functions",
                )
            if test.marks.public:
                found.setdefault(path, set()).add(test.name)
    return found


def _of_part(
    assignment: Assignment, part: Part, tests: Mapping[Path, set[str]]
) -> dict[str, bytes]:
    root, folder = assignment.root, assignment.root / part.rubric
    questions = _questions(assignment, part)
    cut = _Slice(root, folder)
    cut.need(folder / "given.py", {"public"})
    for path, names in tests.items():
        cut.need(path, {*names, "pytestmark"})
    asked = cut.ask(questions)
    if missing := sorted(set(questions) - asked):
        raise CourseFault(
            f"the exam of `{part.name}` does not put {quoted(missing[0])}",
            found="a public question is put by its name at the left margin: by `with ask(...)`, "
            "or by a function below a decorator like `@asked(...)`",
            hint=HOW,
        )
    found = {path.relative_to(root).as_posix(): text.encode() for path, text in cut.texts().items()}
    given = (folder / "given.py").relative_to(root).as_posix()
    found[given] += b"\n\ndraw = public\n"
    return found | _packages(root, found)


def _questions(assignment: Assignment, part: Part) -> list[str]:
    """The names of the public questions, as they are drawn for the first run."""
    given = rubric.load(assignment, part, "given")
    if not hasattr(given, "public"):
        raise CourseFault(
            f"`{part.rubric}/given.py` has no function `public`",
            found="a test of this part is marked `public`",
            hint=HOW,
        )
    first = {name: values[0] for name, values in part.matrix.items()}
    return list(given.public(np.random.default_rng(0), {"seed": part.seeds[0], **first}))


def _packages(root: Path, found: Iterable[str]) -> dict[str, bytes]:
    """An empty `__init__.py` for each folder that the course has one for."""
    folders = {parent for name in found for parent in PurePosixPath(name).parents}
    wanted = {(folder / "__init__.py").as_posix() for folder in folders} - set(found)
    return {name: b"" for name in sorted(wanted) if (root / name).is_file()}


class _Slice:
    """The statements of a rubric's modules that are needed, from one module to the next."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        self._modules: dict[Path, _Module] = {}
        self._exam: list[str] = []

    def need(self, path: Path, names: set[str]) -> None:
        """Keep what binds these names in a module, and all that it needs itself."""
        exam = path.is_relative_to(self.folder / "exam") or path == self.folder / "exam.py"
        module = self._modules.setdefault(path, _Module(path, exam=exam))
        for index in module.binding(names):
            self._keep(module, index)

    def ask(self, questions: Sequence[str]) -> set[str]:
        """Keep what puts these questions; return their names."""
        package = self.folder / "exam"
        paths = sorted(package.rglob("*.py")) if package.is_dir() else [self.folder / "exam.py"]
        found: set[str] = set()
        for path in paths:
            module = self._modules.get(path) or _Module(path, exam=True)
            for index, node in enumerate(module.body):
                if public := _asked(node) & set(questions):
                    self._modules[path] = module
                    module.asked |= public
                    self._keep(module, index)
                    found |= public
                    if path.parent == package:
                        self._exam.append(path.stem)
        return found

    def texts(self) -> dict[Path, str]:
        """Return the text of each module that anything is needed of."""
        found = {path: module.text() for path, module in self._modules.items() if module.kept}
        if (self.folder / "exam").is_dir():
            order = _Module(self.folder / "exam" / "__init__.py").imported()
            asking = sorted(set(self._exam), key=lambda n: order.index(n) if n in order else 0)
            found[self.folder / "exam" / "__init__.py"] = f"from exam import {', '.join(asking)}\n"
        return found

    def _keep(self, module: "_Module", index: int) -> None:
        if index in module.kept:
            return
        module.kept.add(index)
        node = module.body[index]
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        names |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}  # fixtures
        self._need_fixtures(module.path, names)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import | ast.ImportFrom) and inner is not node:
                self._follow(module, inner, {_bound_by(alias) for alias in inner.names}, node)
        for other in module.binding(names):
            if isinstance(module.body[other], ast.Import | ast.ImportFrom):
                self._follow(module, module.body[other], names, node)
            else:
                self._keep(module, other)
        module.used |= names

    def _need_fixtures(self, path: Path, names: set[str]) -> None:
        """Keep fixtures of these names that stand in a conftest.py for this file."""
        for folder in path.parents:
            if not folder.is_relative_to(self.root):
                return
            conftest = folder / "conftest.py"
            if conftest.is_file() and conftest != path:
                known = self._modules.get(conftest) or _Module(conftest)
                if wanted := {name for name in names if known.has_fixture(name)}:
                    self.need(conftest, wanted)

    def _follow(self, module: "_Module", node: ast.stmt, names: set[str], user: ast.stmt) -> None:
        """Keep what an import brings of the course's own."""
        for alias in (a for a in node.names if _bound_by(a) in names):  # type: ignore[attr-defined]
            name = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
            level = node.level if isinstance(node, ast.ImportFrom) else 0
            if name.partition(".")[0] == "solution":
                raise CourseFault(
                    f"a public test needs the course's own answer: `{name}`",
                    found=f"{module.path.relative_to(self.root).as_posix()}, line {node.lineno}",
                    hint="a public test may use nothing of solution/",
                )
            if isinstance(node, ast.ImportFrom):
                inner = self._found(f"{name}.{alias.name}".strip("."), module.path, level)
                if inner:
                    self.need(inner, _attributes(user, _bound_by(alias)))
                elif outer := self._found(name, module.path, level):
                    self.need(outer, {alias.name})
            elif inner := self._found(name, module.path, 0):
                self.need(inner, {ALL})

    def _found(self, name: str, importer: Path, level: int) -> Path | None:
        """The file of a module of the course's, imported from its root, or from its support."""
        parts = name.split(".") if name else []
        bases = [importer.parents[level - 1]] if level else [self.root, self.folder]
        for base in bases:
            for path in (base.joinpath(*parts).with_suffix(".py"), base.joinpath(*parts)):
                if path.suffix == ".py" and path.is_file():
                    return path
        return None


def _attributes(node: ast.stmt, name: str) -> set[str]:
    """What is used of a module under a name; everything, if it is used in any other way."""
    plain = [n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == name]
    found = [
        n.attr
        for n in ast.walk(node)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == name
    ]
    return set(found) if len(found) == len(plain) else {ALL}


def _bound_by(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _asked(node: ast.stmt) -> set[str]:
    """The names of the questions that a statement puts: a block, or a function by its decorator."""
    if isinstance(node, ast.With) and _puts(node):
        call = node.items[0].context_expr
        return _texts(call) if isinstance(call, ast.Call) else set()
    return {name for call in _askers(node) for name in _texts(call)}


def _askers(node: ast.stmt) -> list[ast.Call]:
    """The decorators of a function that name questions: calls of a plain name with texts alone."""
    marks = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    calls = [mark for mark in marks if isinstance(mark, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.args]
    return [call for call in named if len(_texts(call)) == len(call.args)]


def _texts(call: ast.Call) -> set[str]:
    values = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    return {value for value in values if isinstance(value, str)}


def _puts(node: ast.With) -> bool:
    """Whether a block puts a question, whatever its name."""
    call = node.items[0].context_expr
    return isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "ask"


class _Module:
    """A module, and which of its statements are needed."""

    def __init__(self, path: Path, *, exam: bool = False) -> None:
        self.path, self.exam = path, exam
        self.asked: set[str] = set()
        """The questions of an exam that are public."""
        self.source = course_files.text_of(path).replace("\r\n", "\n")
        self.body = syntax.parse(self.source).body
        for node in self.body:
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                raise CourseFault(
                    f"what `{ast.unparse(node)}` brings cannot be known by reading",
                    found=f"{path.name}, line {node.lineno}: a public test may need it",
                    hint="import by name what is used",
                )
        self.kept: set[int] = set()
        self.used: set[str] = set()

    def binding(self, names: set[str]) -> list[int]:
        """The statements that bind one of these names; all that bind any, for `*`."""
        bound = [set() if self.exam and _askers(n) else _names_of(n) for n in self.body]
        return [i for i, of in enumerate(bound) if of & names or (ALL in names and of)]

    def has_fixture(self, name: str) -> bool:
        """Return whether a fixture of this name is defined in it."""
        functions = (node for node in self.body if isinstance(node, ast.FunctionDef))
        found = (f for f in functions if f.name == name)
        return any("fixture" in ast.unparse(mark) for f in found for mark in f.decorator_list)

    def imported(self) -> list[str]:
        """The names that it imports, in their order."""
        imports = [node for node in self.body if isinstance(node, ast.ImportFrom | ast.Import)]
        return [_bound_by(alias) for node in imports for alias in node.names]

    def text(self) -> str:
        """What is needed of it, as it is written."""
        lines = self.source.split("\n")
        pieces = list(self._pieces(lines))
        return "\n\n\n".join(filter(None, pieces)) + "\n"

    def _pieces(self, lines: Sequence[str]) -> Iterator[str]:
        imports: list[str] = []
        for node in self.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                aliases = [a for a in node.names if _bound_by(a) in self.used]
                if aliases:
                    fewer = type(node)(**{**dict(ast.iter_fields(node)), "names": aliases})
                    imports.append(ast.unparse(ast.fix_missing_locations(fewer)))
        yield "\n".join(imports)
        for index, node in enumerate(self.body):
            if index in self.kept and not isinstance(node, ast.Import | ast.ImportFrom):
                decorators = getattr(node, "decorator_list", [])
                first = min([node.lineno, *(d.lineno for d in decorators)])
                if self.exam and _askers(node):
                    yield "\n".join(
                        [*self._public(node), *lines[node.lineno - 1 : node.end_lineno]]
                    )
                else:
                    yield "\n".join(lines[first - 1 : node.end_lineno])

    def _public(self, node: ast.stmt) -> Iterator[str]:
        """The decorators of a function, of the questions only those that are public."""
        askers = _askers(node)
        for mark in getattr(node, "decorator_list", []):
            if mark in askers:
                names = sorted(_texts(mark) & self.asked)
                yield f"@{ast.unparse(mark.func)}({', '.join(map(repr, names))})"
            else:
                yield f"@{ast.unparse(mark)}"


def _names_of(node: ast.stmt) -> set[str]:
    """The names that a statement of a module binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {_bound_by(alias) for alias in node.names}
    if any(isinstance(n, ast.With) and _puts(n) for n in ast.walk(node)):
        return set()  # a name that one question's block binds is no other's to use
    stores = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return {n.id for n in stores if isinstance(n.ctx, ast.Store)}


def _later(
    assignment: Assignment, parts: Sequence[tuple[Part, Shares]]
) -> Iterator[tuple[str, list[dict[str, object]]]]:
    public = {part.name: shares for part, shares in parts}
    for part in assignment.part:
        shares = public.get(part.name, {})
        hidden = [(c, 1 - shares.get(c.name, 0)) for c in part.criterion]
        yield (
            part.title,
            [
                {
                    "title": f"{c.title}, the rest" if share < 1 else c.title,
                    "points": round(c.points * share, 2),
                }
                for c, share in hidden
                if share
            ],
        )


def _toml(assignment: Assignment, parts: Sequence[tuple[Part, Shares]]) -> str:
    """The assignment's table, with its first seed and its public criteria alone."""
    lines = [f"title = {_value(assignment.title)}", "", "[limits]"]
    lines += [f"{name} = {_value(v)}" for name, v in assignment.limits.model_dump().items()]
    for part, shares in parts:
        matrix = ", ".join(f"{key} = {_value(values)}" for key, values in part.matrix.items())
        lines += [
            *("", "[[part]]", f"name = {_value(part.name)}", f"title = {_value(part.title)}"),
            *(f"notebook = {_value(part.notebook)}", f"rubric = {_value(part.rubric)}"),
            *(f"seeds = {_value(part.seeds)}", f"matrix = {{ {matrix} }}"),
        ]
        for criterion in (c for c in part.criterion if c.name in shares):
            lines += ["", "  [[part.criterion]]", f"  name = {_value(criterion.name)}"]
            lines += [
                f"  title = {_value(criterion.title)}",
                f"  points = {_points(criterion, shares)}",
            ]
    return "\n".join(lines) + "\n"


def _points(criterion: CriterionSpec, shares: Shares) -> float:
    return round(criterion.points * shares[criterion.name], 2)


def _value(value: object) -> str:
    """A text, a number or a list of them as TOML writes it, which is as JSON does."""
    return json.dumps(value, ensure_ascii=False)
