"""The course's own answer to its exam: what tells a slip in the course from one of a student's.

The reference is the assignment's notebooks and solution. It is run once for every combination of
what the matrix varies, each with the next seed; and again where a student's run meets an exception
in the course's own code, with that run's parameters. Its questions are drawn without the course's
secret, as those of `assay reproduce` are. So its runs cost once per version of the course: they are
kept in the store like any other.
"""

from collections.abc import Collection, Sequence

from assay import books, intake, parts, plan
from assay.assignment import Assignment, Part
from assay.errors import CannotGrade
from assay.records import Run, RunRecord
from assay.run.assemble import Job, assemble_all
from assay.secret import PUBLIC
from assay.store import Store
from assay.submission import Submission


def submission(assignment: Assignment) -> Submission | None:
    """Return the assignment's own notebooks and solution; None if it has no notebook.

    Raises
    ------
    CannotGrade
        If they cannot be read.
    """
    own = [part.notebook for part in assignment.part if (assignment.root / part.notebook).is_file()]
    if not own:
        return None
    found = intake.read(assignment.root)
    if found.problems:
        found.problems[0].others = tuple(found.problems[1:])
        raise found.problems[0]
    outside = {name: (assignment.root / name).read_bytes() for name in own}
    return Submission("reference", outside | found.files, is_reference=True)


def jobs(assignment: Assignment) -> list[Job]:
    """Return the jobs of the reference, one for each place of the parts that it answers."""
    answer = submission(assignment)
    return [] if answer is None else _jobs(assignment, answer, assignment.part)


def jobs_at(assignment: Assignment, part: Part, runs: Collection[Run]) -> list[Job]:
    """Return the jobs of the reference with these runs' parameters; none if it cannot be run."""
    try:
        answer = submission(assignment)
    except CannotGrade:
        return []
    sections = parts.sections(assignment, answer) if answer else {}
    if not sections or not sections[part.name].has_code:
        return []
    same = [Run(part=part.name, parameters=run.parameters) for run in runs]
    return assemble_all(sections, same, PUBLIC)


def records(assignment: Assignment, part: Part, store: Store) -> list[RunRecord]:
    """Return the reference's runs of a part that have been made; nothing is run for it.

    Their evidence lies in `store.folder(record.key)`, as a student's does.
    """
    try:
        answer = submission(assignment)
        found = _jobs(assignment, answer, [part]) if answer else []
    except CannotGrade:
        return []
    return [store.record(store.key(job)) for job in found if store.knows(job)]


def _jobs(assignment: Assignment, answer: Submission, of: Sequence[Part]) -> list[Job]:
    """A run at each place of these parts that a notebook answers."""
    sections = parts.sections(assignment, answer)
    names = {part.name for part in of if sections[part.name].has_code}
    if names:
        books.decided(assignment, answer)
    places: dict[str, dict[str, list[Run]]] = {}
    for run in plan.runs(sections):
        if run.part in names:
            places.setdefault(run.part, {}).setdefault(run.place, []).append(run)
    chosen = [
        seeds[number % len(seeds)]
        for of_part in places.values()
        for number, seeds in enumerate(of_part.values())
    ]
    return assemble_all(sections, chosen, PUBLIC)
