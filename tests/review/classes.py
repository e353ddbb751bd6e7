"""A class whose work is graded, made without running anything: results and reports as they are."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assay.classroom import begin
from assay.classroom.room import Room, open_room
from assay.submission.folders import folder as folder_of

ASSIGNMENT = """\
title = "Words"
[[part]]
name = "p"
title = "P"
notebook = "n.ipynb"
rubric = "r"
seeds = [0]
  [[part.criterion]]
  name = "auto"
  title = "Automatic"
  points = 2
  [[part.criterion]]
  name = "boss"
  title = "For a boss"
  points = 5
  [[part.criterion]]
  name = "compare"
  title = "The comparison"
  points = 4
  [[part.criterion]]
  name = "explore"
  title = "The data"
  points = 3
"""
REVIEW = """\
[[question]]
criterion = "p/boss"
prompt = "Explain to your boss, who knows linear regression, what self-learning means in one page."
model = "The weights are found, with $w \\\\leftarrow w - \\\\eta g$, nobody sets them."
facts = [{ measured = "network accuracy", claimed = "network accuracy, as claimed" }]
  [[question.item]]
  text = "says what is learned"
  points = 2
  [[question.item]]
  text = "begins with the regression line"
  points = 2
  [[question.item]]
  text = "names a limit"
  points = 1
  [[question.item]]
  text = "a wrong claim"
  points = -1
"""
QUESTIONS = {"boss": "Question 5b: for a boss", "compare": "The comparison", "explore": "The data"}
POINTS = {"auto": 2, "boss": 5, "compare": 4, "explore": 3}
WHEN = datetime(2026, 10, 1, tzinfo=UTC)


def words(number: int, question: str) -> str:
    """An answer that no other is like."""
    return f"Answer of author {number} to {question}: the *weights* are found, $w_{{{number}}}$."


def a_class(
    folder: Path,
    people: int = 4,
    texts: Mapping[tuple[int, str], Sequence[str]] | None = None,
    gradebook: str = "",
    review: str = REVIEW,
    points: Mapping[str, float] | None = None,
) -> Room:
    """Make a class of so many people, each with an answer to each question."""
    course = folder / "course"
    course.mkdir(parents=True)
    (course / "assignment.toml").write_text(ASSIGNMENT)
    if review:
        (course / "review.toml").write_text(review)
    roster = course / "roster.csv"
    rows = [f"{1000 + n},user{n},Person Number{n},u{n}@example.org" for n in range(people)]
    roster.write_text("\n".join(["id,username,name,email", *rows]) + "\n")
    place = course / "autumn"
    begin.new(
        place,
        title="Autumn",
        item="Words",
        due="2026-10-10T23:59",
        time_zone="America/Toronto",
        assignment=course / "assignment.toml",
        roster=roster,
        groups=None,
    )
    if gradebook:
        settings = place / "class.toml"
        settings.write_text(f'gradebook = "{gradebook}"\n' + settings.read_text())
    room = open_room(place)
    for number, member in enumerate(room.roster.members):
        own = {
            question: list((texts or {}).get((number, question), [words(number, question)]))
            for question in QUESTIONS
        }
        graded(room, member.key, number, own, points)
    return room


def graded(
    room: Room,
    key: str,
    number: int,
    own: Mapping[str, Sequence[str]],
    points: Mapping[str, float] | None = None,
    *,
    hours: int = 0,
    automatic: float = 2.0,
    origin: Mapping[str, Any] | None = None,
) -> None:
    """Write a result and its report, as `assay class grade` leaves them.

    Handed in so many `hours` later, it is another attempt.
    """
    name = f"{number}-{hours}" if hours else str(number)
    attempt = room.book.add_attempt(
        room.item,
        key,
        digest=f"d{name}",
        submitted_at=WHEN + timedelta(hours=hours),
        origin={"timed": True} | dict(origin or {}),
    )
    author = room.authors[attempt.author_id]
    most = POINTS | (points or {})
    criteria = [_line("auto", "Automatic", automatic, False, f"digest{name}", most)]
    for question, pieces in own.items():
        answer = "\0".join(pieces) if pieces else f"digest{name}"
        criteria.append(_line(question, QUESTIONS[question], 0.0, True, answer, most))
    whole = json.dumps([own, name], sort_keys=True)
    room.book.add_result(
        attempt.id,
        digest=hashlib.sha256(whole.encode()).hexdigest(),
        receipt={"course": "c"},
        criteria=criteria,
    )
    report = room.reports / folder_of(author.pseudonym)
    report.mkdir(parents=True, exist_ok=True)
    written = [
        {"part": "p", "criterion": question, "heading": QUESTIONS[question], "text": text}
        for question, pieces in own.items()
        for text in pieces
    ]
    measured = [
        {"part": "p", "run": f"p/a/seed-{seed}", "name": name, "value": value, "x": None}
        for seed in range(3)
        for name, value in (
            ("network accuracy", 0.8 - hours / 100 + seed / 100),
            ("network accuracy, as claimed", 0.95),
        )
    ]
    result = {"digest": f"digest{name}", "written": written, "measurements": measured}
    (report / "results.json").write_text(json.dumps(result))
    kept = room.result(attempt)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(result))
    (report / "p-loss.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (report / "p-executed.ipynb").write_text(json.dumps({"cells": cells(own)}))


def cells(own: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """The notebook as it ran: code, then each answer under its heading."""
    code = {"cell_type": "code", "source": "x = 1", "outputs": [], "metadata": {}}
    return [
        code,
        *(
            {"cell_type": "markdown", "source": f"## {QUESTIONS[question]}\n\n{text}"}
            for question, pieces in own.items()
            for text in pieces
        ),
    ]


def _line(
    name: str, title: str, earned: float, waits: bool, answer: str, most: Mapping[str, float]
) -> dict[str, Any]:
    return {
        "name": f"p/{name}",
        "title": title,
        "points": float(most[name]),
        "earned": earned,
        "waits": waits,
        "answer": hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest(),
    }
