"""The answer on the terminal: one line a criterion, the reason and the hint below it."""

from collections.abc import Mapping, Sequence

from assay.records import Audit, Criterion, Property, Result, Verdict
from assay.report.safe import plain
from assay.words import counted

MARKS = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.NOT_ANSWERED: "·",
    Verdict.NOT_JUDGED: "?",
    Verdict.UNDECIDED: "≈",
    Verdict.FOR_REVIEW: "…",
    Verdict.SET_ASIDE: "–",
    Verdict.NOT_ASKED: "○",
}
PARTLY = "◐"

MOST = 4
"""Reasons that are shown of one criterion."""
ABSENT = "not handed in"
"""What begins the reason of a part that no notebook answers."""


def summary(result: Result, where: str) -> str:
    """Return what `assay grade` prints for one submission; `where` names its report."""
    head = f"{plain(result.submission)}   {matrix_in_words(result)}   isolation: {result.isolation}"
    lines = [head, *(f"  note: {plain(note, 400)}" for note in result.notes), ""]
    for part in result.parts:
        criteria = [criterion for criterion in result.criteria if criterion.part == part.name]
        lines += [line for criterion in once(criteria) for line in _criterion(criterion)]
    lines += ["", audit(result.audit)] if result.audit else []
    lines += ["", f"{totals(result)}     {where}"]
    return "\n".join(lines)


def audit(found: Audit) -> str:
    """Whether the same seed gave the same bits, in a sentence for every run that did not."""
    if found.differing:
        lines = [f"{len(found.differing)} of {counted(found.runs, 'run')} differ when repeated:"]
        lines += [f"  {plain(str(difference), 400)}" for difference in found.differing[:20]]
    else:
        repeated = f"{counted(found.runs, 'run')} repeated twice"
        lines = [f"verified: {repeated}, {counted(found.arrays, 'array')}, identical"]
    if found.unmade:
        unmade = counted(len(found.unmade), "run")
        lines.append(f"{unmade} could not be repeated (our fault)")
    return "\n".join(lines)


def matrix_in_words(result: Result) -> str:
    """`part1: 5 seeds x 5 datasets` for each part that was run."""
    words = []
    for part in result.parts:
        runs = [record.run for record in result.runs if record.run.part == part.name]
        varied = dict.fromkeys(name for run in runs for name in run.parameters)
        counts = [counted(len({run.parameters[name] for run in runs}), name) for name in varied]
        once = any(not run.parameterised for run in runs)
        how = "once, as it stands" if once else " x ".join(counts)
        words += [f"{part.name}: {how if runs else 'not handed in'}"]
    return ", ".join(words) if result.runs else "nothing was run"


def totals(result: Result) -> str:
    """`61/70 judged, 12 for review`."""
    words = [f"{points(result.earned)}/{points(result.judged_points)} judged"]
    if result.review_points:
        words.append(f"{points(result.review_points)} for review")
    if result.points_set_aside:
        words.append(f"{points(result.points_set_aside)} set aside")
    if result.points_not_asked:
        words.append(f"{points(result.points_not_asked)} not asked")
    if result.points_unexcused:
        words.append(f"{points(result.points_unexcused)} lost after a mistake elsewhere")
    if result.unjudged_points:
        words.append(f"{points(result.unjudged_points)} not judged (our fault)")
    return ", ".join(words)


def points(value: float) -> str:
    """Points without needless zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def mark(criterion: Criterion) -> str:
    """`8.5/10`, or `-/10` until it is judged; what was left out is not counted."""
    if criterion.earned is None and not criterion.unexcused:
        return f"-/{points(criterion.points)}"
    return f"{points(criterion.earned or 0.0)}/{points(criterion.counted)}"


def state(criterion: Criterion) -> str:
    """Its verdict in a word; what holds, but is not all that the criterion asks, is `partly`.

    What was not asked need not be there: it leaves no doubt.
    """
    asked = round(criterion.points - criterion.not_asked, 2)
    part = criterion.judged < asked - 0.005 or criterion.unexcused > 0
    return "partly" if criterion.verdict is Verdict.PASSED and part else str(criterion.verdict)


def sign(criterion: Criterion) -> str:
    """Return the mark before a criterion."""
    return PARTLY if state(criterion) == "partly" else MARKS[criterion.verdict]


def lost(criterion: Criterion) -> float:
    """Return the points that it cost: what was judged and not earned, and what was not excused."""
    waiting = criterion.earned is None and not criterion.unexcused
    return 0.0 if waiting else max(0.0, criterion.counted - (criterion.earned or 0.0))


def excuse(criterion: Criterion) -> str:
    """Why points that were set aside count all the same; empty if none do."""
    if not criterion.unexcused:
        return ""
    of_all = points(criterion.unexcused + criterion.set_aside)
    return (
        f"{points(criterion.unexcused)} of the {of_all} points that follow from it are lost all "
        "the same: a mistake excuses no more points than it cost itself"
    )


def reasons(criterion: Criterion) -> list[Property]:
    """Return the properties that did not hold, the one missed most often first, each reason once.

    Of those missed as often, a mistake that is known by its name comes first, and what held in
    every run so far, and is undecided, comes last.
    """
    missed = [p for p in criterion.properties if not _fine(p) or p.held < p.judged]
    missed.sort(
        key=lambda p: (
            p.held / p.judged if p.judged else 1,
            not p.mistake,
            p.verdict is Verdict.UNDECIDED,
        )
    )
    first: dict[str, Property] = {}
    for prop in missed:
        first.setdefault(prop.reason, prop)
    return list(first.values())


def _fine(prop: Property) -> bool:
    """Return whether it held, or waits for a person as in every submission: no reason is shown."""
    waits = prop.verdict is Verdict.FOR_REVIEW and not prop.reason
    return prop.verdict is Verdict.PASSED or waits


def once(criteria: Sequence[Criterion]) -> list[Criterion]:
    """Return the criteria; a reason why nothing was answered is in full only where it is first."""
    first: dict[str, str] = {}
    told = []
    for criterion in criteria:
        properties = [_again(prop, criterion.title, first) for prop in criterion.properties]
        told.append(criterion.model_copy(update={"properties": properties}))
        for prop in reasons(criterion)[:MOST]:
            if prop.verdict is Verdict.NOT_ANSWERED:
                first.setdefault(prop.reason, criterion.title)
    return told


def _again(prop: Property, title: str, first: Mapping[str, str]) -> Property:
    """Return a property that refers to the criterion which gave its reason first, if one did."""
    if prop.verdict is not Verdict.NOT_ANSWERED or first.get(prop.reason, title) == title:
        return prop
    if prop.reason.startswith(ABSENT):
        return prop.model_copy(update={"reason": ABSENT})
    same = f'not answered for the same reason as "{first[prop.reason]}"'
    return prop.model_copy(update={"reason": same})


def reason(prop: Property) -> str:
    """Return the reason, and in how many runs, where it was not all of them."""
    text = prop.reason or prop.title
    if prop.verdict is Verdict.NOT_ANSWERED and not text.startswith(("not answered", ABSENT)):
        text = f"not answered: {text}"
    if prop.verdict is Verdict.SET_ASIDE:
        text = f"set aside: {text}"
    if prop.verdict is Verdict.NOT_ASKED and not text.startswith("not asked"):
        text = f"not asked: {text}"
    if prop.verdict is Verdict.FOR_REVIEW:
        return f"for review: {text}"
    if prop.stumbled:
        text = f"{text}; for the teacher to look at: {prop.stumbled}"
    missed = prop.judged - prop.held
    if prop.verdict is Verdict.PASSED and missed:
        return f"bad luck in {missed} of {prop.judged} runs, nothing lost: {text}"
    if prop.verdict is Verdict.UNDECIDED:
        return undecided(prop)
    return text if missed in (0, prop.judged) else f"{text} (in {_counted(prop, missed)})"


def _counted(prop: Property, missed: int) -> str:
    """In how many runs; of a test of several cases, in how many of these where all runs lost."""
    if prop.runs and prop.judged > prop.runs:
        if len(prop.where) == prop.runs:
            return f"{missed} of {prop.judged} cases"
        return f"{len(prop.where)} of {prop.runs} runs"
    return f"{missed} of {prop.judged} runs"


def undecided(prop: Property) -> str:
    """Where, and how far apart the ends of the interval still are."""
    open_ = [e for e in prop.estimates if e.verdict is Verdict.UNDECIDED]
    first = open_[0]
    where = first.column
    if prop.claim:
        found = f"{where}: held in {round(first.n * first.value)} of {first.n} runs"
        words = f"undecided at {first.n} seeds" if first.n > 1 else "one run cannot decide"
    else:
        found = f"{where}: {first.value:+.3f} over {first.n} fresh splits"
        words = "undecided"
    more = f", and {len(open_) - 1} more" if len(open_) > 1 else ""
    return f"{words}; {found}{more}" + (f": {prop.reason}" if prop.reason else "")


def _criterion(criterion: Criterion) -> list[str]:
    missed = reasons(criterion)
    state = "for review" if criterion.verdict is Verdict.FOR_REVIEW else ""
    first = plain(reason(missed[0]), 200) if missed else state
    lines = [
        f"  {sign(criterion)} {criterion.title:<40.40} {mark(criterion):>9}   {first}".rstrip()
    ]
    shown = {first}
    if missed and missed[0].hint:
        lines.append(f"{'':56}hint: {plain(missed[0].hint, 200)}")
    for other in missed[1:MOST]:
        text = plain(reason(other), 200)
        lines += [f"{'':56}{text}"] if text not in shown else []
        shown.add(text)
    if why := excuse(criterion):
        lines.append(f"{'':56}{why}")
    return lines
