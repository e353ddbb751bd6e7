"""Read a master of Otter: raw cells say where questions, answers and tests begin and end."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from assay.handout.cut import TAG
from assay.starter.masters import (
    Check,
    Master,
    Question,
    RawCell,
    heading_above,
    is_code,
    numbers,
    prints,
    raw_cells,
    shown_by,
    words,
)
from assay.submission.notebook import NotebookCell

EDGE = re.compile(
    r"\s*(?:```\s*)?#\s*(BEGIN|END|ASSIGNMENT)\s+(QUESTION|SOLUTION|PROMPT|TESTS?|CONFIG)\b(.*)",
    re.IGNORECASE,
)
Settings = dict[str, Any]
"""What the YAML of a master says."""
QUOTES = r"(\"\"\"|\'\'\')"
CONFIG = (
    re.compile(QUOTES + r"\s*#\s*BEGIN TEST CONFIG", re.IGNORECASE),
    re.compile(QUOTES + r"\s*#\s*END TEST CONFIG", re.IGNORECASE),
)
"""The lines that a configuration of checks stands between."""
HIDDEN = re.compile(r"^[^\S\n]*+#++[^\S\n]*+HIDDEN\b.*$", re.IGNORECASE | re.MULTILINE)
PROMPT = (
    re.compile(QUOTES + r"\s*#\s*BEGIN PROMPT"),
    re.compile(QUOTES + r"\s*(?:;\s*)?#\s*END PROMPT"),
)
"""The lines that a prompt begins and ends with."""
LINE = re.compile(r"^(?P<code>.*?\S)\s*#\s*SOLUTION(?:\s+NO\s+PROMPT)?\s*$", re.IGNORECASE)
REGION = re.compile(r"^(\s*)#\s*(BEGIN|END)\s+SOLUTION\b.*$", re.IGNORECASE)
SEED = re.compile(r"(?<!\s)\s*#[ \t]*SEED[ \t]*$", re.IGNORECASE | re.MULTILINE)
IGNORE = re.compile(r"(?<!\s)\s*#[ \t]*IGNORE[ \t]*$", re.MULTILINE)
OF_OTTER = re.compile(
    r"^[^\S\n]*+(?:import otter\b.*|from otter\b.*|\w+[^\S\n]*=[^\S\n]*otter\.Notebook\(.*\)"
    r"|grader\.\w+\(.*\))[^\S\n]*;?[^\S\n]*(?:#.*)?$",
    re.MULTILINE,
)


def read(path: Path) -> Master:
    """Return what a master holds.

    Each cell of tests is a check: a hidden one begins with `# HIDDEN`, or its configuration says
    so; the others are public.
    """
    master = Master(words(path.stem))
    state: list[str] = []
    question: Question | None = None
    begun = 0
    config: Mapping[str, Any] = {}
    above: list[NotebookCell] = []
    for number, (cell, written) in enumerate(raw_cells(path), 1):
        edge = EDGE.match(cell.source) if cell.kind != "code" else None
        if edge is None:
            above.append(cell)
            _cell(master, question, state, cell, written, number)
            continue
        which, what = edge[1].upper(), edge[2].upper().removesuffix("S")
        if which == "ASSIGNMENT":
            said = _yaml(master, cell.source, number)
            master.title = str(said.get("title") or said.get("name") or master.title)
        elif which == "BEGIN":
            state.append(what)
            if what == "QUESTION":
                config = _yaml(master, cell.source, number)
                question, begun = _question(master, config, number), len(above)
        else:
            if what in state:
                state.remove(what)
            else:
                master.leave(number, f"`# END {what}` without its beginning")
            if what == "QUESTION" and question is not None:
                question.title = _title(master, question, above[begun:], above[:begun])
                _share_out(master, question, config, number)
                question, state = None, []
    if state:
        master.leave(number, f"`# BEGIN {state[-1]}` is never ended")
    return master


def _yaml(master: Master, source: str, number: int) -> Settings:
    """What stands below the first line of a raw cell."""
    return _settings(master, source.strip().strip("`").strip().partition("\n")[2], number)


def _settings(master: Master, text: str, number: int) -> Settings:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        master.leave(number, f"its settings are no YAML: {str(error).splitlines()[0]}")
        return {}
    return found if isinstance(found, dict) else {}


def _question(master: Master, config: Mapping[str, Any], number: int) -> Question:
    name = str(config.get("name") or f"question-{number}")
    found = Question(master.name(name), words(name), 1.0, by_a_person=bool(config.get("manual")))
    master.questions.append(found)
    return found


def _title(
    master: Master,
    question: Question,
    inside: Sequence[NotebookCell],
    above: Sequence[NotebookCell],
) -> str:
    """The heading in a question, else the one above it, where no other has the same."""
    known = {each.title for each in master.questions if each is not question}
    headings = (heading_above(inside), heading_above(above))
    return next((title for title in headings if title and title not in known), question.title)


def _cell(
    master: Master,
    question: Question | None,
    state: Sequence[str],
    cell: NotebookCell,
    written: RawCell,
    number: int,
) -> None:
    """Take in a cell that is no mark."""
    if "TEST" in state and question is not None:
        if cell.kind == "code":
            question.checks.append(_check(master, cell, written, number))
        return
    if "PROMPT" in state:
        if cell.kind == "code" and is_code(cell.source):
            master.leave(number, "a prompt: students get `# Your code here` in its place")
        return
    if cell.kind == "code":
        source = _without_otter(cell.source)
        if cell.source.strip() and not is_code(source) and is_code(cell.source):
            return
        without = _without_prompts(source)
        if without != source:
            master.leave(number, "a prompt: students get `# Your code here` in its place")
            source = without
        marked = _marked(source)
        cell = replace(cell, source=marked)
        if "SOLUTION" in state and marked == source:
            cell = _cut_whole(cell, question)
    elif "SOLUTION" in state:
        cell = _cut_whole(cell, question)
    master.cells.append(cell)


def _cut_whole(cell: NotebookCell, question: Question | None) -> NotebookCell:
    name = (question.name,) if question and question.by_a_person else ()
    return replace(cell, tags=tuple(dict.fromkeys((*cell.tags, TAG, *name))))


def _without_otter(source: str) -> str:
    return SEED.sub("", OF_OTTER.sub("", source)).strip("\n")


def _marked(source: str) -> str:
    """The answer in a cell between the comments that `assay handout` cuts at."""
    lines: list[str] = []
    run: list[str] = []

    def end_run() -> None:
        if run:
            indent = run[0][: len(run[0]) - len(run[0].lstrip())]
            lines.extend([f"{indent}### BEGIN SOLUTION", *run, f"{indent}### END SOLUTION"])
            run.clear()

    for line in source.split("\n"):
        if region := REGION.match(line):
            end_run()
            lines.append(f"{region[1]}### {region[2].upper()} SOLUTION")
        elif one := LINE.match(line):
            run.append(one["code"])
        else:
            end_run()
            lines.append(line)
    end_run()
    return "\n".join(lines)


def _end_of(lines: Sequence[str], first: int, edges: tuple[re.Pattern[str], ...]) -> int:
    """Return the line after a text in quotes that begins at a line; 0 where none begins or ends."""
    begins, ends = edges
    begun = begins.fullmatch(lines[first].strip())
    if not begun:
        return 0
    for at in range(first + 1, len(lines)):
        ended = ends.search(lines[at])
        if ended and ended[1] == begun[1]:
            return at + 1
    return 0


def _without_prompts(source: str) -> str:
    lines, kept, at = source.split("\n"), list[str](), 0
    while at < len(lines):
        if end := _end_of(lines, at, PROMPT):
            at = end
        else:
            kept.append(lines[at])
            at += 1
    return "\n".join(kept)


def _check(master: Master, cell: NotebookCell, written: RawCell, number: int) -> Check:
    source, said = cell.source.lstrip("\n"), Settings()
    lines = source.split("\n")
    if end := _end_of(lines, 0, CONFIG):
        said = _settings(master, "\n".join(lines[1 : end - 1]), number)
        source = "\n".join(lines[end:])
    elif "TEST CONFIG" in source.upper():
        master.leave(number, "its settings are not as Otter has them: it is taken as hidden")
        said = {"hidden": True}
    hidden = bool(said.get("hidden")) or HIDDEN.match(source.lstrip()) is not None
    source = IGNORE.sub("", HIDDEN.sub("", source))
    points = next(numbers(said.get("points")), None)
    if prints(written):
        master.leave(number, "it prints, and what is printed is not believed")
    hint = str(said.get("failure_message") or "")
    return Check(number, source, hidden, hint, points, shown_by(written))


def _share_out(master: Master, question: Question, config: Mapping[str, Any], number: int) -> None:
    """Give a question its points, or those of its tests; where these differ, it is several."""
    said, checks = config.get("points"), question.checks
    if isinstance(said, dict):
        each = next(numbers(said.get("each")), 1.0)
        shares = [each] * len(checks)
    elif isinstance(said, list):
        listed = list(numbers(said))
        shares = [*listed, *[0.0] * len(checks)][: len(checks)]
    else:
        total = next(numbers(said), None)
        given = [check.points for check in checks if check.points is not None]
        left = [check for check in checks if check.points is None]
        if total is None:
            total = sum(given) + (0.0 if given and not left else 1.0 if not given else 0.0)
        rest = max(0.0, total - sum(given)) / len(left) if left else 0.0
        shares = [rest if check.points is None else check.points for check in checks]
        if not checks:
            question.points = total
            return
    question.points = round(sum(shares), 4)
    if len(set(shares)) > 1 and not question.by_a_person:
        master.questions.remove(question)
        for count, (check, points) in enumerate(zip(checks, shares, strict=True), 1):
            title = f"{question.title}, {count} of {len(checks)}"
            name = master.name(f"{question.name}-{count}")
            master.questions.append(Question(name, title, points, [check]))
