"""Check a handout: it gives nothing away, earns nothing, and with the answer put back everything.

What is given away is looked for in the files themselves, whatever made them.
"""

import ast
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING

from assay.course import files as course_files
from assay.course.assignment import Assignment
from assay.errors import AssayError, quoted
from assay.evidence import packing
from assay.handout import attempt
from assay.handout.make import Handout
from assay.handout.tried import FOLDER
from assay.records import Outcome, Result, Verdict
from assay.source import syntax
from assay.submission import own_checks
from assay.submission.submission import Submission

if TYPE_CHECKING:
    from assay.grading.session import Session

EMPTY, RESTORED = "the handout", "the handout with the answer put back"
TRIED = "the answer, tried with the public questions,"
LONG = 24
"""Characters from which on a line of the answer is looked for within lines of other files."""
SHOWN = 10
"""Faults of a kind that are listed; the rest is counted."""


@dataclass(frozen=True)
class Findings:
    """What is wrong with a handout, and what it earned; None where it was not graded."""

    faults: tuple[str, ...]
    empty: Result | None = None
    restored: Result | None = None


def check(session: "Session", handout: Handout) -> Findings:
    """Look for what is given away; then grade the handout, and the handout with its answer.

    Nothing is graded where something is given away: that has to be mended first.
    """
    if given_away := tuple(leaks(session.assignment, handout)):
        return Findings(given_away)
    empty = session.grade(Submission(EMPTY, own_checks.without(handout.files)))
    whole = {**handout.files, **handout.answer.files}
    restored = session.grade(Submission(RESTORED, own_checks.without(whole)))
    faults = [*_of_empty(empty), *_of_lost(restored, RESTORED), *_of_public(whole)]
    return Findings(tuple(faults), empty, restored)


def leaks(assignment: Assignment, handout: Handout) -> Iterator[str]:
    """Say what of the answer, of the rubric and of its known mistakes is in a handout."""
    kept = {line.strip() for done in handout.cuts.values() for line in done.kept}
    cut = {line.strip(): name for name, done in handout.cuts.items() for line in done.cut}
    secret = {line: name for line, name in cut.items() if line not in kept and _says(line)}
    mistakes = set(known_mistakes(assignment))
    rubrics = {content: name for name, content in _rubric(assignment)}
    found: list[str] = []
    for name, content in handout.files.items():
        lines = set(_lines(name, content))
        whole = "\n".join(lines)
        for line, of in secret.items():
            within = name not in handout.cuts and len(line) >= LONG and line in whole
            if line in lines or within:
                found.append(f"{quoted(name)} holds a line of the answer in {quoted(of)}: `{line}`")
        if name.startswith(f"{FOLDER}/"):
            continue  # what public tests need, and no more: they name the mistakes that they know
        if content in rubrics and content.strip():
            found.append(f"{quoted(name)} is {quoted(rubrics[content])}, a file of the rubric")
        found += [f"{quoted(name)} names a known mistake: `{m}`" for m in mistakes if m in whole]
    yield from found[:SHOWN]
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN} more"


def _says(line: str) -> bool:
    """Return whether a line would give something away: `)`, `else:` and `return {` would not."""
    words = re.findall(r"\w+", line)
    return sum(map(len, words)) >= 6 and not all(map(iskeyword, words))


def _lines(name: str, content: bytes) -> Iterator[str]:
    """The lines of a file, stripped; those of a notebook as they were typed, too."""
    text = content.decode("utf-8", "replace")
    yield from (line.strip() for line in text.splitlines())
    if name.endswith(".ipynb"):
        for string in _strings(json.loads(text)):
            yield from (line.strip() for line in string.splitlines())


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _strings(each)


def _rubric(assignment: Assignment) -> Iterator[tuple[str, bytes]]:
    for part in assignment.part:
        for path in (assignment.root / part.rubric).rglob("*.py"):
            yield path.relative_to(assignment.root).as_posix(), path.read_bytes()


def known_mistakes(assignment: Assignment) -> Iterator[str]:
    """The sentences by which a rubric names known mistakes, as far as they are written out."""
    for part in assignment.part:
        for path in sorted(course_files.of_part(assignment, part)):
            inside = path.is_relative_to(assignment.root / "solution")
            if path.suffix != ".py" or inside:
                continue
            for node in ast.walk(syntax.parse(course_files.text_of(path))):
                if isinstance(node, ast.Call):
                    yield from _named(node)


def _named(call: ast.Call) -> Iterator[str]:
    """What a call names: `KnownMistake("...")`, and the keys of `known_mistakes={...}`."""
    said = list(call.args[:1]) if ast.unparse(call.func).endswith("KnownMistake") else []
    for keyword in call.keywords:
        if keyword.arg == "known_mistakes" and isinstance(keyword.value, ast.Dict):
            said += [key for key in keyword.value.keys if key is not None]
    for sentence in said:
        if isinstance(sentence, ast.Constant) and len(str(sentence.value)) >= LONG:
            yield str(sentence.value)


def _of_empty(result: Result) -> Iterator[str]:
    """Yield what is wrong with the mark of an untouched handout."""
    for criterion in result.criteria:
        if criterion.earned:
            held = [p.title for p in criterion.properties if p.verdict is Verdict.PASSED]
            yield (
                f"{EMPTY} earns {criterion.earned:g} of {criterion.points:g} for "
                f"{quoted(criterion.title)}: {' '.join(held)[:200]}"
            )
    yield from _of_ours(result, EMPTY)
    for criterion in result.criteria:
        if any(p.verdict.is_lost and not p.reason for p in criterion.properties):
            yield f"{EMPTY} gets no reason why it earns nothing for {quoted(criterion.title)}"


def _of_public(files: Mapping[str, bytes]) -> Iterator[str]:
    """What is wrong with the public half, which the answer is tried with as a student would."""
    if f"{FOLDER}/assignment.toml" not in files:
        return
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        handed_out, scratch = Path(folder) / "handout", Path(folder) / "scratch"
        packing.write(files, handed_out)
        scratch.mkdir()
        try:
            tried = attempt.attempt(handed_out, handed_out / FOLDER, scratch)
        except AssayError as error:
            yield f"{TRIED}: {error.what}: {error.found}"
            return
    yield from _of_lost(tried.result, TRIED)


def _of_lost(result: Result, which: str) -> Iterator[str]:
    """What is wrong with a mark of the answer: it loses points, or was not judged."""
    for criterion in result.criteria:
        lost = [p for p in criterion.properties if p.verdict.is_lost]
        if criterion.earned is not None and criterion.earned < criterion.judged - 1e-9:
            why = lost[0].reason if lost else ""
            yield (
                f"{which} earns {criterion.earned:g} of {criterion.judged:g} for "
                f"{quoted(criterion.title)}: {why}"
            )
    yield from _of_ours(result, which)


def _of_ours(result: Result, which: str) -> Iterator[str]:
    for run in result.runs:
        if run.outcome is Outcome.INFRASTRUCTURE:
            yield f"{which}: {run.run.id} could not be made: {run.reason}"
    for criterion in result.criteria:
        if criterion.verdict is Verdict.NOT_JUDGED:
            yield f"{which}: {quoted(criterion.title)} could not be judged"
