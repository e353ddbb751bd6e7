"""The page on which one answer is marked, and what its script sends."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from assay.classroom.gradebook import Conflict
from assay.records import Record
from assay.report import safe
from assay.review import facts, hints, progress
from assay.review.answers import Answer, Question
from assay.review.board import Board, board_of, page, round_of
from assay.review.choices import Content, Kept, Key, Receipt, Round, Seen, Shown, new_key, points_of

MOST_SECONDS = 86_400.0


class Saved(Record):
    """What a client sends to be kept."""

    save: Key
    question: int
    round: Round
    answer: str
    digest: str
    content: Content
    seen: Seen
    seconds: float = Field(ge=0)


def go_on(request: Request) -> Response:
    """Lead to the first answer that is not marked yet, else to the first."""
    board, round_ = board_of(request), round_of(request)
    question = board.question(request.path_params["number"])
    order = board.order(question, round_, request.state.by)
    if not order:
        raise HTTPException(404, "There is nothing to mark here.")
    rows = {} if round_ == "1" else board.store.choices(question, round_)
    marked = _marked(board, question, rows, round_)
    first = next((one for one in order if one.id not in marked), order[0])
    return RedirectResponse(f"/q/{question.number}/{round_}/{first.id}", 303)


def _marked(board: Board, question: Question, rows: Mapping[str, Kept], round_: str) -> set[str]:
    """Return the ids of what is marked; by `assay class mark` too, if it is no second opinion."""
    if round_ == "1":
        return board.store.marked(question)
    return {ident for ident, row in rows.items() if row.content.is_marked}


def mark(request: Request) -> Response:
    """Show one answer with all that a marker needs beside it."""
    board, round_ = board_of(request), round_of(request)
    question = board.question(request.path_params["number"])
    answer = board.answer(question, request.path_params["answer"])
    order = board.order(question, round_, request.state.by)
    if answer not in order:  # settled meanwhile
        order = [answer, *order]
    at = order.index(answer)
    rows = board.store.choices(question, round_)
    marked, flagged = _marked(board, question, rows, round_), progress.flagged(question, rows)
    later = [*order[at + 1 :], *order[:at]]
    choice = board.store.choice(question, answer, round_)
    items = board.store.items(question)
    bank = board.store.comments(question)
    chosen = choice.content.items
    offered = [one for one in items.values() if not one.is_retired or one.key in chosen]
    state = {
        "question": question.number,
        "round": round_,
        "answer": answer.id,
        "digest": answer.digest,
        "points": str(question.points),
        "items": [
            {"key": one.key, "points": str(one.points), "level": one.is_level} for one in offered
        ],
        "content": choice.content.model_dump(),
        # a mark of `assay class mark` is met as a conflict once, before it is written over
        "seen": choice.seen.model_copy(update={"mark": 0} if choice.apart else {}).model_dump(),
        "over": choice.seen.model_dump(),
        "by": choice.by,
        "done": sum(one.id in marked for one in order if one is not answer),
    }
    return page(
        request,
        "mark.html.j2",
        question=question,
        answer=answer,
        round=round_,
        place=at + 1,
        total=len(order),
        done=sum(one.id in marked for one in order),
        previous=order[at - 1] if at else None,
        after=order[at + 1] if at + 1 < len(order) else None,
        next_open=next((one for one in later if one.id not in marked), None),
        next_flagged=next((one for one in later if one in flagged), None),
        choice=choice,
        before_it=None
        if choice.answer or choice.apart
        else _before(board, question, answer, round_),
        others=[one for one in question.answers if one.author == answer.author and one != answer],
        points=points_of(choice.content, items, question.points),
        items=offered,
        bank=list(bank.values()),
        state=json.dumps(state),
        hints=hints.of(answer, question.spec),
        numbers=facts.numbers(question, answer),
        passages=board.passages(question, answer),
        plots=facts.plots(question, answer),
        rounds=_both(board, question, answer) if round_ == "settled" else [],
    )


def _before(
    board: Board, question: Question, answer: Answer, round_: str
) -> dict[str, object] | None:
    """Return how an older text of the answer was marked: it is shown apart, and not chosen."""
    old = board.store.chosen_before(question, answer, round_)
    mark = board.store.marked_before(question).get(answer.author) if round_ == "1" else None
    if old is not None:
        items = board.store.items(question)
        content = old.content
        texts = [items[key].text for key in content.items if key in items]
        points = points_of(content, items, question.points)
        return {"by": old.by, "points": points, "texts": texts, "comment": content.comment}
    if mark is not None:
        return {
            "by": mark.by,
            "points": mark.points,
            "texts": [mark.reason],
            "comment": mark.comment,
        }
    return None


def _both(board: Board, question: Question, answer: Answer) -> list[dict[str, object]]:
    """Return what both rounds chose, for those who settle it."""
    items = board.store.items(question)
    found: list[dict[str, object]] = []
    for round_ in ("1", "2"):
        choice = board.store.choice(question, answer, round_)
        texts = [items[key].text for key in choice.content.items if key in items]
        points = points_of(choice.content, items, question.points)
        comment = choice.content.comment
        found.append(
            {"round": round_, "by": choice.by, "points": points, "texts": texts, "comment": comment}
        )
    return found


def search(request: Request) -> Response:
    """Return the answers that hold these words, with a line of each; a list alone to the script."""
    board, round_ = board_of(request), round_of(request)
    question = board.question(request.path_params["number"])
    words = request.query_params.get("words", "").strip()[:200]
    order = board.order(question, round_, request.state.by)
    found = [
        (at, one, _line_with(one.text, words))
        for at, one in enumerate(order, 1)
        if words and words.lower() in one.text.lower()
    ]
    name = "search.html.j2" if "hx-request" in request.headers else "found.html.j2"
    return page(
        request, name, question=question, round=round_, words=words, found=found[:50],
        total=len(found),
    )  # fmt: skip


def _line_with(text: str, words: str) -> tuple[str, str, str]:
    at = text.lower().find(words.lower())
    begin = max(0, at - 60)
    return (
        _spaced(text[begin:at]),
        safe.plain(text[at : at + len(words)]),
        _spaced(text[at + len(words) : at + len(words) + 60]),
    )


def _spaced(text: str) -> str:
    """Return one line that keeps a space at either end."""
    before, after = (" " if text[at : at + 1].isspace() else "" for at in (0, len(text) - 1))
    return f"{before}{safe.plain(text)}{after}"


# What the script sends.


async def _json(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise HTTPException(400, "This is not JSON.") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "This is not an object.")
    return found


async def save(request: Request) -> Response:
    """Keep a choice, and answer with its receipt."""
    try:
        sent = Saved.model_validate(await _json(request))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise HTTPException(400, f"`{where}`: {first['msg']}") from None
    return await run_in_threadpool(_kept, request, sent)


def _kept(request: Request, sent: Saved) -> Response:
    board, by = board_of(request), request.state.by
    question = board.question(sent.question)
    answer = board.answer(question, sent.answer)
    if answer.is_stale or answer.digest != sent.digest:
        raise Conflict(
            "the answer has been graded again since it was read; nothing was written",
            hint="load the page again",
        )
    order = board.order(question, sent.round, by)
    place = order.index(answer) + 1 if answer in order else 0
    receipt = board.store.save(
        question,
        answer,
        sent.round,
        sent.content,
        save=sent.save,
        seen=sent.seen,
        by=by,
        stack=f"{board.seed(question, sent.round, by)}:{place}",
        seconds=min(sent.seconds, MOST_SECONDS),
    )
    return JSONResponse(_of_receipt(question, receipt))


def _of_receipt(question: Question, receipt: Receipt) -> dict[str, object]:
    choice = receipt.choice
    return {
        "save": receipt.save,
        "content": choice.content.model_dump(),
        "seen": choice.seen.model_dump(),
        "by": choice.by,
        "at": choice.at.isoformat() if choice.at else "",
        "points": None if receipt.points is None else str(receipt.points),
    }


class Asked(Record):
    """A request about an answer, or about what a marker did last."""

    question: int
    round: Round = "1"
    answer: str = ""
    save: Key = "-"


async def undo(request: Request) -> Response:
    """Take back what the marker saved last."""
    sent = _asked(await _json(request))
    return await run_in_threadpool(_undone, request, sent)


def _asked(found: object) -> Asked:
    try:
        return Asked.model_validate(found)
    except ValidationError:
        raise HTTPException(400, "This is not a request of the page.") from None


def _undone(request: Request, sent: Asked) -> Response:
    board = board_of(request)
    question = board.question(sent.question)
    receipt = board.store.undo(question, sent.round, by=request.state.by, save=sent.save)
    if receipt is None:
        return JSONResponse({"answer": None})
    found = question.by_text.get((receipt.author, receipt.choice.answer))
    if found is None:  # it was sent again after the text had changed
        return JSONResponse({"answer": None})
    return JSONResponse(_of_receipt(question, receipt) | {"answer": found.id})


async def reveal(request: Request) -> Response:
    """Return whose an answer is, and log it."""
    sent = _asked(await _json(request))
    return await run_in_threadpool(_revealed, request, sent)


def _revealed(request: Request, sent: Asked) -> Response:
    board = board_of(request)
    question = board.question(sent.question)
    answer = board.answer(question, sent.answer)
    board.store.reveal(question, answer, request.state.by)
    return JSONResponse({"name": board.room.authors[answer.author].name})


class Remark(Record):
    """A comment for the bank, without `key` a new one; and the answer that is shown meanwhile."""

    question: int
    key: Key = "-"
    text: str = Field(max_length=10_000)
    version: int = 0
    round: Round = "1"
    answer: str = ""
    seen: Seen = Seen()


async def bank(request: Request) -> Response:
    """Keep a comment in the bank, or change it everywhere."""
    try:
        sent = Remark.model_validate(await _json(request))
    except ValidationError:
        raise HTTPException(400, "This is not a comment.") from None
    return await run_in_threadpool(_banked, request, sent)


def _banked(request: Request, sent: Remark) -> Response:
    board = board_of(request)
    question = board.question(sent.question)
    key = new_key() if sent.key == "-" else sent.key
    answer = question.by_id.get(sent.answer)
    found = board.store.set_comment(
        question,
        key,
        sent.text,
        by=request.state.by,
        expected=sent.version,
        shown=Shown(answer, sent.round, sent.seen) if answer else None,
    )
    seen = found.seen and found.seen.model_dump()
    said = {"key": key, "version": sent.version + 1, "text": sent.text.strip(), "seen": seen}
    return JSONResponse(said | {"kept": len(found.kept)})
