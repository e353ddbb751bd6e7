"""What the commands do for each submission, and how they tell it."""

import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import click

from assay.cli.values import seeds_of, signing_key

if TYPE_CHECKING:  # these import pydantic, NumPy and more: too slow for `assay --help`
    from assay.discovery import Discovered, HandIn
    from assay.errors import AssayError
    from assay.progress import Live
    from assay.records import CourseReport, Result, RunRecord
    from assay.report.class_report import Entry
    from assay.road import Road
    from assay.run.assemble import Job
    from assay.submission import Submission

    Step = Callable[[Submission, Live], dict[str, Any]]

OF_COURSE = "the course's check"
SMALL = 20_000_000
"""Bytes of a submission beside which others are read; a larger one is alone until it is done."""


def all_of(paths: tuple[Path, ...], road: "Road") -> "list[Submission]":
    return [one.read() for one in found_at(paths, road).found]


def found_at(paths: tuple[Path, ...], road: "Road") -> "Discovered":
    """Every submission at these paths, once; what is passed over is told on stderr."""
    from assay import discovery, submission
    from assay.report import safe

    found = discovery.discover(paths, road.assignment, road.reports)
    for path, reason in found.passed_over:
        reason = f": {reason}" if reason != "is no submission" else " is no submission"
        click.echo(f"not looked at: `{safe.terminal(str(path))}`{reason}", err=True)
    for one in found.found:
        if one.name not in (one.own_name, submission.REFERENCE):
            known = f"`{safe.terminal(str(one.path))}` is called `{safe.terminal(one.name)}` here"
            click.echo(f"{known}: its own name is another's as well", err=True)
    return found


def road_of(
    assignment: Path,
    reports: Path,
    seeds: str | None,
    jobs: int | None,
    scheduler: str | None = None,
    isolation: int | None = None,
    *,
    with_secret: bool = False,
) -> "Road":
    """What a command needs to know; with an isolation to require, of one that runs submissions.

    What every kernel needs is then being imported from here on. A command that marks what students
    hand in draws its questions with the course's secret.
    """
    if isolation is not None and scheduler is None:
        from assay.run import warm

        warm.ahead(warm.first)
    from assay import assignment as assignments
    from assay.cores import Cores, available_cores
    from assay.road import Road
    from assay.secret import PUBLIC, beside
    from assay.store import Store

    read = assignments.read(assignment)
    if seeds is not None:
        read = read.with_seeds(seeds_of(seeds))
    cores = jobs or available_cores()
    store = Store(read.root / ".assay" / "store")
    secret = beside(store.root, lambda said: click.echo(said, err=True)) if with_secret else PUBLIC
    there = None
    if scheduler is not None:
        from assay import cluster

        least = isolation or 0
        there = cluster.connect(scheduler, workers=cores, isolation=least, private=read.root)
        click.get_current_context().call_on_close(there.close)
    return Road(
        assignment=read,
        store=store,
        reports=reports,
        cores=Cores(cores),
        key=signing_key(),
        cluster=there,
        secret=secret,
    )


def for_each(
    road: "Road",
    paths: tuple[Path, ...],
    as_json: bool,
    step: "Step",
    pass_mark: float | None = None,
    *,
    tell_all: bool = False,
    keep: bool = False,
    of_class: bool = False,
) -> None:
    """Do one step for every submission; what befalls one does not keep the others from theirs.

    `tell_all` shows all problems of a submission and not the first; `keep` leaves a result file
    where there are no marks; `of_class` writes a page of all, where there are several.
    """
    from assay.progress import live
    from assay.report import safe

    discovered = found_at(paths, road)
    handed_in = discovered.found
    answers, reading = [], Lock()
    of_course: set[str] = set()

    def one(of: "HandIn") -> dict[str, Any]:
        try:
            with ExitStack() as alone:
                alone.enter_context(reading)
                read = of.read()
                if read.size <= SMALL:
                    alone.close()
                return step(read, progress)
        except Exception as caught:
            error = _told(caught, of.path, progress.say, of_course, tell_all=tell_all)
            try:
                return _without_marks(road, of, error, tell_all, keep)
            except Exception as again:  # its page cannot be written: the others can
                error = _told(again, of.path, progress.say, of_course, tell_all=tell_all)
                return _without_marks(road, of, error, tell_all, keep=False)
        finally:
            progress.done()

    with (
        until_stopped(road),  # says so last: no line of progress follows it
        live(len(handed_in)) as progress,
        _in_threads(road, one, handed_in) as futures,
    ):
        for future in futures:
            answer = future.result()
            if not as_json and "text" in answer:
                with progress.aside():
                    click.echo(safe.terminal(answer["text"]))
            answers.append(answer)
    any_report = keep or any("error" not in answer for answer in answers)
    several = of_class and len(answers) > 1
    page = _class_page(road, answers, discovered.passed_over) if several and any_report else None
    if page and not as_json:
        click.echo(f"all of them     {page}")
    if as_json:
        shown = [{k: v for k, v in a.items() if k not in ("text", "entry")} for a in answers]
        shown += [{"not_looked_at": str(p), "reason": why} for p, why in discovered.passed_over]
        click.echo(json.dumps(shown, indent=1))  # ASCII: nothing in it moves a cursor
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
    road: "Road", answers: Sequence[dict[str, Any]], passed_over: Sequence[tuple[Path, str]]
) -> Path:
    from assay import publish
    from assay.records import sound

    beside = [sound(f"{path.name}: {reason}") for path, reason in passed_over]
    return publish.report_class(road, [answer["entry"] for answer in answers], beside)


@contextmanager
def _in_threads(
    road: "Road", one: "Callable[[HandIn], dict[str, Any]]", handed_in: "Sequence[HandIn]"
) -> "Iterator[list[Future[dict[str, Any]]]]":
    """What `one` says of each, in their order; Ctrl-C ends all of them, and keeps what was run."""
    with ThreadPoolExecutor(road.at_once) as pool:
        futures = [pool.submit(one, each) for each in handed_in]
        try:
            yield futures
        except KeyboardInterrupt:
            road.stop()  # or our threads would wait for their runs
            raise
        finally:
            for future in futures:
                future.cancel()


@contextmanager
def until_stopped(
    road: "Road", said: str = "stopped: what has been run is kept, the same command goes on"
) -> Iterator[None]:
    """Ctrl-C ends all that runs, and says what that means."""
    try:
        yield
    except KeyboardInterrupt:
        road.stop()
        click.echo(said, err=True)
        sys.exit(130)


def _exit_code(answer: dict[str, Any], pass_mark: float | None) -> int:
    percent = answer.get("percent")
    below = pass_mark is not None and percent is not None and percent < pass_mark
    return max(int(answer.get("exit_code", 0)), int(below))


def _told(
    caught: Exception,
    path: Path,
    say: Callable[[str], None],
    of_course: set[str],
    *,
    tell_all: bool,
) -> "AssayError":
    """Say on stderr what went wrong; a bug of ours with its traceback.

    What is wrong with the course is met by every submission, and said once: `of_course` has it.
    """
    from assay.errors import AssayError, CourseFault, NoMachine, NotIsolated, OurFault, UsageError

    if isinstance(caught, NotIsolated | NoMachine):
        raise caught
    if not isinstance(caught, AssayError):
        say(traceback.format_exc())
        caught = OurFault(f"`{path.name}` met a bug of assay's: {type(caught).__name__}: {caught}")
    if isinstance(caught, CourseFault | UsageError):
        if str(caught) in of_course:
            return caught
        of_course.add(str(caught))
    for error in [caught, *caught.others] if tell_all else [caught]:
        say(str(error))
    if caught.others and not tell_all:
        say(f"and {len(caught.others)} more: `assay check` tells them all")
    return caught


def _without_marks(
    road: "Road", of: "HandIn", error: "AssayError", tell_all: bool, keep: bool
) -> dict[str, Any]:
    from assay import publish
    from assay.report import class_report

    name, problems = of.name, [error, *error.others]
    title = road.assignment.title
    if keep:
        publish.not_graded(road, name, problems, of.people, of.notes)
    return {
        "submission": name,
        "error": error.what,
        "hint": error.hint,
        **({"problems": [problem.what for problem in problems]} if tell_all else {}),
        **({"people": [one.model_dump() for one in of.people]} if of.people else {}),
        **({"notes": list(of.notes)} if of.notes else {}),
        "exit_code": max(problem.exit_code for problem in problems),
        "entry": class_report.without_marks(
            name, title, [problem.what for problem in problems], of.people, of.notes
        ),
    }


@dataclass(frozen=True)
class Batch:
    """How submissions of one command are run."""

    road: "Road"
    force: bool
    isolation: int
    told: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    begun: Event = field(default_factory=Event)
    """Set where what will be needed is getting ready."""
    own: bool = False
    """The course's own answer is run: its report shows the tests that it fails."""
    course: "list[CourseReport]" = field(default_factory=list)
    """What the check of the course found, once it has been made."""
    course_lock: Lock = field(default_factory=Lock)

    def run(self, name: str, jobs: "list[Job]", progress: "Live") -> "list[RunRecord]":
        """The records of a submission's jobs; what the store has is not run again.

        Raises
        ------
        CourseFault
            If the course cannot grade: no student's code has been run then.
        """
        from assay.course.faults import as_error

        found = self.checked(progress)
        if faults := [*found.faults, *(() if self.own else found.failing)]:
            raise as_error(faults)
        return self._made(name, jobs, progress)

    def read(self) -> None:
        """Stop where the course's files are written wrongly; nothing is run for it."""
        from assay.course import check
        from assay.course.faults import as_error

        with self.course_lock:
            if not self.course:
                self.course.append(check.static(self.road.assignment, self.road.store))
        if self.course[0].faults:
            raise as_error(self.course[0].faults)

    def checked(self, progress: "Live") -> "CourseReport":
        """What is wrong with the course; looked at once for all submissions."""
        from assay.course import check

        road = self.road
        with self.course_lock:
            if not self.course:
                self.course.append(
                    check.whole(
                        road.assignment,
                        road.store,
                        lambda jobs: self._made(OF_COURSE, jobs, progress),
                    )
                )
                for note in self.course[0].notes:
                    progress.say(f"note: {note}")
        return self.course[0]

    def _made(self, name: str, jobs: "list[Job]", progress: "Live") -> "list[RunRecord]":
        from assay import pipeline

        progress.expect(len(jobs))
        new = [job for job in jobs if self.force or not self.road.store.knows(job)]
        if new and not self.road.cluster and not self.begun.is_set():
            self.begun.set()
            pipeline.get_ready(self.road, new)
        return pipeline.run(
            self.road,
            jobs,
            force=self.force,
            progress=lambda record, was_kept: progress.ended(name, record, was_kept),
            isolation=self.isolation,
            before=lambda: self._prove(progress.say),
        )

    def grade(self, handed_in: "Submission", progress: "Live", *, sample: int) -> dict[str, Any]:
        """Run, judge and report; audit this many seeds of each place."""
        from assay import pipeline, publish

        def make(jobs: "list[Job]") -> "list[RunRecord]":
            return self.run(handed_in.name, jobs, progress)

        def ask(jobs: "list[Job]") -> "list[RunRecord]":
            return self._made(OF_COURSE, jobs, progress)

        result = pipeline.grade(self.road, handed_in, make, ask)
        if sample:
            progress.say(f"making runs of {sample} seed(s) twice more")
            result = pipeline.audited(self.road, handed_in, result, sample)
        page = str(publish.report(self.road, handed_in, result))
        return answer_of(result, page) | {"entry": entry_of(result, handed_in)}

    def _prove(self, say: Callable[[str], None]) -> None:
        """Say once what keeps the code from this machine, or stop before any of it runs."""
        with self.lock:
            if not self.told:
                if self.road.cluster:
                    say(str(self.road.cluster))
                isolation = self.road.require(self.isolation)
                self.told.append(str(isolation))
                for line in [f"isolation: {isolation}", *map("  {}".format, isolation.missing)]:
                    say(line)


def course_checked(road: "Road", as_json: bool) -> None:
    """Say everything that is wrong with the course, or that it can grade."""
    from assay.course.faults import as_error
    from assay.progress import live
    from assay.records import plain
    from assay.report import safe

    with live(1) as progress, until_stopped(road):
        found = Batch(road, force=False, isolation=0).checked(progress)
    if as_json:
        click.echo(json.dumps(plain(found), indent=1))
    if faults := [*found.faults, *found.failing]:
        raise as_error(faults)
    if not as_json:
        counts = f"{found.criteria} criteria, {found.tests} tests, {found.questions} questions"
        asked = counts if found.questions else counts.rpartition(",")[0]
        title = road.assignment.title
        click.echo(safe.terminal(f"✓ {title}: the course can grade, {asked}"))


def entry_of(result: "Result", handed_in: "Submission") -> "Entry":
    """What the page of a class needs of one submission."""
    from assay import alike
    from assay.report import class_report

    return class_report.entry(result, alike.traits(result, handed_in))


def answer_of(result: "Result", where: str) -> dict[str, Any]:
    from assay.records import Outcome, Verdict
    from assay.report.summary import summary

    unjudged = any(criterion.verdict is Verdict.NOT_JUDGED for criterion in result.criteria)
    ours = unjudged or any(r.outcome is Outcome.INFRASTRUCTURE for r in result.runs)
    ours = ours or bool(result.audit and result.audit.unmade)
    possible = result.judged_points
    return {
        "text": summary(result, where),
        "submission": result.submission,
        "earned": result.earned,
        "possible": possible,
        "percent": 100 * result.earned / possible if possible else None,
        "for_review": result.review_points,
        "criteria": {f"{c.part}/{c.name}": c.earned for c in result.criteria},
        "audit": result.audit and result.audit.model_dump(mode="json"),
        "report": where,
        **({"people": [one.model_dump() for one in result.people]} if result.people else {}),
        **({"notes": result.notes} if result.notes else {}),
        "exit_code": 4 if ours else 0,
    }
