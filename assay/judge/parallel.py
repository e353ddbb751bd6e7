"""Split the tests of one judgement across forked processes where cores are free.

pytest sorts tests by the run that they judge, so each process reads the evidence of its own runs.
What they found is put together in the order in which one process would have found it.
"""

import os
import signal
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from assay.execution.process import OUT_OF_MEMORY, is_single
from assay.records import Drawing, Judgement, Judgements
from assay.sandbox import namespaces

MANY = 60
"""Tests that are worth a process of their own."""


@dataclass
class Workers:
    """The processes that judge for this one, and the file that this one leaves."""

    file: Path
    others: dict[int, Path] = field(default_factory=dict)

    def share_out(self, items: list[Any], efforts: Iterable[int], workers: int) -> None:
        """Keep the first stretch of the tests; processes forked from this one take the rest."""
        workers = max(1, min(workers, len(items) // MANY))
        workers = workers if workers > 1 and is_single() else 1
        until = list(accumulate(efforts))
        cuts = {bisect_left(until, until[-1] * n / workers) for n in range(1, workers)}
        ends = [0, *sorted(cuts - {0}), len(items)]
        first, *rest = [items[begin:end] for begin, end in pairwise(ends)]
        for number, stretch in enumerate(rest):
            file = self.file.with_name(f"{self.file.stem}-{number}.json")
            pid = os.fork()
            if pid == 0:
                namespaces.die_with_parent()
                self.file, self.others, items[:] = file, {}, stretch
                return
            self.others[pid] = file
        items[:] = first

    def save(self, own: Mapping[str, Judgement]) -> None:
        """Write what each test file found in this process, and in the others after it."""
        found = [own, *(others.of for others in self._of_others())]
        together = Judgements(of={name: joined([one[name] for one in found]) for name in own})
        self.file.write_text(together.model_dump_json(), encoding="utf-8")

    def _of_others(self) -> Iterator[Judgements]:
        for pid, file in self.others.items():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if code == -signal.SIGXCPU:
                signal.raise_signal(signal.SIGXCPU)  # this one ends as that did
            if code == OUT_OF_MEMORY:
                raise MemoryError
            if code not in (0, 1):  # both are verdicts
                raise RuntimeError(f"a process that judged some of the tests ended with {code}")
            yield Judgements.model_validate_json(file.read_bytes())


def joined(found: Sequence[Judgement]) -> Judgement:
    """Return what several found as one: of the drawings of one title the first."""
    drawings: dict[str, Drawing] = {}
    for drawing in (each for one in found for each in one.drawings):
        drawings.setdefault(drawing.title, drawing)
    return Judgement(
        checks=[each for one in found for each in one.checks],
        measurements=[each for one in found for each in one.measurements],
        written=[each for one in found for each in one.written],
        drawings=list(drawings.values()),
    )


def in_order(found: Mapping[str, Judgement], runs: Sequence[str]) -> Judgement:
    """Return what all test files found, in the order in which one process finds it.

    Run by run, and within a run file by file. What looks at all runs stands behind the first.
    """
    places: dict[str | None, float] = {run: place for place, run in enumerate(runs)} | {None: 0.5}
    whole = joined([found[name] for name in sorted(found)])
    checks = sorted(whole.checks, key=lambda c: (places[c.run], c.name.partition(".")[0]))
    measured = sorted(whole.measurements, key=lambda measured: places[measured.run])
    return whole.model_copy(update={"checks": checks, "measurements": measured})
