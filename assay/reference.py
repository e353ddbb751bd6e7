"""The course's own answer to its exam: what tells a slip in the course from one of a student's.

The reference is the assignment's notebooks and solution. It is run once for each part, with the
first seed and the first value of everything that the matrix varies; its questions are drawn without
the course's secret, as those of `assay reproduce` are. So the run costs once per version of the
course: it is kept in the store like any other.
"""

from collections.abc import Sequence

from assay import intake, parts, plan
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
    """Return the jobs of the reference, one for each part that it answers."""
    answer = submission(assignment)
    return [] if answer is None else _jobs(assignment, answer, assignment.part)


def record(assignment: Assignment, part: Part, store: Store) -> RunRecord | None:
    """Return the reference's run of a part if it has been made; nothing is run for it.

    Its evidence lies in `store.folder(record.key)`, as a student's does.
    """
    try:
        answer = submission(assignment)
        found = _jobs(assignment, answer, [part]) if answer else []
    except CannotGrade:
        return None
    return next((store.record(store.key(job)) for job in found if store.knows(job)), None)


def _jobs(assignment: Assignment, answer: Submission, of: Sequence[Part]) -> list[Job]:
    """The first run of each of these parts that a notebook answers."""
    names = {part.name for part in of if _answers(assignment, part, answer)}
    first: dict[str, Run] = {}
    for run in plan.make(assignment, answer) if names else ():
        if run.part in names:
            first.setdefault(run.part, run)
    return assemble_all(assignment, answer, list(first.values()), PUBLIC)


def _answers(assignment: Assignment, part: Part, answer: Submission) -> bool:
    found = parts.sheet(assignment, part, answer)
    return found is not None and found.has_code
