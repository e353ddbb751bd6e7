"""The whole check of a course: its files, its tests, and its exam put to the reference.

What was found to be good is kept in the store, by a hash of all that it was found of.
"""

from collections.abc import Callable, Iterator
from functools import partial

from assay.course.assignment import Assignment, Part
from assay.course.assignment import read as read_assignment
from assay.course_check import answers, apart, files, reference, table, tests
from assay.course_check.faults import together
from assay.errors import AssayError, CannotGrade, OurFault, UsageError
from assay.evidence import keys
from assay.evidence.store import Store
from assay.execution.forkserver import ForkServers
from assay.execution.job import Job
from assay.judge import judge
from assay.judge.evidence_view import Listed
from assay.records import CourseReport, Fault, Outcome, PartRead, RunRecord
from assay.source import syntax
from assay.submission import preflight, sections
from assay.submission.sections import Section
from assay.submission.submission import Submission


def static(
    assignment: Assignment, store: Store, servers: ForkServers, *next_steps: Callable[[], object]
) -> CourseReport:
    """Return what can be said without running a notebook.

    Seeds are those that assignment.toml has: whoever asks for others knows it. What is slow in the
    next steps is begun meanwhile, where the course is not known yet.
    """
    return _static(assignment, store, servers, {}, *next_steps)


def _static(
    assignment: Assignment,
    store: Store,
    servers: ForkServers,
    listed: dict[str, list[Listed]],
    *next_steps: Callable[[], object],
) -> CourseReport:
    """Return the same; `listed` gets the tests of each part that is not known yet."""
    written, begun = _as_written(assignment), list[Part]()

    def read(part: Part) -> CourseReport:
        parent = partial(judge.parent, written.root, part.rubric, servers)
        servers.ahead(*([] if begun else next_steps), parent)  # imports, while files are read
        begun.append(part)
        report, listed[part.name] = _static_of(written, part, store, servers)
        return report

    known = {part.name: keys.of_part(written, part) for part in written.part}
    return together(
        [store.checked(CourseReport, known[p.name], partial(read, p)) for p in written.part]
    )


def whole(
    assignment: Assignment,
    store: Store,
    servers: ForkServers,
    execute: Callable[[list[Job]], list[RunRecord]],
    *next_steps: Callable[[], object],
) -> CourseReport:
    """Return all that can be said; the exam is put to the reference where the rest is good.

    `execute` returns the records of the reference's runs; `next_steps` are those of `static`.

    Raises
    ------
    OurFault
        If the reference's run could not be made on this machine.
    """
    listed: dict[str, list[Listed]] = {}
    found = _static(assignment, store, servers, listed, *next_steps)
    if found.faults:
        return found
    try:
        answer = reference.submission(assignment)
        jobs = reference.jobs(assignment)
    except CannotGrade as error:
        faults = [_unreadable(assignment, one) for one in (error, *error.others)]
        return together([found, CourseReport(faults=faults)])
    if answer is None:
        note = "no notebook of the assignment's own: the exam was not put to a reference"
        return together([found, CourseReport(notes=[note])])
    broken = list(_syntax_errors(answer))
    if broken:
        return together([found, CourseReport(faults=broken)])
    made: list[RunRecord] = []

    def asked(section: Section) -> CourseReport:
        """Run all parts at once where one is not known, and draw for every seed of this one."""
        made.extend([] if made else execute(jobs))
        part = section.part
        read = _read(assignment, part, store)
        if read.faults:  # at seeds that assignment.toml does not have
            return CourseReport(faults=read.faults)
        more = reference.jobs_drawn_otherwise(assignment, part, read.draws)
        records = [*made, *(execute(more) if more else [])]
        of_part = [record for record in records if record.run.part == part.name]
        tests_of_part = listed.get(part.name) or tests.check(assignment, part, servers)[1]
        return _asked(section, of_part, store, servers, tests_of_part)

    answered = sections.sections(assignment, answer).values()
    known = {s.part.name: keys.of_part(assignment, s.part, answer.digest) for s in answered}
    reports = [store.checked(CourseReport, known[s.part.name], partial(asked, s)) for s in answered]
    return together([found, *reports])


def _unreadable(assignment: Assignment, error: AssayError) -> Fault:
    """The reference is there and cannot be read: which of its files, and why."""
    own = [part.notebook for part in assignment.part]
    where = next((name for name in own if name in error.what), own[0])
    why = " ".join(error.found.split())
    return Fault(where=where, said=f"the reference: {error.what}{f': {why}' if why else ''}")


def _syntax_errors(answer: Submission) -> Iterator[Fault]:
    """Yield the modules of the reference, its adapter among them, that are not Python."""
    for name, content in sorted(answer.files.items()):
        if name.endswith(".py"):
            try:
                syntax.parse(content)  # bytes, so that their own mark of an encoding counts
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 1
                said = f"the reference: {type(error).__name__}: {getattr(error, 'msg', error)}"
                yield Fault(where=f"{name}:{line}", said=said)


def _as_written(assignment: Assignment) -> Assignment:
    try:
        return read_assignment(assignment.root / assignment.file)
    except UsageError:  # somebody changed it since
        return assignment


def _read(assignment: Assignment, part: Part, store: Store) -> PartRead:
    """What all tests of a part rest on: a test file that stands by itself changes nothing of it."""
    recipe = keys.of_reading(assignment, part)
    return store.checked(PartRead, recipe, partial(apart.read, assignment, part))


def _static_of(
    assignment: Assignment, part: Part, store: Store, servers: ForkServers
) -> tuple[CourseReport, list[Listed]]:
    """Return what is wrong with a part's files, and its tests."""
    read = _read(assignment, part, store)
    faults = list(read.faults)
    if any(fault.is_usage or "Error: " in fault.said for fault in faults):
        return CourseReport(faults=faults), []  # pytest would say the same again
    faults += files.of_standalone(assignment, part, read.asked)
    of_tests, listed = tests.check(assignment, part, servers)
    faults += of_tests
    if faults or not (assignment.root / part.notebook).is_file():  # the reference is not asked then
        faults += tests.figures(assignment, part, None)
    return CourseReport(faults=faults, criteria=len(part.criterion), tests=len(listed)), listed


def _asked(
    section: Section,
    records: list[RunRecord],
    store: Store,
    servers: ForkServers,
    listed: list[Listed],
) -> CourseReport:
    """Return what the reference's runs of a part show."""
    assignment, part = section.assignment, section.part
    if not records:
        return _unasked(assignment, part)
    for record in records:
        if record.outcome is Outcome.INFRASTRUCTURE:
            what = f"its reference could not be run ({record.run.id})"
            raise OurFault(f"the course cannot be checked: {what}", found=record.reason)
    if not records[0].run.parameterised and (len(part.seeds) > 1 or part.matrix):
        why = section.once or "no cell sets its parameters"
        said = f"the reference takes no parameters, so every run would be the same: {why}"
        return CourseReport(faults=[Fault(where=part.notebook, said=said)])
    report = answers.check(section, records, store, servers, listed)
    return together([CourseReport(faults=_of_names(section)), report])


def _unasked(assignment: Assignment, part: Part) -> CourseReport:
    """A part that the reference does not answer: on purpose if it has no notebook."""
    if (assignment.root / part.notebook).is_file():
        said = "the reference has no cell of code that could be read"
        return CourseReport(faults=[Fault(where=part.notebook, said=said)])
    note = f"no notebook of the assignment's own answers `{part.name}`: it was not asked"
    return CourseReport(notes=[note])


def _of_names(section: Section) -> list[Fault]:
    """Return the names that the table asks for and that the reference does not spell anywhere."""
    assignment, part = section.assignment, section.part
    texts = b"\n".join(section.submission.files.values()).decode("utf-8", "replace")
    absent = [name for row in preflight.missing(section) for name in row.names]
    return [
        Fault(
            where=table.place(assignment, part, "NAMES", name=name),
            said=f"`NAMES` asks for `{name}`, and the reference has nothing of this name",
        )
        for name in absent
        if name not in texts
    ]
