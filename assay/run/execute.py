"""Execute a job and come back with bytes: one child process, a wall limit, and nothing left."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from assay.errors import OurFault
from assay.records import Cell, Outcome
from assay.run import archive, numerics
from assay.run.runner import kill_below

EVIDENCE_BYTES = 64_000_000
EVIDENCE_FILES = 400
EXECUTED_BYTES = 50_000_000
LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class Ended:
    """How a run ended, and the files it left: `evidence/...` and `executed.ipynb`."""

    outcome: Outcome
    reason: str
    seconds: float
    cells: list[Cell]
    files: dict[str, bytes]


def execute(job: bytes) -> Ended:
    """Run one job to its end, whatever its code does, and collect what it left."""
    desk = Path(tempfile.mkdtemp(prefix="assay-"))  # short: a socket's path has 107 bytes
    try:
        limits = _lay_out(job, desk)
        started = time.monotonic()
        code, log = _supervise(desk, limits["run_seconds"])
        seconds = time.monotonic() - started
        facts = _facts(desk) if code == 0 else None
        outcome, reason = _decide(desk, facts, code, limits, log)
        cells = [Cell(**cell) for cell in facts["cells"]] if facts else []
        return Ended(outcome, reason, seconds, cells, _collect(desk))
    finally:
        shutil.rmtree(desk, ignore_errors=True)


def _lay_out(job: bytes, desk: Path) -> dict[str, float]:
    archive.write(archive.unpack(job), desk)
    for folder in ("home", "ipc", "evidence"):
        (desk / folder).mkdir()
    shutil.copytree(_font_cache(), desk / "home" / ".matplotlib", dirs_exist_ok=True)
    limits: dict[str, float] = json.loads((desk / "job.json").read_text())["limits"]
    return limits


def _supervise(desk: Path, run_seconds: float) -> tuple[int | None, str]:
    """The runner's exit code (None: the wall limit ended it) and the end of what it wrote."""
    with (desk / "runner.log").open("wb") as log:
        runner = subprocess.Popen(
            [sys.executable, "-m", "assay.run.runner", str(desk)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | numerics.ONE_THREAD,
        )
        try:
            code: int | None = runner.wait(timeout=run_seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(runner, desk)
    written = _read(desk / "runner.log", LOG_BYTES) or b""
    return code, written.decode(errors="replace")[-2000:]


def _end(runner: "subprocess.Popen[bytes]", desk: Path) -> None:
    """Stop the runner first, so that it starts nothing more; then kill all below it, and it."""
    if runner.poll() is None:
        runner.send_signal(signal.SIGSTOP)
        kill_below(psutil.Process(runner.pid))
        runner.kill()
        runner.wait()
    for orphan in _at_work(desk):  # a runner that was killed leaves its kernel behind
        orphan.kill()


def _at_work(desk: Path) -> Iterator[psutil.Process]:
    """The processes that were started for this desk, whoever their parent is now."""
    kit = str(desk / "kit")
    for process in psutil.process_iter():
        try:
            if process.environ().get("ASSAY_KIT") == kit:
                yield process
        except (psutil.Error, OSError):
            continue


def _facts(desk: Path) -> dict[str, Any] | None:
    """What the runner saw, or None where it did not live to tell."""
    content = _read(desk / "facts.json", EXECUTED_BYTES)
    try:
        facts: dict[str, Any] | None = json.loads(content) if content else None
    except ValueError:
        return None
    return facts


def _decide(
    desk: Path, facts: dict[str, Any] | None, code: int | None, limits: dict[str, float], log: str
) -> tuple[Outcome, str]:
    """Name the outcome from our clock, wait statuses and files, in this order."""
    if code is None:
        where = (_read(desk / "at.txt", 1000) or b"its start").decode(errors="replace")
        limit = f"{limits['run_seconds']:g} s"
        return Outcome.TIMED_OUT, f"the run took longer than {limit}; it ended in {where}"
    if facts is None:
        return Outcome.INFRASTRUCTURE, f"the runner ended with status {code}: {_last_line(log)}"
    if facts["stopped"] == "timeout":
        return Outcome.TIMED_OUT, f"{_where(facts)} took longer than {limits['cell_seconds']:g} s"
    if facts["stopped"] == "dead":
        return _death(facts)
    if facts["exam_timed_out"]:
        return Outcome.TIMED_OUT, f"the exam took longer than {limits['cell_seconds']:g} s"
    if not (desk / "evidence" / "finished.json").exists():
        return Outcome.EXITED, "the notebook ended its kernel's work before the last question"
    if failed := [cell for cell in facts["cells"] if cell["error"]]:
        first = f"cell {failed[0]['number']} raised {failed[0]['error']}"
        more = f", and {len(failed) - 1} more after it" if len(failed) > 1 else ""
        return Outcome.CELL_FAILED, first + more
    return Outcome.COMPLETED, "every cell ran and every question was put"


def _death(facts: dict[str, Any]) -> tuple[Outcome, str]:
    code = facts["exit_code"]
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return Outcome.CRASHED, f"the kernel was killed by {name} in {_where(facts)}"
    return Outcome.EXITED, f"the kernel ended itself with exit code {code} in {_where(facts)}"


def _where(facts: dict[str, Any]) -> str:
    """The first cell that the kernel never answered for."""
    waiting = [cell["number"] for cell in facts["cells"] if cell["seconds"] is None]
    return f"cell {waiting[0]}" if waiting else "the exam"


def _last_line(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it wrote nothing"


def _collect(desk: Path) -> dict[str, bytes]:
    """What the run left, regular files only, up to a size; the rest is not evidence."""
    files = {}
    room = EVIDENCE_BYTES
    for path in _evidence_paths(desk)[:EVIDENCE_FILES]:
        content = _read(path, room)
        if content is not None:
            files[path.relative_to(desk).as_posix()] = content
            room -= len(content)
    executed = _read(desk / "executed.ipynb", EXECUTED_BYTES)
    return files if executed is None else files | {"executed.ipynb": executed}


def _evidence_paths(desk: Path) -> list[Path]:
    """Every file below the evidence folder, without going through links."""
    if (desk / "evidence").is_symlink():
        return []
    walked = os.walk(desk / "evidence", followlinks=False)
    return sorted(Path(folder) / name for folder, _, names in walked for name in names)


def _read(path: Path, at_most: int) -> bytes | None:
    """A regular file's content; links, pipes, devices and what is too large are passed over."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1 or facts.st_size > at_most:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(at_most)
    finally:
        os.close(descriptor)


def _font_cache() -> Path:
    """matplotlib's list of fonts, made once: a kernel without it would spend seconds on one."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = home / "assay" / "fonts"
    if not any(cache.glob("fontlist-*.json")):
        made = Path(tempfile.mkdtemp(prefix="assay-fonts-"))
        subprocess.run(
            [sys.executable, "-c", "import matplotlib.font_manager"],
            env=os.environ | {"MPLCONFIGDIR": str(made)},
            capture_output=True,
            check=False,
        )
        if not any(made.glob("fontlist-*.json")):
            raise OurFault("matplotlib could not list this machine's fonts")
        shutil.copytree(made, cache, dirs_exist_ok=True)
        shutil.rmtree(made, ignore_errors=True)
    return cache
