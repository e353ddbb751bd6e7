"""Written answers: found under their headings, and handed on for a person to mark.

A program does not say that an answer is wrong, nor that it is missing where any text there could
be it: it says what it looked for, and a person looks.
"""

import ast
import re
from collections.abc import Iterator

from assay.rubric import ForReview, Wrong
from rubric_tests.syntax import parsed

HASHES = re.compile(r"(#{1,6})(?!#)(.{1,2000})")
BOLD = re.compile(r"(?:\*\*|__)([^*_]{1,200})(?:\*\*|__):?")
TAGGED = re.compile(r"<h([1-6])[^<>]{0,100}>([^<>]{1,200})</h[1-6]>", re.IGNORECASE)
NUMBERED = re.compile(
    r"(?P<label>(?:(?:answer|solution|antwort|lösung)\b[^\d]{0,9})?"
    r"(?:question|exercise|task|problem|q|frage|aufgabe|teilaufgabe|übung)[\s.:#]{0,4})?"
    r"(?P<digits>\d{1,3})"
    r"(?:(?P<glued>[a-h])(?![a-z])|[\s.]{0,2}\(?(?P<apart>[a-h])(?=\s{0,2}(?:[:).–-]|$)))?"
    r"(?!\d|[.,]\d)",
    re.IGNORECASE,
)
"""The number of a question at the beginning of a heading, with what it is called there."""
BELOW_BOLD = 7
"""The level of a line that is bold as a whole: below all headings."""
PLACEHOLDER = re.compile(
    r"to ?do|tbd|tba|wip|fixme|x{3,20}|n/?a|placeholder|platzhalter|lorem ipsum.{0,200}"
    r"|(?:your|my) (?:answer|text|solution|comment|evaluation)s?(?: goes)?(?: here)?"
    r"|(?:write|answer|type|add|insert|put) .{0,60}here"
    r"|(?:deine|ihre|eure|meine) (?:antwort|lösung|auswertung)(?: hier)?"
    r"|(?:hier|bitte) .{0,60}(?:antworten|antwort|einfügen|eintragen|ergänzen|schreiben)"
    r"|(?:kommt|folgt)(?: noch| später)?|coming soon|later|später|noch offen"
    r"|nothing|nichts|none|keine?",
    re.IGNORECASE,
)
MARKS = " \t.,:;!?…*_#>()[]{}<>-–—/\\|`~\"'"
ENOUGH = 8
"""Words of a comment in code that may be an answer: fewer only say what a line does."""
MOST = 60_000
"""Characters of text that are handed on where no heading tells which of it is the answer."""


def collect(submission, written, pattern: str, *, tag: str, number: str = "") -> None:
    """Hand on the answer: by the tag of its cells, by words of its heading, or by its number there.

    Where none of these tells it, all text of the part is handed on, and what the rest of the
    notebook announces so: some write all their answers at its end.

    Raises
    ------
    ForReview
        Where no heading matches, or nothing but a placeholder stands below it.
    Wrong
        Where the notebook has no text of its student's at all.
    """
    ways = _announced(submission.cells, pattern, tag, number)
    if answers := _first_filled(ways):
        for heading, text in answers:
            written(heading, text)
        return

    beside = getattr(submission, "beside", [])
    elsewhere = _first_filled(_announced(beside, pattern, tag, number))
    everything = all_text(submission.cells) or ("" if elsewhere else all_text(beside))
    if not (everything or elsewhere):
        raise Wrong("there is no text in the notebook that could be an answer")
    if everything:
        written("No heading announced this answer: all text of the notebook", everything[:MOST])
    for heading, text in elsewhere:
        written(f"Elsewhere in the notebook: {heading}", text)
    announced = next(filter(None, ways), [])
    raise ForReview(_what_was_found(announced) or _what_was_looked_for(pattern))


def _announced(cells, pattern: str, tag: str, number: str) -> list[list[tuple[str, str]]]:
    """(heading, text) by each way of telling an answer, the surest first."""
    titled, tagged = sections(cells), _tagged(cells, tag)
    return [
        tagged if _is_filled(cells, tag) else [],
        [one for one in titled if re.search(pattern, one[0], re.IGNORECASE)],
        *([one for one in titled if _has_number(one[0], said)] for said in _numbers(number)),
        tagged,  # who left its cell as it was may have answered below it
    ]


def _first_filled(ways: list[list[tuple[str, str]]]) -> list[tuple[str, str]]:
    filled = ([one for one in announced if not is_placeholder(one[1])] for announced in ways)
    return next(filter(None, filled), [])


def _is_filled(cells, tag: str) -> bool:
    """Whether a cell with the tag holds more than what stood there."""
    texts = ["\n".join(_texts(cell)) for cell in cells if tag in getattr(cell, "tags", ())]
    return not all(map(is_placeholder, texts))


def _tagged(cells, tag: str) -> list[tuple[str, str]]:
    """(the tag, text) of the cells that have the tag: as one answer, if they are several.

    The Markdown that follows such a cell in its section, in cells without a tag, goes on with it:
    a reader sees what is too much, but not what is missing. Headings below that of the section and
    lines in bold do not end it, but for those with the number of a question. A heading of the
    first level is the title of a whole part, unless it has such a number.
    """
    texts: list[str] = []
    level, title, begun, goes_on = BELOW_BOLD, "", BELOW_BOLD, False
    for cell in cells:
        tags, lines = getattr(cell, "tags", ()), cell.source.split("\n")
        headings = list(_headings(lines)) if cell.kind == "markdown" else []
        real = [(depth, said) for _, _, depth, said in headings if depth < BELOW_BOLD]
        if tag in tags:
            texts += _texts(cell)
            begun = min((depth for _, _, depth, _ in headings), default=BELOW_BOLD)
            own = min((depth for depth, _ in real), default=level)
            if level == BELOW_BOLD > own or (level == 1 and not _is_numbered(title)):
                level = own
            elif headings:  # its further headings are within the section, or lines in bold
                level = min(level, own, BELOW_BOLD - 1)
            goes_on = True
            continue
        if cell.kind == "markdown" and goes_on:
            end = next(
                (
                    begin
                    for begin, _, depth, said in headings
                    if depth <= level or (depth <= begun and _is_numbered(said))
                ),
                None,
            )
            goes_on = end is None and not tags
            texts += [] if tags else ["\n".join(lines[:end]).strip()]
        if headings and not goes_on:
            level, title = real[-1] if real else (level, title)
    return [(f"Cells tagged `{tag}`", "\n\n".join(filter(None, texts)))] if texts else []


def _is_numbered(heading: str) -> bool:
    """Whether a heading is that of a question: `Question 5b`, `5b) …`, or a number and no more."""
    found = NUMBERED.match(heading.strip())
    if found is None:
        return False
    bare = not heading.strip()[found.end() :].strip(MARKS)
    return bool(found["label"] or found["glued"] or found["apart"] or bare)


def _numbers(number: str) -> list[str]:
    """A question's number, and the number of the whole that it is a part of: `5b`, then `5`."""
    return list(dict.fromkeys(filter(None, (number, number.rstrip("abcdefgh")))))


def _has_number(heading: str, number: str) -> bool:
    """Whether a heading gives this number to a question: `Question 5b`, `Aufgabe 5 (b)`, `5b) …`.

    A number alone, as in `5. Results`, may be the student's own count of sections.
    """
    found = NUMBERED.match(heading.strip())
    if found is None:
        return False
    letter = (found["glued"] or found["apart"] or "").lower()
    return found["digits"] + letter == number and bool(found["label"] or letter)


def _what_was_found(announced: list[tuple[str, str]]) -> str:
    """The first of the headings below which there is no answer."""
    for heading, text in announced[:1]:
        there = f"only `{' '.join(text.split())[:60]}`" if text else "nothing"
        return f"there is {there} below the heading `{heading[:80]}`"
    return ""


def _what_was_looked_for(pattern: str) -> str:
    words = ", ".join(pattern.replace("\\b", "").replace(".?", "-").split("|"))
    return f"no heading announces it; looked for: {words}. All text of the notebook is kept"


def is_placeholder(text: str) -> bool:
    """Whether a text is empty, or says only that something is to be written there.

    What stands below further headings counts; the headings themselves do not.
    """
    lines = [line for line in _without_comments(text).splitlines() if _heading(line) is None]
    said = [line.strip(MARKS)[:300] for line in lines]
    return all(not line or PLACEHOLDER.fullmatch(line) for line in said)


def _without_comments(text: str) -> str:
    before, *rest = text.split("<!--")
    return before + "".join(part.partition("-->")[2] for part in rest)


def sections(cells) -> list[tuple[str, str]]:
    """(heading, text until the next heading of its own level or above), from the markdown cells."""
    page = "\n\n".join(cell.source for cell in cells if cell.kind == "markdown")
    lines = page.split("\n")
    marks = list(_headings(lines))
    ends: list[int] = []
    first = dict.fromkeys(range(1, BELOW_BOLD + 1), len(lines))  # of each level, the next one
    for number, _, level, _ in reversed(marks):
        ends.append(min(first[above] for above in range(1, level + 1)))
        first[level] = number
    pieces = zip(marks, reversed(ends), strict=True)
    return [(title, "\n".join(lines[begin:end]).strip()) for (_, begin, _, title), end in pieces]


def _headings(lines: list[str]) -> Iterator[tuple[int, int, int, str]]:
    """(its line, the line after it, level, title) of each heading outside a fence."""
    fenced = False
    for number, line in enumerate(lines):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and (found := _heading(line)):
            yield number, number + 1, *found
        elif not fenced and number and line[:3] in ("===", "---") and not line.strip("=- \t"):
            above = lines[number - 1].strip()
            if above and _heading(above) is None and (number < 2 or not lines[number - 2].strip()):
                yield number - 1, number + 1, 1 if line[0] == "=" else 2, above


def _heading(line: str) -> tuple[int, str] | None:
    """Level and title of a line that is a heading by itself."""
    line = line.strip()
    if found := HASHES.match(line):
        title = line[len(found[1]) :].strip().rstrip("#").rstrip()
        return (len(found[1]), title) if title else None
    if found := TAGGED.fullmatch(line):
        return int(found[1]), found[2].strip()
    found = BOLD.fullmatch(line)
    return (BELOW_BOLD, found[1].strip().rstrip(":")) if found else None


def all_text(cells) -> str:
    """What a student has written: Markdown, and in code the comments and texts that are long."""
    found = [text for cell in cells for text in _texts(cell)]
    return "\n\n".join(text for text in found if not is_placeholder(text))


def _texts(cell) -> Iterator[str]:
    if cell.kind != "code":
        yield cell.source
        return
    comments: list[str] = []
    for line in [*cell.source.splitlines(), ""]:
        if line.lstrip().startswith("#"):
            comments.append(line.strip().lstrip("# "))
            continue
        yield from _long("\n".join(comments))
        comments = []
    for node in ast.walk(parsed(cell.source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _long(node.value)


def _long(text: str) -> Iterator[str]:
    if len(text.split()) >= ENOUGH:
        yield text
