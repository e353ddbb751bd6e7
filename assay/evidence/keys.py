"""What a run and a judgement are made from, as one hash: where it is known, nothing is made again.

A recipe names more than can matter (all code of the course and of assay), so that it never says
"the same" wrongly; where it has changed, the run's own key decides whether it is made again.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from assay.course import files, standalone
from assay.course.assignment import Assignment, Part
from assay.course.secret import PUBLIC, Secret
from assay.evidence import numerics
from assay.records import Receipt, Result, Run
from assay.submission.sections import Section
from assay.submission.submission import Submission
from assay.version import __version__

OURS = Path(__file__).parents[1]


def of_run(section: Section, run: Run, code: str, secret: Secret = PUBLIC) -> str:
    """Everything that can change what goes into a run, and so what comes out of it."""
    assignment = section.assignment
    course: dict[str, object] = {
        "title": assignment.title,
        "limits": assignment.limits.model_dump(),
    }
    plan = {"part": section.part.model_dump(mode="json"), "run": run.model_dump(mode="json")}
    drawn = {"submission": section.submission.digest, "secret": secret.digest}
    return _hash(course | plan | drawn, code)


def of_judgement(section: Section, given: Mapping[str, object]) -> str:
    """Everything that can change what a judge says of this evidence.

    But for the test files that stand by themselves: `of_tests` names what is theirs.
    """
    part = section.part
    facts = {"part": part.model_dump(mode="json"), "given": given}
    return _hash(facts, shared_code(section.assignment, part))


def of_tests(assignment: Assignment, part: Part) -> dict[str, str]:
    """Return each test file of a part that stands by itself, with a hash of its name and text."""
    root = assignment.root
    alone = standalone.tests(assignment, part)
    named = {
        path.relative_to(root).as_posix(): files.digest_of(path)
        for path in sorted(alone)
        if path.is_relative_to(root / part.rubric)
    }
    return {n: hashlib.sha256(f"{n}\n{digest}".encode()).hexdigest() for n, digest in named.items()}


def of_report(result: Result) -> str:
    """Everything that can change a report."""
    return hashlib.sha256((ours() + result.model_dump_json()).encode()).hexdigest()


def receipt(assignment: Assignment, submission: Submission, secret: Secret = PUBLIC) -> Receipt:
    """Return what a result rests on, before there is one."""
    return Receipt(
        assay=__version__,
        code=ours(),
        course=files.digests(assignment),
        submission=submission.hashes,
        secret=secret.digest,
        looks={part.name: part.looks for part in assignment.part},
        pieces={},
    )


def our_files() -> list[Path]:
    """assay as it is installed here: its code, and the templates that its pages are made of."""
    paths = sorted(OURS.rglob("*"))
    return [path for path in paths if path.is_file() and "__pycache__" not in path.parts]


@cache
def ours() -> str:
    """A hash of assay's own files, wherever they are installed."""
    names = {path.relative_to(OURS).as_posix(): files.digest_of(path) for path in our_files()}
    return hashlib.sha256(json.dumps(names, sort_keys=True).encode()).hexdigest()


def of_part(assignment: Assignment, part: Part, reference: str = "") -> str:
    """Everything that can change what is wrong with a part of a course; `reference` is a digest of
    the course's own answer, if that was asked."""
    facts = {
        "assignment": (assignment.root / assignment.file).read_text(encoding="utf-8"),
        "part": part.name,
        "tests": of_tests(assignment, part),
        "reference": reference,
    }
    return _hash(facts, shared_code(assignment, part))


def of_reading(assignment: Assignment, part: Part) -> str:
    """Everything that can change what is wrong in a part's files, but for the test files that
    stand by themselves; and what it asks."""
    facts = {
        "read": part.model_dump(mode="json"),  # its seeds may not be those that are written
        "assignment": (assignment.root / assignment.file).read_text(encoding="utf-8"),
    }
    return _hash(facts, shared_code(assignment, part))


def code(assignment: Assignment, part: Part) -> str:
    """A hash of assay's own files and of those of the course that a rubric rests on."""
    return ours() + _code(assignment, files.of_part(assignment, part))


def shared_code(assignment: Assignment, part: Part) -> str:
    """The same without the test files that stand by themselves: no run and no other test file
    rests on them. On what they import all rests."""
    alone = standalone.tests(assignment, part)
    imports = {line for lines in alone.values() for line in lines.splitlines()}
    imported = hashlib.sha256("\n".join(sorted(imports)).encode()).hexdigest()
    return ours() + imported + _code(assignment, files.of_part(assignment, part) - alone.keys())


def _code(assignment: Assignment, paths: set[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        name = path.relative_to(assignment.root).as_posix()  # where the course lies changes nothing
        digest.update(f"{name}\n{files.digest_of(path)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _hash(facts: Mapping[str, object], code: str) -> str:
    known = {**facts} | {"code": code, "numerics": numerics.profile()}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
