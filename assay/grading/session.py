"""A session: all that grading needs, owned in one place, and the way into the library.

What runs and judges is imported where it is called for: `assay check` has no use for it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from math import prod
from pathlib import Path
from threading import Lock, RLock
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from assay import interrupts
from assay.course import assignment as assignments
from assay.course.assignment import Assignment, Part
from assay.course.secret import Secret, beside
from assay.errors import (
    OF_NO_SUBMISSION,
    AssayError,
    OurFault,
)
from assay.events import Event, Failed, Message, SubmissionGraded
from assay.evidence.store import Store
from assay.extras import need
from assay.records import Audit, Check, CourseReport, Judgement, Result, Run, RunRecord
from assay.scheduling.resources import ResourcePool, available_cores
from assay.submission import plan as plans
from assay.submission import sections
from assay.submission.plan import Plan
from assay.submission.sections import Section
from assay.submission.submission import Submission
from assay.submission.submission import read as read_submission

if TYPE_CHECKING:
    from assay.execution.job import Job
    from assay.execution.machine import Machine
    from assay.grading.executors import Executor, NewRuns
    from assay.scheduling.cluster import Cluster
    from assay.submission.discovery import HandIn

JOINING = 256
"""Workers of a cluster that there is work enough for, before they are there."""
OF_COURSE = "the course's check"
"""Whose runs those of the course's own answer are called."""

logger = logging.getLogger(__name__)
Item = TypeVar("Item")
Answer = TypeVar("Answer")
logging.getLogger("assay").addHandler(logging.NullHandler())


class Session:
    """Grade submissions of one assignment, and keep what was run.

        with assay.Session("assignment.toml", jobs=8) as session:
            result = session.grade("submissions/ada.zip")

    Parameters
    ----------
    assignment
        The assignment, or the path of its assignment.toml.
    store
        What keeps the runs; `.assay/store` beside the assignment by default.
    reports
        The folder that results are written into; `reports` beside the assignment by default.
    jobs
        How many runs to execute at once; one a core by default.
    require_isolation
        Nothing of a student's is run where less isolates it (docs/sandbox.md has the levels).
    force
        Execute what the store has, too.
    check_course
        Check the course before the first run, so that its faults cost no student a mark.
    own
        The course's own answer is graded: tests that it fails are no fault then.
    cluster
        Runs are executed there, and not on the cores of this machine.
    key
        What results are signed with.
    secret
        What questions are drawn with; the course's own by default.
    executor
        Knows the records of jobs: nothing is executed, here or on the cluster.
    machine
        Processes and a proved sandbox that other sessions use too, and that outlive this one.
    listen
        Called with each event, from any thread; all are logged under `assay` as well.
    """

    def __init__(
        self,
        assignment: Assignment | Path | str,
        store: Store | None = None,
        reports: Path | None = None,
        *,
        jobs: int | None = None,
        require_isolation: int = 3,
        force: bool = False,
        check_course: bool = True,
        own: bool = False,
        cluster: "Cluster | None" = None,
        key: bytes | None = None,
        secret: Secret | None = None,
        executor: "Executor | None" = None,
        machine: "Machine | None" = None,
        listen: Callable[[Event], object] = lambda event: None,
    ) -> None:
        if not isinstance(assignment, Assignment):
            assignment = assignments.read(Path(assignment))
        self.assignment = assignment
        self.store = store or Store(assignment.root / ".assay" / "store")
        self.reports = reports or assignment.root / "reports"
        self.resources = ResourcePool(jobs or available_cores())
        self.require_isolation = require_isolation
        self.force = force
        self.check_course = check_course and executor is None
        self.own = own
        self.cluster = cluster
        self.key = key
        self.executor = executor
        self._machine, self._owns_machine = machine, machine is None
        self._new_runs: NewRuns | None = None
        self._making = RLock()
        self.listen = listen
        self.secret = secret or beside(self.store.root, lambda text: self.emit(Message(text)))
        self._course: list[CourseReport] = []
        self._checking = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if kind and not issubclass(kind, Exception):
            self.stop()
        self.close()

    def close(self) -> None:
        """End the processes that were started for runs and judges."""
        if self._owns_machine and self._machine:
            self._machine.close()
        if self.cluster:
            self.cluster.close()

    def stop(self) -> None:
        """End everything that runs, and begin nothing more in this session."""
        self.machine.stop()
        if self.cluster:
            self.cluster.close()

    def grade(self, submission: Submission | Path | str) -> Result:
        """Return the result of a submission, and write it to results.json.

        Raises
        ------
        AssayError
            If it cannot be graded: the error says whose fault that is, and what would help.
        """
        if not isinstance(submission, Submission):
            submission = read_submission(Path(submission))
        plan = self.plan(submission)
        with self.store.in_use():
            self.require_course()
            return self._grade(plan, self.executor or self.new_runs)

    def _grade(self, plan: Plan, executor: "Executor") -> Result:
        """Execute, judge and score what the plan has pending, until it has nothing more."""
        from assay.grading import results

        records: list[RunRecord] = []
        judgements: dict[str, Judgement] = {}
        while plan.pending:
            fresh = executor.execute(plan.submission.name, self.jobs(plan))
            if not fresh:
                break
            records += fresh
            judgements |= self._judgements(plan.sections, fresh, records, executor)
            result = results.result(plan.sections, records, judgements, self.store)
            plan = plan.extended(result)
        result = self.seal(plan.submission, result)
        self.emit(SubmissionGraded(plan.submission.name, result))
        return result

    def judge(self, submission: Submission) -> Result:
        """Judge and score the runs that the store has, and write results.json.

        Raises
        ------
        CannotGrade
            If a run of the plan has not been made yet.
        """
        from assay.grading.executors import StoredRuns

        plan = self.plan(submission)
        with self.store.in_use():
            return self._grade(plan, StoredRuns(self.store, self.jobs(plan)))

    def debug(self, submission: Submission, arguments: Sequence[str]) -> list[int]:
        """Run the rubric's tests over stored runs in this terminal, and write nothing.

        `arguments` are pytest's; returned are its exit codes, of each part with runs.
        """
        from assay.grading.executors import StoredRuns
        from assay.judge import judge

        plan = self.plan(submission)
        jobs = self.jobs(plan)
        records = StoredRuns(self.store, jobs).execute(submission.name, jobs)
        by_part = {name: [r for r in records if r.run.part == name] for name in plan.sections}
        return [
            judge.debug(plan.sections[name], of_part, self.store, arguments)
            for name, of_part in by_part.items()
            if of_part
        ]

    def judge_again(self, submission: Submission, records: list[RunRecord]) -> Result:
        """Return the result of these runs, judged once more; nothing is run or written."""
        from assay.grading import results

        by_part = sections.sections(self.assignment, submission)
        judgements = self._judgements(by_part, records, records, self.executor or self.new_runs)
        return results.result(by_part, records, judgements, self.store)

    def audit(self, submission: Submission, result: Result, per_place: int) -> Result:
        """Return the result with an audit: some runs of each place repeated twice, compared."""
        from assay.execution.job import assemble_all

        chosen: dict[str, list[RunRecord]] = {}
        for record in result.runs:
            chosen.setdefault(record.run.place, []).append(record)
        records = [record for of_place in chosen.values() for record in of_place[:per_place]]
        by_part = sections.sections(self.assignment, submission)
        sample = assemble_all(by_part, [record.run for record in records], self.secret)
        kept = {r.run.id: self.store.files(r.key) for r in records if self.store.has(r.key)}
        with ThreadPoolExecutor(max(1, len(sample))) as pool:
            found = list(pool.map(lambda job: self.new_runs.audit(job, kept), sample))
        whole = Audit(
            runs=sum(one.runs for one in found),
            arrays=sum(one.arrays for one in found),
            differing=[difference for one in found for difference in one.differing],
            unmade=[run for one in found for run in one.unmade],
        )
        return self.seal(submission, result.model_copy(update={"audit": whole}))

    def seal(self, submission: Submission, result: Result) -> Result:
        """Return the result with its receipt, after writing it to results.json."""
        from assay.evidence import keys, packing, receipt

        rests_on = keys.receipt(self.assignment, submission, self.secret)
        result = receipt.sealed(result, rests_on, self.key)
        text = result.model_dump_json(indent=1)
        packing.write_whole(self.folder(submission) / "results.json", text.encode())
        return result

    def grade_all(self, *paths: Path | str) -> Iterator[SubmissionGraded | Failed]:
        """Grade every submission at these paths, and yield each as it is done.

        Raises
        ------
        AssayError
            If the course or this machine cannot grade: that is no submission's fault.
        """
        from assay.submission import discovery

        found = discovery.discover(map(Path, paths), self.assignment, self.reports).found
        with self.each(self._attempt, found) as futures:
            for future in as_completed(futures):
                yield future.result()

    @contextmanager
    def each(
        self, function: Callable[[Item], Answer], items: Iterable[Item]
    ) -> Iterator[list[Future[Answer]]]:
        """Call a function with each item, in threads, as many at once as keep the machine busy.

        Ctrl-C stops the session: what runs ends, and what was run is kept.
        """
        with ThreadPoolExecutor(self.at_once) as pool:
            futures: list[Future[Answer]] = []
            try:
                with interrupts.held_back():
                    futures += [pool.submit(function, item) for item in items]
                yield futures
            except KeyboardInterrupt:
                with interrupts.held_back():
                    self.stop()  # or the threads would wait for their runs
                raise
            finally:
                for future in futures:
                    future.cancel()

    def _attempt(self, of: "HandIn") -> SubmissionGraded | Failed:
        try:
            return SubmissionGraded(of.name, self.grade(of.read()))
        except OF_NO_SUBMISSION:
            raise
        except Exception as caught:
            what = f"`{of.name}` met a bug of assay's: {type(caught).__name__}: {caught}"
            failed = Failed(of.name, caught if isinstance(caught, AssayError) else OurFault(what))
            logger.info("%s", what, exc_info=caught)
        self.emit(failed)
        return failed

    def emit(self, event: Event) -> None:
        """Log an event, and pass it on to whoever listens."""
        logger.info("%s", event)
        self.listen(event)

    @property
    def at_once(self) -> int:
        """How many submissions to work on, so that there is always something to run."""
        parts = self.assignment.part
        runs = sum(len(p.seeds) * prod(map(len, p.matrix.values())) for p in parts)
        there = 2 * max(self.cluster.workers, JOINING) // runs if self.cluster else 0
        return self.resources.workers + 1 + there

    def folder(self, submission: Submission) -> Path:
        """Return the folder of a submission's reports."""
        return self.reports / submission.folder

    def plan(self, submission: Submission) -> Plan:
        """Plan the runs of a submission.

        Raises
        ------
        CannotGrade
            If there is nothing to run.
        """
        return plans.make(self.assignment, submission)

    def jobs(self, plan: Plan) -> "list[Job]":
        """Return the jobs of the plan's pending runs."""
        from assay.execution.job import assemble_all

        return assemble_all(plan.sections, plan.pending, self.secret)

    def _judgements(
        self,
        sections: Mapping[str, Section],
        fresh: Sequence[RunRecord],
        records: list[RunRecord],
        executor: "Executor",
    ) -> dict[str, Judgement]:
        """Judge each part that has fresh runs, side by side, over all its records."""
        from assay.judge import judge

        names = {record.run.part for record in fresh}
        chosen = {name: section for name, section in sections.items() if name in names}
        workers = max(1, min(judge.WORKERS, self.resources.workers // max(1, len(chosen))))
        judge_one = partial(self._judgement, records=records, executor=executor, workers=workers)
        with ThreadPoolExecutor() as pool:
            found = pool.map(judge_one, chosen.values())
            return dict(zip(chosen, found, strict=True))

    def _judgement(
        self, section: Section, records: list[RunRecord], executor: "Executor", workers: int
    ) -> Judgement:
        """Judge one part, by several processes if as many cores are idle."""
        from assay.judge import judge, score

        of_part = [record for record in records if record.run.part == section.part.name]
        with self.resources.taken(), self.resources.idle(workers - 1) as more:
            found = judge.judge(section, of_part, self.store, self.machine.servers, 1 + more)
        if not any(check.stumbled for check in found.checks):
            return found
        doubtful = score.in_doubt(found.checks)
        of_reference = self._of_reference(
            section.part, [r.run for r in of_part if r.run.id in doubtful], executor
        )
        return found.model_copy(update={"checks": score.settled(found.checks, of_reference)})

    def _of_reference(self, part: Part, runs: list[Run], executor: "Executor") -> list[Check]:
        """Return what the judge says of the course's own answer, in these runs too."""
        from assay.course_check import reference
        from assay.judge import judge

        jobs = reference.jobs_at(self.assignment, part, runs)
        new = [job for job in jobs if not self.store.knows(job)]
        records = {r.key: r for r in reference.records(self.assignment, part, self.store)}
        known = [self.store.record(self.store.key(job)) for job in jobs if job not in new]
        for record in [*known, *(executor.execute(OF_COURSE, new) if new else [])]:
            records[record.key] = record
        answer = reference.submission(self.assignment) if records else None
        if answer is None:
            return []
        section = sections.sections(self.assignment, answer)[part.name]
        with self.resources.taken():
            return judge.judge(
                section, list(records.values()), self.store, self.machine.servers
            ).checks

    def read_course(self) -> None:
        """Raise if the course's files are written wrongly; nothing is run for it."""
        from assay.course_check import check
        from assay.course_check.faults import as_error

        with self._checking:
            if not self._course:
                self._course.append(check.static(self.assignment, self.store, self.machine.servers))
        if self._course[0].faults:
            raise as_error(self._course[0].faults)

    def course_report(self) -> CourseReport:
        """Return what is wrong with the course; looked at once for all submissions."""
        from assay.course_check import check

        with self._checking:
            if not self._course:
                servers, execute = self.machine.servers, partial(self.execute, OF_COURSE)
                ahead = [] if self.cluster or self.executor else [self.machine.isolation.warmest]
                report = check.whole(self.assignment, self.store, servers, execute, *ahead)
                self._course.append(report)
                for note in self._course[0].notes:
                    self.emit(Message(f"note: {note}"))
        return self._course[0]

    def require_course(self) -> None:
        """Raise if the course cannot grade: no student's code has been run then.

        Raises
        ------
        CourseFault
            With all that is wrong with it.
        """
        from assay.course_check.faults import as_error

        if not self.check_course:
            return
        found = self.course_report()
        if faults := [*found.faults, *(() if self.own else found.failing)]:
            raise as_error(faults)

    def execute(self, name: str, jobs: "Sequence[Job]") -> list[RunRecord]:
        """Return the records of the jobs of `name`, from wherever this session has them."""
        with self.store.in_use():
            return (self.executor or self.new_runs).execute(name, jobs)

    @property
    def machine(self) -> "Machine":
        """What this session runs and judges on; unless it was given, it ends with the session.

        Raises
        ------
        UsageError
            If what grades is not installed: `pip install "assay[grade]"`.
        """
        from assay.execution.machine import Machine

        with self._making:
            if not self._machine:
                need("grade")
                self._machine = Machine()
            return self._machine

    @property
    def new_runs(self) -> "NewRuns":
        """What executes runs: the cores of this machine, or the workers of a cluster."""
        from assay.grading.executors import ClusterExecutor, LocalExecutor

        there = partial(ClusterExecutor, cluster=self.cluster) if self.cluster else LocalExecutor
        with self._making:
            self._new_runs = self._new_runs or there(
                assignment=self.assignment,
                store=self.store,
                machine=self.machine,
                resources=self.resources,
                emit=self.emit,
                require_isolation=self.require_isolation,
                force=self.force,
            )
            return self._new_runs
