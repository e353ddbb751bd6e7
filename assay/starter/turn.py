"""Make the files of a course from a master: the answer, the rubric, the mark sheet."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from textwrap import indent
from typing import Any

from assay.errors import CannotGrade, quoted
from assay.handout.make import KERNEL
from assay.source import cells as sources
from assay.starter import begin, nbgrader, otter
from assay.starter.masters import Master, Question
from assay.starter.turned import CannotTurn, Turned, turned
from assay.submission import notebook
from assay.submission.notebook import NotebookCell
from assay.submission.parameters import TAG as PARAMETERS

READERS: dict[str, Callable[[Path], Master]] = {"nbgrader": nbgrader.read, "otter": otter.read}
SEED = NotebookCell("code", "seed = 0", (PARAMETERS,), "parameters")


@dataclass(frozen=True)
class Course:
    """The files of a course, and what of the master is not in it."""

    files: dict[str, bytes]
    left: list[str]
    points: float


def course(kind: str, path: Path) -> Course:
    """Return the course that a master makes.

    Raises
    ------
    UsageError
        If the master cannot be read.
    CannotGrade
        If it holds no question.
    """
    master = READERS[kind](path)
    if not master.questions:
        raise CannotGrade(
            f"there is no question in {quoted(path)}",
            found=f"{len(master.cells)} cells, none of them as {kind} marks a question",
            hint="`--from` names the grader that the master was written for: otter or nbgrader",
        )
    asked = {question.name: list(_turned(master, question)) for question in master.questions}
    questions = [q for q in master.questions if q.by_a_person or asked[q.name]]
    part = _part(path.stem)
    book = f"notebooks/{part}.ipynb"
    files = {
        "assignment.toml": _toml(master.title, part, book, questions),
        "rubric/given.py": _given(asked),
        "rubric/exam.py": begin.rendered("turned_exam.py.j2", questions=_puts(asked)),
        "rubric/told.py": begin.rendered("turned_told.py.j2"),
        "rubric/names.py": _names(master, asked),
        "rubric/__init__.py": "",
        "README.md": begin.rendered(
            "turned_readme.md.j2", title=master.title, left=master.left, kind=kind, book=book
        ),
        **begin.shared(part, _packages(master)),
    }
    for question in questions:
        name = question.name.replace("-", "_")
        files[f"rubric/test_{name}.py"] = _tests(question, asked[question.name])
    content = {name: text.encode() for name, text in files.items()}
    content[book] = _book(master)
    return Course(content, master.left, sum(q.points for q in questions))


def _part(stem: str) -> str:
    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in stem.casefold()).strip("-")
    return kept if kept[:1].isalpha() else f"part-{kept}".rstrip("-")


def _packages(master: Master) -> list[str]:
    """The packages that the answer and its rubric import, as far as they are installed here."""
    named = {name for cell in master.cells for name in sources.imports(cell.source)}
    tops = {name.partition(".")[0] for name in named} | {"numpy"}
    known = packages_distributions()
    return sorted({known[top][0] for top in tops if top in known} - {"assay"}, key=str.lower)


def _turned(master: Master, question: Question) -> Iterator[Turned]:
    """The checks of a question that could be turned; where none could, a person marks it."""
    code = [cell.source for cell in master.cells if cell.kind == "code"]
    imports = {name: line for source in code for name, line in _imports(source)}
    own = {name for source in code for name in sources.bound(source)} - set(imports)
    if question.by_a_person:
        for check in question.checks:
            master.leave(check.cell, f"a check of `{question.name}`, which a person marks")
        return
    any_turned = False
    for check in question.checks:
        try:
            done = turned(check, imports, own)
        except CannotTurn as why:
            master.leave(check.cell, str(why))
            continue
        for reason in done.left:
            master.leave(check.cell, reason)
        any_turned = True
        yield done
    if not any_turned and question.points:
        cell = question.checks[0].cell if question.checks else 0
        where = f"nothing of `{question.name}` could be turned: a person has to mark it"
        master.leave(cell, where)
        question.by_a_person = True


def _imports(source: str) -> Iterator[tuple[str, str]]:
    """What the imports of a cell bind, and each as a statement of its own."""
    import ast

    tree = sources.parsed(source)
    there = packages_distributions()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            for alias in node.names:
                if sources.is_installed(alias.name):
                    line = ast.unparse(ast.Import([alias]))
                    yield alias.asname or alias.name.partition(".")[0], line
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            top = node.module.partition(".")[0]
            for alias in node.names if top in there or sources.is_installed(top) else ():
                yield (
                    alias.asname or alias.name,
                    ast.unparse(ast.ImportFrom(node.module, [alias], 0)),
                )


def _book(master: Master) -> bytes:
    """The reference notebook, with a cell for the parameters."""
    cells = list(master.cells)
    if not any(PARAMETERS in cell.tags for cell in cells):
        first = next((i for i, cell in enumerate(cells) if cell.kind == "code"), len(cells))
        cells.insert(first, SEED)
    named = notebook.cells_of(notebook.dumps(tuple(cells)), "the master")  # each with its own id
    book: dict[str, Any] = json.loads(notebook.dumps(named))
    book["metadata"] = {"kernelspec": KERNEL, **book["metadata"]}
    return (json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _toml(title: str, part: str, book: str, questions: list[Question]) -> str:
    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = [
        f"title = {text(title)}",
        "",
        "[[part]]",
        f"name = {text(part)}",
        f"title = {text(title)}",
        f"notebook = {text(book)}",
        'rubric = "rubric"',
        "seeds = [0]",
    ]
    for question in questions:
        lines += [
            "",
            "  [[part.criterion]]",
            f"  name = {text(question.name)}",
            f"  title = {text(question.title)}",
            f"  points = {question.points:g}",
        ]
    return "\n".join(lines) + "\n"


Asked = dict[str, list[Turned]]


def _given(asked: Asked) -> str:
    named = [(f"{name}/{i}", one) for name, of in asked.items() for i, one in enumerate(of, 1)]
    shown = [name for name, one in named if not one.check.hidden]
    hidden = [name for name, one in named if one.check.hidden]
    return begin.rendered("turned_given.py.j2", shown=shown, hidden=hidden)


def _puts(asked: Asked) -> list[dict[str, str]]:
    """Each question with the function that answers it."""
    found = []
    for name, of in asked.items():
        for number, one in enumerate(of, 1):
            body = "\n".join([*one.imports, *one.exam])
            found.append(
                {
                    "name": f"{name}/{number}",
                    "function": f"{name.replace('-', '_')}_{number}",
                    "body": indent(body, "    "),
                }
            )
    return found


def _names(master: Master, asked: Asked) -> str:
    """What the questions ask for, with the signatures of the answer."""
    import ast

    wanted: dict[str, list[str]] = {}
    for name, of in asked.items():
        for one in of:
            for each in sorted(one.asked):
                wanted.setdefault(each, []).append(name)
    calls: dict[str, str] = {}
    for cell in master.cells:
        tree = sources.parsed(cell.source) if cell.kind == "code" else None
        for node in tree.body if tree else ():
            if isinstance(node, ast.FunctionDef):
                calls[node.name] = f"({', '.join(arg.arg for arg in node.args.args)})"
    rows = [
        {"name": name, "call": calls.get(name, ""), "of": ", ".join(dict.fromkeys(of))}
        for name, of in wanted.items()
    ]
    return begin.rendered("turned_names.py.j2", rows=rows)


def _tests(question: Question, of: list[Turned]) -> str:
    tests = [
        {
            "name": f"test_{number}",
            "question": f"{question.name}/{number}",
            "public": not one.check.hidden,
            "hint": one.check.hint,
            "said": _said(one, number, len(of)),
            "body": indent("\n".join(one.judge), "    "),
        }
        for number, one in enumerate(of, 1)
    ]
    imports = list(dict.fromkeys(line for one in of for line in one.imports))
    return begin.rendered("turned_test.py.j2", question=question, tests=tests, imports=imports)


def _said(one: Turned, number: int, count: int) -> str:
    """The line that students read of a test."""
    if one.check.hidden:
        return f"A check that is not shown ({number} of {count})."
    more = f", and {len(one.said) - 1} more" if len(one.said) > 1 else ""
    first = " ".join(one.said[0].split()) if one.said else "a check"
    return f"`{first[:150]}`{more}."
