"""Frames: what students wrote, in documents in which nothing acts and that nothing leaves."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from assay.report import safe
from assay.review import facts, render, security
from assay.review.answers import Answer, Question
from assay.review.board import board_of

STATIC = Path(__file__).parent / "static"


@lru_cache
def static(name: str) -> str:
    """Return the address of a static file, which is another one when its content is."""
    return f"/static/{name}?{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def _found(request: Request) -> tuple[Question, Answer]:
    board = board_of(request)
    question = board.question(request.path_params["number"])
    return question, board.answer(question, request.path_params["answer"])


def _framed(body: str) -> Response:
    whole = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Answer</title>'
        f'<link rel="stylesheet" href="{static("frame.css")}"></head>'
        f"<body><main>{body}</main></body></html>"
    )
    return HTMLResponse(whole, headers={"Content-Security-Policy": security.FRAME})


def answer(request: Request) -> Response:
    """Return the frame of an answer."""
    question, found = _found(request)
    return _framed(_rendered(question, found))


@lru_cache(maxsize=64)
def _shown_text(text: str, pictures: tuple[tuple[str, bytes], ...]) -> str:
    return render.answer(text, dict(pictures))


def _rendered(question: Question, answer: Answer) -> str:
    if not answer.pieces:
        return '<p class="missing">No answer was found under a heading of its own.</p>'
    pictures: Mapping[str, bytes] = {}
    if "attachment:" in answer.text:
        pictures = facts.pictures(answer, facts.cells(question, answer))
    return "\n".join(
        f"<h1>{Markup.escape(safe.plain(piece.heading))}</h1>\n"
        + _shown_text(piece.text, tuple(sorted(pictures.items())))
        for piece in answer.pieces
    )


def at_the_answer(request: Request) -> Response:
    """Lead to the cell of the notebook in which the answer begins."""
    question, found = _found(request)
    number = facts.place(found, facts.cells(question, found))
    return RedirectResponse(f"/frame/{question.number}/{found.id}/cells#cell-{number}", 303)


def notebook(request: Request) -> Response:
    """Return the frame of the notebook as it ran."""
    question, found = _found(request)
    cells = facts.cells(question, found)
    if not cells:
        return _framed('<p class="missing">There is no executed notebook of this answer.</p>')
    return _framed(render.notebook(cells))


def model(request: Request) -> Response:
    """Return the frame of the model answer."""
    question = board_of(request).question(request.path_params["number"])
    return _framed(render.answer(question.spec.model))


def plot(request: Request) -> Response:
    """Return a plot of the runs, as the report has it."""
    question, found = _found(request)
    content = facts.plot(question, found, request.path_params["name"])
    if content is None:
        raise HTTPException(404, "There is no such plot.")
    held = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    return Response(content, media_type="image/svg+xml", headers=held)
