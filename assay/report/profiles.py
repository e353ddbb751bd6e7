"""What runs took, cell by cell and question by question, as lines for a terminal."""

from collections.abc import Sequence
from statistics import median

from assay.records import RunRecord
from assay.report import cells


def lines(records: Sequence[RunRecord]) -> list[str]:
    """Return a table for each place: medians of its runs, in seconds, of a processor first."""
    places = dict.fromkeys(record.run.place for record in records)
    of_place = [[r for r in records if r.run.place == place] for place in places]
    return [line for runs in of_place for line in _of_place(runs)]


def _of_place(runs: list[RunRecord]) -> list[str]:
    share = cells.share_of_asking(runs)
    asking = "" if share is None else f", {share:.0%} of it asking"
    computed = median(record.cpu_seconds or 0.0 for record in runs)
    rows = [
        (f"cell {cost.number}", cost.computed, cost.usual, cost.longest)
        for cost in cells.costs(runs)
    ]
    rows += [
        (asked.name, asked.computed, asked.usual, asked.longest) for asked in cells.questions(runs)
    ]
    width = max([len(name) for name, *_ in rows], default=0)
    return [
        "",
        f"{runs[0].run.place}: {computed:.2f} s of a processor a run{asking}",
        f"  {'':{width}}  processor     clock   longest",
        *(f"  {name:{width}}{_columns(times)}" for name, *times in rows),
    ]


def _columns(times: Sequence[float | None]) -> str:
    """`  0.120     0.125     0.130`; a dash for what is not known."""
    return "".join(f"{'–' if time is None else f'{time:.3f}':>10}" for time in times)
