"""What differs between two results: marks, outcomes, measurements, and the bits beneath them."""

from math import isclose

from assay.records import Measurement, Record, Result, RunRecord

ABSOLUTE, RELATIVE = 0.02, 0.1
"""How far apart a measurement may be where the numerics differ: nothing is promised across them."""


class Comparison(Record):
    """Sentences on what differs; `same_bits` of the `compared` runs that both results have.

    Where the numerics profiles differ, equal bits are not expected: then measurements are compared
    one by one, and `verdict` says whether they agree within tolerance. Where the questions were
    drawn with different secrets, nothing that was measured is expected to be equal: then outcomes
    and marks are compared.
    """

    verdict: str
    compared: int
    same_bits: int
    differences: list[str]

    @property
    def is_same(self) -> bool:
        return not self.differences


def compare(one: Result, other: Result) -> Comparison:
    """Compare run by run and criterion by criterion."""
    mine, its = ({r.run.id: r for r in result.runs} for result in (one, other))
    both = [run for run in mine if run in its]
    same_bits = sum(_same_bits(mine[run], its[run]) for run in both)
    profiles = _profiles(mine, its, both)
    found = _submissions(one, other) + _only_in_one(mine, its) + _outcomes(mine, its, both)
    found += _marks(one, other)
    if _secret(one) != _secret(other):
        agreed = "other marks" if found else "the same marks"
        return _said(f"{agreed}; {_drawn(one, other)}", both, same_bits, found)
    if profiles:
        found += _measurements(one, other, ABSOLUTE, RELATIVE)
        agreed = "not within tolerance" if found else "within tolerance"
        return _said(f"{agreed}; {profiles}", both, same_bits, found)
    unlike = [run for run in both if not _same_bits(mine[run], its[run])]
    found += [f"{run}: recorded arrays differ" for run in unlike]
    found += _measurements(one, other, 0.0, 0.0)
    return _said("not the same" if found else "the same, bit by bit", both, same_bits, found)


def _secret(result: Result) -> str:
    return result.receipt.secret if result.receipt else ""


def _drawn(one: Result, other: Result) -> str:
    """By what the questions of two results differ."""
    words = [
        f"secret {_secret(result)[:8]}" if _secret(result) else "none" for result in (one, other)
    ]
    return (
        f"other questions were asked, drawn with {words[0]} and {words[1]}, "
        "so no measurement is compared"
    )


def _said(verdict: str, both: list[str], same_bits: int, found: list[str]) -> Comparison:
    return Comparison(verdict=verdict, compared=len(both), same_bits=same_bits, differences=found)


def _same_bits(mine: RunRecord, its: RunRecord) -> bool:
    return mine.fingerprint == its.fingerprint != ""


def _profiles(mine: dict[str, RunRecord], its: dict[str, RunRecord], both: list[str]) -> str:
    """What of the numerics differs, from the first run in which it does; empty where nothing."""
    for run in both:
        a, b = mine[run].numerics, its[run].numerics
        unlike = [name for name in a.keys() | b.keys() if a.get(name) != b.get(name)]
        if unlike:
            words = [f"{name} {a.get(name)} and {b.get(name)}" for name in sorted(unlike)]
            return f"the numerics differ: {', '.join(words)}"
    return ""


def _submissions(one: Result, other: Result) -> list[str]:
    if one.digest == other.digest:
        return []
    return [f"two submissions: {one.digest[:16]} and {other.digest[:16]}"]


def _only_in_one(mine: dict[str, RunRecord], its: dict[str, RunRecord]) -> list[str]:
    first = [f"{run}: only in the first" for run in mine if run not in its]
    return first + [f"{run}: only in the second" for run in its if run not in mine]


def _outcomes(mine: dict[str, RunRecord], its: dict[str, RunRecord], both: list[str]) -> list[str]:
    return [
        f"{run}: {mine[run].outcome} and {its[run].outcome}"
        for run in both
        if mine[run].outcome is not its[run].outcome
    ]


def _marks(one: Result, other: Result) -> list[str]:
    mine, its = (
        {f"{c.part}/{c.name}": (c.earned, c.verdict) for c in result.criteria}
        for result in (one, other)
    )
    return [
        f"{name}: {_mark(mine.get(name))} and {_mark(its.get(name))}"
        for name in dict.fromkeys([*mine, *its])
        if mine.get(name) != its.get(name)
    ]


def _mark(found: tuple[float | None, str] | None) -> str:
    if found is None:
        return "not there"
    earned, verdict = found
    return f"{verdict}, {'-' if earned is None else f'{earned:g}'} points"


def _measurements(one: Result, other: Result, absolute: float, relative: float) -> list[str]:
    """The single numbers that both have and that are further apart than that."""
    its = {(m.part, m.run, m.name): m.value for m in other.measurements}
    return [
        f"{m.run or m.part}: {m.name} is {m.value:g} and {its[_key(m)]:g}"
        for m in one.measurements
        if isinstance(m.value, float)
        and isinstance(theirs := its.get(_key(m)), float)
        and not isclose(m.value, theirs, abs_tol=absolute, rel_tol=relative)
    ]


def _key(m: Measurement) -> tuple[str, str | None, str]:
    return m.part, m.run, m.name


def in_words(found: Comparison) -> str:
    """Return the verdict, and below it one line a difference."""
    bits = f"{found.same_bits} of {found.compared} runs have the same bits"
    return "\n".join([f"{found.verdict}; {bits}", *(f"  {line}" for line in found.differences)])
