"""For GitHub: the summary of a job as Markdown, and annotations as workflow commands."""

import json
from collections.abc import Iterator, Sequence

from assay.export import score
from assay.records import Criterion, Outcome, Result
from assay.report import safe, summary

MAX_SUMMARY = 1_000_000
"""GitHub drops a job's summary of more than 1 MiB whole."""
MAX_ANNOTATIONS = 9
"""GitHub shows ten errors, ten warnings and ten notices of a step."""


def job_summary(results: Sequence[Result]) -> str:
    """A line a submission, then its criteria; the last ones are left out where it is too much."""
    head = "| submission | points | |\n|---|---:|---|\n" + "".join(map(_row, results))
    kept, room = [head], MAX_SUMMARY - len(head.encode())
    for result in results:
        section = _section(result)
        room -= len(section.encode())
        if room < 200:
            kept.append("\nThe rest is left out: GitHub shows no more than 1 MB.\n")
            break
        kept.append(section)
    return "".join(kept)[:MAX_SUMMARY]


def _row(result: Result) -> str:
    if result.not_graded:
        return f"| {safe.markdown(result.submission)} | | not graded |\n"
    points = f"{summary.points(result.earned)}/{summary.points(result.judged_points)}"
    said = safe.markdown("; ".join(score.remarks(result)))
    return f"| {safe.markdown(result.submission)} | {points} | {said} |\n"


def _section(result: Result) -> str:
    lines = [f"\n### {safe.markdown(result.submission)}", ""]
    lines += [f"- {safe.markdown(reason)}" for reason in result.not_graded]
    for part in result.parts:
        rows = [_criterion(c) for c in result.criteria if c.part == part.name]
        title = safe.markdown(part.title)
        lines += [f"**{title}**", "", "| | criterion | points | what was found |"]
        lines += ["|---|---|---:|---|", *rows, ""]
    return "\n".join(lines) + "\n"


def _criterion(criterion: Criterion) -> str:
    found = [
        safe.markdown(reason) + (f" *Hint: {safe.markdown(hint)}*" if hint else "")
        for reason, hint in score.shortcomings(criterion)
    ]
    cells = [
        summary.sign(criterion),
        safe.markdown(criterion.title),
        summary.mark(criterion),
        "<br>".join(found),
    ]
    return f"| {' | '.join(cells)} |"


def annotations(results: Sequence[Result]) -> str:
    """Workflow commands: an error for each notebook that broke, a warning for what lost most.

    Where it is one submission, two notices more, in which GitHub Classroom looks for the points.
    """
    errors = [line for result in results for line in _errors(result)]
    warnings = [line for result in results for line in _warnings(result)]
    lines = errors[:MAX_ANNOTATIONS] + warnings[:MAX_ANNOTATIONS]
    if len(results) == 1:
        lines += _classroom(results[0])
    return "".join(f"{line}\n" for line in lines)


def _errors(result: Result) -> Iterator[str]:
    for reason in result.not_graded:
        yield command("error", reason, title=f"{result.submission}: not graded")
    broken = (r for r in result.runs if r.outcome is not Outcome.COMPLETED)
    first = {record.run.part: record for record in reversed(list(broken))}
    for part in result.parts:
        if record := first.get(part.name):
            said = f"{record.run.id}: {record.outcome}, {record.reason}"
            yield command("error", said, file=part.notebook, title=f"{part.title} did not run")


def _warnings(result: Result) -> Iterator[str]:
    """What lost points, the most first."""
    notebooks = {part.name: part.notebook for part in result.parts}
    for criterion in sorted(score.lost(result), key=summary.lost, reverse=True):
        reasons = [f"{text}. {hint}".strip() for text, hint in score.shortcomings(criterion)]
        title = f"{criterion.title}: {summary.mark(criterion)}"
        yield command("warning", "\n".join(reasons), file=notebooks[criterion.part], title=title)


def _classroom(result: Result) -> list[str]:
    """GitHub Classroom reads the points from annotations of these very titles."""
    points, most = score.score(result).points, score.possible([result])
    report = json.dumps({"totalPoints": points, "maxPoints": most})
    return [
        command("notice", f"Points {points:g}/{most:g}", title="Autograding complete"),
        command("notice", report, title="Autograding report"),
    ]


def command(level: str, message: str, **properties: str) -> str:
    """`::warning file=a.ipynb,title=Masks::…`: one line, whatever the texts hold."""
    held = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level}{' ' if held else ''}{held}::{_escaped(safe.lines(message, 4_000))}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(safe.plain(text, 200)).replace(":", "%3A").replace(",", "%2C")
