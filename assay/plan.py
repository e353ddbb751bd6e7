"""Work out which runs a submission needs."""

import itertools
from collections.abc import Collection, Sequence

from assay import books, parts
from assay.assignment import Assignment, Part
from assay.errors import CannotGrade, quoted
from assay.records import Run
from assay.submission import Submission


def make(assignment: Assignment, submission: Submission) -> list[Run]:
    """One run for every part, seed and combination of the matrix, in that order.

    A notebook that takes no parameters is run once, as it stands, and asked what the first of
    those runs would be asked.

    Raises
    ------
    CannotGrade
        Where no part has a notebook, or none with code in it, or several may answer one.
    """
    books.decided(assignment, submission)
    runs = []
    for part in assignment.part:
        sheet = parts.sheet(assignment, part, submission)
        if sheet is not None and sheet.has_code:
            matrix = _matrix(part)
            once = matrix[0].model_copy(update={"parameterised": False})
            runs += [once] if sheet.once else matrix
    if not runs:
        raise _nothing_to_run(assignment, submission)
    return runs


def further(part: Part, runs: Sequence[Run], undecided: Collection[str]) -> list[Run]:
    """More seeds, as many as at first, for the places of this part that are undecided.

    None where the budget `max_seeds` is used up, or where the notebook takes no parameters.
    """
    more = []
    for place in sorted(undecided):
        beside = [run for run in runs if run.place == place and run.parameterised]
        used = {run.seed for run in beside}
        unused = (seed for seed in itertools.count() if seed not in used)
        room = min(part.batch, (part.max_seeds or 0) - len(used))
        for seed in itertools.islice(unused, max(0, room)) if beside else ():
            parameters = beside[0].parameters | {"seed": seed}
            more.append(beside[0].model_copy(update={"parameters": parameters}))
    return more


def _matrix(part: Part) -> list[Run]:
    return [
        Run(
            part=part.name, parameters={"seed": seed, **dict(zip(part.matrix, values, strict=True))}
        )
        for values in itertools.product(*part.matrix.values())
        for seed in part.seeds
    ]


def _nothing_to_run(assignment: Assignment, submission: Submission) -> CannotGrade:
    answering = {books.notebook_of(assignment, part, submission) for part in assignment.part}
    if empty := sorted(name for name in answering if name is not None):
        return CannotGrade(
            f"there is no code in {quoted(f'{submission.name}/{empty[0]}')}",
            hint="was the notebook saved before it was handed in?",
        )
    return CannotGrade(
        f"no notebook of {quoted(submission.name)} answers a part of the assignment",
        found="notebooks found: " + ", ".join(submission.notebooks),
        hint="name them " + ", ".join(part.notebook for part in assignment.part),
    )
