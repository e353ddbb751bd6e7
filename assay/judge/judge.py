"""Hand the evidence of one part to the rubric's tests, and return what they find."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from assay.course.assignment import Assignment, Part
from assay.errors import CannotGrade, CourseFault, OurFault, Stopped
from assay.evidence import keys
from assay.evidence.numerics import ONE_THREAD
from assay.evidence.store import Store
from assay.execution.forkserver import ForkServers, Parent
from assay.execution.process import OUT_OF_MEMORY, JudgeRequest, ended
from assay.judge.evidence_view import INPUT, Collected, JudgeInput
from assay.judge.parallel import in_order
from assay.records import Judgement, Judgements, RunRecord, plain
from assay.sandbox import workdirs
from assay.source import decoding, imports
from assay.source.syntax import is_readable
from assay.submission.sections import Section
from assay.submission.submission import plain as plain_cell
from assay.units import MB

JUDGE_SECONDS = 1800
"""Of the clock, for a part: a machine that takes so long is not fit for it."""
CPU_SECONDS, MEMORY = 900, 800_000_000
"""Limits of a judging process: a submission that takes more is not judged; its page says so."""
OF_A_RUN = 40_000_000
"""Bytes more for each run that is judged: the evidence of all may be held at once."""
WORKERS = 4
"""Processes at most that judge one part."""
CRASHED = "Fatal Python error: "
EXTENSIONS = re.compile(r"^Extension modules: .*\n?", re.MULTILINE)
"""What Python says of itself where it crashes, thousands of characters long."""
PYTEST_OPTIONS = [
    *("-p", "assay.judge.plugin", "-p", "no:cacheprovider", "-p", "no:logging"),
    *("-p", "no:unraisableexception", "-p", "no:threadexception", "--capture=no"),
    *("--no-header", "--tb=short", "--strict-markers", "--import-mode=importlib"),
    *("-o", "addopts=", "-o", "filterwarnings=", "-o", "python_files=test_*.py"),
]
UNSEEN = ["-q", "-p", "assay.judge.quiet"]
MODULES = (
    *("pytest", "scipy.special"),
    *("assay.evidence.answers", "assay.evidence.questions"),
    *("assay.judge.evidence_view", "assay.judge.statistics"),
)
"""What every judge imports; not the plugin itself, whose assertions pytest rewrites."""


def judge(
    section: Section,
    records: list[RunRecord],
    store: Store,
    servers: ForkServers,
    workers: int = 1,
) -> Judgement:
    """All checks, measurements and written answers of one part, judged by this many processes.

    Raises
    ------
    OurFault
        If pytest could not run the rubric: nothing is held against the student.
    """
    data = _input(section, records, store)
    evidence = [store.listing(record.key) for record in records]  # somebody may have changed it
    recipe = keys.of_judgement(section, {**data, "evidence": evidence})
    tests = keys.of_tests(section.assignment, section.part)
    alone = {str((section.assignment.root / name).resolve()): name for name in tests}

    def ask(wanted: list[str]) -> dict[str, Judgement]:
        whole = _with(data, section, workers) | {"alone": alone, "wanted": wanted}
        found = _judge(section.assignment, section.part, whole, servers)
        return {name: found[name] for name in wanted}

    found = store.judgements(recipe, {"": "", **tests}, ask)
    return in_order(found, [record.run.id for record in records])


def debug(
    section: Section, records: list[RunRecord], store: Store, arguments: Sequence[str]
) -> int:
    """Run the rubric's tests in this terminal, with arguments of pytest's; return its exit code.

    Nothing of it is kept: some of the tests are no judgement.
    """
    root, rubric = section.assignment.root.resolve(), section.part.rubric
    with tempfile.TemporaryDirectory(prefix=workdirs.prefix()) as folder:
        data = _with(_input(section, records, store), section, 1)
        (Path(folder) / INPUT).write_text(json.dumps(data))
        options = [*PYTEST_OPTIONS, "--rootdir", str(root), "--evidence-view", folder]
        command = [sys.executable, "-m", "pytest", *options, *arguments, rubric]
        return subprocess.run(command, cwd=root, env=_environment(), check=False).returncode


def apart(section: Section, records: list[RunRecord], store: Store) -> Judgement:
    """Return the same, judged by one new process that nothing was forked for, and keep none of it.

    For a student's own machine: no limit is set there, and it may be any system.

    Raises
    ------
    CourseFault
        If pytest could not run the rubric.
    """
    root, rubric = section.assignment.root.resolve(), section.part.rubric
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        place = Path(folder)
        data = _with(_input(section, records, store), section, 1)
        (place / INPUT).write_text(json.dumps(data), encoding="utf-8")
        options = [*PYTEST_OPTIONS, *UNSEEN, "--rootdir", str(root), "--evidence-view", folder]
        command = [sys.executable, "-m", "pytest", *options, str(root / rubric)]
        environment = _environment() | {"PYTHONUTF8": "1"}
        ended = subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True)
        verdicts = place / "judgement.json"
        if ended.returncode not in (0, 1) or not verdicts.exists():
            said = (ended.stdout + ended.stderr).decode(errors="replace")
            raise CourseFault(
                f"the rubric of `{section.part.name}` could not be run", found=said[-3000:]
            )
        return in_order(_read(verdicts), [record.run.id for record in records])


def _judge(
    assignment: Assignment, part: Part, data: JudgeInput, servers: ForkServers
) -> dict[str, Judgement]:
    with tempfile.TemporaryDirectory(prefix=workdirs.prefix()) as folder:
        place = Path(folder)
        (place / INPUT).write_text(json.dumps(data))
        code, said = _pytest(assignment, part, place, [], servers)
        if spent := _spent(code, MEMORY + OF_A_RUN * len(data["runs"])):
            raise CannotGrade(
                f"judging `{part.name}` took more than {spent}",
                hint="what was handed in, or what it answered, is too much to be judged",
            )
        verdicts = place / "judgement.json"
        if code not in (0, 1) or not verdicts.exists():  # 0 and 1 are both verdicts
            raise CourseFault(
                f"the rubric of `{part.name}` could not be run",
                found=_why(assignment, part, servers)
                or _last_words(said)
                or f"judging it {ended(code)}",
                hint=f"try `pytest --collect-only {part.rubric}`",
            )
        return _read(verdicts)


def _read(verdicts: Path) -> dict[str, Judgement]:
    return Judgements.model_validate_json(verdicts.read_bytes()).of


def _last_words(said: str) -> str:
    """Return the end of what pytest said; of a crash of Python's, the beginning of what it says."""
    _, crashed, trace = EXTENSIONS.sub("", said).rpartition(CRASHED)
    return f"{crashed}{trace[:3000]}" if crashed else said[-3000:]


def _why(assignment: Assignment, part: Part, servers: ForkServers) -> str:
    """A line for each file of the rubric that cannot be collected; '' if all can be."""
    listed, _ = collect(assignment, part, servers)
    found = listed["faults"] if listed else []
    return "\n".join(f"{fault['where']}: {fault['said']}" for fault in found)


def _spent(code: int, memory: int) -> str:
    """The limit that ended the judge, by how it ended: what it printed may be the student's."""
    if code == -signal.SIGXCPU:
        return f"{CPU_SECONDS} s of processor time"
    if code == OUT_OF_MEMORY:
        return f"{memory // MB} MB of memory"
    return ""


def collect(
    assignment: Assignment, part: Part, servers: ForkServers
) -> tuple[Collected | None, str]:
    """List the tests of a part without judging: what they are marked with, what is wrong.

    None if pytest did not come so far; then what it said is all there is.
    """
    with tempfile.TemporaryDirectory(prefix=workdirs.prefix()) as folder:
        place = Path(folder)
        nothing = JudgeInput(
            part=part.name,
            looks=1,
            runs=[],
            cells=[],
            beside=[],
            sources={},
            files=[],
            is_reference=True,
            unread=[],
            workers=1,
        )
        (place / INPUT).write_text(json.dumps(nothing))
        only = ["-p", "assay.judge.collect", "--collect-only"]
        _, said = _pytest(assignment, part, place, only, servers)
        listed = place / "collected.json"
        return json.loads(listed.read_bytes()) if listed.exists() else None, said


def _pytest(
    assignment: Assignment, part: Part, place: Path, more: list[str], servers: ForkServers
) -> tuple[int, str]:
    """Run the rubric's tests over the input that lies there: pytest's exit code, and its output."""
    folder = str(assignment.root.resolve())
    rubric = str(assignment.root / part.rubric)
    arguments = [
        *PYTEST_OPTIONS,
        *UNSEEN,
        *more,
        "--rootdir",
        folder,
        "--evidence-view",
        str(place),
        rubric,
    ]
    runs = len(json.loads((place / INPUT).read_bytes())["runs"])
    request: JudgeRequest = {
        "become": "judge",
        "folder": folder,
        "arguments": arguments,
        "memory": MEMORY + OF_A_RUN * runs,
        "seconds": CPU_SECONDS,
    }
    with (place / "pytest.log").open("w+b") as log:
        judge = parent(assignment.root, part.rubric, servers).fork(request, log.fileno())
        try:
            code = judge.wait(JUDGE_SECONDS)
        except subprocess.TimeoutExpired:
            judge.kill()
            judge.wait()
            raise OurFault(
                f"the rubric of `{part.name}` took longer than {JUDGE_SECONDS} s to judge"
            ) from None
        if servers.stopping.is_set():
            raise Stopped
        log.seek(0)
        return code, log.read().decode(errors="replace")


def parent(course: Path, rubric: str, servers: ForkServers) -> Parent:
    """Return the warm parent for the judges of a rubric: it has imported what its tests import."""

    def own(path: str) -> str | None:
        file = course / path
        return file.read_text(errors="replace") if file.is_file() else None

    of_part = [path for name in ("test_*.py", "given.py") for path in (course / rubric).glob(name)]
    found = [*of_part, *(course / rubric).parent.glob("*.py")]
    sources = [path.read_text(errors="replace") for path in sorted(found)]
    modules = (*MODULES, *imports.imports(sources, own))
    return servers.kept(("judge", modules), lambda: servers.start(modules, _environment()))


def _input(section: Section, records: list[RunRecord], store: Store) -> JudgeInput:
    submission = section.submission
    cells = [plain_cell(cell) for cell in section.own]
    for cell in cells:
        if cell["kind"] == "code" and not is_readable(cell["source"]):
            cell["source"] = ""
    code = "\n\n".join(cell["source"] for cell in cells if cell["kind"] == "code")
    sources = {name: decoding.text_of(submission.files[name]) for name in submission.modules}
    sources |= {"adapter.py": section.adapter} if section.adapter else {}
    sources["notebook"] = code
    readable = {name: text if is_readable(text) else "" for name, text in sources.items()}
    runs = [plain(r) | {"kept": str(store.place(r.key).resolve())} for r in records]
    return {
        "part": section.part.name,
        "looks": section.part.looks,
        "runs": runs,
        "cells": cells,
        "beside": [plain_cell(cell) for cell in section.beside],
        "sources": readable,
        "files": sorted(submission.files),
        "is_reference": submission.is_reference,
        "unread": sorted(name for name in sources if not is_readable(sources[name])),
    }


def _with(data: JudgeInput, section: Section, workers: int) -> JudgeInput:
    """Add what a judge needs besides, of which no judgement depends."""
    course = section.assignment.model_copy(update={"part": [section.part]})
    return {**data, "workers": workers, "course": plain(course)}


def _environment() -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return inherited | ONE_THREAD | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
