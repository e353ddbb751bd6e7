"""What a try found, for a terminal and for the output of a notebook's cell."""

from collections import Counter
from collections.abc import Sequence

from assay.handout.tried import Tried
from assay.records import Outcome
from assay.report import html, safe
from assay.report.summary import summary, totals
from assay.words import counted


def text(tried: Tried) -> str:
    """Return it as lines, in the words of `assay grade`."""
    lines = [summary(tried.result, "of what is public")]
    lines += [f"✗ {broken}" for broken in broken_off(tried)]
    for part, later in tried.later.items():
        lines += [f"marked later, {part}:"] if later else []
        lines += [f"  {each.title}  {each.points:g}" for each in later]
    lines += [f"note: {note}" for note in tried.notes]
    return safe.terminal("\n".join(lines))


def table(tried: Tried, saved: str, warnings: Sequence[str] = ()) -> str:
    """Return it as HTML without script, style sheet or colour: it looks as the notebook does."""
    template, sums = html.template("try.html.j2"), totals(tried.result)
    broken = broken_off(tried)
    return template.render(tried=tried, saved=saved, warnings=warnings, totals=sums, broken=broken)


def broken_off(tried: Tried) -> list[str]:
    """Say what kept runs from being clean, each once: no public question may ask for that."""
    runs = tried.result.runs
    of_part = Counter(record.run.part for record in runs)
    ended = Counter(
        (record.run.part, record.reason)
        for record in runs
        if record.outcome is not Outcome.COMPLETED
    )
    titles = {part.name: part.title for part in tried.result.parts}
    return [
        f"{titles.get(part, part)}: {reason} (in {count} of {counted(of_part[part], 'run')})"
        for (part, reason), count in ended.items()
    ]


def refused(error: str) -> str:
    """Return why nothing was tried, as HTML."""
    return html.template("try_refused.html.j2").render(error=error)
