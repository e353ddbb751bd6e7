"""What a try found, for a terminal and for the output of a notebook's cell."""

from collections.abc import Sequence

from assay.handout.tried import Tried
from assay.report import html, safe
from assay.report.summary import summary, totals


def text(tried: Tried) -> str:
    """Return it as lines, in the words of `assay grade`."""
    lines = [summary(tried.result, "of what is public")]
    for part, later in tried.later.items():
        lines += [f"marked later, {part}:"] if later else []
        lines += [f"  {each.title}  {each.points:g}" for each in later]
    lines += [f"note: {note}" for note in tried.notes]
    return safe.terminal("\n".join(lines))


def table(tried: Tried, saved: str, warnings: Sequence[str] = ()) -> str:
    """Return it as HTML without script, style sheet or colour: it looks as the notebook does."""
    template, sums = html.template("try.html.j2"), totals(tried.result)
    return template.render(tried=tried, saved=saved, warnings=warnings, totals=sums)


def refused(error: str) -> str:
    """Return why nothing was tried, as HTML."""
    return html.template("try_refused.html.j2").render(error=error)
