"""The gradebook of a class: one SQLite file, or PostgreSQL by its URL.

    with Gradebook("class/gradebook.sqlite", term="2026-autumn") as book:
        book.add_assignment("hw1")
        book.add_person("s123", "Ada Lovelace", {"user": "ada"})       # key, name, other columns
        book.set_group("hw1", "g1", "Group 1", ["s123"])               # kind="group" for its rows
        attempt = book.add_attempt("hw1", "s123", digest=sha, submitted_at=when, origin={...})
        regrade = book.add_result(attempt.id, digest=sha, receipt=receipt, criteria=[
            {"name": "part1/split", "points": 3, "earned": 2.5, "waits": False, "answer": sha}])
        book.mark("hw1", "s123", "part1/why", 4, answer=sha, by="tom", expected=0, reason="clear")
        book.set_late("hw1", "s123", value={"points": 0.65, "arithmetic": "10 % of 6.5"},
                      by="assay", expected=0)           # also: extend, excuse, override
        final = book.final("hw1", "s123")               # .points .steps .needs .complete
        book.release("hw1", "s123", final, page=html, by="tom", expected=0)
        book.forget("s123", folders=[class_folder]).left               # [] is the proof

`expected` is the version that the writer saw, `0` for none; `Conflict` is raised if there is a
newer one. Times have a zone. Nothing is changed once it is written: `mark_history`,
`decision_history`, `results` and `releases` give every version, oldest first. A person's final
mark is of the newest attempt with a result, their own or their group's.
"""

from assay.classroom.gradebook.book import Gradebook, Regrade
from assay.classroom.gradebook.errors import Conflict, Unknown
from assay.classroom.gradebook.final import FinalMark, Step
from assay.classroom.gradebook.forget import Forgotten, Found

__all__ = ["Conflict", "FinalMark", "Forgotten", "Found", "Gradebook", "Regrade", "Step", "Unknown"]
