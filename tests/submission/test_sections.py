"""One notebook or two: each part is answered by its own cells, and examined where it ends."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.export import gradebooks
from assay.judge import score
from assay.report import summary
from assay.submission import books, preflight, sections
from assay.submission.sections import Section
from assay.submission.submission import Submission
from tests.report.test_class_report import result
from tests.toys import toy as toys

TWO = toys.TOML + toys.TOML[toys.TOML.index("[[part]]") :].replace("sums", "more")


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    """An assignment of two parts, `sums` and `more`."""
    text = TWO.replace("CELL", "20").replace("RUN", "60").replace("SEEDS", "[0]")
    with toys.course(tmp_path, text=text.replace("DATASETS", '["a"]')) as made:
        yield made


def book(*cells: tuple[str, str] | tuple[str, str, str]) -> bytes:
    """A notebook of (kind, source) or (kind, source, tag)."""
    made = [
        {"cell_type": cell[0], "source": cell[1], "metadata": {"tags": list(cell[2:])}}
        for cell in cells
    ]
    return json.dumps({"cells": made, "nbformat": 4}).encode()


def sheets(course: Assignment, **notebooks: bytes) -> tuple[Section | None, Section | None]:
    files = {f"{name}.ipynb": content for name, content in notebooks.items()}
    first, second = sections.sections(course, Submission("ada", files)).values()
    return (first if first.notebook else None), (second if second.notebook else None)


def sources(sheet: Section | None) -> list[str]:
    assert sheet is not None
    return [cell.source for cell in sheet.cells]


FIRST, SECOND = ("code", "predict = 1"), ("code", "predict = 2")

MARKS = [
    ("markdown", "# Part 2"),
    ("markdown", "some words\n\n### part 2: the transformer"),
    ("markdown", "## Teil 2 - Transformer"),
    ("markdown", "# Homework 3, Part 2"),
    ("markdown", "# 2. Part II"),
    ("markdown", "**Part two**"),
    ("markdown", "<h2>Part 2</h2>"),
    ("code", "# Part 2\nimport torch"),
    ("code", "import torch", "more"),
    ("markdown", "now the second", "more"),
]


@pytest.mark.parametrize("mark", MARKS, ids=[" ".join(mark) for mark in MARKS])
def test_the_first_part_ends_where_the_second_begins(course: Assignment, mark: tuple[str, str]):
    """What the second part binds anew, the first never sees; the second sees everything.

    A cell is cut above the heading: its words are about the first part.
    """
    first, second = sheets(course, hw=book(FIRST, mark, SECOND))

    _, above, own = mark[1].rpartition("some words\n\n")
    assert sources(first) == ["predict = 1", *filter(None, [above])]
    assert sources(second) == ["predict = 1", *filter(None, [above]), own, "predict = 2"]


NO_MARKS = [
    ("markdown", "In part 2 we will see more."),
    ("markdown", "# Part 20"),
    ("markdown", "# Particle 2"),
    ("markdown", "# Partial 2"),
    ("markdown", "# Summary of part 2"),
    ("code", "x = 1  # Part 2"),
    ("code", "import numpy\n# Part 2 of the imports"),
]


@pytest.mark.parametrize("cell", NO_MARKS, ids=[cell[1] for cell in NO_MARKS])
def test_other_words_end_nothing(course: Assignment, cell: tuple[str, str]):
    """A sentence is no heading."""
    first, _ = sheets(course, hw=book(FIRST, cell, SECOND))

    assert len(sources(first)) == 3


def test_an_overview_of_both_parts_ends_nothing(course: Assignment):
    """A title cell that names both, or one above all code, is not where the second begins."""
    overview = ("markdown", "# Part 1: a network\n# Part 2: a transformer")
    contents = ("markdown", "# Part 2 comes later")
    first, _ = sheets(course, hw=book(contents, overview, FIRST, MARKS[0], SECOND))

    assert sources(first)[-1] == "predict = 1"


def test_the_second_parts_text_is_its_own(course: Assignment):
    """Code above it counts, as imports do; what was written of the first part does not."""
    words = ("markdown", "# Comparison\nof the first part")
    _, second = sheets(course, hw=book(words, FIRST, MARKS[0], SECOND))

    assert second is not None
    assert [c.source for c in second.own] == ["predict = 1", "# Part 2", "predict = 2"]


def test_what_was_written_at_the_other_end_is_beside_the_part(course: Assignment):
    """Answers to the first part at the end of the second, those to the second above the first."""
    words, last = ("markdown", "# All answers"), ("markdown", "# Answers to Part 1\nIt learns.")
    first, second = sheets(course, hw=book(words, FIRST, MARKS[0], SECOND, last))

    assert first is not None
    assert second is not None
    assert [cell.source for cell in first.beside] == ["# Part 2", last[1]]
    assert [cell.source for cell in second.beside] == [words[1]]


def test_a_notebook_of_one_part_is_never_cut(course: Assignment):
    """Under the assignment's name, or where the other part has a notebook of its own."""
    first, second = sheets(course, sums=book(FIRST, MARKS[0], SECOND), more=book(SECOND))

    assert len(sources(first)) == 3
    assert len(sources(second)) == 1


def test_a_notebook_named_after_one_part_does_not_answer_the_other(course: Assignment):
    """Unless it says that it does."""
    _, without = sheets(course, sums=book(FIRST))
    _, with_it = sheets(course, sums=book(FIRST, MARKS[0], SECOND))

    assert without is None
    assert with_it is not None


@pytest.mark.parametrize(
    ("cells", "there"),
    [
        ([("code", "def multiply(x, y): return x * y")], "more"),
        ([("code", "def add(x, y): return x + y"), ("code", "total = add(1, 2)")], "sums"),
        ([("markdown", "# Part 2"), ("code", "x = 1")], "more"),
        ([("code", "x = 1"), ("markdown", "# Part 2"), ("code", "y = 1")], "sums more"),
        ([("code", "def multiply(x, y): return x * y"), ("markdown", "## Teil 1")], "sums more"),
        ([("code", "def addiere(x, y): return x + y\ndef multipliziere(x): pass")], "sums more"),
        ([("code", "def f(x): return x")], "sums more"),
    ],
)
def test_a_part_that_the_only_notebook_shows_nothing_of_was_not_handed_in(
    course_of_two: Assignment, cells: list[tuple[str, str]], there: str
):
    """Where it shows another; in doubt it is asked for both. `check` and the report say so."""
    handed_in = Submission("ada", {"hw.ipynb": book(*cells)})
    found = [n for n, s in sections.sections(course_of_two, handed_in).items() if s.notebook]
    told = [note.partition(":")[0] for note in books.notes(course_of_two, handed_in)]

    assert found == there.split()
    assert told == [f"{name} was not handed in" for name in ("sums", "more") if name not in found]


@pytest.mark.parametrize(
    ("imports", "there"),
    [
        ("import torch", "more"),
        ("from sklearn.svm import SVC", "sums"),
        ("import sklearn\nfrom torch import nn", "sums more"),
        ("import numpy as np, random", "sums more"),
    ],
)
def test_where_no_name_tells_which_part_it_is_a_library_does(
    course_of_two: Assignment, imports: str, there: str
):
    """One that the assignment's own notebook imports for that part alone."""
    own = {"sums": "import sklearn, numpy, math", "more": "import torch.nn, numpy, random"}
    for part, code in own.items():
        path = course_of_two.root / "notebooks" / f"{part}.ipynb"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(book(("code", code)))
    handed_in = Submission("ada", {"hw.ipynb": book(("code", f"{imports}\nx = 1"))})

    found = [n for n, s in sections.sections(course_of_two, handed_in).items() if s.notebook]
    assert found == there.split()


def test_the_template_of_an_adapter_asks_nothing_of_a_part_that_was_not_handed_in(
    course_of_two: Assignment,
):
    """Whose names would only be in the way."""
    row = (
        "from types import SimpleNamespace as Row\nNAMES = (Row(names=({name!r},), call='(x, y)', "
    )
    row += "meaning='', optional=False),)\n"
    for part, name in zip(course_of_two.part, ("add", "multiply"), strict=True):
        path = course_of_two.root / part.rubric / "names.py"
        path.write_text(row.replace("{name!r}", repr(name)))
    handed_in = Submission("ada", {"hw.ipynb": book(("markdown", "# Part 2"), ("code", "x = 1"))})

    template = preflight.adapter(sections.sections(course_of_two, handed_in))

    assert "multiply" in template
    assert "add" not in template.partition("\n\n")[2]


def test_what_was_not_handed_in_is_told_in_these_words(course_of_two: Assignment):
    """In the terminal, in reports and in the gradebook; it costs what it costs."""
    criteria = score.score(course_of_two.part[1], None)
    made = result()
    more = made.parts[0].model_copy(update={"name": "more"})
    graded = made.model_copy(update={"criteria": criteria, "parts": [*made.parts, more]})
    words = "not handed in: no notebook is `notebooks/more.ipynb`, or answers this part"

    assert [c.earned for c in criteria] == [0]
    assert summary.reason(criteria[0].properties[0]) == words
    assert words in gradebooks.feedback(graded)
    assert words in summary.summary(graded, "")
    assert "more: not handed in" in summary.matrix_in_words(graded)


def test_a_module_beside_the_notebook_hands_a_part_in(course_of_two: Assignment):
    """Its names count like those of cells."""
    files = {"hw.ipynb": book(CODE_ADD), "net.py": b"def multiply(x, y): return x * y"}

    assert not books.absent(course_of_two, Submission("ada", files))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("hw_part1", "hw_part2"), ("hw_part1", "hw_part2")),
        (("Teil-1", "Teil 2 final"), ("Teil-1", "Teil 2 final")),
        (("x", "y"), (None, None)),
        (("part2_a", "part2_b"), (None, None)),
        (("sums", "hw_part2"), ("sums", "hw_part2")),
    ],
)
def test_two_notebooks_are_told_apart_by_their_names(
    course: Assignment, names: tuple[str, str], expected: tuple[str | None, str | None]
):
    """By the part's number, where only one has it; otherwise nobody can know."""
    found = sheets(course, **dict.fromkeys(names, book(FIRST)))

    assert tuple(s and s.notebook.removesuffix(".ipynb") for s in found) == expected


def test_the_adapter_is_taken_out_and_its_place_kept(course: Assignment):
    """A tagged cell serves both parts, wherever it stands; cells keep their numbers."""
    adapter = ("code", "add = plus", "adapter")
    first, second = sheets(course, hw=book(FIRST, MARKS[0], adapter, SECOND))

    assert first is not None
    assert second is not None
    assert first.adapter == second.adapter == "add = plus"
    assert [cell.source for cell in second.cells][2] == sections.TAKEN_OUT


def test_adapter_py_has_the_last_word(course: Assignment):
    """At the top of the submission or beside the notebook, after the tagged cell."""
    files = {"nb/hw.ipynb": book(FIRST, ("code", "a = 1", "adapter")), "nb/adapter.py": b"a = 2"}
    section = next(iter(sections.sections(course, Submission("ada", files)).values()))

    assert section.notebook
    assert section.adapter == "a = 1\n\na = 2"


def test_each_part_has_its_own_parameters(course: Assignment):
    """In one notebook with a cell for each part, a part's values go in after its own."""
    one = ("code", "seed = 0\ndataset = 'a'", "parameters")
    other = ("code", "seed = 1\ndataset = 'b'", "parameters")
    first, second = sheets(course, hw=book(one, FIRST, MARKS[0], other, SECOND))

    for sheet, expected in ((first, one), (second, other)):
        assert sheet is not None
        assert [c.source for c in sheet.cells if "parameters" in c.tags] == [expected[1]]


@pytest.fixture
def course_of_two(tmp_path: Path) -> Iterator[Assignment]:
    """Two parts that ask for different names: `add` and `total`, and `multiply` and `total`."""
    text = TWO.replace("CELL", "20").replace("RUN", "60").replace("SEEDS", "[0]")
    text = text.replace("DATASETS", '["a"]').replace('rubric = "RUBRIC"', 'rubric = "one"', 1)
    ask = "from ask import student\n"
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "exam.py").write_text(f"{ask}student.add, student.total\n")
    with toys.course(tmp_path, text=text, exam=f"{ask}student.multiply, student.total") as made:
        yield made


CODE_ADD, CODE_TOTAL = ("code", "def add(x, y): return x + y"), ("code", "total = add(1, 2)")
CODE_MULTIPLY = ("code", "def multiply(x, y): return x * y")
ANEW = ("code", "def multiply(x, y): return x * y\ntotal = multiply(1, 2)")


@pytest.mark.parametrize(
    "heading",
    ["## Part 2: mine", "## Part 2", "### Part II", "# Part 2 - mine", "## Teil 2", "Part 2\n==="],
)
def test_a_students_own_numbering_loses_nothing(course_of_two: Assignment, heading: str):
    """A heading of a section inside the first part's answer does not cut it off."""
    cells = [("code", "x = 1"), ("markdown", heading), CODE_ADD, CODE_TOTAL, CODE_MULTIPLY]
    first, second = sheets(course_of_two, hw=book(*cells))

    assert {CODE_ADD[1], CODE_TOTAL[1]} <= set(sources(first))
    assert CODE_MULTIPLY[1] in sources(second)


@pytest.mark.parametrize("own", [("markdown", "## Part 2: the sum"), ("markdown", "## The sum")])
def test_what_the_second_part_binds_anew_is_not_the_firsts(
    course_of_two: Assignment, own: tuple[str, str]
):
    """With a heading of its own in the middle, or none at all."""
    cells = [own, CODE_ADD, own, CODE_TOTAL, ("markdown", "## Next"), ANEW]
    first, _ = sheets(course_of_two, hw=book(*cells))

    assert CODE_ADD[1] in sources(first)
    assert ANEW[1] not in sources(first)


def test_the_real_heading_is_the_last_above_the_second_parts_names(course_of_two: Assignment):
    """Both are called `Part 2`."""
    again = ("markdown", "## Part 2: again")
    cells = [CODE_ADD, again, CODE_TOTAL, MARKS[0], ("code", "y = 1"), ANEW]
    first, second = sheets(course_of_two, hw=book(*cells))

    assert sources(first) == [cell[1] for cell in cells[:3]]
    assert second is not None
    assert second.begins == 3


@pytest.mark.parametrize("fence", ["```\n# Part 2\n```", "~~~ md\n# Part 2\n~~~", "```\n# Part 2"])
def test_a_heading_in_a_fence_is_none(course: Assignment, fence: str):
    """It is an example."""
    first, _ = sheets(course, hw=book(FIRST, ("markdown", fence), SECOND))

    assert len(sources(first)) == 3


OF_FIRST = ("markdown", "It adds: my answer to the question.\n\n# Part 2\n\nIt multiplies.")


def texts(sheet: Section | None) -> str:
    assert sheet is not None
    return "|".join(cell.source for cell in sheet.own if cell.kind != "code")


@pytest.mark.parametrize(
    "heading", ["# Part 2", "Part 2\n------", "**Part 2**", "<h2>Part 2</h2>", "### Teil II: x"]
)
def test_a_cell_is_cut_above_the_heading(course_of_two: Assignment, heading: str):
    """What stands above it answers the first part, and is nowhere else; the same in one or two."""
    middle = ("markdown", f"It adds: my answer.\n\n{heading}\n\nIt multiplies.")
    first, second = sheets(course_of_two, hw=book(CODE_ADD, CODE_TOTAL, middle, ANEW))

    assert texts(first) == "It adds: my answer.\n\n"
    assert texts(second) == f"{heading}\n\nIt multiplies."
    assert second is not None
    assert len({cell.id for cell in second.cells}) == len(second.cells) == 5


@pytest.mark.parametrize(
    "middle", ["## My network\nIt learns.", "## Part 1, a summary\nIt learns.\n## Numbers\n3"]
)
@pytest.mark.parametrize("heading", ["# Transformer", "## Part 2: attention", "# <b>Attention</b>"])
def test_text_below_a_heading_of_the_first_part_stays_with_it(
    course_of_two: Assignment, middle: str, heading: str
):
    """Right above the second part's code, in the same cell or in another."""
    for between in (
        [("markdown", f"{middle}\n{heading}")],
        [("markdown", middle), ("markdown", heading)],
    ):
        first, second = sheets(course_of_two, hw=book(CODE_ADD, CODE_TOTAL, *between, ANEW))

        assert texts(first).strip() == middle
        assert texts(second).strip() == heading


@pytest.mark.parametrize("second", [CODE_MULTIPLY, ANEW])
def test_a_students_own_part_2_keeps_its_text(course_of_two: Assignment, second: tuple[str, str]):
    """A section of the first part is called so; its words are the first's."""
    own = ("markdown", "intro\n## Part 2: the total\nMy answer.")
    products = ("markdown", "## Products")
    cells = [("code", "x = 1"), CODE_ADD, own, CODE_TOTAL, products, second]
    first, _ = sheets(course_of_two, hw=book(*cells))

    assert "My answer." in texts(first)


def test_a_fence_is_never_cut(course_of_two: Assignment):
    """A heading in an example is none."""
    fence = ("markdown", "like this:\n```\n# Part 2\n```\n")
    first, _ = sheets(course_of_two, hw=book(CODE_ADD, fence, CODE_TOTAL, CODE_MULTIPLY))

    assert texts(first) == fence[1]


@pytest.mark.parametrize(
    "mark",
    ["__Part 2__", "<b>Part 2</b>", "<center><h1>Part 2</h1></center>", "Part 2", "2. Part 2:",
     "- **Teil 2**", "> Part two", "#Part 2", "## 🤖 Part 2", '<font color="red"><b>PART II'],
)  # fmt: skip
def test_other_ways_to_write_a_heading(course: Assignment, mark: str):
    """Bold, HTML, a line of its own, a list."""
    first, _ = sheets(course, hw=book(FIRST, ("markdown", mark), SECOND))

    assert sources(first) == [FIRST[1]]


def test_a_first_part_in_two_pieces_is_whole(course_of_two: Assignment):
    """Before and after the second, whatever the headings say."""
    again = ("markdown", "# Part 1, continued")
    cells = [CODE_TOTAL, MARKS[0], CODE_MULTIPLY, again, CODE_ADD]
    first, _ = sheets(course_of_two, hw=book(*cells))

    assert {CODE_ADD[1], CODE_TOTAL[1]} <= set(sources(first))
