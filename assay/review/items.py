"""The items of a question: who has each, and what a change does, shown before it is made."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from assay.report import safe
from assay.review.answers import Question
from assay.review.board import Board, board_of, page
from assay.review.choices import new_key
from assay.words import counted

POINTS = re.compile(r"[+-]?([0-9]{1,9}([.,][0-9]{0,9})?|[.,][0-9]{1,9})")
"""Decimal digits: no exponent, and no digits of other scripts."""
NEW = re.compile("[0-9a-f]{32}")
MAX_TEXT = 500
"""Characters of an item: its field on the page takes no more."""


def show(request: Request) -> Response:
    """Show the items of a question, and who has each."""
    board = board_of(request)
    return _shown(request, board, board.question(request.path_params["number"]))


async def change(request: Request) -> Response:
    """Show what a change would do; make it if the person has seen that."""
    form = await request.form()
    sent = {name: str(value) for name, value in form.items()}
    return await run_in_threadpool(_changed, request, sent)


def _changed(request: Request, sent: Mapping[str, str]) -> Response:
    board, by = board_of(request), request.state.by
    question = board.question(request.path_params["number"])
    items = board.store.items(question)
    key = sent.get("key", "")
    if key and key not in items:
        raise HTTPException(404, "There is no such item.")
    if sent.get("undo"):
        sent = _before(board, question, key) | {"key": key, "version": sent.get("version", "")}
    text, points = sent.get("text", "").strip(), points_of_text(sent.get("points", ""))
    if len(text) > MAX_TEXT:
        what = f"The text of an item has at most {MAX_TEXT} characters; this one has {len(text):,}."
        raise HTTPException(400, what)
    level, retired = bool(sent.get("level")), bool(sent.get("retired"))
    version = _version(sent.get("version", ""))
    if key and not sent.get("sure"):
        shown = ("key", "version", "text", "points", "level", "retired")
        preview = {
            "text": text,
            "before": items[key].points,
            "points": points,
            "retired": retired,
            "changes": board.store.effect(question, key, points),
            "fields": {name: sent[name] for name in shown if sent.get(name)},
        }
        return _shown(request, board, question, preview=preview)
    fresh = sent.get("new", "")  # of the form that was shown: sent twice, it adds one item
    changes = board.store.set_item(
        question, key or (fresh if NEW.fullmatch(fresh) else new_key()), text, points,
        is_level=level, retired=retired, by=by, expected=version,
    )  # fmt: skip
    moved = sum(one.before != one.after for one in changes)
    said = f"Done: {counted(moved, 'mark')} changed." if key else "Added."
    if kept := sum(bool(one.kept_by) for one in changes):
        said += f" {counted(kept, 'mark')} by hand left as {'it is' if kept == 1 else 'they are'}."
    return _shown(request, board, question, said=said)


def _before(board: Board, question: Question, key: str) -> dict[str, str]:
    """Return an item as the version below the newest has it."""
    versions = board.store.history(question, key)
    if len(versions) < 2:
        raise HTTPException(400, "The item has not been changed.")
    old = versions[-2]
    fields = {"text": old.text, "points": str(old.points)}
    fields |= {"level": "on"} if old.is_level else {}
    return fields | ({"retired": "on"} if old.retired else {})


def _shown(request: Request, board: Board, question: Question, **more: Any) -> HTMLResponse:
    items = list(board.store.items(question).values())
    having = board.store.having(question)
    values: dict[str, Any] = {"preview": None, "said": ""} | more
    return page(
        request,
        "items.html.j2",
        question=question,
        items=items,
        having=having,
        fresh=new_key(),
        **values,
    )


def _version(text: str) -> int:
    """Return the version that a form names; 0, which is none, for whatever else it holds."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def points_of_text(text: str) -> Decimal:
    """Return points as a person types them."""
    if not POINTS.fullmatch(text.strip()):
        raise HTTPException(400, f"`{safe.plain(text, 40)}` is no number of points.")
    found = Decimal(text.strip().replace(",", "."))
    if abs(found) > 1000:
        raise HTTPException(400, "Points are between -1000 and 1000.")
    return found
