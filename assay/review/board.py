"""The class as it is reviewed, and what every page of it is made of."""

import hashlib
import threading
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from assay.classroom.gradebook import Conflict
from assay.classroom.room import Room
from assay.errors import AssayError, CourseFault
from assay.review import answers, passages, progress
from assay.review.answers import Answer, Question, Stack
from assay.review.choices import Round
from assay.review.passages import Passage
from assay.review.progress import Progress
from assay.review.security import Door
from assay.review.store import Store

ROUNDS: dict[str, Round] = {"1": "1", "2": "2", "settled": "settled"}


class Board:
    """The class as it is reviewed: what there is to mark, and what was chosen."""

    def __init__(self, room: Room, door: Door) -> None:
        self.room, self.door = room, door
        self.store = Store(room.book, room.item)
        self._lock = threading.Lock()
        self._progress: dict[str, tuple[tuple[int, ...], Progress]] = {}
        self._stack = self._collected()

    def passages(self, question: Question, answer: Answer) -> list[Passage]:
        """Return what an answer shares with others; worked out once for all of a question."""
        with self._lock:
            if question.criterion not in self._shared:
                self._shared[question.criterion] = passages.of(question)
            return list(self._shared[question.criterion].get(answer.id, []))

    def progress(self, question: Question) -> Progress:
        """Return how far a question is; worked out once for each state of it."""
        state = self.store.state(question)
        known = self._progress.get(question.criterion)
        if known is None or known[0] != state or known[1].question is not question:
            known = state, progress.of(self.store, question)
            self._progress[question.criterion] = known
        return known[1]

    @property
    def stack(self) -> Stack:
        """Return the answers, collected again if something was graded since."""
        with self._lock:
            if self.room.book.read(answers.newest) != self._stack.newest:
                try:
                    self._stack = self._collected()
                except AssayError as error:  # of a file that was changed since: no marker's fault
                    raise CourseFault(error.what, found=error.found, hint=error.hint) from error
            return self._stack

    def _collected(self) -> Stack:
        self._shared: dict[str, Mapping[str, list[Passage]]] = {}
        self.room = self.room.reread()
        stack = answers.collect(self.room, self.door.key)
        for question in stack.questions:
            self.store.begin(question)
        return stack

    def question(self, number: int) -> Question:
        """Return a question by its number."""
        questions = self.stack.questions
        if not 1 <= number <= len(questions):
            raise HTTPException(404, "There is no such question.")
        return questions[number - 1]

    def answer(self, question: Question, ident: str) -> Answer:
        """Return an answer by its id."""
        if ident not in question.by_id:
            raise HTTPException(404, "There is no such answer.")
        return question.by_id[ident]

    def seed(self, question: Question, round_: str, by: str) -> str:
        """Return the seed of an order: each marker's own, but one sample for the second round."""
        whose = "" if round_ == "2" else by
        words = f"{question.criterion}/{round_}/{whose}".encode()
        return hashlib.blake2b(words, key=self.door.key, digest_size=8).hexdigest()

    def order(self, question: Question, round_: str, by: str) -> list[Answer]:
        """Return the answers in the order in which a marker meets them."""
        shuffled = question.order(self.seed(question, round_, by))
        if round_ != "settled":
            return shuffled
        found = progress.differences(
            question, self.store.items(question), self.store.rounds(question)
        )
        differ = {one.answer.id for one in found}
        return [one for one in shuffled if one.id in differ]


def board_of(request: Request) -> Board:
    """Return the board of the application."""
    board: Board = request.app.state.board
    return board


def page(request: Request, name: str, code: int = 200, **values: Any) -> HTMLResponse:
    """Return a page made of a template."""
    state = request.state
    template = request.app.state.pages.get_template(name)
    shown = template.render(
        nonce=state.nonce,
        by=getattr(state, "by", ""),
        csrf=getattr(state, "form", ""),
        board=board_of(request),
        **values,
    )
    return HTMLResponse(shown, code)


def error(request: Request, error: Exception) -> Response:
    """Say what was wrong: as JSON to the script, else as a page."""
    if isinstance(error, HTTPException):
        code, found, hint = error.status_code, "", ""
        what = {"Not Found": "There is no such page."}.get(error.detail, error.detail)
    else:
        assert isinstance(error, AssayError)
        code = 409 if isinstance(error, Conflict) else 400 if error.exit_code == 2 else 500
        what, found, hint = error.what, error.found or "", error.hint or ""
    if request.method == "POST" and "x-csrf-token" in request.headers:
        return JSONResponse({"what": what, "found": found, "hint": hint}, code)
    return page(request, "error.html.j2", code, what=what, found=found, hint=hint)


def round_of(request: Request) -> Round:
    """Return the round that the address names; the first, if none."""
    said = request.path_params.get("round", "1")
    if said not in ROUNDS:
        raise HTTPException(404, "There is no such round.")
    return ROUNDS[said]
