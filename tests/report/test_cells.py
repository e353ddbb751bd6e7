"""Cells as a reader needs them: tracebacks without colours and libraries, time and memory."""

from assay.records import Cell, Outcome, Run, RunRecord, Took
from assay.report import profiles
from assay.report.cells import cleaned, costs, failures, questions, share_of_asking

TRACEBACK = "\n".join(
    [
        "\x1b[31m" + "-" * 75 + "\x1b[39m",
        "\x1b[31mValueError\x1b[39m                Traceback (most recent call last)",
        "\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[4]\x1b[39m\x1b[32m, line 2\x1b[39m",
        "\x1b[32m      1\x1b[39m x = 1",
        "\x1b[32m----> \x1b[39m\x1b[32m2\x1b[39m f(x)",
        "",
        "\x1b[36mCell\x1b[39m \x1b[32mIn[2]\x1b[39m, line 1\x1b[39m, in \x1b[36mf\x1b[39m(x)",
        "----> 1 def f(x): return g(x)",
        "",
        "File /assay-run/submission/solution/own.py:7, in g(x)",
        "      6 def g(x):",
        "----> 7     return fit(x)",
        "",
        "File /opt/x/lib/python3.11/site-packages/sklearn/base.py:1403, in wrapper(*args)",
        "   1402     secret(",
        "-> 1403     return fit_method(*args)",
        "",
        "ValueError: no",
    ]
)


def record(seed: int, *cells: Cell) -> RunRecord:
    return RunRecord(
        run=Run(part="p", parameters={"seed": seed}), key="k", outcome=Outcome.CELL_FAILED,
        reason="", seconds=1.0, cells=list(cells), numerics={},
    )  # fmt: skip


def test_a_traceback_is_told_in_the_readers_words():
    """Cells by the report's numbers, files by the student's names, libraries in one line each."""
    assert cleaned(TRACEBACK, 3).split("\n") == [
        "cell 3, line 2",
        "      1 x = 1",
        "----> 2 f(x)",
        "",
        "cell 1, line 1, in f(x)",
        "----> 1 def f(x): return g(x)",
        "",
        "solution/own.py, line 7, in g(x)",
        "      6 def g(x):",
        "----> 7     return fit(x)",
        "    … sklearn/base.py, line 1403, in wrapper(*args)",
        "",
        "ValueError: no",
    ]


def test_what_is_no_traceback_is_shown_as_it_is():
    """A student's process can write anything there."""
    assert cleaned("\x1b[2Jall\n\nis well", 1) == "all\n\nis well"


def test_one_failure_is_shown_once_for_all_runs():
    """With its line, where the traceback tells it; another error of the cell is another failure."""
    cell = Cell(number=3, source="x = 1\nf(x)", seconds=0.1, error="E", traceback=TRACEBACK)
    other = cell.model_copy(update={"error": "F", "traceback": None})
    first, second = failures([record(0, cell), record(1, cell), record(2, other)])

    assert (first.line, first.runs) == (2, ["p/all/seed-0", "p/all/seed-1"])
    assert (second.error, second.line, second.traceback) == ("F", None, "")


def test_costs_are_the_usual_the_longest_and_the_most():
    """Over all runs; a cell that never ended has none."""
    never = Cell(number=2, source="", seconds=None)
    seen = ((0, 1.0, 50.0), (1, 2.0, 70.0), (2, 9.0, None))
    runs = [
        record(seed, Cell(number=1, source="", seconds=seconds, megabytes=megabytes), never)
        for seed, seconds, megabytes in seen
    ]

    (cost,) = costs(runs)
    assert (cost.number, cost.usual, cost.longest, cost.megabytes) == (1, 2.0, 9.0, 70.0)


def asked(seed: int, place: str, **took: tuple[float, float]) -> RunRecord:
    """A run of two seconds of a processor, half of them asking; `took` on the clock and of it."""
    cell = Cell(number=1, source="", seconds=1.5, cpu_seconds=1.0)
    return record(seed, cell).model_copy(
        update={
            "run": Run(part="p", parameters={"seed": seed, "data": place}),
            "cpu_seconds": 2.0,
            "exam": Took(seconds=2.5, cpu_seconds=1.0),
            "questions": {n: Took(seconds=s, cpu_seconds=cpu) for n, (s, cpu) in took.items()},
        }
    )


def test_questions_are_told_with_the_costliest_first():
    """All runs together decide, and how many of them there were is said."""
    runs = [
        asked(0, "a", train=(4.0, 0.3), add=(0.2, 0.2)),
        asked(1, "a", add=(0.4, 0.4)),
        asked(2, "a", add=(0.3, 0.3)),
    ]

    first, second = questions(runs)
    assert (first.name, first.usual, first.longest, first.computed, first.runs) == (
        *("add", 0.3, 0.4, 0.3, 3),
    )
    assert (second.name, second.longest, second.runs) == ("train", 4.0, 1)
    assert share_of_asking(runs) == 0.5
    assert share_of_asking([record(0)]) is None


def test_a_profile_has_a_table_for_each_place():
    """Cells in their order, then questions; what an older run did not note is a dash."""
    runs = [asked(0, "a", add=(0.2, 0.1)), asked(0, "b", train=(4.0, 3.0))]
    old = record(0, Cell(number=1, source="", seconds=1.0))

    assert profiles.lines(runs) == [
        "",
        "p/a: 2.00 s of a processor a run, 50% of it asking",
        "          processor     clock   longest",
        "  cell 1     1.000     1.500     1.500",
        "  add        0.100     0.200     0.200",
        "",
        "p/b: 2.00 s of a processor a run, 50% of it asking",
        "          processor     clock   longest",
        "  cell 1     1.000     1.500     1.500",
        "  train      3.000     4.000     4.000",
    ]
    assert profiles.lines([old])[-1] == "  cell 1         –     1.000     1.000"
