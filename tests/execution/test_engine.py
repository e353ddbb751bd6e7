"""The notebook is saved as it runs, and saving takes no time worth speaking of."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import papermill
import pytest

from assay.course.assignment import Assignment
from assay.execution import engine
from assay.records import Outcome
from tests.toys import toy as toys
from tests.toys.shared import execute
from tests.toys.toy import ADD, submission


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    """The toy, whose runs end after four seconds."""
    with toys.course(tmp_path / "course", text=toys.toml(cell=60, run=4)) as assignment:
        yield assignment


def test_saving_takes_its_share_at_most():
    """The first that is due saves, those that follow do not, and one after a while does again."""
    saved: list[float] = []

    def save() -> None:
        saved.append(time.monotonic())
        until = time.thread_time() + 0.002
        while time.thread_time() < until:
            pass

    start = time.monotonic()
    seldom = engine._seldom(save, due=start + 0.1)
    while (now := time.monotonic()) < start + 0.6 or len(saved) < 2:
        assert now < start + 60  # others may have the processor for longer than 0.6 s
        seldom()

    assert saved[0] >= start + 0.1
    assert 2 <= len(saved) <= (saved[-1] - start) * engine.SHARE / 0.002


def test_a_short_run_is_saved_at_its_start_and_its_end_and_once_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """papermill on its own saves twice a cell, and twice at the end."""
    saved: list[str] = []
    write = papermill.iorw.write_ipynb

    def note_and_write(nb: nbformat.NotebookNode, path: str) -> None:
        saved.append(path)
        write(nb, path)

    for module in (papermill.engines, papermill.execute):
        monkeypatch.setattr(module, "write_ipynb", note_and_write)
    cells = [nbformat.v4.new_code_cell(f"print({number})") for number in range(3)]
    book, executed = tmp_path / "book.ipynb", tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), book)
    start = time.monotonic()
    papermill.execute_notebook(
        str(book), str(executed), engine_name=engine.NAME, kernel_name="python3", progress_bar=False
    )
    took = time.monotonic() - start
    outputs = [cell.outputs[0].text for cell in nbformat.read(executed, 4).cells]

    assert len(saved) <= 3 + took / engine.FIRST  # on a busy machine no run is short
    assert outputs == ["0\n", "1\n", "2\n"]


def test_what_ran_before_the_limit_is_kept(course: Assignment):
    """A run that is cut off leaves the output of the cells that it had finished."""
    cells = ("print('before the limit')", "import time; time.sleep(3)", "time.sleep(60)")
    ended = execute(toys.jobs(course, submission(ADD, *cells))[0].packed)
    outputs = [
        output["text"]
        for cell in json.loads(ended.files["executed.ipynb"])["cells"]
        for output in cell.get("outputs", [])
    ]

    assert ended.outcome is Outcome.TIMED_OUT
    assert ["".join(output) for output in outputs] == ["before the limit\n"]
