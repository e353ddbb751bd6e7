"""The notebook is saved as it runs, and saving takes no time worth speaking of."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.assignment import Assignment
from assay.records import Outcome
from assay.run import engine
from assay.run.execute import execute
from tests.assay import toy as toys
from tests.assay.toy import ADD, submission


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    """The toy, whose runs end after four seconds."""
    with toys.course(tmp_path / "course", text=toys.toml(cell=60, run=4)) as assignment:
        yield assignment


def test_saving_takes_its_share_at_most():
    """The first call saves, those that follow do not, and one after a while does again."""
    saved: list[float] = []

    def save() -> None:
        saved.append(time.monotonic())
        time.sleep(0.002)

    seldom = engine._seldom(save)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        seldom()

    assert 2 <= len(saved) <= 0.5 * engine.SHARE / 0.002 + 1


def test_what_ran_before_the_limit_is_kept(course: Assignment):
    """A run that is cut off leaves the output of the cells that it had finished."""
    cells = ("print('before the limit')", "import time; time.sleep(0.5)", "time.sleep(60)")
    ended = execute(toys.jobs(course, submission(ADD, *cells))[0].packed)
    outputs = [
        output["text"]
        for cell in json.loads(ended.files["executed.ipynb"])["cells"]
        for output in cell.get("outputs", [])
    ]

    assert ended.outcome is Outcome.TIMED_OUT
    assert ["".join(output) for output in outputs] == ["before the limit\n"]
