"""Say exactly what was changed: of a result, of what it rests on, and whether it still follows.

Evidence is judged anew by the course's own rubric, in the usual judge process. So a rubric is run
only where its files are those that the result names, and where the result is signed if one has a
key to check that with.
"""

import hashlib
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.course import files as course_files
from assay.course.assignment import Assignment
from assay.course.secret import PUBLIC
from assay.errors import OurFault, quoted
from assay.evidence import keys, numerics, packing, questions, receipt
from assay.evidence.answers import fingerprint
from assay.evidence.packing import MANIFEST, hash_differences
from assay.evidence.questions import DRAWN, SEED
from assay.evidence.store import Fresh, Store
from assay.execution.machine import Machine
from assay.grading import publish
from assay.grading.session import Session
from assay.provenance import compare
from assay.records import Criterion, Measurement, Receipt, Record, Result, RunRecord
from assay.report import summary
from assay.submission.submission import Submission
from assay.words import counted

Number = float | list[float] | list[list[float]]


class Finding(Record):
    """One thing that was looked at: what was `changed`, what is `open`, or why it was `skipped`.

    What is open is neither shown to be changed nor shown to be as it was: a person looks at it.
    """

    what: str
    said: str = ""
    changed: list[str] = []
    open: list[str] = []
    skipped: str = ""


@dataclass(frozen=True)
class Held:
    """What a result is held against: as much of it as there is."""

    course: Assignment | None = None
    submission: Submission | None = None
    store: Store | None = None
    key: bytes | None = None
    machine: Machine | None = None
    """What judges again; processes of its own where there is none."""


def verify(result: Result, held: Held) -> list[Finding]:
    """Return every finding, in the order in which one rests on the other."""
    known = result.receipt
    if known is None:
        return [Finding(what="the result", skipped="it has no receipt: an older assay wrote it")]
    signed, course = _signature(known, held.key), _course(known, held.course)
    submission = _submission(result, known, held.submission)
    draws = None if signed.changed or course.changed else held.course
    evidence = _evidence(result, held.store, draws)
    found = [_pieces(result, known), signed, _program(known), course, submission, evidence]
    untrusted = ""
    if evidence.open:
        untrusted = "that takes the questions, and these cannot be drawn again"
    if signed.changed or course.changed or submission.changed or evidence.skipped:
        untrusted = "not by a rubric, or of files, that were changed"
    return [*found, _judged(result, known, held, untrusted)]


def distrust(result: Result, held: Held) -> list[str]:
    """Why the rubric that a result comes with must not be run: nothing, if it may."""
    if result.receipt is None:
        return ["it has no receipt"]
    found = _signature(result.receipt, held.key), _course(result.receipt, held.course)
    return [f"{one.what}: {said}" for one in found for said in one.changed]


def _pieces(result: Result, known: Receipt) -> Finding:
    said = (
        f"{counted(len(result.criteria), 'criterion', 'criteria')}, "
        f"{counted(len(result.runs), 'run')}, as they were written"
    )
    return Finding(what="the result", said=said, changed=receipt.changed(result, known.pieces))


def _signature(known: Receipt, key: bytes | None) -> Finding:
    what = "the signature"
    if key is None:
        state = "there is no key to check it with" if known.signature else "it is not signed"
        return Finding(what=what, skipped=state)
    if not known.signature:
        return Finding(what=what, changed=["it is not signed"])
    if not receipt.is_signed_with(known, key):
        return Finding(what=what, changed=["it was not made with this key, or not of this receipt"])
    return Finding(what=what, said="made with this key")


def _program(known: Receipt) -> Finding:
    """Not a change: a newer assay may judge otherwise, and then it should be known."""
    if known.code != keys.ours():
        return Finding(what="assay", skipped=f"{known.assay} wrote it, of other code than this")
    return Finding(what="assay", said=f"{known.assay}, the code that wrote it")


def _course(known: Receipt, course: Assignment | None) -> Finding:
    what = "the course"
    if course is None:
        return Finding(what=what, skipped="there is no assignment to compare with")
    changed = hash_differences(known.course, course_files.digests(course))
    return Finding(what=what, said=f"{len(known.course)} files", changed=changed)


def _submission(result: Result, known: Receipt, submission: Submission | None) -> Finding:
    what = "the submission"
    if submission is None:
        return Finding(what=what, skipped="name it with `--submission`")
    changed = hash_differences(known.submission, submission.hashes)
    if not changed and result.digest != submission.digest:
        changed = ["`digest` is that of another submission"]
    return Finding(what=what, said=f"{len(known.submission)} files", changed=changed)


def _evidence(result: Result, store: Store | None, course: Assignment | None) -> Finding:
    """Whether the runs are as recorded; a course that is not trusted draws no question again."""
    what = "the evidence"
    if store is None:
        return Finding(what=what, skipped="there is no store to look into")
    missing = [record.run.id for record in result.runs if not store.has(record.key)]
    if missing or not result.runs:
        gone = f"{len(missing)} of {len(result.runs)} runs are not kept here"
        return Finding(what=what, skipped=gone)
    files = 0
    changed: list[str] = []
    undrawn: list[str] = []
    for record in result.runs:
        try:
            kept = store.files(record.key)
            if course:
                try:
                    kept = questions.whole(kept, record.run, course)
                except questions.NotDrawn as error:
                    undrawn.append(f"{error.what}: {error.found}; {_why_not_drawn(record)}")
            files += len(kept)
            changed += [f"{record.run.id}: {said}" for said in _run(record, store, kept)]
        except OurFault as error:
            changed.append(f"{record.run.id}: {error.what}: {error.found}")
    said = f"{len(result.runs)} runs, {files:,} files"
    return Finding(what=what, said=said, changed=changed, open=undrawn)


def _why_not_drawn(record: RunRecord) -> str:
    """The course is as it was: what can be different nevertheless."""
    if record.numerics != numerics.profile():
        return "they were drawn with other numerics than there are here"
    return f"{quoted(SEED)} was changed, or the course draws otherwise each time"


def _run(record: RunRecord, store: Store, kept: dict[str, bytes]) -> Iterator[str]:
    """What of a run is not as its record says."""
    try:
        if store.record(record.key) != record:
            yield "`run.json` is not what the result says of it"
    except ValueError:
        yield "`run.json` cannot be read"
    manifest = kept.get(MANIFEST, b"")
    files = {name: held for name, held in kept.items() if name not in ("run.json", MANIFEST)}
    if record.evidence and hashlib.sha256(manifest).hexdigest() != record.evidence:
        yield f"`{MANIFEST}` was changed"
    elif record.evidence:
        listed = packing.listed(manifest.decode("utf-8", "replace"))
        if SEED in files:  # its questions were not drawn again
            del files[SEED]
            listed = {name: held for name, held in listed.items() if not name.startswith(DRAWN)}
        yield from packing.differences(listed, files)
    if fingerprint(files) != record.fingerprint:
        yield "the recorded arrays are not those of its fingerprint"


def _judged(result: Result, known: Receipt, held: Held, untrusted: str) -> Finding:
    """The result held against what is judged now, unless there is a reason not to."""
    what = "judged again"
    if not (held.course and held.submission and held.store):
        return Finding(what=what, skipped="that takes the course, the submission and the evidence")
    if untrusted:
        return Finding(what=what, skipped=untrusted)
    store = Fresh(held.store.root)
    course = _as_looked_at(held.course, known)
    with (
        tempfile.TemporaryDirectory() as nowhere,
        Session(course, store, Path(nowhere), secret=PUBLIC, machine=held.machine) as session,
    ):
        again = session.judge_again(held.submission, result.runs)
    exact = all(record.numerics == numerics.profile() for record in result.runs)
    said = "every mark and every number the same" if exact else "every mark the same"
    return Finding(what=what, said=said, changed=list(unlike(result, again, exact=exact)))


def pages(folder: Path, result: Result, held: Held) -> Finding:
    """Whether a report is what assay writes of this result: every page, picture and notebook."""
    what = "the report"
    known = result.receipt
    if known is None or known.code != keys.ours() or not (held.course and held.store):
        return Finding(what=what, skipped="that takes the assignment, and the assay that wrote it")
    if not all(held.store.has(record.key) for record in result.runs):
        return Finding(what=what, skipped="the notebooks as they ran are not kept here")
    with tempfile.TemporaryDirectory() as place:
        session = Session(held.course, held.store, Path(place), jobs=1, secret=PUBLIC)
        made = publish.report(session, Submission("again", {}), result).parent
        paths = [path for path in made.rglob("*") if path.is_file() and path.name[0] != "."]
        names = sorted(path.relative_to(made) for path in paths)
        changed = [
            f"`{name}` is not what assay writes of this result"
            for name in names
            if not _alike(folder / name, made / name)
        ]
    return Finding(what=what, said=f"{len(names)} files", changed=changed)


def _alike(one: Path, other: Path) -> bool:
    return one.is_file() and one.read_bytes() == other.read_bytes()


def _as_looked_at(course: Assignment, known: Receipt) -> Assignment:
    """The course as it was graded by: other seeds than its own have other numbers of looks."""
    parts = [
        part.model_copy(update={"max_seeds": looks * part.batch if looks > 1 else None})
        for part in course.part
        for looks in [known.looks.get(part.name, 1)]
    ]
    return course.model_copy(update={"part": parts})


def unlike(result: Result, again: Result, *, exact: bool) -> Iterator[str]:
    """A sentence for each mark and number that does not follow from the evidence.

    Numbers are compared exactly where the numerics are the same, else within tolerance.
    """
    then, now = ({(c.part, c.name): c for c in r.criteria} for r in (result, again))
    for name in dict.fromkeys([*then, *now]):
        yield from _criterion("/".join(name), then.get(name), now.get(name), exact=exact)
    numbers, others = ({_key(m): m.value for m in r.measurements} for r in (result, again))
    for key in dict.fromkeys([*numbers, *others]):
        if not _same(numbers.get(key), others.get(key), exact=exact):
            yield f"{key[0]}: {quoted(key[1])} is not what was measured again"
    if result.written != again.written:
        yield "the written answers are not those of the submission"


def _marks(criterion: Criterion) -> tuple[object, ...]:
    return criterion.verdict, criterion.judged, criterion.earned, criterion.unexcused


def _criterion(
    name: str, then: Criterion | None, now: Criterion | None, *, exact: bool
) -> Iterator[str]:
    if then is None or now is None:
        yield f"{name}: {'only in the result' if now is None else 'missing from the result'}"
    elif _marks(then) != _marks(now):
        says, is_now = (f"{c.verdict}, {summary.mark(c)}" for c in (then, now))
        yield f"{name}: the result says {says}; judged again it is {is_now}"
    elif exact and then != now:
        yield f"{name}: the marks are right, what is said of them is not"


def _key(m: Measurement) -> tuple[str, str]:
    return m.run or m.part, m.name


def _same(one: Number | None, other: Number | None, *, exact: bool) -> bool:
    if exact or not (isinstance(one, float) and isinstance(other, float)):
        return not exact or one == other
    return math.isclose(one, other, abs_tol=compare.ABSOLUTE, rel_tol=compare.RELATIVE)


def in_words(findings: list[Finding]) -> str:
    """A line for each finding, and below it one for each change and for each thing left open."""
    lines = []
    for found in findings:
        sign = "✗" if found.changed else "?" if found.open else "–" if found.skipped else "✓"
        counts = ((found.changed, "changed"), (found.open, "open"))
        said = ", ".join(f"{len(those)} {word}" for those, word in counts if those)
        lines.append(f"{sign} {found.what:<15} {said or found.skipped or found.said}")
        lines += [f"    {line}" for line in [*found.changed, *found.open]]
    return "\n".join(lines)
