"""From checks to points: a property counts by the share of its runs in which it held."""

import itertools
from collections.abc import Mapping, Sequence

from assay.course.assignment import CriterionSpec, Part
from assay.errors import OurFault
from assay.judge import statistics
from assay.records import Check, Criterion, Estimate, Property, Tally, Verdict

NOT_ASKED = 3 / 8
"""Of a part's points that can be judged, the most that may be left out as not asked."""


def score(part: Part, checks: Sequence[Check] | None) -> list[Criterion]:
    """Return the mark sheet of one part; `checks` is None where no notebook answers it.

    A criterion's points are divided equally among its properties, and each earns the share of the
    judged runs in which it held: one slip in one run costs its share, not everything. Where a claim
    is decided in the submission's favour, bad luck in some seeds costs nothing. A test that skips
    is not asked, and neither earns nor costs anything. Where it skips because of a mistake that
    another criterion marks it is set aside, and no more points are excused than that mistake has
    lost there: a second mistake never raises a mark.

    Raises
    ------
    OurFault
        If the rubric has no test for a criterion, or tests for one the part does not have.
    """
    if checks is None:
        return [_unanswered(part, spec) for spec in part.criterion]
    known = {spec.name for spec in part.criterion}
    found = {check.criterion for check in checks}
    if known != found:
        raise OurFault(
            f"the criteria of `{part.name}` and its tests do not match",
            found="\n".join(
                [f"no test judges `{name}`" for name in sorted(known - found)]
                + [f"a test judges `{name or '(none)'}`" for name in sorted(found - known)]
            ),
            hint='every test needs `pytest.mark.criterion("...")` with a name of assignment.toml',
        )
    by_name: dict[str, dict[str, list[Check]]] = {spec.name: {} for spec in part.criterion}
    for check in rooted(checks):
        by_name[check.criterion].setdefault(check.name, []).append(check)
    criteria = [_criterion(part, spec, by_name[spec.name]) for spec in part.criterion]
    following = [_following(c, by_name[c.name]) for c in criteria]
    if _hardly_anything_asked(criteria, following):
        return [c if c.verdict.is_waiting else _all_judged(c) for c in criteria]
    explained = {c.name: _explained(c, by_name[c.name]) for c in criteria}
    return _no_more_than_it_cost(criteria, following, explained)


def rooted(checks: Sequence[Check]) -> list[Check]:
    """The checks, each that follows from a criterion that is itself set aside by its root."""
    judged = {check.criterion for check in checks if not check.verdict.is_left_out}
    cause = {c.criterion: c.follows for c in checks if c.follows and c.criterion not in judged}

    def root(name: str) -> str:
        passed = {name}
        while (above := cause.get(name)) and above not in passed:
            name = above
            passed.add(name)
        return name

    return [_by_root(check, root(check.follows)) if check.follows else check for check in checks]


def _by_root(check: Check, root: str) -> Check:
    if root in (check.follows, check.criterion):
        return check
    before = f"follows from {check.follows}"
    reason = check.reason.replace(before, f"follows from {root}, as {check.follows} does", 1)
    return check.model_copy(update={"follows": root, "reason": reason})


def in_doubt(checks: Sequence[Check]) -> set[str]:
    """The runs in which a test stumbles that does not stumble in all: whose fault is it there?"""
    runs: dict[str, set[str]] = {}
    for check in checks:
        if check.run:
            runs.setdefault(check.name, set()).add(check.run)
    over: dict[str, set[str]] = {}
    for check in checks:
        if check.run and check.stumbled:
            over.setdefault(check.name, set()).add(check.run)
    return {run for name, stumbled in over.items() if stumbled < runs[name] for run in stumbled}


def settled(checks: Sequence[Check], of_reference: Sequence[Check]) -> list[Check]:
    """Return the checks; a test that fails on the reference's answers too costs no points.

    What the reference shows in the same run decides; in one that it has not made, any of its runs.
    """
    asked = {(check.name, check.run) for check in of_reference}
    there = {(check.name, check.run) for check in of_reference if check.stumbled}
    course = {name for name, _ in there}

    def is_course(check: Check) -> bool:
        same = (check.name, check.run)
        return same in there if same in asked else check.name in course

    return [_course_fault(check) if is_course(check) else check for check in checks]


def _course_fault(check: Check) -> Check:
    if not check.stumbled:
        return check
    reason = f"{check.reason} ({check.stumbled}), as it does for the reference"
    return check.model_copy(update={"verdict": Verdict.NOT_JUDGED, "reason": reason})


def _is_course(check: Check) -> bool:
    """Whether it was settled that the course's own code is at fault: its criterion has no mark."""
    return check.verdict is Verdict.NOT_JUDGED and bool(check.stumbled)


def tallies(checks: Sequence[Check]) -> list[Tally]:
    """For each run, how many of the properties judged in it held."""
    of_runs: dict[str, list[bool]] = {}
    for check in checks:
        if check.run and not check.verdict.is_left_out:
            of_runs.setdefault(check.run, []).append(check.verdict.is_held)
    return [Tally(run=run, held=sum(held), judged=len(held)) for run, held in of_runs.items()]


def _following(criterion: Criterion, checks: Mapping[str, Sequence[Check]]) -> dict[str, float]:
    """The points of a criterion that are set aside, by the cause that they follow from."""
    points: dict[str, float] = {}
    if criterion.verdict.is_waiting:
        return points
    for of_property in checks.values():
        counted = [c for c in of_property if c.follows or not c.verdict.is_left_out]
        for check in counted:
            if check.follows:
                share = criterion.points / len(checks) / len(counted)
                points[check.follows] = points.get(check.follows, 0.0) + share
    return points


def _explained(criterion: Criterion, checks: Mapping[str, Sequence[Check]]) -> float:
    """The points that a criterion lost for what explains others; what else it lost excuses nothing.

    It may have followed from an earlier mistake until a second one failed it: were it to excuse
    anything, the second would raise the mark.
    """
    lost = criterion.judged - (criterion.earned or 0.0)
    worth = criterion.points / len(checks)
    explained = 0.0
    for prop in criterion.properties:
        counted = [c for c in checks[prop.name] if c.follows or not c.verdict.is_left_out]
        explained += worth * sum(c.explains for c in counted) / max(1, len(counted))
    return min(lost, explained)


def _hardly_anything_asked(
    criteria: Sequence[Criterion], following: Sequence[Mapping[str, float]]
) -> bool:
    """Return whether so much was not asked for that it is no longer a choice of the student's.

    Otherwise answers without any work would have most points left out, and earn most of the rest.
    """
    judged = [c for c in criteria if not c.verdict.is_waiting]
    left_out = sum(c.set_aside + c.not_asked for c in judged)
    left_out -= sum(sum(each.values()) for each in following)
    return left_out > NOT_ASKED * sum(c.points for c in judged)


def _no_more_than_it_cost(
    criteria: Sequence[Criterion],
    following: Sequence[Mapping[str, float]],
    cost: Mapping[str, float],
) -> list[Criterion]:
    """What follows from a mistake is excused up to what the mistake lost; the rest counts.

    So a mistake costs what it lost, or what follows from it where that is more. Without the limit
    a slip worth little could hide whatever else is wrong.
    """
    points: dict[str, float] = {}
    for of_criterion in following:
        for cause, share in of_criterion.items():
            points[cause] = points.get(cause, 0.0) + share
    left = {x: max(0.0, 1 - cost.get(x, 0.0) / total) for x, total in points.items()}
    over = [sum(left[x] * share for x, share in each.items()) for each in following]
    return [
        c.model_copy(update={"unexcused": round(more, 2)})
        for c, more in zip(criteria, over, strict=True)
    ]


def _all_judged(criterion: Criterion) -> Criterion:
    """The criterion with what was left out judged and lost."""
    lost = {"judged": criterion.points, "earned": criterion.earned or 0.0}
    return criterion.model_copy(update=lost)


def _unanswered(part: Part, spec: CriterionSpec) -> Criterion:
    reason = f"not handed in: no notebook is `{part.notebook}`, or answers this part"
    silent = Property(
        name="notebook",
        title="The part was handed in",
        verdict=Verdict.NOT_ANSWERED,
        held=0,
        judged=1,
        reason=reason,
    )
    return Criterion(
        part=part.name,
        name=spec.name,
        title=spec.title,
        points=spec.points,
        judged=spec.points,
        earned=0.0,
        verdict=Verdict.NOT_ANSWERED,
        properties=[silent],
    )


def _criterion(part: Part, spec: CriterionSpec, checks: Mapping[str, Sequence[Check]]) -> Criterion:
    properties = [_property(of_property) for of_property in checks.values()]
    is_course = any(map(_is_course, itertools.chain(*checks.values())))
    verdict = Verdict.NOT_JUDGED if is_course else _overall([p.verdict for p in properties])
    worth = spec.points / len(properties)
    judged = [
        (p, worth * p.judged / (p.judged + p.waiting + _followers(checks[p.name])))
        for p in properties
        if p.judged and not verdict.is_waiting and p.verdict is not Verdict.FOR_REVIEW
    ]
    return Criterion(
        part=part.name,
        name=spec.name,
        title=spec.title,
        points=spec.points,
        judged=round(sum(points for _, points in judged), 2),
        earned=round(sum(_share(p) * points for p, points in judged), 2) if judged else None,
        verdict=verdict,
        properties=properties,
    )


def _followers(checks: Sequence[Check]) -> int:
    return sum(bool(check.follows) for check in checks)


def _share(prop: Property) -> float:
    """Of a property's points, what it earns: a place that passed by its claim counts in full."""
    if not prop.claim:
        return prop.held / prop.judged
    counted = [e.n * (1 if e.verdict is Verdict.PASSED else e.value) for e in prop.estimates]
    return sum(counted) / prop.judged


def _property(checks: Sequence[Check]) -> Property:
    asked = [check for check in checks if not check.verdict.is_left_out]
    judged = [c for c in asked if c.verdict is not Verdict.FOR_REVIEW] or asked
    held = [c for c in judged if c.verdict.is_held]
    missed = [c for c in judged if c not in held]
    estimates = _estimates(judged, held) or [e for c in judged for e in c.estimates]
    of_course = [check for check in checks if _is_course(check)]
    worst = _overall([check.verdict for check in of_course or asked or checks])
    first = next((c for c in of_course or missed or checks if c.verdict is worst), None)
    return Property(
        name=checks[0].name,
        title=checks[0].title,
        verdict=_decided(worst, bool(held), estimates) if checks[0].claim else worst,
        held=len(held),
        judged=len(judged),
        reason=first.reason if first else "",
        hint=first.hint if first else "",
        follows=first.follows if first else "",
        mistake=next((c.mistake for c in missed if c.mistake), ""),
        stumbled=next((c.stumbled for c in [*of_course, *missed] if c.stumbled), ""),
        where={check.run: check.reason for check in missed if check.run},
        runs=len({check.run for check in judged if check.run}),
        waiting=len(asked) - len(judged),
        claim=checks[0].claim,
        estimates=estimates,
    )


def _estimates(judged: Sequence[Check], held: Sequence[Check]) -> list[Estimate]:
    """At each place, the share of runs in which a claim held, and what that decides."""
    claim = judged[0].claim if judged else None
    if claim is None:
        return []
    places = dict.fromkeys(check.place for check in judged)
    counts = {
        place: (
            sum(check.place == place for check in held),
            sum(check.place == place for check in judged),
        )
        for place in places
    }
    return statistics.decide(counts, claim)


def _decided(worst: Verdict, held: bool, estimates: Sequence[Estimate]) -> Verdict:
    """What a claim comes to over all places; what was never answered is not called bad luck."""
    silent = worst is Verdict.NOT_ANSWERED and not held
    if silent or worst.is_left_out or worst is Verdict.FOR_REVIEW:
        return worst
    return _overall([estimate.verdict for estimate in estimates])


def _overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict that speaks for several: the one that most needs looking at."""
    order = [
        Verdict.FAILED,
        Verdict.NOT_ANSWERED,
        Verdict.NOT_JUDGED,
        Verdict.UNDECIDED,
        Verdict.FOR_REVIEW,
        Verdict.PASSED,
        Verdict.SET_ASIDE,
        Verdict.NOT_ASKED,
    ]
    return min(verdicts, key=order.index)
