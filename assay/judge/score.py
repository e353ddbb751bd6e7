"""From checks to points: a property counts by the share of its runs in which it held."""

from collections.abc import Sequence

from assay.assignment import CriterionSpec, Part
from assay.errors import OurFault
from assay.records import Check, Criterion, Property, Verdict


def score(part: Part, checks: Sequence[Check] | None) -> list[Criterion]:
    """The mark sheet of one part; `checks` is None where no notebook answers it.

    A criterion's points are divided equally among its properties, and each earns the share of the
    judged runs in which it held: one slip in one run costs its share, not everything. A test that
    skips is set aside: it follows from a mistake that another criterion marks, and neither earns
    nor costs anything.

    Raises
    ------
    OurFault
        Where the rubric has no test for a criterion, or tests for one the part does not have.
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
    return [_criterion(part, spec, checks) for spec in part.criterion]


def _unanswered(part: Part, spec: CriterionSpec) -> Criterion:
    reason = f"no notebook `{part.notebook}` was handed in"
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


def _criterion(part: Part, spec: CriterionSpec, checks: Sequence[Check]) -> Criterion:
    of_this = [check for check in checks if check.criterion == spec.name]
    names = dict.fromkeys(check.name for check in of_this)
    properties = [_property([c for c in of_this if c.name == name]) for name in names]
    verdict = _overall([p.verdict for p in properties])
    waiting = verdict in (Verdict.FOR_REVIEW, Verdict.NOT_JUDGED)
    shares = [] if waiting else [p.held / p.judged for p in properties if p.judged]
    worth = spec.points / len(properties)
    return Criterion(
        part=part.name,
        name=spec.name,
        title=spec.title,
        points=spec.points,
        judged=round(worth * len(shares), 2),
        earned=round(worth * sum(shares), 2) if shares else None,
        verdict=verdict,
        properties=properties,
    )


def _property(checks: Sequence[Check]) -> Property:
    left_out = (Verdict.NOT_JUDGED, Verdict.SET_ASIDE)
    judged = [check for check in checks if check.verdict not in left_out]
    held = [c for c in judged if c.verdict in (Verdict.PASSED, Verdict.FOR_REVIEW)]
    worst = _overall([check.verdict for check in judged or checks])
    missed = [c for c in judged or checks if c not in held and c.verdict is worst]
    return Property(
        name=checks[0].name,
        title=checks[0].title,
        verdict=worst,
        held=len(held),
        judged=len(judged),
        reason=missed[0].reason if missed else "",
        hint=missed[0].hint if missed else "",
        where={check.run: check.reason for check in judged if check not in held and check.run},
    )


def _overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that speaks for several: the one that most needs looking at."""
    order = [
        Verdict.NOT_JUDGED,
        Verdict.FAILED,
        Verdict.NOT_ANSWERED,
        Verdict.FOR_REVIEW,
        Verdict.PASSED,
        Verdict.SET_ASIDE,
    ]
    return min(verdicts, key=order.index)
