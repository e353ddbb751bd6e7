"""What a student may name, nest or encode changes nobody else's mark, and is never our fault."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from assay import folders, intake, notebook, submission
from assay.errors import CannotGrade
from assay.run import desk, runner
from tests.assay.toy import ADD, PARAMETERS
from tests.assay.toy import notebook as made

BOOK = made(PARAMETERS, ADD)
HALF = "\ud83d"


def old(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode()


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("kind", ["code", "markdown", "raw"])
def test_half_of_a_character_is_replaced_wherever_it_is(kind: str, version: int):
    """JSON can hold it, and no file of text, no terminal and no digest can."""
    cell = {"cell_type": kind, "source": [f"a {HALF}", "b"], "input": f"a {HALF}b", "id": HALF}
    cell |= {"metadata": {"tags": [HALF], HALF: HALF}, "outputs": [{HALF: HALF}]}
    cell |= {"attachments": {f"{HALF}.png": {HALF: HALF}}}
    content = json.dumps({"nbformat": 4, "cells": [cell], "metadata": {HALF: HALF}}).encode()
    (read,) = notebook.read(content if version == 4 else old(cell), "a.ipynb")

    assert read.source == "a ?b"
    assert f"{read}".encode()
    assert notebook.read(notebook.dumps((read,)), "again")[0].source == read.source


@pytest.mark.parametrize("level", [3e10, 10**9, -5, 0, "9" * 99, None, [2], True, float("nan")])
def test_a_heading_of_any_level_is_a_heading(level: object):
    """Format 3 is upgraded by writing as many `#` as it says."""
    (read,) = notebook.read(old({"cell_type": "heading", "source": "x", "level": level}), "a.ipynb")

    assert read.source.strip("#") == " x"
    assert 1 <= read.source.count("#") <= 6


@pytest.mark.parametrize("version", [3, 4])
def test_more_cells_than_anybody_writes_are_refused(version: int):
    """Before they are made: a million of empty ones cost gigabytes."""
    cells = [{"cell_type": "raw"}] * (notebook.MAX_CELLS + 1)
    new = json.dumps({"nbformat": 4, "cells": cells}).encode()

    with pytest.raises(CannotGrade, match="holds more than 10,000 cells") as caught:
        notebook.read(old(*cells) if version == 3 else new, "a.ipynb")
    assert "10,001" in str(caught.value.found)


def deep(root: Path, last: str, *, is_folder: bool) -> None:
    """Folders in folders, down to where a path is as long as the system takes; and one more."""
    here, total = os.open(root, os.O_RDONLY), len(str(root))
    while total + 201 < 4090:
        os.mkdir("d" * 200, dir_fd=here)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here, total = inner, total + 201
    if is_folder:
        os.mkdir(last, dir_fd=here)
    else:
        os.close(os.open(last, os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


@pytest.mark.parametrize("is_folder", [True, False])
def test_a_path_longer_than_the_system_allows_is_refused(tmp_path: Path, is_folder: bool):
    """A file, or a folder whose content nobody can list."""
    (tmp_path / "hw.ipynb").write_bytes(BOOK)
    deep(tmp_path, "f" * 250, is_folder=is_folder)
    _, problems = submission.inspect(tmp_path)

    assert [problem.what.split(":")[0] for problem in problems] == [
        f"a file name in `{tmp_path}` is too long"
    ]


@pytest.mark.parametrize("name", ["results.json", "Results.JSON", "assets", "index.html"])
def test_no_report_is_called_like_a_page_or_table_of_ours(name: str):
    """`export` would take it for the class."""
    assert folders.folder(name) == f"%{name}"


def test_two_files_of_one_person_under_one_name_are_both_named():
    """Neither replaces the other in silence; the same file twice is one."""
    parts = [intake.Found({"hw.ipynb": BOOK}), intake.Found({"HW.ipynb": BOOK + b" "})]

    (problem,) = intake.joined(parts, Path("ann")).problems
    assert problem.what == "two files of `ann` are called `HW.ipynb`, and they differ"
    assert not intake.joined([parts[0], parts[0]], Path("ann")).problems


@pytest.mark.parametrize(
    ("cells", "sign", "stopped"),
    [(700, "\U0001f600", ""), (2000, "é", ""), (9000, "\x1b", "cut"), (2000, "\U0001f600", "cut")],
)
def test_errors_of_any_number_and_script_are_handed_on(cells: int, sign: str, stopped: str):
    """What the runner writes is never more than is read: too much is the notebook's, not ours."""
    cell = {"number": 1, "error": f"E: {sign * 500}", "source": "x", "traceback": sign * 8000}
    facts = {"cells": [cell] * cells, "exit_code": None, "stopped": "", "detail": ""}
    content = runner.written(facts)
    read = json.loads(content)

    assert len(content) <= desk.FACTS
    assert read["stopped"] == stopped
    assert [one["error"] for one in read["cells"]] == [cell["error"]] * cells
    assert read == facts if not stopped else "more than 50 MB" in read["detail"]
