"""What the commands do for each submission, and how they show it."""

import json
import logging
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypedDict

import click

from assay import extras
from assay.cli.values import seeds_of, signing_key
from assay.words import counted

if TYPE_CHECKING:  # these import pydantic, NumPy and more: too slow for `assay --help`
    from assay.errors import AssayError
    from assay.execution.machine import Machine
    from assay.grading.progress import Live
    from assay.grading.session import Session
    from assay.records import Plain, Result
    from assay.report.class_report import Entry
    from assay.submission.discovery import Discovered, HandIn
    from assay.submission.submission import Submission

    Step = Callable[[Submission, Live], "Answer"]

SMALL = 20_000_000
"""Bytes of a submission beside which others are read; a larger one is alone until it is done."""


class Answer(TypedDict, total=False):
    """What a command answers of one submission: `text` for a person, the rest as JSON."""

    text: str
    entry: "Entry"
    """For the page of a class."""
    submission: str
    runs: "list[str] | list[Plain]"
    notes: list[str]
    earned: float
    possible: float
    percent: float | None
    for_review: float
    criteria: dict[str, float | None]
    audit: "Plain | None"
    report: str
    people: "list[Plain]"
    error: str
    hint: str
    problems: list[str]
    exit_code: int


def all_of(paths: tuple[Path, ...], session: "Session") -> "list[Submission]":
    return [one.read() for one in found_at(paths, session).found]


def found_at(paths: tuple[Path, ...], session: "Session") -> "Discovered":
    """Every submission at these paths, once; what is passed over is named on stderr."""
    from assay.report import safe
    from assay.submission import discovery, submission

    found = discovery.discover(paths, session.assignment, session.reports)
    for path, reason in found.passed_over:
        reason = f": {reason}" if reason != "is no submission" else " is no submission"
        click.echo(f"not looked at: `{safe.terminal(str(path))}`{reason}", err=True)
    for one in found.found:
        if one.name not in (one.own_name, submission.REFERENCE):
            known = f"`{safe.terminal(str(one.path))}` is called `{safe.terminal(one.name)}` here"
            click.echo(f"{known}: its own name is another's as well", err=True)
    return found


def machine_of_command() -> "Machine":
    """Return what all sessions of this command run on: its caller's, or one of its own."""
    from assay.execution.machine import Machine

    return click.get_current_context().ensure_object(Machine)


def machine_given() -> "Machine | None":
    """Return the machine that the command has by now; without one, a session makes its own."""
    context = click.get_current_context(silent=True)
    return context.obj if context else None


def session_of(
    assignment: Path,
    reports: Path,
    seeds: str | None,
    jobs: int | None,
    scheduler: str | None = None,
    isolation: int | None = None,
    *,
    force: bool = False,
    own: bool = False,
    with_secret: bool = False,
) -> "Session":
    """What a command needs to know; with an isolation to require, of one that runs submissions.

    What every kernel needs is then being imported from here on. A command that marks what students
    hand in draws its questions with the course's secret.
    """
    if isolation is not None or with_secret:
        extras.need("grade" if scheduler is None else "dask")
    if isolation is not None and scheduler is None:
        servers = machine_of_command().servers
        servers.ahead(servers.first)
    from assay.course import assignment as assignments
    from assay.course.secret import PUBLIC, beside
    from assay.evidence.store import Store
    from assay.grading.session import Session
    from assay.scheduling.resources import available_cores

    read = assignments.read(assignment)
    if seeds is not None:
        read = read.with_seeds(seeds_of(seeds))
    store = Store(read.root / ".assay" / "store")
    secret = beside(store.root, lambda said: click.echo(said, err=True)) if with_secret else PUBLIC
    if isolation is not None or with_secret or store.root.exists():
        click.get_current_context().with_resource(store.in_use())
    there = None
    if scheduler is not None:
        from assay.scheduling import cluster

        workers, least = jobs or available_cores(), isolation or 0
        there = cluster.connect(scheduler, workers=workers, isolation=least, private=read.root)
        click.get_current_context().call_on_close(there.close)
    return Session(
        read,
        store,
        reports,
        jobs=jobs,
        require_isolation=isolation or 0,
        force=force,
        own=own,
        key=signing_key(),
        cluster=there,
        secret=secret,
        machine=machine_given(),
    )


def for_each(
    session: "Session",
    paths: tuple[Path, ...],
    as_json: bool,
    step: "Step",
    pass_mark: float | None = None,
    *,
    all_problems: bool = False,
    keep: bool = False,
    of_class: bool = False,
    verbose: bool = False,
) -> None:
    """Do one step for every submission. An error in one does not affect the others.

    `all_problems` shows all problems of a submission and not the first; `keep` leaves a result file
    where there are no marks; `of_class` writes a page of all, where there are several.
    """
    from assay.events import Failed
    from assay.grading.progress import live
    from assay.report import safe

    discovered = found_at(paths, session)
    found = discovered.found
    answers, reading = [], Lock()
    of_course: set[str] = set()

    def one(of: "HandIn") -> Answer:
        try:
            with ExitStack() as alone:
                alone.enter_context(reading)
                read = of.read()
                if read.size <= SMALL:
                    alone.close()
                return step(read, progress)
        except Exception as caught:
            error = _reported(caught, of.path, progress.say, of_course, all_problems=all_problems)
            session.emit(Failed(of.name, error))
            try:
                return _without_marks(session, of, error, all_problems, keep)
            except Exception as again:  # its page cannot be written: the others can
                error = _reported(
                    again, of.path, progress.say, of_course, all_problems=all_problems
                )
                return _without_marks(session, of, error, all_problems, keep=False)
        finally:
            progress.done()

    with (
        until_stopped(session),  # says so last: no line of progress follows it
        live(len(found)) as progress,
        listening(session, progress, as_json=as_json, verbose=verbose),
        session.each(one, found) as futures,
    ):
        for future in futures:
            answer = future.result()
            if not as_json and "text" in answer:
                with progress.aside():
                    click.echo(safe.terminal(answer["text"]))
            answers.append(answer)
    any_report = keep or any("error" not in answer for answer in answers)
    several = of_class and len(answers) > 1
    page = _class_page(session, answers, discovered.passed_over) if several and any_report else None
    if page and not as_json:
        click.echo(f"all of them     {page}")
    if as_json:
        shown = [{k: v for k, v in a.items() if k not in ("text", "entry")} for a in answers]
        beside = [{"not_looked_at": str(p), "reason": why} for p, why in discovered.passed_over]
        text = json.dumps([*shown, *beside], indent=1)  # ASCII: nothing in it moves a cursor
        click.echo(safe.json_text(text))
    sys.exit(max((_exit_code(answer, pass_mark) for answer in answers), default=0))


def folder_made(folder: Path) -> None:
    """There is a folder for the reports, or an error before anything is run for them."""
    from assay.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UsageError(
            f"`{folder}` cannot be written in",
            found=error.strerror or str(error),
            hint="`--reports` names another place",
        ) from None


def _class_page(
    session: "Session", answers: Sequence[Answer], passed_over: Sequence[tuple[Path, str]]
) -> Path:
    from assay.grading import publish
    from assay.records import sound

    beside = [sound(f"{path.name}: {reason}") for path, reason in passed_over]
    return publish.report_class(session, [answer["entry"] for answer in answers], beside)


@contextmanager
def listening(
    session: "Session", progress: "Live", *, as_json: bool = False, verbose: bool = False
) -> Iterator[None]:
    """Draw the session's events; if `verbose`, log it too, or print it as lines of JSON."""
    from assay import events
    from assay.report import safe

    session.listen = progress.show
    if not verbose:
        yield
        return
    if as_json:
        session.listen = lambda event: progress.say(safe.json_text(json.dumps(events.plain(event))))
        yield
        return
    log, handler = logging.getLogger("assay"), LogLines(progress.say)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)


class LogLines(logging.Handler):
    """Writes each record of a log as a line, among those of the progress."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self.say = say
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self.say(self.format(record))


@contextmanager
def until_stopped(
    session: "Session", said: str = "stopped: what has been run is kept, the same command goes on"
) -> Iterator[None]:
    """Ctrl-C ends all that runs, and says what that means."""
    try:
        yield
    except KeyboardInterrupt:
        session.stop()
        click.echo(said, err=True)
        sys.exit(130)


def _exit_code(answer: Answer, pass_mark: float | None) -> int:
    percent = answer.get("percent")
    below = pass_mark is not None and percent is not None and percent < pass_mark
    return max(int(answer.get("exit_code", 0)), int(below))


def _reported(
    caught: Exception,
    path: Path,
    say: Callable[[str], None],
    of_course: set[str],
    *,
    all_problems: bool,
) -> "AssayError":
    """Report on stderr what went wrong; a bug in assay with its traceback.

    What is wrong with the course is met by every submission, and said once: `of_course` has it.
    """
    from assay.errors import (
        AssayError,
        CourseFault,
        NoMachine,
        NotIsolated,
        OurFault,
        PluginFault,
        UsageError,
    )

    if isinstance(caught, NotIsolated | NoMachine | PluginFault):
        raise caught
    if not isinstance(caught, AssayError):
        say(traceback.format_exc())
        caught = OurFault(f"`{path.name}` met a bug of assay's: {type(caught).__name__}: {caught}")
    if isinstance(caught, CourseFault | UsageError):
        if str(caught) in of_course:
            return caught
        of_course.add(str(caught))
    for error in [caught, *caught.others] if all_problems else [caught]:
        say(str(error))
    if caught.others and not all_problems:
        say(f"and {len(caught.others)} more: `assay check` shows them all")
    return caught


def _without_marks(
    session: "Session", of: "HandIn", error: "AssayError", all_problems: bool, keep: bool
) -> Answer:
    from assay.grading import publish
    from assay.records import plain
    from assay.report import class_report

    name, problems = of.name, [error, *error.others]
    title = session.assignment.title
    if keep:
        publish.not_graded(session, name, problems, of.people, of.notes)
    said = [problem.what for problem in problems]
    answer: Answer = {"submission": name, "error": error.what, "hint": error.hint}
    if all_problems:
        answer["problems"] = said
    if of.people:
        answer["people"] = [plain(one) for one in of.people]
    if of.notes:
        answer["notes"] = list(of.notes)
    answer["exit_code"] = max(problem.exit_code for problem in problems)
    answer["entry"] = class_report.without_marks(name, title, said, of.people, of.notes)
    return answer


def graded(
    session: "Session", submission: "Submission", progress: "Live", *, sample: int
) -> Answer:
    """Run, judge and report; audit this many seeds of each place."""
    from assay.grading import publish

    result = session.grade(submission)
    if sample:
        progress.say(f"making runs of {sample} seed(s) twice more")
        result = session.audit(submission, result, sample)
    page = str(publish.report(session, submission, result))
    return {**answer_of(result, page), "entry": entry_of(result, submission)}


OF_PYTEST = {0: 0, 1: 1, 2: 130, 4: 2, 5: 2}
"""Our exit code for each of pytest's: 2 is Ctrl-C, 4 wrong usage, 5 that no test is chosen."""


def debugged(
    session: "Session", submissions: "Sequence[Submission]", arguments: Sequence[str]
) -> int:
    """Run the rubric's tests in this terminal over the stored runs of each; the exit code."""
    with until_stopped(session):
        codes = [code for one in submissions for code in session.debug(one, arguments)]
    chosen = [code for code in codes if code != 5] or codes  # `-k` may choose tests of one part
    return max((OF_PYTEST.get(code, 4) for code in chosen), default=0)


def course_checked(session: "Session", as_json: bool) -> None:
    """Say everything that is wrong with the course, or that it can grade."""
    extras.need("grade")
    from assay.course_check.faults import as_error
    from assay.grading.progress import live
    from assay.records import plain
    from assay.report import safe
    from assay.review import questions

    with live(1) as progress, until_stopped(session), listening(session, progress):
        found = session.course_report()
    course = session.assignment
    criteria = {f"{part.name}/{spec.name}" for part in course.part for spec in part.criterion}
    slips = questions.slips(course.root / questions.FILE, criteria)
    found = found.model_copy(update={"faults": [*found.faults, *slips]})
    if as_json:
        click.echo(json.dumps(plain(found), indent=1))
    if faults := [*found.faults, *found.failing]:
        raise as_error(faults)
    if not as_json:
        asked = (
            f"{counted(found.criteria, 'criterion', 'criteria')}, {counted(found.tests, 'test')}"
        )
        if found.questions:
            asked += f", {counted(found.questions, 'question')}"
        title = session.assignment.title
        click.echo(safe.terminal(f"✓ {title}: the course can grade, {asked}"))


def entry_of(result: "Result", submission: "Submission") -> "Entry":
    """What the page of a class needs of one submission."""
    from assay.judge import similarity
    from assay.report import class_report

    return class_report.entry(result, similarity.features(result, submission))


def answer_of(result: "Result", where: str) -> Answer:
    from assay.records import Outcome, Verdict, plain
    from assay.report.summary import summary

    unjudged = any(criterion.verdict is Verdict.NOT_JUDGED for criterion in result.criteria)
    ours = unjudged or any(r.outcome is Outcome.INFRASTRUCTURE for r in result.runs)
    ours = ours or bool(result.audit and result.audit.unmade)
    possible = result.judged_points
    answer: Answer = {
        "text": summary(result, where),
        "submission": result.submission,
        "earned": result.earned,
        "possible": possible,
        "percent": 100 * result.earned / possible if possible else None,
        "for_review": result.review_points,
        "criteria": {f"{c.part}/{c.name}": c.earned for c in result.criteria},
        "audit": plain(result.audit) if result.audit else None,
        "report": where,
    }
    if result.people:
        answer["people"] = [plain(one) for one in result.people]
    if result.notes:
        answer["notes"] = result.notes
    answer["exit_code"] = 4 if ours else 0
    return answer
