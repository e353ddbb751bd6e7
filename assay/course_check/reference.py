"""The course's own answer to its exam: what tells a slip in the course from one of a student's.

The reference is the assignment's notebooks and solution. It is run once for every combination of
what the matrix varies, each with the next seed; at a seed for which other questions are drawn from
the same generator, when the course is checked; and again where a student's run meets an exception
in the course's own code, with that run's parameters. Its questions are drawn without the course's
secret, as those of `assay reproduce` are. So its runs cost once per version of the course: they are
kept in the store like any other.
"""

from collections.abc import Collection, Mapping, Sequence

from assay.course.assignment import Assignment, Part
from assay.course.secret import PUBLIC
from assay.course_check.files import key_of
from assay.errors import CannotGrade
from assay.evidence.store import Store
from assay.execution.job import Job, assemble_all
from assay.records import Draw, Run, RunRecord
from assay.submission import books, own_checks, plan, reader, sections
from assay.submission.submission import Submission

FEW = 3
"""Seeds: of so few, each may have a draw of its own, and is asked by itself."""


def submission(assignment: Assignment) -> Submission | None:
    """Return the assignment's own notebooks and solution as they are graded.

    None if it has no notebook.

    Raises
    ------
    CannotGrade
        If they cannot be read.
    """
    files = written(assignment)
    return Submission("reference", own_checks.without(files), is_reference=True) if files else None


def written(assignment: Assignment) -> dict[str, bytes]:
    """Return their files as they are written; none if there is no notebook.

    Raises
    ------
    CannotGrade
        If they cannot be read.
    """
    own = [part.notebook for part in assignment.part if (assignment.root / part.notebook).is_file()]
    if not own:
        return {}
    found = reader.read(assignment.root)
    if found.problems:
        found.problems[0].others = tuple(found.problems[1:])
        raise found.problems[0]
    outside = {name: (assignment.root / name).read_bytes() for name in own}
    return outside | found.files


def jobs(assignment: Assignment) -> list[Job]:
    """Return the jobs of the reference, one for each place of the parts that it answers."""
    answer = submission(assignment)
    return [] if answer is None else _jobs(assignment, answer, assignment.part)


def jobs_drawn_otherwise(
    assignment: Assignment, part: Part, draws: Mapping[str, Draw]
) -> list[Job]:
    """Return jobs at the seeds for which `given.draw` makes something else of the same generator.

    One for each kind of draw that `jobs` has not. A seed is a number like any other, and few draws
    look at it: one that does may be wrong for that seed alone. Where every seed has a draw of its
    own, those count as one kind that have the same questions, shapes and promises.
    """
    answer = submission(assignment)
    if answer is None:
        return []
    by_part = sections.sections(assignment, answer)
    asked = {(job.run.place, job.run.seed) for job in _jobs(assignment, answer, assignment.part)}
    places: dict[str, list[Run]] = {}
    for run in plan.runs(by_part):
        if run.part == part.name:
            places.setdefault(run.place, []).append(run)
    found = []
    for place, runs in places.items():
        drawn = [draws[key_of(run.parameters)] for run in runs]
        kinds = [draw.whole for draw in drawn]
        if len(set(kinds)) == len(runs) > FEW:
            kinds = [draw.form for draw in drawn]
        known = {kind for kind, run in zip(kinds, runs, strict=True) if (place, run.seed) in asked}
        for kind, run in zip(kinds, runs, strict=True):
            if kind not in known:
                known.add(kind)
                found.append(run)
    return assemble_all(by_part, found, PUBLIC)


def jobs_at(assignment: Assignment, part: Part, runs: Collection[Run]) -> list[Job]:
    """Return the jobs of the reference with these runs' parameters; none if it cannot be run."""
    try:
        answer = submission(assignment)
    except CannotGrade:
        return []
    by_part = sections.sections(assignment, answer) if answer else {}
    if not by_part or not by_part[part.name].has_code:
        return []
    same = [Run(part=part.name, parameters=run.parameters) for run in runs]
    return assemble_all(by_part, same, PUBLIC)


def records(assignment: Assignment, part: Part, store: Store) -> list[RunRecord]:
    """Return the reference's runs of a part that have been made; nothing is run for it.

    Their evidence lies in the store, as a student's does.
    """
    try:
        answer = submission(assignment)
        found = _jobs(assignment, answer, [part]) if answer else []
    except CannotGrade:
        return []
    return [store.record(store.key(job)) for job in found if store.knows(job)]


def _jobs(assignment: Assignment, answer: Submission, of: Sequence[Part]) -> list[Job]:
    """A run at each place of these parts that a notebook answers."""
    by_part = sections.sections(assignment, answer)
    names = {part.name for part in of if by_part[part.name].has_code}
    if names:
        books.decided(assignment, answer)
    places: dict[str, dict[str, list[Run]]] = {}
    for run in plan.runs(by_part):
        if run.part in names:
            places.setdefault(run.part, {}).setdefault(run.place, []).append(run)
    chosen = [
        seeds[number % len(seeds)]
        for of_part in places.values()
        for number, seeds in enumerate(of_part.values())
    ]
    return assemble_all(by_part, chosen, PUBLIC)
