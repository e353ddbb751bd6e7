"""How far a review is: what is left, who marks what, how long an answer takes; and as CSV."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from assay.classroom.gradebook.models import ReviewSave
from assay.report import safe
from assay.review.answers import Answer, Question
from assay.review.store import Content, Item, Store, points_of

LONGEST = 1800.0
"""Seconds: an answer that was open for longer was left open."""


@dataclass(frozen=True)
class Progress:
    """One question, over all its answers."""

    question: Question
    marked: int
    flagged: int
    changed: int
    """Answers that were graded again after they had been marked."""
    second: int
    """Marked in the second round."""
    differing: int
    markers: list[tuple[str, int]]
    """Who marked how many in the first round."""
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
    authors = {one.author: one for one in question.answers}
    chosen = {name: store.choices(question, name) for name in ("1", "2")}
    first = {who: row for who, row in chosen["1"].items() if who in authors and _marked(row)}
    times = list(_seconds(store, question).values())
    second = sum(_marked(row) for row in chosen["2"].values())
    return Progress(
        question,
        len(first),
        sum(Content(**row.content).flag for row in chosen["1"].values()),
        sum(row.answer != authors[who].digest for who, row in first.items()),
        second,
        sum(one.settled is None for one in differences(store, question)) if second else 0,
        sorted(Counter(row.by for row in first.values()).items()),
        median(times) if times else None,
    )


def differences(store: Store, question: Question) -> list[Difference]:
    """Return the answers that the rounds give different points, those that are settled too."""
    items = store.items(question)
    first, second, settled = (store.choices(question, name) for name in ("1", "2", "settled"))
    found = []
    for answer in question.answers:
        one, other = first.get(answer.author), second.get(answer.author)
        if one is None or other is None:
            continue
        points = [_points(row, items, question) for row in (one, other)]
        if points[0] is None or points[1] is None or points[0] == points[1]:
            continue
        agreed = settled.get(answer.author)
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


def pairs(store: Store, question: Question) -> list[tuple[float, float]]:
    """Return the points of both rounds for each answer that both have marked."""
    items = store.items(question)
    first, second = (store.choices(question, name) for name in ("1", "2"))
    both = [
        (_points(first[one.author], items, question), _points(second[one.author], items, question))
        for one in question.answers
        if one.author in first and one.author in second
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
    for question in questions:
        items, seconds = store.items(question), _seconds(store, question)
        rounds = {name: store.choices(question, name) for name in ("1", "2", "settled")}
        for answer in question.answers:
            for name, rows in rounds.items():
                row = rows.get(answer.author)
                if row is not None or name == "1":
                    writer.writerow(_row(question, answer, name, row, items, seconds))
    return buffer.getvalue()


def _row(
    question: Question,
    answer: Answer,
    name: str,
    row: ReviewSave | None,
    items: dict[str, Item],
    seconds: dict[tuple[str, int], float],
) -> list[object]:
    head: list[object] = [safe.csv(question.criterion), answer.pseudonym, name]
    if row is None:
        return [*head, "", "", "", str(question.points), "", "", "", "", 0, ""]
    content = Content(**row.content)
    points = _points(row, items, question)
    texts = "; ".join(items[key].text for key in content.items if key in items)
    return [
        *head,
        safe.csv(row.by),
        row.at.isoformat(timespec="seconds"),
        "" if points is None else str(points),
        str(question.points),
        safe.csv(texts),
        safe.csv(content.comment),
        "yes" if content.flag else "",
        f"{seconds.get((name, answer.author), 0.0):.1f}",
        row.version,
        row.stack,
    ]


def _marked(row: ReviewSave) -> bool:
    return Content(**row.content).is_marked


def _points(row: ReviewSave, items: dict[str, Item], question: Question) -> Decimal | None:
    return points_of(Content(**row.content), items, question.points)


def _seconds(store: Store, question: Question) -> dict[tuple[str, int], float]:
    """Return how long each answer was open until its last save, by round and author."""
    found: dict[tuple[str, int], float] = {}
    for name, author, seconds in store.times(question):
        if 0 < seconds < LONGEST:
            found[name, author] = max(found.get((name, author), 0.0), seconds)
    return found
