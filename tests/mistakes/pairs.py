"""Pairs of mistakes, put together from the answers of each: does the second ever raise a mark?

Where a mistake changes an answer, the pair's is the changed one; where both do, a test judges both
and the worse counts: one mistake does not undo the other.
A test's verdict hangs on what it reads alone, so it is worked out once for all pairs that agree
on that.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from assay.evidence.answers import arrays_of
from assay.judge.evidence_view import Sheets
from assay.judge.score import score
from assay.records import Check, Criterion, Verdict
from assay.submission.submission import Submission
from tests.mistakes import shared
from tests.mistakes.cases import Case
from tests.mistakes.shared import Made, Test

SOURCE, ENDING = "the source", "how the cells ran"


@dataclass(frozen=True)
class Mistake:
    """A mistake, the run that was made of it, and the answers that it changes."""

    case: Case
    made: Made
    changes: frozenset[str]


def mistake(case: Case, made: Made, right: Made) -> Mistake:
    own, others = answers(made), answers(right)
    changed = {q for q in own.keys() | others.keys() if own.get(q) != others.get(q)}
    return Mistake(case, made, frozenset(changed))


def answers(made: Made) -> dict[str, Any]:
    """By question, all that was written down, bit by bit."""
    found: dict[str, Any] = {}
    for name, array in arrays_of(made.files).items():
        found.setdefault(name.rpartition("/")[0], {})[name] = array
    for name, content in made.files.items():
        if name.startswith("evidence/") and name.endswith(".json"):
            question = name.removeprefix("evidence/").removesuffix(".json")
            found.setdefault(question, {})["note"] = content
    return found


@dataclass(frozen=True)
class Mix:
    """Which of several runs each answer is taken from; `source` and `ending` are taken as well."""

    runs: Mapping[str, Made]
    taken: Mapping[str, str]
    """By question; what is not named is the reference's."""
    submission: SimpleNamespace
    source: str
    ending: str

    def version(self, what: str) -> str:
        fixed = {SOURCE: self.source, ENDING: self.ending}
        return fixed.get(what, self.taken.get(what, ""))


@dataclass
class Judge:
    """The tests of a part, with what each read and made of it before."""

    part: str
    right: Made
    known: dict[int, list[tuple[dict[str, str], Check]]] = field(default_factory=dict)

    @cached_property
    def sheets(self) -> tuple[Sheets, Sheets]:
        return shared.sheets_of(self.part, self.right.workdir)

    def criteria(self, *mixes: Mix) -> list[Criterion]:
        """The mark sheet; of several ways to mix two runs, each test's worst: no mistake mends.

        Of two that lose the same, the one that explains nothing is worse.
        """
        checks = [
            worst([self._check(number, test, mix) for mix in mixes])
            for number, test in enumerate(shared.tests_of(self.part))
        ]
        return score(shared.part_of(self.part), checks)

    def _check(self, number: int, test: Test, mix: Mix) -> Check:
        for read, check in self.known.setdefault(number, []):
            if all(mix.version(what) == version for what, version in read.items()):
                return check
        check, noted = self._judged(test, mix)
        self.known[number].append(({what: mix.version(what) for what in noted}, check))
        return check

    def _judged(self, test: Test, mix: Mix) -> tuple[Check, set[str]]:
        shared.forget()
        run = shared.laid(self.part, self._run(mix), self.sheets)
        sources = Sources(mix.submission)
        check = shared.check(test, run, sources)
        fixed = {SOURCE} if sources.read else set()
        return check, run.evidence.noted | fixed | ({ENDING} if ends(test) else set())

    def _run(self, mix: Mix) -> Made:
        files = dict(self.right.files)
        for question, chosen in mix.taken.items():
            for end in (".npz", ".json"):
                name = f"evidence/{question}{end}"
                files.pop(name, None)
                if name in mix.runs[chosen].files:
                    files[name] = mix.runs[chosen].files[name]
        ended = mix.runs.get(mix.ending, self.right)
        return Made(ended.submission, self.right.workdir, files, ended.outcome, ended.cells)


class Sources(SimpleNamespace):
    """What was handed in, and whether anything of it was read."""

    def __init__(self, of: SimpleNamespace) -> None:
        super().__init__()
        self._of, self.read = of, False

    def __getattr__(self, name: str) -> Any:
        self.read = True
        return getattr(self._of, name)


def worst(checks: Sequence[Check]) -> Check:
    """Of those that lose the same, one that explains nothing: it excuses nothing either."""
    return max(checks, key=_badness)


def _badness(check: Check) -> tuple[int, bool]:
    order = [Verdict.PASSED, Verdict.UNDECIDED, Verdict.NOT_ASKED, Verdict.SET_ASIDE]
    bad = order.index(check.verdict) if check.verdict in order else len(order)
    return bad, not check.explains


def ends(test: Test) -> bool:
    return bool({"run", "runs", "evidence"} & set(test.wants))


def alone(judge: Judge, one: Mistake) -> Mix:
    return mix(judge, {one.case.name: one}, dict.fromkeys(one.changes, one.case.name))


def together(judge: Judge, one: Mistake, other: Mistake) -> Iterator[Mix]:
    """The pair, with the first mistake's answers where both change one, then with the second's."""
    both = {one.case.name: one, other.case.name: other}
    for first, second in ((one, other), (other, one)):
        taken = dict.fromkeys(second.changes, second.case.name)
        taken |= dict.fromkeys(first.changes, first.case.name)
        yield mix(judge, both, taken)


def mix(judge: Judge, mistakes: Mapping[str, Mistake], taken: Mapping[str, str]) -> Mix:
    runs = {each: found.made for each, found in mistakes.items()}
    ended = [each for each, made in runs.items() if any(cell.error for cell in made.cells)]
    cases = [found.case for found in mistakes.values()]
    files = both(shared.reference(judge.part).files, *cases)
    submission = shared.on_the_bench(judge.part, Submission("pair", files))
    source = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
    return Mix(runs, taken, submission, source, ended[0] if ended else "")


def both(files: Mapping[str, bytes], *cases: Case) -> dict[str, bytes]:
    """A submission with several diffs; where two change one line, the first change stays."""
    changed = dict(files)
    for case in cases:
        for name, replace in case.edits.items():
            for old, new in replace.items():
                with suppress(AssertionError):
                    changed = Case(case.name, case.loses, {name: {old: new}}).apply(changed)
    return changed


def are_two(files: Mapping[str, bytes], one: Case, other: Case) -> bool:
    """Whether something is left of each where both are applied."""
    return both(files, one, other) not in (both(files, one), both(files, other))


def percent(criteria: Sequence[Criterion]) -> float:
    """The mark, of the points that count: what waits for a person is left out."""
    counted = sum(criterion.counted for criterion in criteria)
    return 100 * earned(criteria) / counted if counted else 0.0


def before_a_person_looks(criteria: Sequence[Criterion]) -> float:
    """The mark in percent of all points, where nothing is given for what waits for a person.

    What held in a criterion that waits as a whole is there: whoever looks at it gives that.
    """
    left_out = sum(criterion.set_aside + criterion.not_asked for criterion in criteria)
    points = earned(criteria) + sum(map(held_meanwhile, criteria))
    points += left_out * percent(criteria) / 100
    return 100 * points / sum(criterion.points for criterion in criteria)


def held_meanwhile(criterion: Criterion) -> float:
    """The points of the properties that held, where a criterion waits as a whole."""
    if criterion.verdict is not Verdict.FOR_REVIEW:
        return 0.0
    held = sum(prop.verdict is Verdict.PASSED for prop in criterion.properties)
    return criterion.points * held / len(criterion.properties)


def earned(criteria: Sequence[Criterion]) -> float:
    return sum(criterion.earned or 0.0 for criterion in criteria)
