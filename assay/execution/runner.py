"""The process between a kernel and us: papermill runs here, and hostile messages may crash it.

    python -m assay.execution.runner WORKDIR

It executes `WORKDIR/notebook.ipynb` with the parameters of `WORKDIR/job.json`, and writes
`executed.ipynb` and `facts.json` beside them. The facts are what this process saw for itself:
which cells the kernel answered for, how long they took, and how the kernel ended. A kernel that
sends too much is ended; messages that cannot be read end as "protocol", the student's outcome.
"""

import ctypes
import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import nbformat
import papermill
import psutil
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from assay.errors import quoted
from assay.evidence.packing import SECONDS
from assay.execution import engine, kernel, monitor
from assay.execution.clock import Clock, patience
from assay.execution.process import Child, kill_below
from assay.execution.sockets import Sockets, bound
from assay.records import sound
from assay.sandbox.workdirs import (
    FACTS,
    CellFacts,
    Failure,
    RunnerFacts,
    Spent,
    Took,
    handed_out,
    read_below,
)
from assay.submission.notebook import EXAM
from assay.units import MB

if TYPE_CHECKING:  # what makes jobs is not needed beside a kernel
    from assay.execution.job import JobFile
    from assay.sandbox.sandbox import Start

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
DATA = 1 << 30
"""Bytes that this process may take: what a kernel sends is counted, then cut off, in here."""


RAISES = "raises-exception"
"""The tag by which nbconvert, nbclient and jupyter-book know a cell that is to raise."""


SILENT = "the notebook left a kernel that answers nothing: the exam"
"""How the sentence begins on a run whose exam was sent and not begun."""


class Reply(TypedDict, total=False):
    """What is read of a kernel's reply to a cell. It is the student's doing: any type may come."""

    status: object
    ename: object
    evalue: object
    traceback: object


Replies = dict[str, Reply]
"""By the id of their cell."""


class CellUsage(NamedTuple):
    """What a cell took, and the megabytes that the kernel held when it had ended."""

    took: Took
    megabytes: float


CellUsages = dict[str, CellUsage]
"""By the id of their cell."""


def main(workdir: Path, sockets: Sockets, forked: Child | None = None) -> None:
    """Execute the workdir's notebook, in a kernel that was forked for it or in a new one."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)  # detached grandchildren come to us
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a run ends with the process that waits for it
    job: JobFile = json.loads((workdir / "job.json").read_text(encoding="utf-8"))
    _limit_ourselves(job["limits"]["run_seconds"])
    start: Start = json.loads((workdir / "kernel.json").read_text(encoding="utf-8"))
    clock = Clock(os.getpid(), Path(start["usage"]) if start["usage"] else None)
    meter = kernel.Meter(workdir, questions=handed_out(workdir), clock=clock)
    manager = kernel.manager_for(workdir, meter, sockets, forked)
    try:
        facts = _facts(workdir, job, meter, manager)
        (workdir / "facts.json").write_bytes(written(facts))
    finally:
        kill_below(psutil.Process())


def written(facts: RunnerFacts) -> bytes:
    """The facts as they are handed on; more than is read is the notebook's own overrun."""
    content = _as_bytes(facts)
    if len(content) <= FACTS:
        return content
    said = f"sent errors of more than {FACTS // MB} MB in all"
    first = [cell for cell in facts["cells"] if cell["error"]][:1]
    short = [
        CellFacts({**cell, "traceback": None, "source": cell["source"] if cell in first else ""})
        for cell in facts["cells"]
    ]
    return _as_bytes({**facts, "cells": short, "stopped": "cut", "detail": said})


def _as_bytes(facts: RunnerFacts) -> bytes:
    """Text as it is: a sign outside of ASCII would take up to three times the room."""
    return json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace")


def _facts(
    workdir: Path, job: "JobFile", meter: kernel.Meter, manager: type[AsyncKernelManager]
) -> RunnerFacts:
    """Return what became of the notebook: what a kernel provokes in here is its own doing."""
    code, seen, exam = None, list[CellFacts](), None
    replies: Replies = {}
    costs: CellUsages = {}
    keeper = _keeper(workdir, job, meter)
    try:
        stopped = _execute(workdir, job, meter, manager, keeper, replies, costs)
        code = _exit_code(meter, alive=stopped == "")
        cells = _read(workdir / "executed.ipynb").cells
        seen = _cells(workdir, cells, replies, costs, keeper.late)
        exam = _of_exam(cells, replies)
    except Exception as error:
        if _is_ours(error) or not (workdir / "at.txt").exists():  # no code of the student's has run
            raise
        stopped = "protocol"
        meter.note(error)
    if meter.broken:
        stopped = "protocol"
    if meter.asking:  # it ended with its kernel
        meter.time_question()
    cells = {cell.id: f"cell {number}" for number, cell in _students_cells(workdir)} | {
        EXAM: SILENT
    }
    late = {cells[name]: keeper.late.pop(name) for name in list(keeper.late) if name in cells}
    late |= {
        f"the question {quoted(name)}" if name else "the exam, between its questions,": took
        for name, took in keeper.late.items()
    }
    stuck = {keeper.stuck: keeper.late[keeper.stuck]} if keeper.stuck else {}
    return {
        "exit_code": code,
        "cells": seen,
        "exam": exam,
        "asking": costs[EXAM].took if EXAM in costs else None,
        "asked": meter.asked,
        "stopped": "cut" if meter.cut else stopped,
        "detail": sound(meter.message),
        "late": late,
        "stuck": stuck,
        "died_at": _died_at(workdir) if stopped == "dead" else "",
    }


def _keeper(workdir: Path, job: "JobFile", meter: kernel.Meter) -> engine.Timekeeper:
    """Who ends cells and questions; those that were ended with their kernel before are late."""
    spent: dict[str, Spent] = _table(workdir / "support" / "spent.json")
    return engine.Timekeeper(
        workdir,
        job["limits"],
        seconds=_table(workdir / SECONDS),
        exam=EXAM,
        clock=meter.clock,
        kill=meter.kill,
        asking=lambda: meter.asking,
        at_work=lambda: meter.is_at_work,
        ending=lambda: meter.hanging_up,
        between=(workdir / "support" / "reference").exists(),
        late={name: note["took"] for name, note in spent.items() if note["took"]},
    )


def _table(path: Path) -> Any:
    """Return the JSON object that we laid out in a file; an empty one if there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _is_ours(error: Exception) -> bool:
    """A full disk and the like; a kernel that falls silent is a TimeoutError without a number."""
    return isinstance(error, OSError) and error.errno is not None


def _limit_ourselves(run_seconds: float) -> None:
    """Messages made to be expensive end us, not the machine. Children may raise these again."""
    limits = {
        resource.RLIMIT_DATA: monitor.data() + DATA,
        resource.RLIMIT_CPU: int(run_seconds) + 10,
    }
    for what, value in limits.items():
        resource.setrlimit(what, (value, resource.getrlimit(what)[1]))


def _execute(
    workdir: Path,
    job: "JobFile",
    meter: kernel.Meter,
    manager: type[AsyncKernelManager],
    keeper: engine.Timekeeper,
    replies: Replies,
    costs: CellUsages,
) -> str:
    """Run papermill; '' where every cell was answered for, `dead` where the kernel ended."""
    begun: dict[str, kernel.Instant] = {}
    try:
        papermill.execute_notebook(
            _unformatted(workdir / "notebook.ipynb"),
            _unformatted(workdir / "executed.ipynb"),
            parameters=job["run"]["parameters"],
            engine_name=engine.NAME,
            kernel_name="python3",
            language="python",
            kernel_manager_class=manager,
            progress_bar=False,
            keeper=keeper,
            start_timeout=kernel.STARTING,
            iopub_timeout=max(60, patience(job["limits"]["cell_seconds"])),  # a queue is no silence
            allow_errors=True,
            shutdown_kernel="immediate",
            on_cell_start=_note_where(workdir, meter, begun),
            on_cell_executed=_note_what(meter, replies, costs, begun),
        )
    except PapermillExecutionError:
        return ""  # a cell failed; papermill says so when all have been run
    except DeadKernelError:
        return "dead"
    return ""


def _exit_code(meter: kernel.Meter, alive: bool) -> int | None:
    """Return the kernel's wait status, or None where it lived until we ended it."""
    if alive or not meter.processes:
        return None
    try:
        return meter.processes[-1].wait(timeout=60)
    except subprocess.TimeoutExpired:
        return None


def _died_at(workdir: Path) -> str:
    """In words the line of the student's in which the kernel ended, or the exam's; '' if unknown.

    The kernel wrote it down itself, so it is shown and decides nothing.
    """
    from ipykernel.compiler import get_file_name  # of no use to a kernel that lives

    said = (read_below(workdir, "evidence/died.txt", 100_000) or b"").decode(errors="replace")
    name_of: Any = get_file_name
    cells = {Path(name_of(cell.source)).name: n for n, cell in _students_cells(workdir)}
    top = workdir / "submission"
    modules = [path.relative_to(top) for path in top.rglob("*.py")]
    of_exam = ""
    for file, line in FRAME.findall(said):
        path = Path(file)
        own = [m for m in modules if path.parts[-len(m.parts) :] == m.parts]
        if path.name in cells and path.parent.name.startswith("ipykernel_"):
            return f", in line {line} of cell {cells[path.name]}"
        if own and not path.is_relative_to(sys.prefix):
            return f", in line {line} of `{max(own, key=lambda m: len(m.parts))}`"
        if "/support/" in file and path.name != "ask.py" and not of_exam:
            of_exam = f", in line {line} of `{file.partition('/support/')[2]}`"
    return of_exam


FRAME = re.compile(r'^ {1,4}File "([^"\n]{1,500})", line (\d{1,9}) in ', re.MULTILINE)


def _unformatted(path: Path) -> str:
    """papermill puts parameters into `{}` in paths; ours are to be taken as they are."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _note_where(workdir: Path, meter: kernel.Meter, begun: dict[str, kernel.Instant]) -> Any:
    """A hook that writes down which cell begins, in case all processes end before they report."""
    numbers = {cell.id: f"cell {number}" for number, cell in _students_cells(workdir)}

    def note(cell: Any, cell_index: int) -> None:
        if not begun:  # the kernel answers, so it has read them
            _empty(workdir / "given")
        meter.next_cell()
        (workdir / "at.txt").write_text(numbers.get(cell.get("id"), "the exam"), encoding="utf-8")
        begun[cell["id"]] = meter.instant()

    return note


def _empty(given: Path) -> None:
    """Leave the names of the questions, and nothing of their inputs, for the notebook to read."""
    for sheet in given.rglob("*.npz"):
        os.truncate(sheet, 0)


def _note_what(
    meter: kernel.Meter, replies: Replies, costs: CellUsages, begun: dict[str, kernel.Instant]
) -> Any:
    """A hook that keeps the kernel's reply to a cell, its time, and the memory held after it."""

    def note(cell: Any, cell_index: int, execute_reply: Any) -> None:
        replies[cell["id"]] = (execute_reply or {}).get("content", {})
        held = round(monitor.resident(meter.processes[-1].pid) / MB, 1)
        costs[cell["id"]] = CellUsage(meter.since(begun[cell["id"]]), held)

    return note


def _read(path: Path) -> Any:
    """A notebook that we or papermill have just written: it need not be validated again."""
    return nbformat.v4.reads(path.read_text(encoding="utf-8"))


def _students_cells(workdir: Path) -> list[tuple[int, Any]]:
    """Return the student's own code cells, numbered from 1."""
    cells = _read(workdir / "notebook.ipynb").cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    return list(enumerate(code[:-1], 1))  # the last one is the exam


def _of_exam(executed: list[Any], replies: Replies) -> str | None:
    """Return the exception that ended the exam itself, outside of any question."""
    exam = [cell for cell in executed if cell.id == EXAM]
    return _failure(exam[-1], replies.get(EXAM) or {}, "")["error"] if exam else None


def _cells(
    workdir: Path,
    executed: list[Any],
    replies: Replies,
    costs: CellUsages,
    late: dict[str, str],
) -> list[CellFacts]:
    """Return the student's code cells with their errors and times on our clock."""
    numbers = {cell.id: number for number, cell in _students_cells(workdir)}
    cells = []
    for cell in executed:
        seconds = cell.metadata.get("papermill", {}).get("duration") if cell.id in replies else None
        if cell.id in numbers:
            failure = _failure(cell, replies.get(cell.id) or {}, late.get(cell.id, ""))
            cost = costs.get(cell.id)
            facts = CellFacts(
                number=numbers[cell.id],
                seconds=seconds,
                cpu_seconds=cost.took["cpu_seconds"] if cost else None,
                megabytes=cost.megabytes if cost else None,
                **failure,
            )
            cells.append(facts)
    return cells


def _failure(cell: Any, reply: Reply, took: str) -> Failure:
    """Return what went wrong in a cell, by its output or else by the kernel's reply.

    Of a cell that was ended by us it says what it `took`, whatever it made of that. One that is
    marked to raise does what it is for.
    """
    if RAISES in cell.metadata.get("tags", []) and not took:
        return {"source": "", "error": None, "traceback": None}
    error = next((out for out in cell.outputs if out.output_type == "error"), None)
    if error is None and reply.get("status") == "error":
        error = nbformat.from_dict({"ename": "error", "evalue": "", "traceback": [], **reply})
    if error is None and took:
        return {"source": cell.source, "error": f"TimeoutError: {took}", "traceback": None}
    if error is None:
        return {"source": "", "error": None, "traceback": None}
    what = f"{error.ename}: {error.evalue}"[:500]
    if took:
        what = f"TimeoutError: {took}"
    traceback = "\n".join(map(str, error.traceback))[-8000:]
    return {"source": cell.source, "error": sound(what), "traceback": sound(traceback)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), bound(Path(sys.argv[1], "ipc")))
    sys.stdout.flush()
    os._exit(0)  # nothing is left to do; interpreter shutdown would only cost time
