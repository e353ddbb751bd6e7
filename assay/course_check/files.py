"""What can be said of a part's files alone: they are read, imported, and inputs are drawn.

No student's code and no reference is needed for it.
"""

import ast
import difflib
import hashlib
import importlib.util
import itertools
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from assay.course import files as course_files
from assay.course import rubric, standalone
from assay.course.assignment import Assignment, Part, line_of
from assay.course_check import names, table
from assay.course_check.faults import kind, of_exception
from assay.errors import CourseFault
from assay.evidence.answers import SOME
from assay.evidence.questions import Question
from assay.records import Asked, Draw, Fault, PartRead, Scalar
from assay.source import syntax
from assay.units import MB

MOST_BYTES = 100 * MB
"""Of one array that is handed out or kept: each run writes, packs and keeps its own."""
ASKS = {"ask", "handed_out"}
CAUSES = {"explains": 1, "follows_from": 1, "after_marks_for": None, "after_marks_for_any": None}
"""Functions that are given criteria, and among how many of their first arguments."""
BROUGHT = {"evidence", "given", "kept"}


def read(assignment: Assignment, part: Part) -> PartRead:
    """Read the files that all tests of one part rest on, and draw for every seed."""
    folder = assignment.root / part.rubric
    absent = list(_absent(assignment, part, folder))
    if absent:
        return PartRead(faults=absent)
    paths = course_files.of_part(assignment, part) - standalone.tests(assignment, part).keys()
    trees = dict(_trees(assignment, paths))
    found = [fault for fault in trees.values() if isinstance(fault, Fault)]
    if found:  # what cannot be parsed cannot be imported either
        return PartRead(faults=found)
    parsed = {path: tree for path, tree in trees.items() if isinstance(tree, ast.Module)}
    for path, tree in parsed.items():
        found += _of_names(assignment, path, tree)
        if path == folder / "fallback.py":
            found += _of_imports(assignment, part, _name(assignment, path), tree)
    asked, draws, of_draws = _drawn(assignment, part)
    found += [*of_draws, *table.faults(assignment, part)]
    if asked and not of_draws:
        exam = {path: tree for path, tree in parsed.items() if _is_exam(path, folder)}
        found += _of_exam(assignment, part, exam, asked)
        found += _of_tests(assignment, part, parsed, asked)
    known = {} if of_draws else asked
    return PartRead(faults=list(dict.fromkeys(found)), asked=known, draws=draws)


def of_standalone(assignment: Assignment, part: Part, asked: Mapping[str, Asked]) -> list[Fault]:
    """Return what is wrong in the test files that stand by themselves; none is imported."""
    trees = dict(_trees(assignment, standalone.tests(assignment, part)))
    parsed = {path: tree for path, tree in trees.items() if isinstance(tree, ast.Module)}
    found = [fault for path, tree in parsed.items() for fault in _of_names(assignment, path, tree)]
    return [*found, *_of_tests(assignment, part, parsed, asked)]


def _of_names(assignment: Assignment, path: Path, tree: ast.Module) -> Iterator[Fault]:
    """Yield names that nothing binds, or two things do; in a test, what can never fail."""
    name = _name(assignment, path)
    for line, unbound in names.unbound(course_files.text_of(path), tree):
        yield Fault(where=f"{name}:{line}", said=f"`{unbound}` is bound nowhere")
    for line, twice in names.twice(tree):
        yield Fault(where=f"{name}:{line}", said=twice)
    if not _is_of_another_rubric(assignment, path):
        yield from _of_causes(assignment, name, tree)
    of_test = [*names.unchecked(tree), *names.left_out(tree), *names.uncollected(tree)]
    for line, hollow in of_test if path.name.startswith("test_") else ():
        yield Fault(where=f"{name}:{line}", said=hollow)


def _of_tests(
    assignment: Assignment,
    part: Part,
    parsed: Mapping[Path, ast.Module],
    asked: Mapping[str, Asked],
) -> Iterator[Fault]:
    """Yield the questions and answers that tests name and that do not exist."""
    for path, tree in parsed.items():
        if asked and path.parent == assignment.root / part.rubric and path.match("test_*"):
            yield from _of_test(_name(assignment, path), tree, asked)


def _name(assignment: Assignment, path: Path) -> str:
    return path.relative_to(assignment.root).as_posix()


def _absent(assignment: Assignment, part: Part, folder: Path) -> Iterator[Fault]:
    where = f"{assignment.file}:{line_of(assignment, part.name, 'rubric')}"
    if not folder.is_dir():
        said = f"there is no folder `{part.rubric}` for the rubric"
        yield Fault(where=where, said=said, is_usage=True)
        return
    for wanted in (("given.py", "given/__init__.py"), ("exam.py", "exam/__init__.py")):
        if not any((folder / name).is_file() for name in wanted):
            said = f"the rubric `{part.rubric}` has no {wanted[0]}"
            yield Fault(where=where, said=said, is_usage=True)
    notebook = assignment.root / part.notebook
    if notebook.is_dir():
        where = f"{assignment.file}:{line_of(assignment, part.name, 'notebook')}"
        said = f"`{part.notebook}` is a folder; expected a notebook, such as `…/answer.ipynb`"
        yield Fault(where=where, said=said, is_usage=True)
    beside = [path.name for path in notebook.parent.glob("*.ipynb") if path.is_file()]
    if not notebook.is_file() and (near := difflib.get_close_matches(notebook.name, beside, 1)):
        where = f"{assignment.file}:{line_of(assignment, part.name, 'notebook')}"
        said = f"there is no `{part.notebook}`, and beside it there is `{near[0]}`"
        yield Fault(where=where, said=said, is_usage=True)


def _trees(
    assignment: Assignment, paths: Collection[Path]
) -> Iterator[tuple[Path, ast.Module | Fault]]:
    """Yield the tree of each Python file among these, or why it has none."""
    for path in sorted(path for path in paths if path.suffix == ".py"):
        name = _name(assignment, path)
        try:
            yield path, syntax.parse(course_files.text_of(path))
        except SyntaxError as error:
            said = f"SyntaxError: {error.msg}"
            yield path, Fault(where=f"{name}:{error.lineno or 1}", said=said)
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            said = f"UnicodeDecodeError: byte {error.object[error.start]:#x} is not UTF-8"
            yield path, Fault(where=f"{name}:{line}", said=said)
        except (ValueError, RecursionError, MemoryError) as error:
            yield path, Fault(where=f"{name}:1", said=f"{type(error).__name__}: {error}")


def _is_of_another_rubric(assignment: Assignment, path: Path) -> bool:
    """Whether a file belongs to the rubric of a part that this assignment does not have."""
    rubrics = {assignment.root / part.rubric for part in assignment.part}
    above = (folder for folder in path.parents if folder.is_relative_to(assignment.root))
    return any((folder / "given.py").is_file() and folder not in rubrics for folder in above)


def _of_causes(assignment: Assignment, name: str, tree: ast.Module) -> Iterator[Fault]:
    """Yield causes that are no criterion: points would depend on nothing."""
    known = {spec.name for part in assignment.part for spec in part.criterion}
    for line, key in _causes_in(tree):
        if key not in known:
            said = f"`CAUSES` names `{key}`, which is no criterion"
            yield Fault(where=f"{name}:{line}", said=said)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if (called := _called(call)) not in CAUSES:
            continue
        for text in call.args[: CAUSES[called]]:
            is_text = isinstance(text, ast.Constant) and isinstance(text.value, str)
            if is_text and text.value not in known:  # type: ignore[attr-defined]
                said = f"`{called}` names `{text.value}`, which is no criterion"  # type: ignore[attr-defined]
                yield Fault(where=f"{name}:{text.lineno}", said=said)


def _causes_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of each key of a module's dict of causes."""
    for line in tree.body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        value = getattr(line, "value", None)
        if isinstance(value, ast.Dict) and "CAUSES" in [getattr(t, "id", "") for t in targets]:
            for key in value.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.lineno, key.value


def _of_imports(assignment: Assignment, part: Part, name: str, tree: ast.Module) -> Iterator[Fault]:
    """Yield missing modules that the fallback imports: only some students' code needs them."""
    folder = assignment.root / part.rubric
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            modules = [node.module]
        for first in {module.partition(".")[0] for module in modules} - {"ask", "exam"}:
            is_own = (folder / f"{first}.py").is_file() or (
                folder / "exam" / f"{first}.py"
            ).is_file()
            if not is_own and importlib.util.find_spec(first) is None:
                line = getattr(node, "lineno", 1)
                yield Fault(where=f"{name}:{line}", said=f"there is no module `{first}` to import")


def _is_exam(path: Path, folder: Path) -> bool:
    return path == folder / "exam.py" or path.is_relative_to(folder / "exam")


def _drawn(
    assignment: Assignment, part: Part
) -> tuple[dict[str, Asked], dict[str, Draw], list[Fault]]:
    """Draw for every value of the matrix and every seed; what was drawn, and what is wrong."""
    file = f"{part.rubric}/given.py"
    try:
        given = rubric.load(assignment, part, "given")
    except CourseFault as error:
        where, _, said = error.found.partition(": ")
        placed = ".py:" in where
        at = where if placed else f"{file}:1"
        return {}, {}, [Fault(where=at, said=said if placed else where)]
    if not callable(getattr(given, "draw", None)):
        said = "it defines no function `draw(rng, parameters)`"
        return {}, {}, [Fault(where=f"{file}:1", said=said)]
    top = f"{file}:{given.draw.__code__.co_firstlineno if hasattr(given.draw, '__code__') else 1}"
    questions: dict[str, dict[str, set[str]]] = {}
    draws: dict[str, Draw] = {}
    found: list[Fault] = []
    first: Any = None
    for chosen in _chosen(part):
        try:
            drawn = given.draw(np.random.default_rng(part.seeds[0]), dict(chosen))
        except (Exception, SystemExit) as error:
            fault = of_exception(error, assignment.root, top)
            found.append(fault.model_copy(update={"said": f"draw({chosen}): {fault.said}"}))
            break
        said_of = list(_misdrawn(drawn))
        if first is not None and not said_of and not found and chosen == first[0]:
            said_of = list(_differing(first[1], drawn, AGAIN))
        first = first or (chosen, drawn)
        found += [
            Fault(where=place_of(assignment, part, name), said=said) for name, said in said_of
        ]
        if found:
            continue
        draws[key_of(chosen)] = Draw(whole=_digest(drawn), form=_digest(drawn, of_values=False))
        for name, question in drawn.items():
            asked = questions.setdefault(name, {"shown": set(), "answers": set(), "kept": set()})
            for of, named in asked.items():
                named.update(getattr(question, of))
    if first is not None and not found:
        found += [
            Fault(where=place_of(assignment, part, name), said=said)
            for name, said in _differing(first[1], _drawn_anew(assignment, part, first[0]), ANEW)
        ]
    every = {n: Asked(**{of: sorted(q[of]) for of in q}) for n, q in questions.items()}
    return every, draws, list(dict.fromkeys(found))


def key_of(parameters: Mapping[str, Scalar]) -> str:
    """Return the name of a run's draw."""
    return json.dumps(parameters, sort_keys=True)


def _digest(questions: Mapping[str, Question], *, of_values: bool = True) -> str:
    """Return a hash of what is drawn; or of its form alone."""
    digest = hashlib.sha256()
    for name in sorted(questions):
        question = questions[name]
        digest.update(f"{name}\n{sorted(question.answers.items())}\n".encode())
        digest.update(f"{[getattr(question, of, None) for of in ('seconds', 'largest')]}".encode())
        for of in (question.shown, question.kept):
            for key, value in sorted(of.items()):
                array = np.asarray(value)
                digest.update(f"{key} {array.dtype.kind} {array.shape}\n".encode())
                digest.update(array.tobytes() if of_values else b"")
    return digest.hexdigest()


def _drawn_anew(assignment: Assignment, part: Part, chosen: Mapping[str, Scalar]) -> Any:
    """Draw as another process would, which imports the course's modules for itself."""
    rubric.forget(assignment, part)
    given = rubric.load(assignment, part, "given")
    return given.draw(np.random.default_rng(part.seeds[0]), dict(chosen))


def _chosen(part: Part) -> list[dict[str, Scalar]]:
    """The parameters to draw for: every seed at every value of the matrix, and the first twice."""
    matrix = [
        dict(zip(part.matrix, v, strict=True)) for v in itertools.product(*part.matrix.values())
    ]
    every = [{"seed": seed, **values} for values in matrix for seed in part.seeds]
    return [*every, every[0]]


AGAIN = "differs between two draws with the same `rng` and parameters: use `rng` alone"
ANEW = "differs between two imports of given.py, which draws by itself: use `rng` in `draw`"


def _differing(
    one: Mapping[str, Any], other: Mapping[str, Any], how: str
) -> Iterator[tuple[str, str]]:
    """Yield what two draws with the same `rng` do not have in common: no run could be repeated."""
    if set(one) != set(other):
        yield "", f"what `draw` asks {how}"
        return
    for name, question in one.items():
        again = other[name]
        for attribute in ("shown", "kept"):
            before, after = getattr(question, attribute), getattr(again, attribute)
            for key in sorted({*before, *after}):
                if key not in before or key not in after or not _same(before[key], after[key]):
                    yield name, f"`{key}` of question `{name}` {how}"


def _same(one: Any, other: Any) -> bool:
    a, b = np.asarray(one), np.asarray(other)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _misdrawn(drawn: Any) -> Iterator[tuple[str, str]]:
    """Yield the question and a sentence for everything that is not as a draw has to be."""
    if not isinstance(drawn, Mapping):
        yield "", f"`draw` returned {kind(drawn)}; expected a dict of questions by name"
        return
    if not drawn:
        yield "", "`draw` returned no question; expected one or more in its dict"
    for name, question in drawn.items():
        if not isinstance(name, str) or {"", ".", ".."} & set(name.split("/")):
            yield (
                "",
                f"a question cannot be called {name!r:.80}; expected a name such as `sum/plain`",
            )
            continue
        for attribute in ("shown", "answers", "kept"):
            if not isinstance(getattr(question, attribute, None), Mapping):
                yield name, f"question `{name}` has no dict `{attribute}`"
                return
        for shown, value in [*question.shown.items(), *question.kept.items()]:
            if not isinstance(shown, str) or not _is_array(value):
                yield name, f"`{shown}` of question `{name}` is {kind(value)}; expected an array"
            elif (size := np.asarray(value).nbytes) > MOST_BYTES:
                allowed = f"a question has at most {MOST_BYTES // MB} MB an array, in every run"
                yield name, f"`{shown}` of question `{name}` is {size // MB:,} MB; {allowed}"
        for bound in ("seconds", "largest"):
            most = getattr(question, bound, None)
            if most is not None and not (type(most) in (int, float) and 0 < most < math.inf):
                expected = "expected a number above 0, or none at all"
                yield name, f"`{bound}` of question `{name}` is {most!r:.60}; {expected}"
        for answer, shape in question.answers.items():
            if not isinstance(answer, str) or not _is_shape(shape):
                expected = "expected a tuple of lengths, None for any: `(5,)`"
                yield name, f"`{answer}` of question `{name}` promises {shape!r:.60}; {expected}"


def _is_array(value: Any) -> bool:
    """Return whether it can be handed out: npz without pickle holds no objects."""
    try:
        return not np.asarray(value).dtype.hasobject
    except (ValueError, TypeError):
        return False


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple | list) and all(
        length is None
        or (isinstance(length, str) and length.isidentifier())
        or (
            (isinstance(length, int | np.integer) and not isinstance(length, bool))
            and length >= SOME
        )
        for length in shape
    )


def place_of(assignment: Assignment, part: Part, question: str) -> str:
    """Return the line of given.py that spells a question's name, or that of its first line."""
    path = assignment.root / part.rubric / "given.py"
    name = f"{part.rubric}/given.py"
    lines = course_files.text_of(path).splitlines() if path.is_file() else []
    spelt = (f'"{question}"', f"'{question}'")
    found = [i for i, line in enumerate(lines, 1) if any(text in line for text in spelt)]
    draw = [i for i, line in enumerate(lines, 1) if line.startswith("def draw")]
    return f"{name}:{[*(found if question else []), *draw, 1][0]}"


def put_at(assignment: Assignment, part: Part, question: str) -> str:
    """Return the line of the exam that puts a question; where it is drawn if none spells it."""
    for path in sorted(course_files.of_part(assignment, part)):
        if path.suffix != ".py" or not _is_exam(path, assignment.root / part.rubric):
            continue
        for call in ast.walk(syntax.parse(course_files.text_of(path))):
            if isinstance(call, ast.Call) and _called(call) == "ask" and call.args:
                pattern = _pattern(call.args[0])
                if pattern and re.fullmatch(pattern, question):
                    return f"{path.relative_to(assignment.root).as_posix()}:{call.lineno}"
    return place_of(assignment, part, question)


def _of_exam(
    assignment: Assignment,
    part: Part,
    exam: Mapping[Path, ast.Module],
    questions: Mapping[str, Asked],
) -> Iterator[Fault]:
    """Yield the questions that are misspelt or never put, and misspelt attributes of one."""
    put: set[str] = set()
    all_literal = True
    for path, tree in exam.items():
        file = path.relative_to(assignment.root).as_posix()
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if _called(call) not in ASKS or not call.args:
                continue
            pattern = _pattern(call.args[0])
            all_literal = all_literal and pattern is not None
            named = {q for q in questions if pattern and re.fullmatch(pattern, q)}
            put |= named if _called(call) == "ask" else set()
            if pattern is not None and not named:
                said = f"`{ast.unparse(call)}`: {_no_such_question(questions)}"
                yield Fault(where=f"{file}:{call.lineno}", said=said)
        yield from _of_blocks(file, tree, questions)
        yield from _put_twice(file, tree)
    for name in sorted(set(questions) - put) if all_literal else ():
        where = place_of(assignment, part, name)
        said = f"question `{name}` is drawn, and the exam never puts it"
        yield Fault(where=where, said=said)


def _put_twice(file: str, tree: ast.Module) -> Iterator[Fault]:
    """Yield the questions that a file always puts again: the second answer replaces the first."""
    seen: dict[str, int] = {}
    for block in (node for node in tree.body if isinstance(node, ast.With)):
        call = block.items[0].context_expr
        if not isinstance(call, ast.Call) or _called(call) != "ask" or not call.args:
            continue
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
            name = call.args[0].value
            if name in seen:
                said = f"question `{name}` is put again; it was put in line {seen[name]}"
                yield Fault(where=f"{file}:{block.lineno}", said=said)
            seen.setdefault(name, block.lineno)


def _no_such_question(questions: Mapping[str, Asked]) -> str:
    some = sorted(questions)
    return f"given.py draws {', '.join(f'`{q}`' for q in some[:6])}{' …' if len(some) > 6 else ''}"


def _called(call: ast.Call) -> str:
    function = call.func
    return str(getattr(function, "id", None) or getattr(function, "attr", ""))


def _pattern(node: ast.expr) -> str | None:
    """A pattern for the text of an expression; None if it cannot be read."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            re.escape(str(v.value)) if isinstance(v, ast.Constant) else ".*" for v in node.values
        )
    return None


def _of_blocks(file: str, tree: ast.Module, questions: Mapping[str, Asked]) -> Iterator[Fault]:
    """Yield what a `with ask("...") as (given, answer):` block reads that is not handed out."""
    for block in (node for node in ast.walk(tree) if isinstance(node, ast.With)):
        item = block.items[0]
        if not isinstance(item.context_expr, ast.Call) or _called(item.context_expr) != "ask":
            continue
        pair = item.optional_vars
        pattern = _pattern(item.context_expr.args[0]) if item.context_expr.args else None
        if not (isinstance(pair, ast.Tuple) and len(pair.elts) == 2 and pattern):
            continue
        of_these = [asked for q, asked in questions.items() if re.fullmatch(pattern, q)]
        if not of_these:
            continue
        given, answer = (getattr(element, "id", "") for element in pair.elts)
        shown = set().union(*(asked.shown for asked in of_these))
        promised = set.intersection(*(set(asked.answers) for asked in of_these))
        yield from _misread(file, block, given, shown)
        yield from _unset(file, block, answer, promised)


def _misread(file: str, block: ast.With, given: str, shown: set[str]) -> Iterator[Fault]:
    for node in ast.walk(block):
        is_read = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        if is_read and isinstance(node.value, ast.Name) and node.value.id == given:  # type: ignore[attr-defined]
            name = node.attr  # type: ignore[attr-defined]
            if name not in shown and not name.startswith("__"):
                listed = ", ".join(f"`{s}`" for s in sorted(shown)) or "nothing"
                said = f"`{given}.{name}` is not handed out; the question shows {listed}"
                yield Fault(where=f"{file}:{node.lineno}", said=said)  # type: ignore[attr-defined]


def _unset(file: str, block: ast.With, answer: str, promised: set[str]) -> Iterator[Fault]:
    """Yield the promised numbers that a block never sets, unless it hands its answer on."""
    attributes = [n for n in ast.walk(block) if isinstance(n, ast.Attribute)]
    own = [n for n in attributes if isinstance(n.value, ast.Name) and n.value.id == answer]
    whole = [n for n in ast.walk(block) if isinstance(n, ast.Name) and n.id == answer]
    if len(whole) > len(own) + 1:  # one is in the `as`
        return
    missing = promised - {n.attr for n in own}
    for name in sorted(missing):
        set_here = ", ".join(f"`{n.attr}`" for n in own) or "nothing"
        said = f"the answer promises `{name}`, and the block sets {set_here}"
        yield Fault(where=f"{file}:{block.lineno}", said=said)


def _of_test(file: str, tree: ast.Module, questions: Mapping[str, Asked]) -> Iterator[Fault]:
    """Yield the questions and answers that a test names and that do not exist."""
    for node in ast.walk(tree):
        q = _question(node.value) if isinstance(node, ast.Attribute) else None
        if isinstance(node, ast.Attribute) and q is not None and q in questions:
            asked = questions[q]
            of_kind = {"evidence": [*asked.answers, "text"], "given": asked.shown}
            known = of_kind.get(node.value.value.id, asked.kept)  # type: ignore[attr-defined]
            if node.attr not in known and isinstance(node.ctx, ast.Load):
                listed = ", ".join(f"`{name}`" for name in sorted(known)) or "nothing"
                said = f"`{ast.unparse(node)}` does not exist; there is {listed}"
                yield Fault(where=f"{file}:{node.lineno}", said=said)
        if isinstance(node, ast.Subscript):
            q = _question(node)
            if q is not None and q not in questions:
                said = f"`{ast.unparse(node)}`: {_no_such_question(questions)}"
                yield Fault(where=f"{file}:{node.lineno}", said=said)


def _question(node: ast.expr) -> str | None:
    """Return the question in `evidence["sum/plain"]`; None if this is something else."""
    if not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)):
        return None
    if node.value.id not in BROUGHT or not isinstance(node.slice, ast.Constant):
        return None
    return node.slice.value if isinstance(node.slice.value, str) else None
