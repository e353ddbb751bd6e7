"""How far a review is: what is left, who marks what, how long an answer takes; and as CSV."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from statistics import median

from assay.classroom.gradebook.models import Mark
from assay.report import safe
from assay.review.answers import Answer, Question
from assay.review.choices import Item, Kept, points_of
from assay.review.store import Store

Rounds = Mapping[str, Mapping[str, Kept]]
"""Of each round, the newest save of each answer by its id."""
LONGEST = 1800.0
"""Seconds: an answer that was open for longer was left open."""


@dataclass(frozen=True)
class Progress:
    """One question, over all its answers."""

    question: Question
    marked: int
    flagged: list[Answer]
    changed: int
    """Answers that were graded again after they had been marked."""
    second: int
    """Marked in the second round."""
    differing: int
    markers: list[tuple[str, int]]
    """Who marked how many: in the first round, or else whoever wrote the mark."""
    seconds: float | None
    """The median time that an answer took."""

    @property
    def left(self) -> int:
        return len(self.question.answers) - self.marked


@dataclass(frozen=True)
class Difference:
    """An answer that two rounds give different points."""

    answer: Answer
    first: Decimal
    second: Decimal
    by: tuple[str, str]
    settled: Decimal | None


def of(store: Store, question: Question) -> Progress:
    """Return how far a question is."""
    items, rounds = store.items(question), store.rounds(question)
    first, again = rounds["1"], rounds["2"]
    marks, before = store.marks(question), store.marked_before(question)
    chosen = {ident: row.by for ident, row in first.items() if row.content.is_marked}
    times = list(_seconds(store, question).values())
    second = sum(row.content.is_marked for row in again.values())
    return Progress(
        question,
        len(marks),
        flagged(question, first),
        sum(one.author in before and one.id not in marks for one in question.answers),
        second,
        sum(one.settled is None for one in differences(question, items, rounds)),
        sorted(Counter(chosen.get(ident, mark.by) for ident, mark in marks.items()).items()),
        median(times) if times else None,
    )


def flagged(question: Question, rows: Mapping[str, Kept]) -> list[Answer]:
    """Return the answers that somebody should look at once more, by these saves."""
    return [one for one in question.answers if one.id in rows and rows[one.id].content.flag]


def differences(question: Question, items: Mapping[str, Item], rounds: Rounds) -> list[Difference]:
    """Return the answers that the rounds give different points, those that are settled too."""
    first, second, settled = (rounds[name] for name in ("1", "2", "settled"))
    found = []
    for answer in question.answers:
        one, other = first.get(answer.id), second.get(answer.id)
        if one is None or other is None:
            continue
        points = [_points(row, items, question) for row in (one, other)]
        if points[0] is None or points[1] is None or points[0] == points[1]:
            continue
        agreed = settled.get(answer.id)
        found.append(
            Difference(
                answer,
                points[0],
                points[1],
                (one.by, other.by),
                _points(agreed, items, question) if agreed else None,
            )
        )
    return found


def pairs(
    question: Question, items: Mapping[str, Item], rounds: Rounds
) -> list[tuple[float, float]]:
    """Return the points of both rounds for each answer that both have marked."""
    first, second = rounds["1"], rounds["2"]
    both = [
        (_points(first[one.id], items, question), _points(second[one.id], items, question))
        for one in question.answers
        if one.id in first and one.id in second
    ]
    return [(float(a), float(b)) for a, b in both if a is not None and b is not None]


def table(store: Store, questions: Sequence[Question]) -> str:
    """Return the state of every answer as CSV: no cell is a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ["question", "pseudonym", "round", "by", "at", "points", "of", "items", "comment", "flag",
         "seconds", "saves", "stack"]
    )  # fmt: skip
    text = cache(safe.csv)  # the same few items, markers and comments stand in most lines
    for question in questions:
        items, seconds, rounds = (
            store.items(question),
            _seconds(store, question),
            store.rounds(question),
        )
        is_chosen = len(rounds["1"]) == len(question.answers)
        marks = {} if is_chosen else store.marks(question)
        for answer in question.answers:
            for name, rows in rounds.items():
                row = rows.get(answer.id)
                if row is not None:
                    writer.writerow(_row(question, answer, name, row, items, seconds, text))
                elif name == "1":
                    writer.writerow(_unchosen(question, answer, marks.get(answer.id), text))
    return buffer.getvalue()


def _row(
    question: Question,
    answer: Answer,
    name: str,
    row: Kept,
    items: dict[str, Item],
    seconds: dict[tuple[str, int, str], float],
    text: Callable[[str], str],
) -> list[object]:
    content = row.content
    points = _points(row, items, question)
    texts = "; ".join(items[key].text for key in content.items if key in items)
    return [
        text(question.criterion),
        answer.pseudonym,
        name,
        text(row.by),
        row.at.isoformat(timespec="seconds"),
        "" if points is None else str(points),
        str(question.points),
        text(texts),
        text(content.comment),
        "yes" if content.flag else "",
        f"{seconds.get((name, answer.author, answer.digest), 0.0):.1f}",
        row.version,
        row.stack,
    ]


def _unchosen(
    question: Question, answer: Answer, mark: Mark | None, text: Callable[[str], str]
) -> list[object]:
    """Return the line of an answer for which nothing is chosen; `assay class mark` may have one."""
    head: list[object] = [text(question.criterion), answer.pseudonym, "1"]
    if mark is None:
        return [*head, "", "", "", str(question.points), "", "", "", "", 0, ""]
    who, when = text(mark.by), mark.at.isoformat(timespec="seconds")
    said = [text(mark.reason), text(mark.comment)]
    return [*head, who, when, str(mark.points), str(question.points), *said, "", "", 0, ""]


def _points(row: Kept, items: Mapping[str, Item], question: Question) -> Decimal | None:
    return points_of(row.content, items, question.points)


def _seconds(store: Store, question: Question) -> dict[tuple[str, int, str], float]:
    """Return how long each answer was open until its last save, by round, author and text."""
    found: dict[tuple[str, int, str], float] = {}
    for name, author, text, seconds in store.times(question):
        if 0 < seconds < LONGEST:
            found[name, author, text] = max(found.get((name, author, text), 0.0), seconds)
    return found
