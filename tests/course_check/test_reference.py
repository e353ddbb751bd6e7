"""The course's own answer: read without its class, run once, found again in the store."""

from pathlib import Path

import pytest

from assay.course_check import files, reference
from assay.evidence.store import Store
from assay.records import Run
from assay.scheduling import scheduler
from assay.scheduling.resources import ResourcePool
from tests.mistakes.grading import one_part
from tests.toys import toy as toys
from tests.toys.shared import MACHINE


def test_the_reference_is_run_once_at_each_place(tmp_path: Path):
    """Each with the next seed; its runs are then found without running anything."""
    store = Store(tmp_path / "store")
    with toys.course(tmp_path / "course", text=toys.toml(seeds=(3, 4), datasets=("b", "c"))) as toy:
        before = reference.records(toy, toy.part[0], store)
        jobs = reference.jobs(toy)
        records = scheduler.run_all(
            jobs,
            store,
            machine=MACHINE,
            resources=ResourcePool(1),
            force=False,
            progress=lambda record, was_kept: None,
        )
        after = reference.records(toy, toy.part[0], store)

    assert before == []
    assert [job.run.id for job in jobs] == ["sums/b/seed-3", "sums/c/seed-4"]
    assert after == records


def test_submissions_in_the_course_do_not_change_its_reference(tmp_path: Path):
    """A class handed in below the assignment is no part of its own answer."""
    with toys.course(tmp_path / "course") as toy:
        alone = reference.submission(toy)
        handed_in = toy.root / "handed_in"
        handed_in.mkdir()
        (handed_in / "ada.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, toys.SUBTRACT))
        beside = reference.submission(toy)

    assert alone is not None
    assert beside is not None
    assert alone.digest == beside.digest


def test_a_course_without_a_notebook_has_no_reference(tmp_path: Path):
    with toys.course(tmp_path / "course") as toy:
        (toy.root / "notebooks" / "sums.ipynb").unlink()

        assert reference.submission(toy) is None
        assert reference.jobs(toy) == []
        assert reference.records(toy, toy.part[0], Store(tmp_path / "store")) == []
        assert reference.jobs_at(toy, toy.part[0], [Run(part="sums", parameters={"seed": 1})]) == []


@pytest.mark.parametrize(
    ("part", "matrix"), [("part1", {"dataset": ["penguins"]}), ("part2", {"task": ["reverse-5"]})]
)
def test_a_part_that_is_left_out_leaves_its_rubric_behind(part: str, matrix: dict[str, list[str]]):
    """Its files name criteria that the course does not have now: that is no fault."""
    alone = one_part(part, [0], matrix)

    assert not [fault.said for fault in files.read(alone, alone.part[0]).faults]
