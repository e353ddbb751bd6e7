"""How often is the rubric itself wrong? Right submissions over many seeds, and wrong ones beside.

The seeds are judged in batches as large as the assignment's own, so each batch is judged as a
student's submission is at the first look.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from assay.course.assignment import Part
from assay.course.calibration import Calibration, Power, Rate
from assay.grading.session import Session
from assay.judge import judge, statistics
from assay.records import (
    Check,
    Claim,
    Judgement,
    Measurement,
    Verdict,
    place_of,
)
from assay.submission import plan
from assay.submission.submission import Submission


def _is_judged(check: Check) -> bool:
    return not check.verdict.is_left_out and check.verdict is not Verdict.FOR_REVIEW


def calibrate(
    session: Session,
    seeds: Sequence[int],
    right: Sequence[Submission],
    wrong: Sequence[Submission],
    wrong_seeds: Sequence[int] = (),
) -> Calibration:
    """Run and judge them: right submissions over these seeds, wrong ones over the assignment's.

    Where there are `wrong_seeds`, wrong ones are run over these instead.

    Raises
    ------
    OurFault
        If the rubric could not be run.
    """
    session.require_course()
    rates: list[Rate] = []
    for part in session.assignment.part:
        judged = [j for submission in right for j in judgements(session, part, seeds, submission)]
        rates += _rates(part, judged)
    power = [p for submission in wrong for p in _power(session, wrong_seeds, submission)]
    return Calibration(
        assignment=session.assignment.title,
        submissions=[submission.name for submission in right],
        seeds=len(seeds),
        rates=rates,
        power=power,
    )


def judgements(
    session: Session, part: Part, seeds: Sequence[int], submission: Submission
) -> Iterator[Judgement]:
    """What the judge found in each batch of seeds; nothing where this part was not handed in."""
    for start in range(0, len(seeds), part.batch):
        some = part.model_copy(update={"seeds": list(seeds[start : start + part.batch])})
        course = session.assignment.model_copy(update={"part": [some]})
        planned = plan.make(course, submission)
        records = session.execute("calibrate", session.jobs(planned))
        yield judge.judge(
            planned.sections[part.name], records, session.store, session.machine.servers
        )


def _rates(part: Part, found: Sequence[Judgement]) -> list[Rate]:
    checks = [check for judgement in found for check in judgement.checks]
    measured = [m for judgement in found for m in judgement.measurements]
    names = dict.fromkeys((c.criterion, c.name) for c in checks if _is_judged(c))
    return [
        _rate(part, [c for c in checks if (c.criterion, c.name) == name], measured)
        for name in names
    ]


def _rate(part: Part, checks: Sequence[Check], measured: Sequence[Measurement]) -> Rate:
    judged = [check for check in checks if _is_judged(check)]
    failures = sum(check.verdict.is_lost for check in judged)
    first, upper = judged[0], statistics.upper_bound(failures, len(judged))
    return Rate(
        part=part.name,
        criterion=first.criterion,
        name=first.name,
        title=first.title,
        unit="runs" if first.run else "batches",
        failures=failures,
        judged=len(judged),
        upper=upper,
        margin=_margin(first.claim, measured) if first.claim else _mean_margin(judged),
        verdict=_verdict(part, first.claim, upper, judged) if first.claim else None,
    )


def _verdict(part: Part, claim: Claim, upper: float, judged: Sequence[Check]) -> float:
    """The probability that a claim fails somewhere, were runs to fail as often as they may."""
    places = len({check.place for check in judged if check.run}) or 1
    looks = [part.batch * (k + 1) for k in range(part.looks)]
    return 1 - (1 - statistics.rates(claim, 1 - upper, looks, places).failed) ** places


def _margin(claim: Claim, measured: Sequence[Measurement]) -> float | None:
    """Standard deviations from the threshold, at the place where the measure comes closest."""
    threshold = claim.at_least if claim.at_least is not None else claim.at_most
    places: dict[str, list[float]] = {}
    for m in measured:
        if m.name == claim.measure and m.run and isinstance(m.value, float):
            places.setdefault(place_of(m.run), []).append(m.value)
    sign = 1 if claim.at_least is not None else -1
    return _closest([(sign * (np.array(v) - threshold)).tolist() for v in places.values()])


def _mean_margin(checks: Sequence[Check]) -> float | None:
    """Return the same for means of paired differences, over the batches."""
    places: dict[str, list[float]] = {}
    for estimate in (e for check in checks for e in check.estimates):
        if estimate.threshold is not None:
            places.setdefault(estimate.place, []).append(estimate.value - estimate.threshold)
    return _closest(list(places.values()))


def _closest(distances: Sequence[Sequence[float]]) -> float | None:
    """None where nothing varies: there is no luck in it."""
    spread = [(np.mean(d), np.std(d, ddof=1)) for d in distances if len(d) > 1]
    margins = [float(mean / sd) for mean, sd in spread if sd > 1e-9 * abs(mean)]
    return min(margins, default=None)


def _power(session: Session, seeds: Sequence[int], submission: Submission) -> list[Power]:
    """Return the criteria that a wrong submission loses, and in how many of its runs."""
    answered = {run.part for run in session.plan(submission).pending}
    parts = [part for part in session.assignment.part if part.name in answered]
    return [
        caught
        for part in parts
        for judgement in judgements(session, part, seeds or part.seeds, submission)
        for caught in _caught(submission.name, part.name, judgement.checks)
    ]


def _caught(submission: str, part: str, checks: Sequence[Check]) -> list[Power]:
    caught = []
    for criterion in dict.fromkeys(check.criterion for check in checks):
        of_it = [c for c in checks if c.criterion == criterion and _is_judged(c)]
        runs = dict.fromkeys(check.run for check in of_it)
        lost = {check.run for check in of_it if check.verdict.is_lost}
        if lost:
            caught.append(
                Power(
                    submission=submission,
                    part=part,
                    criterion=criterion,
                    failures=len(lost),
                    judged=len(runs),
                    lower=statistics.lower_bound(len(lost), len(runs)),
                )
            )
    return caught
