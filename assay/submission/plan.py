"""Work out which runs a submission needs."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from assay.course.assignment import Assignment, Part
from assay.errors import CannotGrade, quoted
from assay.records import Result, Run
from assay.submission import books, modules, sections
from assay.submission.sections import Section
from assay.submission.submission import Submission


@dataclass(frozen=True)
class Plan:
    """What a submission answers each part with, and the runs that are still to be made."""

    assignment: Assignment
    submission: Submission
    sections: Mapping[str, Section]
    pending: Sequence[Run]

    def extended(self, result: Result) -> "Plan":
        """Return the plan with the runs that may decide what the result leaves undecided."""
        runs = [record.run for record in result.runs]
        more = []
        for part in self.assignment.part:
            properties = [p for c in result.criteria if c.part == part.name for p in c.properties]
            undecided = {place for prop in properties for place in prop.undecided}
            more += further(part, runs, undecided)
        return replace(self, pending=more)


def make(assignment: Assignment, submission: Submission) -> Plan:
    """Plan the runs of all parts that have code.

    Raises
    ------
    CannotGrade
        If no part has a notebook, or none with code in it, or several may answer one; if Python
        cannot read a module that may answer something.
    """
    books.decided(assignment, submission)
    by_part = sections.sections(assignment, submission)
    pending = runs(by_part)
    if not pending:
        raise _nothing_to_run(submission, by_part)
    modules.require_readable(assignment, submission)
    return Plan(assignment, submission, by_part, pending)


def runs(sections: Mapping[str, Section]) -> list[Run]:
    """Return one run for every part, seed and combination of the matrix, in that order.

    A notebook that takes no parameters is run once, as it stands, and asked what the first of
    those runs would be asked.
    """
    found = []
    for section in sections.values():
        if section.has_code:
            matrix = _matrix(section.part)
            once = matrix[0].model_copy(update={"parameterised": False})
            found += [once] if section.once else matrix
    return found


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


def _nothing_to_run(submission: Submission, sections: Mapping[str, Section]) -> CannotGrade:
    if empty := sorted({section.notebook for section in sections.values()} - {""}):
        return CannotGrade(
            f"there is no code in {quoted(f'{submission.name}/{empty[0]}')}",
            hint="was the notebook saved before it was handed in?",
        )
    return CannotGrade(
        f"no notebook of {quoted(submission.name)} answers a part of the assignment",
        found="notebooks found: " + ", ".join(submission.notebooks),
        hint="name them " + ", ".join(section.part.notebook for section in sections.values()),
    )
