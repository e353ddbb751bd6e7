"""The application: its addresses, its templates, who comes in, and how it is served."""

from decimal import Decimal
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from assay.classroom.room import Room
from assay.errors import AssayError
from assay.report import safe
from assay.review import agreement, frames, items, marking, progress, security
from assay.review.board import Board, board_of, error, page
from assay.review.security import Door, Guard


def app(room: Room, door: Door) -> Starlette:
    """Return the application for one class."""
    board = Board(room, door)
    pages = Environment(
        loader=PackageLoader("assay.review"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else _shown(value),
    )
    pages.globals["static"] = frames.static
    pages.filters["number"] = lambda value: f"{Decimal(value):f}"
    application = Starlette(
        routes=[
            Route("/", _overview),
            Route("/enter", _enter),
            Route("/q/{number:number}", marking.go_on),
            Route("/q/{number:number}/items", items.show, methods=["GET"]),
            Route("/q/{number:number}/items", items.change, methods=["POST"]),
            Route("/q/{number:number}/{round}", marking.go_on),
            Route("/q/{number:number}/{round}/{answer}", marking.mark),
            Route("/agreement/{number:number}", agreement.show),
            Route("/search/{number:number}/{round}", marking.search),
            Route("/frame/{number:number}/model/answer", frames.model),
            Route("/frame/{number:number}/{answer}", frames.answer),
            Route("/frame/{number:number}/{answer}/notebook", frames.at_the_answer),
            Route("/frame/{number:number}/{answer}/cells", frames.notebook),
            Route("/plot/{number:number}/{answer}/{name}", frames.plot),
            Route("/save", marking.save, methods=["POST"]),
            Route("/undo", marking.undo, methods=["POST"]),
            Route("/reveal", marking.reveal, methods=["POST"]),
            Route("/bank", marking.bank, methods=["POST"]),
            Route("/progress.csv", _csv),
            Mount("/static", _Static(directory=frames.STATIC)),
        ],
        middleware=[Middleware(Guard, door=door, refuse=error)],
        exception_handlers={AssayError: error, HTTPException: error},
    )
    application.state.board, application.state.pages = board, pages
    return application


class _Number(Convertor[int]):
    """The number of a question: Starlette's own `int` fails on one of 5,000 digits."""

    regex = "[0-9]{1,9}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("number", _Number())


class _Static(StaticFiles):
    """Files that a browser keeps: an address names the content too, see `frames.static`."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        answer = super().file_response(*args, **kwargs)
        answer.headers["Cache-Control"] = "private, max-age=86400, immutable"
        return answer


def _shown(value: object) -> object:
    return safe.lines(str(value), 200_000) if value is not None else ""


def _enter(request: Request) -> Response:
    """Give a session for the token of a link, and lead on without it in the address."""
    board = board_of(request)
    by = board.door.enter(request.query_params.get("token", ""))
    if by is None:
        return page(
            request, "error.html.j2", 403,
            what="This link is old, or was not copied whole.", found="",
            hint="start `assay review` again: it prints a new one",
        )  # fmt: skip
    session, form = board.door.session(by)
    request.state.by, request.state.form = by, form
    response = page(request, "enter.html.j2")
    for name, value in ((board.door.cookie, session), (board.door.double, form)):
        response.set_cookie(
            name, value,
            max_age=security.EVENING, httponly=True, samesite="strict",
            secure=board.door.is_secure,
        )  # fmt: skip
    return response


def _overview(request: Request) -> Response:
    board = board_of(request)
    found = [board.progress(question) for question in board.stack.questions]
    return page(request, "overview.html.j2", progress=found)


def _csv(request: Request) -> Response:
    board = board_of(request)
    table = progress.table(board.store, board.stack.questions)
    name = {"Content-Disposition": 'attachment; filename="progress.csv"'}
    return Response(table, media_type="text/csv; charset=utf-8", headers=name)
