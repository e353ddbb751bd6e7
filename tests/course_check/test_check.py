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


GIVEN_ANEW = f"""{toys.GIVEN}
with open(TOLD, "a") as told:
    told.write("x")
"""
SLIP = '''
def test_slip(evidence):
    """A question that nobody asks."""
    assert evidence["add/plane"].out.size == 4, "wrong"
'''


def test_questions_are_drawn_once_for_all_that_a_test_file_says(tmp_path: Path, store: Store):
    """A file that stands by itself is looked at anew; what it is asked about is known."""
    told = tmp_path / "told"
    given = GIVEN_ANEW.replace("TOLD", repr(str(told)))
    with toys.course(tmp_path / "course", given=given) as course:
        test = course.root / course.part[0].rubric / "test_add.py"

        def drawn() -> tuple[int, list[str]]:
            before = len(told.read_text()) if told.exists() else 0
            found = check.static(course, store, MACHINE.servers)
            return len(told.read_text()) - before, [str(fault) for fault in found.faults]

        first, faults = drawn()
        assert first
        assert not faults

        test.write_text(f"{toys.TEST}\n# changed\n")
        assert drawn() == (0, [])

        test.write_text(toys.TEST + SLIP)
        again, (fault,) = drawn()
        assert again == 0
        assert "test_add.py" in fault
        assert "add/plane" in fault

        test.write_text(f"import given\n{toys.TEST}")
        again, _ = drawn()
        assert again, "what a test file imports all others may rest on"

        place = course.root / course.part[0].rubric / "given.py"
        place.write_text(place.read_text().replace("def draw", "def drew"))
        again, (fault, *_) = drawn()
        assert again
        assert "it defines no function `draw" in fault


def test_a_draw_that_fails_at_other_seeds_than_are_written_is_a_fault(tmp_path: Path, store: Store):
    """Who asks for a seed by hand hears of the course's slip, with its line."""
    head, draw, rest = toys.GIVEN.partition("def draw(rng, parameters):\n")
    slip = "    if parameters['seed'] == 9:\n        raise ValueError('no nine')\n"
    with toys.course(tmp_path / "course", given=f"{head}{draw}{slip}{rest}") as course:
        (part,) = course.part
        other = course.model_copy(update={"part": [part.model_copy(update={"seeds": [9]})]})
        found = check.whole(other, store, MACHINE.servers, lambda jobs: [])
    assert draw
    assert [("ValueError: no nine" in fault.said, ".py:" in fault.where) for fault in found.faults]
