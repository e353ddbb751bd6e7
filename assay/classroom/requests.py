"""Questions of the class on lines of their mark sheets, and the answers; both are history."""

from dataclasses import dataclass

from assay.classroom import marks
from assay.classroom.gradebook.models import RegradeAnswer, RegradeRequest
from assay.classroom.room import Room
from assay.classroom.roster import Member
from assay.errors import UsageError, quoted


@dataclass(frozen=True)
class Row:
    """A request, the mark as it was then, and its answers."""

    number: int
    who: str
    line: str
    question: str
    mark: str
    answers: list[str]


def ask(room: Room, member: Member, line: str, question: str) -> RegradeRequest:
    """Note a question, with the line's mark as it is now.

    Raises
    ------
    UsageError
        If there is no such line, or nothing is asked.
    """
    found = {one["name"]: (one, mark) for one, mark in marks.sheet(room, member)}
    if line not in found:
        raise UsageError(
            f"{quoted(member.key)} has no line {quoted(line)}",
            found=", ".join(map(quoted, found)) or "there is no result yet",
            hint="`assay class sheet` shows the lines",
        )
    if not question.strip():
        raise UsageError("nothing is asked", hint="give the question, in a sentence")
    criterion, mark = found[line]
    then = {"earned": criterion["earned"], "points": criterion["points"], "by": "assay"}
    if mark and mark.points is not None:
        then |= {"earned": str(mark.points), "by": mark.by, "reason": mark.reason}
    asked = [
        one
        for one, _ in room.book.requests(room.item)
        if one.criterion == line and room.authors[one.author_id].key == member.key
    ]
    return room.book.request_regrade(
        room.item, member.key, line, question, mark=then, expected=len(asked)
    )


def rows(room: Room) -> list[Row]:
    """Return every request, oldest first."""
    return [_row(room, asked, answers) for asked, answers in room.book.requests(room.item)]


def _row(room: Room, asked: RegradeRequest, answers: list[RegradeAnswer]) -> Row:
    author = room.authors[asked.author_id]
    then = asked.mark
    said = f"{float(then['earned']):.2f}/{float(then['points']):g} by {then['by']}"
    said += f", {then['reason']}" if then.get("reason") else ""
    told = [f"{one.by}, {one.at:%Y-%m-%d}: {one.answer}" for one in answers]
    return Row(
        asked.id, f"{author.name} ({author.key})", asked.criterion, asked.question, said, told
    )


def answer(room: Room, request: int, text: str, *, by: str) -> RegradeAnswer:
    """Write an answer below the older ones.

    Raises
    ------
    UsageError
        If there is no such request.
    """
    there = {asked.id: answers for asked, answers in room.book.requests(room.item)}
    if request not in there:
        raise UsageError(f"there is no request {request}", hint="`assay class requests` lists them")
    return room.book.answer_request(request, text, by=by, expected=len(there[request]))
