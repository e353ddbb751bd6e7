"""What a rubric is written with, where the exam runs: in a kernel, beside the student's code."""

import json

import pytest

from assay.course.assignment import Assignment
from assay.execution.execute import Ended
from assay.records import Outcome
from tests.toys import toy as toys
from tests.toys.toy import ADD, submission

IMPORTS = {
    "names": "from assay.rubric import Question, same_numbers, slopes",
    "a module": (
        "from assay import rubric\nsame_numbers, slopes = rubric.same_numbers, rubric.slopes"
    ),
    "a file": (
        "from assay.rubric.comparison import same_numbers\n"
        "from assay.rubric.properties import slopes"
    ),
}
EXAM = """
from ask import ask, student
IMPORT

with ask("add/plain") as (given, answer):
    answer.out = student.add(given.x, given.y)
    answer.slopes = slopes(lambda x: student.add(x, given.y).sum(), given.x)
    answer.text = f"same: {same_numbers(answer.out, given.x + given.y, atol=1e-9)}"
"""


def asked(course: Assignment, *cells: str, **files: bytes) -> dict[str, bytes]:
    """The evidence of a run in a real kernel."""
    ended: Ended = toys.run(course, submission(ADD, *cells, **files))

    assert ended.outcome is Outcome.COMPLETED
    return ended.files


@pytest.mark.parametrize("way", IMPORTS)
def test_an_exam_may_import_it(tmp_path, way: str):
    """However it names it; no other module of assay is there, and no installation is needed."""
    exam = EXAM.replace("IMPORT", IMPORTS[way])
    with toys.course(tmp_path, exam=exam) as course:
        files = asked(course)
        support = toys.jobs(course, submission(ADD))[0].code

    assert json.loads(files["evidence/add/plain.json"])["status"] == "answered"
    assert toys.arrays(files["evidence/add/plain.npz"])["slopes"].round(6).tolist() == [1, 1, 1]
    assert {name.split("/")[2] for name in support if name.startswith("support/assay/")} == {
        "__init__.py",
        "rubric",
    }


def test_it_stays_out_of_an_exam_that_does_not_ask_for_it(tmp_path):
    """So the key of a run changes with it only if it can change the answers."""
    with toys.course(tmp_path) as course:
        support = toys.jobs(course, submission(ADD))[0].code

    assert not [name for name in support if "rubric" in name]


def test_a_module_of_that_name_that_was_handed_in_is_not_it(tmp_path):
    """The support folder is looked through first, and the judge never looks into a submission."""
    with toys.course(tmp_path, exam=EXAM.replace("IMPORT", IMPORTS["names"])) as course:
        forged = {"assay/__init__.py": b"", "assay/rubric.py": b"def slopes(*_): return 7"}
        files = asked(course, **forged)

    assert toys.arrays(files["evidence/add/plain.npz"])["slopes"].round(6).tolist() == [1, 1, 1]
