"""What the reference's own runs say of the course: a question that it cannot be asked is a slip.

The reference is right, so what goes wrong with it is the rubric's fault or its own.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from assay.course.assignment import Assignment, Part
from assay.course_check import tests
from assay.course_check.faults import crashed_at
from assay.course_check.files import place_of, put_at
from assay.errors import AssayError, CannotGrade, CourseFault
from assay.evidence.answers import NotAnswered, Note, WrongAnswer
from assay.evidence.store import Store
from assay.execution.forkserver import ForkServers
from assay.judge import judge, statistics
from assay.judge.evidence_view import READ, Files, Listed, RunView
from assay.records import Check, CourseReport, Fault, Outcome, RunRecord, Verdict
from assay.submission.sections import Section

FRAME = re.compile(r'File "[^"]*?/support/([^"]+\.py)", line (\d+)')
DIED = re.compile(r", in line (\d+) of `((?:exam/)?\w+\.py)`$")
"""The line of the exam's in which a kernel ended."""
MENDED = "; mend the test or the reference, or mark it with a `claim` where a seed may miss it"


def check(
    section: Section,
    records: Sequence[RunRecord],
    store: Store,
    servers: ForkServers,
    listed: list[Listed],
) -> CourseReport:
    """Return what the reference's runs of a part show: its cells, its answers, its verdicts."""
    assignment, part = section.assignment, section.part
    kept = [store.files(record.key, *READ) for record in records]
    questions = {q for files in kept for q in json.loads(files["shapes.json"])}
    faults = _merged(
        {
            record.run.id: _of_one(assignment, part, record, files)
            for record, files in zip(records, kept, strict=True)
        }
    )
    if faults:
        return CourseReport(faults=faults, questions=len(questions))
    try:
        judged = judge.judge(section, list(records), store, servers)
    except (CannotGrade, CourseFault) as error:
        return CourseReport(faults=[_of_judge(assignment, part, error)], questions=len(questions))
    places = {_named(test): test["where"] for test in listed}
    empty = [c for c in judged.checks if c.reason.startswith("got empty parameter set")]
    stumbled = [c for c in judged.checks if c.stumbled or c.verdict is Verdict.NOT_JUDGED]
    missed = [c for c in judged.checks if _is_missed(c)]
    measured = {m.name: np.ndim(m.value) for m in judged.measurements}
    raised = "the test raised over the reference's answers"
    runs = {record.run.id for record in records}
    faults = [_of_check(part, cs, places, runs, raised) for cs in _by_test(stumbled)]
    nobody = "the test judges no submission"
    faults += [_of_check(part, cs, places, runs, nobody) for cs in _by_test(empty)]
    faults += tests.figures(assignment, part, measured)
    if not missed:
        faults += tests.claims_unmeasured(listed, set(measured))
    fails = "the reference fails"
    failing = [_of_check(part, cs, places, runs, fails, MENDED) for cs in _by_test(missed)]
    failing += _claims_missed(judged.checks, places)
    return CourseReport(
        faults=list(dict.fromkeys(faults)),
        failing=list(dict.fromkeys(failing)),
        questions=len(questions),
    )


def _of_judge(assignment: Assignment, part: Part, error: AssayError) -> Fault:
    """The reference could not be judged: the last line of the rubric's that was named."""
    at = re.findall(rf"({re.escape(part.rubric)}/[^\s:]{{1,200}}\.py:\d{{1,7}})", error.found)
    if died := re.search(r"^Fatal Python error: .*$", error.found, re.MULTILINE):
        where = crashed_at(error.found, assignment.root) or f"{part.rubric}:1"
        return Fault(where=where, said=f"the test raised over the reference's answers: {died[0]}")
    words = " ".join([error.what, *error.found.strip().splitlines()[-1:]])
    return Fault(where=at[-1] if at else f"{part.rubric}:1", said=f"the reference: {words}"[:500])


def _merged(found: Mapping[str, Sequence[Fault]]) -> list[Fault]:
    """Return every fault once; one that not all runs show with the first run that does."""
    runs: dict[Fault, list[str]] = {}
    for run, faults in found.items():
        for fault in dict.fromkeys(faults):
            runs.setdefault(fault, []).append(run)
    return [
        fault.model_copy(update={"said": f"{fault.said}{_only_in(of, found)}"})
        for fault, of in runs.items()
    ]


def _only_in(runs: Sequence[str | None], of_all: Collection[str]) -> str:
    """In words where something is seen, if not everywhere."""
    some = next((run for run in runs if run), None)
    return f" (in {some})" if some and set(of_all) - set(runs) else ""


def _by_test(checks: Sequence[Check]) -> list[list[Check]]:
    by_name: dict[str, list[Check]] = {}
    for check in checks:
        by_name.setdefault(check.name, []).append(check)
    return list(by_name.values())


def _of_one(assignment: Assignment, part: Part, record: RunRecord, files: Files) -> list[Fault]:
    """Return what one run shows; a limit that a question met is reported with the question."""
    of_answers = _of_answers(assignment, part, record, files)
    if of_answers and record.reason.startswith(("the question ", "the exam")):
        return of_answers
    found = [*_of_run(assignment, part, record), *of_answers]
    if not found and record.outcome is Outcome.EXITED:
        said = f"the reference's run did not come to its end: {record.reason}"
        found.append(Fault(where=_exam(assignment, part), said=said))
    return found


def _of_run(assignment: Assignment, part: Part, record: RunRecord) -> list[Fault]:
    """Return the run itself: a cell of the reference that raises, a limit that it meets."""
    at = DIED.search(record.reason)
    if at and (assignment.root / part.rubric / at[2]).is_file():
        where = f"{part.rubric}/{at[2]}:{at[1]}"
        return [Fault(where=where, said=f"asked of the reference: {record.reason[: at.start()]}")]
    if record.outcome in (Outcome.COMPLETED, Outcome.EXITED):  # an exam that broke off ends so too
        return []
    said = f"the reference's run: {record.reason}"
    return [Fault(where=part.notebook, said=said)]


def _of_answers(
    assignment: Assignment,
    part: Part,
    record: RunRecord,
    files: Files,
) -> list[Fault]:
    """Every question whose answer is not there, or not of the form that was promised."""
    if broken := files.get("evidence/broken.json"):
        note = json.loads(broken)
        what = "the exam broke off"
        if _at(note)[0] == "fallback.py":
            what = "it cannot be imported"
        return [_of_note(part, note, what, _exam(assignment, part))]
    faults = []
    unreached = []
    evidence = RunView(record, files).evidence
    for question in evidence.questions():
        note = json.loads(files.get(f"evidence/{question}.json", b"{}"))
        try:
            if unsound := evidence[question].unsound:
                raise WrongAnswer(next(iter(unsound.values())))
        except WrongAnswer as error:
            said = f"question `{question}`: the reference's {error}"
            faults.append(Fault(where=place_of(assignment, part, question), said=said))
        except NotAnswered as error:
            if note.get("status") == "ended":
                continue  # the run says so
            if note.get("status") == "raised":
                what = f"question `{question}`, asked of the reference"
                faults.append(_of_note(part, note, what, put_at(assignment, part, question)))
            elif str(error).startswith("never reached"):
                unreached.append(question)
            elif str(error) != record.reason:  # of a cell that failed the run says so
                said = f"question `{question}` is not answered by the reference: {error}"
                faults.append(Fault(where=put_at(assignment, part, question), said=said))
    if unreached and record.outcome is Outcome.EXITED:
        said = "the exam, or the reference's notebook, ended the kernel before the questions"
        listed = ", ".join(f"`{question}`" for question in unreached[:6])
        is_of_cell = re.search(r" in cell \d+$", record.reason)
        where = part.notebook if is_of_cell else _exam(assignment, part)
        said = f"the reference's run: {record.reason}" if is_of_cell else f"{said} {listed}"
        faults.append(Fault(where=where, said=said))
    elif unreached and not _of_run(assignment, part, record):
        for question in unreached:
            said = f"question `{question}` was never put to the reference"
            faults.append(Fault(where=put_at(assignment, part, question), said=said))
    return faults


def _exam(assignment: Assignment, part: Part) -> str:
    """Return the first file of the exam."""
    is_file = (assignment.root / part.rubric / "exam.py").is_file()
    return f"{part.rubric}/exam.py:1" if is_file else f"{part.rubric}/exam/__init__.py:1"


def _of_note(part: Part, note: Note, what: str, otherwise: str) -> Fault:
    """The exception that the reference's kernel wrote down, at its innermost line of the exam."""
    file, line = _at(note)
    where = f"{part.rubric}/{file}:{line}" if file else otherwise
    return Fault(where=where, said=f"{what}: {note.get('error', 'something')}")


def _at(note: Note) -> tuple[str, str]:
    """Return the innermost file and line of the exam that a note names; two empty texts if none."""
    error = str(note.get("error", ""))
    if at := re.search(r"\(((?:exam/)?\w+\.py), line (\d+)\)$", error):  # a syntax error's own
        return at[1], at[2]
    frames = [at for at in FRAME.findall(str(note.get("traceback", ""))) if at[0] != "ask.py"]
    return frames[-1] if frames else ("", "")


def _named(test: Listed) -> str:
    """Return the name that the test's checks have."""
    return f"{PurePosixPath(test['where'].rpartition(':')[0]).stem}.{test['name']}"


def _is_missed(check: Check) -> bool:
    """Whether a right submission should have passed: not by luck, and not over one run alone."""
    if not check.verdict.is_lost or check.stumbled:
        return False
    if check.claim or check.estimates:
        return False
    return check.run is not None or check.verdict is Verdict.NOT_ANSWERED


def _claims_missed(checks: Sequence[Check], places: Mapping[str, str]) -> list[Fault]:
    """Return the claims that fail for the reference, by their own test over all its runs."""
    found = []
    for of_test in _by_test([c for c in checks if c.claim and not c.stumbled]):
        claim, name = of_test[0].claim, of_test[0].name
        held = sum(check.verdict is Verdict.PASSED for check in of_test)
        runs = held + sum(check.verdict is Verdict.FAILED for check in of_test)
        if not claim or not runs:
            continue
        if statistics.decide({"": (held, runs)}, claim)[0].verdict is Verdict.FAILED:
            what = f"the reference misses the claim of `{name.rpartition('.')[2]}`: {claim}"
            said = f"{what}; it holds in {held} of its {runs} runs; lower the bound, or mend it"
            found.append(Fault(where=places[name], said=said))
    return found


def _of_check(
    part: Part,
    checks: Sequence[Check],
    places: dict[str, str],
    runs: Collection[str],
    said: str,
    so: str = "",
) -> Fault:
    """Return what the first of these checks of one test shows."""
    check = checks[0]
    file, _, name = check.name.partition(".")
    where_in = _only_in([check.run for check in checks], runs)
    where = check.stumbled or places.get(check.name, f"{part.rubric}/{file}.py:1")
    words = check.reason.removeprefix("the test raised ")
    return Fault(where=where, said=f"{said}: `{name}`: {words}{where_in}{so}")
