"""Run a student's notebook on their own machine, and judge what is public of it.

It is their own code, so nothing keeps it in: no sandbox, no limit, no fork, on any system. The
exam, the evidence, the judge and the report are those of grading.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from assay.course import assignment as assignments
from assay.course.assignment import Assignment, Part
from assay.course.secret import PUBLIC
from assay.errors import UsageError, quoted
from assay.evidence import numerics, packing
from assay.evidence.answers import fingerprint
from assay.evidence.store import Store
from assay.execution.job import Job, assemble_all
from assay.grading import results
from assay.handout import versions
from assay.handout.tried import LATER, Later, Tried
from assay.judge import judge
from assay.records import Cell, Outcome, RunRecord, sound
from assay.source import blame
from assay.submission import books, preflight, reader
from assay.submission import plan as plans
from assay.submission.notebook import EXAM
from assay.submission.submission import Submission, name_of, read

RAISES = "raises-exception"
PATIENCE = 60
"""Seconds that output may come later than the reply, on a machine that has much else to do."""


def attempt(
    path: Path,
    check: Path,
    scratch: Path,
    *,
    seeds: list[int] | None = None,
    tell: Callable[[RunRecord], object] = lambda record: None,
) -> Tried:
    """Run what stands at a path, for each seed and each value that it is varied by, and judge it.

    What the runs leave is kept below `scratch`, an empty folder.

    Raises
    ------
    AssayError
        If it cannot be read or run, or the public half is written wrongly.
    """
    assignment = assignments.read(check / "assignment.toml")
    submission, named = handed_in(path, check)
    if named:
        parts = _answered(assignment, submission, named, check.parent)
        assignment = assignment.model_copy(update={"part": parts})
    if seeds:
        assignment = assignment.with_seeds(seeds)
    else:
        parts = [p.model_copy(update={"seeds": p.seeds[:1]}) for p in assignment.part]
        assignment = assignment.model_copy(update={"part": parts})
    plan = plans.make(assignment, submission)
    store = Store(scratch / "store")
    made = []
    for job in assemble_all(plan.sections, plan.pending, PUBLIC):
        made.append(_run(job, store, scratch))
        tell(made[-1])
    judgements = {
        name: judge.apart(section, of_part, store)
        for name, section in plan.sections.items()
        if (of_part := [record for record in made if record.run.part == name])
    }
    result = results.result(plan.sections, made, judgements, store)
    notes = [*preflight.notes(plan.sections), *versions.differing(check)]
    titles = [part.title for part in assignment.part]
    later = {title: of for title, of in _later(check).items() if not named or title in titles}
    return Tried(result, later, notes)


def handed_in(path: Path, check: Path) -> tuple[Submission, str]:
    """Return what is tried, and the notebook that was named of it; '' for all of a folder.

    Of a notebook in the folder that was handed out it is all that lies there, without the other
    notebooks.
    """
    home, whole = check.resolve().parent, path.resolve()
    if whole.suffix != ".ipynb" or not whole.is_relative_to(home) or not whole.is_file():
        return read(path), ""
    name = reader.plain_name(whole.relative_to(home).as_posix())
    folder = read(home)
    if name not in folder.files:
        return read(path), ""
    kept = {n: c for n, c in folder.files.items() if n == name or not n.endswith(".ipynb")}
    return replace(folder, name=name_of(whole), files=kept), name


def _answered(assignment: Assignment, submission: Submission, name: str, home: Path) -> list[Part]:
    """Only the parts that a notebook answers: those that name it; where it is not called like any,
    of those whose own notebook is not there, what is in it decides.
    """
    named = [part for part in assignment.part if part.notebook == name]
    others = [part for part in assignment.part if not (home / part.notebook).is_file()]
    found = named or [p for p in others if books.notebook_of(assignment, p, submission)]
    if not found:
        raise UsageError(
            f"there are no public questions for {quoted(name)}",
            found="there are some for " + ", ".join(quoted(p.notebook) for p in assignment.part),
            hint="try one of those, or the whole folder",
        )
    return found


def _later(check: Path) -> dict[str, list[Later]]:
    path = check / LATER
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {part: [Later(**each) for each in criteria] for part, criteria in told.items()}


def _run(job: Job, store: Store, folder: Path) -> RunRecord:
    """Make one run in a kernel of its own, and keep what it left."""
    workdir = Path(tempfile.mkdtemp(dir=folder)).resolve()
    packing.write(packing.unpack(job.packed), workdir)
    (workdir / "evidence").mkdir(exist_ok=True)
    begun = time.monotonic()
    died = _execute(workdir, job)
    seconds = time.monotonic() - begun
    executed = workdir / "executed.ipynb"
    cells = list(_cells(executed)) if executed.is_file() else []
    outcome, reason = _outcome(workdir, cells, died)
    files = {
        path.relative_to(workdir).as_posix(): path.read_bytes()
        for path in sorted((workdir / "evidence").rglob("*"))
        if path.is_file() and path.name not in ("died.txt", "asking.txt")
    }
    kept = files | job.workdir
    record = RunRecord(
        run=job.run,
        key=job.key,
        outcome=outcome,
        reason=reason,
        seconds=round(seconds, 3),
        cells=cells,
        numerics=numerics.profile(),
        fingerprint=fingerprint(files),
        evidence=sha256(packing.manifest(kept).encode()).hexdigest(),
    )
    store.put(record, kept)
    shutil.rmtree(workdir, ignore_errors=True)
    return record


def _execute(workdir: Path, job: Job) -> bool:
    """Run papermill; whether the kernel died."""
    told = json.loads((workdir / "job.json").read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "assay.handout.kernel", str(workdir), told["notebook"]]
    environment = numerics.environment() | {
        "ASSAY_SUPPORT": str(workdir / "support"),
        "PYTHONUTF8": "1",
    }

    class Manager(AsyncKernelManager):
        """Starts our kernel, whatever kernels are installed."""

        def __init__(self: Self, **traits: Any) -> None:
            super().__init__(**traits)
            self._kernel_spec = KernelSpec(
                argv=[*command, "-f", "{connection_file}"],
                env=environment,
                display_name="assay",
                language="python",
            )

        async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
            with (workdir / "kernel.log").open("wb") as log:
                options |= {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
                await super()._async_launch_kernel(kernel_cmd, **options)

        _launch_kernel = _async_launch_kernel

    try:
        papermill.execute_notebook(
            _unformatted(workdir / "notebook.ipynb"),
            _unformatted(workdir / "executed.ipynb"),
            parameters=told["run"]["parameters"],
            kernel_name="python3",
            language="python",
            kernel_manager_class=Manager,
            progress_bar=False,
            start_timeout=300,
            iopub_timeout=PATIENCE,
            allow_errors=True,
        )
    except PapermillExecutionError:
        return False  # a cell failed, and all were run
    except DeadKernelError:
        return True
    return False


def _unformatted(path: Path) -> str:
    """papermill puts parameters into `{}` in paths; ours are to be taken as they are."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _cells(executed: Path) -> Iterator[Cell]:
    """The student's code cells, and what went wrong in them."""
    book = nbformat.v4.reads(executed.read_text(encoding="utf-8"))
    injected = "injected-parameters"
    code = [
        cell
        for cell in book.cells
        if cell.cell_type == "code"
        and cell.id != EXAM
        and injected not in cell.metadata.get("tags", [])
    ]
    for number, cell in enumerate(code, 1):
        errors = [out for out in cell.outputs if out.output_type == "error"]
        error = None if RAISES in cell.metadata.get("tags", []) else next(iter(errors), None)
        seconds = cell.metadata.get("papermill", {}).get("duration")
        yield Cell(
            number=number,
            seconds=seconds,
            megabytes=None,
            source=cell.source if error else "",
            error=sound(f"{error.ename}: {error.evalue}"[:500]) if error else None,
            traceback=sound("\n".join(error.traceback)[-8000:]) if error else None,
        )


def _outcome(workdir: Path, cells: list[Cell], died: bool) -> tuple[Outcome, str]:
    """How the run ended, in the words of grading."""
    failed = [cell for cell in cells if cell.error]
    if died:
        return Outcome.CRASHED, "the kernel ended before its last cell"
    if not (workdir / "evidence" / "finished.json").is_file():
        return Outcome.EXITED, "the exam broke off before the last question"
    if failed:
        more = f", and {len(failed) - 1} more after it" if len(failed) > 1 else ""
        return Outcome.CELL_FAILED, blame.message(failed[0]) + more
    return Outcome.COMPLETED, "every cell ran and every question was put"
