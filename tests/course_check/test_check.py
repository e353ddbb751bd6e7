"""The check of a course as a whole: what it begins meanwhile."""

from pathlib import Path
from threading import Event

from assay.course_check import check
from assay.evidence.store import Store
from tests.toys import toy as toys
from tests.toys.shared import MACHINE


def test_what_comes_next_is_begun_where_the_course_is_not_known(tmp_path: Path, store: Store):
    """Imports and proofs take seconds; of a course that is known nothing has to be got ready."""
    first, again = Event(), Event()
    with toys.course(tmp_path / "course", text=toys.toml()) as course:
        found = check.static(course, store, MACHINE.servers, first.set)
        same = check.static(course, store, MACHINE.servers, again.set)

    assert not found.faults
    assert found == same
    assert first.wait(600)
    assert not again.is_set()
