"""Execute a job and come back with bytes: one child process, a limit of time, and nothing left."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import psutil

from assay.errors import OurFault, PluginFault, Stopped
from assay.evidence import numerics, packing
from assay.evidence.answers import HOW_IT_RAN
from assay.execution.clock import BUSY, RAN, TOLD, WAITED
from assay.execution.forkserver import Parent
from assay.execution.machine import Machine
from assay.execution.monitor import EXAM, Monitor
from assay.execution.outcome import Facts, decide
from assay.execution.process import Process, kill_all_below
from assay.records import Cell, Isolation, Outcome, Took, sound
from assay.sandbox import cgroup, inside, sandbox, workdirs
from assay.sandbox.sandbox import PROCESSES, Sandbox
from assay.sandbox.workdirs import Spent
from assay.units import MIB

if TYPE_CHECKING:  # the one is not needed here, the other can be imported in a sandbox alone
    from assay.execution.job import JobFile
    from assay.sandbox.inside.boot import RunSettings

EVIDENCE_BYTES = 64_000_000
EVIDENCE_FILES = 400
EXECUTED_BYTES = 50_000_000
LOG_BYTES = 10_000_000
LOOK_EVERY = 0.2
DIED = "evidence/died.txt"
"""Where a kernel was when it ended itself, or a signal ended it."""
LAST_WORDS = "evidence/last_words.txt"
"""What the last cell raised, as its kernel wrote it down: nothing if it ended well."""
OF_THE_END = (DIED, LAST_WORDS, workdirs.QUESTION)
"""What a kernel leaves to show how it ended: no evidence, it differs from run to run."""
logger = logging.getLogger(__name__)
SPARE = 256 * MIB
"""What a run may need above its imports; with less than this left it gets a cold kernel."""
TRACE_FILE = "trace.py"
TRACE = Path(inside.__file__).with_name(TRACE_FILE).read_bytes()
"""Goes into the support folder of an audited run."""
SPENT_AT_MOST = 3
"""Questions that end with their kernel: the run is made again without them, this many times."""
SHORTEST = 0.01
"""A question of fewer seconds is not listed: the tick of a clock that counts processes."""
PAUSES = (1.0, 4.0)
"""Seconds to wait before a run that failed through no fault of the student's is tried again."""


CHANGED = {
    "status": "raised",
    "error": "ValueError: the answer was changed after it had been given",
    "traceback": "",
    "text": {},
}
"""Instead of an answer that a thread or a later question has written over."""
UNTOLD = CHANGED | {
    "error": "RuntimeError: the run ended before its kernel had said what the answer was"
}
"""Instead of an answer of which no process but the kernel knows: anything may have written it."""

Running = Process | subprocess.Popen[bytes]


@dataclass(frozen=True)
class Ended:
    """How a run ended, and the files it left: `evidence/...` and `executed.ipynb`."""

    outcome: Outcome
    reason: str
    seconds: float
    cells: list[Cell]
    files: dict[str, bytes]
    isolation: Isolation = field(default_factory=Isolation)
    memory: int = 0
    """The most that was seen of it, in bytes."""
    cpu_seconds: float = 0.0
    pressure: float = 0.0
    """The share of its time in which it, or something beside it, waited for a processor."""
    spent: dict[str, Spent] = field(default_factory=dict)
    """The question that ended only with its kernel, and what is noted of it."""

    exam: Took | None = None
    """What asking took."""
    questions: dict[str, Took] = field(default_factory=dict)
    """What each question took; shorter ones than a clock's tick are left out."""

    starved: bool = False
    """It met its limit of waiting while it had work, and no processor."""

    @property
    def may_be_unfair(self) -> bool:
        """It met a limit of time on a machine that had too much to do."""
        return self.outcome is Outcome.TIMED_OUT and self.pressure >= BUSY

    @property
    def fair(self) -> "Ended":
        """The same; where it was starved, it is the machine's fault and no time-out."""
        if not self.starved:
            return self
        why = f"the machine had no processor for it: {self.reason}"
        return replace(self, outcome=Outcome.INFRASTRUCTURE, reason=why)


def execute(job: bytes, machine: Machine, kept_in: Sandbox | None = None) -> Ended:
    """Run one job to its end, whatever its code does, and collect what it left.

    The sandbox is the best that this machine has where none is given, with a warm kernel. Where a
    question ended only with its kernel, the run is made again, and that one is not put again.
    """
    chosen = kept_in or machine.isolation.warmest()
    spent: dict[str, Spent] = {}
    fatal: list[Ended] = []
    while True:
        ended = _until_it_is_not_our_fault(job, machine, chosen, spent)
        if ended.outcome is Outcome.INFRASTRUCTURE:
            return ended
        new = {name: note for name, note in ended.spent.items() if name not in spent}
        fatal += [ended] if new and not any(note["took"] for note in new.values()) else []
        if not new or len(spent) >= SPENT_AT_MOST:
            return _told_of(fatal, ended)
        logger.info("a run is made again, without what it put last: %s", sorted(new))
        spent |= new


def _told_of(fatal: Sequence[Ended], last: Ended) -> Ended:
    """The last attempt; how the first kernel ended that a question took with it."""
    if not fatal:
        return last
    more = f", and {len(fatal) - 1} more after it" if len(fatal) > 1 else ""
    return replace(last, outcome=fatal[0].outcome, reason=f"{fatal[0].reason}{more}")


def _until_it_is_not_our_fault(
    job: bytes, machine: Machine, chosen: Sandbox, spent: Mapping[str, Spent]
) -> Ended:
    for pause in PAUSES:
        ended = _attempt_or_say_why(job, machine, chosen, spent)
        if ended.outcome is not Outcome.INFRASTRUCTURE:
            return ended
        logger.info("a run is made again after %s s, by our own fault: %r", pause, ended.reason)
        machine.stopping.wait(pause)
    return _attempt_or_say_why(job, machine, chosen, spent)


def _attempt_or_say_why(
    job: bytes, machine: Machine, chosen: Sandbox, spent: Mapping[str, Spent]
) -> Ended:
    try:
        return _attempt(job, machine, chosen, spent)
    except PluginFault:
        raise
    except OurFault as error:
        return Ended(Outcome.INFRASTRUCTURE, error.what, 0.0, [], {}, chosen.isolation)


def _attempt(job: bytes, machine: Machine, chosen: Sandbox, spent: Mapping[str, Spent]) -> Ended:
    with ExitStack() as stack:
        place = workdirs.make(in_memory=chosen.level.has_own_view)  # below, all of /dev can be read
        stack.callback(workdirs.remove, place)
        files = packing.unpack(job)
        if spent:
            files["support/spent.json"] = json.dumps(spent).encode()
        limits = _lay_out(files, place)
        parent = _parent(files, machine, limits) if chosen.warm else None
        if chosen.warm and parent is None:
            chosen = machine.isolation.at(chosen.level)
        monitor = _monitor(place, limits, chosen)
        if monitor.group:
            stack.callback(monitor.group.remove)
        _tell_how_to_start(place, limits, chosen, monitor)
        started = time.monotonic()
        facts = _supervise(place, limits, monitor, parent, machine.stopping)
        if machine.stopping.is_set():
            raise Stopped
        seconds = time.monotonic() - started
        outcome, reason = decide(facts)
        cells = [Cell(**cell) for cell in facts.runner["cells"]] if facts.runner else []
        return Ended(
            outcome,
            reason,
            seconds,
            cells,
            _with_what_ran(_believed(_collect(place), _asked(files), _told(place)), place),
            chosen.isolation,
            monitor.peak,
            round(monitor.computed, 3),
            round(monitor.pressure, 3),
            _spent(facts, outcome, reason, place),
            *_asking(facts),
            outcome is Outcome.TIMED_OUT and monitor.starved and WAITED in reason,
        )


def _asking(facts: Facts) -> tuple[Took | None, dict[str, Took]]:
    """Return what the exam took, and each of its questions that took long enough to be listed."""
    if facts.runner is None:
        return None, {}
    exam, asked = facts.runner["asking"], facts.runner["asked"]
    times = {name: Took(**took) for name, took in asked.items()}
    told = {name: took for name, took in times.items() if took.longest >= SHORTEST}
    return Took(**exam) if exam else None, told


def _spent(facts: Facts, outcome: Outcome, reason: str, place: Path) -> dict[str, Spent]:
    """Return the question that took its kernel with it, if one did."""
    asking = facts.monitor.asking if facts.monitor.where() == EXAM else ""
    if facts.runner and facts.runner["stuck"]:
        return {
            name: Spent(status="raised", error=f"TimeoutError: {took}", took=took)
            for name, took in facts.runner["stuck"].items()
        }
    if facts.finished or not asking or outcome in (Outcome.TIMED_OUT, Outcome.INFRASTRUCTURE):
        return {}
    if workdirs.read_below(place, f"evidence/{asking}.json", EVIDENCE_BYTES) is not None:
        return {}  # it was answered; what came next was not
    return {asking: Spent(status="ended", error=reason, took="")}


def _lay_out(files: Mapping[str, bytes], place: Path) -> dict[str, float]:
    packing.write(files, place)
    shutil.copytree(workdirs.font_cache(), place / "fonts")
    limits: dict[str, float] = json.loads(files["job.json"])["limits"]
    return limits


def _monitor(place: Path, limits: dict[str, float], chosen: Sandbox) -> Monitor:
    memory = round(limits["memory_mb"]) * MIB
    group = cgroup.create(memory * 3 // 2, PROCESSES) if chosen.level.has_own_group else None
    if chosen.level.has_own_group and group is None:
        raise OurFault("the cgroup that this sandbox stands on could not be made")
    return Monitor(
        workdir=place,
        home=chosen.places(place)[1] if chosen.level.has_own_view else None,
        group=group,
        memory_limit=memory,
        process_limit=PROCESSES,
    )


def _tell_how_to_start(
    place: Path, limits: dict[str, float], chosen: Sandbox, monitor: Monitor
) -> None:
    """Leave the kernel's command line for the runner."""
    user = sandbox.new_user() if chosen.needs_user else None
    if user is not None:
        workdirs.hand_over(place, user)
    job: JobFile = json.loads((place / "job.json").read_text(encoding="utf-8"))
    run: RunSettings = {"notebook": job["notebook"], "limits": chosen.limits(limits)}
    if "trace" in job:
        run["trace"] = job["trace"]
    start = chosen.start(place, run, monitor.group, user)
    (place / "kernel.json").write_text(json.dumps(start), encoding="utf-8")


def _supervise(
    place: Path, limits: dict[str, float], monitor: Monitor, parent: Parent | None, stopping: Event
) -> Facts:
    """Let the runner run until it ends or a limit is met; then nothing of it lives."""
    with (place / "runner.log").open("wb") as log:
        runner = (parent.run if parent else _start)(place, log.fileno())
        monitor.take_time(runner.pid)
        try:
            timed_out = _wait(runner, limits["run_seconds"], monitor, stopping)
        finally:
            _end(runner, place, monitor)
    monitor.take_time(runner.pid)
    monitor.take_stock()
    code = None if timed_out else runner.returncode
    return Facts(
        limits=limits,
        monitor=monitor,
        timed_out=timed_out,
        runner_code=code,
        last_lines=[_last_line(place / f"{name}.log") for name in ("runner", "kernel")],
        runner=_facts(place) if code == 0 else None,
        finished=workdirs.read_below(place, "evidence/finished.json", LOG_BYTES) is not None,
        last_words=sound(
            (workdirs.read_below(place, LAST_WORDS, 4000) or b"").decode(errors="replace")
        ),
    )


def _parent(
    files: Mapping[str, bytes], machine: Machine, limits: dict[str, float]
) -> Parent | None:
    """The warm parent for a run; None where it would begin with too much of its memory taken."""
    parent = machine.servers.parent_for(files)
    return parent if parent.data + SPARE < limits["memory_mb"] * MIB else None


def _start(place: Path, log: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "assay.execution.runner", str(place)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env=os.environ | numerics.ONE_THREAD,
    )


def _wait(runner: Running, run_seconds: float, monitor: Monitor, stopping: Event) -> str:
    """Wait for the runner's end; in words the limit of time that ran out first, or ''."""
    while not (took := monitor.over(run_seconds)):
        try:
            runner.wait(timeout=LOOK_EVERY)
            return ""
        except subprocess.TimeoutExpired:
            if stopping.is_set():
                raise Stopped from None
            if monitor.look(runner.pid):
                return ""
    return took


def _end(runner: Running, place: Path, monitor: Monitor) -> None:
    """Stop the runner first, so that it starts nothing more; then kill all below it, and it."""
    if runner.poll() is None:
        runner.send_signal(signal.SIGSTOP)
        kill_all_below(runner.pid)
        runner.kill()
        runner.wait()
    if monitor.group:
        monitor.group.kill()
    if isinstance(runner, Process):
        return  # what it forked ends with it
    for orphan in _at_work(place):  # a runner that was killed leaves its kernel behind
        with suppress(psutil.NoSuchProcess):  # it has ended since it was found
            orphan.kill()


def _at_work(place: Path) -> Iterator[psutil.Process]:
    """The processes that were started for this workdir, whoever their parent is now."""
    for process in psutil.process_iter():
        try:
            named = any(word.startswith(f"{place}/") for word in process.cmdline())
            if named or process.environ().get("ASSAY_SUPPORT") == str(place / "support"):
                yield process
        except (psutil.Error, OSError):
            continue


def _facts(place: Path) -> workdirs.RunnerFacts | None:
    """Return what the runner saw, or None if it ended before it could report."""
    content = workdirs.read(place / "facts.json", workdirs.FACTS)
    try:
        facts: workdirs.RunnerFacts | None = json.loads(content) if content else None
    except ValueError:
        return None
    return facts


def _last_line(log: Path) -> str:
    text = (workdirs.read(log, LOG_BYTES) or b"").decode(errors="replace")[-2000:]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _asked(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of the questions that a run is asked."""
    given = [Path(name) for name in files if name.startswith("given/")]
    return [path.relative_to("given").with_suffix("").as_posix() for path in given]


def _told(place: Path) -> dict[str, str]:
    """Return the digest of each answer, as its kernel said it; a line may be cut off."""
    told = {}
    for line in (workdirs.read(place / TOLD, workdirs.FACTS) or b"").split(b"\n"):
        with suppress(ValueError):
            question, digest = json.loads(line)
            told[question] = digest
    return told


def _with_what_ran(files: dict[str, bytes], place: Path) -> dict[str, bytes]:
    """Add what ran and was not handed in, as the kernel said it before it did.

    A file of this name among the answers is the student's, and no word of it.
    """
    files.pop(HOW_IT_RAN, None)
    lines = (workdirs.read(place / RAN, workdirs.FACTS) or b"").split(b"\n")
    said = [json.loads(line) for line in lines if line.endswith(b"]")]
    return files | ({HOW_IT_RAN: json.dumps(said).encode()} if said else {})


def _believed(
    files: dict[str, bytes], questions: Sequence[str], told: Mapping[str, str]
) -> dict[str, bytes]:
    """Return the evidence, where an answer is what its kernel has said, and nothing else is one."""
    for question in questions:
        arrays, note = f"evidence/{question}.npz", f"evidence/{question}.json"
        if arrays not in files and note not in files:
            continue
        found = [sha256(files.get(name, b"")).hexdigest() for name in (arrays, note)]
        if "".join(found) != told.get(question):
            files.pop(arrays, None)
            files[note] = json.dumps(CHANGED if question in told else UNTOLD).encode()
    return files


def _collect(place: Path) -> dict[str, bytes]:
    """Return what the run left, regular files only, up to a size; the rest is not evidence."""
    files = {}
    room = EVIDENCE_BYTES
    found = sorted(path for path, _ in workdirs.files(place / "evidence", 10 * EVIDENCE_FILES))
    names = [path.relative_to(place).as_posix() for path in found]
    names = [name for name in names if name.isprintable() and name not in OF_THE_END]
    for name in names[:EVIDENCE_FILES]:
        content = workdirs.read_below(place, name, room)
        if content is not None:
            files[name] = content
            room -= len(content)
    executed = workdirs.read(place / "executed.ipynb", EXECUTED_BYTES)
    return files if executed is None else files | {"executed.ipynb": executed}
