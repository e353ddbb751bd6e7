"""The rows of a gradebook are those of people, as the platform knows them."""

import csv
import io

import pytest

from assay.export import gradebooks
from assay.records import Person, Result
from tests.toys.made import made


def people(*ids: str, platform: str) -> list[Person]:
    return [Person(platform=platform, id=one, name=f"N {one}", email=f"{one}@x") for one in ids]


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


GROUP: list[Result] = [
    made(submission="submission_11", people=people("7001", "7003", platform="gradescope")),
    made(submission="submission_12", people=people("7002", platform="gradescope")),
]


def test_each_of_a_group_has_a_row():
    """By the number that the platform knows, in every table."""
    canvas, moodle = rows(gradebooks.canvas(GROUP, "HW")), rows(gradebooks.moodle(GROUP, "HW"))
    nbgrader = rows(gradebooks.nbgrader(GROUP, "HW"))

    assert [row[2] for row in canvas[2:]] == ["7001", "7003", "7002"]
    assert [row[0] for row in moodle[1:]] == ["7001", "7003", "7002"]
    assert [(row[3], row[6]) for row in nbgrader[1:]] == [
        ("7001", "7001@x"),
        ("7003", "7003@x"),
        ("7002", "7002@x"),
    ]
    assert len({row[-1] for row in canvas[2:]}) == 1


def test_platforms_own_numbers_are_theirs():
    """Canvas' user number in its ID, Moodle's participant in its identifier."""
    ann = [made(submission="alphaann_101", people=people("101", platform="canvas"))]
    oz = [made(submission="Çiğdem Öz_5503", people=people("5503", platform="moodle"))]

    assert rows(gradebooks.canvas(ann, "HW"))[2][:4] == ["N 101", "101", "", ""]
    assert rows(gradebooks.moodle(oz, "HW"))[1][:2] == ["Participant 5503", "N 5503"]


def test_moodles_participants_are_written_into_moodles_worksheet():
    """It refuses a table without these three columns, and reads grade and feedback."""
    dee = made(submission="Dee_5504", people=people("5504", platform="moodle"), not_graded=["no"])
    ann = made(submission="Ann_5501", people=people("5501", platform="moodle"))
    head, *found = rows(gradebooks.moodle([ann, dee], "HW"))

    assert {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"} <= set(head)
    table = [dict(zip(head, row, strict=True)) for row in found]
    assert [row["Identifier"] for row in table] == ["Participant 5501", "Participant 5504"]
    assert [row["Grade"] for row in table] == ["1.50", ""]
    assert "no" in table[1]["Feedback comments"]


@pytest.mark.parametrize(
    ("result", "column", "said"),
    [
        (made(submission="eve", not_graded=["no notebook"]), "HW", "Canvas clears a mark"),
        (made(submission="ada"), "Final Grade of HW", "Canvas drops a column"),
        (made(submission="ada"), "current score", "Canvas drops a column"),
    ],
)
def test_what_a_platform_would_do_in_silence_is_told(result: Result, column: str, said: str):
    """An empty cell, and a column that is dropped for its name."""
    (warning,) = gradebooks.warnings([result], column)

    assert said in warning
    assert gradebooks.warnings([made(submission="ada")], "Homework 3") == []


def test_two_rows_of_one_person_are_told():
    """The platform would keep the last."""
    twice = [made(submission=name, people=people("7", platform="canvas")) for name in "ab"]

    assert "of one person, 7" in gradebooks.warnings(twice, "HW")[0]
