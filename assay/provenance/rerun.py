"""Make the runs of one seed again from what a crate holds, and say whether the same comes out.

Bits are compared where the numerics are the same; verdicts always: of the runs that are kept and of
the new ones, each judged alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from assay.course.secret import PUBLIC
from assay.errors import UsageError
from assay.evidence.store import Store
from assay.execution.forkserver import ForkServers
from assay.execution.job import WORKDIR, Job, assemble_all
from assay.grading.session import Session
from assay.judge import judge
from assay.provenance.crate import Opened
from assay.records import Check, Outcome, Record, RunRecord
from assay.submission import sections
from assay.submission.sections import Section


class Again(Record):
    """A run that was made again: whether its bits are the same, and the verdicts that are not.

    `same_bits` is None where the numerics differ: bits then prove nothing.
    """

    run: str
    outcome: Outcome
    same_bits: bool | None
    unlike: list[str]


class Rerun(Record):
    """All runs of a seed, and the verdicts over all of them together that are not the same."""

    runs: list[Again]
    unlike: list[str]

    @property
    def is_same(self) -> bool:
        return not self.unlike and all(r.same_bits is not False and not r.unlike for r in self.runs)


def rerun(crate: Opened, seed: int, name: str, session: Session) -> Rerun:
    """Return the runs of this seed, executed by the session and held against those of the crate.

    Raises
    ------
    UsageError
        If the crate has no run of this seed, or not the questions of one.
    """
    kept = [record for record in crate.result.runs if record.run.seed == seed]
    if not kept:
        seeds = sorted({record.run.seed for record in crate.result.runs})
        raise UsageError(
            f"the crate has no run of seed {seed}", found=f"it has {', '.join(map(str, seeds))}"
        )
    by_part = sections.sections(crate.course, crate.submission)
    jobs = assemble_all(by_part, [record.run for record in kept], PUBLIC)
    asked = [_as_asked(crate, record, job) for record, job in zip(kept, jobs, strict=True)]
    session.require_course()
    made = session.execute(name, asked)
    then = _verdicts(by_part, kept, crate.store, session.machine.servers)
    now = _verdicts(by_part, made, session.store, session.machine.servers)
    unlike = {key: f"{then.get(key)}, now {now.get(key)}" for key in then | now}
    unlike = {key: said for key, said in unlike.items() if then.get(key) != now.get(key)}
    return Rerun(
        runs=[_again(old, new, unlike) for old, new in zip(kept, made, strict=True)],
        unlike=[f"{key.where}: {said}" for key, said in unlike.items() if key.run is None],
    )


def _as_asked(crate: Opened, record: RunRecord, job: Job) -> Job:
    """Return the job with the questions that the crate holds: without the course's secret, none can
    be drawn again."""
    held = crate.store.files(record.key)
    workdir = {name: held[name] for name in held if name.startswith(WORKDIR)}
    if "shapes.json" not in workdir:
        raise UsageError(
            f"the crate does not hold what was asked in {record.run.id}",
            hint="`assay verify` says what is missing",
        )
    return replace(job, drawn=workdir)


class Key(NamedTuple):
    """A property, of one run or of all together."""

    where: str
    run: str | None


def _verdicts(
    sections: Mapping[str, Section],
    records: list[RunRecord],
    store: Store,
    servers: ForkServers,
) -> dict[Key, str]:
    """Return what the judge says of these runs and no others."""
    checks: list[Check] = []
    for name, section in sections.items():
        of_part = [record for record in records if record.run.part == name]
        if of_part:
            checks += judge.judge(section, of_part, store, servers).checks
    return {Key(f"{c.part}/{c.criterion}, {c.name}", c.run): str(c.verdict) for c in checks}


def _again(old: RunRecord, new: RunRecord, unlike: dict[Key, str]) -> Again:
    same = old.fingerprint == new.fingerprint if old.numerics == new.numerics else None
    found = [f"{key.where}: {said}" for key, said in unlike.items() if key.run == old.run.id]
    if old.outcome is not new.outcome:
        found.insert(0, f"{old.outcome}, now {new.outcome}")
    return Again(run=old.run.id, outcome=new.outcome, same_bits=same, unlike=found)


def in_words(found: Rerun) -> str:
    """A line a run, and below it one for each verdict that is not the same."""
    bits = {
        True: "identical",
        False: "not identical",
        None: "the numerics differ, so verdicts alone were compared",
    }
    lines = []
    for run in found.runs:
        sign = "✓" if run.same_bits is not False and not run.unlike else "✗"
        lines += [f"{sign} {run.run}: {run.outcome}, {bits[run.same_bits]}"]
        lines += [f"    {line}" for line in run.unlike]
    return "\n".join([*lines, *(f"✗ {line}" for line in found.unlike)])
