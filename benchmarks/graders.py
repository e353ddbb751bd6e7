"""Processor seconds a graded submission: assay, otter-grader and nbgrader, the same class of eight.

    python -m benchmarks.graders

Each tool grades one submission, then all eight, everything it starts counted; a further submission
costs a seventh of the difference. The marks have to be the same. Every tool runs with one numeric
thread, which is kind to those that do not see to it themselves.
"""

import csv
import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks import cost, page, questions, tools
from benchmarks.questions import write

ROUNDS = 3
STUDENTS = tuple(questions.MISTAKES)


def assay(students: Sequence[str], work: Path) -> float:
    """`assay grade`: the full sandbox, the judge in a process of its own, reports written."""
    course = questions.course(work / "course")
    for student in students:
        write(course / "submissions" / f"{student}.ipynb", questions.plain(student))
    paths = [f"submissions/{student}.ipynb" for student in students]
    spent = cost.of(tools.ours() / "assay", "grade", *paths, cwd=course, env=tools.ONE_THREAD)
    reports = {s: (course / "reports" / s / "results.json").read_text() for s in students}
    criteria = {s: json.loads(report)["criteria"] for s, report in reports.items()}
    hold({s: sum(criterion["earned"] for criterion in of) for s, of in criteria.items()})
    return spent.processor


def otter(students: Sequence[str], work: Path) -> float:
    """`otter run` for each: what needs no Docker."""
    programs = tools.environment("otter")
    (work / "tests").mkdir()
    for name in questions.CHECKS:
        (work / "tests" / f"{name}.py").write_text(questions.for_otter(name))
    cost.of(programs / "otter", "generate", "--no-environment", cwd=work, env=path(programs))
    spent, marks = 0.0, {}
    for student in students:
        write(work / f"{student}.ipynb", questions.plain(student))
        out = work / f"out-{student}"
        out.mkdir()
        run = (programs / "otter", "run", "--autograder", "autograder.zip", "--output-dir", out)
        spent += cost.of(*run, f"{student}.ipynb", cwd=work, env=path(programs)).processor
        tests = json.loads((out / "results.json").read_text())["tests"]
        marks[student] = sum(test.get("score", 0) for test in tests)
    hold(marks)
    return spent


def nbgrader(students: Sequence[str], work: Path) -> float:
    """`nbgrader autograde` of all at once."""
    programs = tools.environment("nbgrader")
    program, env = programs / "nbgrader", path(programs)
    write(work / "source" / "ps1" / "homework.ipynb", questions.for_nbgrader("ada"))
    cost.of(program, "generate_assignment", "ps1", cwd=work, env=env)
    for student in students:
        submitted = work / "submitted" / student / "ps1" / "homework.ipynb"
        write(submitted, questions.for_nbgrader(student))
    spent = cost.of(program, "autograde", "ps1", cwd=work, env=env)
    cost.of(program, "export", cwd=work, env=env)
    with (work / "grades.csv").open() as rows:
        marks = {row["student_id"]: float(row["score"]) for row in csv.DictReader(rows)}
    hold({student: marks[student] for student in students})
    return spent.processor


def path(programs: Path) -> dict[str, str]:
    """Kernels of that environment, and no other's."""
    return tools.ONE_THREAD | {"PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"}


def hold(marks: dict[str, float]) -> None:
    """The tools are compared where they say the same."""
    wrong = {s: mark for s, mark in marks.items() if mark != questions.MARKS[s]}
    if wrong:
        raise SystemExit(f"other marks than {questions.MARKS}: {wrong}")


def cpu(grade: Callable[[Sequence[str], Path], float], students: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return grade(students, Path(folder))


def main(rounds: int = ROUNDS) -> None:
    classes = {"first": STUDENTS[:1], "all": STUDENTS}
    by = (assay, otter, nbgrader)
    ways = {(t.__name__, n): partial(cpu, t, who) for t in by for n, who in classes.items()}
    found = tools.in_turn({" ".join(name): way for name, way in ways.items()}, rounds)
    data = {tool: further(found[f"{tool} first"], found[f"{tool} all"]) for tool, _ in ways}
    page.keep("graders", {"students": len(STUDENTS), "cpu": data})


def further(first: list[float], all_of_them: list[float]) -> dict[str, list[float]]:
    """With what each submission after the first one cost, round by round."""
    pairs = zip(first, all_of_them, strict=True)
    each = [round((all_ - one) / (len(STUDENTS) - 1), 3) for one, all_ in pairs]
    return {"first": first, "all": all_of_them, "further": each}


if __name__ == "__main__":
    main()
