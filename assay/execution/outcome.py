"""Name the outcome of a run from our own facts, in this order: what the kernel counted, our clock,
the limits we keep, wait statuses, and last the exceptions that a notebook reports of itself.
"""

import signal
from dataclasses import dataclass

from assay.errors import quoted
from assay.execution.monitor import DISK, EXAM, FILES, Monitor
from assay.records import Cell, Outcome
from assay.sandbox.sandbox import FILE_SIZE, HOME_ROOM, PROCESSOR
from assay.sandbox.workdirs import CellFacts, RunnerFacts
from assay.source import blame
from assay.source.cells import is_nested_too_deeply
from assay.units import MIB

FROM_BUBBLEWRAP = 128
"""bubblewrap ends with this much more than the number of the signal that ended its kernel."""
SAID = {
    Outcome.OUT_OF_MEMORY: ("MemoryError", "DefaultCPUAllocator", "Cannot allocate memory"),
    Outcome.DISK_FULL: ("[Errno 28]", "[Errno 27]", "No space left on device"),
    Outcome.TOO_MANY_PROCESSES: ("[Errno 11]", "can't start new thread"),
}
"""Words of an exception by which a limit is known that the kernel met and reported itself."""


_FILLED = f"filled the disk of a run ({HOME_ROOM // MIB} MB, {FILE_SIZE // MIB} MB a file)"


@dataclass(frozen=True)
class Facts:
    """All that is known of a run that has ended."""

    limits: dict[str, float]
    monitor: Monitor
    timed_out: str
    """In words the limit for which we ended the run, '' where we did not."""
    runner_code: int | None
    last_lines: list[str]
    """The last lines that the runner and the kernel wrote, '' where there is none."""
    runner: RunnerFacts | None
    finished: bool
    last_words: str = ""
    """What the last cell raised, as the kernel wrote it down; '' if it ended well."""

    @property
    def failed(self) -> list[CellFacts]:
        return [cell for cell in self.runner["cells"] if cell["error"]] if self.runner else []


def decide(facts: Facts) -> tuple[Outcome, str]:
    """Return the outcome, and a sentence that says where, which limit, and what was measured."""
    for judge in (_counted, _clocked, _limited, _died, _reported):
        if found := judge(facts):
            return found
    return Outcome.COMPLETED, "every cell ran and every question was put"


Found = tuple[Outcome, str] | None


def _counted(facts: Facts) -> Found:
    """Return the cgroup's counters; the memory that a storm of processes takes is the storm's."""
    where = facts.monitor.limits_hit.get("killed for memory")
    if where is None or "processes" in facts.monitor.limits_hit:
        return None
    return Outcome.OUT_OF_MEMORY, _memory(facts, where)


def _clocked(facts: Facts) -> Found:
    """Our clock: of the run, of each cell and question. What ate the memory is slow as well."""
    took = _took_too_long(facts)
    if took is None:
        return None
    if where := facts.monitor.limits_hit.get("memory"):
        return Outcome.OUT_OF_MEMORY, f"{_memory(facts, where)}, and {took}"
    if where := facts.monitor.limits_hit.get("home"):
        return Outcome.DISK_FULL, f"{where} {_FILLED}, and {took}"
    return Outcome.TIMED_OUT, took


def _took_too_long(facts: Facts) -> str | None:
    where = facts.monitor.where()
    late = facts.runner["late"] if facts.runner else {}
    if facts.timed_out and where == EXAM:
        return f"the exam {facts.timed_out}{facts.monitor.asked()}"
    if facts.timed_out:
        return f"the run {facts.timed_out}; it ended in {where}"
    first = next(iter(late.items()), None)
    if first is None:
        return None
    more = f", and {len(late) - 1} more after it" if len(late) > 1 else ""
    stuck = [quoted(name) for name in facts.runner["stuck"]] if facts.runner else []
    ended = f"; {stuck[0]} could not be interrupted, which ended the exam" if stuck else ""
    return f"{first[0]} {first[1]}{more}{ended}"


def _limited(facts: Facts) -> Found:
    """Limits that we keep ourselves, and the runner's word, whose process is ours."""
    monitor = facts.monitor
    if where := monitor.limits_hit.get("processes"):
        return Outcome.TOO_MANY_PROCESSES, _processes(facts, where)
    if where := monitor.limits_hit.get("disk"):
        written = f"{monitor.disk / MIB:,.0f} MB in {monitor.files:,} files"
        limit = f"{DISK // MIB} MB and {FILES:,} files are allowed"
        return Outcome.DISK_FULL, f"{where} wrote {written} beside its answers; {limit}"
    if facts.runner is None:
        return _without_runner(facts)
    if facts.runner["stopped"] == "cut":
        return Outcome.TOO_MUCH_OUTPUT, f"{monitor.in_words()} {facts.runner['detail']}"
    if facts.runner["stopped"] == "protocol":
        why = facts.runner["detail"]
        where = monitor.in_words()
        return Outcome.PROTOCOL_BROKEN, f"the kernel's messages in {where} broke off: {why}"
    return None


def _without_runner(facts: Facts) -> tuple[Outcome, str]:
    """The process that reads messages is gone: a signal after the first cell is their doing."""
    code = facts.runner_code
    if code is not None and code < 0 and facts.monitor.where() != "its start":
        name = signal.Signals(-code).name
        return (
            Outcome.PROTOCOL_BROKEN,
            f"what {facts.monitor.in_words()} sent ended the process that reads it ({name})",
        )
    said = [line for line in facts.last_lines if line]
    return (
        Outcome.INFRASTRUCTURE,
        f"the runner ended with status {code}: {'; '.join(said) or 'it wrote nothing'}",
    )


def _died(facts: Facts) -> Found:
    """Return the kernel's wait status."""
    assert facts.runner is not None
    if facts.runner["stopped"] == "dead":
        where = f"{facts.monitor.in_words()}{facts.runner['died_at']}"
        return _death(facts, facts.runner["exit_code"], where)
    return None


def _death(facts: Facts, code: int | None, where: str) -> tuple[Outcome, str]:
    number = -code if code is not None and code < 0 else (code or 0) - FROM_BUBBLEWRAP
    if number == signal.SIGXCPU:
        limit = PROCESSOR * facts.limits["run_seconds"]
        return Outcome.TIMED_OUT, f"{where} used more than {limit:g} s of processor time"
    if memory := facts.monitor.limits_hit.get("memory"):
        return Outcome.OUT_OF_MEMORY, f"{_memory(facts, memory)}, and its kernel ended"
    if number in {each.value for each in signal.Signals}:
        name = signal.Signals(number).name
        return Outcome.CRASHED, f"the kernel was killed by {name} in {where}"
    return Outcome.EXITED, f"the kernel ended itself with exit code {code} in {where}"


def _reported(facts: Facts) -> Found:
    """Exceptions: first those that our own limits have raised."""
    if facts.failed and (where := facts.monitor.limits_hit.get("memory")):
        return Outcome.OUT_OF_MEMORY, _memory(facts, where)
    for outcome, words in SAID.items():
        for cell in facts.failed:
            error = cell["error"] or ""
            if any(word in error for word in words):
                if outcome is Outcome.OUT_OF_MEMORY and is_nested_too_deeply(cell["source"]):
                    continue
                if (
                    outcome is Outcome.DISK_FULL
                    and "memfd" in f"{cell['source']}{cell['traceback']}"
                ):
                    return Outcome.OUT_OF_MEMORY, _piled_up(f"cell {cell['number']}", error)
                return outcome, _met(facts, outcome, f"cell {cell['number']}", error)
    if not facts.finished:
        return _broken_off(facts)
    return _failed(facts)


def _broken_off(facts: Facts) -> Found:
    """The exam did not come to its end: what it said last, through the kernel or by itself."""
    said = facts.last_words or (facts.runner and facts.runner["exam"]) or ""
    if not said:
        return Outcome.EXITED, "the notebook ended its kernel's work before the last question"
    for outcome, words in SAID.items():
        if any(word in said for word in words):
            return outcome, _met(facts, outcome, EXAM, said)
    return Outcome.EXITED, f"the exam broke off before the last question: {said[:300]}"


def _failed(facts: Facts) -> Found:
    if not facts.failed:
        return None
    if where := facts.monitor.limits_hit.get("home"):
        return Outcome.DISK_FULL, f"{where} {_FILLED}"
    first = blame.message(Cell(**facts.failed[0]))
    more = f", and {len(facts.failed) - 1} more after it" if len(facts.failed) > 1 else ""
    return Outcome.CELL_FAILED, first + more


def _met(facts: Facts, outcome: Outcome, where: str, error: str) -> str:
    """A limit in words, and what the cell said of it."""
    if outcome is Outcome.OUT_OF_MEMORY:
        limit = f"{facts.limits['memory_mb']:,.0f} MB"
        said = f"{where} asked for more than {limit} of memory, by its own error"
    elif outcome is Outcome.TOO_MANY_PROCESSES:
        said = _processes(facts, where)
    else:
        said = f"{where} {_FILLED}"
    return f"{said} ({error[:120]})"


def _piled_up(where: str, error: str) -> str:
    """A file in memory meets the limit of any other file, and is on no disk."""
    return f"{where} put more than {FILE_SIZE // MIB} MB into a file in memory ({error[:120]})"


def _memory(facts: Facts, where: str) -> str:
    limit, peak = facts.limits["memory_mb"], facts.monitor.peak / MIB
    return f"{where} used more than {limit:,.0f} MB of memory (peak {peak:,.0f} MB)"


def _processes(facts: Facts, where: str) -> str:
    limit, seen = facts.monitor.process_limit, facts.monitor.processes
    return f"{where} started more than {limit} processes and threads at once ({seen} were seen)"
