"""papermill's engine, which saves the notebook before and after every cell, saving less often.

And which ends a cell, or a question of the exam, by what it has computed: papermill's own limit is
one of the wall clock, and lets a busy machine decide.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

from assay.execution import clock
from assay.execution.clock import START, Clock, Moment

NAME = "assay"
FIRST = 0.5
"""Seconds after which what has run by then is saved, however slow the machine is."""
SHARE = 0.02
"""Of the time a run takes, what may go into saving it; all of it was a second for 40 cells."""


LOOK_EVERY = 0.2
AGAIN_EVERY = 1.0
"""Seconds after which what goes on is interrupted once more."""
STUBBORN = 5
"""A question that goes on after this many interrupts is ended with its kernel."""


@dataclass
class Timekeeper:
    """Says when a cell, or a question, has had its time."""

    workdir: Path
    limits: Mapping[str, float]
    seconds: Mapping[str, float]
    """How long each question may compute, where the rubric says it."""
    exam: str
    """The exam's cell; each of its questions has time of its own."""
    clock: Clock
    kill: Callable[[], None]
    asking: Callable[[], str]
    """The number and the name of the question that is put now, as it was reported; '' for none."""
    at_work: Callable[[], bool]
    """Whether the kernel has begun what it was sent last."""
    ending: Callable[[], bool] = lambda: False
    """Whether the run ends already, of another cause: time until then is charged to no cell."""
    between: bool = False
    """Whether what the exam does between two questions has its time too, as much as a question."""
    late: dict[str, str] = field(default_factory=dict)
    """What was ended, a cell by its id or a question by its name, and what it took."""
    took: dict[str, float] = field(default_factory=dict)
    """Seconds that each question has computed."""
    stuck: str = ""
    """The question that no interrupt ended."""
    _turn: str = ""
    _began: Moment = START
    _ran: dict[str, Moment] = field(default_factory=dict)
    """When each question was begun."""
    _interrupted: list[Moment] = field(default_factory=list)

    def begin(self, cell: str) -> None:
        """This cell begins."""
        self._take_turn("" if cell == self.exam else cell)

    def is_over(self, cell: str) -> bool:
        """Look at the clock; whether what runs now is to be interrupted now."""
        if self.ending():
            return False
        asked = cell == self.exam
        if asked:
            self._look_what_is_asked()
        now = self.clock.tick()
        if asked and not self.at_work():
            self._give_up_on_one_that_sleeps(now)
        if not self._turn and not (asked and self.between):
            return False
        name = self._turn.partition(" ")[2] if asked else cell
        if asked:
            self.took[name] = now.computed - self._began.computed
        took = clock.over(self._seconds(name) if asked else self._of_a_cell, self._began, now)
        just_now = self._interrupted and now.waited - self._interrupted[-1].waited < AGAIN_EVERY
        return bool(took) and not just_now and self._end(name, took, asked=asked)

    def _give_up_on_one_that_sleeps(self, now: Moment) -> None:
        """A kernel that the notebook has broken hears nothing, not even an interrupt."""
        if now.waited - self._began.waited >= clock.patience(self._of_a_cell):
            self.late[self.exam] = f"did not begin in {clock.waited(self._of_a_cell)}"
            self.kill()

    def _end(self, name: str, took: str, *, asked: bool) -> bool:
        self.late.setdefault(name, took)
        if asked and len(self._interrupted) >= STUBBORN:
            self.stuck = name
            self.kill()
            return False
        if asked:
            note = f"{self._turn}\n{self.late[name]}"
            told = self.workdir / "support" / "time_up.txt"
            told.write_text(note, encoding="utf-8")
            told.chmod(0o644)  # the kernel may be another user, and has to read it
        self._interrupted.append(self.clock.now)
        return True

    def _look_what_is_asked(self) -> None:
        turn = self.asking()
        name = turn.partition(" ")[2]
        if turn == self._turn:
            return
        self._take_turn(turn)
        if name in self._ran:
            self._began = self._ran[name]  # a question is begun once, whatever the kernel says
        elif name:
            self._ran[name] = self._began

    def _take_turn(self, turn: str) -> None:
        self._turn, self._began, self._interrupted = turn, self.clock.tick(), []

    @property
    def _of_a_cell(self) -> float:
        return self.limits["cell_seconds"]

    def _seconds(self, question: str) -> float:
        return self.seconds.get(question, min(self.limits["question_seconds"], self._of_a_cell))


class Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no annotations
    """Waits for a cell as long as its timekeeper does."""

    keeper: Timekeeper | None = None

    async def _async_poll_for_reply(
        self, message: str, cell: Any, timeout: float | None, *tasks: Any
    ) -> Any:
        keeping = asyncio.ensure_future(self._keep_time(cell["id"]))
        try:
            return await super()._async_poll_for_reply(message, cell, None, *tasks)
        finally:
            keeping.cancel()

    async def _keep_time(self, cell: str) -> None:
        if self.keeper is None:
            return
        self.keeper.begin(cell)
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if self.keeper.is_over(cell):
                await self.km.interrupt_kernel()


class Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no annotations
    """As much of the notebook is saved as bears looking at when the run is cut off."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        keeper: Timekeeper | None = None,
        **options: Any,
    ) -> None:
        save = nb_man.save
        took = (nb_man.last_save_time - nb_man.start_time).total_seconds()  # at its start just now
        nb_man.save = _seldom(save, due=time.monotonic() + min(took / SHARE, FIRST))
        try:
            _client(nb_man, kernel_name, keeper, options).execute()
        except BaseException:
            nb_man.save = save  # what ends here is saved now, or never
            raise
        nb_man.save = _not_at_all  # papermill saves once more when it returns


def _client(
    nb_man: NotebookExecutionManager,
    kernel_name: str,
    keeper: Timekeeper | None,
    options: Mapping[str, Any],
) -> Client:
    """As papermill's own engine makes one, but for its limit of the wall clock."""
    renamed = {"startup_timeout": options.get("start_timeout", 60)}
    unused = ("input_path", "start_timeout", "execution_timeout")
    passed_on = {name: value for name, value in options.items() if name not in unused}
    client = Client(nb_man, kernel_name=kernel_name, **passed_on, **renamed)
    client.keeper = keeper
    return client


def _not_at_all(**options: Any) -> None:
    pass


def _seldom(save: Callable[..., None], due: float) -> Callable[..., None]:
    """Skip calls before the first is due, and those that would take more than their share."""

    def save_if_due(**options: Any) -> None:
        nonlocal due
        now, before = time.monotonic(), time.thread_time()
        if now >= due:
            save(**options)
            due = now + (time.thread_time() - before) / SHARE  # not what a busy machine takes

    return save_if_due


papermill_engines.register(NAME, Engine)
