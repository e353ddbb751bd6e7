"""A notebook's cells, of one format, whatever wrote the file."""

import json
import subprocess
import sys
from typing import Any

import nbformat
import pytest

from assay.submission import notebook


def book(*cells: dict[str, Any], **others: Any) -> bytes:
    return json.dumps({"cells": list(cells), "nbformat": 4, **others}).encode()


def code(source: str = "x", **others: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, **others}


def test_a_notebook_is_read_without_nbformat():
    """Which takes seconds to import where JupyterLab has brought a grammar of IRIs with it."""
    code = "import sys, assay.cli.checks, assay.cli.steps; print('nbformat' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_format_3_is_upgraded():
    """Worksheets become cells, headings Markdown, and old outputs are nobody's business."""
    old = nbformat.v3.new_notebook(
        worksheets=[
            nbformat.v3.new_worksheet(
                cells=[
                    nbformat.v3.new_heading_cell("Part 1", level=2),
                    nbformat.v3.new_code_cell("x = 1", outputs=[{"output_type": "odd"}]),
                    nbformat.v3.new_text_cell("markdown", source="words"),
                ]
            )
        ]
    )
    cells = notebook.cells_of(json.dumps(old).encode(), "old.ipynb")

    assert [(cell.kind, cell.source) for cell in cells] == [
        ("markdown", "## Part 1"),
        ("code", "x = 1"),
        ("markdown", "words"),
    ]


def test_text_of_format_3_may_stand_line_by_line():
    """As its own programs wrote it: code, words and headings."""
    kinds = {"code": "input", "markdown": "source", "heading": "source"}
    cells = [{"cell_type": kind, key: ["a = 1\n", "b = 2"]} for kind, key in kinds.items()]
    old = {"nbformat": 3, "worksheets": [{"cells": cells}]}
    read = notebook.cells_of(json.dumps(old).encode(), "old.ipynb")

    assert [cell.source for cell in read] == ["a = 1\nb = 2", "a = 1\nb = 2", "# a = 1 b = 2"]


def test_an_upgraded_notebook_is_the_same_each_time():
    """Ids are counted, not drawn: the same file is the same run."""
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": "x"}]}]}
    content = json.dumps(old).encode()
    first, again = notebook.cells_of(content, "a"), notebook.cells_of(content, "b")

    assert notebook.dumps(first) == notebook.dumps(again)


@pytest.mark.parametrize(
    "ids",
    [
        ("a", "a", "a"),
        (None, None, None),
        ("", "x y", 5),
        ("cell-1", "cell-0", "cell-1"),
        ("cell-2", "cell-2", "cell-2"),
        ("assay-exam", "a", "b"),
    ],
)
def test_every_cell_has_an_id_of_its_own(ids: tuple[Any, ...]):
    """Given twice, missing, odd, or ours: made anew, and nothing is said."""
    cells = notebook.cells_of(book(*(code(id=name) for name in ids)), "x")
    found = [cell.id for cell in cells]

    assert len(set(found)) == len(ids)
    assert notebook.EXAM not in found
    nbformat.validate(nbformat.reads(notebook.dumps(cells).decode(), as_version=4))


def test_outputs_and_metadata_stay_behind():
    """What a notebook claims to have printed, its widgets and its kernel's name."""
    cell = code(
        outputs=[{"output_type": "stream", "text": "accuracy 100 %"}],
        execution_count=7,
        metadata={"tags": ["parameters"], "widgets": {"a": 1}},
    )
    content = book(cell, metadata={"kernelspec": {"name": "../../evil"}, "widgets": {"s": 1}})
    kept = json.loads(notebook.dumps(notebook.cells_of(content, "x")))

    assert kept["cells"][0]["outputs"] == []
    assert kept["cells"][0]["metadata"] == {"tags": ["parameters"]}
    assert kept["metadata"] == {"language_info": {"name": "python"}}


def test_pictures_in_markdown_come_along():
    """A diagram pasted into a cell is part of the answer."""
    picture = {"d.png": {"image/png": "aGk="}}
    cell = {"cell_type": "markdown", "source": "![d](attachment:d.png)", "attachments": picture}
    kept = json.loads(notebook.dumps(notebook.cells_of(book(cell), "x")))

    assert kept["cells"][0]["attachments"] == picture


def test_a_cell_knows_what_its_code_binds_and_imports():
    """Worked out once, and of code alone; a cell that is not Python binds nothing."""
    code = "import numpy as np\nfrom os import path\nseed = 3\ndef f(): inner = 1"
    cell = notebook.NotebookCell("code", code)

    assert cell.bound == {"np", "path", "seed", "f"}
    assert cell.imported == {"np", "path"}
    assert cell.imports == ("numpy", "os")
    assert cell.bound is cell.bound
    for silent in (
        notebook.NotebookCell("markdown", code),
        notebook.NotebookCell("code", "seed = = 3"),
    ):
        known = [silent.bound, silent.imports, silent.imported, silent.only_sets]
        assert not any(known)
    sets = [
        notebook.NotebookCell("code", source).only_sets
        for source in ("seed = 3", "seed = f()", code)
    ]
    assert sets == [True, False, False]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_cell_is_the_same_whatever_ends_its_lines(end: str):
    """In one text and line by line, in code and under a heading: as every editor shows it."""
    text = ["%matplotlib inline", "## Part 2", "x = 1"]
    lines = [f"{line}{end}" for line in text]
    found = notebook.cells_of(book(code(end.join([*text, ""])), code(lines)), "hw.ipynb")

    assert [cell.source for cell in found] == ["%matplotlib inline\n## Part 2\nx = 1\n"] * 2


@pytest.mark.parametrize("minor", range(7))
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
def test_every_minor_version_of_format_4_is_read(minor: int, mark: bytes):
    """With ids and without; one of a later program holds nothing that is looked at."""
    for cells in ([code("x", id="a")], [code("x")], [code("x", id="a"), code("x", id="a")]):
        found = notebook.cells_of(mark + book(*cells, nbformat_minor=minor), "hw.ipynb")

        assert [cell.source for cell in found] == ["x"] * len(cells)
        assert len({cell.id for cell in found}) == len(cells)


@pytest.mark.parametrize(("many", "is_read"), [("![" * 1_100_000, True), ([[]] * 1_100_000, False)])
def test_brackets_in_a_text_are_no_lists(many: object, is_read: bool):
    """A notebook of many megabytes of Markdown is read; one of a million lists is not."""
    content = book({"cell_type": "markdown", "source": "#", "metadata": {}, "more": many})

    assert notebook.is_huge(content) is not is_read
    if not is_read:
        with pytest.raises(ValueError, match="more than 1,000,000 lists and objects"):
            notebook.manageable(content)
