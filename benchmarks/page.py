"""Write the measured part of docs/benchmarks.md, and its plots, from docs/benchmarks.json.

python -m benchmarks.page
"""

import ast
import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.tools import ROOT, machine, ratios, spread

PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "docs" / "benchmarks.json"
COLD, WARM = "assay, start-up counted", "assay, once warm"
"""What a sweep calls the two ways to measure assay."""
BEGIN, END = "<!-- measured: nox -s bench writes this -->", "<!-- end -->"
PARTS_OF_OTHERS = ("cost", "courses", "others", "page", "pictures", "pool", "questions", "tools")
"""Modules that measure nothing by themselves."""
Data = dict[str, Any]


def keep(name: str, data: Mapping[str, Any]) -> None:
    """Put what a benchmark found among the results, and write the page afresh."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[name] = {"on": machine(), **data}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write(results)


def sweep(data: Data) -> str:
    seconds: dict[str, list[float]] = data["seconds"]
    rows = [
        (
            name,
            spread(took, ".1f"),
            f"{60 * data['runs'] / statistics.median(took):.1f}",
            *(spread(ratios(took, seconds[ours])) for ours in (COLD, WARM)),
        )
        for name, took in seconds.items()
    ]
    return f"""\
## A sweep of Part 1

{data["runs"]} runs of this repository's own Part 1, wall seconds. assay runs them in its full
sandbox, two at a time with one thread each, judges all and writes the report; the others execute
the notebooks and no more. Medians of {rounds(seconds)} interleaved rounds, with their ranges;
ratios round by round.

{table(("how", "seconds", "runs a minute", "of assay with start-up", "of assay once warm"), rows)}

![Seconds of a sweep, and processor seconds of a submission](benchmarks.png)
"""


def graders(data: Data) -> str:
    ours = data["cpu"]["assay"]["further"]
    rows = [
        (
            name,
            spread(of["first"]),
            spread(of["further"]),
            spread(ratios(of["further"], ours), ".1f"),
            spread(of["all"], ".1f"),
        )
        for name, of in data["cpu"].items()
    ]
    return f"""\
## A class of {data["students"]}

One notebook each, three questions, scikit-learn only; the same students, checks and marks.
Processor seconds of everything that is started: assay with its full sandbox, separate judge and
reports, otter-grader 7.0.0 (`otter run`, no container), nbgrader 0.9.6 (`nbgrader autograde`). The
first submission is graded alone; a further one costs a seventh of what eight cost more. All have
one numeric thread. Medians of {len(ours)} interleaved rounds, with their ranges; ratios round by
round.

{table(("tool", "the first", "each further", "times assay's", "all of them"), rows)}
"""


def overhead(data: Data) -> str:
    empty, real = data["empty"], data["part1"]
    workers = data["workers"]
    added = f"{len(real['added'])} runs of Part 1: {spread(real['cells'])} s of cells each"
    rows = [
        ("time added to an empty notebook and its exam", f"{spread(empty['added'])} s"),
        (f"time added to {added}", f"{spread(real['added'])} s"),
        ("two runs at once, times one", spread(ratios(*(workers[f"{n} at once"] for n in (1, 2))))),
        *((f"`{command}`", f"{spread(took)} s") for command, took in data["commands"].items()),
        *((f"judging {of}, once warm", f"{cpu:.2f} CPU s") for of, cpu in data["judging"].items()),
    ]
    return f"""\
## What assay itself takes

In the full sandbox, once warm. What is added is the time of a run, from the job to the evidence,
less that of its cells, the exam's among them: {len(empty["added"])} runs, one at a time.

{table(("", "median (range)"), rows)}
"""


def memory(data: Data) -> str:
    samples = data["samples"]
    late, warm = samples[-1], samples[len(samples) // 10 :]
    early = next(sample for sample in warm if sample.keys() == late.keys())
    names = [name for name in late if name not in ("runs", "seconds")]
    rows = [(name, f"{early[name]:.0f} MB", f"{late[name]:.0f} MB") for name in names]
    return f"""\
## Memory of a long batch

`assay grade` of {late["runs"]:,} short runs in one batch, forty submissions judged, in
{late["seconds"] / 60:.1f} minutes: resident memory of what lives as long as the batch.

{table(("", f"after {early['runs']:,} runs", f"after {late['runs']:,}"), rows)}

![Resident memory over the runs of a batch](benchmarks-memory.png)
"""


def reproduce(data: Data) -> str:
    rows = [
        (name, f"{way['seconds']:.1f}", way["runs"], way["executed"])
        for name, way in data["ways"].items()
    ]
    return f"""\
## `nox -s reproduce`

The whole assignment, both parts, once each: wall seconds, nox's own start included. The other tools
execute the same notebooks and judge nothing.

{table(("", "seconds", "runs", "of them executed"), rows)}
"""


SECTIONS: dict[str, Callable[[Data], str]] = {
    section.__name__: section for section in (sweep, graders, overhead, memory, reproduce)
}


def measured(results: dict[str, Data]) -> str:
    """All sections for which there are numbers, and how to make them again."""
    sections = [
        f"{write_section(results[name])}\n{on(results[name]['on'])}\n"
        for name, write_section in SECTIONS.items()
        if name in results
    ]
    return "\n".join([*sections, commands()])


def on(machine: dict[str, str]) -> str:
    facts = dict(machine)
    head = f"{facts.pop('date')}, {facts.pop('processor')}, {facts.pop('cores')} cores"
    return f"Measured {head}: {', '.join(' '.join(fact) for fact in facts.items())}."


def commands() -> str:
    """Every benchmark, and the first line of what it says of itself."""
    rows = [(f"`nox -s bench -- {name}`", first) for name, first in benchmarks().items()]
    return f"## Measure it\n\n{table(('command', 'measures'), rows)}\n"


def benchmarks() -> dict[str, str]:
    """The modules that measure, with the first line of their docstrings."""
    paths = sorted(Path(__file__).parent.glob("*.py"))
    docs = {path.stem: ast.get_docstring(ast.parse(path.read_text())) or "" for path in paths}
    return {n: doc.splitlines()[0] for n, doc in docs.items() if n not in PARTS_OF_OTHERS}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    rows = [[*map(str, row)] for row in rows]
    sides = ["---:" if cell[:1].isdigit() else "---" for cell in rows[0]]
    lines = [head, sides, *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def rounds(found: dict[str, list[float]]) -> int:
    return min(map(len, found.values()))


def placed(page: str, results: dict[str, Data]) -> str:
    """The page with what was measured between its marks, and all else as it was."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"`{PAGE.name}` has no `{BEGIN}` and `{END}`")
    return f"{before}{BEGIN}\n\n{measured(results)}\n{END}{after}"


def write(results: dict[str, Data]) -> None:
    from benchmarks import pictures  # matplotlib: only once there is something to draw

    PAGE.write_text(placed(PAGE.read_text(), results))
    for name, picture in pictures.drawn(results).items():
        (PAGE.parent / name).write_bytes(picture)


if __name__ == "__main__":
    write(json.loads(RESULTS.read_text()))
